// Construction in place, aggregates included on every compiler (clang 14 has no parenthesised aggregate
// initialisation).
#pragma once

#include <cstring>
#include <new>
#include <type_traits>
#include <utility>

#include <framealloc/detail/base/compiler.hpp>

namespace framealloc::inline v1::object {

// A T at p, made of these arguments with parentheses or, where it has no such constructor, with braces.
template <class T, class... Args>
T* construct_at(void* p, Args&&... args) {
    if constexpr (std::is_constructible_v<T, Args...>) return ::new (p) T(std::forward<Args>(args)...);
    else return ::new (p) T{std::forward<Args>(args)...};
}

// The same as a value.
template <class T, class... Args>
T make(Args&&... args) {
    if constexpr (std::is_constructible_v<T, Args...>) return T(std::forward<Args>(args)...);
    else return T{std::forward<Args>(args)...};
}

// Destroys the elements, last to first.
template <class T>
void destroy(T* first, T* last) noexcept {
    if constexpr (!std::is_trivially_destructible_v<T>) {
        while (last != first) (--last)->~T();
    }
}

// A container as the element of another one takes its source, unless it has one.
template <class T, class Source>
inline constexpr bool adopts = requires(T& element, const Source& s) {
    requires std::is_same_v<typename T::source_type, Source>;
    element.adopt(s);
};
template <class T, class Source>
void adopt([[maybe_unused]] T* first, [[maybe_unused]] T* last, [[maybe_unused]] const Source& s) noexcept {
    if constexpr (adopts<T, Source>) {
        for (; first != last; ++first) first->adopt(s);
    }
}
template <class T, class Source, class... Args>
T* construct_in(void* p, [[maybe_unused]] const Source& s, Args&&... args) {
    if constexpr (adopts<T, Source> && !(sizeof...(Args) != 0 && std::is_constructible_v<T, Args...>)) {
        return ::new (p) T(s, std::forward<Args>(args)...);
    } else {
        T* made = construct_at<T>(p, std::forward<Args>(args)...);
        adopt(made, made + 1, s);
        return made;
    }
}

// Elements constructed one after another, destroyed again unless done() is reached.
template <class T>
class run {
public:
    explicit run(T* at) noexcept : first_(at), end_(at) {}
    run(const run&) = delete;
    run& operator=(const run&) = delete;
    ~run() { destroy(first_, end_); }

    template <class... Args>
    void add(Args&&... args) {
        construct_at<T>(end_, std::forward<Args>(args)...);
        ++end_;
    }
    template <class Source>
    void add_value(const Source& s) {
        construct_in<T>(end_, s);
        ++end_;
    }
    T* done() noexcept {
        first_ = end_;
        return end_;
    }

private:
    T* first_;
    T* end_;
};

// Elements that memory alone copies, from one of them: what is there is copied again and again, so that no compiler has
// to know how to fill memory with a pattern.
template <class T>
T* construct_repeated(T* at, std::size_t n, const T& v) {
    constexpr std::size_t most = sizeof(T) < 4096 ? 4096 / sizeof(T) : 1;  // which stay in the cache
    if (n == 0) return at;
    construct_at<T>(at, v);
    for (std::size_t done = 1; done < n;) {
        const std::size_t left = n - done;
        const std::size_t more = done < most ? done : most;
        std::memcpy(static_cast<void*>(at + done), at, (more < left ? more : left) * sizeof(T));
        done += more < left ? more : left;
    }
    return at + n;
}

template <class T>
inline constexpr bool repeated_as_bytes = std::is_trivially_copyable_v<T> && std::is_trivially_copy_constructible_v<T>;

// Value-initialised; an element that is a container takes the source, if one is given. When a constructor throws,
// nothing is left of them. Returns past the last.
template <class T, class... Source>
T* construct_values(T* at, std::size_t n, const Source&... s) {
    if constexpr (std::is_arithmetic_v<T> || std::is_enum_v<T> || std::is_pointer_v<T>) {
        if (n != 0) std::memset(static_cast<void*>(at), 0, n * sizeof(T));
        return at + n;
    } else if constexpr (repeated_as_bytes<T> && std::is_trivially_default_constructible_v<T>) {
        return construct_repeated<T>(at, n, T());
    } else {
        run<T> built(at);
        for (; n != 0; --n) {
            if constexpr (sizeof...(s) == 0) built.add();
            else built.add_value(s...);
        }
        return built.done();
    }
}

// Elements can be moved over others: by assignment, or else by a move that does not throw.
template <class T>
inline constexpr bool shiftable = std::is_trivially_copyable_v<T> || std::is_move_assignable_v<T> ||
                                  std::is_nothrow_move_constructible_v<T>;

// Requires: two objects.
template <class T>
void put(T& to, T&& from) {
    if constexpr (std::is_move_assignable_v<T>) {
        to = std::move(from);
    } else {
        static_assert(shiftable<T>,
                      "an element that cannot be assigned to moves within a container if its move is noexcept");
        T* place = __builtin_addressof(to);
        place->~T();
        construct_at<T>(place, std::move(from));
    }
}

// An implicit-lifetime type whose default construction does nothing: what uninitialised allocation may return. A
// default member initialiser is construction too.
template <class T>
inline constexpr bool implicit_lifetime = std::is_trivially_destructible_v<T> &&
                                          std::is_trivially_default_constructible_v<T>;

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

}  // namespace framealloc::inline v1::object
