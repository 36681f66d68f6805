// Objects in frames whose destructors use frames themselves, wherever destructors run, with frames in
// flight and held.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <thread>
#include <vector>

#include "support/recorder.hpp"

using namespace test;

namespace {

enum class habit { opens_and_closes, makes_objects, leaves_open, leaves_object_open, ends_the_frame, checkpoints };
constexpr habit all_habits[] = {habit::opens_and_closes,   habit::makes_objects,  habit::leaves_open,
                                habit::leaves_object_open, habit::ends_the_frame, habit::checkpoints};

template <class P>
struct user {
    static inline int alive = 0;
    static constexpr int intact = 0x5AFE;

    const fa::basic_smart_alloc<P>* alloc;
    habit does;
    bool leaf;
    int state[300];

    user(const fa::basic_smart_alloc<P>& a, habit h, bool is_leaf = false) : alloc(&a), does(h), leaf(is_leaf) {
        std::fill(std::begin(state), std::end(state), intact);
        ++alive;
    }
    user(const user&) = delete;
    ~user() {
        CHECK(std::count(std::begin(state), std::end(state), intact) == 300);
        state[0] = 0;
        --alive;
        if (leaf) return;
        const auto& a = *alloc;
        const auto scribble = [&](std::size_t n) { std::memset(a.frame_alloc_bytes(n), 0x11, n); };
        switch (does) {
            case habit::opens_and_closes: {
                const auto frame = a.frame_scope();
                scribble(3000);
                break;
            }
            case habit::makes_objects: {
                const auto frame = a.frame_scope();
                static_cast<void>(frame.template make<user>(a, does, true));
                for (int i = 0; i < 10; ++i) scribble(20'000);
                break;
            }
            case habit::leaves_open:
                a.begin_frame();
                scribble(3000);
                break;
            case habit::leaves_object_open:
                a.begin_frame();
                static_cast<void>(a.template frame_make<user>(a, does, true));
                break;
            case habit::ends_the_frame: a.end_frame(); break;
            case habit::checkpoints: {
                const auto frame = a.frame_scope();
                const auto guard = a.checkpoint_guard();
                static_cast<void>(frame.template make<user>(a, does, true));
                scribble(3000);
                break;
            }
        }
        CHECK(std::count(std::begin(state) + 1, std::end(state), intact) == 299);
    }
};

constexpr bool is_mistake(habit h) {
    return h == habit::leaves_open || h == habit::leaves_object_open || h == habit::ends_the_frame;
}

}  // namespace

FOR_EACH_POLICY("destructors may use frames wherever they run, and FA428 tells of those they leave open") {
    std::size_t runs = 0;
    for (const habit h : all_habits) {
        for (const std::uint32_t in_flight : {1U, 2U, 3U}) {
            for (const bool holds : {false, true}) {
                CAPTURE(static_cast<int>(h));
                CAPTURE(in_flight);
                CAPTURE(holds);
                recorder r;
                user<P>::alive = 0;
                std::size_t made = 0;
                {
                    fa::basic_smart_alloc<P> a{r.options({.frame_capacity = 64_KiB, .frames_in_flight = in_flight})};
                    const auto make = [&] {
                        static_cast<void>(a.template frame_make<user<P>>(a, h));
                        ++made;
                    };
                    std::vector<unsigned char*> kept;  // of the frames in flight, the newest last
                    std::vector<fa::frame_hold> held;
                    for (int n = 1; n <= 7; ++n) {
                        {
                            const auto frame = a.frame_scope();
                            REQUIRE(a.frame_depth() == 1);
                            for (std::size_t back = 1; back < in_flight && back <= kept.size(); ++back)
                                CHECK(std::count(kept[kept.size() - back], kept[kept.size() - back] + 5000,
                                                 n - static_cast<int>(back)) == 5000);
                            make();
                            kept.push_back(static_cast<unsigned char*>(frame.alloc_bytes(5000)));
                            std::memset(kept.back(), n, 5000);
                            make();
                            if (holds) held.push_back(frame.hold("test"));
                            {
                                const auto inner = a.frame_scope();
                                make();
                            }
                            REQUIRE(a.frame_depth() == 1);
                            {
                                const auto guard = a.checkpoint_guard();
                                make();
                                make();
                            }
                            REQUIRE(a.frame_depth() == 1);
                            CHECK(std::count(kept.back(), kept.back() + 5000, n) == 5000);
                        }
                        REQUIRE(a.frame_depth() == 0);
                        if (held.size() > 2) held.erase(held.begin());
                        ++runs;
                    }
                    std::thread([&] {
                        const auto frame = a.frame_scope();
                        make();
                        make();
                    }).join();
                }
                CHECK(user<P>::alive == 0);
                if (is_mistake(h)) {
                    CHECK(r.count(fa::code::FA428) == made);
                    CHECK(r.faults.size() == made);
                } else {
                    CHECK(r.faults.empty());
                }
            }
        }
    }
    CHECK(runs == 6 * 3 * 2 * 7);
}

FOR_EACH_POLICY("destructors of what lies outside frames may use frames") {
    for (const habit h : all_habits) {
        CAPTURE(static_cast<int>(h));
        recorder r;
        user<P>::alive = 0;
        {
            fa::basic_smart_alloc<P> a{r.options()};
            for (int n = 0; n < 3; ++n) {
                static_cast<void>(a.template frame_make<user<P>>(a, h));
                static_cast<void>(a.template frame_make<user<P>>(a, h));
                { const auto frame = a.frame_scope(); }
                CHECK(user<P>::alive == 0);
            }
            static_cast<void>(a.template frame_make<user<P>>(a, h));
        }
        CHECK(user<P>::alive == 0);
        CHECK((r.count(fa::code::FA428) != 0) == is_mistake(h));
    }
}
