// What the library was built as; a program built as the other one does not find it, and does not link.
#include <framealloc/base/policy.hpp>

namespace framealloc::inline v1 {

const char FRAMEALLOC_BUILT = 1;

}  // namespace framealloc::inline v1
