// The open frames of a thread: the top record, how far its cursor may go, and the records below and above it.
#pragma once

#include <framealloc/base/fault.hpp>
#include <framealloc/base/site.hpp>
#include <framealloc/detail/core/record.hpp>
#include <framealloc/detail/sync/word.hpp>

namespace framealloc::inline v1::memory {

struct outer_block;

// Frames inside one another, of one thread. Records come in segments, as a program needs them.
inline constexpr unsigned max_frame_depth = 16383;
inline constexpr unsigned records_per_segment = 128;
inline constexpr unsigned most_segments = (max_frame_depth + 1) / records_per_segment;

// What an observer will be notified of about an open frame.
struct watched_frame {
    std::uint64_t since;  // microseconds
    std::uint64_t allocated;   // thread's sum when it began
    std::size_t peak;  // bytes in use
};

// The records of this many depths, and what belongs to each.
struct record_segment {
    frame_record records[records_per_segment];
    outer_block* blocks[records_per_segment];  // newest first
    site opened[records_per_segment];  // while guarded
    watched_frame watched[records_per_segment];  // while watched
};

class frame_stack {
public:
    frame_record* top() const noexcept { return top_; }
    frame_record* top_seen() const noexcept { return sync::load_relaxed(top_); }  // relaxed: for any thread
    // The thread's slot has a copy: see memory::set_top().
    FRAMEALLOC_INLINE void set_top(frame_record* r) noexcept {
        sync::store_relaxed(top_, r);  // relaxed: statistics of other threads read it
    }
    std::uint32_t depth() const noexcept { return top()->depth; }

    frame_record& ground() const noexcept { return records_[0]; }
    frame_record& outermost() const noexcept { return records_[1]; }
    bool on_ground() const noexcept { return top() == records_; }
    bool on_ground_seen() const noexcept { return top_seen() == records_; }

    // What the top record's limit is while it may allocate.
    std::uintptr_t limit() const noexcept { return limit_; }
    void set_limit(std::uintptr_t end) noexcept {
        limit_ = end;
        top()->limit = end & top()->open_mask;
    }

    // Counts checkpoints and rollbacks: what is made between two of them has the same mark.
    std::uint64_t mark_serial() const noexcept { return mark_serial_; }
    std::uint64_t next_mark() noexcept { return ++mark_serial_; }
    void skip_marks(std::uint64_t to) noexcept { mark_serial_ = to; }  // for tests

    // Frames asked for beyond the deepest record.
    bool too_deep() const noexcept { return too_deep_ != 0; }
    bool enter_too_deep() noexcept { return too_deep_++ == 0; }  // whether it is the first
    void leave_too_deep() noexcept { --too_deep_; }
    void forget_too_deep() noexcept { too_deep_ = 0; }

    void open(record_segment& first) noexcept {
        records_ = first.records;
        top_ = records_;
    }

private:
    frame_record* top_;
    std::uintptr_t limit_;
    std::uint64_t mark_serial_;
    frame_record* records_;  // the first segment's
    std::uint32_t too_deep_;
};

// The segments of a thread's records: null from the first one not needed so far.
class record_segments {
public:
    record_segment& of(std::uint32_t depth) const noexcept { return *segments_[depth / records_per_segment]; }
    bool reach(std::uint32_t depth) const noexcept { return segments_[depth / records_per_segment] != nullptr; }
    void add(std::uint32_t depth, record_segment* s) noexcept {
        sync::store_release(segments_[depth / records_per_segment], s);  // pairs: describe()
    }

private:
    record_segment* segments_[most_segments];
};

}  // namespace framealloc::inline v1::memory
