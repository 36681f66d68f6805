// Boxes in pool memory, one pointer in size: the block is found by masking the address.
//
//   fa::pool_box<enemy> npc = alloc.pool_box<enemy>(position);
//   fa::pool_box<actor> a = std::move(npc);                   // actor, a base of enemy, has a virtual destructor
//   fa::pool_box<vertex[]> mesh = alloc.pool_box<vertex[]>(n);  // n value-initialised elements, and their number
//
// Threads: a box may be moved to any thread; one at a time has it.
#pragma once

#include <framealloc/detail/core/heap_front.hpp>
#include <framealloc/detail/object/box_face.hpp>

namespace framealloc::inline v1 {

namespace object {

// Destroys the object and frees the block that it, or what it is a base of, is in.
template <class T>
void pool_destroy(T* p) noexcept {
    void* block = whole_object(p);
    p->~T();
    if constexpr (memory::class_for(sizeof(T), alignof(T)) != memory::no_class) memory::pool_free(block);
    else if constexpr (may_be_derived<T>) memory::heap_free_large(block);
    else memory::heap_free(memory::owner_of_large(block), block, sizeof(T), alignof(T));
}

// A T in a block of its own. Returns null only when `f` allows it.
template <class T, class... Args>
T* pool_make(memory::core_ref a, memory::on_failure f, Args&&... args) {
    void* p = memory::pool_allocate_bytes(a, sizeof(T), alignof(T), f);
    if (p == nullptr) return nullptr;
    undo give_back{[&] { memory::pool_free_bytes(a, p, sizeof(T), alignof(T)); }};
    T* object = construct_at<T>(p, std::forward<Args>(args)...);
    give_back.armed = false;
    return object;
}

// n value-initialised elements. Returns null only when `f` allows it.
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

// Destroys what pool_make_array() returned, and frees it.
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

    // Effects: holds nothing. Cost: O(1).
    basic_pool_box() noexcept = default;
    basic_pool_box(std::nullptr_t) noexcept {}
    // Requires: p is what release() of such a box left, or an object constructed in pool_alloc<T>() memory; or null.
    // Debug: otherwise FA411, FA414, FA415, FA417 or FA418, and the box is empty. Effects: owns the object. Cost: O(1).
    explicit basic_pool_box(T* p) noexcept : object_(adopted(p)) {}
    // As std::unique_ptr's; to a base, too, whose virtual destructor destroys the whole object. Cost: O(1).
    basic_pool_box(basic_pool_box&& other) noexcept : object_(other.release()) {}
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
    // As std::unique_ptr's: the object that was here is destroyed. Cost: O(1), and the destructor of the object.
    basic_pool_box& operator=(basic_pool_box&& other) noexcept {
        if (this != &other) replace(other.release());
        return *this;
    }
    ~basic_pool_box() { reset(); }

    // Effects: constructs a T. Returns: its box. What the constructor throws leaves nothing behind. On exhaustion: as
    // `f` says, the exhaustion handler is asked or the box is empty. Cost: an allocation and the constructor.
    template <class... Args>
    FRAMEALLOC_INLINE static basic_pool_box make(memory::core_ref a, memory::on_failure f, Args&&... args) {
        basic_pool_box b;
        b.object_ = object::pool_make<T>(a, f, std::forward<Args>(args)...);
        return b;
    }

    // Returns: the object; null when the box is empty: never filled, moved from, released, reset. Cost: O(1).
    T* get() const noexcept FRAMEALLOC_LIFETIMEBOUND { return object_; }
    // Requires: the box is not empty. Debug: FA444 otherwise, and the program ends. Cost: O(1).
    FRAMEALLOC_INLINE T& operator*() const noexcept FRAMEALLOC_LIFETIMEBOUND {
        object::check_filled<Policy>(object_, {}, "* of an empty pool_box");
        return *object_;
    }
    FRAMEALLOC_INLINE T* operator->() const noexcept FRAMEALLOC_LIFETIMEBOUND {
        object::check_filled<Policy>(object_, {}, "-> of an empty pool_box");
        return object_;
    }
    // Returns: whether the box holds an object. Cost: O(1).
    explicit operator bool() const noexcept { return object_ != nullptr; }
    // Effects: none on the object, which the caller destroys and frees, or gives to another box. Returns: the object;
    // null when the box is empty. Cost: O(1).
    [[nodiscard]] T* release() noexcept { return std::exchange(object_, nullptr); }
    // Requires: p as for the constructor. Effects: destroys the object and frees its memory, then owns *p. Debug: an
    // object that was freed already is FA411, and not destroyed again. Cost: O(1), and the destructor.
    void reset(T* p = nullptr) noexcept { replace(adopted(p)); }
    // Requires: the box is not empty; FA444 and the end otherwise. Effects: moves the value out and destroys the
    // object, and frees its memory. Returns: the value, as a T. Cost: a move and reset().
    FRAMEALLOC_INLINE std::remove_cv_t<T> into_inner() && {
        if (object_ == nullptr) [[unlikely]]
            object::refuse_empty({}, "into_inner() of an empty pool_box");
        std::remove_cv_t<T> value(std::move(*object_));
        reset();
        return value;
    }
    // As std::unique_ptr's. Cost: O(1).
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

