// One thread begins and ends the frames of all workers; jobs rewind their memory, results stay until the frame ends.
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <optional>
#include <thread>
#include <vector>

#include "support/recorder.hpp"

using namespace test;

namespace {

inline constexpr fa::tag physics{"physics"};
inline constexpr fa::tag solver{physics, "solver"};

struct stages {
    std::atomic<int> now{0};
    void reach(int n) { now = n; }
    void wait_for(int n) const {
        while (now < n) std::this_thread::yield();
    }
};

}  // namespace

FOR_EACH_POLICY("workers' results live until the driver ends the frame, what jobs took besides does not") {
    constexpr int workers = 3, rounds = 50;
    recorder r;
    fa::basic_smart_alloc<P> alloc{r.options()};
    {
        fa::worker_frames frames{alloc};
        std::atomic<int> round{0}, done{0};
        std::span<int> results[workers];
        fa::alloc_context ctx;
        std::vector<std::thread> threads;
        for (int w = 0; w < workers; ++w) {
            threads.emplace_back([&, w] {
                frames.on_worker_enter();
                for (int n = 1; n <= rounds; ++n) {
                    while (round < n) std::this_thread::yield();
                    for (int task = 0; task < 4; ++task) {
                        fa::job_scope job{frames, ctx};
                        CHECK(alloc.tag_path() == "physics::solver");
                        auto temporary = alloc.template frame_vec<int>();
                        for (int i = 0; i < 1000; ++i) temporary.push_back(i);
                        if (task == 0) {
                            results[w] = job.template result_batch<int>(10);
                            for (int& v : results[w]) v = n;
                        }
                    }
                    CHECK(alloc.frame_stats().bytes_in_use < 100);  // the results
                    CHECK(alloc.frame_depth() == 1);
                    ++done;
                }
                while (round <= rounds) std::this_thread::yield();
                frames.on_worker_exit();
                CHECK(alloc.frame_depth() == 0);
            });
        }
        for (int n = 1; n <= rounds; ++n) {
            frames.on_frame_begin();
            CHECK(frames.in_frame());
            CHECK(frames.frame_number() == static_cast<std::uint64_t>(n));
            {
                fa::tag_scope tag{alloc, solver};
                ctx = frames.context();
            }
            round = n;
            while (done < n * workers) std::this_thread::yield();
            for (const auto& result : results) {
                CHECK(result.front() == n);
                CHECK(result.back() == n);
            }
            CHECK(alloc.tag_stats("physics::solver").total_bytes == workers * 40);  // all of it, by the spawning tag
            CHECK(alloc.stats().total_allocated == workers * 40);
            frames.on_frame_end();
        }
        round = rounds + 1;
        for (auto& t : threads) t.join();
    }
    CHECK(alloc.stats().frame_allocated == 0);
    CHECK(r.faults.empty());
}

FOR_EACH_POLICY("results of a job without a driver's frame are reported and end with the job; its own memory is not") {
    recorder r;
    fa::basic_smart_alloc<P> alloc{r.options()};
    fa::worker_frames frames{alloc};
    {
        fa::job_scope job{frames, frames.context()};
        auto temporary = alloc.template frame_vec<int>();
        temporary.push_back(1);
        CHECK(r.faults.empty());
        CHECK(job.template result_batch<int>(10).size() == 10);
        CHECK(r.faults == std::vector{fa::code::FA001});
    }
    CHECK(alloc.frame_depth() == 0);
    frames.on_frame_begin();
    {
        fa::job_scope job{frames, frames.context()};
        CHECK(job.template result_batch<int>(10).size() == 10);
    }
    frames.on_frame_end();
    CHECK(r.faults.size() == 1);
}

FOR_EACH_POLICY("a late job keeps its memory; a worker that has left keeps its results") {
    recorder r;
    fa::basic_smart_alloc<P> alloc{r.options()};
    fa::worker_frames frames{alloc};
    stages stage;
    std::span<int> left;
    frames.on_frame_begin();
    const auto ctx = frames.context();
    std::thread late([&] {
        frames.on_worker_enter();
        CHECK(alloc.frame_depth() == 1);
        {
            fa::job_scope job{frames, ctx};
            auto numbers = alloc.template frame_alloc_batch<int>(1000);
            std::fill(numbers.begin(), numbers.end(), 7);
            left = job.template result_batch<int>(3);
            stage.reach(1);
            stage.wait_for(2);
            {
                fa::job_scope nested{frames, ctx};  // no safe point: the outer job is not done
                static_cast<void>(alloc.template frame_alloc_batch<int>(1000));
            }
            CHECK(numbers[0] == 7);
            CHECK(numbers[999] == 7);
        }
        frames.on_worker_exit();
        CHECK(alloc.frame_depth() == 0);
        stage.reach(3);
        stage.wait_for(4);
        frames.on_worker_enter();
        {
            fa::job_scope job{frames, ctx, fa::job_memory::keep};
            fa::basic_vec<int, fa::frame_source, P> v(job.results());
            for (int i = 0; i < 100; ++i) v.push_back(i);
            left = v;
        }
        frames.on_worker_exit();
        CHECK(alloc.frame_depth() == 1);
        stage.reach(5);
        stage.wait_for(6);
    });
    stage.wait_for(1);
    frames.on_frame_end();
    stage.reach(2);
    stage.wait_for(3);
    frames.on_frame_begin();
    stage.reach(4);
    stage.wait_for(5);
    CHECK(left.size() == 100);
    CHECK(left[99] == 99);
    stage.reach(6);
    late.join();  // ends with its frame open: the driving thread ends it
    frames.on_frame_end();
    CHECK(r.faults.empty());
    frames.on_frame_end();
    CHECK(r.count(fa::code::FA428) == 1);
    frames.on_frame_begin();
    frames.on_frame_begin();
    CHECK(r.count(fa::code::FA428) == 2);
    CHECK(alloc.frame_depth() == 1);
}

