// Held frames: inner ones, those of ended threads, and the memory that frames in flight leave.
#include <doctest/doctest.h>

#include <support/recorder.hpp>

#include <cstring>
#include <optional>
#include <thread>
#include <vector>

using namespace framealloc::literals;
namespace fa = framealloc;
using test::counted;
using test::recorder;

namespace {

struct stamped {
    unsigned char* data = nullptr;
    std::size_t size = 0;
    unsigned char stamp = 0;

    template <class Frame>
    stamped(Frame& frame, std::size_t n, unsigned char s)
        : data(static_cast<unsigned char*>(frame.alloc_bytes(n, 8))), size(n), stamp(s) {
        std::memset(data, s, n);
    }
    bool intact() const {
        for (std::size_t i = 0; i < size; ++i) {
            if (data[i] != stamp) return false;
        }
        return true;
    }
};

enum class released { before_end, after_end, after_thread, after_frames, elsewhere };
constexpr released all_releases[] = {released::before_end, released::after_end, released::after_thread,
                                     released::after_frames, released::elsewhere};

struct variant {
    std::uint32_t flight;
    fa::guard_level guard;
    std::uint32_t sample;
    int busy;
    bool inner;
    released when;

    fa::options options() const {
        fa::options o{.frame_capacity = 4_KiB, .frames_in_flight = flight};
        o.guard = guard;
        o.guard_sample = sample;
        o.guard_seed = 11;
        if (busy == 1) o.on_frame_busy = fa::on_frame_busy::wait(50);
        if (busy == 2) o.on_frame_busy = fa::on_frame_busy::fault();
        return o;
    }
};

template <class F>
void for_each_variant(F&& f) {
    for (std::uint32_t flight : {1U, 2U, 3U}) {
        for (int guard = 0; guard < 4; ++guard) {
            for (int busy : {0, 1, 2}) {
                for (bool inner : {false, true}) {
                    for (released when : all_releases)
                        f(variant{flight,
                                  guard == 1   ? fa::guard_level::fill
                                  : guard == 2 ? fa::guard_level::revoke
                                               : fa::guard_level::automatic,
                                  guard == 3 ? 3U : 0U, busy, inner, when});
                }
            }
        }
    }
}

// A thread's work: frames of which one is held; older containers grow, a checkpoint is rolled back.
template <class P>
struct held_work {
    fa::basic_smart_alloc<P>& alloc;
    const variant& v;
    fa::frame_hold hold{};
    std::vector<stamped> kept{};
    std::vector<counted*> made{};

    void fill(auto& frame, int id) {
        kept.emplace_back(frame, 100, static_cast<unsigned char>(id));
        kept.emplace_back(frame, 3000, static_cast<unsigned char>(id + 1));  // out of line or in the next chunk
        made.push_back(frame.template make<counted>(id));
    }
    void check(int before) const {
        for (const stamped& s : kept) CHECK(s.intact());
        CHECK(counted::alive == before + static_cast<int>(made.size()));
    }
    void scribble(int frames) {
        for (int i = 0; i < frames; ++i) {
            const auto frame = alloc.frame_scope();
            for (int n = 0; n < 8; ++n) stamped(frame, 500, 0xEE);
        }
    }
    void run(int before) {
        {
            const auto outer = alloc.frame_scope();
            auto older = outer.template vec<int>();
            for (int i = 0; i < 20; ++i) older.push_back(i);
            if (v.inner) {
                const auto inner = alloc.frame_scope();
                fill(inner, 1);
                for (int i = 0; i < 200; ++i) older.push_back(i);
                hold = inner.hold("reader");
                if (v.when == released::before_end) release();
            } else {
                fill(outer, 1);
                const auto cp = alloc.frame_checkpoint();
                outer.template make<counted>(7);
                CHECK(alloc.rollback_to(cp));
                hold = outer.hold("reader");
                if (v.when == released::before_end) release();
            }
            if (hold) check(before);
            if (v.inner && v.when == released::before_end) CHECK(counted::alive == before);
            for (int i = 0; i < 10; ++i) older.push_back(i);
            {
                const auto next = alloc.frame_scope();
                static_cast<void>(stamped(next, 500, 0xDD));
            }
            if (hold) check(before);
        }
        if (hold) check(before);
        if (v.when == released::after_end) release();
        scribble(hold ? 4 : 0);
        if (hold) check(before);
        if (v.when == released::after_frames) release();
    }
    void release() {
        kept.clear();
        made.clear();
        hold.release();
    }
};

}  // namespace

