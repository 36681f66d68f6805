// What one thread has of one allocator: its frames, its arena, its pool pages, its accounts.
#pragma once

#include <cstddef>
#include <cstdint>

#include <framealloc/account/budget.hpp>
#include <framealloc/base/site.hpp>
#include <framealloc/detail/account/charge.hpp>
#include <framealloc/detail/core/attach.hpp>
#include <framealloc/detail/core/charges.hpp>
#include <framealloc/detail/core/counters.hpp>
#include <framealloc/detail/core/frame_memory.hpp>
#include <framealloc/detail/core/frame_stack.hpp>
#include <framealloc/detail/core/probes.hpp>
#include <framealloc/detail/core/record.hpp>
#include <framealloc/detail/core/slots.hpp>
#include <framealloc/detail/core/threads.hpp>
#include <framealloc/detail/memory/heap_cache.hpp>
#include <framealloc/detail/memory/page_set.hpp>
#include <framealloc/detail/memory/remote_blocks.hpp>

namespace framealloc::inline v1::guard {
class frame_log;
}

namespace framealloc::inline v1::memory {

struct core;
struct heap_block;

// A frame block outside the arena: too large for it, or taken through an outer frame. The header is before the block.
struct outer_block {
    outer_block* next;
    outer_block** link;
    account::charge_entry* who;
    std::uint64_t bytes;  // charged
    void* raw;
    std::size_t raw_bytes;
    std::uint64_t mark : 63;  // thread_context::mark_serial of its owner's birth
    std::uint64_t ended : 1;  // its frame, whose content is kept: no longer among the bytes of open frames
};
inline constexpr std::size_t outer_header_bytes = 64;
static_assert(sizeof(outer_block) <= outer_header_bytes &&
              outer_header_bytes == traits_of(memory_kind::frame).page_header);

// Where an outer block's bytes begin.
inline void* begin_of(const outer_block& b) noexcept {
    return pointer_at<char>(reinterpret_cast<std::uintptr_t>(&b) + outer_header_bytes);
}

// What a thread sees that may have left memory idle, as it was when a trim found nothing.
struct idle_view {
    std::size_t committed, in_arena;
    std::uint64_t large_frees, returns;  // core::returns
    std::size_t quarantined;  // blocks in quarantine
    std::uint32_t empty_pages;
    bool operator==(const idle_view&) const = default;
};

using context_slots = floor_slots<288, 0, 16, 32>;

struct thread_context {
    // Touched on the hot paths.
    frame_stack stack;
    thread_charges charges;
    page_set pages;
    core* owner;
    thread_tie life;

    frame_memory arenas;

    remote_blocks remote;  // how blocks that other threads free return, and how this thread returns theirs
    heap_cache heap;
    context_slots upper;  // of the floors above
    account::thread_budget budget;
    thread_probes probes;
    thread_counters counters;
    idle_view fruitless;  // see make_room()
    std::uint32_t outside_count;  // FA001 so far
    scope_lists scopes;
    record_segments segments;

