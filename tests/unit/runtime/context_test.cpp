// Context travels with the work: workers charge the tag and phase of the thread that gave them the job.
#include <doctest/doctest.h>

#include <array>
#include <barrier>
#include <thread>

#include "support/recorder.hpp"

using namespace test;

namespace {
inline constexpr fa::tag physics{"physics"}, solver{physics, "solver"};
}

FOR_EACH_POLICY("four workers under physics::solver: their bytes sum to the tag, and nothing is untagged") {
    fa::basic_smart_alloc<P> alloc;
    fa::tag_scope tag(alloc, solver);
    const fa::alloc_context ctx = alloc.context();
    CHECK(ctx.tag_path() == "physics::solver");
    constexpr std::size_t workers = 4, blocks = 500;
    std::array<std::vector<void*>, workers> taken;
    std::array<std::size_t, workers> frame_bytes{};
    std::barrier meet(workers + 1);
    std::vector<std::thread> threads;
    for (std::size_t w = 0; w < workers; ++w) {
        threads.emplace_back([&, w] {
            fa::context_scope scope(alloc, ctx);
            CHECK(alloc.tag_path() == "physics::solver");
            alloc.begin_frame();
            for (std::size_t i = 0; i < blocks; ++i) {
                const std::size_t n = 8 * (1 + (i * 7 + w) % 50);
                static_cast<void>(alloc.frame_alloc_bytes(n, 8));
                frame_bytes[w] += n;
                taken[w].push_back(i % 2 == 0 ? alloc.pool_alloc_bytes(64) : alloc.heap_alloc_bytes(10'000));
            }
            CHECK(alloc.tag_stats(solver).frame_bytes >= frame_bytes[w]);
            alloc.end_frame();
            meet.arrive_and_wait();  // all have ended their frame
            meet.arrive_and_wait();  // and all are read before they end
        });
    }
    meet.arrive_and_wait();
    std::size_t frames = 0;
    for (std::size_t n : frame_bytes) frames += n;
    const auto s = alloc.tag_stats("physics::solver");
    CHECK(s.last_frame_bytes == frames);
    CHECK(s.frame_bytes == 0);
    CHECK(s.pool_bytes == workers * blocks / 2 * 64);
    CHECK(s.heap_bytes == workers * blocks / 2 * 10'000);
    const auto rest = alloc.tag_stats("");
    CHECK(rest.total_bytes == 0);
    CHECK(rest.last_frame_bytes == 0);
    meet.arrive_and_wait();
    for (auto& t : threads) t.join();
    for (auto& v : taken) {
        for (std::size_t i = 0; i < v.size(); ++i) {
            if (i % 2 == 0) alloc.pool_free_bytes(v[i], 64);
            else alloc.heap_free_bytes(v[i], 10'000);
        }
    }
    CHECK(alloc.tag_stats("physics").with_children.total_bytes == 0);
}

FOR_EACH_POLICY("phase and budgets go along, and end with the scope") {
    fa::basic_smart_alloc<P> alloc;
    alloc.set_thread_frame_budget(1_KiB);
    alloc.set_thread_pool_budget(64_KiB);
    alloc.on_budget_exceeded(fa::budget_policy::fail);
    alloc.begin_phase("simulate");
    const fa::alloc_context ctx = alloc.context();
    alloc.end_phase();
    CHECK(ctx.phase() == "simulate");
    CHECK(ctx.frame_budget() == 1_KiB);
    CHECK(ctx.pool_budget() == 64_KiB);
    std::thread([&] {
        auto frame = alloc.frame_scope();
        {
            fa::context_scope scope(alloc, ctx);
            CHECK(alloc.current_phase() == "simulate");
            CHECK(frame.try_alloc_bytes(2_KiB) == nullptr);
        }
        CHECK(alloc.current_phase().empty());
        CHECK(frame.try_alloc_bytes(2_KiB) != nullptr);
    }).join();
}

FOR_EACH_POLICY("a context of another allocator changes nothing and is a coded fault") {
    recorder r;
    fa::basic_smart_alloc<P> alloc{r.options()};
    fa::alloc_context ctx;
    {
        fa::basic_smart_alloc<P> other;
        fa::tag_scope tag(other, "elsewhere");
        ctx = other.context();
    }
    fa::context_scope scope(alloc, ctx);
    CHECK(alloc.tag_path().empty());
    CHECK(r.count(fa::code::FA429) == 1);
}
