// The vocabulary of every kind: what a `Words` says of one kind of memory, under the names that users type.
//
//   fa::pool_view pool = alloc.pool();
//   contact* c = pool.alloc<contact>();       // uninitialised
//   auto hits = pool.vec<hit>();              // growable
//
// A kind writes its Words (arena_words.hpp, block_words.hpp), and has all of this. The kinds whose memory lives as long
// as the object that is asked say so to clang: arena_front.hpp.
// Every x() has a try_x() that returns null, empty or false instead of asking the exhaustion handler.
#pragma once

#include <initializer_list>
#include <span>
#include <string_view>

#include <framealloc/detail/runtime/call.hpp>
#include <framealloc/object/allocators.hpp>
#include <framealloc/object/fixed_span.hpp>
#include <framealloc/object/map_keys.hpp>
#include <framealloc/object/ranges.hpp>

namespace framealloc::inline v1 {

template <class Words>
class front : protected Words {
    template <class T, class... Args>
    using box_for = typename Words::template box_type<runtime::boxed_type_t<T, Args...>>;
    template <class T>
    using vec_type = typename Words::template vec_type<T>;
    template <class K, class V, class Hash, class Equal>
    using map_type = typename Words::template map_type<K, V, Hash, Equal>;
    using string_type = typename Words::string_type;
    static constexpr auto must = memory::on_failure::ask_handler;
    static constexpr auto may_fail = memory::on_failure::return_null;

public:
    using policy_type = typename Words::policy_type;
    using site_type = typename Words::site_type;
    using source_type = typename Words::source_type;

    using Words::Words;

    // --- raw memory: uninitialised, for implicit-lifetime types ---
    // Requires: T is an implicit-lifetime type, made by memory alone. Returns: memory for one, not initialised. On
    // exhaustion: asks the exhaustion handler; try_alloc() returns null. Cost: the least of the kind; see its header.
    template <class T>
    [[nodiscard]] FRAMEALLOC_INLINE T* alloc(site_type s = site_type::here()) const noexcept {
        return this->template take<T>(must, s);
    }
    template <class T>
    [[nodiscard]] FRAMEALLOC_INLINE T* try_alloc(site_type s = site_type::here()) const noexcept {
        return this->template take<T>(may_fail, s);
    }
    // Requires: align is a power of two; FA431 otherwise. Returns: `size` bytes, not initialised; null of 0 bytes. On
    // exhaustion: asks the exhaustion handler; try_alloc_bytes() returns null. Cost: as alloc(), and the arithmetic of
    // the size.
    [[nodiscard, gnu::alloc_size(2)]] FRAMEALLOC_INLINE void* alloc_bytes(
        std::size_t size, std::size_t align = alignof(std::max_align_t),
        site_type s = site_type::here()) const noexcept {
        return this->take_bytes(size, align, must, s);
    }
    [[nodiscard, gnu::alloc_size(2)]] FRAMEALLOC_INLINE void* try_alloc_bytes(
        std::size_t size, std::size_t align = alignof(std::max_align_t),
        site_type s = site_type::here()) const noexcept {
        return this->take_bytes(size, align, may_fail, s);
    }
    // Requires: T is an implicit-lifetime type. Returns: n elements, not initialised, in one block; an empty span of
    // none. On exhaustion: asks the exhaustion handler; try_batch() returns an empty span. More bytes than there are
    // addresses are exhaustion too. Cost: as alloc_bytes().
    template <class T>
    [[nodiscard]] FRAMEALLOC_INLINE std::span<T> batch(std::size_t n, site_type s = site_type::here()) const noexcept {
        return this->template take_batch<T>(n, must, s);
    }
    template <class T>
    [[nodiscard]] FRAMEALLOC_INLINE std::span<T> try_batch(std::size_t n,
                                                           site_type s = site_type::here()) const noexcept {
        return this->template take_batch<T>(n, may_fail, s);
    }
    // Requires: T is an implicit-lifetime type, N > 0. Returns: a std::span<T, N> of elements that are not initialised,
    // which structured bindings take apart; try_alloc_n() the first of them, as a span of fixed extent has no empty
    // value. On exhaustion: asks the exhaustion handler; try_alloc_n() returns null. Cost: as alloc().
    template <class T, std::size_t N>
    [[nodiscard]] FRAMEALLOC_INLINE fixed_span<T, N> alloc_n(site_type s = site_type::here()) const noexcept {
        return fixed_span<T, N>(this->template take_n<T, N>(must, s));
    }
    template <class T, std::size_t N>
    [[nodiscard]] FRAMEALLOC_INLINE T* try_alloc_n(site_type s = site_type::here()) const noexcept {
        return this->template take_n<T, N>(may_fail, s);
    }

