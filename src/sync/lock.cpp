// A lock that another thread holds: a few turns of a loop, then other threads go first.
#include <framealloc/detail/sync/lock.hpp>

#include <thread>

namespace framealloc::inline v1::sync {

namespace {
constinit atomic<std::uint64_t> acquisitions{0};
constexpr int spins_before_yield = 64;  // about a microsecond: longer than any section this lock guards
}  // namespace

void lock::acquire() noexcept {
    acquisitions.add_relaxed(1);  // relaxed: a statistic
    acquire_uncounted();
}

void lock::acquire_uncounted() noexcept {
    for (int spin = 0;; ++spin) {
        if (word_.try_acquire()) return;
        if (spin >= spins_before_yield) std::this_thread::yield();
    }
}

std::uint64_t lock_acquisitions() noexcept { return acquisitions.load_relaxed(); }  // relaxed: a statistic

}  // namespace framealloc::inline v1::sync