    tag_account* tag() const noexcept { return charges.tag(); }
    tag_account* phase() const noexcept { return charges.phase(); }
};
static_assert(sizeof(thread_context) <= 4096, "metadata rounds up to a power of two: a thread would take 8 KiB");

inline record_segment& segment_of(const thread_context& c, std::uint32_t depth) noexcept {
    return c.segments.of(depth);
}
inline frame_record& record_at(const thread_context& c, std::uint32_t depth) noexcept {
    return segment_of(c, depth).records[depth % records_per_segment];
}
inline outer_block*& blocks_at(const thread_context& c, std::uint32_t depth) noexcept {
    return segment_of(c, depth).blocks[depth % records_per_segment];
}
inline frame_record* outer_of(frame_record* r) noexcept {
    return r->depth % records_per_segment != 0 ? r - 1 : &record_at(*r->context, r->depth - 1);
}
struct refused_request;  // detail/core/core_life.hpp
// With everything it needs before its first operation; null when a request for it was refused.
thread_context* make_context(core& a, refused_request& r) noexcept;
// Records for the depths from here on; null without memory for them. Requires: this depth begins a segment.
record_segment* add_segment(thread_context& c, std::uint32_t depth, exhaustion_reason& why) noexcept;

inline bool belongs_to_caller(const thread_context& c) noexcept { return c.life.belongs_to(FRAMEALLOC_SLOT.self); }

// --- what the floors above ask of a context ---

inline core& owner_of(const thread_context& c) noexcept { return *c.owner; }
// Never reused.
inline std::uint64_t key_of(const thread_context& c) noexcept { return c.life.key(); }
// Asked by other threads too: whether some thread has it.
inline bool has_thread(const thread_context& c) noexcept { return c.life.attached(); }
inline bool is_parked(const thread_context& c) noexcept { return c.life.parked(); }

FRAMEALLOC_INLINE frame_record* top_of(const thread_context& c) noexcept { return c.stack.top(); }
// Asked by other threads.
inline const frame_record* recent_top(const thread_context& c) noexcept {
    return c.stack.top_seen();
}  // relaxed: a recent value
// The record below the frames, for memory taken outside them, and that of outermost frames.
inline frame_record& ground_of(const thread_context& c) noexcept { return c.stack.ground(); }
inline frame_record& outermost_of(const thread_context& c) noexcept { return c.stack.outermost(); }
// Where the frame at this depth was opened, while guarded.
inline site& opening_of(const thread_context& c, std::uint32_t depth) noexcept {
    return segment_of(c, depth).opened[depth % records_per_segment];
}
inline bool has_record(const thread_context& c, std::uint32_t depth) noexcept { return c.segments.reach(depth); }

// The top cursor at the last boundary: what was allocated since then is not charged yet.
FRAMEALLOC_INLINE std::uintptr_t boundary_of(const thread_context& c) noexcept { return c.charges.segment(); }
// The newest frame memory, up to this cursor, is given back, and was not charged. It will be before the outermost frame
// has ended. Requires: bytes != 0.
FRAMEALLOC_INLINE void end_unsettled(thread_context& c, std::uint64_t bytes, std::uintptr_t cursor) noexcept {
    c.charges.end_unsettled(bytes, cursor);
    add_pending(c.stack.outermost(), pending_log);
}

// For statistics of other threads: what the next boundary will charge to this tag.
struct open_share {
    const tag_account* tag;
    std::size_t bytes;  // of open frames, when the newest was opened
    std::size_t last_frame;  // of the last finished outermost frame
};
open_share open_share_of(const thread_context& c) noexcept;

// How far the top cursor may go without asking.
FRAMEALLOC_INLINE std::uintptr_t arena_limit_of(const thread_context& c) noexcept { return c.stack.limit(); }

// Allocations are distinguished by the checkpoints and rollbacks before them.
inline std::uint64_t epoch_of(const thread_context& c) noexcept { return c.stack.mark_serial(); }
inline std::uint64_t begin_epoch(thread_context& c) noexcept { return c.stack.next_mark(); }

// The memory of the current outermost frame, and the others of its ring.
inline frame_arena& arena_of(const thread_context& c) noexcept { return c.arenas.current(); }
inline std::uint32_t arena_count(const thread_context& c) noexcept { return c.arenas.count(); }
inline void use_arena(thread_context& c, frame_arena& a) noexcept { c.arenas.use(a); }
inline void add_arena(thread_context& c, frame_arena& a) noexcept { c.arenas.add(a); }

inline account::charge_log& log_of(thread_context& c) noexcept { return c.charges.records(); }
inline const account::charge_log& log_of(const thread_context& c) noexcept { return c.charges.records(); }
inline const account::thread_budget& budget_of(const thread_context& c) noexcept { return c.budget; }
inline tag_account* root_account(const thread_context& c) noexcept { return c.charges.accounts().root(); }
// Of a constexpr tag that this thread has charged before; otherwise null.
FRAMEALLOC_INLINE tag_account* known_account(const thread_context& c, std::uint32_t tag_id) noexcept {
    return c.charges.accounts().known(tag_id);
}
// Of a single name below `parent` that this thread has charged before; otherwise null.
FRAMEALLOC_INLINE tag_account* known_account(const thread_context& c, const tag_account& parent,
                                             account::name_view name) noexcept {
    return c.charges.accounts().child_met(parent, name);
}

inline deferred_mode deferred_mode_of(const thread_context& c) noexcept { return c.remote.queue().config.mode; }

// Frames asked for beyond the deepest record. Whether it is the first.
inline bool note_too_deep(thread_context& c) noexcept { return c.stack.enter_too_deep(); }
// Whether one of them ends.
inline bool end_too_deep(thread_context& c) noexcept {
    if (!c.stack.too_deep()) return false;
    c.stack.leave_too_deep();
    return true;
}
// Memory taken outside frames: how many times.
inline std::uint32_t outside_so_far(const thread_context& c) noexcept { return c.outside_count; }
// A thread leaves: the next one's are counted anew.
inline void forget_mistakes(thread_context& c) noexcept {
    c.stack.forget_too_deep();
    c.outside_count = 0;
}

// What frames allocated has ended, as far as it is counted.
inline void count_releases(thread_context& c) noexcept {
    c.counters.set(counter::frame_releases, c.counters.get(counter::frame_allocations));
}

// For statistics: a recent value of each.
struct thread_counts {
    std::uint64_t frame_allocations, frame_releases, heap_allocations, heap_frees, remote_frees;
    std::uint64_t taken[kind_count];  // blocks allocated by pages, as far as charged
    std::uint64_t outer_growth, oversize, chunk_growth, slab_refills;
    std::size_t frame_peak;
};
inline thread_counts counts_of(const thread_context& c) noexcept {
    thread_counts n{.frame_allocations = c.counters.get(counter::frame_allocations),
                    .frame_releases = c.counters.get(counter::frame_releases),
                    .heap_allocations = c.counters.get(counter::heap_allocations),
                    .heap_frees = c.counters.get(counter::heap_frees),
                    .remote_frees = c.counters.get(counter::remote_frees),
                    .taken = {},
                    .outer_growth = c.counters.get(counter::outer_growth),
                    .oversize = c.counters.get(counter::oversize),
                    .chunk_growth = c.counters.get(counter::chunk_growth),
                    .slab_refills = c.counters.get(counter::slab_refills),
                    .frame_peak = c.counters.get(counter::frame_peak)};
    for (unsigned k = 0; k < kind_count; ++k) n.taken[k] = c.counters.taken(kind_at(k));
    return n;
}
// Peaks are to begin anew; until the thread has done so, at its next boundary, nothing above what is in use counts.
// Threads: any.
inline void ask_for_reset(thread_context& c) noexcept { c.charges.ask_for_reset(); }
inline bool awaits_reset(const thread_context& c) noexcept { return c.charges.awaits_reset(); }
inline std::uint64_t allocated_in(const thread_context& c, std::uint64_t frame) noexcept {
    return c.charges.allocated_in(frame);
}
// What frames would have needed, see retention.
inline std::size_t suggested_capacity(const thread_context& c) noexcept {
    return c.arenas.kept().suggested_with_oversize();
}

inline std::uint64_t thread_of(const thread_context& c) noexcept { return c.life.thread(); }

// Asked by other threads too, for statistics.
inline bool in_frame(const thread_context& c) noexcept { return !c.stack.on_ground_seen(); }
inline std::uint64_t frames_begun(const thread_context& c) noexcept {
    return sync::load_relaxed(c.stack.outermost().generation);  // relaxed: a recent value
}
// The outermost frame that is open; 0: none.
inline std::uint64_t open_frame(const thread_context& c) noexcept { return in_frame(c) ? frames_begun(c) : 0; }
// The same, and outside of frames the number of the next.
inline std::uint64_t current_frame(const thread_context& c) noexcept {
    return frames_begun(c) + (in_frame(c) ? 0U : 1U);
}
inline std::uint64_t finished_frame(const thread_context& c) noexcept {
    return frames_begun(c) - (in_frame(c) ? 1U : 0U);
}

inline thread_context* context_list::after(const thread_context& c) noexcept { return c.life.next_; }

FRAMEALLOC_INLINE frame_record* top_record(const core_ref& a) noexcept {
    if (FRAMEALLOC_SLOT.id == a.id) [[likely]]
        return FRAMEALLOC_SLOT.record;
    return attach(a)->stack.top();
}

// Every change of the top record goes through here: the slot has a copy.
// Requires: c belongs to the calling thread.
FRAMEALLOC_INLINE void set_top(thread_context& c, frame_record* r) noexcept {
    c.stack.set_top(r);
    if (FRAMEALLOC_SLOT.context == &c) FRAMEALLOC_SLOT.record = r;
}

// The same where the slot holds a record of c.
FRAMEALLOC_INLINE void replace_top(thread_context& c, frame_record* r) noexcept {
    c.stack.set_top(r);
    FRAMEALLOC_SLOT.record = r;
}

}  // namespace framealloc::inline v1::memory