FOR_EACH_POLICY("what threads leave behind that end while the frame is open stays until its end") {
    for (const std::uint32_t in_flight : {1U, 2U, 3U}) {
        CAPTURE(in_flight);
        recorder r;
        counted::alive = 0;
        {
            fa::basic_smart_alloc<P> alloc{r.options({.frames_in_flight = in_flight})};
            fa::worker_frames frames{alloc};
            for (int n = 0; n < 5; ++n) {
                frames.on_frame_begin();
                const auto ctx = frames.context();
                std::vector<std::span<int>> results;
                std::vector<counted*> objects;
                for (int t = 0; t < 10; ++t) {
                    std::thread([&] {
                        fa::job_scope job{frames, ctx, fa::job_memory::keep};
                        results.push_back(job.template result_batch<int>(1000));
                        std::fill(results.back().begin(), results.back().end(), t);
                        if (t % 2 == 0) objects.push_back(alloc.template frame_make<counted>(t));
                        if (t % 3 == 0) alloc.begin_frame(), alloc.end_frame();
                    }).join();
                }
                CHECK(counted::alive >= static_cast<int>(objects.size()));
                for (std::size_t t = 0; t < results.size(); ++t)
                    CHECK(std::count(results[t].begin(), results[t].end(), static_cast<int>(t)) == 1000);
                for (std::size_t t = 0; t < objects.size(); ++t) CHECK(objects[t]->id == static_cast<int>(2 * t));
                frames.on_frame_end();
                CHECK(r.faults.empty());
            }
            CHECK(counted::alive <= 5 * static_cast<int>(in_flight + 1));  // those that no worker has released yet
            frames.on_frame_begin();
            std::thread([&] {
                fa::job_scope job{frames, frames.context()};
                static_cast<void>(job.template result_batch<int>(10));
            }).join();
        }
        CHECK(counted::alive == 0);
        CHECK(r.faults.empty());
    }
}

FOR_EACH_POLICY("a thread that ends after the driver's frame, or the driver, ends its own part") {
    for (const bool driver_gone : {false, true}) {
        recorder r;
        counted::alive = 0;
        fa::basic_smart_alloc<P> alloc{r.options()};
        std::optional<fa::worker_frames> frames;
        frames.emplace(alloc);
        frames->on_frame_begin();
        stages stage;
        std::thread worker([&] {
            {
                fa::job_scope job{*frames, frames->context(), fa::job_memory::keep};
                static_cast<void>(alloc.template frame_make<counted>(1));
            }
            stage.reach(1);
            stage.wait_for(2);
        });
        stage.wait_for(1);
        CHECK(counted::alive == 1);
        frames->on_frame_end();
        if (driver_gone) frames.reset();
        stage.reach(2);
        worker.join();
        CHECK(counted::alive == 0);
        CHECK(alloc.stats().frame_allocated == 0);
        CHECK(r.faults.empty());
    }
}

FOR_EACH_POLICY("a second driver takes over what the first has left open") {
    recorder r;
    fa::basic_smart_alloc<P> alloc{r.options()};
    for (int i = 0; i < 3; ++i) {
        fa::worker_frames frames{alloc};
        frames.on_frame_begin();
        CHECK(alloc.frame_depth() == 1);
    }
    CHECK(alloc.frame_depth() == 0);
    CHECK(r.faults.empty());
}

FOR_EACH_POLICY("a worker's thread can end when there is no memory to keep its results") {
    for (std::uint64_t served = 0; served < 4; ++served) {
        CAPTURE(served);
        recorder r;
        counted::alive = 0;
        {
            fa::basic_smart_alloc<P> alloc{r.options()};
            fa::worker_frames frames{alloc};
            frames.on_frame_begin();
            fa::os::metadata& tables = alloc.owner().owner->meta;
            std::thread([&] {
                {
                    fa::job_scope job{frames, frames.context(), fa::job_memory::keep};
                    static_cast<void>(alloc.template frame_make<counted>(1));
                }
                tables.refuse_after(served, true);
            }).join();
            tables.serve_again();
            CHECK(counted::alive == (served < 2 ? 0 : 1));  // a counter and a note
            frames.on_frame_end();
        }
        CHECK(counted::alive == 0);
        CHECK(r.faults.empty());
        CHECK(r.exhaustions.empty());
    }
}
