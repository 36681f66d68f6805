// The vocabulary of a kind whose blocks are given back one by one, by two words that are passed by value.
//
//   void load(fa::pool_view pool) { node* n = pool.make<node>(1); … pool.destroy(n); }
#pragma once

#include <framealloc/runtime/block_words.hpp>
#include <framealloc/runtime/front.hpp>

namespace framealloc::inline v1 {

template <class Words>
class block_view : public front<Words> {
public:
    using typename front<Words>::site_type;
    using front<Words>::front;

    // Gives the memory back; runs no destructor. Null is nothing.
    template <class T>
    FRAMEALLOC_INLINE void free(T* p, site_type s = site_type::here()) const noexcept {
        static_assert(!std::is_void_v<T>, "a void* does not say its size: use free_bytes(p, size, align)");
        this->give(p, s);
    }
    // What batch() or alloc_n() returned.
    template <class T, std::size_t N>
    void free(std::span<T, N> items, site_type s = site_type::here()) const noexcept {
        this->give_bytes(items.data(), items.size_bytes(), alignof(T), s);
    }
    void free_bytes(void* p, std::size_t size, std::size_t align = alignof(std::max_align_t),
                    site_type s = site_type::here()) const noexcept {
        this->give_bytes(p, size, align, s);
    }
    // Destroys what make() returned, and gives its memory back. Null is nothing. Requires: the type it was made as.
    template <class T>
    void destroy(T* p, site_type s = site_type::here()) const noexcept {
        static_assert(!std::is_void_v<T>, "a void* does not say what to destroy");
        this->end_objects(p, 1, s);
    }
    // What slice() returned.
    template <class T>
    void destroy(std::span<T> items, site_type s = site_type::here()) const noexcept {
        this->end_objects(items.data(), items.size(), s);
    }

    memory::core_ref owner() const noexcept { return this->handle_.ref(); }
    // Views of the same allocator.
    friend bool operator==(const block_view& a, const block_view& b) noexcept { return a.owner().id == b.owner().id; }
};

}  // namespace framealloc::inline v1
