// The stack of frame records and the thread's slot: everything the hot path touches.
//
// A record is one open frame. An allocation aligns the cursor, adds, compares with the limit, stores. Opening an inner
// frame sets the outer limit to zero, so that an allocation through the outer frame takes the slow path and is served
// out of line. Code that has to see allocations (debug, counting, limits) moves the limit.
#pragma once

#include <cstddef>
#include <cstdint>

#include <framealloc/detail/base/align.hpp>
#include <framealloc/detail/base/compiler.hpp>
#include <framealloc/detail/memory/cursor.hpp>
#include <framealloc/detail/sync/atomic.hpp>
#include <framealloc/detail/sync/word.hpp>

namespace framealloc::inline v1::memory {

struct thread_context;

// Something to run when a frame ends or is rolled back, newest first. Lives in the frame, or in a container of the
// frame.
struct finaliser {
    finaliser* next;
    finaliser** link;  // what points at this one
    void (*run)(finaliser*) noexcept;  // after it was taken off the list; null: only a place in it
    std::uint64_t mark;  // thread_context::mark_serial when it was made
};

// What a frame's end has to look at. Tested once, as one word, when a frame closes.
enum pending : std::uint32_t {
    pending_finalisers = 1,
    pending_blocks = 2,  // out-of-line blocks
    pending_log = 4,  // settled segments in the charge log; of the outermost frame, also what inner ones had
    pending_chunks = 8,  // the arena grew in this frame
    pending_marks = 16,  // checkpoints
    pending_ground = 32,  // this is the ground, or memory was taken outside a frame
    pending_pages = 64,  // pool pages were installed, or a batch of frees waits to be handed over
    pending_always = 128,  // frames in flight, holds, retention
    pending_scope = 256,  // one tag or phase scope open, counted from here up
};

// Why opening a frame takes the slow path.
enum gate_reason : std::uint16_t {
    gate_own = 1,  // the first frame, the last record, frames in flight, holds, deferred frees at frame begin
    gate_watch = 2,  // an observer is notified of every frame
    gate_parked = 4,
    gate_call = 8,  // another thread asks this one to look at the allocator's switches
    gate_guard = 16,  // it is noted where frames are opened
};

struct alignas(64) frame_record {
    std::uintptr_t cursor;  // next free byte, a multiple of 8
    std::uintptr_t limit;  // zero while an inner frame is open
    finaliser* finalisers;  // newest first
    thread_context* context;
    std::uintptr_t open_mask;  // zero for the ground record, whose limit stays zero; all ones for frames
    std::uint64_t generation;  // how often this record was opened; of the outermost one, the frame number
    std::uint32_t pending_bits;
    sync::switches gate;  // gate_reason; while any is on, opening a frame above this one takes the slow path
    std::uint32_t depth;  // 0: the ground
};
static_assert(sizeof(frame_record) == 64);

FRAMEALLOC_INLINE void add_pending(frame_record& r, unsigned bits) noexcept { r.pending_bits |= bits; }
FRAMEALLOC_INLINE bool anything_pending(const frame_record& r) noexcept {
#if FRAMEALLOC_X86_64
    bool answer;  // one compare with memory; g++ 12 loads it early into a register
    __asm__("cmpl $0, %1" : "=@ccne"(answer) : "m"(r.pending_bits));
    return answer;
#else
    return r.pending_bits != 0;
#endif
}
FRAMEALLOC_INLINE void enter_scope(frame_record& r, unsigned n = 1) noexcept { r.pending_bits += n * pending_scope; }
FRAMEALLOC_INLINE void leave_scope(frame_record& r, unsigned n = 1) noexcept { r.pending_bits -= n * pending_scope; }

// The contexts that a thread has, found by the id of their allocator: open addressing. The entries follow this head.
struct known_contexts {
    struct entry {
        std::uint64_t id;  // 0: none yet
        thread_context* context;
    };
    std::uint32_t shift;  // 64 - log2 of the number of entries
    std::uint32_t used;  // entries with an id, forgotten ones too; at least one has none

    std::uint64_t size() const noexcept { return std::uint64_t{1} << (64 - shift); }
    entry& at(std::uint64_t i) noexcept { return static_cast<entry*>(static_cast<void*>(this + 1))[i]; }
    // Ids are numbers with regular gaps, which a multiple of the golden ratio spreads (Knuth, 6.4).
    std::uint64_t home_of(std::uint64_t id) const noexcept { return id * 0x9e3779b97f4a7c15U >> shift; }
    std::uint64_t after(std::uint64_t i) const noexcept { return (i + 1) & (size() - 1); }
};
struct few_known_contexts : known_contexts {
    static constexpr unsigned log2 = 3;
    entry entries[1U << log2];
};

// One per thread: the context of the allocator that was used last, and where to find those of the others.
struct thread_slot {
    // Not that of a handle to no allocator, which therefore never is the thread's.
    static constexpr std::uint64_t no_allocator = ~std::uint64_t{0};

    std::uint64_t id = no_allocator;  // never reused
    frame_record* record = nullptr;  // the top record of `context`
    thread_context* context = nullptr;
    std::uint64_t key = 1;  // of `context`; see pool_page::key
    known_contexts* known = nullptr;  // `few`, or a table in OS pages; null until there is a context
    few_known_contexts few = {{64 - few_known_contexts::log2, 0}, {}};
    thread_slot* self = nullptr;  // set with the first context
    bool hooked = false;
    // Of faults, exhaustion and budgets: those of the program's that run, one inside another
    std::uint32_t handlers = 0;
};
static_assert(sizeof(thread_slot) <= 256, "static TLS is scarce when the library is loaded with dlopen");

// Constant-initialised and trivially destructible: no guard, no wrapper call, usable after thread exit hooks ran.
#define FRAMEALLOC_SLOT_NAME "framealloc_slot_v1"
extern thread_local constinit thread_slot t_slot FRAMEALLOC_SLOT_OBJECT(FRAMEALLOC_SLOT_NAME);

// The slot of the thread that runs now. A fiber may go on on another thread after any call, and clang keeps the address
// of a thread-local across calls (19 does; g++ 12 does not). Its distance from the thread pointer is the same on every
// thread: that may be kept. tests/process/fiber_test.cpp
#if FRAMEALLOC_FS_RELATIVE
using slot_pointer = __attribute__((address_space(257))) thread_slot*;  // fs
FRAMEALLOC_INLINE slot_pointer slot() noexcept {
    std::uintptr_t distance;
    __asm__("movq " FRAMEALLOC_SLOT_NAME "@gottpoff(%%rip), %0" : "=r"(distance));
    return reinterpret_cast<slot_pointer>(distance);
}
#define FRAMEALLOC_SLOT (*memory::slot())
#else
// The variable itself, not a pointer to it: g++ 12 with -O1 -fsanitize=undefined takes &t_slot for null when an inlined
// function hands it on. tests/package/sanitized.cpp
#define FRAMEALLOC_SLOT memory::t_slot
#endif

}  // namespace framealloc::inline v1::memory
