// Accesses are not trapped here.
#include <framealloc/detail/os/trap.hpp>

namespace framealloc::inline v1::os {

void catch_access_faults(access_handler) noexcept {}
std::size_t signal_stack_room() noexcept { return ~std::size_t{0}; }

}  // namespace framealloc::inline v1::os
