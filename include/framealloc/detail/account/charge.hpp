// What one thread charges to one tag or phase. Its thread writes at boundaries (scopes, chunks, outermost frames), any
// reads.
//
// Frame bytes are cursor differences: nothing is added when memory is allocated. A boundary charges what is between
// the last boundary and the cursor, and notes it in the charge log, from which the end of a frame takes it back.
#pragma once

#include <cstdint>

#include <framealloc/detail/account/tag_tree.hpp>
#include <framealloc/detail/base/kind_tables.hpp>
#include <framealloc/detail/sync/atomic.hpp>

namespace framealloc::inline v1::account {

// Bytes allocated in the current and in the previous outermost frame that allocated any.
class frame_window {
public:
    void add(std::uint64_t frame, std::uint64_t bytes) noexcept {
        if (epoch_.get() != frame) {
            if (frame < epoch_.get()) return add_late(frame, bytes);
            previous_epoch_.set(epoch_.get());
            previous_bytes_.set(bytes_.get());
            bytes_.set(0);
            epoch_.set(frame);
        }
        bytes_.add(bytes);
    }
    std::uint64_t bytes_in(std::uint64_t frame) const noexcept {
        if (epoch_.get() == frame) return bytes_.get();
        return previous_epoch_.get() == frame ? previous_bytes_.get() : 0;
    }
    bool touched(std::uint64_t frame) const noexcept { return epoch_.get() == frame || previous_epoch_.get() == frame; }

private:
    // What an outermost frame had that ended before the current one is charged when that has others already.
    void add_late(std::uint64_t frame, std::uint64_t bytes) noexcept {
        if (previous_epoch_.get() > frame) return;
        if (previous_epoch_.get() != frame) previous_bytes_.set(0);
        previous_epoch_.set(frame);
        previous_bytes_.add(bytes);
    }

    sync::owner_counter epoch_, bytes_, previous_epoch_, previous_bytes_;
};

// What a thread notices late: that blocks of its pages came back, and on other threads heap blocks that it was charged
// for. A peak asks before it rises.
struct late_returns {
    sync::atomic<bool> returns_elsewhere{false};  // some account has had bytes `away`
    void (*notice)(late_returns&) noexcept = nullptr;  // corrects `live` of all accounts of the thread, no peak
    std::size_t tolerance = 0;  // bytes that a peak may rise without asking: asking takes time where pages are many
};

// Of one number; the owner raises it, whoever resets statistics sets it.
struct high_water {
    sync::owner_counter reported;
    sync::owner_counter certain;  // what it was when it was last known that nothing had come back unnoticed

    std::uint64_t get() const noexcept { return reported.get(); }
    void begin(std::int64_t bytes) noexcept {
        reported.set(bytes > 0 ? static_cast<std::uint64_t>(bytes) : 0);
        certain.set(reported.get());
    }
    bool is_below(std::uint64_t bytes) const noexcept {
        return static_cast<std::int64_t>(bytes) > static_cast<std::int64_t>(reported.get());
    }
};

struct charge_entry {
    static constexpr std::uint64_t never = ~std::uint64_t{0};

    tag_node* node = nullptr;
    charge_entry* parent = nullptr;
    charge_entry* next = nullptr;  // of the same thread, in the order of creation
    charge_entry* next_charged = nullptr;  // of the same tag, of another thread

    sync::owner_counter frame_held;  // bytes of open frames, settled
    sync::owner_counter heap_taken;  // bytes this thread took from the heap, ever
    sync::owner_counter heap_returned;  // bytes that it gave back
    sync::atomic<std::uint64_t> heap_refunded{};  // bytes that other threads gave back
    // Bytes of all kinds as seen at boundaries. Other threads' returns are taken off before a peak rises: until then
    // it is more than what is in use, never less.
    sync::owner_counter live;
    high_water peak;  // maximum of live
    sync::owner_counter tree_live;  // live of this entry and its children
    high_water tree_peak;
    sync::atomic<std::uint64_t> away{};  // bytes that other threads gave back, still part of live
    sync::atomic<std::uint64_t> tree_away{};
    late_returns* late = nullptr;  // of the thread
    frame_window frame_bytes;  // as a tag: frame bytes allocated
    frame_window phase_bytes;  // as a phase: bytes of every kind allocated
    frame_window phase_count;  // as a phase: allocations, as far as they are counted

    // From here on its tag leads to it. Requires: it is complete.
    void join_tag() noexcept {
        next_charged = node->charged.load_relaxed();  // relaxed: the exchange decides
        while (!node->charged.compare_exchange_release(next_charged, this)) {}  // pairs: for_each_charged()
    }

