// Alignment arithmetic. An alignment is a power of two, in bytes.
#pragma once

#include <cstddef>
#include <cstdint>

#include <framealloc/config.hpp>

namespace framealloc::inline v1 {

// Returns: whether n is a power of two; 0 is none.
constexpr bool is_power_of_two(std::size_t n) noexcept { return n != 0 && (n & (n - 1)) == 0; }

// Requires: alignment is a power of two, and the result is representable. Returns: the first multiple of alignment from
// n on.
constexpr std::uintptr_t align_up(std::uintptr_t n, std::size_t alignment) noexcept {
    return (n + (alignment - 1)) & ~(alignment - 1);
}

// Requires: alignment is a power of two. Returns: the last multiple of alignment up to n.
constexpr std::uintptr_t align_down(std::uintptr_t n, std::size_t alignment) noexcept { return n & ~(alignment - 1); }

// Returns: an address as a number, and back. Arithmetic on cursors is done on numbers.
inline std::uintptr_t address_of(const void* p) noexcept { return reinterpret_cast<std::uintptr_t>(p); }
template <class T = void>
inline T* pointer_at(std::uintptr_t address) noexcept {
    return reinterpret_cast<T*>(address);
}

}  // namespace framealloc::inline v1
