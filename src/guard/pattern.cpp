// Bytes that are filled and looked at.
#include <framealloc/detail/guard/pattern.hpp>

#include <cstring>

#include <framealloc/detail/base/compiler.hpp>
#include <framealloc/detail/guard/annotate.hpp>

namespace framealloc::inline v1::guard {

namespace {

// From 0x80 to 0xBF: what is most often written past an end (0, small numbers, text, -1, fresh and dead bytes) always
// differs.
unsigned char canary_at(std::uintptr_t p, std::uint64_t key) noexcept {
    std::uint64_t x = (static_cast<std::uint64_t>(p >> 3) ^ key) * 0x9E3779B97F4A7C15U;  // Fibonacci hashing
    x ^= x >> 32;
    return static_cast<unsigned char>(0x80U | (x >> (8 * (p & 7)) & 0x3FU));
}

// Both read memory that may be poisoned for a sanitizer.
template <class Expected>
FRAMEALLOC_UNCHECKED damage compare(std::uintptr_t begin, std::uintptr_t end, Expected expected) noexcept {
    damage d;
    for (std::uintptr_t p = begin; p < end; ++p) {
        if (*pointer_at<const volatile unsigned char>(p) == expected(p)) continue;
        if (d.first == 0) d.first = p;
        d.last = p;
    }
    return d;
}

FRAMEALLOC_UNCHECKED std::uintptr_t skip_equal(std::uintptr_t p, std::uintptr_t end, std::uint64_t eight) noexcept {
    while (p + 8 <= end && *pointer_at<const volatile std::uint64_t>(p) == eight) p += 8;
    return p;
}

}  // namespace

FRAMEALLOC_UNCHECKED void write_canary(std::uintptr_t begin, std::uintptr_t end, std::uint64_t key) noexcept {
    for (std::uintptr_t p = begin; p < end; ++p) *pointer_at<volatile unsigned char>(p) = canary_at(p, key);
}

damage check_canary(std::uintptr_t begin, std::uintptr_t end, std::uint64_t key) noexcept {
    const unreported quiet;
    return compare(begin, end, [key](std::uintptr_t p) { return canary_at(p, key); });
}

void fill(std::uintptr_t begin, std::uintptr_t end, unsigned char byte) noexcept {
    if (begin < end) std::memset(pointer_at(begin), byte, end - begin);
}

damage check_fill(std::uintptr_t begin, std::uintptr_t end, unsigned char byte) noexcept {
    const unreported quiet;
    // Nearly always whole: eight bytes at a time.
    const std::uintptr_t aligned = align_up(begin, 8);
    if (aligned < end && !compare(begin, aligned, [byte](std::uintptr_t) { return byte; }))
        begin = skip_equal(aligned, end, 0x0101010101010101U * byte);
    return compare(begin, end, [byte](std::uintptr_t) { return byte; });
}

}  // namespace framealloc::inline v1::guard
