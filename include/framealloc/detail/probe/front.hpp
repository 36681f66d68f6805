// Where a call says what it frees, adopts or destroys, and where it is: it is looked at before anything happens.
#pragma once

#include <framealloc/detail/core/allocator.hpp>

namespace framealloc::inline v1::memory {

FRAMEALLOC_COLD void guarded_free(core_ref a, memory_kind k, void* p, std::size_t bytes, std::size_t align,
                                  const site& where) noexcept;

// Debug: whether a box that frees a pool block of `bytes` may take over `p`; 0: a block of any size that contains it.
// Otherwise FA411, FA414, FA417 or FA418, reported to the allocator that owns the block.
FRAMEALLOC_COLD bool may_adopt(const void* p, std::size_t bytes) noexcept;
// Debug: whether an object there may be destroyed; false, after FA411, when its block was freed before.
FRAMEALLOC_COLD bool may_destroy(const void* p) noexcept;

// Looks at every zone and at what is quarantined on this thread. Returns how many faults were raised.
std::size_t check_everything(core_ref a) noexcept;
// Leaks by the place they were allocated at, largest first. False when nothing is known of them.
bool report_leaks_by_site(core& a) noexcept;

}  // namespace framealloc::inline v1::memory
