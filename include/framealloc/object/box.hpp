// Owning pointers to one object: frame_box, pool_box, heap_box. Move-only; the destructor runs when the box goes, for a
// frame_box also when its frame ends, whichever is first.
//
//   auto path = alloc.frame_box<route>(from, to);     // fa::frame_box<route>
//   auto npc  = alloc.pool_box<enemy>(position);      // fa::pool_box<enemy>, one pointer in size
//   path->length(); route& r = *path;
#pragma once

#include <framealloc/object/construct.hpp>
#include <framealloc/object/storage.hpp>

namespace framealloc::inline FRAMEALLOC_ABI {

// --- frame_box ---

namespace object {

// An object with a destructor in frame memory. The node precedes it and knows the box, if there is one.
struct boxed : lifetime::finaliser {
    void** box = nullptr;                     // the box's pointer, nulled when the frame ends
    void (*destroy)(boxed*) noexcept = nullptr;
};

template <class T>
struct boxed_object : boxed {
    alignas(T) unsigned char storage[sizeof(T)];
    T* get() noexcept { return std::launder(reinterpret_cast<T*>(storage)); }
};

// Constructs T in the frame and registers its destructor. Returns null only when `f` allows it.
template <class T, class... Args>
boxed_object<T>* make_boxed(memory::frame_record* r, memory::on_failure f, Args&&... args) {
    using node_type = boxed_object<T>;
    constexpr std::size_t bytes = align_up(sizeof(boxed), alignof(T)) + sizeof(T);  // without tail padding: the first byte behind T is guarded
    void* p = lifetime::allocate<bytes, alignof(node_type)>(r, f);
    if (p == nullptr) return nullptr;
    auto* node = ::new (p) node_type;
    construct_at<T>(node->storage, std::forward<Args>(args)...);
    node->box = nullptr;
    node->destroy = [](boxed* b) noexcept { static_cast<node_type*>(b)->get()->~T(); };
    lifetime::add_finaliser(r, node, [](lifetime::finaliser* self) noexcept {
        auto* b = static_cast<boxed*>(self);
        if (b->box != nullptr) *b->box = nullptr;
        b->destroy(b);
    }, r->context->mark_serial);
    return node;
}

// The same without a destructor to run: memory alone.
template <class T, class... Args>
T* make_plain(memory::frame_record* r, memory::on_failure f, Args&&... args) {
    void* p = lifetime::allocate<sizeof(T), alignof(T)>(r, f);
    return p == nullptr ? nullptr : construct_at<T>(p, std::forward<Args>(args)...);
}

template <class T, class... Args>
T* make_in_frame(memory::frame_record* r, memory::on_failure f, Args&&... args) {
    if constexpr (std::is_trivially_destructible_v<T>) {
        return make_plain<T>(r, f, std::forward<Args>(args)...);
    } else {
        auto* node = make_boxed<T>(r, f, std::forward<Args>(args)...);
        return node == nullptr ? nullptr : node->get();
    }
}

}  // namespace object

template <class T, class Policy = active_policy>
class basic_frame_box {
public:
    using element_type = T;

    basic_frame_box() noexcept = default;
    basic_frame_box(std::nullptr_t) noexcept {}
    basic_frame_box(basic_frame_box&& other) noexcept { steal(other); }
    basic_frame_box& operator=(basic_frame_box&& other) noexcept {
        if (this == &other) return *this;
        reset();
        steal(other);
        return *this;
    }
    ~basic_frame_box() { reset(); }

    template <class... Args>
    static basic_frame_box make(memory::frame_record* r, memory::on_failure f, Args&&... args) {
        basic_frame_box b;
        b.source_.bind(r);
        if constexpr (std::is_trivially_destructible_v<T>) {
            b.object_ = object::make_plain<T>(r, f, std::forward<Args>(args)...);
        } else if (auto* node = object::make_boxed<T>(r, f, std::forward<Args>(args)...)) {
            b.object_ = node->get();
            node->box = &b.object_;
        }
        return b;
    }

    FRAMEALLOC_INLINE T* get() const noexcept { source_.check(object_); return static_cast<T*>(object_); }
    FRAMEALLOC_INLINE T& operator*() const noexcept { return *get(); }
    FRAMEALLOC_INLINE T* operator->() const noexcept { return get(); }
    explicit operator bool() const noexcept { return object_ != nullptr; }
    // The object stays in the frame and is destroyed with it.
    [[nodiscard]] T* release() noexcept {
        if constexpr (!std::is_trivially_destructible_v<T>) {
            if (object_ != nullptr) node()->box = nullptr;
        }
        return static_cast<T*>(std::exchange(object_, nullptr));
    }
    void reset() noexcept {
        if constexpr (!std::is_trivially_destructible_v<T>) {
            if (object_ != nullptr && !source_.may_free(object_)) static_cast<void>(release());
            if (object_ != nullptr) {
                object::boxed* n = node();
                lifetime::remove_finaliser(n);
                n->destroy(n);
            }
        }
        object_ = nullptr;
    }

private:
    // Debug: which frame the box belongs to. Elsewhere nothing.
    struct checked_source {
        lifetime::frame_ref frame;
        void bind(memory::frame_record* r) noexcept { frame = lifetime::frame_ref(r); }
        FRAMEALLOC_INLINE void check(const void* object) const noexcept {
            if (frame.record() != nullptr && (object == nullptr || !frame.alive()) && !frame.alive())
                frame.raise_ended("a frame_box was read");
        }
        bool may_free(const void* object) const noexcept { return frame.record() == nullptr || !frame.alive() || frame.may_free(object); }
    };
    struct no_source {
        void bind(memory::frame_record*) noexcept {}
        void check(const void*) const noexcept {}
        static constexpr bool may_free(const void*) noexcept { return true; }
    };