    // Effects: holds nothing. Cost: O(1).
    basic_pool_box() noexcept = default;
    basic_pool_box(std::nullptr_t) noexcept {}
    // Requires: `first` is what release() of a box of n elements left, or null. Debug: otherwise FA411, FA414, FA415,
    // FA417 or FA418, and the box is empty. Effects: owns the elements. Cost: O(1).
    basic_pool_box(T* first, std::size_t n) noexcept : object_(first), n_(first == nullptr ? 0 : n) {
        if constexpr (Policy::checks) {
            if (first != nullptr &&
                (!memory::may_adopt(first,
                                    n == 0 || n > largest_request / sizeof(T) ? largest_request : n * sizeof(T))))
                static_cast<void>(release());
        }
    }
    // As std::unique_ptr's; to more const elements, too. Cost: O(1).
    basic_pool_box(basic_pool_box&& other) noexcept { swap(other); }
    template <class U, class P>
        requires(!std::is_same_v<basic_pool_box<U[], P>, basic_pool_box>) && object::array_of<U, T>
    basic_pool_box(basic_pool_box<U[], P>&& other) noexcept : n_(other.size()) {
        object_ = other.release();
    }
    // As std::unique_ptr's: the elements that were here are destroyed. Cost: O(size()) for the destructors, otherwise
    // O(1).
    basic_pool_box& operator=(basic_pool_box&& other) noexcept {
        basic_pool_box taken(std::move(other));
        swap(taken);
        return *this;
    }
    ~basic_pool_box() { reset(); }

    // Returns: a box of n value-initialised elements; an empty one of none. What a constructor throws leaves nothing
    // behind. On exhaustion: as `f` says, the exhaustion handler is asked or the box is empty. Cost: an allocation and
    // O(n).
    template <std::integral N>
    static basic_pool_box make(memory::core_ref a, memory::on_failure f, N count) {
        const auto n = static_cast<std::size_t>(count);
        basic_pool_box b;
        if (n != 0) b.object_ = object::pool_make_array<T>(a, f, n);
        if (b.object_ != nullptr) b.n_ = n;
        return b;
    }

    // Returns: the first element, or null; the number of elements, or 0; whether there are any. Cost: O(1).
    T* get() const noexcept FRAMEALLOC_LIFETIMEBOUND { return object_; }
    std::size_t size() const noexcept { return n_; }
    explicit operator bool() const noexcept { return object_ != nullptr; }
    // Effects: none on the elements, which are to be given to another box, with size() as it was before. Returns: the
    // first; null when the box is empty. Cost: O(1).
    [[nodiscard]] T* release() noexcept {
        n_ = 0;
        return std::exchange(object_, nullptr);
    }
    // Effects: destroys the elements and frees their memory. Debug: elements that were freed already are a fault, and
    // not destroyed again. Cost: O(size()) for the destructors, and that of freeing a block.
    void reset() noexcept {
        const std::size_t n = n_;
        if (T* old = release(); old != nullptr && object::may_destroy<Policy>(old)) object::pool_destroy_array(old, n);
    }
    // As std::unique_ptr's. Cost: O(1).
    void swap(basic_pool_box& other) noexcept {
        std::swap(object_, other.object_);
        std::swap(n_, other.n_);
    }
    // Returns: no allocator: the box does not know it. Cost: O(1).
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