FOR_EACH_POLICY("what a hold keeps is read and destroyed after its release, wherever and whenever that is") {
    std::size_t n = 0;
    for_each_variant([&](const variant& v) {
        CAPTURE(v.flight);
        CAPTURE(v.sample);
        CAPTURE(v.busy);
        CAPTURE(v.inner);
        const int when = static_cast<int>(v.when), guard = static_cast<int>(v.guard);
        CAPTURE(when);
        CAPTURE(guard);
        recorder r;
        const int before = counted::alive;
        {
            std::optional<fa::basic_smart_alloc<P>> alloc(r.options(v.options()));
            held_work<P> w{*alloc, v};
            std::thread([&] { w.run(before); }).join();
            if (w.hold) w.check(before);
            else CHECK(counted::alive == before);
            std::thread([&] { w.scribble(4); }).join();  // takes over what the first one left
            if (w.hold) w.check(before);
            if (v.when == released::elsewhere) {
                alloc.reset();
                w.check(before);
                std::thread([&] { w.release(); }).join();
            } else {
                w.release();
            }
        }
        CHECK(counted::alive == before);
        for (fa::code c : r.faults) CHECK(c == fa::code::FA438);
        if (v.busy == 0) CHECK(r.faults.empty());
        ++n;
    });
    MESSAGE("holds: " << n << " variants, every byte and finaliser as the hold promises");
}

FOR_EACH_POLICY("an inner frame that is held hands what it has to the one around it, destroyed newest first") {
    for (std::uint32_t flight : {1U, 2U}) {
        recorder r;
        fa::basic_smart_alloc<P> alloc{r.options({.frames_in_flight = flight})};
        const int before = counted::alive;
        fa::frame_hold h;
        char* p = nullptr;
        counted::deaths.clear();
        {
            const auto outer = alloc.frame_scope();
            outer.template make<counted>(1);
            {
                const fa::tag_scope tag(alloc, "kept");
                const auto inner = alloc.frame_scope();
                p = inner.template batch<char>(64).data();
                std::memset(p, 'x', 64);
                inner.template make<counted>(2);
                inner.template make<counted>(3);
                h = inner.hold("reader");
            }
            CHECK(alloc.tag_stats("kept").frame_bytes >= 64);
            {
                const auto next = alloc.frame_scope();
                char* q = next.template batch<char>(64).data();
                std::memset(q, 'y', 64);
                CHECK(p != q);
            }
            CHECK(p[0] == 'x');
            CHECK(counted::alive == before + 3);
            outer.template make<counted>(4);
        }
        CHECK(p[63] == 'x');
        CHECK(alloc.tag_stats("kept").frame_bytes == 0);
        h.release();
        for (std::uint32_t i = 0; i < flight; ++i) { const auto frame = alloc.frame_scope(); }
        CHECK(counted::deaths == std::vector<int>{4, 3, 2, 1});
        CHECK(r.faults.empty());
    }
}

FOR_EACH_POLICY(
    "a hold released before its inner frame ends keeps nothing, and one of an earlier frame keeps only that") {
    fa::basic_smart_alloc<P> alloc;
    const auto outer = alloc.frame_scope();
    const auto before = alloc.frame_stats().bytes_in_use;
    fa::frame_hold first;
    for (int i = 0; i < 100; ++i) {
        const auto inner = alloc.frame_scope();
        static_cast<void>(inner.alloc_bytes(100));
        fa::frame_hold h = inner.hold("reader");
        if (i == 0) first = std::move(h);
    }
    CHECK(alloc.frame_stats().bytes_in_use <= before + 200);
}

FOR_EACH_POLICY("a rollback that would take back what an ended inner frame's hold keeps is refused") {
    recorder r;
    fa::basic_smart_alloc<P> alloc{r.options()};
    const auto outer = alloc.frame_scope();
    const auto cp = alloc.frame_checkpoint();
    fa::frame_hold h;
    {
        const auto inner = alloc.frame_scope();
        static_cast<void>(inner.alloc_bytes(100));
        h = inner.hold("reader");
    }
    CHECK(!alloc.rollback_to(cp));
    CHECK(r.count(fa::code::FA438) == 1);
    h.release();
    CHECK(alloc.rollback_to(cp));
    CHECK(r.faults.size() == 1);
}

FOR_EACH_POLICY("a hold of an ended frame or by another thread is refused") {
    recorder r;
    fa::basic_smart_alloc<P> alloc{r.options()};
    {
        const auto frame = alloc.frame_scope();
        std::thread([&] { CHECK(!frame.hold("thief")); }).join();
        CHECK(r.count(fa::code::FA441) == 1);
    }
    alloc.begin_frame();
    {
        const auto inner = alloc.frame_scope();
        alloc.end_frame();
        CHECK(!inner.hold("late"));
        CHECK(r.count(fa::code::FA441) == 2);
    }
    alloc.end_frame();
}

