// oneTBB's workers have frames of their own, which the driving thread begins and ends, and charge to whom they work
// for.
#include <doctest/doctest.h>

#include <atomic>
#include <new>
#include <vector>

#include <framealloc/framealloc.hpp>
#include <framealloc/tbb.hpp>

#include <oneapi/tbb/flow_graph.h>
#include <oneapi/tbb/global_control.h>

#include "support/recorder.hpp"

using namespace test;

namespace {

inline constexpr fa::tag physics{"physics"};
inline constexpr fa::tag solver{physics, "solver"};
constexpr int items = 2000;
const oneapi::tbb::global_control four_threads(oneapi::tbb::global_control::max_allowed_parallelism,
                                               4);  // whatever the machine has

// oneTBB's workers are gone before the program looks for leaks: one that sleeps still holds what it knows of an
// observer.
struct workers_end {
    oneapi::tbb::task_scheduler_handle scheduler{oneapi::tbb::attach{}};
    ~workers_end() { oneapi::tbb::finalize(scheduler, std::nothrow); }
} const at_exit;

}  // namespace

TEST_CASE("workers' bytes sum to the spawning tag, and end with the frame") {
    recorder r;
    fa::smart_alloc alloc{r.options()};
    {
        fa::tbb::job_system jobs{alloc, 4};
        std::vector<std::span<int>> results(items);
        for (int n = 1; n <= 100; ++n) {
            fa::tbb::frame_guard frame{jobs};
            {
                fa::tag_scope tag{alloc, solver};
                jobs.parallel_for(
                    0, items,
                    [&](fa::job_scope& job, int i) {
                        results[static_cast<std::size_t>(i)] = job.result_batch<int>(4);
                        for (int& v : results[static_cast<std::size_t>(i)]) v = i + n;
                        auto temporary = alloc.frame_alloc_batch<int>(100);
                        temporary[99] = i;
                    },
                    fa::job_memory::keep);
            }
            std::size_t wrong = 0;
            for (int i = 0; i < items; ++i) {
                for (int v : results[static_cast<std::size_t>(i)]) wrong += v != i + n ? 1U : 0U;
            }
            CHECK(wrong == 0);
            const std::size_t before = alloc.stats().total_allocated;
            const std::size_t charged = alloc.tag_stats("physics::solver").total_bytes;
            const std::size_t after = alloc.stats().total_allocated;
            CHECK(charged >= std::size_t{items} * (16 + 400));  // a worker that had no job yet has not reset its arena
            CHECK(charged <= std::size_t{items} * (16 + 400) * 4);  // each of four threads has at most one frame's
            CHECK(charged <= before);  // a worker that leaves meanwhile ends its frame: it only becomes less
            CHECK(charged >= after);
            if (n == 1) CHECK(charged == std::size_t{items} * (16 + 400));  // nobody holds anything older
        }
    }
    CHECK(r.faults.empty());
}

TEST_CASE("what a job takes is rewound when it ends; nested jobs and task groups too") {
    recorder r;
    fa::smart_alloc alloc{r.options()};
    fa::tbb::job_system jobs{alloc, 4};
    std::atomic<int> ran{0};
    std::atomic<std::size_t> largest{0};
    {
        fa::tbb::frame_guard frame{jobs};
        fa::tbb::task_group group{jobs};
        for (int t = 0; t < 64; ++t) {
            group.run([&] {
                auto mine = alloc.frame_vec<int>();
                for (int i = 0; i < 1000; ++i) mine.push_back(i);
                jobs.parallel_for(0, 64, [&](int) {
                    auto nested = alloc.frame_vec<int>();
                    for (int i = 0; i < 100; ++i) nested.push_back(i);
                    ++ran;
                });
                int wrong = 0;
                for (int i = 0; i < 1000; ++i) wrong += mine[static_cast<std::size_t>(i)] != i ? 1 : 0;
                CHECK(wrong == 0);
                const std::size_t peak = alloc.frame_stats().peak_bytes;
                for (std::size_t seen = largest; peak > seen && !largest.compare_exchange_weak(seen, peak);) {}
            });
        }
        group.wait();
        CHECK(alloc.stats().total_allocated == 0);
    }
    CHECK(ran == 64 * 64);
    CHECK(largest < 1'000'000);  // 64 x 4,000 and 4,096 x 400 bytes were asked for
    CHECK(r.faults.empty());
}

TEST_CASE("graph nodes are jobs") {
    fa::smart_alloc alloc;
    fa::tbb::job_system jobs{alloc, 4};
    fa::tbb::frame_guard frame{jobs};
    std::atomic<std::size_t> sum{0};
    fa::tag_scope tag{alloc, physics};
    jobs.execute([&] {
        namespace flow = oneapi::tbb::flow;
        flow::graph g;
        flow::function_node<int, int> square(g, flow::unlimited, jobs.job([&](int i) {
            CHECK(alloc.tag_path() == "physics");
            auto temporary = alloc.frame_alloc_batch<int>(16);
            temporary[0] = i * i;
            return temporary[0];
        }));
        flow::function_node<int> add(g, flow::serial, jobs.job([&](int v) { sum += static_cast<std::size_t>(v); }));
        flow::make_edge(square, add);
        for (int i = 0; i < 100; ++i) square.try_put(i);
        g.wait_for_all();
    });
    CHECK(sum == 328'350);
}
