// Boxes in frame memory: the destructor runs when the box is destroyed or when its frame ends, whichever is first.
//
//   fa::frame_box<route> path = frame.box<route>(from, to);
//   fa::frame_box<shape> s = frame.box<circle>(radius);       // shape has a virtual destructor
//   fa::frame_box<node[]> nodes = frame.box<node[]>(n);       // n value-initialised elements
//
// After its frame a box of something with a destructor is empty; one of a trivially destructible type is not notified,
// and debug catches its use (FA002).
#pragma once

#include <framealloc/detail/object/box_face.hpp>

namespace framealloc::inline v1 {

namespace object {

// Right before an object with a destructor, or an array, in frame memory. Knows the box, if there is one.
struct boxed : lifetime::finaliser {
    void** box = nullptr;  // the box's pointer, nulled when the frame ends
    void (*destroy)(boxed*) noexcept = nullptr;
};
struct boxed_array : boxed {
    std::size_t n = 0;
};

// The distance from the block's begin to the object, with `Node` right before it.
template <class Node, class T>
inline constexpr std::size_t boxed_lead = align_up(sizeof(Node),
                                                   alignof(T) > alignof(Node) ? alignof(T) : alignof(Node));
template <class Node, class T>
inline constexpr std::size_t boxed_alignment = alignof(T) > alignof(Node) ? alignof(T) : alignof(Node);

// The node right before an object, and the object right after a node.
template <class Node>
Node* node_before(void* object) noexcept {
    return std::launder(reinterpret_cast<Node*>(static_cast<char*>(object) - sizeof(Node)));
}
template <class T, class Node>
T* object_behind(Node* node) noexcept {
    return std::launder(reinterpret_cast<T*>(reinterpret_cast<char*>(node) + sizeof(Node)));
}

// Registers a finished object or array with its frame.
inline void enlist(memory::frame_record* r, boxed* node, void (*destroy)(boxed*) noexcept) noexcept {
    node->box = nullptr;
    node->destroy = destroy;
    lifetime::add_finaliser(
        r, node,
        [](lifetime::finaliser* self) noexcept {
            auto* b = static_cast<boxed*>(self);
            if (b->box != nullptr) *b->box = nullptr;
            b->destroy(b);
        },
        epoch_of(*r->context));
}

// Constructs T in the frame and registers its destructor. Returns null only when `f` allows it.
template <class T, class... Args>
T* make_boxed(memory::frame_record* r, memory::on_failure f, Args&&... args) {
    constexpr std::size_t lead = boxed_lead<boxed, T>;
    void* p = lifetime::allocate<lead + sizeof(T), boxed_alignment<boxed, T>>(r, f);
    if (p == nullptr) return nullptr;
    void* at = static_cast<char*>(p) + lead;
    T* made = construct_at<T>(at, std::forward<Args>(args)...);
    auto* node = ::new (static_cast<void*>(static_cast<char*>(at) - sizeof(boxed))) boxed;
    enlist(r, node, [](boxed* b) noexcept { object_behind<T>(b)->~T(); });
    return made;
}

// The same without a destructor to run: memory alone.
template <class T, class... Args>
T* make_plain(memory::frame_record* r, memory::on_failure f, Args&&... args) {
    void* p = lifetime::allocate<sizeof(T), alignof(T)>(r, f);
    return p == nullptr ? nullptr : construct_at<T>(p, std::forward<Args>(args)...);
}

// Either of them, as T needs.
template <class T, class... Args>
T* make_in_frame(memory::frame_record* r, memory::on_failure f, Args&&... args) {
    if constexpr (std::is_trivially_destructible_v<T>) return make_plain<T>(r, f, std::forward<Args>(args)...);
    else return make_boxed<T>(r, f, std::forward<Args>(args)...);
}

// n value-initialised elements. Returns null only when `f` allows it.
template <class T>
T* make_boxed_array(memory::frame_record* r, memory::on_failure f, std::size_t n) {
    constexpr bool plain = std::is_trivially_destructible_v<T>;
    constexpr std::size_t lead = plain ? 0 : boxed_lead<boxed_array, T>;
    const std::size_t bytes = checked_product(n, sizeof(T));
    void* p = lifetime::allocate(r, checked_sum(bytes, lead), plain ? alignof(T) : boxed_alignment<boxed_array, T>, f);
    if (p == nullptr) return nullptr;
    void* at = static_cast<char*>(p) + lead;
    T* first = construct_array<T>(at, n);
    if constexpr (!plain) {
        auto* node = ::new (static_cast<void*>(static_cast<char*>(at) - sizeof(boxed_array))) boxed_array;
        node->n = n;
        enlist(r, node, [](boxed* b) noexcept {
            auto* a = static_cast<boxed_array*>(b);
            T* elements = object_behind<T>(a);
            object::destroy(elements, elements + a->n);
        });
    }
    return first;
}

// Debug: which frame a box belongs to. Elsewhere nothing.
struct checked_frame {
    lifetime::frame_ref frame;
    void bind(memory::frame_record* r) noexcept { frame = lifetime::frame_ref(r); }
    FRAMEALLOC_INLINE void check_open() const noexcept {
        if (frame.record() != nullptr && frame.ended()) frame.raise_ended("a frame_box was read");
    }
    bool may_free(const void* object) const noexcept {
        return frame.record() == nullptr || !frame.alive() || frame.may_free(object);
    }
    memory::core_ref where() const noexcept {
        memory::core* owner = frame.record() == nullptr ? nullptr : &owner_of(*frame.record()->context);
        return owner == nullptr ? memory::core_ref{} : memory::reference_to(*owner);
    }
};
struct unchecked_frame {
    void bind(memory::frame_record*) noexcept {}
    void check_open() const noexcept {}
    static constexpr bool may_free(const void*) noexcept { return true; }
    static constexpr memory::core_ref where() noexcept { return {}; }
};
template <class Policy>
using box_frame = std::conditional_t<Policy::checks, checked_frame, unchecked_frame>;

struct frame_boxes;

}  // namespace object

template <class T, class Policy = active_policy>
class basic_frame_box {
    template <class U, class P>
    friend class basic_frame_box;

public:
    using element_type = T;
    using pointer = T*;
    using box_kind = object::frame_boxes;

