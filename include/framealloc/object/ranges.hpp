// What containers take their elements from: iterators, ranges, and counts of them.
#pragma once

#include <compare>
#include <cstring>
#include <span>

#include <framealloc/detail/object/construct.hpp>

namespace framealloc::inline v1 {

// Sizes for vec<T>(): room for n, or n elements.
struct capacity {
    std::size_t n;
    // Effects: keeps v, a number of elements to make room for. Cost: O(1).
    constexpr explicit capacity(std::size_t v) noexcept : n(v) {}
};
struct count {
    std::size_t n;
    // Effects: keeps v, a number of elements to make. Cost: O(1).
    constexpr explicit count(std::size_t v) noexcept : n(v) {}
};

}  // namespace framealloc::inline v1

namespace framealloc::inline v1::object {

// Those of C++17 too. A number is none.
template <class It>
concept iterator = !std::is_arithmetic_v<It> && std::is_copy_constructible_v<It> && requires(It i) {
    *i;
    ++i;
    i == i;
};

// An iterator that is a pointer, and never the number 0.
// A string_view, a span and their like: what it refers to is not the container's, though clang says so of a reference
// to it that is bound to the container's lifetime.
template <class T>
concept view = std::is_class_v<T> && std::is_trivially_copyable_v<T> && requires(const T& v) {
    { v.data() };
    { v.size() };
};
template <class P>
concept pointer = std::is_pointer_v<P>;

// What a container is made of beside its source; a number has overloads of its own, where it becomes a size.
template <class C, class Source, class... Args>
concept makes = std::is_constructible_v<C, Source, Args...> &&
                !(sizeof...(Args) != 0 && (std::is_arithmetic_v<std::remove_cvref_t<Args>> && ...));

template <class R>
concept range = std::ranges::input_range<R>;

template <class It>
inline constexpr bool multi_pass = std::forward_iterator<It>;
template <class It>
    requires requires { typename std::iterator_traits<It>::iterator_category; }
inline constexpr bool multi_pass<It> =
    std::forward_iterator<It> ||
    std::is_base_of_v<std::forward_iterator_tag, typename std::iterator_traits<It>::iterator_category>;

// Requires: multi_pass<It>.
template <class It, class End>
constexpr std::size_t count_of(It first, End last) {
    if constexpr (requires { last - first; }) {
        return static_cast<std::size_t>(last - first);
    } else if constexpr (requires { std::distance(first, last); }) {
        return static_cast<std::size_t>(std::distance(first, last));  // which may know it, as libstdc++ does of a list
    } else {
        std::size_t n = 0;
        for (; first != last; ++first) ++n;
        return n;
    }
}

// Elements of the same type side by side, which memory alone copies.
template <class T, class It>
inline constexpr bool copied_as_bytes = false;
template <class T, std::contiguous_iterator It>
inline constexpr bool copied_as_bytes<T, It> = std::is_trivially_copyable_v<T> &&
                                               std::is_trivially_copy_constructible_v<T> &&
                                               std::is_same_v<std::iter_value_t<It>, T>;

// The functions below construct elements from `at` on, and return after the last one. When a constructor throws,
// nothing is left of them.

template <class T, class It, class End>
T* construct_from(T* at, It first, End last, std::size_t n) {
    if constexpr (copied_as_bytes<T, It>) {
        if (n != 0) std::memcpy(static_cast<void*>(at), std::to_address(first), n * sizeof(T));
        return at + n;
    } else {
        run<T> built(at);
        for (; first != last; ++first) built.add(*first);
        return built.done();
    }
}

template <class T>
T* construct_copies(T* at, std::size_t n, const T& v) {
    if constexpr (repeated_as_bytes<T> && sizeof(T) == 1) {
        if (n != 0) std::memset(static_cast<void*>(at), *reinterpret_cast<const unsigned char*>(&v), n);
        return at + n;
    } else if constexpr (repeated_as_bytes<T>) {
        return construct_repeated<T>(at, n, v);
    } else {
        run<T> built(at);
        for (; n != 0; --n) built.add(v);
        return built.done();
    }
}

// a <=> b, also of elements that have only <.
template <class T>
constexpr auto compare(const T& a, const T& b) {
    if constexpr (std::three_way_comparable<T>) return a <=> b;
    else return a < b ? std::weak_ordering::less : b < a ? std::weak_ordering::greater : std::weak_ordering::equivalent;
}

// Lexicographically, as std::vector's <=>.
template <class T>
constexpr auto compare_all(const T* a, const T* a_end, const T* b, const T* b_end) {
    if constexpr (std::is_integral_v<T> && std::is_unsigned_v<T> && sizeof(T) == 1) {
        const std::ptrdiff_t n = a_end - a < b_end - b ? a_end - a : b_end - b;
        const int c = n == 0 ? 0 : std::memcmp(a, b, static_cast<std::size_t>(n));
        return c != 0 ? c <=> 0 : (a_end - a) <=> (b_end - b);
    } else {
        for (; a != a_end && b != b_end; ++a, ++b) {
            if (const auto c = compare(*a, *b); c != 0) return c;
        }
        return static_cast<decltype(compare(*a, *b))>((a_end - a) <=> (b_end - b));
    }
}

template <class T>
constexpr bool equal_all(const T* a, const T* a_end, const T* b) {
    if constexpr (std::is_integral_v<T> || std::is_pointer_v<T>) {
        return a == a_end || std::memcmp(a, b, static_cast<std::size_t>(a_end - a) * sizeof(T)) == 0;
    } else {
        for (; a != a_end; ++a, ++b) {
            if (!(*a == *b)) return false;
        }
        return true;
    }
}

// Whether a range begins with one of the elements from `begin` on, as far as its iterators tell.
template <class T, class It, class End>
bool begins_within(const It& first, const End& last, const T* begin, const T* end) noexcept {
    if constexpr (multi_pass<It> && std::is_same_v<std::remove_cv_t<std::remove_reference_t<decltype(*first)>>, T> &&
                  std::is_lvalue_reference_v<decltype(*first)>) {
        if (first == last) return false;
        const T* p = __builtin_addressof(*first);
        return !(p < begin) && p < end;
    } else {
        return false;
    }
}

// Swaps two elements that may have no assignment.
template <class T>
void exchange(T& a, T& b) {
    if constexpr (std::is_trivially_copyable_v<T>) {
        alignas(T) unsigned char kept[sizeof(T)];
        std::memcpy(kept, __builtin_addressof(a), sizeof(T));
        std::memcpy(static_cast<void*>(__builtin_addressof(a)), __builtin_addressof(b), sizeof(T));
        std::memcpy(static_cast<void*>(__builtin_addressof(b)), kept, sizeof(T));
    } else if constexpr (std::is_move_assignable_v<T>) {
        using std::swap;
        swap(a, b);
    } else {
        T kept(std::move(a));
        put(a, std::move(b));
        put(b, std::move(kept));
    }
}

template <class T>
void reverse(T* first, T* last) {
    while (first < last && first < --last) exchange(*first++, *last);
}

// The elements from `middle` on go before those from `first` on. All are alive when one throws.
template <class T>
void rotate(T* first, T* middle, T* last) {
    if (first == middle || middle == last) return;
    if constexpr (std::is_trivially_copyable_v<T>) {
        alignas(T) unsigned char kept[sizeof(T) > 256 ? sizeof(T) : 256];
        const std::size_t bytes = static_cast<std::size_t>(last - middle) * sizeof(T);
        if (bytes <= sizeof kept) {
            std::memcpy(kept, static_cast<const void*>(middle), bytes);
            std::memmove(static_cast<void*>(first + (last - middle)), first,
                         static_cast<std::size_t>(middle - first) * sizeof(T));
            std::memcpy(static_cast<void*>(first), kept, bytes);
            return;
        }
    } else if (last - middle == 1) {
        T kept(std::move(*middle));
        for (T* p = middle; p != first; --p) put(*p, std::move(*(p - 1)));
        put(*first, std::move(kept));
        return;
    }
    reverse(first, middle);
    reverse(middle, last);
    reverse(first, last);
}

}  // namespace framealloc::inline v1::object
