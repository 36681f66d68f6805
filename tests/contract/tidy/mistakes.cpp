// Stock clang-tidy with share/framealloc.clang-tidy reports exactly the marked lines.
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

task scope_across_a_suspension(fa::smart_alloc a) {
    auto frame = a.frame_scope();  // tidy: misc-coroutine-hostile-raii
    co_await std::suspend_always{};
}
task box_across_a_suspension(fa::smart_alloc a) {
    auto box = a.frame_box<int>(1);  // tidy: misc-coroutine-hostile-raii
    co_await std::suspend_always{};
    *box = 2;
}
task vec_across_a_suspension(fa::smart_alloc a) {
    auto hits = a.frame_vec<int>();  // tidy: misc-coroutine-hostile-raii
    co_await std::suspend_always{};
    hits.push_back(1);
}
int box_after_it_was_moved(fa::smart_alloc a) {
    auto b = a.pool_box<int>(1);
    auto c = std::move(b);
    return *b + *c;  // tidy: bugprone-use-after-move
}

// Correct.
task frame_between_suspensions(fa::smart_alloc a) {
    co_await std::suspend_always{};
    {
        auto frame = a.frame_scope();
        auto hits = frame.vec<int>();
        hits.push_back(1);
    }
    auto kept = a.pool_box<int>(1);
    co_await std::suspend_always{};
    *kept = 2;
}
