// What differs between compilers, and nothing else: attributes, and the few operations C++ cannot spell.
#pragma once

#include <cstddef>
#include <cstdint>

#include <framealloc/config.hpp>

#define FRAMEALLOC_INLINE [[gnu::__always_inline__]] inline
#define FRAMEALLOC_COLD [[gnu::__noinline__, gnu::__cold__]]

// Thread sanitizers see no inline assembly.
#if defined(__SANITIZE_THREAD__)
#define FRAMEALLOC_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define FRAMEALLOC_TSAN 1
#endif
#endif
#if !defined(FRAMEALLOC_TSAN)
#define FRAMEALLOC_TSAN 0
#endif

#if defined(__SANITIZE_ADDRESS__)
#define FRAMEALLOC_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FRAMEALLOC_ASAN 1
#endif
#endif
#if !defined(FRAMEALLOC_ASAN)
#define FRAMEALLOC_ASAN 0
#endif
// Of a function that reads memory that is poisoned for the address sanitizer.
#define FRAMEALLOC_UNCHECKED [[gnu::__no_sanitize_address__]]
// Of a function that reads what another thread may be writing.
#define FRAMEALLOC_RACING [[gnu::__noinline__, gnu::__no_sanitize_thread__]]

// Set by the build (CMake option FRAMEALLOC_VALGRIND): the library annotates its blocks for Valgrind.
#if !defined(FRAMEALLOC_VALGRIND)
#define FRAMEALLOC_VALGRIND 0
#endif

// Clang reads a thread-local relative to its segment register when asked to; see detail/core/record.hpp.
#if defined(__clang__) && defined(__x86_64__) && defined(__linux__)
#define FRAMEALLOC_FS_RELATIVE 1
#else
#define FRAMEALLOC_FS_RELATIVE 0
#endif

// What follows the declaration of a variable that inline assembly and other tools name. Where every access to a
// thread-local is a call (MinGW), such a name cannot be given, and nobody reads it.
#if defined(_WIN32)
#define FRAMEALLOC_SLOT_OBJECT(name)
#else
#define FRAMEALLOC_SLOT_OBJECT(name) [[gnu::__tls_model__("initial-exec")]] __asm__(name)
#endif

// Of a function that takes a format as printf does. MinGW's "printf" is that of an old C library, which lacks %zu; C++
// calls another.
#if defined(_WIN32) && !defined(__clang__)
#define FRAMEALLOC_PRINTF(format_at, arguments_at) [[gnu::__format__(__gnu_printf__, format_at, arguments_at)]]
#else
#define FRAMEALLOC_PRINTF(format_at, arguments_at) [[gnu::__format__(__printf__, format_at, arguments_at)]]
#endif

// Whether sync::switches may compare with memory in one instruction.
#if defined(__x86_64__)
#define FRAMEALLOC_X86_64 1
#else
#define FRAMEALLOC_X86_64 0
#endif

// Lifetime annotations for clang: that a result lives as long as its object; that a type owns what its members
// return; and in which state a handle must be (-Wconsumed).
#if defined(__clang__)
#define FRAMEALLOC_LIFETIMEBOUND [[clang::lifetimebound]]
#define FRAMEALLOC_OWNER(T) [[gsl::Owner(T)]]
#define FRAMEALLOC_TYPESTATE(x) __attribute__((x))
#else
#define FRAMEALLOC_LIFETIMEBOUND
#define FRAMEALLOC_OWNER(T)
#define FRAMEALLOC_TYPESTATE(x)
#endif

// Attributes of clang's thread-safety analysis. Before clang 17 a function cannot return a scope that holds a
// capability.
#if defined(__clang__) && FRAMEALLOC_FRAME_CAPABILITY
#if __clang_major__ >= 17
#define FRAMEALLOC_ANALYSED(x) __attribute__((x))
#endif
#endif
#if !defined(FRAMEALLOC_ANALYSED)
#define FRAMEALLOC_ANALYSED(x)
#endif
// Clang 21 counts how often a capability is held.
#if defined(__clang__) && __clang_major__ >= 21
#define FRAMEALLOC_COUNTED_CAPABILITY(name) \
    FRAMEALLOC_ANALYSED(capability(name)) FRAMEALLOC_ANALYSED(reentrant_capability)
#else
#define FRAMEALLOC_COUNTED_CAPABILITY(name) FRAMEALLOC_ANALYSED(capability(name))
#endif
#if FRAMEALLOC_FRAME_CAPABILITY > 1
#define FRAMEALLOC_FRAME_AND_ANY(x) x, ::framealloc::any_frame
#else
#define FRAMEALLOC_FRAME_AND_ANY(x) x
#endif

// Around code of containers, where g++ would follow sizes down paths that are never taken: only what a user asks for is
// judged.
#if defined(__GNUC__) && !defined(__clang__)
#define FRAMEALLOC_ANY_SIZE_BEGIN \
    _Pragma("GCC diagnostic push") _Pragma("GCC diagnostic ignored \"-Walloc-size-larger-than=\"")
#define FRAMEALLOC_ANY_SIZE_END _Pragma("GCC diagnostic pop")
#else
#define FRAMEALLOC_ANY_SIZE_BEGIN
#define FRAMEALLOC_ANY_SIZE_END
#endif

// The same pointer, of which the compiler does not know what it points to: it warns of accesses down such paths.
namespace framealloc::inline v1::base {
template <class T>
FRAMEALLOC_INLINE T* unknown(T* p) noexcept {
    __asm__("" : "+r"(p));
    return p;
}
}  // namespace framealloc::inline v1::base

// Hints to the processor that the line at `address` will be written to soon; it may as well be no address at all. One
// instruction where FRAMEALLOC_PREFETCH is on (x86-64: prefetcht0 or prefetchw, 64-bit Arm: prfm), otherwise nothing.
namespace framealloc::inline v1::base {
#if FRAMEALLOC_PREFETCH && defined(__GNUC__)
FRAMEALLOC_INLINE void will_write(std::uintptr_t address) noexcept {
    __builtin_prefetch(reinterpret_cast<const void*>(address), 1);
}
#else
FRAMEALLOC_INLINE void will_write(std::uintptr_t) noexcept {}
#endif
}  // namespace framealloc::inline v1::base

#if defined(__cpp_exceptions)
#define FRAMEALLOC_EXCEPTIONS 1
#else
#define FRAMEALLOC_EXCEPTIONS 0
#endif

// libstdc++ has no forward header for memory_resource, and the real one costs 0.3 s in every translation unit.
#if defined(__has_include)
#if __has_include(<bits/c++config.h>)
#include <bits/c++config.h>
// clang-format off
namespace std _GLIBCXX_VISIBILITY(default) {
_GLIBCXX_BEGIN_NAMESPACE_VERSION
namespace pmr {
class memory_resource;
}
_GLIBCXX_END_NAMESPACE_VERSION
}  // namespace std _GLIBCXX_VISIBILITY(default)
// clang-format on
#else
#include <memory_resource>
#endif
#endif
