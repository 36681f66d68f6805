// Threads as the standard library has them.
#include <framealloc/detail/os/thread.hpp>

#include <atomic>
#include <chrono>
#include <thread>

namespace framealloc::inline v1::os {

namespace {
using exit_hook = void (*)() noexcept;
struct at_exit {
    exit_hook hook = nullptr;
    ~at_exit() {
        if (hook != nullptr) hook();
    }
};
thread_local at_exit exit_guard;
}  // namespace

bool call_at_thread_exit(exit_hook hook) noexcept {
    exit_guard.hook = hook;
    return true;
}

bool call_at_fork(void (*)() noexcept, void (*)() noexcept, void (*)() noexcept) noexcept {
    return true;
}  // nothing forks here

std::uint64_t random_of_process() noexcept {
    static const std::uint64_t drawn = monotonic_microseconds() * 0xbf58476d1ce4e5b9U ^
                                       reinterpret_cast<std::uintptr_t>(&exit_guard);
    return drawn;
}

std::uint64_t thread_number() noexcept {
    static std::atomic<std::uint64_t> last{0};
    thread_local const std::uint64_t mine = ++last;
    return mine;
}

void sleep_microseconds(std::uint32_t n) noexcept { std::this_thread::sleep_for(std::chrono::microseconds(n)); }

std::uint64_t monotonic_microseconds() noexcept {
    const auto t = std::chrono::steady_clock::now().time_since_epoch();
    return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(t).count());
}

}  // namespace framealloc::inline v1::os
