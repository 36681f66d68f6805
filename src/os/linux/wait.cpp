// Sleeping on a word, with futexes.
#include <framealloc/detail/os/wait.hpp>

#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <climits>

namespace framealloc::inline v1::os {

void wait_while(const sync::atomic<std::uint32_t>& word, std::uint32_t seen, std::uint64_t microseconds) noexcept {
    const timespec t{.tv_sec = static_cast<time_t>(microseconds / 1000000U),
                     .tv_nsec = static_cast<long>(microseconds % 1000000U) * 1000L};
    // The kernel compares once more before it sleeps, so that a change in between is not missed.
    syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, seen, microseconds == no_limit ? nullptr : &t, nullptr, 0);
}

void wake_all(sync::atomic<std::uint32_t>& word) noexcept {
    syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, INT_MAX, nullptr, nullptr, 0);
}

}  // namespace framealloc::inline v1::os
