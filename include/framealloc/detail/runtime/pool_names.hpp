// The known names of pool memory: pool_x() for the word x.
//
//   auto npc = alloc.pool_box<enemy>(position);
//   auto names = alloc.pool_vec<name>();
//
// Each is a forward to the view alloc.pool(), whose words are in detail/runtime/front.hpp and
// detail/runtime/block_view.hpp.
#pragma once

#include <framealloc/runtime/views.hpp>

namespace framealloc::inline v1 {

// `Alloc` is the smart_alloc that has these names.
template <class Alloc, class Policy>
class pool_names {
    using site_type = typename Policy::site_type;
    using words = runtime::pool_words<runtime::borrowed_handle, Policy>;
    template <class T>
    using vec_of = typename words::template vec_type<T>;
    template <class K, class V, class Hash, class Equal>
    using map_of = typename words::template map_type<K, V, Hash, Equal>;
    using string_of = typename words::string_type;

public:
    // Returns: the words without their prefix, in two machine words to pass to a subsystem. The allocator has to
    // outlive the view; blocks that are still out when it ends are FA424, and stay valid. Cost: O(1).
    FRAMEALLOC_INLINE basic_pool_view<Policy> pool() const noexcept {
        return basic_pool_view<Policy>(static_cast<const Alloc&>(*this).owner());
    }

