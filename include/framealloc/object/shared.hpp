// Reference-counted objects in pool memory: pool_shared<T> and pool_weak<T>. The counts are atomic, object and counts
// share one block. Otherwise they are what std::shared_ptr and std::weak_ptr are: a pointer to a base needs no virtual
// destructor, a pointer to a part shares the whole, pool_shared<void> shares anything, and a box becomes shared by a
// move.
//
//   auto mesh = alloc.pool_shared<fa_mesh>(file);     // copy it, to other threads too
//   fa::pool_weak<fa_mesh> seen = mesh;
//   if (auto m = seen.lock()) m->draw();
//   fa::pool_shared<name> label(mesh, &mesh->label);  // keeps the mesh alive
//
// Threads: as std::shared_ptr. Different copies on any number of threads; one copy is one thread's at a time.
#pragma once

#include <framealloc/detail/sync/atomic.hpp>
#include <framealloc/object/box.hpp>

namespace framealloc::inline v1 {

namespace object {

struct shared_boxes;

// Throws std::bad_weak_ptr; without exceptions FA444, and the program ends.
[[noreturn]] FRAMEALLOC_COLD void throw_expired();

enum class shared_end : bool { of_object, of_block };

// The counts, in front of whatever they count.
struct shared_counts {
    explicit shared_counts(void (*f)(shared_counts*, shared_end) noexcept) noexcept : finish(f) {}

    sync::atomic<std::uint32_t> strong{1};
    sync::atomic<std::uint32_t> weak{1};  // one for all strong references together
    void (*finish)(shared_counts*, shared_end) noexcept;

    void add_strong() noexcept { strong.add_relaxed(1); }  // relaxed: a reference is already held
    void add_weak() noexcept { weak.add_relaxed(1); }  // relaxed: a reference is already held
    void drop_weak() noexcept {
        if (weak.subtract_acq_rel(1) == 1) finish(this, shared_end::of_block);  // pairs: itself, the last one sees all
    }
    void drop_strong() noexcept {
        if (strong.subtract_acq_rel(1) != 1) return;  // pairs: itself and lock()
        finish(this, shared_end::of_object);
        drop_weak();
    }
    bool lock() noexcept {
        std::uint32_t n = strong.load_relaxed();  // relaxed: the exchange below decides
        while (n != 0) {
            if (strong.compare_exchange_acquire(n, n + 1)) return true;  // pairs: drop_strong()
        }
        return false;
    }
};

// Counts and object in one pool block.
template <class T>
struct shared_block : shared_counts {
    shared_block() noexcept : shared_counts(&end) {}
    alignas(T) unsigned char storage[sizeof(T)];

    T* get() noexcept { return std::launder(static_cast<T*>(static_cast<void*>(storage))); }
    static void end(shared_counts* self, shared_end what) noexcept {
        auto* b = static_cast<shared_block*>(self);
        if (what == shared_end::of_object) b->get()->~T();
        else pool_destroy(b);
    }
};

// A block with a T, and one strong reference. Returns null only when `f` allows it.
template <class T, class... Args>
shared_block<T>* make_shared_block(memory::core_ref a, memory::on_failure f, Args&&... args) {
    using block = shared_block<T>;
    void* p = memory::pool_allocate_bytes(a, sizeof(block), alignof(block), f);
    if (p == nullptr) return nullptr;
    undo give_back{[&] { memory::pool_free_bytes(a, p, sizeof(block), alignof(block)); }};
    auto* b = ::new (p) block;
    construct_at<T>(b->storage, std::forward<Args>(args)...);
    give_back.armed = false;
    return b;
}

// The allocator whose block the box has.
template <class T, class P>
memory::core_ref owner_of(const basic_pool_box<T, P>& box) noexcept {
    void* block = whole_object(box.get());
    return memory::class_for(sizeof(T), alignof(T)) == memory::no_class ? memory::owner_of_large(block)
                                                                        : memory::owner_of_pooled(block);
}
template <class T, class P>
memory::core_ref owner_of(const basic_heap_box<T, P>& box) noexcept {
    return box.where();
}

template <class Box>
concept shareable_box = like_boxes<Box, basic_pool_box<int>> || like_boxes<Box, basic_heap_box<int>>;

}  // namespace object

template <class T, class Policy>
class basic_pool_weak;

template <class T, class Policy = active_policy>
class basic_pool_shared {
    template <class U, class P>
    friend class basic_pool_shared;
    template <class U, class P>
    friend class basic_pool_weak;
    using counts = object::shared_counts;

public:
    using element_type = T;
    using pointer = T*;
    using weak_type = basic_pool_weak<T, Policy>;
    using box_kind = object::shared_boxes;

