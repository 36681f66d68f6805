// Statistics do not depend on when they are read: of two allocators that do the same, one is read after every
// operation, which charges everything at once, the other seldom.
//
// Bytes are equal whenever both are read. A peak is a maximum over boundaries: the one that is read seldom has fewer of
// them, and none that the other has not.
#include <doctest/doctest.h>

#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "support/matrix.hpp"
#include "support/random.hpp"
#include "support/recorder.hpp"

using namespace test;

namespace {

constexpr fa::tag level{"level"}, enemies{level, "enemies"}, paths{enemies, "paths"}, sound{"sound"};
constexpr const fa::tag* tags[] = {&level, &enemies, &paths, &sound};
constexpr fa::tag update{"update"}, draw{"draw"};
constexpr const fa::tag* phases[] = {&update, &draw};
constexpr unsigned variants = 8;

fa::options variant(unsigned i) {
    fa::options o;
    o.frame_capacity = 64_KiB;
    o.on_exhaustion = [](const fa::exhaustion&) { return false; };
    switch (i % variants) {
        case 1: o.frames_in_flight = 2; break;
        case 2: o.frames_in_flight = 3; break;
        case 3: o.retain = fa::retain::high_water(3); break;
        case 4: o.retain = fa::retain::bytes(100'000); break;
        case 5: o.frame_limit = 300'000; break;
        default: break;
    }
    return o;
}

struct counted {
    std::size_t* destroyed;
    char more[40] = {};
    ~counted() { ++*destroyed; }
};

// One of the two. What it has open is closed in order, whatever it is.
template <class P>
class world {
public:
    world(std::uint64_t seed, fa::options o) : random_{seed}, alloc_{recorder_.options(o)} {
        if (roll(8) == 0) alloc_.set_thread_frame_budget(200'000);
    }
    ~world() {
        while (!open_.empty()) open_.pop_back();
        holds_.clear();
        for (const block& b : pool_) alloc_.pool_free_bytes(b.at, b.bytes);
        for (const block& b : heap_) alloc_.heap_free_bytes(b.at, b.bytes);
    }
    world(const world&) = delete;
    world& operator=(const world&) = delete;

    void step() {
        switch (roll(26)) {
            case 0:
            case 1:
            case 2:
                if (frames() < 6) open_.emplace_back().frame = std::make_unique<frame_type>(alloc_);
                break;
            case 3:
            case 4:
            case 5:
                if (!open_.empty()) open_.pop_back();
                break;
            case 6:
            case 7:
                if (open_.size() < 20)
                    open_.emplace_back().tag = std::make_unique<fa::tag_scope>(alloc_, *tags[roll(4)]);
                break;
            case 8:
                if (open_.size() < 20)
                    open_.emplace_back().phase = std::make_unique<fa::phase_scope>(alloc_, *phases[roll(2)]);
                break;
            case 9:
            case 10:
            case 11: take_frame_memory(frames() - 1, roll(300) + 1, std::size_t{8} << roll(4)); break;
            case 12: take_frame_memory(frames() - 1, roll(20'000) + 1, 16); break;
            case 13: take_frame_memory(frames() - 1, roll(6) == 0 ? roll(100'000) + 1 : 1, 16); break;
            case 14: take_frame_memory(roll(6), roll(500) + 1, 16); break;  // an outer one's: out of line
            case 15: take(pool_, roll(600) + 1, false); break;
            case 16:
            case 17: give(pool_, false); break;
            case 18: take(heap_, roll(9000) + 1, true); break;
            case 19: give(heap_, true); break;
            case 20:
                if (top() != nullptr && open_.size() < 20)
                    open_.emplace_back().guard.reset(new fa::checkpoint_guard(alloc_.checkpoint_guard()));
                break;
            case 21:
                if (top() != nullptr) static_cast<void>(top()->template try_make<counted>(&destroyed_));
                break;
            case 22:
                if (top() != nullptr) {
                    auto v = top()->template vec<int>();
                    for (unsigned left = roll(60); left != 0 && v.try_push_back(1); --left) {}
                }
                break;
            case 23:
                if (top() != nullptr && roll(12) == 0) holds_.push_back(top()->hold("reader"));
                break;
            case 24:
                if (!holds_.empty() && roll(3) == 0) holds_.erase(holds_.begin() + roll(holds_.size()));
                break;
            case 25:
                if (roll(16) == 0) alloc_.trim();
                break;
        }
    }

    const fa::basic_smart_alloc<P>& alloc() const { return alloc_; }
    std::size_t destroyed() const { return destroyed_; }
    const std::vector<fa::code>& faults() const { return recorder_.faults; }

private:
    using frame_type = fa::basic_frame_scope<P>;
    struct opened {
        std::unique_ptr<frame_type> frame;
        std::unique_ptr<fa::tag_scope> tag;
        std::unique_ptr<fa::phase_scope> phase;
        std::unique_ptr<fa::checkpoint_guard> guard;
    };
    struct block {
        void* at;
        std::size_t bytes;
    };

    std::uint32_t roll(std::size_t n) { return static_cast<std::uint32_t>(random_() % n); }
    std::size_t frames() const {
        std::size_t n = 0;
        for (const opened& o : open_) n += o.frame != nullptr ? 1U : 0U;
        return n;
    }
    frame_type* frame_at(std::size_t i) {
        for (opened& o : open_) {
            if (o.frame != nullptr && i-- == 0) return o.frame.get();
        }
        return nullptr;
    }
    frame_type* top() { return frame_at(frames() - 1); }
    void take_frame_memory(std::size_t frame, std::size_t bytes, std::size_t align) {
        if (frame_type* f = frame_at(frame))
            if (void* p = f->try_alloc_bytes(bytes, align)) std::memset(p, 1, bytes);
    }
    void take(std::vector<block>& from, std::size_t bytes, bool heap) {
        void* p = heap ? alloc_.try_heap_alloc_bytes(bytes) : alloc_.try_pool_alloc_bytes(bytes);
        if (p != nullptr) from.push_back({p, bytes});
    }
    void give(std::vector<block>& from, bool heap) {
        if (from.empty()) return;
        const block b = std::exchange(from[roll(from.size())], from.back());
        from.pop_back();
        heap ? alloc_.heap_free_bytes(b.at, b.bytes) : alloc_.pool_free_bytes(b.at, b.bytes);
    }

    splitmix random_;
    recorder recorder_;
    std::size_t destroyed_ = 0;
    fa::basic_smart_alloc<P> alloc_;
    std::vector<opened> open_;
    std::vector<block> pool_, heap_;
    std::vector<fa::frame_hold> holds_;
};

void require_equal(const fa::tag_bytes& often, const fa::tag_bytes& seldom) {
    REQUIRE(seldom.frame_bytes == often.frame_bytes);
    REQUIRE(seldom.pool_bytes == often.pool_bytes);
    REQUIRE(seldom.heap_bytes == often.heap_bytes);
    REQUIRE(seldom.last_frame_bytes == often.last_frame_bytes);
    REQUIRE(seldom.peak_bytes <= often.peak_bytes);
    REQUIRE(seldom.peak_bytes >= seldom.total_bytes);
}

template <class P>
void require_equal(const world<P>& often, const world<P>& seldom) {
    const fa::alloc_stats a = often.alloc().stats(), b = seldom.alloc().stats();
    REQUIRE(b.frame_allocated == a.frame_allocated);
    REQUIRE(b.pool_allocated == a.pool_allocated);
    REQUIRE(b.heap_allocated == a.heap_allocated);
    REQUIRE(b.active_allocations() == a.active_allocations());
    REQUIRE(b.peak_allocated <= a.peak_allocated);
    REQUIRE(b.peak_allocated >= b.total_allocated);
    const fa::frame_stats f = often.alloc().frame_stats(), g = seldom.alloc().frame_stats();
    REQUIRE(g.frame_number == f.frame_number);
    REQUIRE(g.bytes_allocated == f.bytes_allocated);
    REQUIRE(g.bytes_in_use == f.bytes_in_use);
    REQUIRE(g.peak_bytes <= f.peak_bytes);
    for (const fa::tag* t : tags) {
        CAPTURE(std::string(t->name()));
        const fa::tag_stats s = often.alloc().tag_stats(*t), u = seldom.alloc().tag_stats(*t);
        require_equal(s, u);
        require_equal(s.with_children, u.with_children);
    }
    const auto p = often.alloc().phase_stats(), q = seldom.alloc().phase_stats();
    REQUIRE(q.size() == p.size());
    for (std::size_t i = 0; i < p.size(); ++i) REQUIRE(q[i].bytes == p[i].bytes);
    REQUIRE(seldom.alloc().thread_budget().frame_used == often.alloc().thread_budget().frame_used);
    REQUIRE(seldom.destroyed() == often.destroyed());
    REQUIRE(seldom.faults() == often.faults());
}

}  // namespace

FOR_EACH_POLICY("statistics are the same whether they are read after every operation or seldom") {
    for (unsigned seed = 1; seed <= (under_tsan ? 8U : 64U); ++seed) {
        CAPTURE(seed);
        world<P> often(seed, variant(seed)), seldom(seed, variant(seed));
        for (unsigned i = 1; i <= 2000; ++i) {
            CAPTURE(i);
            often.step();
            seldom.step();
            static_cast<void>(often.alloc().stats());
            if (i % 97 == 0) require_equal(often, seldom);
        }
    }
}
