// Stands for interpose.cpp where a sanitizer has malloc.
#include "interpose.hpp"

namespace demo {

bool mallocs_are_counted() noexcept { return false; }
malloc_counts own_mallocs() noexcept { return {}; }
void reset_own_mallocs() noexcept {}

inside_physics::inside_physics() noexcept = default;
inside_physics::~inside_physics() = default;
inside_callback::inside_callback() noexcept = default;
inside_callback::~inside_callback() = default;

}  // namespace demo
