// Boxes in pool memory, one pointer in size: the block is found by masking the address.
//
//   fa::pool_box<enemy> npc = alloc.pool_box<enemy>(position);
//   fa::pool_box<actor> a = std::move(npc);                   // actor, a base of enemy, has a virtual destructor
//   fa::pool_box<vertex[]> mesh = alloc.pool_box<vertex[]>(n);  // n value-initialised elements, and their number
//
// Threads: a box may be moved to any thread; one at a time has it.
#pragma once

#include <framealloc/object/box_face.hpp>

namespace framealloc::inline v1 {

namespace object {

template <class T>
void pool_destroy(T* p) noexcept {
    void* block = whole_object(p);
    p->~T();
    if constexpr (memory::class_for(sizeof(T), alignof(T)) != memory::no_class) memory::pool_free(block);
    else if constexpr (may_be_derived<T>) memory::heap_free_large(block);
    else memory::heap_free(memory::owner_of_large(block), block, sizeof(T), alignof(T));
}

template <class T, class... Args>
T* pool_make(memory::core_ref a, memory::on_failure f, Args&&... args) {
    void* p = memory::pool_allocate_bytes(a, sizeof(T), alignof(T), f);
    if (p == nullptr) return nullptr;
    undo give_back{[&] { memory::pool_free_bytes(a, p, sizeof(T), alignof(T)); }};
    T* object = construct_at<T>(p, std::forward<Args>(args)...);
    give_back.armed = false;
    return object;
}

template <class T>
T* pool_make_array(memory::core_ref a, memory::on_failure f, std::size_t n) {
    const std::size_t bytes = checked_product(n, sizeof(T));
    void* p = memory::pool_allocate_bytes(a, bytes, alignof(T), f);
    if (p == nullptr) return nullptr;
    undo give_back{[&] { memory::pool_free_bytes(a, p, bytes, alignof(T)); }};
    T* first = construct_array<T>(p, n);
    give_back.armed = false;
    return first;
}

template <class T>
void pool_destroy_array(T* first, std::size_t n) noexcept {
    void* block = const_cast<std::remove_cv_t<T>*>(first);
    const std::size_t bytes = n * sizeof(T);
    destroy(first, first + n);
    if (memory::class_for(bytes, alignof(T)) != memory::no_class) memory::pool_free(block);
    else memory::heap_free(memory::owner_of_large(block), block, bytes, alignof(T));
}

struct pool_boxes;

}  // namespace object

template <class T, class Policy = active_policy>
class basic_pool_box {
public:
    using element_type = T;
    using pointer = T*;
    using box_kind = object::pool_boxes;

    basic_pool_box() noexcept = default;
    basic_pool_box(std::nullptr_t) noexcept {}
    // Takes what release() of such a box, or construction in pool_alloc<T>() memory, left.
    explicit basic_pool_box(T* p) noexcept : object_(adopted(p)) {}
    basic_pool_box(basic_pool_box&& other) noexcept : object_(other.release()) {}
    // To a base, as std::unique_ptr converts.
    template <class U, class P>
        requires(!std::is_same_v<basic_pool_box<U, P>, basic_pool_box>) && object::points_to<U, T> &&
                object::pooled_as<U, T>
    basic_pool_box(basic_pool_box<U, P>&& other) noexcept : object_(other.release()) {}
    // The base has no virtual destructor, and would destroy a part of the object; or the object is too large for the
    // pool's pages, where the base would be looked for. heap_box converts the latter, pool_shared both.
    template <class U, class P>
        requires(!std::is_same_v<basic_pool_box<U, P>, basic_pool_box>) && object::points_to<U, T> &&
                    (!object::pooled_as<U, T>)
    basic_pool_box(basic_pool_box<U, P>&& other) = delete;
    basic_pool_box& operator=(basic_pool_box&& other) noexcept {
        if (this != &other) replace(other.release());
        return *this;
    }
    ~basic_pool_box() { reset(); }

    template <class... Args>
    FRAMEALLOC_INLINE static basic_pool_box make(memory::core_ref a, memory::on_failure f, Args&&... args) {
        basic_pool_box b;
        b.object_ = object::pool_make<T>(a, f, std::forward<Args>(args)...);
        return b;
    }

