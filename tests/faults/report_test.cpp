// Reporting relies on nothing that may be unavailable: it calls no malloc and needs little stack. And strict mode ends
// the program when it should. usage: report_test
#include <framealloc/framealloc.hpp>

#include <sys/wait.h>
#include <unistd.h>

#include <pthread.h>

#include <dlfcn.h>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace fa = framealloc;
using namespace fa::literals;
using allocator = fa::basic_smart_alloc<fa::policy::debug>;

namespace {
volatile bool forbidden = false;
int failures = 0;

void expect(bool good, const char* what) {
    if (good) return;
    std::printf("FAILED %s\n", what);
    ++failures;
}
}  // namespace

extern "C" void* __libc_malloc(std::size_t);
extern "C" void* malloc(std::size_t n) {
    if (forbidden) {
        static const char said[] = "malloc was called in a report\n";
        static_cast<void>(!write(2, said, sizeof said - 1));
        _exit(7);
    }
    return __libc_malloc(n);
}

namespace {

// Every report, through the default printer, with a handler's stack of 64 KiB.
void* make_mistakes(void*) {
    fa::options o{.name = "report", .frame_capacity = 64_KiB, .strict = fa::strictness::warn};
    forbidden = true;
    {
        const allocator a{o}, other{o};
        void* p = a.pool_alloc_bytes(40);
        static_cast<char*>(p)[40] = 1;
        static_cast<char*>(p)[-1] = 1;
        a.pool_free_bytes(p, 40);
        a.pool_free_bytes(p, 40);
        static_cast<char*>(p)[3] = 1;
        a.check();
        a.pool_free_bytes(&o, 8);
        void* q = other.heap_alloc_bytes(9000);
        a.heap_free_bytes(q, 9000);
        other.heap_free_bytes(static_cast<char*>(q) + 8, 9000);
        other.heap_free_bytes(q, 1);
        a.end_frame();
        static_cast<void>(a.frame_alloc_bytes(8));
        static_cast<void>(a.try_frame_alloc_bytes(8, 3));
        a.end_phase();
        a.begin_frame();
        const auto cp = a.frame_checkpoint();
        a.end_frame();
        a.rollback_to(cp);
        static_cast<void>(a.heap_alloc_bytes(100));
        a.begin_frame();
        char text[200];
        static_cast<void>(fa::describe(p).text(text));
    }
    forbidden = false;
    return nullptr;
}

void reports_need_nothing() {
    const pid_t child = fork();
    if (child == 0) {
        pthread_attr_t attributes;
        pthread_attr_init(&attributes);
        pthread_attr_setstacksize(&attributes, 65536);
        pthread_t thread;
        if (pthread_create(&thread, &attributes, make_mistakes, nullptr) != 0) _exit(8);
        pthread_join(thread, nullptr);
        _exit(0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    expect(WIFEXITED(status) && WEXITSTATUS(status) == 0, "reports need no malloc and 64 KiB of stack");
}

// Where a call records no line, the report names an instruction that addr2line understands.
void instructions_are_named() {
    int ends[2];
    if (pipe(ends) != 0) return expect(false, "a pipe");
    const pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], 2);
        const allocator a{{.name = "report", .strict = fa::strictness::warn}};
        a.begin_frame();
        auto numbers = a.frame_vec<int>();
        a.end_frame();
        numbers.push_back(1);
        _exit(0);
    }
    close(ends[1]);
    char said[1000] = "";
    static_cast<void>(!read(ends[0], said, sizeof said - 1));
    close(ends[0]);
    waitpid(child, nullptr, 0);
    expect(std::strstr(said, "FA002") != nullptr && std::strncmp(said, "report_test+0x", 14) == 0, said);
}

