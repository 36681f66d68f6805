// Sizes in bytes: the literals 64_KiB, 16_MiB, 1_GiB, and products that cannot wrap.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>

#include <framealloc/config.hpp>

namespace framealloc::inline v1 {

inline namespace literals {
constexpr std::size_t operator""_KiB(unsigned long long n) noexcept { return static_cast<std::size_t>(n) << 10; }
constexpr std::size_t operator""_MiB(unsigned long long n) noexcept { return static_cast<std::size_t>(n) << 20; }
constexpr std::size_t operator""_GiB(unsigned long long n) noexcept { return static_cast<std::size_t>(n) << 30; }
}  // namespace literals

// What no request can satisfy: an overflowing product becomes this, and this is exhaustion.
inline constexpr std::size_t impossible_size = (std::numeric_limits<std::size_t>::max)();

// No request beyond this is tried: rounding it up cannot wrap.
inline constexpr std::size_t largest_request = impossible_size / 4;

// Returns: count * size; impossible_size where that is not representable.
constexpr std::size_t checked_product(std::size_t count, std::size_t size) noexcept {
    std::size_t product = 0;
    return __builtin_mul_overflow(count, size, &product) ? impossible_size : product;
}

}  // namespace framealloc::inline v1
