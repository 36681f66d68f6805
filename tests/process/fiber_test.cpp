// A fiber that starts on one thread and resumes on another: every call that finds its context through the thread must
// find that of its current thread, although compilers may keep the address of a thread-local across calls.
#include <framealloc/framealloc.hpp>

#include <cstdio>
#include <string>
#include <thread>

#include <ucontext.h>

namespace fa = framealloc;

namespace {

const fa::smart_alloc* shared = nullptr;
ucontext_t scheduler, fiber;
alignas(64) char stack[256 * 1024];
int wrong = 0;
const std::string destroyed_at_exit(40,
                                    'x');  // with link-time optimisation the compiler sees the library's too

// Called outside the fiber, where nothing is cached from another thread.
[[gnu::noinline]] fa::memory::thread_context* context_here(const fa::smart_alloc& alloc) {
    return fa::memory::context_of(alloc.owner());
}
fa::memory::thread_context* expected = nullptr;

struct object {
    char bytes[64];
};

void check(fa::memory::thread_context* got) { wrong += got != expected ? 1 : 0; }

void body() {
    const fa::smart_alloc& alloc = *shared;
    for (;;) {
        // Straight-line code, so that the compiler sees one thread-local used twice with a switch in between.
        object* pooled = alloc.pool_alloc<object>();
        check(fa::memory::page_of(pooled)->owner);
        alloc.begin_frame();
        static_cast<void>(alloc.frame_alloc<object>());
        check(fa::memory::top_record(alloc.owner())->context);
        alloc.end_frame();
        swapcontext(&fiber, &scheduler);
        object* other = alloc.pool_alloc<object>();
        check(fa::memory::page_of(other)->owner);
        alloc.begin_frame();
        static_cast<void>(alloc.frame_alloc<object>());
        check(fa::memory::top_record(alloc.owner())->context);
        alloc.end_frame();
        alloc.pool_free(pooled);  // of another thread, maybe
        alloc.pool_free(other);
        swapcontext(&fiber, &scheduler);
    }
}

void run_fiber_here() {
    expected = context_here(*shared);
    swapcontext(&scheduler, &fiber);
}

}  // namespace

int main() {
    const fa::smart_alloc alloc;
    shared = &alloc;
    getcontext(&fiber);
    fiber.uc_stack.ss_sp = stack;
    fiber.uc_stack.ss_size = sizeof stack;
    fiber.uc_link = nullptr;
    makecontext(&fiber, body, 0);
    for (int i = 0; i < 100; ++i) {
        if (i % 3 == 0) run_fiber_here();
        else std::thread(run_fiber_here).join();
    }
    std::printf("%d calls found the context of another thread\n", wrong);
    return wrong == 0 ? 0 : 1;
}
