// What the floors above have in an allocator and in its threads' contexts: a slot of a fixed size for each of them, for
// a type of its own, and the calls for threads that come and go.
//
//   struct thread_state {                                        // detail/lifetime/state.hpp
//       static constexpr memory::upper_floor floor = memory::upper_floor::lifetime;
//       …
//   };
//   thread_state& s = c.upper.get<thread_state>();
//
// Cost: nothing; a slot is in the object it belongs to.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <type_traits>

namespace framealloc::inline v1::memory {

struct core;
struct frame_arena;
struct frame_record;
struct thread_context;

enum class upper_floor : unsigned char { lifetime, object, insight, runtime };

// Bytes for one state of the floor that it is named after. Zero until that floor makes it.
template <std::size_t Bytes>
class floor_slot {
public:
    template <class T>
    void make() noexcept {
        ::new (static_cast<void*>(bytes_)) T{};
    }
    template <class T>
    T& get() noexcept {
        fits<T>();
        return *std::launder(static_cast<T*>(static_cast<void*>(bytes_)));
    }
    template <class T>
    const T& get() const noexcept {
        fits<T>();
        return *std::launder(static_cast<const T*>(static_cast<const void*>(bytes_)));
    }

private:
    template <class T>
    static constexpr void fits() noexcept {
        static_assert(sizeof(T) <= Bytes && alignof(T) <= alignof(std::uint64_t), "the floor needs a larger slot");
        static_assert(std::is_trivially_destructible_v<T>, "a slot is never destroyed");
    }
    alignas(std::uint64_t) unsigned char bytes_[Bytes] = {};
};
template <>
class floor_slot<0> {};

// The slots of one object, bytes for each floor; zero: it has none there.
template <std::size_t Lifetime, std::size_t Object, std::size_t Insight, std::size_t Runtime>
class floor_slots {
public:
    template <class T>
    void make() noexcept {
        slot<T::floor>().template make<T>();
    }
    template <class T>
    T& get() noexcept {
        return slot<T::floor>().template get<T>();
    }
    template <class T>
    const T& get() const noexcept {
        return const_cast<floor_slots*>(this)->slot<T::floor>().template get<T>();
    }

private:
    template <upper_floor F>
    auto& slot() noexcept {
        if constexpr (F == upper_floor::lifetime) return lifetime_;
        else if constexpr (F == upper_floor::object) return object_;
        else if constexpr (F == upper_floor::insight) return insight_;
        else return runtime_;
    }
    [[no_unique_address]] floor_slot<Lifetime> lifetime_;
    [[no_unique_address]] floor_slot<Object> object_;
    [[no_unique_address]] floor_slot<Insight> insight_;
    [[no_unique_address]] floor_slot<Runtime> runtime_;
};

// What floor 4 asks of the floors above.
struct floor_calls {
    std::size_t flight_bytes;  // of a frame_arena and what lifetime adds to it
    frame_arena* (*make_flight)(void* memory) noexcept;
    void (*open_core)(core&) noexcept;  // makes the states in its slots
    void (*open_context)(thread_context&) noexcept;  // the same
    void (*enter)(thread_context&) noexcept;  // a thread has got the context
    void (*leave)(thread_context&) noexcept;  // and leaves, nothing of its own being open
    void (*close_frames)(thread_context&) noexcept;  // ends what is open and what waits
    bool (*in_job)(const thread_context&) noexcept;
    // The record of a frame that ends by itself at its thread's next safe point; null when there is none. Threads: any.
    const frame_record* (*driven)(const thread_context&) noexcept;
};

}  // namespace framealloc::inline v1::memory
