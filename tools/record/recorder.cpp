// The library that framealloc-record preloads: the malloc family, frame marks, and the start and end of a process.
#include "hooks.h"

#include "frame_mark.hpp"
#include "lost_file.hpp"
#include "places.hpp"
#include "unwind.hpp"
#include "writer.hpp"

#include <dlfcn.h>
#include <linux/seccomp.h>
#include <malloc.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <bit>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace recorder {
namespace {

struct {
    void* (*malloc)(std::size_t);
    void* (*calloc)(std::size_t, std::size_t);
    void* (*realloc)(void*, std::size_t);
    void (*free)(void*);
    void* (*memalign)(std::size_t, std::size_t);
    void* (*aligned_alloc)(std::size_t, std::size_t);
    int (*posix_memalign)(void**, std::size_t, std::size_t);
    void* (*valloc)(std::size_t);
    void* (*pvalloc)(std::size_t);
} next;
std::atomic<int> stage;  // 0: nothing is known; 1: being looked up; 2: ready
settings chosen;
bool marks_by_present, marks_by_call, children;
std::atomic<std::uint64_t> next_mark_ns;

// Memory that dlsym() itself may request while the functions are looked up.
alignas(16) char early[16384];
std::atomic<std::size_t> early_used;
bool is_early(const void* p) noexcept {
    return p >= static_cast<const void*>(early) && p < static_cast<const void*>(early + sizeof early);
}
void* take_early(std::size_t n) noexcept {
    const std::size_t at = early_used.fetch_add((n + 31) / 16 * 16, std::memory_order_relaxed);
    return at + n <= sizeof early ? early + at : nullptr;
}

template <class F>
void find_next(F*& f, const char* name) noexcept {
    f = reinterpret_cast<F*>(recorder_next(name));
}

// Ends the process before the program's own code begins. Programs that it starts or becomes are not refused: they run
// without a trace.
[[noreturn]] void refuse(const char* what, const char* detail) noexcept {
    dprintf(2, "framealloc-record: %s: %s\n", what, detail);
    unlink(chosen.path);
    _exit(2);
}

const char* setting(const char* name) noexcept {
    char full[64];
    std::snprintf(full, sizeof full, "FRAMEALLOC_RECORD_%s", name);
    const char* value = std::getenv(full);
    return value == nullptr ? "" : value;
}

void begin() noexcept {
    const char* path = setting("TRACE");
    if (*path == 0) return;
    children = *setting("CHILDREN") == '1';
    // A process keeps its number when it becomes another program: then the trace begins anew. Children have other
    // numbers.
    if (!children && std::strtol(setting("PID"), nullptr, 10) != getpid()) return;
    if (children) std::snprintf(chosen.path, sizeof chosen.path, "%s.%d", path, static_cast<int>(getpid()));
    else std::snprintf(chosen.path, sizeof chosen.path, "%s", path);
    chosen.limit = std::strtoull(setting("LIMIT"), nullptr, 10);
    chosen.sample = static_cast<std::uint32_t>(std::strtoul(setting("SAMPLE"), nullptr, 10));
    if (chosen.sample == 0) chosen.sample = 1;
    chosen.stack_depth = static_cast<std::uint32_t>(std::strtoul(setting("DEPTH"), nullptr, 10));
    if (chosen.stack_depth > trace::deepest_stack) chosen.stack_depth = trace::deepest_stack;
    chosen.every_us = static_cast<std::uint32_t>(std::strtoul(setting("EVERY_US"), nullptr, 10));
    std::snprintf(chosen.frame_name, sizeof chosen.frame_name, "%s", setting("FRAME"));
    chosen.frames = chosen.every_us != 0      ? trace::frame_source::time
                    : *chosen.frame_name != 0 ? trace::frame_source::symbol
                                              : trace::frame_source::program;
    marks_by_present = marks_by_call = chosen.frames == trace::frame_source::program;
    next_mark_ns = std::uint64_t{chosen.every_us} * 1000;
    const char* wrong = open_trace(chosen);
    if (wrong == nullptr) return;
    unlink(chosen.path);
    if (!children) dprintf(2, "framealloc-record: %s: %s; the program runs unrecorded\n", chosen.path, wrong);
}

bool ready() noexcept {
    int s = stage.load(std::memory_order_acquire);
    if (s == 2) return true;
    if (s == 1 || !stage.compare_exchange_strong(s, 1)) return false;
    thread_state& t = this_thread();
    t.inside = true;
    find_next(next.malloc, "malloc");
    find_next(next.calloc, "calloc");
    find_next(next.realloc, "realloc");
    find_next(next.free, "free");
    find_next(next.memalign, "memalign");
    find_next(next.aligned_alloc, "aligned_alloc");
    find_next(next.posix_memalign, "posix_memalign");
    find_next(next.valloc, "valloc");
    find_next(next.pvalloc, "pvalloc");
    recorder_find_new();
    stage.store(2, std::memory_order_release);
    begin();
    t.inside = false;
    return true;
}

void in_child() noexcept {
    forget_trace();
    if (!children) return;
    thread_state& t = this_thread();
    const bool was = t.inside;
    t = {};
    t.inside = true;
    begin();
    t.inside = was;
}

// Programs also request modes without a filter, which they do not enter, to find out what is supported.
bool enters_sandbox(bool strict, bool filtered, long filter) noexcept { return strict || (filtered && filter != 0); }

int (*next_prctl)(int, ...);
long (*next_syscall)(long, ...);
void find_calls() noexcept {
    next_prctl = reinterpret_cast<int (*)(int, ...)>(recorder_next("prctl"));
    next_syscall = reinterpret_cast<long (*)(long, ...)>(recorder_next("syscall"));
}

__attribute__((constructor)) void at_start() {
    find_calls();  // looked up here, since programs make these calls in signal handlers
    if (!ready() || !recording()) return;
    thread_state& t = this_thread();
    t.inside = true;
    pthread_atfork(nullptr, nullptr, in_child);
    guard_mappings();
    if (*chosen.frame_name != 0) {
        const function f = find_function(chosen.frame_name);
        const bool asked_for = std::strtol(setting("PID"), nullptr, 10) == getpid();
        if (f.address == 0 && !children)
            refuse(chosen.frame_name,
                   "no such function in the program or its libraries; is it stripped? (--frame-every MS needs none)");
        const char* wrong = f.address == 0
                                ? nullptr
                                : mark_at(f);  // with children, a shell that starts the program has no such function
        if (wrong != nullptr && asked_for) refuse(chosen.frame_name, wrong);
    }
    t.inside = false;
}
__attribute__((destructor)) void at_end() { close_trace(); }

bool sampled(const void* p) noexcept {
    return chosen.sample == 1 ||
           ((reinterpret_cast<std::uintptr_t>(p) >> 4) * 0x9e3779b97f4a7c15U >> 32) % chosen.sample == 0;
}

std::uint32_t stack_from(const thread_state& t, void* frame) noexcept {
    if (chosen.stack_depth == 0) return 0;
    std::uintptr_t addresses[trace::deepest_stack];
    const auto* f = static_cast<const std::uintptr_t*>(frame);
    const std::size_t n = unwind(
        {.pc = f[1], .sp = reinterpret_cast<std::uintptr_t>(f + 2), .bp = f[0], .end = t.stack_end}, addresses,
        chosen.stack_depth);
    return stack_number(addresses, n);
}

void mark_by_time(thread_state& t) noexcept {
    const std::uint64_t now = since_start_ns();
    std::uint64_t due = next_mark_ns.load(std::memory_order_relaxed);
    while (now >= due) {  // also for slices in which nothing was allocated
        if (!next_mark_ns.compare_exchange_weak(due, due + std::uint64_t{chosen.every_us} * 1000,
                                                std::memory_order_relaxed))
            continue;
        put_mark(t);
        due = next_mark_ns.load(std::memory_order_relaxed);
    }
}

void record_allocation(thread_state& t, trace::op what, void* p, std::size_t bytes, std::size_t alignment,
                       void* frame) noexcept {
    if (chosen.every_us != 0) mark_by_time(t);
    if (!sampled(p)) return;
    if (t.stack_end == 0) put(t, what, 0, reinterpret_cast<std::uintptr_t>(p), bytes, 4);
    else
        put(t, what, stack_from(t, frame), reinterpret_cast<std::uintptr_t>(p), bytes,
            static_cast<unsigned>(std::countr_zero(std::bit_ceil(alignment))));
}

void mark_from_program(bool wished) noexcept {
    thread_state& t = this_thread();
    if (!wished || !recording() || t.inside) return;
    t.inside = true;
    if (t.number == 0) introduce(t);
    put_mark(t);
    t.inside = false;
}

// A function in a library loaded with RTLD_LOCAL is found through the caller. If there is none, the program was only
// probing for it.
template <class R, class... A>
R present(const char* name, const void* caller, R (*&forward)(A...), A... arguments) noexcept {
    mark_from_program(marks_by_present);
    const int saved = errno;
    if (forward == nullptr) forward = reinterpret_cast<R (*)(A...)>(recorder_next(name));
    if (forward == nullptr) forward = reinterpret_cast<R (*)(A...)>(recorder_next_for(caller, name));
    errno = saved;
    return forward == nullptr ? R() : forward(arguments...);
}

// A member of the malloc family that only allocates: calls the real function and records the block.
template <class F, class... A>
void* allocate(recorder_kind kind, F* forward, std::size_t bytes, std::size_t alignment, void* frame,
               A... arguments) noexcept {
    const int mine = recorder_enter();
    void* p = forward(arguments...);
    if (mine == 0) return p;
    if (p != nullptr) recorder_allocated(kind, p, bytes, alignment, frame);
    recorder_leave();
    return p;
}

}  // namespace
}  // namespace recorder

