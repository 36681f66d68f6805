// Size classes of the pages: multiples of 16 bytes up to 256, then eight classes a doubling up to 4096. Rounding up
// wastes at most 15 bytes up to 256 and at most 1/9 beyond.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include <framealloc/detail/base/align.hpp>

namespace framealloc::inline v1::memory {

inline constexpr std::size_t largest_class_size = 4096;
inline constexpr unsigned class_count = 48;
inline constexpr unsigned no_class = class_count;

// Requires: 1 <= size <= largest_class_size.
constexpr unsigned class_of(std::size_t size) noexcept {
    if (size <= 256) return static_cast<unsigned>((size + 15) / 16 - 1);
    const int log2 = static_cast<int>(std::bit_width(size - 1)) - 1;
    return static_cast<unsigned>(16 + (log2 - 8) * 8 + static_cast<int>((size - 1) >> (log2 - 3)) - 8);
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

constexpr std::size_t natural_alignment(std::size_t block) noexcept { return block & (~block + 1); }

}  // namespace framealloc::inline v1::memory
