// Size classes of the pages: multiples of 16 bytes up to 256, then eight classes a doubling up to 4096. Rounding up
// wastes at most 15 bytes up to 256 and at most 1/9 beyond.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include <framealloc/detail/base/align.hpp>
#include <framealloc/detail/base/compiler.hpp>

namespace framealloc::inline v1::memory {

inline constexpr std::size_t largest_class_size = 4096;
inline constexpr unsigned class_count = 48;
inline constexpr unsigned no_class = class_count;

// Requires: 1 <= size <= largest_class_size.
constexpr unsigned class_of(std::size_t size) noexcept {
    // Up to 256 the steps are those of the doubling from 128 on.
    const std::size_t last = size - 1;
    const int log2 = static_cast<int>(std::bit_width(last | 128)) - 1;
    return static_cast<unsigned>((log2 - 7) * 8 + static_cast<int>(last >> (log2 - 3)));
}

constexpr std::size_t class_size(unsigned c) noexcept {
    if (c < 16) return 16 * (c + std::size_t{1});
    const unsigned k = c - 16;
    return (k % 8 + std::size_t{9}) << (5 + k / 8);
}

// The class whose blocks hold `size` bytes at `alignment`; no_class when only the large heap can.
// A block is aligned to the largest power of two that divides its size.
constexpr unsigned class_for(std::size_t size, std::size_t alignment) noexcept {
    if (size > largest_class_size || alignment > largest_class_size) return no_class;
    const std::size_t rounded = align_up(size == 0 ? 1 : size, alignment < 16 ? 16 : alignment);
    return rounded > largest_class_size ? no_class : class_of(rounded);
}

// The class of n + 1 units of 16 bytes.
struct class_table {
    std::uint8_t of_units[largest_class_size / 16];
};
extern const class_table all_classes;

// The same of what a program asks for: no_class, too, of an alignment that is none.
FRAMEALLOC_INLINE constexpr unsigned class_asked(std::size_t size, std::size_t alignment) noexcept {
    if (alignment <= 16 && is_power_of_two(alignment) && size - 1 < largest_class_size) {
        // Looked up where sizes vary: which formula it is would be a branch that nobody can predict.
        const unsigned c = __builtin_constant_p(size) ? class_of(size) : all_classes.of_units[(size - 1) / 16];
        if (c == no_class) __builtin_unreachable();
        return c;
    }
    return is_power_of_two(alignment) ? class_for(size, alignment) : no_class;
}
FRAMEALLOC_INLINE constexpr bool any_class_for(std::size_t size, std::size_t alignment) noexcept {
    return (size <= largest_class_size && alignment <= 16) || class_for(size, alignment) != no_class;
}

constexpr std::size_t natural_alignment(std::size_t block) noexcept { return block & (~block + 1); }

}  // namespace framealloc::inline v1::memory
