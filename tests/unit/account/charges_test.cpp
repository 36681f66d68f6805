// Tags and phases: names, scopes, charges, faults.
#include <doctest/doctest.h>

#include <string>
#include <thread>

#include "support/recorder.hpp"

using namespace test;

namespace {
inline constexpr fa::tag physics{"physics"}, solver{physics, "solver"}, deep{solver, "islands"};
}

FOR_EACH_POLICY("tags nest, by constexpr tag and by name, and read back") {
    fa::basic_smart_alloc<P> alloc;
    CHECK(alloc.current_tag().empty());
    {
        fa::tag_scope a(alloc, physics);
        CHECK(alloc.tag_path() == "physics");
        fa::tag_scope b(alloc, "solver");
        CHECK(alloc.tag_path() == "physics::solver");
        CHECK(alloc.current_tag() == "solver");
        fa::tag_scope c(alloc, deep);  // a fixed place in the tree
        CHECK(alloc.tag_path() == "physics::solver::islands");
        std::string name = "temporary";
        fa::tag_scope d(alloc, name);
        name = "overwritten";
        CHECK(alloc.tag_path() == "physics::solver::islands::temporary");
        const int result = alloc.with_tag("x::y", [](const auto& al) {
            CHECK(al.tag_path() == "physics::solver::islands::temporary::x::y");
            return 7;
        });
        CHECK(result == 7);
        alloc.with_tag(physics, [](const auto& al) { CHECK(al.tag_path() == "physics"); });
    }
    CHECK(alloc.tag_path().empty());
}

