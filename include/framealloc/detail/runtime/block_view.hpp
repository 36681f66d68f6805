// The vocabulary of a kind whose blocks are given back one by one, by two words that are passed by value.
//
//   void load(fa::pool_view pool) { node* n = pool.make<node>(1); … pool.destroy(n); }
#pragma once

#include <framealloc/detail/runtime/block_words.hpp>
#include <framealloc/detail/runtime/front.hpp>

namespace framealloc::inline v1 {

template <class Words>
class block_view : public front<Words> {
public:
    using typename front<Words>::site_type;
    using front<Words>::front;

    // Requires: what alloc(), batch() or alloc_n() of this kind and allocator returned, or null; in debug FA411, FA414,
    // FA417 or FA418 otherwise. Effects: gives the memory back; runs no destructor. Threads: any. Cost: constant for
    // blocks in pages.
    template <class T>
    FRAMEALLOC_INLINE void(free)(T* p, site_type s = site_type::here()) const noexcept {
        static_assert(!std::is_void_v<T>, "a void* does not say its size: use free_bytes(p, size, align)");
        this->give(p, s);
    }
    template <class T, std::size_t N>
    void(free)(std::span<T, N> items, site_type s = site_type::here()) const noexcept {
        this->give_bytes(items.data(), items.size_bytes(), alignof(T), s);
    }
    // Requires: what alloc_bytes() returned, with its size in bytes and its alignment, or null; in debug FA411 to FA418
    // otherwise. Effects: gives the memory back. Threads: any. Cost: as free().
    void free_bytes(void* p, std::size_t size, std::size_t align = alignof(std::max_align_t),
                    site_type s = site_type::here()) const noexcept {
        this->give_bytes(p, size, align, s);
    }
    // Requires: what make() or slice() returned, as the type it was made as, or null; in debug FA411 to FA418
    // otherwise. Effects: destroys the objects, the last first, and gives their memory back. Threads: any. Cost: the
    // destructors and free().
    template <class T>
    void destroy(T* p, site_type s = site_type::here()) const noexcept {
        static_assert(!std::is_void_v<T>, "a void* does not say what to destroy");
        this->end_objects(p, 1, s);
    }
    template <class T>
    void destroy(std::span<T> items, site_type s = site_type::here()) const noexcept {
        this->end_objects(items.data(), items.size(), s);
    }

    // Returns: the allocator, for scopes and own containers. Cost: O(1).
    memory::core_ref owner() const noexcept { return this->handle_.ref(); }
    // Views of the same allocator.
    friend bool operator==(const block_view& a, const block_view& b) noexcept { return a.owner().id == b.owner().id; }
};

}  // namespace framealloc::inline v1
