// Byte patterns that show damage: canaries beside a block, 0xDD in freed memory, 0xCD in new memory.
#pragma once

#include <cstddef>
#include <cstdint>

#include <framealloc/detail/base/align.hpp>

namespace framealloc::inline v1::guard {

inline constexpr unsigned char fresh_byte = 0xCD;  // allocated, not written yet
inline constexpr unsigned char dead_byte = 0xDD;   // freed, or of a frame that ended
inline constexpr std::size_t zone = 16;            // bytes of canary before and after a block, at least

// A run of bytes that changed.
struct damage {
    std::uintptr_t first = 0;  // 0: none
    std::uintptr_t last = 0;
    explicit operator bool() const noexcept { return first != 0; }
};

// Canary bytes depend on a key and on where they are, so that copying a neighbour's bytes over them is seen.
void write_canary(std::uintptr_t begin, std::uintptr_t end, std::uint64_t key) noexcept;
damage check_canary(std::uintptr_t begin, std::uintptr_t end, std::uint64_t key) noexcept;
void fill(std::uintptr_t begin, std::uintptr_t end, unsigned char byte) noexcept;
damage check_fill(std::uintptr_t begin, std::uintptr_t end, unsigned char byte) noexcept;

}  // namespace framealloc::inline v1::guard