    // Returns null when the box is empty: never filled, moved from, released or reset.
    T* get() const noexcept FRAMEALLOC_LIFETIMEBOUND { return object_; }
    // Requires: the box is not empty. Debug: FA444 otherwise.
    FRAMEALLOC_INLINE T& operator*() const noexcept FRAMEALLOC_LIFETIMEBOUND {
        object::check_filled<Policy>(object_, {}, "* of an empty pool_box");
        return *object_;
    }
    FRAMEALLOC_INLINE T* operator->() const noexcept FRAMEALLOC_LIFETIMEBOUND {
        object::check_filled<Policy>(object_, {}, "-> of an empty pool_box");
        return object_;
    }
    explicit operator bool() const noexcept { return object_ != nullptr; }
    // The caller destroys the object and frees its memory, or gives it to another box. Returns null when the box is
    // empty.
    [[nodiscard]] T* release() noexcept { return std::exchange(object_, nullptr); }
    void reset(T* p = nullptr) noexcept { replace(adopted(p)); }
    // Moves the value out, as a T, and gives the block back. Requires: the box is not empty; FA444 and the end
    // otherwise.
    FRAMEALLOC_INLINE std::remove_cv_t<T> into_inner() && {
        if (object_ == nullptr) [[unlikely]]
            object::refuse_empty({}, "into_inner() of an empty pool_box");
        std::remove_cv_t<T> value(std::move(*object_));
        reset();
        return value;
    }
    void swap(basic_pool_box& other) noexcept { std::swap(object_, other.object_); }

private:
    // Debug: null, after a report, where it is no such block.
    FRAMEALLOC_INLINE static T* adopted(T* p) noexcept {
        if constexpr (Policy::checks)
            return memory::may_adopt(p, object::may_be_derived<T> ? 0 : sizeof(T)) ? p : nullptr;
        else return p;
    }
    void replace(T* p) noexcept {
        T* old = std::exchange(object_, p);
        if (old != nullptr && object::may_destroy<Policy>(old)) object::pool_destroy(old);
    }

    T* object_ = nullptr;
};

template <class T, class Policy>
class basic_pool_box<T[], Policy> : public object::array_face<basic_pool_box<T[], Policy>, T, Policy> {
public:
    using box_kind = object::pool_boxes;

    basic_pool_box() noexcept = default;
    basic_pool_box(std::nullptr_t) noexcept {}
    // Takes what release() of a box of `n` elements left.
    basic_pool_box(T* first, std::size_t n) noexcept : object_(first), n_(first == nullptr ? 0 : n) {
        if constexpr (Policy::checks) {
            if (first != nullptr &&
                (!memory::may_adopt(first,
                                    n == 0 || n > largest_request / sizeof(T) ? largest_request : n * sizeof(T))))
                static_cast<void>(release());
        }
    }
    basic_pool_box(basic_pool_box&& other) noexcept { swap(other); }
    template <class U, class P>
        requires(!std::is_same_v<basic_pool_box<U[], P>, basic_pool_box>) && object::array_of<U, T>
    basic_pool_box(basic_pool_box<U[], P>&& other) noexcept : n_(other.size()) {
        object_ = other.release();
    }
    basic_pool_box& operator=(basic_pool_box&& other) noexcept {
        basic_pool_box taken(std::move(other));
        swap(taken);
        return *this;
    }
    ~basic_pool_box() { reset(); }

    // n value-initialised elements; none of nothing.
    template <std::integral N>
    static basic_pool_box make(memory::core_ref a, memory::on_failure f, N count) {
        const auto n = static_cast<std::size_t>(count);
        basic_pool_box b;
        if (n != 0) b.object_ = object::pool_make_array<T>(a, f, n);
        if (b.object_ != nullptr) b.n_ = n;
        return b;
    }

    T* get() const noexcept FRAMEALLOC_LIFETIMEBOUND { return object_; }
    std::size_t size() const noexcept { return n_; }
    explicit operator bool() const noexcept { return object_ != nullptr; }
    // To be given to another box, with size() as it was before. Returns null when the box is empty.
    [[nodiscard]] T* release() noexcept {
        n_ = 0;
        return std::exchange(object_, nullptr);
    }
    void reset() noexcept {
        const std::size_t n = n_;
        if (T* old = release(); old != nullptr && object::may_destroy<Policy>(old)) object::pool_destroy_array(old, n);
    }
    void swap(basic_pool_box& other) noexcept {
        std::swap(object_, other.object_);
        std::swap(n_, other.n_);
    }
    static constexpr memory::core_ref where() noexcept { return {}; }

private:
    T* object_ = nullptr;
    std::size_t n_ = 0;
};

template <class T>
using pool_box = basic_pool_box<T>;
static_assert(sizeof(pool_box<int>) == sizeof(int*));

}  // namespace framealloc::inline v1

template <class T, class Policy>
struct std::hash<framealloc::basic_pool_box<T, Policy>>
    : framealloc::object::box_hash<framealloc::basic_pool_box<T, Policy>> {};
