#include <framealloc/os/thread.hpp>

#include <cstring>

#include <pthread.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

namespace framealloc::inline FRAMEALLOC_ABI::os {

namespace {

using exit_hook = void (*)() noexcept;

void run_hook(void* hook) { reinterpret_cast<exit_hook>(hook)(); }

// Keys run after the C++ destructors of thread-locals, and again when one of them sets the key anew.
pthread_key_t exit_key() noexcept {
    static const pthread_key_t key = [] {
        pthread_key_t k{};
        pthread_key_create(&k, run_hook);
        return k;
    }();
    return key;
}

}  // namespace

void call_at_thread_exit(exit_hook hook) noexcept { pthread_setspecific(exit_key(), reinterpret_cast<void*>(hook)); }

void call_at_fork(void (*before)() noexcept, void (*in_parent)() noexcept, void (*in_child)() noexcept) noexcept {
    pthread_atfork(before, in_parent, in_child);
}

// What the kernel drew for the program: no system call. Stack protectors live on it, so it is not given away as it is.
std::uint64_t random_of_process() noexcept {
    std::uint64_t drawn[2] = {};
    if (const void* p = reinterpret_cast<const void*>(getauxval(AT_RANDOM))) std::memcpy(drawn, p, sizeof drawn);
    return (drawn[0] ^ (drawn[1] >> 29)) * 0xbf58476d1ce4e5b9U ^ drawn[1] * 0x94d049bb133111ebU;
}

std::uint64_t thread_number() noexcept { return static_cast<std::uint64_t>(syscall(SYS_gettid)); }

void sleep_microseconds(std::uint32_t n) noexcept {
    const timespec t{.tv_sec = n / 1000000U, .tv_nsec = static_cast<long>(n % 1000000U) * 1000L};
    nanosleep(&t, nullptr);
}

std::uint64_t monotonic_microseconds() noexcept {
    timespec t{};
    clock_gettime(CLOCK_MONOTONIC, &t);
    return static_cast<std::uint64_t>(t.tv_sec) * 1000000U + static_cast<std::uint64_t>(t.tv_nsec) / 1000U;
}

}  // namespace framealloc::inline FRAMEALLOC_ABI::os
