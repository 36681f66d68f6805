// Which size class serves which.
#include <framealloc/detail/core/class_map.hpp>

#include <framealloc/base/size.hpp>

namespace framealloc::inline v1::memory {

void class_map::open(const std::size_t* sizes, std::size_t count) noexcept {
    for (unsigned k = 0; k < class_count; ++k) {
        serving_[k] = static_cast<unsigned char>(k);
        std::size_t best = impossible_size;
        for (std::size_t i = 0; i < count; ++i) {
            const std::size_t wanted = sizes[i];
            if (wanted == 0 || wanted > largest_class_size) continue;
            const std::size_t size = class_size(class_of(wanted));
            const std::size_t needed = natural_alignment(class_size(k)) < 16 ? 16 : natural_alignment(class_size(k));
            const bool aligned = natural_alignment(size) >= needed || needed == 16;
            if (size >= class_size(k) && size < best && aligned) best = size;
        }
        if (best != impossible_size) serving_[k] = static_cast<unsigned char>(class_of(best));
        served_[serving_[k]] |= std::uint64_t{1} << k;
    }
}

}  // namespace framealloc::inline v1::memory
