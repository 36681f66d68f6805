// Plain words that one thread owns and others look at. The owner reads them as any variable, which compilers keep in
// registers; what others may see meanwhile goes through these, with the orders that sync::atomic has.
//
//   c.stack.set_top(r);
//   frame_record* top = c.stack.top_seen();  // another thread: some recent value
//
// Cost: that of the plain load or store.
#pragma once

#include <cstdint>
#include <type_traits>

#include <framealloc/detail/base/compiler.hpp>

namespace framealloc::inline v1::sync {

// The builtins take no enumerations.
template <class T, bool = std::is_enum_v<T>>
struct word_of {
    using type = T;
};
template <class T>
struct word_of<T, true> {
    using type = std::underlying_type_t<T>;
};
template <class T>
using word_of_t = typename word_of<T>::type;

template <class T>
FRAMEALLOC_INLINE T load_relaxed(const T& word) noexcept {
    return static_cast<T>(__atomic_load_n(reinterpret_cast<const word_of_t<T>*>(&word), __ATOMIC_RELAXED));
}
template <class T>
FRAMEALLOC_INLINE T load_acquire(const T& word) noexcept {
    return static_cast<T>(__atomic_load_n(reinterpret_cast<const word_of_t<T>*>(&word), __ATOMIC_ACQUIRE));
}
template <class T>
FRAMEALLOC_INLINE void store_relaxed(T& word, std::type_identity_t<T> value) noexcept {
    __atomic_store_n(reinterpret_cast<word_of_t<T>*>(&word), static_cast<word_of_t<T>>(value), __ATOMIC_RELAXED);
}
template <class T>
FRAMEALLOC_INLINE void store_release(T& word, std::type_identity_t<T> value) noexcept {
    __atomic_store_n(reinterpret_cast<word_of_t<T>*>(&word), static_cast<word_of_t<T>>(value), __ATOMIC_RELEASE);
}

}  // namespace framealloc::inline v1::sync

namespace framealloc::inline v1 {

// Requires: the calling thread alone writes the word; any may read it. Effects: adds one. Cost: one instruction on
// x86-64, where an aligned store is seen whole; g++ 12 would spend three on the relaxed load, add and store that this
// is.
template <class T>
FRAMEALLOC_INLINE void owner_increment(T& word) noexcept {
    static_assert(sizeof(T) == 4 || sizeof(T) == 8);
#if FRAMEALLOC_X86_64 && !FRAMEALLOC_TSAN
    if constexpr (sizeof(T) == 4) __asm__("incl %0" : "+m"(word)::"cc");
    else __asm__("incq %0" : "+m"(word)::"cc");
#else
    sync::store_relaxed(word, sync::load_relaxed(word) + 1U);  // relaxed: one writer
#endif
}
// Requires: as above. Effects: adds `n`, modulo 2^64. Cost: one instruction on x86-64.
FRAMEALLOC_INLINE void owner_add(std::uint64_t& word, std::uint64_t n) noexcept {
#if FRAMEALLOC_X86_64 && !FRAMEALLOC_TSAN
    __asm__("addq %1, %0" : "+m"(word) : "re"(n) : "cc");
#else
    sync::store_relaxed(word, sync::load_relaxed(word) + n);  // relaxed: one writer
#endif
}
// Requires: as above. Effects: subtracts `n`. Cost: as above.
FRAMEALLOC_INLINE void owner_subtract(std::uint64_t& word, std::uint64_t n) noexcept {
#if FRAMEALLOC_X86_64 && !FRAMEALLOC_TSAN
    __asm__("subq %1, %0" : "+m"(word) : "re"(n) : "cc");
#else
    sync::store_relaxed(word, sync::load_relaxed(word) - n);  // relaxed: one writer
#endif
}

}  // namespace framealloc::inline v1
