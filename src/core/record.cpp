// Where a thread finds the context it used last.
#include <framealloc/detail/core/record.hpp>

namespace framealloc::inline v1::memory {

[[gnu::used]] thread_local constinit thread_slot t_slot{};

}  // namespace framealloc::inline v1::memory
