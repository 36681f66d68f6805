// Four workers, each with its own frames; twenty results handed from thread to thread; blocks freed by whichever thread
// has them last.
#include <framealloc/framealloc.hpp>

#include <condition_variable>
#include <cstdio>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

namespace fa = framealloc;

inline constexpr fa::tag physics{"physics"}, solver{physics, "solver"};

struct island {
    int number;
    std::vector<double> impulses;
};

// Any queue that moves its elements works.
class result_queue {
public:
    void push(fa::transfer_handle<island> h) {
        const std::lock_guard guard(lock_);
        items_.push_back(std::move(h));
        filled_.notify_one();
    }
    fa::transfer_handle<island> pop() {
        std::unique_lock guard(lock_);
        filled_.wait(guard, [&] { return !items_.empty(); });
        fa::transfer_handle<island> h = std::move(items_.front());
        items_.pop_front();
        return h;
    }

private:
    std::mutex lock_;
    std::condition_variable filled_;
    std::deque<fa::transfer_handle<island>> items_;
};

int main() {
    constexpr int workers = 4, results = 20;
    fa::smart_alloc alloc;
    result_queue queue;
    fa::tag_scope tag{alloc, solver};
    const fa::alloc_context context = alloc.context();  // the workers charge the same tag

    std::vector<std::thread> threads;
    for (int w = 0; w < workers; ++w) {
        threads.emplace_back([&, w] {
            fa::context_scope scope{alloc, context};
            for (int n = w; n < results; n += workers) {
                fa::frame_scope frame = alloc.frame_scope();  // this thread's own
                auto scratch = frame.vec<double>(fa::capacity(100));  // gone with the frame
                for (int i = 0; i < 100; ++i) scratch.push_back(n * 100.0 + i);
                queue.push(
                    alloc.frame_box_for_transfer<island>(n, std::vector<double>(scratch.begin(), scratch.end())));
            }
        });
    }

    double checksum = 0;
    for (int i = 0; i < results; ++i) {
        const fa::transfer_box<island> result = queue.pop().receive();
        for (double impulse : result->impulses) checksum += impulse;
    }
    for (std::thread& t : threads) t.join();

    const fa::transfer_stats t = alloc.transfers();
    std::printf("checksum %.0f, %llu transfers, %llu received, %llu dropped\n", checksum,
                static_cast<unsigned long long>(t.initiated), static_cast<unsigned long long>(t.completed),
                static_cast<unsigned long long>(t.dropped));
    std::printf("still held by %s: %zu bytes\n", "physics::solver", alloc.tag_stats(solver).total_bytes);
}
