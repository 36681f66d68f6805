// The Atomics trait of a model checker (Relacy): the library's lock-free types, from their shipping headers, under
// every interleaving and every reordering that the C++ memory model allows.
#pragma once

#include <atomic>
#include <cstdint>
#include <new>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wall"
#include <relacy/relacy.hpp>
#pragma GCC diagnostic pop
#undef new
#undef delete
#undef malloc
#undef calloc
#undef realloc
#undef free

namespace interleave {

// Which order is one step too weak; every one must be found.
enum class weaken {
    nothing,
    store_release,
    exchange_acquire,
    compare_exchange_acquire,
    compare_exchange_release,
    exchange_to_acquire,  // from acq_rel, as the next three
    exchange_to_release,
    compare_exchange_to_acquire,
    compare_exchange_to_release,
};

struct block {
    rl::var<void*> next;
    rl::var<int> payload;
};

template <weaken Weak>
struct model_atomics {
    static constexpr rl::memory_order order(weaken use, rl::memory_order strong) {
        return use == Weak ? rl::mo_relaxed : strong;
    }
    static constexpr rl::memory_order acq_rel(weaken to_acquire, weaken to_release) {
        return Weak == to_acquire ? rl::mo_acquire : Weak == to_release ? rl::mo_release : rl::mo_acq_rel;
    }

    template <class T>
    class atomic {
    public:
        atomic() { value_.store(T(), rl::mo_relaxed, $); }
        atomic(T v) { value_.store(v, rl::mo_relaxed, $); }
        T load_relaxed() const { return value_.load(rl::mo_relaxed, $); }
        void store_release(T v) { value_.store(v, order(weaken::store_release, rl::mo_release), $); }
        T exchange_acquire(T v) { return value_.exchange(v, order(weaken::exchange_acquire, rl::mo_acquire), $); }
        T exchange_acq_rel(T v) {
            return value_.exchange(v, acq_rel(weaken::exchange_to_acquire, weaken::exchange_to_release), $);
        }
        bool compare_exchange_acq_rel(T& expected, T wanted) {
            constexpr auto o = acq_rel(weaken::compare_exchange_to_acquire, weaken::compare_exchange_to_release);
            return value_.compare_exchange_weak(expected, wanted, o, $, rl::mo_relaxed, $);
        }
        bool compare_exchange_acquire(T& expected, T wanted) {
            return value_.compare_exchange_strong(
                expected, wanted, order(weaken::compare_exchange_acquire, rl::mo_acquire), $, rl::mo_relaxed, $);
        }
        bool compare_exchange_release(T& expected, T wanted) {
            return value_.compare_exchange_weak(
                expected, wanted, order(weaken::compare_exchange_release, rl::mo_release), $, rl::mo_relaxed, $);
        }

    private:
        rl::atomic<T> value_;
    };

    template <class T>
    class plain {
    public:
        T get() const { return const_cast<rl::var<T>&>(value_)($); }
        void set(T v) { value_($) = v; }

    private:
        rl::var<T> value_;
    };

    static void* next_of(void* b) { return static_cast<block*>(b)->next($); }
    static void set_next(void* b, void* next) { static_cast<block*>(b)->next($) = next; }
};

}  // namespace interleave
