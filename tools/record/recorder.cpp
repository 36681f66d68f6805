// The library that framealloc-record preloads: malloc and its family, the marks of frames, and what a process does at its ends.
#include "hooks.h"

#include "frame_mark.hpp"
#include "unwind.hpp"
#include "writer.hpp"

#include <dlfcn.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <bit>
#include <cerrno>
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
} next;
std::atomic<int> stage;  // 0: nothing is known; 1: being looked up; 2: ready
settings chosen;
bool marks_by_present, marks_by_call, children;
std::atomic<std::uint64_t> next_mark_ns;

// What dlsym() itself may ask for while the functions are looked up.
alignas(16) char early[16384];
std::atomic<std::size_t> early_used;
bool is_early(const void* p) noexcept { return p >= static_cast<const void*>(early) && p < static_cast<const void*>(early + sizeof early); }
void* take_early(std::size_t n) noexcept {
    const std::size_t at = early_used.fetch_add((n + 31) / 16 * 16, std::memory_order_relaxed);
    return at + n <= sizeof early ? early + at : nullptr;
}

template <class F>
void find_next(F*& f, const char* name) noexcept {
    f = reinterpret_cast<F*>(dlsym(RTLD_NEXT, name));
}

[[noreturn]] void refuse(const char* what, const char* detail) noexcept {
    dprintf(2, "framealloc-record: %s: %s\n", what, detail);
    if (*chosen.path != 0) unlink(chosen.path);
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
    // A process keeps its number when it becomes another program: then the trace begins anew. Its children have others.
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
    chosen.frames = chosen.every_us != 0 ? trace::frame_source::time : *chosen.frame_name != 0 ? trace::frame_source::symbol : trace::frame_source::program;
    marks_by_present = marks_by_call = chosen.frames == trace::frame_source::program;
    next_mark_ns = std::uint64_t{chosen.every_us} * 1000;
    if (const char* wrong = open_trace(chosen)) refuse(chosen.path, wrong);
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

__attribute__((constructor)) void at_start() {
    if (!ready() || !recording()) return;
    thread_state& t = this_thread();
    t.inside = true;
    pthread_atfork(nullptr, nullptr, in_child);
    if (*chosen.frame_name != 0) {
        const std::uintptr_t function = find_function(chosen.frame_name);
        if (function == 0) refuse(chosen.frame_name, "no such function in the program or its libraries; is it stripped? (--frame-every MS needs none)");
        if (const char* wrong = mark_at(function)) refuse(chosen.frame_name, wrong);
    }
    t.inside = false;
}
__attribute__((destructor)) void at_end() { close_trace(); }

bool sampled(const void* p) noexcept {
    return chosen.sample == 1 || ((reinterpret_cast<std::uintptr_t>(p) >> 4) * 0x9e3779b97f4a7c15U >> 32) % chosen.sample == 0;
}

std::uint32_t stack_from(const thread_state& t, void* frame) noexcept {
    if (chosen.stack_depth == 0) return 0;
    std::uintptr_t addresses[trace::deepest_stack];
    const auto* f = static_cast<const std::uintptr_t*>(frame);
    const std::size_t n = unwind({.pc = f[1], .sp = reinterpret_cast<std::uintptr_t>(f + 2), .bp = f[0], .end = t.stack_end}, addresses, chosen.stack_depth);
    return stack_number(addresses, n);
}

void mark_by_time(thread_state& t) noexcept {
    const std::uint64_t now = since_start_ns();
    std::uint64_t due = next_mark_ns.load(std::memory_order_relaxed);
    while (now >= due) {
        if (!next_mark_ns.compare_exchange_weak(due, due + std::uint64_t{chosen.every_us} * 1000, std::memory_order_relaxed)) continue;
        put_mark(t);
        due = next_mark_ns.load(std::memory_order_relaxed);
    }
}

void record_allocation(thread_state& t, trace::op what, void* p, std::size_t bytes, std::size_t alignment, void* frame) noexcept {
    if (chosen.every_us != 0) mark_by_time(t);
    if (!sampled(p)) return;
    if (t.stack_end == 0) put(t, what, 0, reinterpret_cast<std::uintptr_t>(p), bytes, 4);
    else put(t, what, stack_from(t, frame), reinterpret_cast<std::uintptr_t>(p), bytes, static_cast<unsigned>(std::countr_zero(alignment)));
}

void mark_from_program(bool wished) noexcept {
    thread_state& t = this_thread();
    if (!wished || !recording() || t.inside) return;
    t.inside = true;
    if (t.number == 0) introduce(t);
    put_mark(t);
    t.inside = false;
}

template <class R, class... A>
R present(const char* name, R (*&forward)(A...), A... arguments) noexcept {
    mark_from_program(marks_by_present);
    if (forward == nullptr) forward = reinterpret_cast<R (*)(A...)>(recorder_next(name));
    return forward(arguments...);
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
    if (t.number == 0) introduce(t);
    return 1;
}
void recorder_leave() { this_thread().inside = false; }

void recorder_allocated(recorder_kind kind, void* p, std::size_t bytes, std::size_t alignment, void* frame) {
    record_allocation(this_thread(), static_cast<trace::op>(kind), p, bytes, alignment, frame);
}

void recorder_releasing(void* p, int is_delete) {
    if (sampled(p)) put(this_thread(), is_delete != 0 ? trace::op::release_delete : trace::op::release, 0, reinterpret_cast<std::uintptr_t>(p), 0, 0);
}

void (*recorder_next(const char* name))() {
    void (*f)() = nullptr;
    find_next(f, name);
    if (f == nullptr) refuse(name, "the program calls it, but no library has it");
    return f;
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
    if (from) put(t, trace::op::resize_from, 0, old, 0, 0);
    void* q = next.realloc(p, n);
    if (q != nullptr) record_allocation(t, from ? trace::op::resize_to : trace::op::allocate, q, n, 16, __builtin_frame_address(0));
    else if (from && n != 0) put(t, trace::op::resize_failed, 0, old, 0, 0);
    recorder_leave();
    return q;
}

void* reallocarray(void* p, std::size_t n, std::size_t each) {
    std::size_t bytes = 0;
    if (!__builtin_mul_overflow(n, each, &bytes)) return realloc(p, bytes);
    errno = ENOMEM;
    return nullptr;
}

void* memalign(std::size_t alignment, std::size_t n) {
    if (!ready()) return nullptr;
    const int mine = recorder_enter();
    void* p = next.memalign(alignment, n);
    if (mine == 0) return p;
    if (p != nullptr) recorder_allocated(recorder_aligned, p, n, std::bit_ceil(alignment), __builtin_frame_address(0));
    recorder_leave();
    return p;
}

void* aligned_alloc(std::size_t alignment, std::size_t n) { return memalign(alignment, n); }
void* valloc(std::size_t n) { return memalign(4096, n); }
void* pvalloc(std::size_t n) { return memalign(4096, (n + 4095) / 4096 * 4096); }
int posix_memalign(void** into, std::size_t alignment, std::size_t n) {
    if (alignment < sizeof(void*) || !std::has_single_bit(alignment)) return EINVAL;
    const int saved = errno;
    void* p = memalign(alignment, n);
    errno = saved;
    if (p == nullptr) return ENOMEM;
    *into = p;
    return 0;
}

// --- frames ---

void framealloc_mark_frame() { mark_from_program(marks_by_call); }

void SDL_GL_SwapWindow(void* window) {
    static void (*forward)(void*);
    present("SDL_GL_SwapWindow", forward, window);
}
void SDL_RenderPresent(void* renderer) {
    static void (*forward)(void*);
    present("SDL_RenderPresent", forward, renderer);
}
void glXSwapBuffers(void* display, unsigned long drawable) {
    static void (*forward)(void*, unsigned long);
    present("glXSwapBuffers", forward, display, drawable);
}
unsigned eglSwapBuffers(void* display, void* surface) {
    static unsigned (*forward)(void*, void*);
    return present("eglSwapBuffers", forward, display, surface);
}
int vkQueuePresentKHR(void* queue, const void* info) {
    static int (*forward)(void*, const void*);
    return present("vkQueuePresentKHR", forward, queue, info);
}

// --- the end ---

void _exit(int status) {
    close_trace();
    for (;;) syscall(SYS_exit_group, status);
}
void _Exit(int status) noexcept { _exit(status); }

// --- what the program may not block while a breakpoint marks its frames ---

int pthread_sigmask(int how, const sigset_t* set, sigset_t* old) noexcept {
    static int (*forward)(int, const sigset_t*, sigset_t*);
    if (forward == nullptr) forward = reinterpret_cast<int (*)(int, const sigset_t*, sigset_t*)>(recorder_next("pthread_sigmask"));
    if (set == nullptr || !guards_trap() || how == SIG_UNBLOCK) return forward(how, set, old);
    sigset_t without = *set;
    sigdelset(&without, SIGTRAP);
    return forward(how, &without, old);
}
int sigprocmask(int how, const sigset_t* set, sigset_t* old) noexcept {
    const int wrong = pthread_sigmask(how, set, old);
    if (wrong == 0) return 0;
    errno = wrong;
    return -1;
}

#pragma GCC visibility pop

}  // extern "C"
