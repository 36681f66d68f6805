// Built with MinGW, whose thread-locals live in memory that a key of its thread library frees.
#include <framealloc/detail/os/thread.hpp>

#include <chrono>
#include <thread>

#include <pthread.h>
#include <windows.h>

namespace framealloc::inline v1::os {

namespace {

using exit_hook = void (*)() noexcept;

struct thread_key {
    pthread_key_t key;
    bool valid;
};
constinit thread_key exit_key{};

void run_hook(void* hook) { reinterpret_cast<exit_hook>(hook)(); }

// Keys run in the order in which they were created, round after round while any is set. That of the thread-locals is
// created at the first access to one, that of the C++ destructors after it: this one comes before both, or a hook would
// find a thread-local that was made anew. What a destructor leaves is met in the next round.
[[gnu::constructor(101)]] void create_key() { exit_key.valid = pthread_key_create(&exit_key.key, run_hook) == 0; }

}  // namespace

bool call_at_thread_exit(exit_hook hook) noexcept {
    return exit_key.valid && pthread_setspecific(exit_key.key, reinterpret_cast<void*>(hook)) == 0;
}

bool call_at_fork(void (*)() noexcept, void (*)() noexcept, void (*)() noexcept) noexcept {
    return true;  // nothing forks here
}

std::uint64_t random_of_process() noexcept {
    static const std::uint64_t drawn = [] {
        LARGE_INTEGER ticks{};
        QueryPerformanceCounter(&ticks);
        return (static_cast<std::uint64_t>(ticks.QuadPart) ^ std::uint64_t{GetCurrentProcessId()} << 32) *
               0xbf58476d1ce4e5b9U;
    }();
    return drawn;
}

std::uint64_t thread_number() noexcept { return GetCurrentThreadId(); }

void sleep_microseconds(std::uint32_t n) noexcept { std::this_thread::sleep_for(std::chrono::microseconds(n)); }

std::uint64_t monotonic_microseconds() noexcept {
    const auto t = std::chrono::steady_clock::now().time_since_epoch();
    return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(t).count());
}

}  // namespace framealloc::inline v1::os
