// Results that cross threads on purpose: made by one thread, owned by the thread that receives them.
//
//   fa::transfer_handle<mesh> h = alloc.frame_box_for_transfer<mesh>(args…);     // producer, inside its frame or not
//   queue.push(std::move(h));                                                    // any queue that moves
//   fa::transfer_box<mesh> m = std::move(h).receive();                           // consumer
//
// The storage does not belong to the producer's frame: ending the frame does not touch it, and the payload is neither
// copied nor moved on its way. A handle that is dropped destroys the value, gives the memory back and is counted, so
// that a queue may close at any time. transfer_span<T> is the same for n elements. A second receive() is FA434 and
// gives an empty box. A value that keeps its content in a frame does not compile: see object/lives_in_frame.hpp.
// Cost: a pool allocation and two counters. Threads: a handle may be moved to any thread; one thread at a time has it.
#pragma once

#include <span>

#include <framealloc/object/box.hpp>
#include <framealloc/object/lives_in_frame.hpp>

namespace framealloc::inline v1 {

enum class transfer_state : std::uint8_t { empty, pending };  // empty: never filled, received, or moved from

// Of one allocator, since it was made.
struct transfer_stats {
    std::uint64_t initiated = 0;
    std::uint64_t completed = 0;
    std::uint64_t dropped = 0;
    std::uint64_t bytes = 0;  // of the payloads initiated
    // Returns: handles that were neither received nor dropped. Cost: O(1).
    std::uint64_t in_flight() const noexcept { return initiated - completed - dropped; }
};

namespace object {

// FA434, to the allocator's handler if it still lives.
FRAMEALLOC_COLD void raise_received_twice(memory::core_ref a) noexcept;
transfer_stats transfer_stats_of(const memory::core& c) noexcept;

struct transfer_boxes;

enum class transfer_step : std::uint8_t { initiated, completed, dropped };
// Counts the step for the allocator, as far as it lives, and notifies its observer.
void count_transfer(memory::core_ref a, transfer_step step, std::size_t bytes) noexcept;

// `n` elements in memory that any thread may free.
template <class T>
class transferable {
    static_assert(!std::is_array_v<T>, "a handle has one object: send n elements of T as a transfer_span<T>");
    static_assert(!lives_in_frame_v<T>,
                  "this type keeps its content in a frame, which may end before it is received: transfer a pool, heap "
                  "or std container");

public:
    transferable() noexcept = default;
    transferable(memory::core_ref a, T* first, std::size_t n) noexcept : first_(first), n_(n), owner_(a) {}
    transferable(transferable&& other) noexcept
        : first_(std::exchange(other.first_, nullptr)),
          pending_(std::exchange(other.pending_, false)),
          n_(other.n_),
          owner_(other.owner_) {}
    transferable& operator=(transferable&& other) noexcept {
        transferable taken(std::move(other));  // which may be a part of what is destroyed
        std::swap(first_, taken.first_);
        std::swap(pending_, taken.pending_);
        std::swap(n_, taken.n_);
        std::swap(owner_, taken.owner_);
        return *this;
    }
    ~transferable() { reset(); }

    // n elements that build(first) makes. Empty when memory is exhausted and `f` allows it.
    template <class Build>
    static transferable make(memory::core_ref a, std::size_t n, memory::on_failure f, Build&& build) {
        const std::size_t bytes = checked_product(n, sizeof(T));
        void* p = n == 0 ? nullptr : memory::pool_allocate_bytes(a, bytes, alignof(T), f);
        if (p == nullptr) return {};
        undo give_back{[&] { memory::pool_free_bytes(a, p, bytes, alignof(T)); }};
        build(static_cast<T*>(p));
        give_back.armed = false;
        return {a, std::launder(static_cast<T*>(p)), n};
    }
    // No elements: something to send that needs no memory.
    static transferable nothing(memory::core_ref a) noexcept {
        transferable t;
        t.owner_ = a;
        t.pending_ = true;
        return t;
    }
    bool pending() const noexcept { return first_ != nullptr || pending_; }

