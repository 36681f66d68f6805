// flags: -Wall -Wthread-safety -DFRAMEALLOC_FRAME_CAPABILITY=2
// compilers: clang++-19 clang++-22
// A coroutine must not be suspended with a frame open: it may resume in another frame, or on another thread.
#include <framealloc/framealloc.hpp>

#include <coroutine>

namespace fa = framealloc;

struct task {
    struct promise_type {
        task get_return_object() { return {}; }
        std::suspend_never initial_suspend() noexcept { return {}; }
        std::suspend_never final_suspend() noexcept { return {}; }
        void return_void() {}
        void unhandled_exception() {}
    };
};
struct next_tick {
    bool await_ready() const FRAMEALLOC_EXCLUDES_FRAMES { return false; }
    void await_suspend(std::coroutine_handle<>) const {}
    void await_resume() const {}
};
void use(void*);

task suspended_in_a_frame(fa::smart_alloc a) {
    a.begin_frame();
    use(a.frame_alloc<int>());
    co_await next_tick{};  // expected-warning {{cannot call function 'await_ready' while frame 'any_frame' is held}}
    a.end_frame();
}
task suspended_in_a_scope(fa::smart_alloc a) {
    auto frame = a.frame_scope();
    co_await next_tick{};  // expected-warning {{cannot call function 'await_ready' while frame 'any_frame' is held}}
}

// Correct.
task frame_between_suspensions(fa::smart_alloc a) {
    co_await next_tick{};
    {
        auto frame = a.frame_scope();
        use(frame.alloc<int>());
    }
    co_await next_tick{};
}
