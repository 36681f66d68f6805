// Without a system call to sleep on a word: short sleeps.
#include <framealloc/detail/os/wait.hpp>

#include <framealloc/detail/os/thread.hpp>

namespace framealloc::inline v1::os {

void wait_while(const sync::atomic<std::uint32_t>& word, std::uint32_t seen, std::uint64_t microseconds) noexcept {
    constexpr std::uint32_t step = 50;
    if (word.load_relaxed() != seen) return;  // relaxed: asked again
    sleep_microseconds(microseconds < step ? static_cast<std::uint32_t>(microseconds) : step);
}

void wake_all(sync::atomic<std::uint32_t>&) noexcept {}

}  // namespace framealloc::inline v1::os
