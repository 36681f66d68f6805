// Boxes in heap memory: for objects of any size.
//
//   fa::heap_box<level> map = alloc.heap_box<level>(file);
//   fa::heap_box<asset> a = std::move(map);                 // asset, a base of level, has a virtual destructor
//   fa::heap_box<float[]> field = alloc.heap_box<float[]>(n);
//
// Threads: a box may be moved to any thread; one at a time has it.
#pragma once

#include <framealloc/detail/core/heap_front.hpp>
#include <framealloc/detail/object/box_face.hpp>

namespace framealloc::inline v1 {

namespace object {

struct heap_boxes;

// The allocator, and in its lowest bit whether the object is too large for the pages: what a base does not know.
class heap_owner {
public:
    heap_owner() noexcept = default;
    heap_owner(memory::core* owner, std::size_t bytes, std::size_t align) noexcept
        : word_(address_of(owner) | (memory::class_for(bytes, align) == memory::no_class ? 1U : 0U)) {}

    memory::core_ref ref() const noexcept {
        auto* owner = pointer_at<memory::core>(word_ & ~std::uintptr_t{1});
        return owner == nullptr ? memory::core_ref{} : memory::reference_to(*owner);
    }
    bool large() const noexcept { return (word_ & 1U) != 0; }

private:
    std::uintptr_t word_ = 0;
};

// Destroys the object and frees the block that it, or what it is a base of, is in.
template <class T>
void heap_destroy(T* p, heap_owner owner) noexcept {
    void* block = whole_object(p);
    p->~T();
    if constexpr (may_be_derived<T>) {
        if (owner.large() || config_of(*owner.ref().owner).heap != nullptr) memory::heap_free_large(block);
        else memory::pool_free(block);
    } else {
        memory::heap_free(owner.ref(), block, sizeof(T), alignof(T));
    }
}

}  // namespace object

template <class T, class Policy = active_policy>
class basic_heap_box {
    template <class U, class P>
    friend class basic_heap_box;

public:
    using element_type = T;
    using pointer = T*;
    using box_kind = object::heap_boxes;

    // Effects: holds nothing. Cost: O(1).
    basic_heap_box() noexcept = default;
    basic_heap_box(std::nullptr_t) noexcept {}
    // Requires: p is an object in heap memory of `owner`, made as a T. Effects: owns it. Cost: O(1).
    basic_heap_box(T* p, memory::core* owner) noexcept : object_(p), owner_(owner, sizeof(T), alignof(T)) {}
    // As std::unique_ptr's; to a base, too, whose virtual destructor destroys the whole object. Cost: O(1).
    basic_heap_box(basic_heap_box&& other) noexcept : object_(other.release()), owner_(other.owner_) {}
    template <class U, class P>
        requires(!std::is_same_v<basic_heap_box<U, P>, basic_heap_box>) && object::points_to<U, T> &&
                    object::destroyed_as<U, T>
    basic_heap_box(basic_heap_box<U, P>&& other) noexcept : object_(other.release()), owner_(other.owner_) {}
    // The base has no virtual destructor: it would destroy a part of the object.
    template <class U, class P>
        requires(!std::is_same_v<basic_heap_box<U, P>, basic_heap_box>) && object::points_to<U, T> &&
                    (!object::destroyed_as<U, T>)
    basic_heap_box(basic_heap_box<U, P>&& other) = delete;
    // As std::unique_ptr's: the object that was here is destroyed. Cost: O(1), and the destructor of the object.
    basic_heap_box& operator=(basic_heap_box&& other) noexcept {
        basic_heap_box taken(std::move(other));
        swap(taken);
        return *this;
    }
    ~basic_heap_box() { reset(); }

    // Effects: constructs a T. Returns: its box. What the constructor throws leaves nothing behind. On exhaustion: as
    // `f` says, the exhaustion handler is asked or the box is empty. Cost: an allocation and the constructor.
    template <class... Args>
    static basic_heap_box make(memory::core_ref a, memory::on_failure f, Args&&... args) {
        void* p = memory::heap_allocate(a, sizeof(T), alignof(T), f);
        if (p == nullptr) return {};
        object::undo give_back{[&] { memory::heap_free(a, p, sizeof(T), alignof(T)); }};
        basic_heap_box b(object::construct_at<T>(p, std::forward<Args>(args)...), a.owner);
        give_back.armed = false;
        return b;
    }

