// A std::span<T, N> with structured bindings:
//
//   auto [from, to] = frame.alloc_n<vertex, 2>();   // two references
#pragma once

#include <cstddef>
#include <span>
#include <type_traits>
#include <utility>

#include <framealloc/config.hpp>

namespace framealloc::inline v1 {

template <class T, std::size_t N>
class fixed_span : public std::span<T, N> {
public:
    // Requires: N elements from `first` on. Cost: O(1).
    constexpr explicit fixed_span(T* first) noexcept : std::span<T, N>(first, N) {}

    // Returns: element Index. Cost: O(1).
    template <std::size_t Index>
    constexpr T& get() const noexcept {
        static_assert(Index < N);
        return this->data()[Index];
    }
};

}  // namespace framealloc::inline v1

template <class T, std::size_t N>
struct std::tuple_size<framealloc::fixed_span<T, N>> : std::integral_constant<std::size_t, N> {};
template <std::size_t Index, class T, std::size_t N>
struct std::tuple_element<Index, framealloc::fixed_span<T, N>> {
    using type = T;
};
template <class T, std::size_t N>
inline constexpr bool std::ranges::enable_borrowed_range<framealloc::fixed_span<T, N>> = true;
template <class T, std::size_t N>
inline constexpr bool std::ranges::enable_view<framealloc::fixed_span<T, N>> = true;