    // What is in use of what was taken here, whoever gives it back.
    std::size_t heap_balance() const noexcept {
        const std::uint64_t refunded = heap_refunded.load_relaxed();  // relaxed: a statistic, as the others
        return heap_taken.get() - heap_returned.get() - refunded;
    }
    // What of a kind is in use and counted here: of pages, their blocks are counted instead.
    std::size_t balance_of(memory_kind k) const noexcept;
    void add_live(std::int64_t bytes) noexcept {
        const auto more = static_cast<std::uint64_t>(bytes);
        live.add(more);
        if (peak.is_below(live.get())) [[unlikely]]
            return add_above(this, more);
        for (charge_entry* e = this; e != nullptr; e = e->parent) {
            e->tree_live.add(more);
            if (e->tree_peak.is_below(e->tree_live.get())) [[unlikely]]
                return add_above(e->parent, more);
        }
    }
    // A maximum that is over again at once, as when a frame ends.
    void touch_peak(std::uint64_t bytes) noexcept {
        if (peak.is_below(live.get() + bytes)) [[unlikely]]
            return rise(bytes);
        for (const charge_entry* e = this; e != nullptr; e = e->parent) {
            if (e->tree_peak.is_below(e->tree_live.get() + bytes)) [[unlikely]]
                return rise(bytes);
        }
    }
    // So many bytes more may be live before one of its peaks rises.
    std::uint64_t room_below_peaks() const noexcept;
    // Less is in use, or it is found to have been so before: no new maximum.
    void correct_live(std::int64_t bytes) noexcept {
        live.add(static_cast<std::uint64_t>(bytes));
        for (charge_entry* e = this; e != nullptr; e = e->parent) e->tree_live.add(static_cast<std::uint64_t>(bytes));
    }
    // Heap bytes charged here come back on a thread that does not own the entry. Threads: any.
    void refund_elsewhere(std::uint64_t bytes) noexcept;
    // Peaks begin anew from what is in use. Threads: any, under the allocator's lock.
    void reset_peaks() noexcept;

private:
    // Peaks are at least what is live and `bytes` beside it.
    void rise(std::uint64_t bytes) noexcept;
    // The same, and the parents from `from` on have yet to be told of so many live bytes more.
    void add_above(charge_entry* from, std::uint64_t bytes) noexcept;
};

// The counter of a kind whose blocks are not freed singly. Null of the others: pages count their blocks, and what is
// too large for pages is the heap's.
constexpr sync::owner_counter charge_entry::* held_of(memory_kind k) noexcept {
    switch (k) {
        case memory_kind::frame: return &charge_entry::frame_held;
        case memory_kind::pool:
        case memory_kind::heap: break;
    }
    return nullptr;
}
static_assert(base::differs_by_kind(held_of, [](memory_kind k) { return !traits_of(k).freed_singly; }),
              "held_of() has no counter for a kind");

FRAMEALLOC_INLINE std::size_t charge_entry::balance_of(memory_kind k) const noexcept {
    if (k == memory_kind::heap) return heap_balance();
    const auto held = held_of(k);
    return held == nullptr ? 0 : (this->*held).get();
}

// What threads have of a tag. Threads: any.
template <class F>
void for_each_charged(const tag_node& tag, F&& f) {
    const charge_entry* e = tag.charged.load_acquire();  // pairs: join_tag()
    for (; e != nullptr; e = e->next_charged) f(*e);
}

// One settled segment of an open frame.
struct charge_record {
    charge_entry* who;
    std::uint64_t bytes;
    std::uint32_t depth;
};

class charge_log {
public:
    // What is charged to the same account in the same frame as the newest record becomes a part of that.
    bool push(os::metadata& memory, charge_record r, exhaustion_reason& why) noexcept {
        if (extend(r.who, r.depth, r.bytes)) return true;
        if (size_ == capacity_ && !grow(memory, why)) return false;
        records_[size_++] = r;
        return true;
    }
    // Whether it did.
    FRAMEALLOC_INLINE bool extend(const charge_entry* who, std::uint32_t depth, std::uint64_t bytes) noexcept {
        if (size_ <= closed_) return false;
        charge_record& newest = records_[size_ - 1];
        if (newest.who != who || newest.depth != depth) return false;
        newest.bytes += bytes;
        return true;
    }
    std::uint32_t size() const noexcept { return size_; }
    const charge_record& at(std::uint32_t i) const noexcept { return records_[i]; }
    const charge_record& back() const noexcept { return records_[size_ - 1]; }
    void pop() noexcept {
        if (--size_ < closed_) closed_ = size_;
    }
    // The records so far stay as they are: somebody may go back to here. Returns their number.
    std::uint32_t close() noexcept { return closed_ = size_; }
    // What was charged to the frame of this depth is charged to the one around it.
    void move_to_outer(std::uint32_t depth) noexcept {
        for (std::uint32_t i = size_; i != 0 && records_[i - 1].depth >= depth; --i) records_[i - 1].depth = depth - 1;
    }

private:
    bool grow(os::metadata& memory, exhaustion_reason& why) noexcept;

    charge_record* records_ = nullptr;
    std::uint32_t size_ = 0;
    std::uint32_t closed_ = 0;
    std::uint32_t capacity_ = 0;
};

}  // namespace framealloc::inline v1::account
