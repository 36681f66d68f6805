// The program's own malloc, which counts and passes on to glibc's.
#include "interpose.hpp"

#include <malloc.h>

#include <atomic>
#include <cerrno>

extern "C" {
void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* __libc_memalign(std::size_t, std::size_t);
void __libc_free(void*);
}

namespace demo {

namespace {

constinit thread_local int physics_depth = 0;
constinit std::atomic<std::uint64_t> calls{0};
constinit std::atomic<std::ptrdiff_t> live{0};
constinit std::atomic<std::ptrdiff_t> peak{0};

void* count(void* p) noexcept {
    if (physics_depth != 0 || p == nullptr) return p;
    calls.fetch_add(1, std::memory_order_relaxed);
    const std::ptrdiff_t now = live.fetch_add(static_cast<std::ptrdiff_t>(malloc_usable_size(p)),
                                              std::memory_order_relaxed) +
                               static_cast<std::ptrdiff_t>(malloc_usable_size(p));
    std::ptrdiff_t seen = peak.load(std::memory_order_relaxed);
    while (now > seen && !peak.compare_exchange_weak(seen, now, std::memory_order_relaxed)) {}
    return p;
}

void uncount(void* p) noexcept {
    if (physics_depth == 0 && p != nullptr)
        live.fetch_sub(static_cast<std::ptrdiff_t>(malloc_usable_size(p)), std::memory_order_relaxed);
}

}  // namespace

bool mallocs_are_counted() noexcept { return true; }

malloc_counts own_mallocs() noexcept {
    const std::ptrdiff_t l = live.load(std::memory_order_relaxed);
    const std::ptrdiff_t p = peak.load(std::memory_order_relaxed);
    return {calls.load(std::memory_order_relaxed), static_cast<std::size_t>(l > 0 ? l : 0),
            static_cast<std::size_t>(p > 0 ? p : 0)};
}

void reset_own_mallocs() noexcept {
    calls.store(0, std::memory_order_relaxed);
    live.store(0, std::memory_order_relaxed);
    peak.store(0, std::memory_order_relaxed);
}

inside_physics::inside_physics() noexcept { ++physics_depth; }
inside_physics::~inside_physics() { --physics_depth; }

namespace {
constinit thread_local int saved_depth = 0;
}
inside_callback::inside_callback() noexcept {
    saved_depth = physics_depth;
    physics_depth = 0;
}
inside_callback::~inside_callback() { physics_depth = saved_depth; }

}  // namespace demo

extern "C" {

void* malloc(std::size_t n) { return demo::count(__libc_malloc(n)); }
void* calloc(std::size_t n, std::size_t size) { return demo::count(__libc_calloc(n, size)); }
void* realloc(void* p, std::size_t n) {
    demo::uncount(p);
    return demo::count(__libc_realloc(p, n));
}
void free(void* p) {
    demo::uncount(p);
    __libc_free(p);
}
void* memalign(std::size_t a, std::size_t n) { return demo::count(__libc_memalign(a, n)); }
void* aligned_alloc(std::size_t a, std::size_t n) { return memalign(a, n); }
int posix_memalign(void** out, std::size_t a, std::size_t n) {
    *out = memalign(a, n);
    return *out == nullptr ? ENOMEM : 0;
}

}  // extern "C"
