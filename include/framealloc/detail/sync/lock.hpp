// The lock of the slow paths: one word, spins briefly, then yields. Never taken on a frame path, never held while user
// code runs. Acquisitions are counted for the whole process, so that "no lock after warm-up" can be shown.
#pragma once

#include <cstdint>

#include <framealloc/detail/sync/atomic.hpp>

namespace framealloc::inline v1::sync {

// One word: 0 free, 1 held.
template <class Atomics>
class basic_lock_word {
public:
    constexpr basic_lock_word() noexcept = default;
    bool try_acquire() noexcept {
        std::uint32_t expected = 0;
        return held_.compare_exchange_acquire(expected, 1);  // pairs: release()
    }
    void release() noexcept { held_.store_release(0); }  // pairs: try_acquire()

private:
    typename Atomics::template atomic<std::uint32_t> held_{0};
};

class lock {
public:
    constexpr lock() noexcept = default;
    void acquire() noexcept;
    void acquire_uncounted() noexcept;  // of what reports alone take
    void release() noexcept { word_.release(); }

private:
    basic_lock_word<hardware_atomics> word_;
};

class lock_guard {
public:
    [[nodiscard]] explicit lock_guard(lock& l) noexcept : lock_(l) { lock_.acquire(); }
    ~lock_guard() { lock_.release(); }
    lock_guard(const lock_guard&) = delete;
    lock_guard& operator=(const lock_guard&) = delete;

private:
    lock& lock_;
};

// How often any lock of the library was taken since the program started.
std::uint64_t lock_acquisitions() noexcept;

}  // namespace framealloc::inline v1::sync
