// The secret that keeps a map's collisions from being predicted.
#include <framealloc/detail/object/text_hash.hpp>

#include <framealloc/detail/os/thread.hpp>

namespace framealloc::inline v1::object {

std::uint64_t map_secret() noexcept { return os::random_of_process() | 1; }

}  // namespace framealloc::inline v1::object
