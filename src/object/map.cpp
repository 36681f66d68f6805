#include <framealloc/object/map_table.hpp>

#include <framealloc/os/thread.hpp>

namespace framealloc::inline FRAMEALLOC_ABI::object {

std::uint64_t map_secret() noexcept { return os::random_of_process() | 1; }

}  // namespace framealloc::inline FRAMEALLOC_ABI::object
