// Construction in place, aggregates included on every compiler (clang 14 has no parenthesised aggregate initialisation).
#pragma once

#include <new>
#include <type_traits>
#include <utility>

#include <framealloc/base/compiler.hpp>

namespace framealloc::inline FRAMEALLOC_ABI::object {

template <class T, class... Args>
T* construct_at(void* p, Args&&... args) {
    if constexpr (std::is_constructible_v<T, Args...>) return ::new (p) T(std::forward<Args>(args)...);
    else return ::new (p) T{std::forward<Args>(args)...};
}

template <class T>
void destroy(T* first, T* last) noexcept {
    if constexpr (!std::is_trivially_destructible_v<T>) {
        while (last != first) (--last)->~T();
    }
}

// An object that memory alone makes: what uninitialised allocation may return.
template <class T>
inline constexpr bool implicit_lifetime =
    std::is_trivially_destructible_v<T> &&
    (std::is_trivially_default_constructible_v<T> || std::is_trivially_copy_constructible_v<T> ||
     std::is_trivially_move_constructible_v<T> || std::is_aggregate_v<T>);

// Frees memory again when a constructor throws.
template <class F>
struct undo {
    F action;
    bool armed = true;
    ~undo() {
        if (armed) action();
    }
};
template <class F>
undo(F) -> undo<F>;

}  // namespace framealloc::inline FRAMEALLOC_ABI::object