FOR_EACH_POLICY("every kind is charged to the tag that is current, and freed from the tag that took it") {
    fa::basic_smart_alloc<P> alloc;
    auto frame = alloc.frame_scope();
    void* pooled = nullptr;
    void* large = nullptr;
    {
        fa::tag_scope t(alloc, solver);
        static_cast<void>(frame.alloc_bytes(1000, 8));
        pooled = alloc.pool_alloc_bytes(100);
        large = alloc.heap_alloc_bytes(10'000);
        const auto s = alloc.tag_stats(solver);
        CHECK(s.frame_bytes == 1000);
        CHECK(s.pool_bytes == 112);
        CHECK(s.heap_bytes == 10'000);
        CHECK(s.total_bytes == 11'112);
    }
    CHECK(alloc.tag_stats("physics").total_bytes == 0);
    CHECK(alloc.tag_stats("physics").with_children.total_bytes == 11'112);
    {
        fa::tag_scope other(alloc, "other");
        alloc.pool_free_bytes(pooled, 100);
        alloc.heap_free_bytes(large, 10'000);
        CHECK(alloc.tag_stats("other").total_bytes == 0);
    }
    CHECK(alloc.tag_stats("physics::solver").total_bytes == 1000);
    CHECK(alloc.tag_stats("nobody").total_bytes == 0);
    CHECK(alloc.tag_stats("physics::solver").peak_bytes == 11'112);
    CHECK(alloc.tag_stats("physics").with_children.peak_bytes == 11'112);
}

FOR_EACH_POLICY("last_frame_bytes is what the last finished outermost frame handed out") {
    fa::basic_smart_alloc<P> alloc;
    for (int n = 1; n <= 3; ++n) {
        auto frame = alloc.frame_scope();
        fa::tag_scope t(alloc, physics);
        static_cast<void>(frame.alloc_bytes(static_cast<std::size_t>(n) * 800, 8));
        auto inner = alloc.frame_scope();
        static_cast<void>(inner.alloc_bytes(80, 8));
        CHECK(alloc.tag_stats(physics).last_frame_bytes == (n == 1 ? 0U : static_cast<std::size_t>(n - 1) * 800 + 80));
    }
    CHECK(alloc.tag_stats(physics).last_frame_bytes == 3 * 800 + 80);
    CHECK(alloc.tag_stats(physics).frame_bytes == 0);
    { auto empty = alloc.frame_scope(); }
    CHECK(alloc.tag_stats(physics).last_frame_bytes == 0);
}

FOR_EACH_POLICY("growth is charged to the tag that is current then") {
    fa::basic_smart_alloc<P> alloc;
    auto frame = alloc.frame_scope();
    auto v = frame.template vec<std::uint64_t>(fa::capacity(10));
    fa::tag_scope t(alloc, "late");
    v.reserve(20);
    CHECK(alloc.tag_stats("late").frame_bytes == 80);  // in place: the ten that were added
}

FOR_EACH_POLICY("phases count the bytes of every kind that they hand out") {
    fa::basic_smart_alloc<P> alloc;
    for (int n = 0; n < 2; ++n) {
        auto frame = alloc.frame_scope();
        CHECK(alloc.current_phase().empty());
        alloc.begin_phase("physics");
        CHECK(alloc.current_phase() == "physics");
        static_cast<void>(frame.alloc_bytes(400, 8));
        void* p = alloc.pool_alloc_bytes(64);
        alloc.pool_free_bytes(p, 64);
        p = alloc.pool_alloc_bytes(64);
        {
            fa::phase_scope inner(alloc, "render");
            static_cast<void>(frame.alloc_bytes(80, 8));
            void* h = alloc.heap_alloc_bytes(5000);
            alloc.heap_free_bytes(h, 5000);
        }
        alloc.end_phase();
        alloc.pool_free_bytes(p, 64);
        static_cast<void>(frame.alloc_bytes(8, 8));
    }
    const auto phases = alloc.phase_stats();
    REQUIRE(phases.size() == 2);
    CHECK(phases[0].name == "physics");
    CHECK(phases[0].bytes == 400 + 64 + 64);
    CHECK(phases[1].name == "render");
    CHECK(phases[1].bytes == 80 + 5000);
}

FOR_EACH_POLICY("a phase may be named by a constexpr tag") {
    fa::basic_smart_alloc<P> alloc;
    {
        auto frame = alloc.frame_scope();
        alloc.begin_phase(solver);
        CHECK(alloc.current_phase() == "physics::solver");
        static_cast<void>(frame.alloc_bytes(80, 8));
        alloc.end_phase();
        fa::phase_scope p(alloc, physics);
        static_cast<void>(frame.alloc_bytes(8, 8));
    }
    REQUIRE(alloc.phase_stats().size() == 2);
    for (const auto& p : alloc.phase_stats()) CHECK(p.bytes == (p.name == "physics" ? 8 : 80));
}

FOR_EACH_POLICY("scopes and phases that do not match are coded faults") {
    recorder r;
    fa::basic_smart_alloc<P> alloc{r.options()};
    alloc.end_phase();
    CHECK(r.count(fa::code::FA429) == 1);
    alloc.begin_frame();
    alloc.begin_phase("open");
    alloc.end_frame();
    CHECK(r.count(fa::code::FA429) == 2);
    CHECK(alloc.current_phase().empty());
    r.faults.clear();
    {
        alloc.begin_frame();
        fa::tag_scope t(alloc, "x");
        alloc.end_frame();
    }
    CHECK(r.count(fa::code::FA429) >= 1);
    CHECK(alloc.tag_path().empty());
    r.faults.clear();
    alloc.begin_frame();
    { fa::tag_scope t(alloc, "x"); }
    alloc.end_frame();
    CHECK(r.faults.empty());
}

FOR_EACH_POLICY("10,000 tags are told apart") {
    fa::basic_smart_alloc<P> alloc;
    auto frame = alloc.frame_scope();
    for (int i = 0; i < 10'000; ++i) {
        fa::tag_scope t(alloc, "tag " + std::to_string(i));
        static_cast<void>(frame.alloc_bytes(8 * static_cast<std::size_t>(1 + i % 7), 8));
    }
    for (int i = 0; i < 10'000; i += 101)
        CHECK(alloc.tag_stats("tag " + std::to_string(i)).frame_bytes == 8 * static_cast<std::size_t>(1 + i % 7));
}

FOR_EACH_POLICY("other threads' bytes are seen as of their last boundary") {
    fa::basic_smart_alloc<P> alloc;
    std::thread([&] {
        auto frame = alloc.frame_scope();
        {
            fa::tag_scope t(alloc, physics);
            static_cast<void>(frame.alloc_bytes(1000, 8));
        }
        std::thread([&] { CHECK(alloc.tag_stats(physics).frame_bytes == 1000); }).join();
    }).join();
    CHECK(alloc.tag_stats(physics).frame_bytes == 0);
}

FOR_EACH_POLICY("frame allocations are counted while counting is on") {
    fa::basic_smart_alloc<P> alloc;
    auto frame = alloc.frame_scope();
    const auto base = alloc.frame_stats().allocation_count;
    for (int i = 0; i < 10; ++i) static_cast<void>(frame.template alloc<int>());
    CHECK(alloc.frame_stats().allocation_count == base + (test::guarded<P> ? 10 : 0));
    alloc.count_allocations(true);
    for (int i = 0; i < 10; ++i) static_cast<void>(frame.template alloc<int>());
    CHECK(alloc.frame_stats().allocation_count == base + (test::guarded<P> ? 20 : 10));
    alloc.count_allocations(false);
    for (int i = 0; i < 10; ++i) static_cast<void>(frame.template alloc<int>());
    CHECK(alloc.frame_stats().allocation_count == base + (test::guarded<P> ? 30 : 10));
}

FOR_EACH_POLICY("stats add up, and reset_stats starts them anew") {
    fa::basic_smart_alloc<P> alloc;
    {
        auto frame = alloc.frame_scope();
        static_cast<void>(frame.alloc_bytes(1000, 8));
        auto b = alloc.template pool_box<int>(1);
        auto h = alloc.heap_box(std::string("x"));
        const auto s = alloc.stats();
        CHECK(s.frame_allocated == 1000);
        CHECK(s.pool_allocated == 16);
        CHECK(s.heap_allocated == 32);
        CHECK(s.total_allocated == 1048);
        CHECK(s.peak_allocated >= 1048);
        CHECK(s.active_allocations() >= 2);
        CHECK(s.fragmentation_ratio() == 48.0 / 1048.0);
        CHECK(s.committed > 0);
        CHECK(s.reserved >= s.committed);
        CHECK(s.slab_refill_count == 2);
    }
    CHECK(alloc.stats().active_allocations() == 0);
    alloc.reset_stats();
    CHECK(alloc.stats().allocation_count == 0);
    CHECK(alloc.stats().peak_allocated == 0);
}

FOR_EACH_POLICY("phases that are left open, closed twice, too many or in another frame are told, and the others hold") {
    recorder r;
    fa::basic_smart_alloc<P> alloc{r.options()};
    alloc.end_phase();
    CHECK(r.count(fa::code::FA429) == 1);
    for (std::uint32_t i = 0; i < fa::memory::most_open_phases; ++i) alloc.begin_phase("deep");
    CHECK(r.count(fa::code::FA429) == 1);
    alloc.begin_phase("deeper");
    CHECK(r.count(fa::code::FA429) == 2);
    for (std::uint32_t i = 0; i < fa::memory::most_open_phases; ++i) alloc.end_phase();
    CHECK(r.count(fa::code::FA429) == 2);
    alloc.begin_phase("outside");
    alloc.begin_frame();
    alloc.end_phase();
    CHECK(r.count(fa::code::FA429) == 3);
    static_cast<void>(alloc.frame_alloc_bytes(100));
    alloc.end_frame();
    alloc.begin_phase("physics");
    alloc.end_phase();
    CHECK(r.count(fa::code::FA429) == 3);
    CHECK(r.faults.size() == 3);
}