    // Effects: holds nothing. Cost: O(1).
    basic_frame_box() noexcept = default;
    basic_frame_box(std::nullptr_t) noexcept {}
    // As std::unique_ptr's; to a base, too, whose virtual destructor destroys the whole object. Cost: O(1).
    basic_frame_box(basic_frame_box&& other) noexcept { steal(other, other.typed()); }
    template <class U>
        requires(!std::is_same_v<U, T>) && object::points_to<U, T> && object::framed_as<U, T>
    basic_frame_box(basic_frame_box<U, Policy>&& other) noexcept {
        steal(other, static_cast<T*>(other.typed()));
    }
    // The base has no virtual destructor: it would destroy a part of the object.
    template <class U>
        requires(!std::is_same_v<U, T>) && object::points_to<U, T> && (!object::framed_as<U, T>)
    basic_frame_box(basic_frame_box<U, Policy>&& other) = delete;
    // As std::unique_ptr's: the object that was here is destroyed. Cost: O(1), and the destructor of the object.
    basic_frame_box& operator=(basic_frame_box&& other) noexcept {
        basic_frame_box taken(std::move(other));  // which may be a part of what is destroyed
        reset();
        steal(taken, taken.typed());
        return *this;
    }
    ~basic_frame_box() { reset(); }

    // Effects: constructs a T. Returns: its box. What the constructor throws leaves nothing behind but the memory,
    // until the frame ends. On exhaustion: as `f` says, the exhaustion handler is asked or the box is empty. Cost: an
    // allocation and the constructor.
    template <class... Args>
    static basic_frame_box make(memory::frame_record* r, memory::on_failure f, Args&&... args) {
        basic_frame_box b;
        b.source_.bind(r);
        T* made = object::make_in_frame<T>(r, f, std::forward<Args>(args)...);
        b.object_ = const_cast<std::remove_cv_t<T>*>(made);
        if constexpr (!std::is_trivially_destructible_v<T>) {
            if (made != nullptr) object::node_before<object::boxed>(b.object_)->box = &b.object_;
        }
        return b;
    }

