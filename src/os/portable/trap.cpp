#include <framealloc/os/trap.hpp>

namespace framealloc::inline FRAMEALLOC_ABI::os {

void catch_access_faults(access_handler) noexcept {}

}  // namespace framealloc::inline FRAMEALLOC_ABI::os
