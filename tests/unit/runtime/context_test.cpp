// Context travels with the work: workers charge the tag and phase of the thread that gave them the job.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <barrier>
#include <memory>
#include <random>
#include <thread>
#include <vector>

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

FOR_EACH_POLICY("budgets that are set inside context scopes end with them, in whatever order those close") {
    recorder r;
    const fa::basic_smart_alloc<P> alloc{r.options()};
    struct open_scope {
        std::unique_ptr<fa::context_scope> scope;
        std::size_t before;  // the budget that its end puts back
    };
    std::vector<open_scope> open;
    std::mt19937 random(11);
    std::size_t expected = 0;
    std::vector<fa::alloc_context> contexts{alloc.context()};
    for (int i = 0; i < 3'000; ++i) {
        switch (random() % 5) {
            case 0:
                expected = (1 + random() % 100) * 4096;
                alloc.set_thread_frame_budget(expected);
                break;
            case 1: contexts.push_back(alloc.context()); break;
            case 2:
            case 3: {
                if (open.size() == 12) break;
                const fa::alloc_context& chosen =
                    contexts[contexts.size() - 1 - random() % std::min<std::size_t>(contexts.size(), 8)];
                open.push_back({std::make_unique<fa::context_scope>(alloc, chosen), expected});
                expected = chosen.frame_budget();
                break;
            }
            default: {
                if (open.empty()) break;
                const std::size_t k = random() % 4 != 0 ? open.size() - 1 : random() % open.size();
                if (k + 1 == open.size()) expected = open[k].before;
                else open[k + 1].before = open[k].before;
                open.erase(open.begin() + static_cast<std::ptrdiff_t>(k));
            }
        }
        REQUIRE(alloc.context().frame_budget() == expected);
    }
    while (!open.empty()) {
        expected = open.back().before;
        open.pop_back();
        CHECK(alloc.context().frame_budget() == expected);
    }
    CHECK(r.count(fa::code::FA429) > 0);
    CHECK(r.count(fa::code::FA429) == r.faults.size());
}

FOR_EACH_POLICY("a context scope charges its tag and its phase also when the thread's own are older and unsettled") {
    const fa::basic_smart_alloc<P> alloc;
    fa::alloc_context ctx;
    {
        const fa::tag_scope tag(alloc, "work");
        const fa::phase_scope phase(alloc, "step");
        ctx = alloc.context();
    }
    {
        const auto frame = alloc.frame_scope();
        for (int i = 0; i < 10; ++i) {
            static_cast<void>(frame.alloc_bytes(96));
            const fa::context_scope scope(alloc, ctx);
            if (i % 2 == 0) static_cast<void>(frame.alloc_bytes(64));
        }
        CHECK(alloc.tag_stats("work").frame_bytes == 5 * 64);
    }
    CHECK(alloc.current_tag().empty());
    CHECK(alloc.current_phase().empty());
    CHECK(alloc.phase_stats().size() == 1);
}
