// Names as text: hashed and compared a word at a time, as a scope that is opened by name does both.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include <framealloc/detail/base/compiler.hpp>

namespace framealloc::inline v1::account {

// A name that need not end with a zero.
struct name_view {
    const char* data = "";
    std::size_t size = 0;
};

template <class Word>
FRAMEALLOC_INLINE Word word_at(const char* text) noexcept {
    Word w;
    std::memcpy(&w, text, sizeof w);
    return w;
}

// Its last word may overlap the one before it.
template <class Word>
FRAMEALLOC_INLINE bool same_words(const char* a, const char* b, std::size_t bytes) noexcept {
    std::size_t i = 0;
    for (; i + sizeof(Word) < bytes; i += sizeof(Word)) {
        if (word_at<Word>(a + i) != word_at<Word>(b + i)) return false;
    }
    const std::size_t last = bytes - sizeof(Word);
    return word_at<Word>(a + last) == word_at<Word>(b + last);
}
FRAMEALLOC_INLINE bool same_text(const char* a, const char* b, std::size_t bytes) noexcept {
    if (bytes >= sizeof(std::uint64_t)) return same_words<std::uint64_t>(a, b, bytes);
    if (bytes >= sizeof(std::uint32_t)) return same_words<std::uint32_t>(a, b, bytes);
    return bytes == 0 || same_words<char>(a, b, bytes);
}

inline constexpr std::uint64_t golden = 0x9e3779b97f4a7c15U;  // 2^64 divided by the golden ratio (Knuth, 6.4)

// Both halves of the product with a multiple of the golden ratio: each bit of a word changes low and high ones.
FRAMEALLOC_INLINE std::uint64_t mix(std::uint64_t hash, std::uint64_t word) noexcept {
    __extension__ typedef unsigned __int128 wide;
    const wide product = wide{hash ^ word} * golden;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}
template <class Word>
FRAMEALLOC_INLINE std::uint64_t hash_words(std::uint64_t hash, const char* text, std::size_t bytes) noexcept {
    for (std::size_t i = 0; i + sizeof(Word) < bytes; i += sizeof(Word)) hash = mix(hash, word_at<Word>(text + i));
    return mix(hash, word_at<Word>(text + bytes - sizeof(Word)));
}
FRAMEALLOC_INLINE std::uint64_t hash_text(std::uint64_t seed, name_view t) noexcept {
    const std::uint64_t hash = seed * golden + t.size;
    if (t.size >= sizeof(std::uint64_t)) return hash_words<std::uint64_t>(hash, t.data, t.size);
    if (t.size >= sizeof(std::uint32_t)) return hash_words<std::uint32_t>(hash, t.data, t.size);
    return t.size == 0 ? hash : hash_words<unsigned char>(hash, t.data, t.size);
}

}  // namespace framealloc::inline v1::account
