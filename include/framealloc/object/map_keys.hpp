// How a map hashes and compares keys by default, and what fixes where it looks for them.
#pragma once

#include <string_view>
#include <utility>

#include <framealloc/detail/object/storage.hpp>
#include <framealloc/detail/object/text_hash.hpp>

namespace framealloc::inline v1 {

// Fixes where a map looks for its keys, for programs whose cost has to be the same in every run. Who knows it can
// choose keys that collide.
struct map_seed {
    std::uint64_t n;
    // Effects: keeps v; equal seeds and equal operations take equal steps. Cost: O(1).
    [[nodiscard]] constexpr explicit map_seed(std::uint64_t v) noexcept : n(v) {}
};

namespace object {

struct equal_to {
    using is_transparent = void;
    template <class A, class B>
    bool operator()(const A& a, const B& b) const noexcept(noexcept(a == b)) {
        return a == b;
    }
};

template <class K>
concept string_like = std::is_same_v<typename K::value_type, char> &&
                      std::is_convertible_v<const K&, std::string_view> && requires { K::npos; };

// Differs from run to run: the numbers of std::hash are known, and texts that share one are easily made.
struct string_hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept { return hash_of_text(text, secret_of_process()); }
};
struct string_equal {
    using is_transparent = void;
    bool operator()(std::string_view a, std::string_view b) const noexcept { return a == b; }
};

template <class K>
using default_hash = std::conditional_t<string_like<K>, string_hash, std::hash<K>>;
template <class K>
using default_equal = std::conditional_t<string_like<K>, string_equal, equal_to>;

// Assigns a hash function or equality, where that is possible; an empty one needs none.
template <class F>
void take_function(F& to, const F& from) noexcept(std::is_nothrow_copy_assignable_v<F>) {
    static_assert(std::is_copy_assignable_v<F> || std::is_empty_v<F>,
                  "a map can be assigned to if its hash function and equality can: a lambda with captures cannot");
    if constexpr (std::is_copy_assignable_v<F>) to = from;
}

// Made from a source, as the element of a container takes its container's.
template <class T, class Source>
concept takes_source = requires { requires std::is_same_v<typename T::source_type, Source>; } &&
                       std::is_constructible_v<T, Source>;

}  // namespace object

}  // namespace framealloc::inline v1
