// A hash of text, sixteen characters at a time, that nobody can predict who does not know the process's secret.
#pragma once

#include <cstring>
#include <string_view>

#include <framealloc/detail/base/compiler.hpp>
#include <framealloc/detail/sync/atomic.hpp>

namespace framealloc::inline v1::object {

// Drawn once for the process; kept secret. Never 0.
FRAMEALLOC_COLD std::uint64_t map_secret() noexcept;

// 2^64 divided by the golden ratio, whose multiples are far apart (Knuth 6.4).
inline constexpr std::uint64_t golden = 0x9e3779b97f4a7c15U;

// Both halves of the product, one over the other: every bit of a changes bits everywhere.
FRAMEALLOC_INLINE std::uint64_t spread(std::uint64_t a, std::uint64_t b = golden) noexcept {
    __extension__ typedef unsigned __int128 wide;
    const wide p = static_cast<wide>(a) * b;
    return static_cast<std::uint64_t>(p) ^ static_cast<std::uint64_t>(p >> 64);
}

// Read where a map begins, and a text is hashed.
inline sync::atomic<std::uint64_t> known_secret{0};  // 0: not drawn yet
FRAMEALLOC_INLINE std::uint64_t secret_of_process() noexcept {
    const std::uint64_t drawn = known_secret.load_relaxed();  // relaxed: whoever draws it draws the same
    if (drawn != 0) [[likely]]
        return drawn;
    known_secret.store_relaxed(map_secret());
    return map_secret();
}

template <class Word>
FRAMEALLOC_INLINE std::uint64_t word_at(const char* p) noexcept {
    Word w;
    std::memcpy(&w, p, sizeof w);
    return w;
}

// The last sixteen, eight, four or fewer characters overlap those before them.
FRAMEALLOC_INLINE std::uint64_t hash_of_text(std::string_view text, std::uint64_t secret) noexcept {
    const char* p = text.data();
    const std::size_t n = text.size();
    const std::uint64_t other = ~secret * golden;
    std::uint64_t hash = secret + n;
    if (n > 16) {
        for (std::size_t i = 0; i < n - 16; i += 16)
            hash = spread(word_at<std::uint64_t>(p + i) ^ other, word_at<std::uint64_t>(p + i + 8) ^ hash);
        return spread(word_at<std::uint64_t>(p + n - 16) ^ other, word_at<std::uint64_t>(p + n - 8) ^ hash);
    }
    if (n >= 8) return spread(word_at<std::uint64_t>(p) ^ other, word_at<std::uint64_t>(p + n - 8) ^ hash);
    if (n >= 4) return spread(word_at<std::uint32_t>(p) ^ other, word_at<std::uint32_t>(p + n - 4) ^ hash);
    if (n == 0) return hash;
    const std::uint64_t few = word_at<unsigned char>(p) | word_at<unsigned char>(p + n / 2) << 8 |
                              word_at<unsigned char>(p + n - 1) << 16;
    return spread(few ^ other, hash);
}

}  // namespace framealloc::inline v1::object
