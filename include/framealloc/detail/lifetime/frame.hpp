// Frames: memory that is freed, destructors included, when its frame ends.
//
//   frame_record* r = lifetime::open_frame(memory::top_record(a));
//   void* p = lifetime::allocate<64, 8>(r);
//   lifetime::close_frame(r);
//
// Frames nest; memory belongs to the frame of the object that asks. Cost: opening and closing an empty frame takes at
// most 34 instructions through the thread's slot.
#pragma once

#include <framealloc/detail/core/frame_arena.hpp>

namespace framealloc::inline v1::lifetime {

using memory::frame_record;
using memory::on_failure;
using memory::thread_context;

FRAMEALLOC_COLD frame_record* open_frame_slow(thread_context& c) noexcept;
FRAMEALLOC_COLD void close_frame_slow(frame_record* r) noexcept;
// The same where it may be that nothing happened but plain allocations, scopes that closed and pool pages.
void close_frame_with_content(frame_record* r) noexcept;
// A thread or its allocator ends: so does what it left open, in frames and outside.
void close_all(thread_context& c) noexcept;

// Requires: r is the calling thread's top record, as the slot holds it. Returns the new top record.
FRAMEALLOC_INLINE frame_record* open_frame(frame_record* r) noexcept {
    thread_context& c = *r->context;
    if (r->gate.any()) [[unlikely]]
        return open_frame_slow(c);
    const std::uintptr_t cursor = r->cursor;
    frame_record* inner = r + 1;
    inner->cursor = cursor;
    inner->limit = arena_limit_of(c);
    r->limit = 0;
    owner_increment(inner->generation);
    replace_top(c, inner);
    return inner;
}

// Nothing but bytes in the arena is in the frame, which ends: they are charged at the next boundary. An outermost frame
// is one: false, and it has ended.
FRAMEALLOC_INLINE bool leave_content(thread_context& c, frame_record* r, std::uintptr_t bytes) noexcept {
    if (r->depth == 1) {
        close_frame_with_content(r);
        return false;
    }
    memory::end_unsettled(c, bytes, r->cursor);
    return true;
}

// Ends the frame of `r` and, with a fault, whatever is still open inside it.
FRAMEALLOC_INLINE void close_frame(frame_record* r) noexcept {
    thread_context& c = *r->context;
    if (memory::anything_pending(*r) || top_of(c) != r) [[unlikely]]
        return close_frame_with_content(r);
    frame_record* outer = r - 1;
    if (const std::uintptr_t bytes = r->cursor - outer->cursor; bytes != 0 && !leave_content(c, r, bytes)) return;
    outer->limit = r->limit & outer->open_mask;
    memory::set_top(c, outer);
}

// The same for the record that the slot holds.
FRAMEALLOC_INLINE void close_top_frame(frame_record* r) noexcept {
    thread_context& c = *r->context;
    if (memory::anything_pending(*r)) [[unlikely]]
        return close_frame_with_content(r);
    frame_record* outer = r - 1;
    if (const std::uintptr_t bytes = r->cursor - outer->cursor; bytes != 0 && !leave_content(c, r, bytes)) return;
    outer->limit = r->limit & outer->open_mask;
    replace_top(c, outer);
}

// Of the line ahead of a cursor that is hinted at: where a block begins that much later, if the next ones are as large
// as this one. Measured, with half and a quarter of it, on frames beyond the cache: scripts/measure_prefetch.py.
inline constexpr std::uintptr_t hinted_ahead = 2048;

// Allocates `Size` bytes at `Align` from an open frame.
// Cost: five instructions from cursor load to cursor store; two more when Align > 8.
template <std::size_t Size, std::size_t Align>
FRAMEALLOC_INLINE void* allocate_from(frame_record*& r, on_failure f) noexcept {
    constexpr std::uintptr_t bytes = align_up(Size, memory::cursor_granularity);
    std::uintptr_t p = r->cursor;
    if constexpr (Align > memory::cursor_granularity) p = align_up(p, Align);
    const std::uintptr_t q = p + bytes;
    if (q > r->limit) [[unlikely]] {
        const memory::slow_allocation slow = memory::frame_allocate_slow(r, Size, Align, f);
        r = slow.record;
        return slow.block;
    }
    r->cursor = q;
    base::will_write(q + (hinted_ahead + bytes - 1) / bytes * bytes);
    return pointer_at(p);
}

template <std::size_t Size, std::size_t Align>
FRAMEALLOC_INLINE void* allocate(frame_record* r, on_failure f = on_failure::ask_handler) noexcept {
    return allocate_from<Size, Align>(r, f);
}

// The same for sizes and alignments known at run time; null where they do not fit, or cannot be satisfied.
FRAMEALLOC_INLINE void* take_from_arena(frame_record* r, std::size_t bytes, std::size_t align) noexcept {
    const std::uintptr_t at = r->cursor;
    const std::uintptr_t p = align_up(at, align);
    const std::uintptr_t limit = r->limit;
    const bool satisfiable = (align & (align - 1)) == 0 && p >= at;  // nothing is aligned to 0
    if (!satisfiable || p > limit || bytes - 1 >= limit - p) [[unlikely]]  // 0 bytes count as too many
        return nullptr;
    r->cursor = p + align_up(bytes, memory::cursor_granularity);
    base::will_write(p + hinted_ahead);
    return pointer_at(p);
}

FRAMEALLOC_INLINE void* allocate(frame_record* r, std::size_t bytes, std::size_t align,
                                 on_failure f = on_failure::ask_handler) noexcept {
    void* p = take_from_arena(r, bytes, align);
    return p != nullptr ? p : memory::frame_allocate_slow(r, bytes, align, f).block;
}

}  // namespace framealloc::inline v1::lifetime
