// Memory taken outside a frame: however the frames around it are kept, it ends, its charge is taken back, and what was
// made there is told from what lives.
#include <doctest/doctest.h>

#include <support/recorder.hpp>

#include <cstring>
#include <optional>
#include <thread>

using namespace framealloc::literals;
namespace fa = framealloc;
using test::counted;
using test::recorder;

namespace {

enum class taken { bytes, batch, vec, box, out_of_line, several_chunks, all };
constexpr taken all_taken[] = {taken::bytes,       taken::batch,          taken::vec, taken::box,
                               taken::out_of_line, taken::several_chunks, taken::all};

enum class ended { by_next_frame, by_end_frame, by_thread_exit, by_park };
constexpr ended all_ends[] = {ended::by_next_frame, ended::by_end_frame, ended::by_thread_exit, ended::by_park};

struct kept {
    std::uint32_t flights;
    bool held;
    bool released;  // before the memory ends
};
constexpr kept all_kept[] = {{1, false, false}, {2, false, false}, {3, false, false}, {1, true, false},
                             {1, true, true},   {2, true, false},  {2, true, true}};

// What is taken, and how a container that was made there is told to have ended.
template <class P>
struct outside {
    fa::basic_smart_alloc<P>& alloc;
    std::optional<fa::basic_vec<int, fa::frame_source, P>> made{};

