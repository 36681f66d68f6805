// What the frames of one thread have of memory: an arena for each outermost frame in flight, chunks for the next
// growth, blocks out of line, and how much of all that stays between frames.
#pragma once

#include <framealloc/detail/core/retention.hpp>
#include <framealloc/detail/memory/arena.hpp>
#include <framealloc/detail/memory/chunk_list.hpp>

namespace framealloc::inline v1::guard {
class frame_log;
}

namespace framealloc::inline v1::memory {

// One outermost frame's worth of memory. There is one unless frames stay in flight or are held; lifetime adds to each
// what it keeps of such a frame. See detail/lifetime/flights.hpp.
struct frame_arena : arena {
    std::uint64_t trimmed_in;  // retention::decided_in() of the decision it followed last
    bool content_kept;  // its frame has ended, its content is kept
    bool revocable;  // while kept: the thread that releases the last hold may make it inaccessible
    guard::frame_log* log;  // while guarded
    frame_arena* next;  // ring
};

class frame_memory {
public:
    void open(frame_arena& first) noexcept {
        current_ = first.next = &first;
        count_ = 1;
    }
    // The arena of the current outermost frame.
    frame_arena& current() const noexcept { return *current_; }
    std::uint32_t count() const noexcept { return count_; }
    void use(frame_arena& a) noexcept { current_ = &a; }
    // After the current one.
    void add(frame_arena& a) noexcept {
        a.next = current_->next;
        current_->next = &a;
        ++count_;
    }
    // Every one, the current one first, until f returns true. The one it was, or null.
    template <class F>
    frame_arena* find(F&& f) const {
        frame_arena* a = current_;
        do {
            if (f(*a)) return a;
            a = a->next;
        } while (a != current_);
        return nullptr;
    }

    // Bytes in use by open frames, the top cursor being here.
    std::size_t bytes_in_use(std::uintptr_t cursor, std::uint64_t padding) const noexcept {
        return current_->used(cursor, padding) + out_of_line_;
    }
    // Of open frames.
    std::size_t out_of_line() const noexcept { return out_of_line_; }
    void add_out_of_line(std::size_t bytes) noexcept { out_of_line_ += bytes; }
    void subtract_out_of_line(std::size_t bytes) noexcept { out_of_line_ -= bytes; }

    // Out-of-line memory came back, which a retention decision may give away.
    void note_spilled() noexcept { spilled_ = true; }
    bool take_spilled() noexcept {
        const bool was = spilled_;
        spilled_ = false;
        return was;
    }

    chunk_list& spare() noexcept { return spare_; }
    const chunk_list& spare() const noexcept { return spare_; }
    retention& kept() noexcept { return kept_; }
    const retention& kept() const noexcept { return kept_; }

private:
    frame_arena* current_ = nullptr;
    std::uint32_t count_ = 0;
    bool spilled_ = false;
    std::size_t out_of_line_ = 0;
    chunk_list spare_;  // not in use, kept for the next growth
    retention kept_;
};

}  // namespace framealloc::inline v1::memory
