// Tags that are charged late: every figure is what it would be if each scope that opens or closes charged at once.
#include <doctest/doctest.h>

#include <random>
#include <string>
#include <thread>
#include <vector>

#include "support/recorder.hpp"

using namespace test;

namespace {

inline constexpr fa::tag game{"game"}, left{game, "left"}, right{game, "right"}, step{"step"}, other{"other"};
constexpr const fa::tag* tags[] = {&game, &left, &right};

// Random programs. `eager`: a statistic is read after each tag scope opens and closes, which is a boundary anyway.
template <class P>
class program {
public:
    program(unsigned seed, bool eager) : random_(seed), eager_(eager) {}

    std::vector<std::uint64_t> run() {
        for (int i = 0; i < 40; ++i) {
            {
                const auto frame = alloc_.frame_scope();
                block(frame, 0);
            }
            look();
            if (roll(3) == 0) outside();
        }
        for (void* p : pool_) alloc_.pool_free_bytes(p, 64);
        for (void* p : heap_) alloc_.heap_free_bytes(p, 20'000);
        look();
        return seen_;
    }

private:
    unsigned roll(unsigned n) { return static_cast<unsigned>(random_() % n); }
    void boundary() {
        if (eager_) static_cast<void>(alloc_.tag_stats("other"));
    }
    void see(const fa::tag_bytes& t) {
        for (std::size_t n :
             {t.frame_bytes, t.last_frame_bytes, t.pool_bytes, t.heap_bytes, t.total_bytes, t.peak_bytes})
            seen_.push_back(n);
    }
    void look() {
        for (const fa::tag* t : tags) {
            const fa::tag_stats s = alloc_.tag_stats(*t);
            see(s);
            see(s.with_children);
        }
        const fa::alloc_stats all = alloc_.stats();
        for (std::uint64_t n : {std::uint64_t{all.total_allocated}, std::uint64_t{all.peak_allocated},
                                all.allocation_count, all.deallocation_count})
            seen_.push_back(n);
        const fa::frame_stats f = alloc_.frame_stats();
        for (std::uint64_t n : {f.bytes_allocated, std::uint64_t{f.bytes_in_use}, std::uint64_t{f.peak_bytes}})
            seen_.push_back(n);
        for (const fa::phase_stats& p : alloc_.phase_stats()) {
            seen_.push_back(p.bytes);
            seen_.push_back(p.allocations);
        }
    }
    template <class F>
    void tagged(F&& f) {
        {
            const fa::tag_scope scope(alloc_, *tags[roll(3)]);
            boundary();
            f();
        }
        boundary();
    }
    void take_and_give() {
        if (roll(2) == 0 || pool_.empty()) {
            pool_.push_back(alloc_.pool_alloc_bytes(64));
        } else {
            std::swap(pool_[roll(static_cast<unsigned>(pool_.size()))], pool_.back());
            alloc_.pool_free_bytes(pool_.back(), 64);
            pool_.pop_back();
        }
    }
    void large() {
        if (heap_.size() < 5 && roll(2) == 0) {
            heap_.push_back(alloc_.heap_alloc_bytes(20'000));
        } else if (!heap_.empty()) {
            alloc_.heap_free_bytes(heap_.back(), 20'000);
            heap_.pop_back();
        }
    }
    void pair() { alloc_.pool_free_bytes(alloc_.pool_alloc_bytes(48), 48); }
    void outside() {
        tagged([this] { pair(); });
        const fa::phase_scope phase(alloc_, other);
        tagged([this] { take_and_give(); });
    }
    template <class Frame>
    void block(const Frame& frame, unsigned depth) {
        for (unsigned n = roll(9); n != 0; --n) {
            switch (roll(depth < 5 ? 12 : 6)) {
                case 0:
                case 1: static_cast<void>(frame.alloc_bytes(8 + roll(200))); break;
                case 2: take_and_give(); break;
                case 3: pair(); break;
                case 4: roll(4) == 0 ? large() : pair(); break;
                case 5: roll(8) == 0 ? look() : alloc_.pool_free_bytes(alloc_.pool_alloc_bytes(300), 300); break;
                case 6:
                case 7:
                case 8: tagged([&] { block(frame, depth + 1); }); break;
                case 9: {
                    const fa::phase_scope phase(alloc_, roll(2) == 0 ? step : other);
                    block(frame, depth + 1);
                    break;
                }
                case 10: {
                    const auto inner = alloc_.frame_scope();
                    block(inner, depth + 1);
                    break;
                }
                default: {
                    const auto cp = alloc_.frame_checkpoint();
                    block(frame, depth + 1);
                    alloc_.rollback_to(cp);
                }
            }
        }
    }

    fa::basic_smart_alloc<P> alloc_{};
    std::mt19937 random_;
    bool eager_;
    std::vector<void*> pool_, heap_;
    std::vector<std::uint64_t> seen_;
};

}  // namespace

FOR_EACH_POLICY("tags that are charged late have the figures of tags that are charged at once") {
    for (unsigned seed = 0; seed < (under_tsan ? 5U : 150U); ++seed) {
        CAPTURE(seed);
        const std::vector<std::uint64_t> late = program<P>(seed, false).run(), at_once = program<P>(seed, true).run();
        REQUIRE(late.size() == at_once.size());
        for (std::size_t i = 0; i < late.size(); ++i) {
            CAPTURE(i);
            REQUIRE(late[i] == at_once[i]);
        }
    }
}

FOR_EACH_POLICY("bytes of a tag that was left are seen by other threads, and peaks that begin anew have them") {
    fa::basic_smart_alloc<P> alloc;
    for (int round = 0; round < 3; ++round) {
        const auto frame = alloc.frame_scope();
        for (int i = 1; i <= 10; ++i) {
            {
                const fa::tag_scope scope(alloc, left);
                static_cast<void>(frame.alloc_bytes(1600));
            }
            std::thread([&] { CHECK(alloc.tag_stats(left).frame_bytes == static_cast<std::size_t>(i) * 1600); }).join();
        }
        std::thread([&] { alloc.reset_stats(); }).join();
        std::thread([&] { CHECK(alloc.tag_stats(left).peak_bytes == 16'000); }).join();
        {
            const auto inner = alloc.frame_scope();
            const fa::tag_scope scope(alloc, right);
            static_cast<void>(inner.alloc_bytes(1600));
        }
        CHECK(alloc.tag_stats(game).with_children.peak_bytes == 17'600);
    }
    CHECK(alloc.tag_stats(left).frame_bytes == 0);
    CHECK(alloc.tag_stats(left).peak_bytes == 16'000);
    CHECK(alloc.tag_stats(left).last_frame_bytes == 16'000);
}

FOR_EACH_POLICY("peaks that another thread resets begin from what an inner frame has, though it ends first") {
    fa::basic_smart_alloc<P> alloc;
    const auto outer = alloc.frame_scope();
    for (int round = 0; round < 3; ++round) {
        {
            const auto inner = alloc.frame_scope();
            {
                const fa::tag_scope scope(alloc, left);
                static_cast<void>(inner.alloc_bytes(1600));
            }
            std::thread([&] { alloc.reset_stats(); }).join();
        }
        CHECK(alloc.tag_stats(left).peak_bytes == 1600);
        CHECK(alloc.tag_stats(game).with_children.peak_bytes == 1600);
        CHECK(alloc.stats().peak_allocated == 1600);
        {
            const auto checkpoint = alloc.checkpoint_guard();
            const fa::tag_scope scope(alloc, right);
            static_cast<void>(outer.alloc_bytes(3200));
            std::thread([&] { alloc.reset_stats(); }).join();
        }
        CHECK(alloc.stats().peak_allocated == 3200);
    }
}
