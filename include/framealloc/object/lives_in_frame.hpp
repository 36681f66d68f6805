// Whether a type keeps its content in a frame, so that it must not outlive one: what transfers refuse.
//
//   static_assert(fa::lives_in_frame_v<std::optional<fa::frame_vec<int>>>);
//
// Looks at the type and, recursively, at its template arguments; not at the members of a class, nor behind pointers,
// references, spans and std::pmr containers. A class with such a member says so itself, and so does one that only names
// a frame container among its template arguments and keeps none:
//
//   template <>
//   struct framealloc::lives_in_frame<my_struct> : std::true_type {};
#pragma once

#include <cstddef>
#include <span>

#include <framealloc/object/sources.hpp>

namespace framealloc::inline v1 {

template <class T, class Policy>
class basic_frame_box;

template <class T>
struct lives_in_frame;
template <class T>
inline constexpr bool lives_in_frame_v = lives_in_frame<T>::value;

namespace object {

template <bool B>
struct truth {
    static constexpr bool value = B;
};

}  // namespace object

template <class T>
struct lives_in_frame : object::truth<false> {};
template <class T>
    requires(!std::is_array_v<T>)
struct lives_in_frame<const T> : object::truth<lives_in_frame_v<T>> {};
template <class T>
    requires(!std::is_array_v<T>)
struct lives_in_frame<volatile T> : object::truth<lives_in_frame_v<T>> {};
template <class T>
    requires(!std::is_array_v<T>)
struct lives_in_frame<const volatile T> : object::truth<lives_in_frame_v<T>> {};
template <class T>
struct lives_in_frame<T[]> : object::truth<lives_in_frame_v<T>> {};
template <class T, std::size_t N>
struct lives_in_frame<T[N]> : object::truth<lives_in_frame_v<T>> {};

template <template <class...> class C, class... Args>
struct lives_in_frame<C<Args...>> : object::truth<(lives_in_frame_v<Args> || ...)> {};
template <template <class, std::size_t> class C, class T, std::size_t N>
struct lives_in_frame<C<T, N>> : object::truth<lives_in_frame_v<T>> {};  // std::array and its like
template <class T, std::size_t N>
struct lives_in_frame<std::span<T, N>> : object::truth<false> {};  // keeps nothing

template <object::ends_at_once Source>
struct lives_in_frame<Source> : object::truth<true> {};  // so does what has it as an argument: containers, allocators
template <class T, class Policy>
struct lives_in_frame<basic_frame_box<T, Policy>> : object::truth<true> {};

}  // namespace framealloc::inline v1
