// The front door of frees where a call says what it frees, and where it is.
#pragma once

#include <framealloc/core/allocator.hpp>

namespace framealloc::inline v1::memory {

inline constexpr std::size_t any_size = ~std::size_t{0};  // it does not say the size
FRAMEALLOC_COLD void guarded_free(core_ref a, memory_kind k, void* p, std::size_t bytes, std::size_t align,
                                  const site& where) noexcept;
// Looks at every zone and at what rests on this thread. Returns how many faults were raised.
std::size_t check_everything(core_ref a) noexcept;

}  // namespace framealloc::inline v1::memory
