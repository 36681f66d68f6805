// Loaded libraries are not known here.
#include <framealloc/detail/os/module.hpp>

namespace framealloc::inline v1::os {

bool find_module(void*, module_range&) noexcept { return false; }
bool is_code(std::uintptr_t) noexcept { return true; }

}  // namespace framealloc::inline v1::os
