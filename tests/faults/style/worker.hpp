// A job system like those of small engines.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace style {

// One worker with a queue: push() hands a job over, finish() waits for all.
class worker {
public:
    worker() : thread_([this] { run(); }) {}
    ~worker() {
        finish();
        stop_ = true;
        thread_.join();
    }
    void push(std::function<void()> job) {
        const std::lock_guard lock(mutex_);
        jobs_.push_back(std::move(job));
        ++left_;
    }
    void finish() const {
        while (left_ != 0) std::this_thread::yield();
    }

private:
    void run() {
        while (!stop_) {
            std::function<void()> job;
            {
                const std::lock_guard lock(mutex_);
                if (!jobs_.empty()) {
                    job = std::move(jobs_.back());
                    jobs_.pop_back();
                }
            }
            if (!job) {
                std::this_thread::yield();
                continue;
            }
            job();
            --left_;
        }
    }
    std::mutex mutex_;
    std::vector<std::function<void()>> jobs_;
    std::atomic<int> left_{0};
    std::atomic<bool> stop_{false};
    std::thread thread_;
};

}  // namespace style
