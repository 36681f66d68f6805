// Instructions have no names here.
#include <framealloc/detail/os/code.hpp>

namespace framealloc::inline v1::os {

void name_code(const void*, char* buffer, std::size_t) noexcept { buffer[0] = '\0'; }
sync::lock& code_lock() noexcept {
    static constinit sync::lock unused;
    return unused;
}
site own_call(const site& s) noexcept { return s; }

}  // namespace framealloc::inline v1::os
