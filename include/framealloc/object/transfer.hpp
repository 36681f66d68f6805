// Results that cross threads on purpose: made by one thread, owned by whoever receives them.
//
//   fa::transfer_handle<mesh> h = alloc.frame_box_for_transfer<mesh>(args…);     // producer, inside its frame or not
//   queue.push(std::move(h));                                                    // any queue that moves
//   fa::transfer_box<mesh> m = std::move(h).receive();                           // consumer
//
// The storage does not belong to the producer's frame: ending the frame does not touch it, and the payload is neither copied
// nor moved on its way. A handle that is dropped destroys the value, gives the memory back and is counted, so that a queue
// may close at any time. transfer_span<T> is the same for n elements. A second receive() is FA434 and gives an empty box.
// Cost: a pool allocation and two counters. Threads: a handle may be moved to any thread; one thread at a time has it.
#pragma once

#include <span>

#include <framealloc/object/box.hpp>

namespace framealloc::inline FRAMEALLOC_ABI {

enum class transfer_state : std::uint8_t { empty, pending };  // empty: never filled, received, or moved from

// Of one allocator, since it was made.
struct transfer_stats {
    std::uint64_t initiated = 0;
    std::uint64_t completed = 0;
    std::uint64_t dropped = 0;
    std::uint64_t bytes = 0;  // of the payloads initiated
    std::uint64_t in_flight() const noexcept { return initiated - completed - dropped; }
};

namespace object {

// FA434, to the allocator's handler if it still lives.
FRAMEALLOC_COLD void raise_received_twice(memory::core_ref a) noexcept;
transfer_stats transfer_stats_of(const memory::core& c) noexcept;

enum class transfer_step : std::uint8_t { initiated, completed, dropped };
void count_transfer(memory::core_ref a, transfer_step step, std::size_t bytes) noexcept;

// `n` elements in memory that any thread may free.
template <class T>
class transferable {
public:
    transferable() noexcept = default;
    transferable(memory::core_ref a, T* first, std::size_t n) noexcept : first_(first), n_(n), owner_(a) {}
    transferable(transferable&& other) noexcept : first_(std::exchange(other.first_, nullptr)), pending_(std::exchange(other.pending_, false)), n_(other.n_), owner_(other.owner_) {}
    transferable& operator=(transferable&& other) noexcept {
        if (this == &other) return *this;
        reset();
        first_ = std::exchange(other.first_, nullptr);
        pending_ = std::exchange(other.pending_, false);
        n_ = other.n_;
        owner_ = other.owner_;
        return *this;
    }
    ~transferable() { reset(); }

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

    T* first() const noexcept { return first_; }
    std::size_t size() const noexcept { return first_ == nullptr ? 0 : n_; }
    std::size_t bytes() const noexcept { return size() * sizeof(T); }
    memory::core_ref owner() const noexcept { return owner_; }
    void reset() noexcept {
        pending_ = false;
        T* first = std::exchange(first_, nullptr);
        if (first == nullptr) return;
        destroy(first, first + n_);
        memory::pool_free_bytes(owner_, first, n_ * sizeof(T), alignof(T));
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
    handle() noexcept FRAMEALLOC_TYPESTATE(return_typestate(consumed)) {}
    explicit handle(transferable<T>&& content) noexcept FRAMEALLOC_TYPESTATE(return_typestate(unconsumed)) : content_(std::move(content)) {
        if (content_.pending()) count(transfer_step::initiated);
    }
    handle(handle&&) noexcept = default;
    handle& operator=(handle&& other) noexcept {
        if (this == &other) return *this;
        drop();
        content_ = std::move(other.content_);
        return *this;
    }
    ~handle() { drop(); }

    [[nodiscard]] Received receive() && noexcept FRAMEALLOC_TYPESTATE(callable_when("unconsumed", "unknown")) FRAMEALLOC_TYPESTATE(set_typestate(consumed)) {
        if (!content_.pending()) raise_received_twice(content_.owner());
        else count(transfer_step::completed);
        return Received(std::move(content_));
    }
    transfer_state state() const noexcept { return !content_.pending() ? transfer_state::empty : transfer_state::pending; }
    // Of no elements: false, though pending.
    explicit operator bool() const noexcept { return content_.first() != nullptr; }

protected:
    const transferable<T>& content() const noexcept { return content_; }

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

    transfer_box() noexcept = default;
    explicit transfer_box(object::transferable<T>&& content) noexcept : content_(std::move(content)) {}

    T* get() const noexcept { return content_.first(); }
    T& operator*() const noexcept { return *get(); }
    T* operator->() const noexcept { return get(); }
    explicit operator bool() const noexcept { return get() != nullptr; }
    void reset() noexcept { content_.reset(); }

private:
    object::transferable<T> content_;
};

template <class T>
class transfer_box<T[]> {
public:
    using element_type = T;

    transfer_box() noexcept = default;
    explicit transfer_box(object::transferable<T>&& content) noexcept : content_(std::move(content)) {}

    std::span<T> span() const noexcept { return {content_.first(), content_.size()}; }
    operator std::span<T>() const noexcept { return span(); }
    T* data() const noexcept { return content_.first(); }
    std::size_t size() const noexcept { return content_.size(); }
    bool empty() const noexcept { return size() == 0; }
    T* begin() const noexcept { return data(); }
    T* end() const noexcept { return data() + size(); }
    T& operator[](std::size_t i) const noexcept { return data()[i]; }
    explicit operator bool() const noexcept { return data() != nullptr; }
    void reset() noexcept { content_.reset(); }

private:
    object::transferable<T> content_;
};

template <class T>
class [[nodiscard]] FRAMEALLOC_TYPESTATE(consumable(unconsumed)) transfer_handle : public object::handle<T, transfer_box<T>> {
public:
    using object::handle<T, transfer_box<T>>::handle;
    template <class... Args>
    static transfer_handle make(memory::core_ref a, memory::on_failure f, Args&&... args) {
        return transfer_handle(object::transferable<T>::make(a, 1, f, [&](T* p) { object::construct_at<T>(p, std::forward<Args>(args)...); }));
    }
};

// The producer fills it before it is sent.
template <class T>
class [[nodiscard]] FRAMEALLOC_TYPESTATE(consumable(unconsumed)) transfer_span : public object::handle<T, transfer_box<T[]>> {
    using base = object::handle<T, transfer_box<T[]>>;

public:
    transfer_span() noexcept = default;
    // n value-initialised elements.
    static transfer_span make(memory::core_ref a, std::size_t n, memory::on_failure f) {
        if (n == 0) return transfer_span(object::transferable<T>::nothing(a));
        return transfer_span(object::transferable<T>::make(a, n, f, [&](T* first) {
            T* built = first;
            object::undo destroy_built{[&] { object::destroy(first, built); }};
            for (; built != first + n; ++built) ::new (static_cast<void*>(built)) T();
            destroy_built.armed = false;
        }));
    }
    std::span<T> span() const noexcept { return {this->content().first(), this->content().size()}; }

private:
    using base::base;
};

}  // namespace framealloc::inline FRAMEALLOC_ABI