using namespace recorder;

extern "C" {

int recorder_enter() {
    thread_state& t = this_thread();
    if (!ready() || !recording()) return 0;
    if (t.inside) return 0;
    t.inside = true;
    if (t.number != 0) return 1;
    const int saved = errno;
    introduce(t);
    errno = saved;
    return 1;
}
void recorder_leave() { this_thread().inside = false; }

void recorder_allocated(recorder_kind kind, void* p, std::size_t bytes, std::size_t alignment, void* frame) {
    const int saved = errno;
    record_allocation(this_thread(), static_cast<trace::op>(kind), p, bytes, alignment, frame);
    errno = saved;
}

void recorder_releasing(void* p, int is_delete) {
    const int saved = errno;
    if (sampled(p))
        put(this_thread(), is_delete != 0 ? trace::op::release_delete : trace::op::release, 0,
            reinterpret_cast<std::uintptr_t>(p), 0, 0);
    errno = saved;
}

void* recorder_take(std::size_t bytes, std::size_t alignment) {
    if (!ready()) return take_early(bytes);
    if (bytes == 0) bytes = 1;
    return alignment <= 16 ? next.malloc(bytes) : next.memalign(alignment, bytes);
}
void recorder_give_back(void* p) {
    if (p != nullptr && !is_early(p) && ready()) next.free(p);
}

#pragma GCC visibility push(default)

void* malloc(std::size_t n) {
    if (!ready()) return take_early(n);
    const int mine = recorder_enter();
    void* p = next.malloc(n);
    if (mine == 0) return p;
    if (p != nullptr) recorder_allocated(recorder_malloc, p, n, 16, __builtin_frame_address(0));
    recorder_leave();
    return p;
}

void* calloc(std::size_t n, std::size_t each) {
    if (!ready()) return take_early(n * each);
    const int mine = recorder_enter();
    void* p = next.calloc(n, each);
    if (mine == 0) return p;
    if (p != nullptr) recorder_allocated(recorder_calloc, p, n * each, 16, __builtin_frame_address(0));
    recorder_leave();
    return p;
}

void free(void* p) {
    if (p == nullptr || is_early(p)) return;
    if (!ready()) return;
    const int mine = recorder_enter();
    if (mine != 0) recorder_releasing(p, 0);
    const int saved = errno;
    next.free(p);
    errno = saved;
    if (mine != 0) recorder_leave();
}

void* realloc(void* p, std::size_t n) {
    if (!ready()) return take_early(n);
    if (is_early(p)) {
        void* q = malloc(n);
        const std::size_t room = static_cast<std::size_t>(early + sizeof early - static_cast<char*>(p));
        if (q != nullptr) std::memcpy(q, p, n < room ? n : room);
        return q;
    }
    const int mine = recorder_enter();
    if (mine == 0) return next.realloc(p, n);
    thread_state& t = this_thread();
    const bool from = p != nullptr && sampled(p);
    const auto old = reinterpret_cast<std::uintptr_t>(p);
    int saved = errno;
    if (from) put(t, trace::op::resize_from, 0, old, 0, 0);
    errno = saved;
    void* q = next.realloc(p, n);
    saved = errno;
    if (q != nullptr)
        record_allocation(t, from ? trace::op::resize_to : trace::op::allocate, q, n, 16, __builtin_frame_address(0));
    else if (from && n != 0) put(t, trace::op::resize_failed, 0, old, 0, 0);
    errno = saved;
    recorder_leave();
    return q;
}

void* reallocarray(void* p, std::size_t n, std::size_t each) {
    std::size_t bytes = 0;
    if (!__builtin_mul_overflow(n, each, &bytes)) return realloc(p, bytes);
    errno = ENOMEM;
    return nullptr;
}

// Libraries differ in which alignments and sizes these functions refuse, and how: each calls the original of its own
// name.
void* memalign(std::size_t alignment, std::size_t n) {
    if (!ready() || next.memalign == nullptr) return nullptr;
    return allocate(recorder_aligned, next.memalign, n, alignment, __builtin_frame_address(0), alignment, n);
}
void* aligned_alloc(std::size_t alignment, std::size_t n) {
    if (!ready() || next.aligned_alloc == nullptr) return nullptr;
    return allocate(recorder_aligned, next.aligned_alloc, n, alignment, __builtin_frame_address(0), alignment, n);
}
void* valloc(std::size_t n) {
    if (!ready() || next.valloc == nullptr) return nullptr;
    return allocate(recorder_aligned, next.valloc, n, 4096, __builtin_frame_address(0), n);
}
void* pvalloc(std::size_t n) {
    if (!ready() || next.pvalloc == nullptr) return nullptr;
    return allocate(recorder_aligned, next.pvalloc, (n + 4095) & ~std::size_t{4095}, 4096, __builtin_frame_address(0),
                    n);
}
int posix_memalign(void** into, std::size_t alignment, std::size_t n) {
    if (!ready() || next.posix_memalign == nullptr) return ENOMEM;
    const int mine = recorder_enter();
    const int wrong = next.posix_memalign(into, alignment, n);
    if (mine == 0) return wrong;
    if (wrong == 0) recorder_allocated(recorder_aligned, *into, n, alignment, __builtin_frame_address(0));
    recorder_leave();
    return wrong;
}

// --- frames ---

void framealloc_mark_frame() { mark_from_program(marks_by_call); }

void SDL_GL_SwapWindow(void* window) {
    static void (*forward)(void*);
    present("SDL_GL_SwapWindow", __builtin_return_address(0), forward, window);
}
void SDL_RenderPresent(void* renderer) {
    static void (*forward)(void*);
    present("SDL_RenderPresent", __builtin_return_address(0), forward, renderer);
}
void glXSwapBuffers(void* display, unsigned long drawable) {
    static void (*forward)(void*, unsigned long);
    present("glXSwapBuffers", __builtin_return_address(0), forward, display, drawable);
}
unsigned eglSwapBuffers(void* display, void* surface) {
    static unsigned (*forward)(void*, void*);
    return present("eglSwapBuffers", __builtin_return_address(0), forward, display, surface);
}
int vkQueuePresentKHR(void* queue, const void* info) {
    static int (*forward)(void*, const void*);
    return present("vkQueuePresentKHR", __builtin_return_address(0), forward, queue, info);
}

// --- the end ---

void _exit(int status) {
    close_trace();
    for (;;) syscall(SYS_exit_group, status);
}
void _Exit(int status) noexcept { _exit(status); }

// --- sandboxes ---

int prctl(int option, ...) noexcept {
    va_list list;
    va_start(list, option);
    unsigned long a[4];
    for (unsigned long& each : a) each = va_arg(list, unsigned long);
    va_end(list);
    const bool filtered = a[0] == SECCOMP_MODE_FILTER;
    if (option == PR_SET_SECCOMP && enters_sandbox(a[0] == SECCOMP_MODE_STRICT, filtered, static_cast<long>(a[1])))
        close_trace_before_sandbox();
    if (next_prctl == nullptr) find_calls();
    return next_prctl(option, a[0], a[1], a[2], a[3]);
}
long syscall(long number, ...) noexcept {
    va_list list;
    va_start(list, number);
    long a[6];
    for (long& each : a) each = va_arg(list, long);
    va_end(list);
    const bool by_prctl = number == SYS_prctl && a[0] == PR_SET_SECCOMP;
    if (by_prctl && enters_sandbox(a[1] == SECCOMP_MODE_STRICT, a[1] == SECCOMP_MODE_FILTER, a[2]))
        close_trace_before_sandbox();
    if (number == SYS_seccomp && enters_sandbox(a[0] == SECCOMP_SET_MODE_STRICT, a[0] == SECCOMP_SET_MODE_FILTER, a[2]))
        close_trace_before_sandbox();
    if (next_syscall == nullptr) find_calls();
    return next_syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

// --- modules that go away ---

int dlclose(void* library) noexcept {
    static int (*forward)(void*);
    if (forward == nullptr) forward = reinterpret_cast<int (*)(void*)>(recorder_next("dlclose"));
    const int wrong = forward(library);  // runs destructors, which free
    thread_state& t = this_thread();
    if (!recording() || t.inside) return wrong;
    t.inside = true;
    look_for_unloaded();
    t.inside = false;
    return wrong;
}

#pragma GCC visibility pop

}  // extern "C"
