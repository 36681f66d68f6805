// A group of slots of a hash map: twelve tags, compared at once, and where the entries of them are, in one cache line.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include <framealloc/detail/base/compiler.hpp>

namespace framealloc::inline v1::object {

// Slots of a group, as bits: `Shift` is how far the bits of neighbours are apart, in powers of two.
template <class Word, unsigned Shift>
struct slot_set {
    Word bits;

    bool empty() const noexcept { return bits == 0; }
    unsigned first() const noexcept { return static_cast<unsigned>(std::countr_zero(bits)) >> Shift; }
    void drop_first() noexcept { bits &= bits - 1; }
};

inline constexpr unsigned slots_in_group = 12;
inline constexpr std::size_t group_bytes = 64;

// Which of the twelve tags at p equal `tag`; four bytes behind them are read too. Any machine: a byte of the
// difference is zero where nothing is carried into its highest bit.
FRAMEALLOC_INLINE slot_set<std::uint64_t, 2> equal_tags_by_words(const unsigned char* p, unsigned tag) noexcept {
    constexpr std::uint64_t ones = 0x0101010101010101U, low = 0x7f * ones;
    const auto zeros = [=](const unsigned char* at, unsigned n) noexcept {
        std::uint64_t word = 0;
        for (unsigned i = 0; i != n; ++i) word |= static_cast<std::uint64_t>(at[i]) << (8 * i);
        const std::uint64_t x = word ^ (ones * tag);
        return ~(((x & low) + low) | x | low) >> 7;  // bit 0 of each byte
    };
    const auto nibbles = [](std::uint64_t x) noexcept {  // bits that are 8 apart come 4 apart
        x = (x | x >> 4) & 0x0011001100110011U;
        x = (x | x >> 8) & 0x0000111100001111U;
        return (x | x >> 16) & 0x11111111U;
    };
    return {nibbles(zeros(p, 8)) | (nibbles(zeros(p + 8, 4)) & 0x1111U) << 32};
}

#if defined(__SSE2__)
FRAMEALLOC_INLINE slot_set<std::uint32_t, 0> equal_tags(const unsigned char* p, unsigned tag) noexcept {
    typedef unsigned char bytes __attribute__((__vector_size__(16)));
    typedef char signed_bytes __attribute__((__vector_size__(16)));
    typedef std::uint32_t words __attribute__((__vector_size__(16)));
    const std::uint32_t four = tag * 0x01010101U;
    bytes found;
    std::memcpy(&found, p, sizeof found);
    const words wanted{four, four, four, four};
    const auto equal = found == reinterpret_cast<bytes>(wanted);
    return {static_cast<unsigned>(__builtin_ia32_pmovmskb128(reinterpret_cast<signed_bytes>(equal))) &
            ((1U << slots_in_group) - 1)};
}
#elif defined(__ARM_NEON) && defined(__ARM_FEATURE_UNALIGNED) && !defined(__ARM_BIG_ENDIAN)
FRAMEALLOC_INLINE slot_set<std::uint64_t, 2> equal_tags(const unsigned char* p, unsigned tag) noexcept {
    typedef unsigned char bytes __attribute__((__vector_size__(16)));
    typedef std::uint16_t pairs __attribute__((__vector_size__(16)));
    typedef unsigned char half __attribute__((__vector_size__(8)));
    bytes found;
    std::memcpy(&found, p, sizeof found);
    const auto equal = found == bytes{} + static_cast<unsigned char>(tag);
    const half nibbles = __builtin_convertvector(reinterpret_cast<pairs>(equal) >> 4, half);  // one of each byte
    std::uint64_t bits = 0;
    std::memcpy(&bits, &nibbles, sizeof bits);
    return {bits & 0x111111111111U};
}
#else
FRAMEALLOC_INLINE slot_set<std::uint64_t, 2> equal_tags(const unsigned char* p, unsigned tag) noexcept {
    return equal_tags_by_words(p, tag);
}
#endif

// A key is looked for in the group that its hash names, and further on only from a group that keys of its kind had to
// pass, as it was full: `past` has a bit of each kind, and none when all that passed are gone.
template <class Place>
struct alignas(group_bytes) map_group {
    static constexpr unsigned vacant = 0;
    static constexpr unsigned kinds = 16;

    unsigned char tags[slots_in_group];
    std::uint16_t past;
    std::uint16_t passed;  // how many; the largest number stays
    Place places[slots_in_group];

    auto with(unsigned tag) const noexcept {
        return equal_tags(static_cast<const unsigned char*>(__builtin_assume_aligned(this, group_bytes)), tag);
    }
    bool has_past(unsigned kind) const noexcept { return ((past >> kind) & 1) != 0; }
    void pass(unsigned kind) noexcept {
        past = static_cast<std::uint16_t>(past | 1U << kind);
        if (passed != most_passed) ++passed;
    }
    void pass_back() noexcept {
        if (passed != most_passed && --passed == 0) past = 0;
    }

private:
    static constexpr std::uint16_t most_passed = 0xffff;
};

}  // namespace framealloc::inline v1::object