    // Each pool_x() and try_pool_x() is the word x of detail/runtime/front.hpp and detail/runtime/block_view.hpp.
    // Effects: those of the word. Returns: what the word does. On exhaustion: asks the exhaustion handler; a try_x()
    // returns null or what is empty. Threads: any; what was taken on one may be given back on another. Cost: that of
    // the word. pool_alloc() with pool_free() takes at most 26 instructions.
    template <class T>
    [[nodiscard]] FRAMEALLOC_INLINE T* pool_alloc(site_type s = site_type::here()) const noexcept {
        return here().template alloc<T>(s);
    }
    template <class T>
    [[nodiscard]] T* try_pool_alloc(site_type s = site_type::here()) const noexcept {
        return here().template try_alloc<T>(s);
    }
    template <class T>
    FRAMEALLOC_INLINE void pool_free(T* p, site_type s = site_type::here()) const noexcept {
        static_assert(!std::is_void_v<T>, "a void* does not say its size: use pool_free_bytes(p, size, align)");
        (here().free)(p, s);
    }
    [[nodiscard, gnu::alloc_size(2)]] void* pool_alloc_bytes(std::size_t size,
                                                             std::size_t align = alignof(std::max_align_t),
                                                             site_type s = site_type::here()) const noexcept {
        return here().alloc_bytes(size, align, s);
    }
    [[nodiscard, gnu::alloc_size(2)]] void* try_pool_alloc_bytes(std::size_t size,
                                                                 std::size_t align = alignof(std::max_align_t),
                                                                 site_type s = site_type::here()) const noexcept {
        return here().try_alloc_bytes(size, align, s);
    }
    void pool_free_bytes(void* p, std::size_t size, std::size_t align = alignof(std::max_align_t),
                         site_type s = site_type::here()) const noexcept {
        here().free_bytes(p, size, align, s);
    }
    template <class T = runtime::deduced, class... Args>
    FRAMEALLOC_INLINE auto pool_box(Args&&... args) const {
        return here().template box<T>(std::forward<Args>(args)...);
    }
    template <class T = runtime::deduced, class... Args>
    [[nodiscard]] FRAMEALLOC_INLINE auto try_pool_box(Args&&... args) const {
        return here().template try_box<T>(std::forward<Args>(args)...);
    }
    template <class T = runtime::deduced, class... Args>
    FRAMEALLOC_INLINE auto pool_shared(Args&&... args) const {
        return here().template shared<T>(std::forward<Args>(args)...);
    }
    template <class T = runtime::deduced, class... Args>
    [[nodiscard]] FRAMEALLOC_INLINE auto try_pool_shared(Args&&... args) const {
        return here().template try_shared<T>(std::forward<Args>(args)...);
    }
    template <class T, class... Args>
        requires object::makes<vec_of<T>, pool_source, Args...>
    vec_of<T> pool_vec(Args&&... args) const {
        return here().template vec<T>(std::forward<Args>(args)...);
    }
    template <class T>
    vec_of<T> pool_vec(std::size_t n) const {
        return here().template vec<T>(n);
    }
    template <class T>
    vec_of<T> pool_vec(std::size_t n, const std::type_identity_t<T>& v) const {
        return here().template vec<T>(n, v);
    }
    template <class T>
    vec_of<T> pool_vec(std::initializer_list<T> l) const {
        return here().template vec<T>(l);
    }
    template <class T>
    [[nodiscard]] vec_of<T> try_pool_vec(std::size_t n) const {
        return here().template try_vec<T>(n);
    }
    template <class T, class... Args>
        requires object::makes<vec_of<T>, pool_source, Args...>
    [[nodiscard]] vec_of<T> try_pool_vec(Args&&... args) const {
        return here().template try_vec<T>(std::forward<Args>(args)...);
    }
    template <class T>
    [[nodiscard]] vec_of<T> try_pool_vec(std::initializer_list<T> l) const {
        return here().template try_vec<T>(l);
    }
    template <class K, class V, class Hash = object::default_hash<K>, class Equal = object::default_equal<K>,
              class... Args>
        requires object::makes<map_of<K, V, Hash, Equal>, pool_source, Args...>
    auto pool_map(Args&&... args) const {
        return here().template map<K, V, Hash, Equal>(std::forward<Args>(args)...);
    }
    template <class K, class V, class Hash = object::default_hash<K>, class Equal = object::default_equal<K>>
    auto pool_map(std::initializer_list<std::pair<const K, V>> l, const Hash& hash = Hash(),
                  const Equal& equal = Equal()) const {
        return here().template map<K, V, Hash, Equal>(l, hash, equal);
    }
    template <class K, class V, class Hash = object::default_hash<K>, class Equal = object::default_equal<K>,
              class... Args>
        requires object::makes<map_of<K, V, Hash, Equal>, pool_source, Args...>
    [[nodiscard]] auto try_pool_map(Args&&... args) const {
        return here().template try_map<K, V, Hash, Equal>(std::forward<Args>(args)...);
    }
    template <class K, class V, class Hash = object::default_hash<K>, class Equal = object::default_equal<K>>
    [[nodiscard]] auto try_pool_map(std::initializer_list<std::pair<const K, V>> l, const Hash& hash = Hash(),
                                    const Equal& equal = Equal()) const {
        return here().template try_map<K, V, Hash, Equal>(l, hash, equal);
    }
    string_of pool_string(std::string_view text = {}) const { return here().string(text); }
    template <class... Args>
        requires object::makes<string_of, pool_source, Args...>
    string_of pool_string(Args&&... args) const {
        return here().string(std::forward<Args>(args)...);
    }
    string_of pool_string(std::size_t n, char c) const { return here().string(n, c); }
    string_of pool_string(std::initializer_list<char> l) const { return here().string(l); }
    [[nodiscard]] string_of try_pool_string(std::string_view text = {}) const { return here().try_string(text); }
    template <class... Args>
        requires object::makes<string_of, pool_source, Args...>
    [[nodiscard]] string_of try_pool_string(Args&&... args) const {
        return here().try_string(std::forward<Args>(args)...);
    }
    [[nodiscard]] string_of try_pool_string(std::size_t n, char c) const { return here().try_string(n, c); }
    [[nodiscard]] string_of try_pool_string(std::initializer_list<char> l) const { return here().try_string(l); }
    std::pmr::memory_resource* pool_resource() const noexcept { return here().resource(); }
    allocator_ref pool_ref() const noexcept { return here().ref(); }

private:
    FRAMEALLOC_INLINE pool_block_view<words> here() const noexcept {
        return pool_block_view<words>(static_cast<const Alloc&>(*this).owner());
    }
};

}  // namespace framealloc::inline v1
