// How the elements of a vec are reached, and what is refused in checked builds.
#pragma once

#include <span>  // reverse_iterator; <iterator> itself brings <string> and all streams

#include <framealloc/detail/object/vec_store.hpp>

namespace framealloc::inline v1::object {

template <class T, class Source, class Policy>
class FRAMEALLOC_OWNER(T) vec_access : public vec_store<T, Source, Policy> {
    using store = vec_store<T, Source, Policy>;

public:
    using value_type = T;
    using source_type = Source;
    using size_type = std::size_t;
    using difference_type = std::ptrdiff_t;
    using reference = T&;
    using const_reference = const T&;
    using pointer = T*;
    using const_pointer = const T*;
    using iterator = T*;
    using const_iterator = const T*;
    using reverse_iterator = std::reverse_iterator<T*>;
    using const_reverse_iterator = std::reverse_iterator<const T*>;

    using store::size;
    // As std::vector's. Debug: data() and begin() of a frame_vec whose frame has ended are FA002. Cost: O(1).
    T* data() noexcept FRAMEALLOC_LIFETIMEBOUND {
        object::check_open<Policy>(source_);
        return begin_;
    }
    const T* data() const noexcept FRAMEALLOC_LIFETIMEBOUND {
        object::check_open<Policy>(source_);
        return begin_;
    }
    T* begin() noexcept FRAMEALLOC_LIFETIMEBOUND { return data(); }
    T* end() noexcept FRAMEALLOC_LIFETIMEBOUND { return end_; }
    const T* begin() const noexcept FRAMEALLOC_LIFETIMEBOUND { return data(); }
    const T* end() const noexcept FRAMEALLOC_LIFETIMEBOUND { return end_; }
    const T* cbegin() const noexcept FRAMEALLOC_LIFETIMEBOUND { return data(); }
    const T* cend() const noexcept FRAMEALLOC_LIFETIMEBOUND { return end_; }
    reverse_iterator rbegin() noexcept FRAMEALLOC_LIFETIMEBOUND { return reverse_iterator(end()); }
    reverse_iterator rend() noexcept FRAMEALLOC_LIFETIMEBOUND { return reverse_iterator(begin()); }
    const_reverse_iterator rbegin() const noexcept FRAMEALLOC_LIFETIMEBOUND { return const_reverse_iterator(end()); }
    const_reverse_iterator rend() const noexcept FRAMEALLOC_LIFETIMEBOUND { return const_reverse_iterator(begin()); }
    const_reverse_iterator crbegin() const noexcept FRAMEALLOC_LIFETIMEBOUND { return rbegin(); }
    const_reverse_iterator crend() const noexcept FRAMEALLOC_LIFETIMEBOUND { return rend(); }
    // Requires: i < size(). Debug: FA439 otherwise, and the program ends; FA002 where the frame has ended. Cost: O(1).
    template <class Element = T>
        requires(!object::view<Element>)
    FRAMEALLOC_INLINE T& operator[](std::size_t i) noexcept FRAMEALLOC_LIFETIMEBOUND {
        check_index(i);
        return begin_[i];
    }
    template <class Element = T>
        requires object::view<Element>
    FRAMEALLOC_INLINE T& operator[](std::size_t i) noexcept {
        check_index(i);
        return begin_[i];
    }
    template <class Element = T>
        requires(!object::view<Element>)
    FRAMEALLOC_INLINE const T& operator[](std::size_t i) const noexcept FRAMEALLOC_LIFETIMEBOUND {
        check_index(i);
        return begin_[i];
    }
    template <class Element = T>
        requires object::view<Element>
    FRAMEALLOC_INLINE const T& operator[](std::size_t i) const noexcept {
        check_index(i);
        return begin_[i];
    }
    // Returns: element i. Throws std::out_of_range where there is none; without exceptions FA439, and the program ends.
    // Cost: O(1).
    template <class Element = T>
        requires(!object::view<Element>)
    FRAMEALLOC_INLINE T& at(std::size_t i) FRAMEALLOC_LIFETIMEBOUND {
        check_at(i);
        return begin_[i];
    }
    template <class Element = T>
        requires object::view<Element>
    FRAMEALLOC_INLINE T& at(std::size_t i) {
        check_at(i);
        return begin_[i];
    }
    template <class Element = T>
        requires(!object::view<Element>)
    FRAMEALLOC_INLINE const T& at(std::size_t i) const FRAMEALLOC_LIFETIMEBOUND {
        check_at(i);
        return begin_[i];
    }
    template <class Element = T>
        requires object::view<Element>
    FRAMEALLOC_INLINE const T& at(std::size_t i) const {
        check_at(i);
        return begin_[i];
    }
    // Requires: not empty. Debug: FA439 otherwise, and the program ends. Cost: O(1).
    template <class Element = T>
        requires(!object::view<Element>)
    FRAMEALLOC_INLINE T& front() noexcept FRAMEALLOC_LIFETIMEBOUND {
        return (*this)[0];
    }
    template <class Element = T>
        requires object::view<Element>
    FRAMEALLOC_INLINE T& front() noexcept {
        return (*this)[0];
    }
    template <class Element = T>
        requires(!object::view<Element>)
    FRAMEALLOC_INLINE const T& front() const noexcept FRAMEALLOC_LIFETIMEBOUND {
        return (*this)[0];
    }
    template <class Element = T>
        requires object::view<Element>
    FRAMEALLOC_INLINE const T& front() const noexcept {
        return (*this)[0];
    }
    template <class Element = T>
        requires(!object::view<Element>)
    FRAMEALLOC_INLINE T& back() noexcept FRAMEALLOC_LIFETIMEBOUND {
        return (*this)[size() - 1];
    }
    template <class Element = T>
        requires object::view<Element>
    FRAMEALLOC_INLINE T& back() noexcept {
        return (*this)[size() - 1];
    }
    template <class Element = T>
        requires(!object::view<Element>)
    FRAMEALLOC_INLINE const T& back() const noexcept FRAMEALLOC_LIFETIMEBOUND {
        return (*this)[size() - 1];
    }
    template <class Element = T>
        requires object::view<Element>
    FRAMEALLOC_INLINE const T& back() const noexcept {
        return (*this)[size() - 1];
    }
    // Returns: whether an element equals v. Cost: O(size()).
    template <class U>
    bool contains(const U& v) const {
        for (const T& x : *this) {
            if (x == v) return true;
        }
        return false;
    }

protected:
    vec_access() noexcept = default;
    explicit vec_access(Source source) noexcept : store(source) {}

    using store::begin_;
    using store::end_;
    using store::source_;

    FRAMEALLOC_INLINE void check_index([[maybe_unused]] std::size_t i) const noexcept {
        if constexpr (Policy::checks) {
            object::check_open<Policy>(source_);
            if (i >= size()) [[unlikely]]
                object::refuse_index(object::allocator_of(source_), i, size());
        }
    }
    FRAMEALLOC_INLINE void check_at(std::size_t i) const {
        object::check_open<Policy>(source_);
        if (i >= size()) [[unlikely]]
            object::throw_out_of_range(object::allocator_of(source_), i, size());
    }
    FRAMEALLOC_INLINE bool refuses(bool wrong, const char* what, std::ptrdiff_t i) const noexcept {
        return object::refuses<Policy>(source_, wrong, what, i, size());
    }
};

}  // namespace framealloc::inline v1::object
