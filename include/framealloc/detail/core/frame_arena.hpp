// Frame memory beyond the fast path: chunks of the thread's arena, blocks out of line, what is kept between frames.
#pragma once

#include <framealloc/detail/core/allocator.hpp>
#include <framealloc/detail/core/budgets.hpp>
#include <framealloc/detail/core/zones.hpp>

namespace framealloc::inline v1::memory {

// Hands the record back beside the block: a caller in a loop then need not keep it across this call, and its hot path
// does not reload it from the stack.
struct slow_allocation {
    void* block;
    frame_record* record;
};
FRAMEALLOC_COLD slow_allocation frame_allocate_slow(frame_record* r, std::size_t bytes, std::size_t align,
                                                    on_failure f) noexcept;
// Out of line, owned by `r`; `mark`: birth of its owner, so that a rollback spares what is older.
FRAMEALLOC_COLD void* outer_allocate(frame_record* r, std::size_t bytes, std::size_t align, std::uint64_t mark,
                                     on_failure f) noexcept;
void outer_free(thread_context& c, void* block) noexcept;
// The frame of these has ended, what they hold is kept: they count for no open frame.
void end_outer_blocks(thread_context& c, outer_block* first) noexcept;
// Moves the top cursor from `end` by `more`: the newest block becomes longer where it is, or nothing happens.
FRAMEALLOC_COLD bool extend_top(thread_context& c, std::uintptr_t end, std::size_t more) noexcept;
void refresh_limit(thread_context& c) noexcept;
bool open_arena(thread_context& c, frame_arena& s, exhaustion_reason& why) noexcept;
void close_arena(thread_context& c, frame_arena& s) noexcept;
// All of them, the spare chunks and those from here on. Requires: the allocator is being destroyed.
void close_arenas(thread_context& c, arena_chunk* others) noexcept;
void return_to(thread_context& c, std::uintptr_t cursor) noexcept;  // drops chunks above the one holding `cursor`
// Whether at the end of an outermost frame nothing but its own memory has to be looked at. Requires: pending_always is
// not set, as it is where options ask for more.
FRAMEALLOC_INLINE bool waits_for_nothing(const thread_context& c) noexcept {
    return !c.probes.any() && !c.probes.sampling() && !c.probes.counting() && c.arenas.spare().empty() &&
           !c.remote.has_batch() && !c.remote.any_announced() && c.budget.of(memory_kind::frame).limit == 0;
}
void merge_chunks(thread_context& c) noexcept;
void retain_arena(thread_context& c) noexcept;
void note_use(thread_context& c) noexcept;  // for the statistics of other threads, at a boundary
void note_peak(thread_context& c) noexcept;  // the same, before the cursor goes back

// --- what a probe needs that allocates frame memory in its own way ---
bool commit_to(thread_context& c, arena_chunk& k, std::uintptr_t end, exhaustion_reason& why) noexcept;
// Chains a chunk for at least `bytes` and moves the top record into it.
bool grow_arena(thread_context& c, std::size_t bytes, exhaustion_reason& why) noexcept;
// Whether frame_limit and the thread's budget have `more` bytes left; `elsewhere`: out of line only.
admission admit_frame(thread_context& c, std::size_t more, exhaustion_reason& why) noexcept;
// A container grew: counted and reported as an allocation is.
void note_growth(thread_context& c, std::size_t bytes) noexcept;
std::size_t idle_in_arena(const thread_context& c) noexcept;  // bytes that trim_arena() would give back
void trim_arena(thread_context& c) noexcept;

}  // namespace framealloc::inline v1::memory
