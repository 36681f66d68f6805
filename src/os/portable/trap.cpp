#include <framealloc/os/trap.hpp>

namespace framealloc::inline v1::os {

void catch_access_faults(access_handler) noexcept {}

}  // namespace framealloc::inline v1::os