    // --- objects: constructed here; who destroys them is the kind's to say ---
    // Effects: constructs a T in place, of an aggregate too; what throws leaves nothing. Returns: the object, destroyed
    // by destroy(). On exhaustion: asks the exhaustion handler; try_make() returns null. Cost: that of alloc(), and the
    // construction.
    template <class T, class... Args>
    FRAMEALLOC_INLINE T* make(Args&&... args) const {
        return this->template build<T>(must, std::forward<Args>(args)...);
    }
    template <class T, class... Args>
    [[nodiscard]] FRAMEALLOC_INLINE T* try_make(Args&&... args) const {
        return this->template build<T>(may_fail, std::forward<Args>(args)...);
    }
    // Effects: constructs a T in place, or T[] of n value-initialised elements; of a single argument the type is its
    // own. Returns: a box that owns it. On exhaustion: asks the exhaustion handler; try_box() returns an empty box.
    // Cost: as make().
    template <class T = runtime::deduced, class... Args>
    FRAMEALLOC_INLINE auto box(Args&&... args) const {
        return this->template build_box<box_for<T, Args...>>(must, std::forward<Args>(args)...);
    }
    template <class T = runtime::deduced, class... Args>
    [[nodiscard]] FRAMEALLOC_INLINE auto try_box(Args&&... args) const {
        return this->template build_box<box_for<T, Args...>>(may_fail, std::forward<Args>(args)...);
    }
    // Effects: value-initialises n elements; what throws leaves nothing. Returns: them, destroyed by destroy(); an
    // empty span of none. On exhaustion: asks the exhaustion handler; try_slice() returns an empty span. Cost: O(n).
    template <class T>
    std::span<T> slice(std::size_t n, site_type s = site_type::here()) const {
        return this->template build_slice<T>(n, must, s);
    }
    template <class T>
    [[nodiscard]] std::span<T> try_slice(std::size_t n, site_type s = site_type::here()) const {
        return this->template build_slice<T>(n, may_fail, s);
    }