    // As std::shared_ptr's. Cost: O(1); a copy is an atomic addition.
    basic_pool_shared() noexcept = default;
    basic_pool_shared(std::nullptr_t) noexcept {}
    basic_pool_shared(const basic_pool_shared& other) noexcept : basic_pool_shared(other, other.object_) {}
    basic_pool_shared(basic_pool_shared&& other) noexcept { swap(other); }
    template <class U, class P>
        requires object::points_to<U, T>
    basic_pool_shared(const basic_pool_shared<U, P>& other) noexcept : basic_pool_shared(other, other.object_) {}
    template <class U, class P>
        requires object::points_to<U, T>
    basic_pool_shared(basic_pool_shared<U, P>&& other) noexcept : basic_pool_shared(std::move(other), other.object_) {}
    // Requires: `p` lives as long as what `other` owns, as a part of it does. Effects: points to `p`, and keeps alive
    // what `other` does. Cost: O(1).
    template <class U, class P>
    basic_pool_shared(const basic_pool_shared<U, P>& other, T* p) noexcept : object_(p), counts_(other.counts_) {
        if (counts_ != nullptr) counts_->add_strong();
    }
    template <class U, class P>
    basic_pool_shared(basic_pool_shared<U, P>&& other, T* p) noexcept
        : object_(p), counts_(std::exchange(other.counts_, nullptr)) {
        other.object_ = nullptr;
    }
    // Effects: shares the object. When it was destroyed, throws std::bad_weak_ptr as std::shared_ptr does; without
    // exceptions FA444, and the program ends. lock() returns an empty one instead. Cost: O(1), an atomic exchange.
    template <class U, class P>
        requires object::points_to<U, T>
    explicit basic_pool_shared(const basic_pool_weak<U, P>& seen) : basic_pool_shared(seen.lock()) {
        if (counts_ == nullptr) [[unlikely]]
            object::throw_expired();
    }
    // Effects: takes over the object of a pool_box or heap_box, where it is; the counts come from the pool of its
    // allocator. On exhaustion: asks the exhaustion handler. Cost: a pool allocation.
    template <object::shareable_box Box>
        requires object::points_to<typename Box::element_type, T> && (!requires(const Box& b) { b.size(); })
    basic_pool_shared(Box&& box) {
        if (box == nullptr) return;
        T* object = box.get();
        auto* b = object::make_shared_block<Box>(object::owner_of(box), memory::on_failure::ask_handler,
                                                 std::move(box));
        object_ = object;
        counts_ = b;
    }
    // As std::shared_ptr's. Cost: O(1), and the destructor of an object that loses its last owner here.
    basic_pool_shared& operator=(const basic_pool_shared& other) noexcept {
        basic_pool_shared copied(other);
        swap(copied);
        return *this;
    }
    basic_pool_shared& operator=(basic_pool_shared&& other) noexcept {
        basic_pool_shared taken(std::move(other));
        swap(taken);
        return *this;
    }
    ~basic_pool_shared() { reset(); }

    // Effects: constructs a T, and the counts in the same block. Returns: its first owner. On exhaustion: as `f` says,
    // the exhaustion handler is asked or the result is empty. Cost: one pool allocation and the constructor.
    template <class... Args>
    static basic_pool_shared make(memory::core_ref a, memory::on_failure f, Args&&... args) {
        basic_pool_shared s;
        auto* b = object::make_shared_block<T>(a, f, std::forward<Args>(args)...);
        if (b == nullptr) return s;
        s.object_ = b->get();
        s.counts_ = b;
        return s;
    }

    // As std::shared_ptr's. Cost: O(1).
    T* get() const noexcept FRAMEALLOC_LIFETIMEBOUND { return object_; }
    // Requires: it is not empty. Debug: FA444 otherwise, and the program ends. Cost: O(1).
    FRAMEALLOC_INLINE std::add_lvalue_reference_t<T> operator*() const noexcept FRAMEALLOC_LIFETIMEBOUND
        requires(!std::is_void_v<T>)
    {
        object::check_filled<Policy>(object_, {}, "* of an empty pool_shared");
        return *object_;
    }
    FRAMEALLOC_INLINE T* operator->() const noexcept FRAMEALLOC_LIFETIMEBOUND {
        object::check_filled<Policy>(object_, {}, "-> of an empty pool_shared");
        return object_;
    }
    // As std::shared_ptr's; reset() destroys the object where this was its last owner. Threads: use_count() is a hint
    // where others own the object. Cost: O(1), and the destructor.
    explicit operator bool() const noexcept { return object_ != nullptr; }
    std::uint32_t use_count() const noexcept {
        return counts_ == nullptr ? 0 : counts_->strong.load_relaxed();
    }  // relaxed: a hint
    void reset() noexcept {
        object_ = nullptr;
        if (counts* c = std::exchange(counts_, nullptr)) c->drop_strong();
    }
    void swap(basic_pool_shared& other) noexcept {
        std::swap(object_, other.object_);
        std::swap(counts_, other.counts_);
    }
    // Returns: whether this comes before `other` in an order in which what shares one object is equal, whatever it
    // points to; shared_identity() is the key of that order. Cost: O(1).
    template <class Other>
        requires requires(const Other& o) { o.shared_identity(); }
    bool owner_before(const Other& other) const noexcept {
        return std::compare_three_way{}(shared_identity(), other.shared_identity()) < 0;
    }
    const void* shared_identity() const noexcept { return counts_; }

private:
    T* object_ = nullptr;
    counts* counts_ = nullptr;
};

template <class T, class Policy = active_policy>
class basic_pool_weak {
    template <class U, class P>
    friend class basic_pool_weak;
    using counts = object::shared_counts;

public:
    using element_type = T;