FOR_EACH_POLICY("with frames in flight and guards, threads that ended have nothing charged") {
    for (auto guard : {fa::guard_level::off, fa::guard_level::fill, fa::guard_level::revoke}) {
        fa::basic_smart_alloc<P> alloc{fa::options{.frames_in_flight = 2, .guard = guard}};
        for (int n = 0; n < 40; ++n) {
            std::thread([&] {
                for (int i = 0; i < 3; ++i) {
                    const auto outer = alloc.frame_scope();
                    static_cast<void>(outer.template batch<char>(1000));
                    const auto inner = alloc.frame_scope();
                    static_cast<void>(inner.template batch<char>(100));
                }
            }).join();
        }
        CHECK(alloc.stats().frame_allocated == 0);
        CHECK(alloc.tag_stats("").with_children.frame_bytes == 0);
    }
}

FOR_EACH_POLICY("memory taken outside frames outlives the frame that begins next, whatever memory that one uses") {
    for (std::uint32_t flight : {1U, 2U, 3U}) {
        recorder r;
        fa::basic_smart_alloc<P> alloc{r.options({.frames_in_flight = flight})};
        for (int round = 0; round < 6; ++round) {
            fa::frame_hold h;
            {
                const auto frame = alloc.frame_scope();
                static_cast<void>(frame.alloc_bytes(200));
                h = frame.hold("reader");
            }
            auto* p = static_cast<unsigned char*>(alloc.frame_alloc_bytes(100));
            auto v = alloc.template frame_vec<int>();
            for (int i = 0; i < 10; ++i) v.push_back(i);
            std::memset(p, 0x5A, 100);
            h.release();
            const auto frame = alloc.frame_scope();
            for (int n = 0; n < 20; ++n) std::memset(frame.alloc_bytes(500), 0xEE, 500);
            for (int i = 10; i < 200; ++i) v.push_back(i);
            for (int i = 0; i < 100; ++i) CHECK(p[i] == 0x5A);
            for (int i = 0; i < 200; ++i) CHECK(v[static_cast<std::size_t>(i)] == i);
        }
        CHECK(r.count(fa::code::FA001) == r.faults.size());
    }
}

TEST_CASE("the end of an outermost frame is told with that frame's number") {
    fa::smart_alloc alloc;
    std::vector<std::uint64_t> begun, ended;
    struct state {
        std::vector<std::uint64_t>*begun, *ended;
    } s{&begun, &ended};
    auto handler = [&s](const fa::frame_event& e) {
        if (e.kind == fa::frame_event_kind::frame_begin) s.begun->push_back(e.frame);
        if (e.kind == fa::frame_event_kind::frame_end) s.ended->push_back(e.frame);
    };
    alloc.lifecycle().enable(handler);
    for (int i = 0; i < 3; ++i) { const auto frame = alloc.frame_scope(); }
    alloc.lifecycle().disable();
    CHECK(begun.size() == 3);
    CHECK(begun == ended);
}

// Out-of-line bytes of an ended frame, whatever keeps them, belong to no open frame.
FOR_EACH_POLICY("kept frames count neither against limits nor among the bytes of open frames") {
    recorder r;
    const fa::basic_smart_alloc<P> alloc{
        r.options({.frame_capacity = 64_KiB, .frame_limit = 900'000, .frames_in_flight = 2})};
    for (int i = 0; i < 6; ++i) {
        const auto frame = alloc.frame_scope();
        CHECK(frame.try_alloc_bytes(600'000) != nullptr);
        CHECK(alloc.thread_budget().frame_used >= 600'000);
        CHECK(alloc.thread_budget().frame_used < 700'000);
    }
    CHECK(alloc.stats().frame_allocated == 0);
    CHECK(alloc.thread_budget().frame_used == 0);
}

FOR_EACH_POLICY("held frames count as ended") {
    const fa::basic_smart_alloc<P> alloc{{.frame_capacity = 64_KiB}};
    fa::frame_hold of_outer, of_inner;
    {
        const auto outer = alloc.frame_scope();
        {
            const auto inner = alloc.frame_scope();
            static_cast<void>(outer.alloc_bytes(100));  // out of line
            static_cast<void>(inner.alloc_bytes(300'000));
            of_inner = inner.hold("a test");
        }
        of_outer = outer.hold("a test");
        CHECK(alloc.stats().frame_allocated >= 300'100);
    }
    CHECK(alloc.stats().frame_allocated == 0);
    of_inner.release();
    of_outer.release();
    CHECK(alloc.stats().frame_allocated == 0);
    static_cast<void>(alloc.frame_scope());
    CHECK(alloc.stats().frame_allocated == 0);
}