    bool has(taken what, taken one) const { return what == one || what == taken::all; }
    void take(taken what) {
        if (has(what, taken::bytes)) std::memset(alloc.frame_alloc_bytes(100), 1, 100);
        if (has(what, taken::batch)) std::memset(alloc.template frame_alloc_batch<char>(1000).data(), 2, 1000);
        if (has(what, taken::box)) alloc.template frame_make<counted>(5);
        if (has(what, taken::out_of_line)) std::memset(alloc.frame_alloc_bytes(300'000), 3, 300'000);
        if (has(what, taken::several_chunks))
            for (int i = 0; i < 20; ++i) std::memset(alloc.frame_alloc_bytes(1000), 4, 1000);
        made.emplace(alloc.template frame_vec<int>());
        for (int i = 0; i < (has(what, taken::vec) ? 100 : 1); ++i) made->push_back(i);
    }
};

template <class P>
void scribble(const fa::basic_smart_alloc<P>& alloc, int frames) {
    for (int i = 0; i < frames; ++i) {
        const auto frame = alloc.frame_scope();
        std::memset(frame.alloc_bytes(3000), 0xEE, 3000);
    }
}

template <class P>
void take_and_end(fa::basic_smart_alloc<P>& alloc, const kept& k, taken what, ended how, recorder& r) {
    fa::frame_hold hold;
    {
        const auto frame = alloc.frame_scope();
        std::memset(frame.alloc_bytes(200), 1, 200);
        if (k.held) hold = frame.hold("reader");
    }
    CHECK(alloc.frame_stats().bytes_in_use == 0);
    outside<P> o{alloc};
    o.take(what);
    CHECK(alloc.stats().frame_allocated >= 40);
    if (k.released) hold.release();
    CHECK(o.made->front() == 0);
    switch (how) {
        case ended::by_next_frame: scribble(alloc, 1); break;
        case ended::by_end_frame: alloc.end_frame(); break;
        case ended::by_thread_exit: return;
        case ended::by_park: {
            auto parked = alloc.park();
            scribble(alloc, 1);
            CHECK(alloc.resume(std::move(parked)));
            scribble(alloc, 1);
            break;
        }
    }
    CHECK(alloc.stats().frame_allocated == 0);
    CHECK(alloc.frame_stats().bytes_in_use == 0);
    CHECK(alloc.thread_budget().frame_used == 0);
    CHECK(r.count(fa::code::FA428) == 0);
    const std::size_t told = r.count(fa::code::FA002);
    static_cast<void>(alloc.frame_scope());
    o.made->clear();
    o.made->reserve(1000);
    CHECK(r.count(fa::code::FA002) > told);
    o.made.reset();
    scribble(alloc, 1);
    CHECK(alloc.stats().frame_allocated == 0);
}

}  // namespace

FOR_EACH_POLICY("memory taken outside a frame ends, whatever it is, whatever is kept around it, and whatever ends it") {
    for (const kept& k : all_kept) {
        for (const auto guard : {fa::guard_level::off, fa::guard_level::fill, fa::guard_level::revoke}) {
            for (const taken what : all_taken) {
                for (const ended how : all_ends) {
                    CAPTURE(k.flights);
                    CAPTURE(k.held);
                    CAPTURE(k.released);
                    const int g = static_cast<int>(guard), w = static_cast<int>(what), h = static_cast<int>(how);
                    CAPTURE(g);
                    CAPTURE(w);
                    CAPTURE(h);
                    recorder r;
                    const int before = counted::alive;
                    {
                        fa::basic_smart_alloc<P> alloc{
                            r.options({.frame_capacity = 4_KiB, .frames_in_flight = k.flights, .guard = guard})};
                        for (int round = 0; round < 3; ++round)
                            std::thread([&] { take_and_end<P>(alloc, k, what, how, r); }).join();
                        CHECK(counted::alive == before);
                        CHECK(alloc.stats().frame_allocated == 0);
                        CHECK(alloc.tag_stats("").with_children.frame_bytes == 0);
                        take_and_end<P>(alloc, k, what, ended::by_next_frame, r);
                        CHECK(alloc.stats().frame_allocated == 0);
                    }
                    CHECK(r.count(fa::code::FA428) == 0);
                }
            }
        }
    }
}

FOR_EACH_POLICY("memory taken outside frames again and again, between kept ones, meets no limit") {
    for (const kept& k : all_kept) {
        for (const bool ends : {false, true}) {
            recorder r;
            fa::basic_smart_alloc<P> alloc{r.options({.frame_limit = 100'000, .frames_in_flight = k.flights})};
            for (int i = 0; i < 100; ++i) {
                fa::frame_hold hold;
                {
                    const auto frame = alloc.frame_scope();
                    static_cast<void>(frame.alloc_bytes(20'000));
                    if (k.held) hold = frame.hold("reader");
                }
                CHECK(alloc.frame_remaining() == 100'000);
                CHECK(!alloc.template try_frame_alloc_batch<char>(90'000).empty());
                CHECK(alloc.frame_remaining() <= 10'000);
                if (ends) alloc.end_frame();
                else scribble(alloc, 0), static_cast<void>(alloc.frame_scope());
                CHECK(alloc.frame_remaining() == 100'000);
            }
            CHECK(alloc.stats().frame_allocated == 0);
            CHECK(alloc.stats().committed < 2_MiB);
            CHECK(r.count(fa::code::FA001) == r.faults.size());
        }
    }
}

FOR_EACH_POLICY("end_frame with no frame open and nothing outside one is told, whatever is kept") {
    for (const kept& k : all_kept) {
        recorder r;
        fa::basic_smart_alloc<P> alloc{r.options({.frames_in_flight = k.flights})};
        fa::frame_hold hold;
        {
            const auto frame = alloc.frame_scope();
            static_cast<void>(frame.alloc_bytes(100));
            if (k.held) hold = frame.hold("reader");
        }
        alloc.end_frame();
        CHECK(r.count(fa::code::FA428) == 1);
        static_cast<void>(alloc.frame_alloc_bytes(100));
        alloc.end_frame();
        CHECK(r.count(fa::code::FA428) == 1);
        alloc.end_frame();
        CHECK(r.count(fa::code::FA428) == 2);
    }
}

FOR_EACH_POLICY("what ended frames keep is of no open frame: statistics and budgets agree, and the peak stays") {
    for (const kept& k : all_kept) {
        fa::basic_smart_alloc<P> alloc{fa::options{.frame_capacity = 4_KiB, .frames_in_flight = k.flights}};
        fa::frame_hold hold;
        for (int i = 0; i < 4; ++i) {
            {
                const auto frame = alloc.frame_scope();
                for (int n = 0; n < 10; ++n) static_cast<void>(frame.alloc_bytes(1000, 8));
                CHECK(alloc.frame_stats().bytes_in_use == 10'000);
                CHECK(alloc.stats().frame_allocated == 10'000);
                if (k.held) hold = frame.hold("reader");
            }
            CHECK(alloc.frame_stats().bytes_in_use == 0);
            CHECK(alloc.stats().frame_allocated == 0);
            CHECK(alloc.thread_budget().frame_used == 0);
            CHECK(alloc.frame_stats().peak_bytes == 10'000);
        }
    }
}
