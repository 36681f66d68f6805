// Frames: nesting, growth, limits, checkpoints, frames in flight, memory kept between frames.
#include "diary.hpp"

#include <utility>

namespace diary {
namespace {

template <class P>
void nested_frames(std::string& book) {
    chapter<P> c(book, "frames nest and grow", {.frame_capacity = 64_KiB});
    for (int round = 0; round < 3; ++round) {
        const auto outer = c->frame_scope();
        for (std::size_t n = 1; n < 5000; n += n / 2 + 1) c.at(outer.alloc_bytes(n, std::size_t{1} << n % 9));
        c.see("outer");
        {
            const auto inner = c->frame_scope();
            for (int i = 0; i < 30; ++i) c.at(inner.alloc_bytes(7000));
            c.see("inner grew");
            for (int i = 0; i < 5; ++i) c.at(outer.alloc_bytes(300));
            c.see("through the outer one");
            {
                const auto innermost = c->frame_scope();
                c.at(innermost.alloc_bytes(100'000));
                c.at(outer.alloc_bytes(50'000));
                c.at(inner.alloc_bytes(10));
                c.see("oversize");
            }
            c.see("innermost ended");
            c.at(inner.alloc_bytes(16));
        }
        c.see("inner ended");
        c.at(outer.alloc_bytes(20'000));
    }
    c.see("ended");
    c->trim();
    c.see("trimmed");
}

template <class P>
void containers(std::string& book) {
    chapter<P> c(book, "containers grow in place, elsewhere, and shrink", {.frame_capacity = 64_KiB});
    for (int round = 0; round < 2; ++round) {
        const auto outer = c->frame_scope();
        auto v = outer.template vec<int>();
        for (int i = 0; i < 3000; ++i) v.push_back(i);
        c.at(v.data());
        c.see("vec");
        auto text = outer.string("a text that is longer than any small buffer would be");
        for (int i = 0; i < 40; ++i) text.append(" and longer");
        auto names = outer.template vec<std::string>();
        for (int i = 0; i < 20; ++i) names.push_back("a name that is too long for the small buffer");
        c.see("texts");
        {
            const auto inner = c->frame_scope();
            auto m = inner.template map<int, int>();
            for (int i = 0; i < 500; ++i) m.insert({i * 7, i});
            for (int i = 0; i < 9000; ++i) v.push_back(i);
            c.at(v.data());
            c.see("map, and the outer vec");
            v.shrink_to_fit();
        }
        c.see("inner ended");
        v.shrink_to_fit();
        c.at(v.data());
        c.see("shrunk");
        const fa::lifetime::frame_ref frame = outer.template source<fa::frame_source>().frame();
        auto* p = c.at(frame.allocate(1000, 8, fa::memory::on_failure::return_null));
        c.say("grew", frame.try_grow(p, 1000, 3000) ? 1 : 0);
        c.say("grew far", frame.try_grow(p, 3000, 300'000) ? 1 : 0);
        frame.shrink(p, 3000, 500);
        c.at(outer.alloc_bytes(8));
        c.see("resized");
        frame.deallocate(p, 500);
        frame.abandon(p);
        auto* out_of_line = c.at(frame.allocate(90'000, 8, fa::memory::on_failure::return_null));
        frame.deallocate(out_of_line, 90'000);
        c.see("given back");
    }
    c.see("ended");
}

template <class P>
void outside(std::string& book) {
    chapter<P> c(book, "outside a frame, and ends without a begin", {.frame_capacity = 64_KiB});
    for (int i = 0; i < 9; ++i) c.at(c->frame_alloc_bytes(500));
    c.see("outside");
    c->end_frame();
    c.see("closed");
    c->end_frame();
    c.at(c->frame_alloc_bytes(200'000));
    c->begin_frame();
    c.at(c->frame_alloc_bytes(100));
    c.see("in a frame again");
    c->end_frame();
    c.see("ended");
    for (int i = 0; i < 131; ++i) c->begin_frame();
    c.at(c->frame_alloc_bytes(100));
    c.see("too deep");
    for (int i = 0; i < 131; ++i) c->end_frame();
    c.see("and back");
    c.at(c->frame_alloc_bytes(16));
    c->begin_frame();
    c->end_frame();
    c.see("what was outside went with the frame after it");
    c->begin_frame();
    {
        const auto outer = c->frame_scope();
        c->begin_frame();
        c->begin_frame();
    }
    c.see("inner ones were open");
    c.at(c->frame_alloc_bytes(3, 4));
    c.say("no power of two", c->try_frame_alloc_bytes(16, 24) == nullptr ? 1 : 0);
    c->begin_frame();
    c.see("left open");
}

template <class P>
void checkpoints(std::string& book) {
    chapter<P> c(book, "checkpoints", {.frame_capacity = 64_KiB});
    const auto frame = c->frame_scope();
    c.at(frame.alloc_bytes(1000));
    const auto first = c->frame_checkpoint();
    for (int i = 0; i < 20; ++i) c.at(frame.alloc_bytes(9000));
    const auto second = c->frame_checkpoint();
    c.at(frame.alloc_bytes(70'000));
    auto v = frame.template vec<std::string>();
    v.push_back("a name that is too long for the small buffer");
    c.see("two taken");
    c.say("second", c->rollback_to(second) ? 1 : 0);
    c.at(frame.alloc_bytes(64));
    c.see("rolled back");
    c.say("first", c->rollback_to(first) ? 1 : 0);
    c.see("rolled back further");
    c.say("second, stale", c->rollback_to(second) ? 1 : 0);
    {
        auto guard = c->checkpoint_guard();
        c.at(frame.alloc_bytes(5000));
        guard.commit();
    }
    for (int i = 0; i < 40; ++i) static_cast<void>(c->frame_checkpoint());
    c.see("many taken");
    {
        const auto inner = c->frame_scope();
        c.say("of an outer frame", c->rollback_to(first) ? 1 : 0);
    }
    c.see("end of it");
}

template <class P>
void limits(std::string& book) {
    chapter<P> c(book, "frame_limit, budgets, counting", {.frame_capacity = 64_KiB, .frame_limit = 200'000});
    const auto fill = [&](const char* label) {
        const auto frame = c->frame_scope();
        c.at(frame.try_alloc_bytes(40'000));  // out of line
        int n = 0;
        while (n < 1000 && c.at(frame.try_alloc_bytes(3000)) != nullptr) ++n;
        c.say("served", static_cast<std::uint64_t>(n));
        c.say("remaining", c->frame_remaining());
        c.see(label);
    };
    fill("limit");
    c->set_thread_frame_budget(50'000);
    for (auto policy : {fa::budget_policy::fail, fa::budget_policy::warn, fa::budget_policy::allow,
                        fa::budget_policy::promote, fa::budget_policy::custom}) {
        c->on_budget_exceeded(policy, [](const fa::budget_event& e) { return e.used < 60'000; }, 50);
        fill("budget");
        fill("budget, again");
    }
    c->set_thread_frame_budget(0);
    c->count_allocations(true);
    fill("counted");
    c->count_allocations(false);
    fill("not counted");
    c->reset_stats();
    c.see("reset");
}

template <class P>
void in_flight(std::string& book, const fa::options& o, const char* title) {
    chapter<P> c(book, title, o);
    fa::frame_hold held;
    for (int n = 0; n < 9; ++n) {
        const auto frame = c->frame_scope();
        c.at(frame.alloc_bytes(1000));
        auto names = frame.template vec<std::string>();
        names.push_back("a name that is too long for the small buffer");
        if (n % 3 == 1) {
            for (int i = 0; i < 12; ++i) c.at(frame.alloc_bytes(8000));
            c.at(frame.alloc_bytes(100'000));
        }
        if (n == 3) held = frame.hold("render");
        if (n == 6) held.release();
        c.see("frame");
        if (n == 4) {
            const auto inner = c->frame_scope();
            c.at(inner.alloc_bytes(100));
            c.at(frame.alloc_bytes(100));
        }
    }
    c.at(c->frame_alloc_bytes(64));
    c.see("all ended, and something outside");
    c->trim();
    c.see("trimmed");
}

template <class P>
void kept(std::string& book, fa::retain retain, const char* title) {
    fa::options o{.frame_capacity = 1_MiB};
    o.retain = retain;
    chapter<P> c(book, title, o);
    for (std::size_t n : {900'000U, 10'000U, 200'000U, 0U, 0U, 2'000'000U, 10'000U, 10'000U, 0U, 300'000U}) {
        {
            const auto frame = c->frame_scope();
            for (std::size_t had = 0; had < n; had += 10'000) c.at(frame.alloc_bytes(10'000));
        }
        c.see("frame");
    }
}

}  // namespace

template <class P>
void tell_frames(std::string& book) {
    nested_frames<P>(book);
    containers<P>(book);
    outside<P>(book);
    checkpoints<P>(book);
    limits<P>(book);
    in_flight<P>(book, {.frame_capacity = 64_KiB}, "one frame in flight, and a hold");
    in_flight<P>(book, {.frame_capacity = 64_KiB, .frames_in_flight = 3}, "three frames in flight");
    in_flight<P>(book, {.frame_capacity = 64_KiB, .on_frame_busy = fa::on_frame_busy::fault()},
                 "a busy frame is a fault");
    in_flight<P>(book, {.frame_capacity = 64_KiB, .on_frame_busy = fa::on_frame_busy::wait(0), .prefault = true},
                 "a busy frame is waited for in vain");
    in_flight<P>(book, {.frame_capacity = 64_KiB, .guard = fa::guard_level::fill}, "filled");
    in_flight<P>(book, {.frame_capacity = 64_KiB, .frames_in_flight = 2, .guard = fa::guard_level::revoke}, "revoked");
    kept<P>(book, fa::retain::all(), "all is kept");
    kept<P>(book, fa::retain::bytes(100'000), "so many bytes are kept");
    kept<P>(book, fa::retain::high_water(3), "what the largest of three frames used is kept");
}

}  // namespace diary

DIARY_CHAPTERS(tell_frames);
