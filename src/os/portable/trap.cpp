#include <framealloc/os/trap.hpp>

namespace framealloc::inline FRAMEALLOC_ABI::os {

void catch_access_faults(access_handler) noexcept {}
void name_code(const void*, char* buffer, std::size_t) noexcept { buffer[0] = '\0'; }

}  // namespace framealloc::inline FRAMEALLOC_ABI::os