    // Returns: the object; null when the box is empty: never filled, moved from, released, reset, or its frame has
    // ended. Debug: FA002 where the frame of a trivially destructible object has ended. Cost: O(1).
    FRAMEALLOC_INLINE T* get() const noexcept FRAMEALLOC_LIFETIMEBOUND {
        source_.check_open();
        return typed();
    }
    // Requires: the box is not empty. Debug: FA444 otherwise, and the program ends. Cost: O(1).
    FRAMEALLOC_INLINE T& operator*() const noexcept FRAMEALLOC_LIFETIMEBOUND {
        return *filled("* of an empty frame_box");
    }
    FRAMEALLOC_INLINE T* operator->() const noexcept FRAMEALLOC_LIFETIMEBOUND {
        return filled("-> of an empty frame_box");
    }
    // Returns: whether the box holds an object. Cost: O(1).
    explicit operator bool() const noexcept { return object_ != nullptr; }
    // Effects: the object stays in the frame and is destroyed with it. Returns: the object; null when the box is empty.
    // Cost: O(1).
    [[nodiscard]] T* release() noexcept {
        if constexpr (!std::is_trivially_destructible_v<T>) {
            if (object_ != nullptr) node()->box = nullptr;
        }
        T* was = typed();
        object_ = nullptr;
        source_ = {};
        return was;
    }
    // Effects: destroys the elements; their memory stays the frame's until that ends. Threads: the frame's alone; while
    // guarded FA211 on another, and the elements stay until the frame ends. Cost: O(size()) for the destructors,
    // otherwise O(1).
    void reset() noexcept {
        if constexpr (!std::is_trivially_destructible_v<T>) {
            if (object_ != nullptr && !source_.may_free(object_)) static_cast<void>(release());
            if (object_ != nullptr) {
                object::boxed* n = node();
                lifetime::remove_finaliser(n);
                clear();
                return n->destroy(n);  // which may ask for the box
            }
        }
        clear();
    }
    // Requires: the box is not empty; FA444 and the end otherwise. Effects: moves the value out and destroys the
    // object. Returns: the value, as a T. Cost: a move and reset().
    FRAMEALLOC_INLINE std::remove_cv_t<T> into_inner() && {
        if (get() == nullptr) [[unlikely]]
            object::refuse_empty(source_.where(), "into_inner() of an empty frame_box");
        std::remove_cv_t<T> value(std::move(*typed()));
        reset();
        return value;
    }
    // As std::unique_ptr's. Cost: O(1).
    void swap(basic_frame_box& other) noexcept {
        basic_frame_box t(std::move(other));
        other = std::move(*this);
        *this = std::move(t);
    }

private:
    T* typed() const noexcept { return static_cast<T*>(object_); }
    FRAMEALLOC_INLINE T* filled(const char* what) const noexcept {
        T* p = get();
        object::check_filled<Policy>(p, source_.where(), what);
        return p;
    }
    void clear() noexcept {
        object_ = nullptr;
        source_ = {};
    }
    object::boxed* node() const noexcept { return object::node_before<object::boxed>(object::whole_object(typed())); }
    template <class U>
    void steal(basic_frame_box<U, Policy>& other, T* object) noexcept {
        source_ = std::exchange(other.source_, {});
        other.object_ = nullptr;
        object_ = const_cast<std::remove_cv_t<T>*>(object);
        if constexpr (!std::is_trivially_destructible_v<T>) {
            if (object_ != nullptr) node()->box = &object_;
        }
    }

    void* object_ = nullptr;
    [[no_unique_address]] object::box_frame<Policy> source_;
};

// n elements. Elements that were moved or released from the box stay in the frame and are destroyed with it.
template <class T, class Policy>
class basic_frame_box<T[], Policy> : public object::array_face<basic_frame_box<T[], Policy>, T, Policy> {
    template <class U, class P>
    friend class basic_frame_box;

public:
    using box_kind = object::frame_boxes;

