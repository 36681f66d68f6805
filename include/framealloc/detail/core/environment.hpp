// What the program's environment says of its allocators.
#pragma once

#include <framealloc/detail/core/allocator.hpp>

namespace framealloc::inline v1::memory {

// FRAMEALLOC_STRICT, FRAMEALLOC_GUARD and FRAMEALLOC_GUARD_SAMPLE go before what the program chose. A word that is none
// of theirs is named on standard error, once.
void heed_environment(core_config& o) noexcept;

}  // namespace framealloc::inline v1::memory