    object::boxed* node() noexcept {
        using node_type = object::boxed_object<T>;
        constexpr std::size_t offset = align_up(sizeof(object::boxed), alignof(T));
        static_assert(sizeof(node_type) >= offset + sizeof(T));
        return static_cast<object::boxed*>(static_cast<void*>(static_cast<char*>(object_) - offset));
    }
    void steal(basic_frame_box& other) noexcept {
        source_ = other.source_;
        object_ = std::exchange(other.object_, nullptr);
        if constexpr (!std::is_trivially_destructible_v<T>) {
            if (object_ != nullptr) node()->box = &object_;
        }
    }

    void* object_ = nullptr;
    [[no_unique_address]] std::conditional_t<Policy::checks, checked_source, no_source> source_;
};

template <class T>
using frame_box = basic_frame_box<T>;

// --- pool_box: found by masking the address, so that the box is one pointer ---

namespace object {

template <class T>
void pool_destroy(T* p) noexcept {
    p->~T();
    if constexpr (memory::class_for(sizeof(T), alignof(T)) != memory::no_class) {
        memory::pool_free(p);
    } else {
        memory::core* owner = memory::block_of(p)->owner;
        memory::heap_free({owner, owner->id}, p, sizeof(T), alignof(T));
    }
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

}  // namespace object

template <class T>
class pool_box {
public:
    using element_type = T;

    pool_box() noexcept = default;
    pool_box(std::nullptr_t) noexcept {}
    // Takes what release() of a pool_box<T>, or construction in pool_alloc<T>() memory, left.
    explicit pool_box(T* p) noexcept : object_(p) {}
    pool_box(pool_box&& other) noexcept : object_(other.release()) {}
    pool_box& operator=(pool_box&& other) noexcept {
        if (this != &other) reset(other.release());
        return *this;
    }
    ~pool_box() { reset(); }

    T* get() const noexcept { return object_; }
    T& operator*() const noexcept { return *object_; }
    T* operator->() const noexcept { return object_; }
    explicit operator bool() const noexcept { return object_ != nullptr; }
    [[nodiscard]] T* release() noexcept { return std::exchange(object_, nullptr); }
    void reset(T* p = nullptr) noexcept {
        T* old = std::exchange(object_, p);
        if (old != nullptr) object::pool_destroy(old);
    }
    // Moves the value out and gives the block back.
    T into_inner() && {
        T value(std::move(*object_));
        reset();
        return value;
    }

private:
    T* object_ = nullptr;
};
static_assert(sizeof(pool_box<int>) == sizeof(int*));

// --- heap_box ---

template <class T>
class heap_box {
public:
    using element_type = T;

    heap_box() noexcept = default;
    heap_box(std::nullptr_t) noexcept {}
    // Requires: p is an object in heap memory of `owner`.
    heap_box(T* p, memory::core* owner) noexcept : object_(p), owner_(owner) {}
    heap_box(heap_box&& other) noexcept : object_(other.release()), owner_(other.owner_) {}
    heap_box& operator=(heap_box&& other) noexcept {
        if (this == &other) return *this;
        reset();
        owner_ = other.owner_;
        object_ = other.release();
        return *this;
    }
    ~heap_box() { reset(); }

    template <class... Args>
    static heap_box make(memory::core_ref a, memory::on_failure f, Args&&... args) {
        void* p = memory::heap_allocate(a, sizeof(T), alignof(T), f);
        if (p == nullptr) return {};
        object::undo give_back{[&] { memory::heap_free(a, p, sizeof(T), alignof(T)); }};
        heap_box b(object::construct_at<T>(p, std::forward<Args>(args)...), a.owner);
        give_back.armed = false;
        return b;
    }

    T* get() const noexcept { return object_; }
    T& operator*() const noexcept { return *object_; }
    T* operator->() const noexcept { return object_; }
    explicit operator bool() const noexcept { return object_ != nullptr; }
    [[nodiscard]] T* release() noexcept { return std::exchange(object_, nullptr); }
    void reset() noexcept {
        T* old = std::exchange(object_, nullptr);
        if (old == nullptr) return;
        old->~T();
        memory::heap_free({owner_, owner_->id}, old, sizeof(T), alignof(T));
    }
    T into_inner() && {
        T value(std::move(*object_));
        reset();
        return value;
    }

private:
    T* object_ = nullptr;
    memory::core* owner_ = nullptr;
};

}  // namespace framealloc::inline FRAMEALLOC_ABI
