// A thread ends, or hands its context on: what it has open is closed, what it has cached goes back. Contexts that no
// thread has are looked after here as well.
#pragma once

#include <framealloc/detail/core/allocator.hpp>

namespace framealloc::inline v1::memory {

// A context that an ended thread left, with all it owns, or a new one.
thread_context* obtain_context(core& a, refused_request& r) noexcept;
// The calling thread ends.
void leave_all() noexcept;

// --- contexts that change threads; see runtime/parked_context.hpp ---
// The caller's context, which no thread owns from now on.
thread_context* park_caller(core_ref a) noexcept;
// Makes it the caller's. Returns false when the one that the caller has is in use: frames, scopes, jobs.
bool unpark(core_ref a, thread_context& c) noexcept;
void abandon_parked(thread_context& c) noexcept;
// Ends what the calling thread has open in `c` and forgets its context.
void detach_caller(core& c) noexcept;
// Frames of ended threads that were held: what waited for the end of the hold is destroyed by the caller.
void close_kept_frames(core& c) noexcept;
// From now on every free into this allocator takes the slow path.
void close_fast_paths(core& c) noexcept;
void trim_idle(core& c) noexcept;
// Brings the pages of ended threads that have come empty since to the depot.
void reclaim_idle(core& c) noexcept;

}  // namespace framealloc::inline v1::memory