template <class Policy>
bool aborts(fa::strictness strict, const char* environment, bool handler, bool warning) {
    std::fflush(stdout);
    const pid_t child = fork();
    if (child == 0) {
        if (environment != nullptr) setenv("FRAMEALLOC_STRICT", environment, 1);
        std::freopen("/dev/null", "w", stderr) == nullptr ? _exit(9) : static_cast<void>(0);
        static int heard = 0;
        struct count {
            int* n;
            void operator()(const fa::fault&) const { ++*n; }
        } on_fault{&heard};
        fa::options o{.frame_capacity = 64_KiB, .strict = strict};
        if (handler) o.on_fault = on_fault;
        const fa::basic_smart_alloc<Policy> a{o};
        if (warning) {
            a.set_thread_frame_budget(1000);
            a.on_budget_exceeded(fa::budget_policy::warn);
            const auto frame = a.frame_scope();
            static_cast<void>(frame.alloc_bytes(5000));
        } else {
            a.end_frame();
        }
        _exit(!handler || heard == 1 ? 0 : 6);
    }
    int status = 0;
    waitpid(child, &status, 0);
    expect((WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT) || (WIFEXITED(status) && WEXITSTATUS(status) == 0),
           "a strict program ends by abort or not at all");
    return WIFSIGNALED(status);
}

void strict_mode() {
    using fa::strictness;
    using fa::policy::debug;
    using fa::policy::standard;
    expect(aborts<debug>(strictness::automatic, nullptr, false, false), "automatic: debug ends at a fault");
    expect(!aborts<debug>(strictness::automatic, nullptr, true, false), "automatic: not when a handler is set");
    expect(!aborts<standard>(strictness::automatic, nullptr, false, false), "automatic: standard goes on");
    expect(!aborts<debug>(strictness::warn, nullptr, false, false), "warn goes on");
    expect(aborts<standard>(strictness::abort_on_error, nullptr, true, false), "abort_on_error ends after the handler");
    expect(!aborts<standard>(strictness::abort_on_error, nullptr, false, true),
           "abort_on_error goes on after a warning");
    expect(aborts<standard>(strictness::abort_on_warning, nullptr, false, true),
           "abort_on_warning ends after a warning");
    expect(aborts<standard>(strictness::warn, "error", false, false), "the environment overrides: error");
    expect(!aborts<debug>(strictness::abort_on_error, "warn", false, false), "the environment overrides: warn");
    expect(aborts<standard>(strictness::warn, "warning", false, true), "the environment overrides: warning");
    expect(!aborts<standard>(strictness::warn, "nonsense", false, false), "an unknown word changes nothing");
}

// How a process ends after a fault that no allocator receives, and whether its place was told.
bool ends_after(void (*mistake)(), const char* environment) {
    int ends[2];
    if (pipe(ends) != 0) return expect(false, "a pipe"), false;
    const pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], 2);
        environment == nullptr ? unsetenv("FRAMEALLOC_STRICT") : setenv("FRAMEALLOC_STRICT", environment, 1);
        mistake();
        _exit(0);
    }
    close(ends[1]);
    char said[1000] = "";
    static_cast<void>(!read(ends[0], said, sizeof said - 1));
    close(ends[0]);
    int status = 0;
    waitpid(child, &status, 0);
    expect(std::strncmp(said, "report_test+0x", 14) == 0 && std::strstr(said, ": framealloc: FA") != nullptr, said);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

// The end is that of an allocator without on_fault, in the mode of the library.
void faults_of_the_process() {
    alignas(fa::memory::page_bytes) static char foreign[2 * fa::memory::page_bytes];
    const struct {
        const char* name;
        void (*make)();
    } mistakes[] = {
        {"FA414", [] { fa::memory::pool_free(foreign + fa::memory::page_bytes + 64); }},
        {"FA414, adopted", [] { fa::basic_pool_box<int, fa::policy::debug>(reinterpret_cast<int*>(foreign + 64)); }},
        {"FA434", [] { static_cast<void>(fa::transfer_handle<int>().receive()); }},
        {"FA439",
         [] {
             fa::basic_vec<int, fa::pool_source, fa::policy::debug> v;
             v.pop_back();
         }},
        {"FA440",
         [] {
             fa::basic_vec<int, fa::heap_source, fa::policy::standard> v;
             static_cast<void>(v.try_push_back(1));
         }},
    };
    for (const auto& m : mistakes) {
        expect(ends_after(m.make, "error"), m.name);
        expect(!ends_after(m.make, "warn"), m.name);
        expect(ends_after(m.make, nullptr) == fa::active_policy::checks, m.name);
    }
}

}  // namespace

int main() {
    reports_need_nothing();
    instructions_are_named();
    strict_mode();
    faults_of_the_process();
    std::printf("report_test: %d failures\n", failures);
    return failures == 0 ? 0 : 1;
}