    // As std::weak_ptr's; a conversion holds the object meanwhile, as the way to a virtual base leads through it. Cost:
    // O(1); a copy is an atomic addition.
    basic_pool_weak() noexcept = default;
    basic_pool_weak(const basic_pool_weak& other) noexcept : object_(other.object_), counts_(other.counts_) { hold(); }
    basic_pool_weak(basic_pool_weak&& other) noexcept { swap(other); }
    template <class U, class P>
        requires object::points_to<U, T>
    basic_pool_weak(const basic_pool_shared<U, P>& s) noexcept : object_(s.object_), counts_(s.counts_) {
        hold();
    }
    template <class U, class P>
        requires object::points_to<U, T>
    basic_pool_weak(const basic_pool_weak<U, P>& other) noexcept : counts_(other.counts_) {
        hold();
        const auto held = other.lock();
        object_ = held.get();
    }
    // As std::weak_ptr's. Cost: O(1).
    basic_pool_weak& operator=(const basic_pool_weak& other) noexcept {
        basic_pool_weak copied(other);
        swap(copied);
        return *this;
    }
    basic_pool_weak& operator=(basic_pool_weak&& other) noexcept {
        basic_pool_weak taken(std::move(other));
        swap(taken);
        return *this;
    }
    ~basic_pool_weak() { reset(); }

    // As std::weak_ptr's: lock() returns an empty one when the object was destroyed. Threads: use_count() is a hint
    // where others own the object. Cost: O(1); lock() is an atomic exchange.
    basic_pool_shared<T, Policy> lock() const noexcept {
        basic_pool_shared<T, Policy> s;
        if (counts_ == nullptr || !counts_->lock()) return s;
        s.object_ = object_;
        s.counts_ = counts_;
        return s;
    }
    bool expired() const noexcept { return use_count() == 0; }
    std::uint32_t use_count() const noexcept {
        return counts_ == nullptr ? 0 : counts_->strong.load_relaxed();
    }  // relaxed: a hint
    void reset() noexcept {
        object_ = nullptr;
        if (counts* c = std::exchange(counts_, nullptr)) c->drop_weak();
    }
    void swap(basic_pool_weak& other) noexcept {
        std::swap(object_, other.object_);
        std::swap(counts_, other.counts_);
    }
    friend void swap(basic_pool_weak& a, basic_pool_weak& b) noexcept { a.swap(b); }
    template <class Other>
        requires requires(const Other& o) { o.shared_identity(); }
    bool owner_before(const Other& other) const noexcept {
        return std::compare_three_way{}(shared_identity(), other.shared_identity()) < 0;
    }
    const void* shared_identity() const noexcept { return counts_; }

private:
    void hold() noexcept {
        if (counts_ != nullptr) counts_->add_weak();
    }
    T* object_ = nullptr;
    counts* counts_ = nullptr;
};

// Orders pool_shared and pool_weak by what they share, in std::set and std::map; std::owner_less takes std's own types
// alone.
struct owner_less {
    using is_transparent = void;
    // Returns: a.owner_before(b). Cost: O(1).
    template <class A, class B>
    bool operator()(const A& a, const B& b) const noexcept {
        return a.owner_before(b);
    }
};

template <class T>
using pool_shared = basic_pool_shared<T>;
template <class T>
using pool_weak = basic_pool_weak<T>;

// As std::static_pointer_cast and its like; found by argument-dependent lookup, and dynamic_pointer_cast() returns an
// empty one when the object is no T. Cost: O(1).
template <class T, class U, class P>
basic_pool_shared<T, P> static_pointer_cast(basic_pool_shared<U, P> s) noexcept {
    auto* p = static_cast<T*>(s.get());
    return {std::move(s), p};
}
template <class T, class U, class P>
basic_pool_shared<T, P> const_pointer_cast(basic_pool_shared<U, P> s) noexcept {
    auto* p = const_cast<T*>(s.get());
    return {std::move(s), p};
}
template <class T, class U, class P>
basic_pool_shared<T, P> reinterpret_pointer_cast(basic_pool_shared<U, P> s) noexcept {
    auto* p = reinterpret_cast<T*>(s.get());
    return {std::move(s), p};
}
template <class T, class U, class P>
basic_pool_shared<T, P> dynamic_pointer_cast(basic_pool_shared<U, P> s) noexcept {
    auto* p = dynamic_cast<T*>(s.get());
    if (p == nullptr) return {};
    return {std::move(s), p};
}

}  // namespace framealloc::inline v1

template <class T, class Policy>
struct std::hash<framealloc::basic_pool_shared<T, Policy>>
    : framealloc::object::box_hash<framealloc::basic_pool_shared<T, Policy>> {};
