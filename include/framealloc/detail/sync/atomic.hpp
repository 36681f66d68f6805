// The library's atomics: named orders over the compiler's builtins. <atomic> costs 0.2 s in every translation unit with
// g++ 12 (it brings <functional>); a hot header cannot afford it.
#pragma once

#include <cstdint>

#include <framealloc/detail/base/compiler.hpp>
#include <framealloc/detail/sync/word.hpp>

namespace framealloc::inline v1::sync {

template <class T>
class atomic {
public:
    constexpr atomic() noexcept = default;
    constexpr atomic(T v) noexcept : value_(v) {}
    atomic(const atomic&) = delete;
    atomic& operator=(const atomic&) = delete;

    T load_relaxed() const noexcept { return __atomic_load_n(&value_, __ATOMIC_RELAXED); }
    T load_acquire() const noexcept { return __atomic_load_n(&value_, __ATOMIC_ACQUIRE); }
    void store_relaxed(T v) noexcept { __atomic_store_n(&value_, v, __ATOMIC_RELAXED); }
    void store_release(T v) noexcept { __atomic_store_n(&value_, v, __ATOMIC_RELEASE); }
    T exchange_acquire(T v) noexcept { return __atomic_exchange_n(&value_, v, __ATOMIC_ACQUIRE); }
    T exchange_acq_rel(T v) noexcept { return __atomic_exchange_n(&value_, v, __ATOMIC_ACQ_REL); }
    T add_relaxed(T v) noexcept { return __atomic_fetch_add(&value_, v, __ATOMIC_RELAXED); }
    T or_relaxed(T v) noexcept { return __atomic_fetch_or(&value_, v, __ATOMIC_RELAXED); }
    T and_relaxed(T v) noexcept { return __atomic_fetch_and(&value_, v, __ATOMIC_RELAXED); }
    T subtract_acq_rel(T v) noexcept { return __atomic_fetch_sub(&value_, v, __ATOMIC_ACQ_REL); }
    bool compare_exchange_acquire(T& expected, T desired) noexcept {
        return __atomic_compare_exchange_n(&value_, &expected, desired, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
    }
    bool compare_exchange_release(T& expected, T desired) noexcept {
        return __atomic_compare_exchange_n(&value_, &expected, desired, true, __ATOMIC_RELEASE, __ATOMIC_RELAXED);
    }

    // Strong. On failure `expected` is what somebody else published, and what is after it can be read.
    bool publish(T& expected, T desired) noexcept {
        return __atomic_compare_exchange_n(&value_, &expected, desired, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
    }
    bool compare_exchange_acq_rel(T& expected, T desired) noexcept {
        return __atomic_compare_exchange_n(&value_, &expected, desired, true, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
    }

private:
    T value_{};
};

// Switches that any thread may throw, and that a hot path asks for all at once.
class switches {
public:
    bool any() const noexcept {
#if FRAMEALLOC_X86_64
        bool answer;  // one compare with memory; compilers load an atomic into a register first
        __asm__("cmpw $0, %1" : "=@ccne"(answer) : "m"(bits_));
        return answer;
#else
        return __atomic_load_n(&bits_, __ATOMIC_RELAXED) != 0;  // relaxed: who is asked looks closer
#endif
    }
    bool is_on(std::uint16_t bit) const noexcept {
        return (__atomic_load_n(&bits_, __ATOMIC_RELAXED) & bit) != 0;
    }  // relaxed: as above
    // False: what was done before off() is seen. From any thread.
    bool was_on(std::uint16_t bit) const noexcept {
        return (__atomic_load_n(&bits_, __ATOMIC_ACQUIRE) & bit) != 0;  // pairs: off()
    }
    void on(std::uint16_t bit) noexcept {
        if (!is_on(bit)) __atomic_fetch_or(&bits_, bit, __ATOMIC_RELEASE);  // pairs: off()
    }
    void off(std::uint16_t bit) noexcept {
        if (!is_on(bit)) return;
        __atomic_fetch_and(&bits_, static_cast<std::uint16_t>(~bit), __ATOMIC_ACQ_REL);  // pairs: on(), was_on()
    }

private:
    std::uint16_t bits_ = 0;
};

// Orders memory for a signal handler on the same thread.
inline void order_for_signals() noexcept { __atomic_signal_fence(__ATOMIC_SEQ_CST); }

// What the lock-free types are written against: types and orders. A model checker brings a trait of its own, so that it
// runs on these very headers (tests/interleave).
struct hardware_atomics {
    template <class T>
    using atomic = sync::atomic<T>;

    // A value that an acquire and a release order; not atomic itself.
    template <class T>
    class plain {
    public:
        T get() const noexcept { return value_; }
        void set(T v) noexcept { value_ = v; }

    private:
        T value_{};
    };

    // The first word of a block that no thread owns.
    static void* next_of(void* block) noexcept { return *static_cast<void**>(block); }
    static void set_next(void* block, void* next) noexcept { *static_cast<void**>(block) = next; }
};

// A number that one thread writes and any thread may read: relaxed throughout, so a reader sees some recent value.
class owner_counter {
public:
    constexpr owner_counter() noexcept = default;
    std::uint64_t get() const noexcept { return sync::load_relaxed(value_); }  // relaxed: a statistic
    void set(std::uint64_t n) noexcept { sync::store_relaxed(value_, n); }  // relaxed: as above
    void add(std::uint64_t n) noexcept { owner_add(value_, n); }
    void subtract(std::uint64_t n) noexcept { owner_subtract(value_, n); }
    void raise_to(std::uint64_t n) noexcept {
        if (n > get()) set(n);
    }

private:
    std::uint64_t value_ = 0;
};

}  // namespace framealloc::inline v1::sync
