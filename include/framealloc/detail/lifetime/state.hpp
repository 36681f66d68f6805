// What lifetime keeps in a thread's context and in an allocator: checkpoints, rollbacks, turns and unloaded modules.
// Internal to lifetime.
#pragma once

#include <framealloc/detail/core/core.hpp>
#include <framealloc/detail/os/module.hpp>

namespace framealloc::inline v1::lifetime {

// A checkpoint that can still be rolled back to.
struct frame_mark {
    std::uintptr_t cursor;
    std::uint64_t serial;
    std::uint64_t rolled_to;  // births since the serial and before this have ended by rolling back to it; 0: never was
    std::uint32_t depth;
    std::uint32_t log_size;
};

// Those of a thread's open frames, the oldest first: their serials ascend. What was rolled back to an older one is
// behind the births of that, so that no birth is between the serial and `rolled_to` of two.
class mark_stack {
public:
    std::size_t size() const noexcept { return static_cast<std::size_t>(end_ - first_); }
    bool has_room() const noexcept { return end_ != limit_; }
    // False without memory for it, `why` set.
    FRAMEALLOC_COLD bool widen(os::metadata& meta, exhaustion_reason& why) noexcept;
    // Requires: room for it.
    void push(const frame_mark& m) noexcept { *end_++ = m; }
    // Null: none has it, or another is the newest.
    frame_mark* find(std::uint64_t serial) noexcept;
    frame_mark* find_newest(std::uint64_t serial) noexcept {
        return end_ != first_ && end_[-1].serial == serial ? end_ - 1 : nullptr;
    }
    void drop_younger(frame_mark& m) noexcept { end_ = &m + 1; }
    // This one too. Calls f(m) for each, the oldest first.
    template <class F>
    void drop(frame_mark& m, F&& f) noexcept {
        for (const frame_mark* each = &m; each != end_; ++each) f(*each);
        end_ = &m;
    }
    void clear() noexcept { end_ = first_; }
    // Those of frames this deep or deeper have ended.
    void drop_from(std::uint32_t depth) noexcept {
        while (end_ != first_ && end_[-1].depth >= depth) --end_;
    }
    // Whether a live checkpoint of the frame at this depth is younger than the birth.
    bool younger_than(std::uint32_t depth, std::uint64_t birth) const noexcept {
        const frame_mark* m = end_;
        while (m != first_ && m[-1].depth != depth) --m;
        return m != first_ && birth < m[-1].serial;
    }
    // Whether what was born then in the frame at this depth has ended by rolling back to one of them.
    bool rolled(std::uint32_t depth, std::uint64_t birth) const noexcept {
        const frame_mark* m = past(birth);
        return m != first_ && m[-1].depth == depth && birth < m[-1].rolled_to;
    }
    // Bytes of the metadata that it has grown to.
    static constexpr std::size_t first_capacity = 32;
    std::size_t bytes_wanted() const noexcept {
        return (capacity() == 0 ? first_capacity : capacity() * 2) * sizeof(frame_mark);
    }

private:
    std::size_t capacity() const noexcept { return static_cast<std::size_t>(limit_ - first_); }
    // The first whose serial is above.
    frame_mark* past(std::uint64_t serial) const noexcept;

    frame_mark* first_ = nullptr;
    frame_mark* end_ = nullptr;
    frame_mark* limit_ = nullptr;
};

// Containers of open frames that rollbacks ended whose checkpoint is gone, the outermost frame's first. Those whose
// destructors still run must not free what no longer exists.
class rolled_births {
public:
    // Of the frame at this depth: births, as marks count them, from `from` on and before `to`.
    void add(std::uint32_t depth, std::uint64_t from, std::uint64_t to) noexcept {
        while (count_ != 0 && newest().depth == depth && newest().from >= from) --count_;
        if (count_ == most) merge_oldest();
        at(count_++) = {from, to, depth, false};
    }
    bool contain(std::uint32_t depth, std::uint64_t birth) const noexcept { return count_ != 0 && find(depth, birth); }
    void drop_from(std::uint32_t depth) noexcept {
        while (count_ != 0 && newest().depth >= depth) --count_;
    }
    void clear() noexcept { count_ = 0; }

private:
    struct range {
        std::uint64_t from;
        std::uint64_t to;
        std::uint32_t depth;
        bool mixed;  // merged: some of these births, at this depth or deeper, were before and some after a rollback
    };
    bool find(std::uint32_t depth, std::uint64_t birth) const noexcept;
    // The two oldest become one.
    void merge_oldest() noexcept {
        at(1) = {at(0).from, at(1).to, at(0).depth, true};
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