    // Returns: the object; null when the box is empty: never filled, moved from, released, reset. Cost: O(1).
    T* get() const noexcept FRAMEALLOC_LIFETIMEBOUND { return object_; }
    // Requires: the box is not empty. Debug: FA444 otherwise, and the program ends. Cost: O(1).
    FRAMEALLOC_INLINE T& operator*() const noexcept FRAMEALLOC_LIFETIMEBOUND {
        object::check_filled<Policy>(object_, {}, "* of an empty heap_box");
        return *object_;
    }
    FRAMEALLOC_INLINE T* operator->() const noexcept FRAMEALLOC_LIFETIMEBOUND {
        object::check_filled<Policy>(object_, {}, "-> of an empty heap_box");
        return object_;
    }
    // Returns: whether the box holds an object. Cost: O(1).
    explicit operator bool() const noexcept { return object_ != nullptr; }
    // Effects: none on the object, which the caller destroys and frees, or gives to another box. Returns: the object;
    // null when the box is empty. Cost: O(1).
    [[nodiscard]] T* release() noexcept { return std::exchange(object_, nullptr); }
    // Effects: destroys the object and frees its memory. Debug: an object that was freed already is FA411, and not
    // destroyed again. Cost: that of freeing a heap block, and the destructor.
    void reset() noexcept {
        if (T* old = std::exchange(object_, nullptr); old != nullptr && object::may_destroy<Policy>(old))
            object::heap_destroy(old, owner_);
    }
    // Requires: the box is not empty; FA444 and the end otherwise. Effects: moves the value out and destroys the
    // object, and frees its memory. Returns: the value, as a T. Cost: a move and reset().
    FRAMEALLOC_INLINE std::remove_cv_t<T> into_inner() && {
        if (object_ == nullptr) [[unlikely]]
            object::refuse_empty({}, "into_inner() of an empty heap_box");
        std::remove_cv_t<T> value(std::move(*object_));
        reset();
        return value;
    }
    // As std::unique_ptr's. Cost: O(1).
    void swap(basic_heap_box& other) noexcept {
        std::swap(object_, other.object_);
        std::swap(owner_, other.owner_);
    }
    // Returns: the allocator; none where the box is empty. Cost: O(1).
    memory::core_ref where() const noexcept { return object_ == nullptr ? memory::core_ref{} : owner_.ref(); }

private:
    T* object_ = nullptr;
    object::heap_owner owner_;
};

template <class T, class Policy>
class basic_heap_box<T[], Policy> : public object::array_face<basic_heap_box<T[], Policy>, T, Policy> {
    template <class U, class P>
    friend class basic_heap_box;

public:
    using box_kind = object::heap_boxes;

    // Effects: holds nothing. Cost: O(1).
    basic_heap_box() noexcept = default;
    basic_heap_box(std::nullptr_t) noexcept {}
    // Requires: `first` is what release() of a box of n elements left, or null. Effects: owns the elements. Cost: O(1).
    basic_heap_box(T* first, std::size_t n, memory::core* owner) noexcept
        : object_(first), n_(first == nullptr ? 0 : n), owner_(owner) {}
    // As std::unique_ptr's; to more const elements, too. Cost: O(1).
    basic_heap_box(basic_heap_box&& other) noexcept { swap(other); }
    template <class U, class P>
        requires(!std::is_same_v<basic_heap_box<U[], P>, basic_heap_box>) && object::array_of<U, T>
    basic_heap_box(basic_heap_box<U[], P>&& other) noexcept : n_(other.size()), owner_(other.owner_) {
        object_ = other.release();
    }
    // As std::unique_ptr's: the elements that were here are destroyed. Cost: O(size()) for the destructors, otherwise
    // O(1).
    basic_heap_box& operator=(basic_heap_box&& other) noexcept {
        basic_heap_box taken(std::move(other));
        swap(taken);
        return *this;
    }
    ~basic_heap_box() { reset(); }

    FRAMEALLOC_ANY_SIZE_BEGIN
    // Returns: a box of n value-initialised elements; an empty one of none. What a constructor throws leaves nothing
    // behind. On exhaustion: as `f` says, the exhaustion handler is asked or the box is empty. Cost: an allocation and
    // O(n).
    template <std::integral N>
    static basic_heap_box make(memory::core_ref a, memory::on_failure f, N count) {
        const auto n = static_cast<std::size_t>(count);
        const std::size_t bytes = checked_product(n, sizeof(T));
        void* p = n == 0 ? nullptr : memory::heap_allocate(a, bytes, alignof(T), f);
        if (p == nullptr) return {};
        object::undo give_back{[&] { memory::heap_free(a, p, bytes, alignof(T)); }};
        basic_heap_box b(object::construct_array<T>(p, n), n, a.owner);
        give_back.armed = false;
        return b;
    }
    FRAMEALLOC_ANY_SIZE_END

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
        const memory::core_ref a = where();
        const std::size_t n = n_;
        T* old = release();
        if (old == nullptr || !object::may_destroy<Policy>(old)) return;
        object::destroy(old, old + n);
        memory::heap_free(a, const_cast<std::remove_cv_t<T>*>(old), n * sizeof(T), alignof(T));
    }
    // As std::unique_ptr's. Cost: O(1).
    void swap(basic_heap_box& other) noexcept {
        std::swap(object_, other.object_);
        std::swap(n_, other.n_);
        std::swap(owner_, other.owner_);
    }
    // Returns: the allocator; none where the box is empty. Cost: O(1).
    memory::core_ref where() const noexcept {
        return object_ == nullptr ? memory::core_ref{} : memory::core_ref{owner_, owner_->id};
    }

private:
    T* object_ = nullptr;
    std::size_t n_ = 0;
    memory::core* owner_ = nullptr;
};

template <class T>
using heap_box = basic_heap_box<T>;

}  // namespace framealloc::inline v1

template <class T, class Policy>
struct std::hash<framealloc::basic_heap_box<T, Policy>>
    : framealloc::object::box_hash<framealloc::basic_heap_box<T, Policy>> {};
