// Waiting for a word to change, by WaitOnAddress.
#include <framealloc/detail/os/wait.hpp>

#include <windows.h>

namespace framealloc::inline v1::os {

void wait_while(const sync::atomic<std::uint32_t>& word, std::uint32_t seen, std::uint64_t microseconds) noexcept {
    const std::uint64_t milliseconds = microseconds / 1000 + 1;
    const DWORD limit = milliseconds < INFINITE ? static_cast<DWORD>(milliseconds) : INFINITE;
    auto* address = const_cast<sync::atomic<std::uint32_t>*>(&word);
    static_cast<void>(WaitOnAddress(address, &seen, sizeof seen, limit));
}

void wake_all(sync::atomic<std::uint32_t>& word) noexcept { WakeByAddressAll(&word); }

}  // namespace framealloc::inline v1::os
