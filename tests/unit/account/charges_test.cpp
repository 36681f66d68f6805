// Tags and phases: names, scopes, charges, faults.
#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <string>
#include <thread>
#include <vector>

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

namespace {

// A tag or the tree that it is the root of: what is in use, and the most that ever was.
struct in_use {
    std::size_t now = 0, most = 0;
    void change(std::size_t from, std::size_t to) {
        now = now - from + to;
        most = std::max(most, now);
    }
};

// Large blocks of tags inside one another, as the program sees them.
template <class P>
class large_blocks {
public:
    static constexpr std::size_t depth = 3;

    void take(std::size_t bytes) {
        live_.push_back({alloc.heap_alloc_bytes(bytes), bytes, tag_});
        count(tag_, 0, bytes);
        ++phase_blocks;
        phase_bytes += bytes;
    }
    void give_back(std::size_t which) {
        const block b = live_[which];
        live_[which] = live_.back();
        live_.pop_back();
        alloc.heap_free_bytes(b.p, b.bytes);
        count(b.tag, b.bytes, 0);
    }
    void give_back_all() {
        while (!live_.empty()) give_back(0);
    }
    std::size_t live() const { return live_.size(); }
    // Of the tag that is open. Frame memory is beside the blocks until the frame ends.
    void count_frame(std::size_t from, std::size_t to) { count(tag_, from, to); }
    void check() const {
        for (std::size_t d = 0; d < depth; ++d) {
            const auto s = alloc.tag_stats(*tags[d]);
            CHECK(s.total_bytes == own_[d].now);
            CHECK(s.with_children.total_bytes == tree_[d].now);
            CHECK(s.peak_bytes == own_[d].most);
            CHECK(s.with_children.peak_bytes == tree_[d].most);
        }
    }

    static constexpr const fa::tag* tags[] = {&physics, &solver, &deep};
    fa::basic_smart_alloc<P> alloc;
    std::size_t tag_ = 0;
    std::size_t phase_bytes = 0, phase_blocks = 0;

private:
    struct block {
        void* p;
        std::size_t bytes, tag;
    };
    void count(std::size_t tag, std::size_t from, std::size_t to) {
        own_[tag].change(from, to);
        for (std::size_t d = 0; d <= tag; ++d) tree_[d].change(from, to);
    }
    std::vector<block> live_;
    in_use own_[depth], tree_[depth];
};

}  // namespace

FOR_EACH_POLICY("peaks are those of every moment, however large blocks come and go between boundaries") {
    large_blocks<P> w;
    std::mt19937 random(5);
    std::size_t sizes[] = {5'000, 8'192, 65'536, 65'536, 300'000};
    for (int i = 0; i < 300; ++i) {
        w.tag_ = random() % w.depth;
        fa::tag_scope scope(w.alloc, *w.tags[w.tag_]);
        const auto steps = static_cast<unsigned>(random() % 20);
        for (unsigned k = 0; k < steps; ++k) {
            if (w.live() == 0 || (random() % 2 == 0 && w.live() < 30)) w.take(sizes[random() % 5]);
            else w.give_back(random() % w.live());
        }
        if (random() % 4 == 0) w.check();
    }
    w.give_back_all();
    w.check();
}

FOR_EACH_POLICY("what frames have is beside large blocks, until either is given back") {
    large_blocks<P> w;
    fa::tag_scope scope(w.alloc, *w.tags[0]);
    w.take(100'000);
    w.give_back(0);  // from here on the thread keeps it
    w.take(100'000);
    {
        const auto frame = w.alloc.frame_scope();
        static_cast<void>(frame.alloc_bytes(50'000, 16));
        w.count_frame(0, 50'000);
        w.give_back(0);
        w.check();
        w.take(100'000);
        {
            const auto inner = w.alloc.frame_scope();
            static_cast<void>(inner.alloc_bytes(30'000, 16));
            w.count_frame(0, 30'000);
        }
        w.count_frame(30'000, 0);
        w.give_back(0);
        w.take(100'000);
        w.take(100'000);
        w.check();
    }
    w.count_frame(50'000, 0);
    w.give_back_all();
    w.check();
}

FOR_EACH_POLICY("phases count large blocks that come and go") {
    large_blocks<P> w;
    for (int frame = 0; frame < 3; ++frame) {
        const auto f = w.alloc.frame_scope();
        w.phase_bytes = w.phase_blocks = 0;
        {
            const fa::phase_scope phase(w.alloc, "load");
            for (int i = 0; i < 10; ++i) {
                w.take(70'000);
                w.give_back(0);
            }
        }
        const auto before = w.alloc.stats();
        w.take(70'000);  // of no phase
        CHECK(w.alloc.stats().allocation_count == before.allocation_count + 1);
        w.phase_bytes -= 70'000;
        --w.phase_blocks;
        w.give_back_all();
        CHECK(w.alloc.stats().deallocation_count == before.deallocation_count + 1);
    }
    const auto phases = w.alloc.phase_stats();
    REQUIRE(phases.size() == 1);
    CHECK(phases[0].bytes == w.phase_bytes);
    CHECK(phases[0].allocations == w.phase_blocks);
}

FOR_EACH_POLICY("large blocks that other threads free, or another tag took, are charged to who took them") {
    large_blocks<P> w;
    fa::tag_scope scope(w.alloc, *w.tags[0]);
    std::vector<void*> blocks;
    for (int turn = 0; turn < 3; ++turn) {
        for (int i = 0; i < 8; ++i) blocks.push_back(w.alloc.heap_alloc_bytes(90'000));
        CHECK(w.alloc.tag_stats(physics).heap_bytes == 8 * 90'000);
        std::thread([&] {
            for (int i = 0; i < 4; ++i) w.alloc.heap_free_bytes(blocks[static_cast<std::size_t>(i)], 90'000);
        }).join();
        {
            fa::tag_scope other(w.alloc, *w.tags[1]);
            for (std::size_t i = 4; i < 8; ++i) w.alloc.heap_free_bytes(blocks[i], 90'000);
            w.alloc.heap_free_bytes(w.alloc.heap_alloc_bytes(90'000), 90'000);
        }
        blocks.clear();
        CHECK(w.alloc.tag_stats(physics).with_children.heap_bytes == 0);
        CHECK(w.alloc.tag_stats(physics).peak_bytes == 8 * 90'000);
        CHECK(w.alloc.tag_stats(solver).peak_bytes == 90'000);
        CHECK(w.alloc.tag_stats(physics).with_children.peak_bytes == 8 * 90'000);
    }
}
