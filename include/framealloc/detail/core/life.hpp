// An allocator's beginning and end, and what is idle given back in between.
#pragma once

#include <framealloc/detail/core/allocator.hpp>
#include <framealloc/detail/core/identity.hpp>

namespace framealloc::inline v1::memory {

// Returns null when even the first pages were refused, with `why` set.
core* make_core(const core_config& c, exhaustion_reason& why) noexcept;
// Called when the last handle is destroyed.
void close_core(core* c) noexcept;

// A handle to the allocator with this id, to be released, if it still lives.
core* pin_core(std::uint64_t id) noexcept;
inline void retain_core(core_ref a) noexcept { a.owner->life.handles.add(); }
inline void release_core(core_ref a) noexcept {
    if (a.owner == nullptr || !a.owner->life.handles.release()) return;
    require_own(a.id);
    a.owner->life.calls().close(a.owner);
}

// Trims if that can help; whether it did. A request that may fail looks once a frame, and when the thread has given
// pages or large blocks back: a trim walks over all pages. Requires: no change of the calling thread's memory is going
// on.
inline bool make_room(core& c, exhaustion_reason why, on_failure f) noexcept {
    return c.life.calls().make_room(c, why, f);
}

}  // namespace framealloc::inline v1::memory