    T* first() const noexcept FRAMEALLOC_LIFETIMEBOUND { return first_; }
    std::size_t size() const noexcept { return first_ == nullptr ? 0 : n_; }
    std::size_t bytes() const noexcept { return size() * sizeof(T); }
    memory::core_ref owner() const noexcept { return owner_; }
    [[nodiscard]] T* release() noexcept {
        pending_ = false;
        return std::exchange(first_, nullptr);
    }
    void reset() noexcept {
        pending_ = false;
        T* first = std::exchange(first_, nullptr);
        if (first == nullptr) return;
        destroy(first, first + n_);
        memory::pool_free_bytes(owner_, const_cast<std::remove_cv_t<T>*>(first), n_ * sizeof(T), alignof(T));
    }

private:
    T* first_ = nullptr;
    bool pending_ = false;  // no elements, and not yet received
    std::size_t n_ = 0;
    memory::core_ref owner_{};
};

template <class T, class Received>
class FRAMEALLOC_TYPESTATE(consumable(unconsumed)) handle {
public:
    // Effects: holds nothing, or what is to be sent, which is counted. Cost: O(1).
    handle() noexcept FRAMEALLOC_TYPESTATE(return_typestate(consumed)) {}
    explicit handle(transferable<T>&& content) noexcept FRAMEALLOC_TYPESTATE(return_typestate(unconsumed))
        : content_(std::move(content)) {
        if (content_.pending()) count(transfer_step::initiated);
    }
    handle(handle&&) noexcept = default;
    // Effects: drops what was here: destroys it, gives the memory back, counts it. Cost: O(1), and the destructors.
    handle& operator=(handle&& other) noexcept {
        transferable<T> taken(std::move(other.content_));  // which may be a part of what is destroyed
        drop();
        content_ = std::move(taken);
        return *this;
    }
    ~handle() { drop(); }

    // Returns: a box that owns the value where it is; an empty one, after FA434, when the handle holds nothing.
    // Threads: any, one at a time. Cost: O(1), two counters.
    [[nodiscard]] Received receive() && noexcept FRAMEALLOC_TYPESTATE(callable_when("unconsumed", "unknown"))
        FRAMEALLOC_TYPESTATE(set_typestate(consumed)) {
        if (!content_.pending()) raise_received_twice(content_.owner());
        else count(transfer_step::completed);
        return Received(std::move(content_));
    }
    [[nodiscard]] Received receive() const& = delete;  // a result is received once: std::move(handle).receive()
    // Returns: whether the handle waits to be received; whether there is a value (of no elements: false, though
    // pending). Cost: O(1).
    transfer_state state() const noexcept {
        return !content_.pending() ? transfer_state::empty : transfer_state::pending;
    }
    explicit operator bool() const noexcept { return content_.first() != nullptr; }

protected:
    const transferable<T>& content() const noexcept FRAMEALLOC_LIFETIMEBOUND { return content_; }

private:
    void count(transfer_step step) const noexcept { count_transfer(content_.owner(), step, content_.bytes()); }
    void drop() noexcept {
        if (!content_.pending()) return;
        count(transfer_step::dropped);
        content_.reset();
    }
    transferable<T> content_;
};

}  // namespace object

// Owns what was received.
template <class T>
class transfer_box {
public:
    using element_type = T;
    using pointer = T*;
    using box_kind = object::transfer_boxes;

    // Effects: holds nothing, or what was received. Cost: O(1).
    transfer_box() noexcept = default;
    transfer_box(std::nullptr_t) noexcept {}
    explicit transfer_box(object::transferable<T>&& content) noexcept : content_(std::move(content)) {}

    // Returns: the object; null when the box is empty. Cost: O(1).
    T* get() const noexcept FRAMEALLOC_LIFETIMEBOUND { return content_.first(); }
    // Requires: the box is not empty. Debug: FA444 otherwise, and the program ends. Cost: O(1).
    FRAMEALLOC_INLINE T& operator*() const noexcept FRAMEALLOC_LIFETIMEBOUND {
        object::check_filled<active_policy>(get(), content_.owner(), "* of an empty transfer_box");
        return *get();
    }
    FRAMEALLOC_INLINE T* operator->() const noexcept FRAMEALLOC_LIFETIMEBOUND {
        object::check_filled<active_policy>(get(), content_.owner(), "-> of an empty transfer_box");
        return get();
    }
    // Returns: whether the box holds an object. Cost: O(1).
    explicit operator bool() const noexcept { return get() != nullptr; }
    // Effects: none on the object, which is in pool memory: a pool_box<T> may own it. Returns: the object; null when
    // the box is empty. Cost: O(1).
    [[nodiscard]] T* release() noexcept { return content_.release(); }
    // Effects: destroys the object and frees its memory. Threads: any. Cost: O(1), and the destructor.
    void reset() noexcept { content_.reset(); }
    // Requires: the box is not empty; FA444 and the end otherwise. Effects: moves the value out, destroys the object
    // and frees its memory. Returns: the value. Cost: a move and reset().
    FRAMEALLOC_INLINE std::remove_cv_t<T> into_inner() && {
        if (get() == nullptr) [[unlikely]]
            object::refuse_empty(content_.owner(), "into_inner() of an empty transfer_box");
        std::remove_cv_t<T> value(std::move(*get()));
        reset();
        return value;
    }
    // Effects: exchanges what the boxes own. Cost: O(1).
    void swap(transfer_box& other) noexcept { std::swap(content_, other.content_); }

private:
    object::transferable<T> content_;
};

template <class T>
class transfer_box<T[]> : public object::array_face<transfer_box<T[]>, T, active_policy> {
public:
    using box_kind = object::transfer_boxes;

