// The grain of memory allocated by moving a cursor.
#pragma once

#include <cstddef>

namespace framealloc::inline v1::memory {

inline constexpr std::size_t cursor_granularity = 8;

}  // namespace framealloc::inline v1::memory
