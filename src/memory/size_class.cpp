// The class of every size, to be looked up.
#include <framealloc/detail/memory/size_class.hpp>

namespace framealloc::inline v1::memory {

constinit const class_table all_classes = [] {
    class_table t{};
    for (std::size_t bytes = 16; bytes <= largest_class_size; bytes += 16)
        t.of_units[bytes / 16 - 1] = static_cast<std::uint8_t>(class_of(bytes));
    return t;
}();

}  // namespace framealloc::inline v1::memory
