// What lifetime keeps in a thread's context and in an allocator: checkpoints, rollbacks, turns and unloaded modules.
// Internal to lifetime.
#pragma once

#include <framealloc/detail/core/core.hpp>
#include <framealloc/detail/os/module.hpp>

namespace framealloc::inline v1::lifetime {

// A checkpoint that can still be rolled back to.
struct frame_mark {
    std::uintptr_t cursor;
    std::uint64_t generation;
    std::uint64_t serial;
    std::uint32_t depth;
    std::uint32_t log_size;
};

// Those of a thread's open frames, the oldest first.
class mark_stack {
public:
    std::uint32_t size() const noexcept { return size_; }
    frame_mark& at(std::uint32_t i) noexcept { return marks_[i]; }
    bool has_room() const noexcept { return size_ < capacity_; }
    // False without memory for it, `why` set.
    FRAMEALLOC_COLD bool widen(os::metadata& meta, exhaustion_reason& why) noexcept;
    // Requires: room for it. Returns its index.
    std::uint32_t push(const frame_mark& m) noexcept {
        marks_[size_] = m;
        return size_++;
    }
    void shrink(std::uint32_t size) noexcept { size_ = size; }
    // Those of frames this deep or deeper have ended.
    void drop_from(std::uint32_t depth) noexcept {
        while (size_ != 0 && marks_[size_ - 1].depth >= depth) --size_;
    }
    // Whether a live checkpoint of the frame at this depth is younger than the birth.
    bool younger_than(std::uint32_t depth, std::uint64_t birth) const noexcept {
        if (size_ == 0) return false;
        std::uint32_t i = size_;
        while (i != 0 && marks_[i - 1].depth != depth) --i;
        return i != 0 && birth < marks_[i - 1].serial;
    }
    // Bytes of the metadata that it has grown to.
    static constexpr std::size_t first_capacity = 32;
    std::size_t bytes_wanted() const noexcept {
        return (capacity_ == 0 ? first_capacity : capacity_ * std::size_t{2}) * sizeof(frame_mark);
    }

private:
    frame_mark* marks_ = nullptr;
    std::uint32_t size_ = 0;
    std::uint32_t capacity_ = 0;
};

// Containers of open frames that rollbacks ended, the outermost frame's first. Those whose destructors still run must
// not free what no longer exists.
class rolled_births {
public:
    // Of the frame at this depth: births, as marks count them, from `from` on and before `to`.
    void add(std::uint32_t depth, std::uint64_t from, std::uint64_t to) noexcept {
        while (count_ != 0 && newest().depth == depth && newest().from >= from) --count_;
        if (count_ == most) merge_oldest();
        at(count_++) = {depth, from, to, false};
    }
    bool contain(std::uint32_t depth, std::uint64_t birth) const noexcept { return count_ != 0 && find(depth, birth); }
    void drop_from(std::uint32_t depth) noexcept {
        while (count_ != 0 && newest().depth >= depth) --count_;
    }
    void clear() noexcept { count_ = 0; }

private:
    struct range {
        std::uint32_t depth;
        std::uint64_t from;
        std::uint64_t to;
        bool mixed;  // merged: some of these births, at this depth or deeper, were before and some after a rollback
    };
    bool find(std::uint32_t depth, std::uint64_t birth) const noexcept;
    // The two oldest become one.
    void merge_oldest() noexcept {
        at(1) = {at(0).depth, at(0).from, at(1).to, true};
        ++oldest_;
        --count_;
    }
    range& at(std::uint32_t i) noexcept { return ranges_[(oldest_ + i) % most]; }
    const range& at(std::uint32_t i) const noexcept { return ranges_[(oldest_ + i) % most]; }
    const range& newest() const noexcept { return at(count_ - 1); }

    static constexpr std::uint32_t most = 8;
    std::uint32_t oldest_ = 0;
    std::uint32_t count_ = 0;
    range ranges_[most] = {};  // in a ring
};

// Where the newest finaliser was put that went behind younger ones, as a node of the list itself: containers that are
// older than a checkpoint, and filled after it, come there one after the other.
struct finaliser_place {
    memory::finaliser node{};  // what is before it in the list is as young as its mark or younger; no link: in none
    const memory::frame_record* record = nullptr;  // whose list
};

// What a thread has of it.
struct thread_state {
    static constexpr memory::upper_floor floor = memory::upper_floor::lifetime;

    const memory::frame_record* ending = nullptr;  // while destructors of its objects run
    std::uint64_t turn = 0;  // of the flights: outermost frames begun, but those that destructors open
    mark_stack marks;
    sync::atomic<std::uint32_t> modules_seen{0};  // of allocator_state::modules_released
    std::uint32_t outside_ended = 0;  // outside_so_far() when the memory taken outside frames ended last
    rolled_births rolled;
    finaliser_place behind;
};

// An unloaded library; see lifetime/modules.hpp.
struct released_module {
    os::module_range range;
    std::uint32_t number;
    released_module* next;
};

// What an allocator has of it.
struct allocator_state {
    static constexpr memory::upper_floor floor = memory::upper_floor::lifetime;

    released_module* modules = nullptr;  // those that a thread may not know of yet; the allocator's lock guards it
    sync::atomic<std::uint32_t> modules_released{0};
};

inline thread_state& state_of(memory::thread_context& c) noexcept { return c.upper.get<thread_state>(); }
inline const thread_state& state_of(const memory::thread_context& c) noexcept { return c.upper.get<thread_state>(); }
inline allocator_state& state_of(memory::core& a) noexcept { return a.upper.get<allocator_state>(); }

}  // namespace framealloc::inline v1::lifetime