    // Effects: holds nothing, or what was received. Cost: O(1).
    transfer_box() noexcept = default;
    transfer_box(std::nullptr_t) noexcept {}
    explicit transfer_box(object::transferable<T>&& content) noexcept : content_(std::move(content)) {}

    // Returns: the first element, or null; the number of elements, or 0; a span of them, as a box with a name is a
    // range already; whether there are any. Cost: O(1).
    T* get() const noexcept FRAMEALLOC_LIFETIMEBOUND { return content_.first(); }
    std::size_t size() const noexcept { return content_.size(); }
    operator std::span<T>() const&& noexcept FRAMEALLOC_LIFETIMEBOUND {
        return this->span();
    }  // one with a name is a range, from which a span is made
    explicit operator bool() const noexcept { return get() != nullptr; }
    // Effects: none on the elements, which are in pool memory: a pool_box<T[]> may own them, with size() as it was
    // before. Returns: the first; null when the box is empty. Cost: O(1).
    [[nodiscard]] T* release() noexcept { return content_.release(); }
    // Effects: destroys the elements and frees their memory. Threads: any. Cost: O(size()) for the destructors,
    // otherwise O(1).
    void reset() noexcept { content_.reset(); }
    // Effects: exchanges what the boxes own. Cost: O(1).
    void swap(transfer_box& other) noexcept { std::swap(content_, other.content_); }
    // Returns: the allocator. Cost: O(1).
    memory::core_ref where() const noexcept { return content_.owner(); }

private:
    object::transferable<T> content_;
};

template <class T>
class [[nodiscard]] FRAMEALLOC_TYPESTATE(consumable(unconsumed)) transfer_handle
    : public object::handle<T, transfer_box<T>> {
public:
    using object::handle<T, transfer_box<T>>::handle;
    // Effects: constructs a T in pool memory. Returns: its handle. On exhaustion: as `f` says, the exhaustion handler
    // is asked or the handle is empty. Cost: a pool allocation, a counter and the constructor.
    template <class... Args>
    static transfer_handle make(memory::core_ref a, memory::on_failure f, Args&&... args) {
        return transfer_handle(object::transferable<T>::make(
            a, 1, f, [&](T* p) { object::construct_at<T>(p, std::forward<Args>(args)...); }));
    }
};

// The producer fills it before it is sent.
template <class T>
class [[nodiscard]] FRAMEALLOC_TYPESTATE(consumable(unconsumed)) transfer_span
    : public object::handle<T, transfer_box<T[]>> {
    using base = object::handle<T, transfer_box<T[]>>;

public:
    transfer_span() noexcept = default;
    // Returns: a handle of n value-initialised elements in pool memory; of none, one that is pending without memory. On
    // exhaustion: as `f` says, the exhaustion handler is asked or the handle is empty. Cost: a pool allocation, a
    // counter and O(n).
    static transfer_span make(memory::core_ref a, std::size_t n, memory::on_failure f) {
        if (n == 0) return transfer_span(object::transferable<T>::nothing(a));
        return transfer_span(
            object::transferable<T>::make(a, n, f, [&](T* first) { object::construct_array<T>(first, n); }));
    }
    // Returns: the elements, to be filled before they are sent; none when the handle holds nothing. Cost: O(1).
    std::span<T> span() const noexcept FRAMEALLOC_LIFETIMEBOUND {
        return {this->content().first(), this->content().size()};
    }

private:
    using base::base;
};

}  // namespace framealloc::inline v1

template <class T>
struct std::hash<framealloc::transfer_box<T>> : framealloc::object::box_hash<framealloc::transfer_box<T>> {};
