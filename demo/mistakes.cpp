// One small program for each mistake that the demonstration commits.
#include "mistakes.hpp"

#include <sys/time.h>

#include <csignal>
#include <cstdio>
#include <latch>
#include <string>
#include <thread>
#include <utility>

#include <framealloc/framealloc.hpp>

namespace demo {

namespace fa = framealloc;
using namespace fa::literals;

namespace {

using debug_alloc = fa::basic_smart_alloc<fa::policy::debug>;

// Debug mode would end the program at a fault; here the fault is only printed.
fa::options shown() {
    fa::options o{.name = "demo"};
    o.on_fault = [](const fa::fault& f) { fa::print_fault(f); };
    return o;
}

void dangle() {
    std::puts("A vec of this frame's hits is kept and read in the next frame:");
    debug_alloc alloc{shown()};
    alloc.begin_frame();
    auto hits = alloc.frame_vec<int>();
    hits.push_back(42);
    alloc.end_frame();
    alloc.begin_frame();
    static_cast<void>(hits[0]);
    alloc.end_frame();
}

void grow_inner() {
    std::puts(
        "A vec of the outer frame grows while a helper's own frame is open. Elsewhere the classic corruption; here:");
    debug_alloc alloc{shown()};
    auto outer = alloc.frame_scope();
    auto names = outer.vec<std::string>();
    {
        auto inner = alloc.frame_scope();
        for (int i = 0; i < 1000; ++i) names.push_back("a name too long for the small buffer " + std::to_string(i));
    }
    {
        auto inner = alloc.frame_scope();
        for (int& v : inner.batch<int>(100'000)) v = -1;
    }
    std::size_t right = 0;
    for (std::size_t i = 0; i < names.size(); ++i)
        right += names[i] == "a name too long for the small buffer " + std::to_string(i) ? 1U : 0U;
    std::printf("  %zu of %zu names are right; frame_stats().outer_growth = %llu\n", right, names.size(),
                static_cast<unsigned long long>(alloc.frame_stats().outer_growth));
}

void last_handle() {
    std::puts("The last handle goes while a loader's frame is open:");
    std::latch opened{1}, gone{1};
    std::thread loader;
    {
        const debug_alloc alloc{shown()};
        loader = std::thread([&] {
            const auto frame = alloc.frame_scope();
            opened.count_down();
            gone.wait();
        });
        opened.wait();
    }
    gone.count_down();
    loader.join();
}

void busy_frame() {
    std::puts("Render still holds the last frame, and none may be added:");
    fa::options o = shown();
    o.on_frame_busy = fa::on_frame_busy::fault();
    const debug_alloc alloc{o};
    fa::frame_hold held;
    {
        const auto frame = alloc.frame_scope();
        held = frame.hold("render");
    }
    const auto next = alloc.frame_scope();
}

void overflow() {
    std::puts("A frame needs twenty times the capacity it was given:");
    debug_alloc alloc{fa::options{.name = "demo", .frame_capacity = 64_KiB}};
    for (int n = 0; n < 2; ++n) {
        {
            auto frame = alloc.frame_scope();
            for (int i = 0; i < 320; ++i) static_cast<void>(frame.alloc_bytes(4000));
        }
        const auto s = alloc.frame_stats();
        std::printf("  frame %d: %llu chunks chained so far; a frame_capacity of %zu bytes would have sufficed\n",
                    n + 1, static_cast<unsigned long long>(s.arena_growth), s.suggested_capacity);
    }
    std::puts("With a frame_limit the same is exhaustion, a value for try_ members:");
    debug_alloc limited{fa::options{.name = "demo", .frame_capacity = 64_KiB, .frame_limit = 256_KiB}};
    auto frame = limited.frame_scope();
    std::size_t got = 0;
    while (frame.try_alloc_bytes(4000) != nullptr) got += 4000;
    std::printf("  %zu bytes were handed out, then try_alloc_bytes returned null\n", got);
}

// The classic mistakes, in a few lines each. Volatile hides them from the compiler, which would warn otherwise.
using maker = void (*)(const debug_alloc&);

void use_after_frame(const debug_alloc& a) {
    volatile int* volatile p = nullptr;
    {
        auto frame = a.frame_scope();
        p = frame.alloc<int>();
    }
    std::puts(
        "(the access is trapped; after the report it is made again, and ends the program as any such access does)");
    std::fflush(stdout);
    static_cast<void>(static_cast<int>(*p));
}
void overrun(const debug_alloc& a) {
    auto* p = static_cast<volatile char*>(a.pool_alloc_bytes(40));
    p[40] = 1;
    a.pool_free_bytes(const_cast<char*>(p), 40);
}
void underrun(const debug_alloc& a) {
    auto* p = static_cast<volatile char*>(a.heap_alloc_bytes(10'000));
    *(p - 1) = 1;
    a.heap_free_bytes(const_cast<char*>(p), 10'000);
}
void overrun_in_frame(const debug_alloc& a) {
    auto frame = a.frame_scope();
    volatile char* p = frame.batch<char>(100).data();
    p[100] = 1;
}
void double_free(const debug_alloc& a) {
    void* p = a.pool_alloc_bytes(64);
    a.pool_free_bytes(p, 64);
    a.pool_free_bytes(p, 64);
}
void foreign_free(const debug_alloc& a) {
    int local = 0;
    void* volatile p = &local;
    a.pool_free_bytes(p, 4);
}
void interior_free(const debug_alloc& a) {
    auto* p = static_cast<char*>(a.heap_alloc_bytes(9000));
    a.heap_free_bytes(p + 16, 9000);
    a.heap_free_bytes(p, 9000);
}
void wrong_allocator(const debug_alloc& a) {
    const debug_alloc assets{shown()};
    void* p = assets.pool_alloc_bytes(32);
    a.pool_free_bytes(p, 32);
    assets.pool_free_bytes(p, 32);
}
void wrong_size(const debug_alloc& a) { a.heap_free_bytes(a.heap_alloc_bytes(100), 200); }
void write_after_free(const debug_alloc& a) {
    auto* p = static_cast<volatile char*>(a.pool_alloc_bytes(48));
    a.pool_free_bytes(const_cast<char*>(p), 48);
    p[5] = 1;
    a.check();
}
void leak(const debug_alloc& a) {
    const fa::tag_scope tag{a, "audio::voices"};
    for (int i = 0; i < 3; ++i) static_cast<void>(a.pool_alloc_bytes(64));
}
void outside(const debug_alloc& a) { static_cast<void>(a.frame_alloc<int>()); }
void end_without_begin(const debug_alloc& a) { a.end_frame(); }
void begin_without_end(const debug_alloc& a) { a.begin_frame(); }
void stale_checkpoint(const debug_alloc& a) {
    a.begin_frame();
    const auto cp = a.frame_checkpoint();
    a.end_frame();
    a.rollback_to(cp);
}
void phase_mismatch(const debug_alloc& a) { a.end_phase(); }
void wrong_thread(const debug_alloc& a) {
    auto frame = a.frame_scope();
    std::thread([&] { static_cast<void>(frame.try_alloc<int>()); }).join();
}
void odd_alignment(const debug_alloc& a) { static_cast<void>(a.try_heap_alloc_bytes(10, 3)); }
void received_twice(const debug_alloc& a) {
    auto h = a.frame_box_for_transfer<int>(1);
    auto first = std::move(h).receive();
    auto second = std::move(h).receive();
}
void wrong_thread_free(const debug_alloc& a) {
    const auto frame = a.frame_scope();
    auto names = frame.vec<std::string>();
    names.push_back("of this thread's frame");
    std::thread([&] { const auto gone = std::move(names); }).join();
}
void corrupt_free_list(const debug_alloc& a) {
    void* neighbour = a.pool_alloc_bytes(40);
    auto* p = static_cast<volatile char*>(a.pool_alloc_bytes(40));
    a.pool_free_bytes(const_cast<char*>(p), 40);
    for (int i = 0; i < 600; ++i) a.pool_free_bytes(a.pool_alloc_bytes(2000), 2000);  // it has left quarantine
    p[-4] = 1;
    a.check();
    a.pool_free_bytes(neighbour, 40);
}
void signal_handler(const debug_alloc& a) {
    static const debug_alloc* interrupted;
    static volatile int calls = 0;
    interrupted = &a;
    std::signal(SIGPROF, [](int) {
        if (void* p = interrupted->try_heap_alloc_bytes(5000))
            interrupted->heap_free_bytes(p, 5000);  // the signal did not interrupt a call
        calls = calls + 1;
    });
    const itimerval every{{0, 1000}, {0, 1000}}, never{};
    setitimer(ITIMER_PROF, &every, nullptr);
    while (calls < 20) a.heap_free_bytes(a.heap_alloc_bytes(20'000), 20'000);
    setitimer(ITIMER_PROF, &never, nullptr);
    std::signal(SIGPROF, SIG_IGN);
}
void over_budget(const debug_alloc& a) {
    a.set_thread_frame_budget(1000);
    a.on_budget_exceeded(fa::budget_policy::warn);
    auto frame = a.frame_scope();
    static_cast<void>(frame.alloc_bytes(5000));
}

void parked_frame(const debug_alloc& a) {
    const auto frame = a.frame_scope();
    auto parked = a.park();
    static_cast<void>(frame.try_alloc<int>());
    a.resume(std::move(parked));
}
void full_queue(const debug_alloc& a) {
    a.set_deferred({.full_policy = fa::queue_full_policy::fail, .capacity = 10});
    void* blocks[20];
    for (void*& p : blocks) p = a.pool_alloc_bytes(64);
    std::thread([&] {
        for (void* p : blocks) a.pool_free_bytes(p, 64);
    }).join();
}

struct kind {
    const char* name;
    maker make;
};
constexpr kind kinds[] = {
    {"use-after-frame", use_after_frame},
    {"overrun", overrun},
    {"underrun", underrun},
    {"overrun-in-frame", overrun_in_frame},
    {"double-free", double_free},
    {"foreign-free", foreign_free},
    {"interior-free", interior_free},
    {"wrong-allocator", wrong_allocator},
    {"wrong-size", wrong_size},
    {"write-after-free", write_after_free},
    {"leak", leak},
    {"outside", outside},
    {"end-without-begin", end_without_begin},
    {"begin-without-end", begin_without_end},
    {"stale-checkpoint", stale_checkpoint},
    {"phase-mismatch", phase_mismatch},
    {"wrong-thread", wrong_thread},
    {"odd-alignment", odd_alignment},
    {"received-twice", received_twice},
    {"over-budget", over_budget},
    {"wrong-thread-free", wrong_thread_free},
    {"corrupt-free-list", corrupt_free_list},
    {"signal-handler", signal_handler},
    {"parked-frame", parked_frame},
    {"full-queue", full_queue},
};

struct scene {
    const char* name;
    void (*show)();
};
constexpr scene scenes[] = {{"dangle", dangle},
                            {"grow-inner", grow_inner},
                            {"overflow", overflow},
                            {"last-handle", last_handle},
                            {"busy-frame", busy_frame}};

}  // namespace

std::vector<std::string> mistakes() {
    std::vector<std::string> names;
    for (const scene& s : scenes) names.emplace_back(s.name);
    for (const kind& k : kinds) names.emplace_back(k.name);
    return names;
}

void commit_mistake(const std::string& name) {
    for (const scene& s : scenes) {
        if (name == s.name) return s.show();
    }
    for (const kind& k : kinds) {
        if (name == k.name) return k.make(debug_alloc{shown()});
    }
}

}  // namespace demo
