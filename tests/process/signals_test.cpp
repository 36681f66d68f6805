// SIGSEGV belongs to the program: its own handler is called as the system would call it, a signal that was sent
// does what it does without the library, and a report stays within its stack limit. Every case runs in a
// child, in debug, with memory of ended frames trapped.
#include <framealloc/framealloc.hpp>

#include <csetjmp>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include <sys/mman.h>
#include <unistd.h>

#include "../support/child.hpp"

namespace fa = framealloc;
using namespace fa::literals;

namespace {

using alloc_type = fa::basic_smart_alloc<fa::policy::checked>;

// An allocator that traps, and memory of an ended frame.
volatile int* trap_and_lose(const alloc_type& alloc) {
    int* p = nullptr;
    {
        const auto frame = alloc.frame_scope();
        p = frame.alloc<int>();
        *p = 1;
    }
    const auto next = alloc.frame_scope();
    static_cast<void>(next.alloc_bytes(100));
    return p;
}
alloc_type& trapping() {
    static alloc_type alloc{
        fa::options{.name = "trapping", .guard = fa::guard_level::revoke, .strict = fa::strictness::warn}};
    return alloc;
}

void handle(void (*handler)(int), int flags) {
    struct sigaction a{};
    a.sa_handler = handler;
    a.sa_flags = flags;
    sigaction(SIGSEGV, &a, nullptr);
}

volatile int* nowhere() {
    static int* volatile p = nullptr;
    return p;
}

sigjmp_buf back;
int calls = 0;

void raised() {
    trap_and_lose(trapping());
    std::raise(SIGSEGV);
}
void sent() {
    trap_and_lose(trapping());
    kill(getpid(), SIGSEGV);
    pause();
}
void raised_and_ignored() {
    handle(SIG_IGN, 0);
    volatile int* p = trap_and_lose(trapping());
    std::raise(SIGSEGV);
    *p = 2;  // still trapped and reported
    _exit(1);
}
void raised_to_a_handler() {
    handle([](int) { ++calls; }, 0);
    trap_and_lose(trapping());
    std::raise(SIGSEGV);
    std::raise(SIGSEGV);
    _exit(calls == 2 ? 0 : 1);
}
// The mask that the handler runs with is the system's, and after it leaves by longjmp the one that was saved.
void left_by_longjmp() {
    handle([](int) { longjmp(back, 1); }, SA_NODEFER);  // longjmp restores no mask
    trap_and_lose(trapping());
    sigset_t before, after;
    pthread_sigmask(SIG_SETMASK, nullptr, &before);
    if (setjmp(back) == 0) *nowhere() = 1;
    pthread_sigmask(SIG_SETMASK, nullptr, &after);
    for (int i = 1; i <= 64; ++i) {
        if (sigismember(&before, i) != sigismember(&after, i)) _exit(i);
    }
    _exit(0);
}
void blocked_while_it_runs() {
    struct sigaction a{};
    a.sa_handler = [](int) {
        sigset_t now;
        pthread_sigmask(SIG_SETMASK, nullptr, &now);
        _exit(sigismember(&now, SIGSEGV) == 1 && sigismember(&now, SIGUSR1) == 1 && sigismember(&now, SIGUSR2) == 0
                  ? 0
                  : 1);
    };
    sigaddset(&a.sa_mask, SIGUSR1);
    sigaction(SIGSEGV, &a, nullptr);
    trap_and_lose(trapping());
    *nowhere() = 1;
}
void called_once() {
    handle(
        [](int) {
            static const char text[] = "once\n";
            if (write(2, text, sizeof text - 1) != 5 || ++calls > 1) _exit(1);
        },
        static_cast<int>(SA_RESETHAND));
    trap_and_lose(trapping());
    *nowhere() = 1;
}

// The access is reported on an alternate stack of this many bytes, followed by an inaccessible OS page.
template <std::size_t Bytes>
void on_a_stack_of() {
    const std::size_t page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE)), bytes = (Bytes + page - 1) / page * page;
    char* m = static_cast<char*>(mmap(nullptr, bytes + page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    mprotect(m + page, bytes, PROT_READ | PROT_WRITE);
    stack_t s{};
    s.ss_sp = m + page;
    s.ss_size = bytes;
    sigaltstack(&s, nullptr);
    *trap_and_lose(trapping()) = 2;
}

struct signal_case {
    const char* name;
    void (*program)();
    int status;  // exit code, or minus a signal
    const char* said;  // on standard error, somewhere
};
const signal_case all[] = {
    {"raised", raised, -SIGSEGV, ""},
    {"sent", sent, -SIGSEGV, ""},
    {"raised and ignored", raised_and_ignored, -SIGSEGV, "FA002"},
    {"raised to a handler", raised_to_a_handler, 0, ""},
    {"left by longjmp", left_by_longjmp, 0, ""},
    {"blocked while it runs", blocked_while_it_runs, 0, ""},
    {"called once", called_once, -SIGSEGV, "once\n"},
    {"a stack of 8 KiB", on_a_stack_of<8_KiB>, -SIGSEGV, "FA002"},
    {"a stack of 16 KiB", on_a_stack_of<16_KiB>, -SIGSEGV, "FA002"},
    {"a stack of 32 KiB", on_a_stack_of<32_KiB>, -SIGSEGV, "ended"},
    {"a stack of 64 KiB", on_a_stack_of<64_KiB>, -SIGSEGV, "ended"},
};

int run(const signal_case& c) {
    const test::ended_child child = test::in_child(20, [&] {
        c.program();
        _exit(99);
    });
    if (child.status == c.status && child.said.find(c.said) != std::string::npos) return 0;
    std::printf("FAILED %s: ended with %d instead of %d, said: %s\n", c.name, child.status, c.status,
                child.said.c_str());
    return 1;
}

}  // namespace

int main() {
    int failed = 0;
    for (const signal_case& c : all) failed += run(c);
    std::printf("%zu cases, %d failed\n", std::size(all), failed);
    return failed == 0 ? 0 : 1;
}
