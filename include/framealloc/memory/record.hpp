// The stack of frame records and the thread's slot: everything the hot path touches.
//
// A record is one open frame. An allocation aligns the cursor, adds, compares with the limit, stores. Opening an inner frame
// sets the outer limit to zero, so that an allocation through the outer frame takes the slow path and is served out of line.
// Whoever wants to see allocations (debug, counting, limits) moves the limit.
#pragma once

#include <cstddef>
#include <cstdint>

#include <framealloc/base/align.hpp>
#include <framealloc/base/compiler.hpp>

namespace framealloc::inline FRAMEALLOC_ABI::memory {

struct thread_context;

// Something to run when a frame ends or is rolled back, newest first. Lives in the frame, or in a container of the frame.
struct finaliser {
    finaliser* next;
    finaliser** link;                        // what points at this one
    void (*run)(finaliser*) noexcept;        // after it was taken off the list
    std::uint32_t mark;                      // thread_context::mark_serial when it was made
};

// What a frame's end has to look at. Tested once, as one word, when a frame closes.
enum pending : std::uint32_t {
    pending_finalisers = 1,
    pending_blocks = 2,       // out-of-line blocks
    pending_log = 4,          // settled segments in the charge log
    pending_chunks = 8,       // the arena grew in this frame
    pending_marks = 16,       // checkpoints
    pending_ground = 32,      // this is the ground, or memory was taken outside a frame
    pending_pages = 64,       // pool pages were installed, or a batch of frees waits to be handed over
    pending_always = 128,     // frames in flight, holds, retention
    pending_scope = 1U << 16, // one tag or phase scope open, counted from here up
};

struct alignas(64) frame_record {
    std::uintptr_t cursor;       // next free byte, a multiple of 8
    std::uintptr_t limit;        // zero while an inner frame is open
    finaliser* finalisers;       // newest first
    thread_context* context;
    std::uintptr_t open_mask;    // zero for the ground record, whose limit stays zero; all ones for frames
    std::uint64_t generation;    // how often this record was opened; of the outermost one, the frame number
    std::uint32_t pending_bits;
    std::uint16_t gate;          // not zero: opening a frame above this one takes the slow path
    std::uint16_t depth;         // 0: the ground
    std::uint64_t reserved;
};
static_assert(sizeof(frame_record) == 64);

inline constexpr std::size_t cursor_granularity = 8;

// One per thread: the context of the allocator that was used last, and where to find those of the others.
struct thread_slot {
    struct known_context {
        std::uint64_t id;
        thread_context* context;
    };
    static constexpr unsigned inline_known = 8;

    std::uint64_t id = 0;               // never reused; 0: none
    frame_record* record = nullptr;     // the top record of `context`
    thread_context* context = nullptr;
    std::uint64_t key = 1;              // of `context`; see pool_page::key
    known_context* more = nullptr;      // beyond the first eight, from the page source of this thread's choice
    std::uint32_t more_count = 0;
    std::uint32_t more_capacity = 0;
    known_context known[inline_known] = {};
    bool hooked = false;
};
static_assert(sizeof(thread_slot) <= 256, "static TLS is scarce when the library is loaded with dlopen");

// Constant-initialised and trivially destructible: no guard, no wrapper call, usable after thread exit hooks ran.
extern thread_local constinit thread_slot t_slot [[gnu::tls_model("initial-exec")]];

// Allocates `Size` bytes at `Align` from an open frame, or returns null when the slow path has to look.
// Cost: five instructions from cursor load to cursor store; two more when Align > 8.
template <std::size_t Size, std::size_t Align>
FRAMEALLOC_INLINE void* bump(frame_record* r) noexcept {
    constexpr std::uintptr_t bytes = align_up(Size, cursor_granularity);
    std::uintptr_t p = r->cursor;
    if constexpr (Align > cursor_granularity) p = align_up(p, Align);
    const std::uintptr_t q = p + bytes;
    if (q > r->limit) [[unlikely]] return nullptr;
    r->cursor = q;
    return pointer_at(p);
}

// The same for sizes known at run time. Requires: bytes > 0, align a power of two.
FRAMEALLOC_INLINE void* bump(frame_record* r, std::size_t bytes, std::size_t align) noexcept {
    const std::uintptr_t p = align <= cursor_granularity ? r->cursor : align_up(r->cursor, align);
    const std::uintptr_t limit = r->limit;
    if (p > limit || bytes > limit - p) [[unlikely]] return nullptr;
    r->cursor = p + align_up(bytes, cursor_granularity);
    return pointer_at(p);
}

}  // namespace framealloc::inline FRAMEALLOC_ABI::memory