    // --- containers ---
    // Returns: a vec, empty or of capacity(n), count(n), n elements, n copies, an initialiser list or a range. On
    // exhaustion: asks the exhaustion handler; try_vec() returns an empty vec. Cost: at most one allocation, and
    // O(elements); an empty one allocates nothing.
    template <class T, class... Args>
        requires object::makes<vec_type<T>, source_type, Args...>
    vec_type<T> vec(Args&&... args) const {
        return this->template contain<vec_type<T>>(std::forward<Args>(args)...);
    }
    template <class T>
    vec_type<T> vec(std::initializer_list<T> l) const {
        return this->template contain<vec_type<T>>(l);
    }
    template <class T>
    vec_type<T> vec(std::size_t n) const {
        return this->template contain<vec_type<T>>(n);
    }
    template <class T>
    vec_type<T> vec(std::size_t n, const std::type_identity_t<T>& v) const {
        return this->template contain<vec_type<T>>(n, v);
    }
    template <class T, class... Args>
        requires object::makes<vec_type<T>, source_type, Args...>
    [[nodiscard]] vec_type<T> try_vec(Args&&... args) const {
        return this->template try_contain<vec_type<T>>(std::forward<Args>(args)...);
    }
    template <class T>
    [[nodiscard]] vec_type<T> try_vec(std::initializer_list<T> l) const {
        return this->template try_contain<vec_type<T>>(l);
    }
    template <class T>
    [[nodiscard]] vec_type<T> try_vec(std::size_t n) const {
        return this->template try_contain<vec_type<T>>(n);
    }
    // Returns: a map, empty or of capacity(n), of map_seed(n), with the entries of an initialiser list or a range; each
    // with a hash function and an equality after it, if they have a state. On exhaustion: asks the exhaustion handler;
    // try_map() returns an empty map. Cost: O(entries) on average; an empty one allocates nothing.
    template <class K, class V, class Hash = object::default_hash<K>, class Equal = object::default_equal<K>,
              class... Args>
        requires object::makes<map_type<K, V, Hash, Equal>, source_type, Args...>
    auto map(Args&&... args) const {
        return this->template contain<map_type<K, V, Hash, Equal>>(std::forward<Args>(args)...);
    }
    template <class K, class V, class Hash = object::default_hash<K>, class Equal = object::default_equal<K>>
    auto map(std::initializer_list<std::pair<const K, V>> l, const Hash& hash = Hash(),
             const Equal& equal = Equal()) const {
        return this->template contain<map_type<K, V, Hash, Equal>>(l, hash, equal);
    }
    template <class K, class V, class Hash = object::default_hash<K>, class Equal = object::default_equal<K>,
              class... Args>
        requires object::makes<map_type<K, V, Hash, Equal>, source_type, Args...>
    [[nodiscard]] auto try_map(Args&&... args) const {
        return this->template try_contain<map_type<K, V, Hash, Equal>>(std::forward<Args>(args)...);
    }
    template <class K, class V, class Hash = object::default_hash<K>, class Equal = object::default_equal<K>>
    [[nodiscard]] auto try_map(std::initializer_list<std::pair<const K, V>> l, const Hash& hash = Hash(),
                               const Equal& equal = Equal()) const {
        return this->template try_contain<map_type<K, V, Hash, Equal>>(l, hash, equal);
    }
    // Returns: a string of text, of n characters of it, of a part of a string, of n times c, or of a range. On
    // exhaustion: asks the exhaustion handler; try_string() returns an empty string. Cost: O(length), at most one
    // allocation where the length is known beforehand.
    string_type string(std::string_view text = {}) const { return this->template contain<string_type>(text); }
    template <class... Args>
        requires object::makes<string_type, source_type, Args...>
    string_type string(Args&&... args) const {
        return this->template contain<string_type>(std::forward<Args>(args)...);
    }
    string_type string(std::size_t n, char c) const { return this->template contain<string_type>(n, c); }
    string_type string(std::initializer_list<char> l) const { return this->template contain<string_type>(l); }
    [[nodiscard]] string_type try_string(std::string_view text = {}) const {
        return this->template try_contain<string_type>(text);
    }
    template <class... Args>
        requires object::makes<string_type, source_type, Args...>
    [[nodiscard]] string_type try_string(Args&&... args) const {
        return this->template try_contain<string_type>(std::forward<Args>(args)...);
    }
    [[nodiscard]] string_type try_string(std::size_t n, char c) const {
        return this->template try_contain<string_type>(n, c);
    }
    [[nodiscard]] string_type try_string(std::initializer_list<char> l) const {
        return this->template try_contain<string_type>(l);
    }

    // --- for other containers ---
    // Returns: what leads a container to this memory: a standard allocator, a std::pmr resource, an allocator_ref that
    // erases the kind, or the source itself, an allocator_source for own containers. They know the allocator without
    // keeping it alive. Cost: O(1).
    template <class T>
    standard_allocator<T, source_type> allocator() const noexcept {
        return source_type(this->own_source());
    }
    std::pmr::memory_resource* resource() const { return this->own_resource(); }
    allocator_ref ref() const noexcept { return this->own_source(); }
    template <class Source = source_type>
        requires std::is_same_v<Source, source_type>
    FRAMEALLOC_INLINE Source source() const noexcept {
        return this->own_source();
    }
};

}  // namespace framealloc::inline v1
