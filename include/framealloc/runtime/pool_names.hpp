// The known names of pool memory: pool_x() for the word x.
//
//   auto npc = alloc.pool_box<enemy>(position);
//   auto names = alloc.pool_vec<name>();
//
// Each is a forward to the view alloc.pool(), whose words are in runtime/front.hpp and runtime/block_view.hpp.
#pragma once

#include <framealloc/runtime/pool_words.hpp>

namespace framealloc::inline v1 {

// `Alloc` is the smart_alloc that has these names.
template <class Alloc, class Policy>
class pool_names {
    using site_type = typename Policy::site_type;
    using words = runtime::pool_words<runtime::borrowed_handle, Policy>;
    template <class T>
    using vec_of = typename words::template vec_type<T>;

public:
    // The words without their prefix, in two words to pass to a subsystem. Requires: the allocator outlives the view.
    FRAMEALLOC_INLINE basic_pool_view<Policy> pool() const noexcept {
        return basic_pool_view<Policy>(static_cast<const Alloc&>(*this).owner());
    }

    template <class T>
    [[nodiscard]] FRAMEALLOC_INLINE T* pool_alloc(site_type s = site_type::here()) const noexcept {
        return here().template alloc<T>(s);
    }
    template <class T>
    [[nodiscard]] T* try_pool_alloc(site_type s = site_type::here()) const noexcept {
        return here().template try_alloc<T>(s);
    }
    // Gives the memory back; runs no destructor. Null is nothing.
    template <class T>
    FRAMEALLOC_INLINE void pool_free(T* p, site_type s = site_type::here()) const noexcept {
        static_assert(!std::is_void_v<T>, "a void* does not say its size: use pool_free_bytes(p, size, align)");
        here().free(p, s);
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
    // Empty, or of capacity(n), count(n), n elements, n copies, an initialiser list or a range; a try_x() returns an
    // empty one when memory is exhausted.
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
    std::pmr::memory_resource* pool_resource() const noexcept { return here().resource(); }
    allocator_ref pool_ref() const noexcept { return here().ref(); }

private:
    class forwards : public pool_block_view<words> {
    public:
        FRAMEALLOC_INLINE explicit forwards(const memory::core_ref& a) noexcept : pool_block_view<words>(a) {}
    };
    FRAMEALLOC_INLINE forwards here() const noexcept { return forwards(static_cast<const Alloc&>(*this).owner()); }
};

}  // namespace framealloc::inline v1