    // Effects: holds nothing. Cost: O(1).
    basic_frame_box() noexcept = default;
    basic_frame_box(std::nullptr_t) noexcept {}
    // As std::unique_ptr's; to more const elements, too. Cost: O(1).
    basic_frame_box(basic_frame_box&& other) noexcept { steal(other); }
    template <class U>
        requires(!std::is_same_v<U, T>) && object::array_of<U, T>
    basic_frame_box(basic_frame_box<U[], Policy>&& other) noexcept {
        steal(other);
    }
    // As std::unique_ptr's: the elements that were here are destroyed. Cost: O(size()) for the destructors, otherwise
    // O(1).
    basic_frame_box& operator=(basic_frame_box&& other) noexcept {
        basic_frame_box taken(std::move(other));  // which may be a part of what is destroyed
        reset();
        steal(taken);
        return *this;
    }
    ~basic_frame_box() { reset(); }

    // Returns: a box of n value-initialised elements; an empty one of none. What a constructor throws leaves nothing
    // behind but the memory, until the frame ends. On exhaustion: as `f` says, the exhaustion handler is asked or the
    // box is empty. Cost: an allocation and O(n).
    template <std::integral N>
    static basic_frame_box make(memory::frame_record* r, memory::on_failure f, N count) {
        const auto n = static_cast<std::size_t>(count);
        basic_frame_box b;
        if (n == 0) return b;
        b.source_.bind(r);
        T* first = object::make_boxed_array<T>(r, f, n);
        if (first == nullptr) return {};
        b.object_ = const_cast<std::remove_cv_t<T>*>(first);
        b.n_ = n;
        if constexpr (!std::is_trivially_destructible_v<T>) b.node()->box = &b.object_;
        return b;
    }

    // Returns: the first element, or null; the number of elements, or 0; whether there are any. Debug: get() is FA002
    // where the frame of trivially destructible elements has ended. Cost: O(1).
    FRAMEALLOC_INLINE T* get() const noexcept FRAMEALLOC_LIFETIMEBOUND {
        source_.check_open();
        return static_cast<T*>(object_);
    }
    std::size_t size() const noexcept { return object_ == nullptr ? 0 : n_; }
    explicit operator bool() const noexcept { return object_ != nullptr; }
    // Effects: the elements stay in the frame and are destroyed with it. Returns: the first; null when the box is
    // empty. Cost: O(1).
    [[nodiscard]] T* release() noexcept {
        if constexpr (!std::is_trivially_destructible_v<T>) {
            if (object_ != nullptr) node()->box = nullptr;
        }
        source_ = {};
        return static_cast<T*>(std::exchange(object_, nullptr));
    }
    // Effects: destroys the elements; their memory stays the frame's until that ends. Threads: the frame's alone. Cost:
    // O(size()) for the destructors, otherwise O(1).
    void reset() noexcept {
        if constexpr (!std::is_trivially_destructible_v<T>) {
            if (object_ != nullptr && !source_.may_free(object_)) static_cast<void>(release());
            if (object_ != nullptr) {
                object::boxed_array* n = node();
                lifetime::remove_finaliser(n);
                clear();
                return n->destroy(n);  // which may ask for the box
            }
        }
        clear();
    }
    // As std::unique_ptr's. Cost: O(1).
    void swap(basic_frame_box& other) noexcept {
        basic_frame_box t(std::move(other));
        other = std::move(*this);
        *this = std::move(t);
    }
    // Returns: the allocator, in debug; none otherwise. Cost: O(1).
    memory::core_ref where() const noexcept { return source_.where(); }

private:
    void clear() noexcept {
        object_ = nullptr;
        source_ = {};
    }
    object::boxed_array* node() const noexcept { return object::node_before<object::boxed_array>(object_); }
    template <class U>
    void steal(basic_frame_box<U[], Policy>& other) noexcept {
        source_ = std::exchange(other.source_, {});
        object_ = std::exchange(other.object_, nullptr);
        n_ = other.n_;
        if constexpr (!std::is_trivially_destructible_v<T>) {
            if (object_ != nullptr) node()->box = &object_;
        }
    }

    void* object_ = nullptr;
    std::size_t n_ = 0;
    [[no_unique_address]] object::box_frame<Policy> source_;
};

template <class T>
using frame_box = basic_frame_box<T>;

}  // namespace framealloc::inline v1

template <class T, class Policy>
struct std::hash<framealloc::basic_frame_box<T, Policy>>
    : framealloc::object::box_hash<framealloc::basic_frame_box<T, Policy>> {};
