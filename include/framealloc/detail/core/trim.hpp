// What is idle goes back to the page source.
#pragma once

#include <framealloc/detail/core/allocator.hpp>

namespace framealloc::inline v1::memory {

void trim(core& c) noexcept;
// Behind make_room(): see detail/core/life.hpp.
bool trim_for(core& c, exhaustion_reason why, on_failure f) noexcept;

}  // namespace framealloc::inline v1::memory
