// Threads: their numbers, their ends, forks, clocks.
#include <framealloc/detail/os/thread.hpp>

#include <cstring>

#include <pthread.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <framealloc/detail/sync/atomic.hpp>

extern "C" {
// glibc, musl does without. Weak: null where it is missing.
[[gnu::weak]] int __cxa_thread_atexit_impl(void (*f)(void*), void* argument, void* library) noexcept;
extern void* __dso_handle;  // as compilers declare it: link-time optimisation compares
}

namespace framealloc::inline v1::os {

namespace {

using exit_hook = void (*)() noexcept;

void run_hook(void* hook) { reinterpret_cast<exit_hook>(hook)(); }

struct thread_key {
    pthread_key_t key;
    bool valid;  // a process has 1,024 of them, and others may have taken all
};

constinit sync::atomic<bool> key_created{false};

// Keys run after the C++ destructors of thread-locals, and again when one of them sets the key anew.
const thread_key& exit_key() noexcept {
    static const thread_key key = [] {
        thread_key k{};
        k.valid = pthread_key_create(&k.key, run_hook) == 0;
        key_created.store_release(k.valid);  // pairs: forget_key()
        return k;
    }();
    return key;
}

constinit sync::atomic<bool> unloading{false};

// This library is unloaded with the plugin that contains it, or the program ends: threads that go on must not come
// here. Static destructors of the plugin may run after it: what they attach registers nothing, since the key's number
// may be another's by then and the code be gone when their thread ends.
[[gnu::destructor]] void forget_key() {
    unloading.store_release(true);  // pairs: call_at_thread_exit()
    if (key_created.load_acquire()) pthread_key_delete(exit_key().key);  // pairs: exit_key()
}

}  // namespace

// Without a key, as a C++ thread-local does it, which needs none: destructors of thread-locals that are older run after
// it.
bool call_at_thread_exit(exit_hook hook) noexcept {
    if (unloading.load_acquire()) return false;  // pairs: forget_key()
    void* value = reinterpret_cast<void*>(hook);
    if (exit_key().valid && pthread_setspecific(exit_key().key, value) == 0) return true;
    return __cxa_thread_atexit_impl != nullptr && __cxa_thread_atexit_impl(run_hook, value, &__dso_handle) == 0;
}

bool call_at_fork(void (*before)() noexcept, void (*in_parent)() noexcept, void (*in_child)() noexcept) noexcept {
    return pthread_atfork(before, in_parent, in_child) == 0;
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

}  // namespace framealloc::inline v1::os
