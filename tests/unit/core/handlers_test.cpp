// Handlers of the program that make the mistake they are called for: they are called once for it, and the program
// continues.
#include <doctest/doctest.h>

#include <csignal>
#include <cstdio>
#include <functional>

#include <sys/wait.h>
#include <unistd.h>

#include "support/recorder.hpp"

using namespace test;

namespace {

using alloc_type = fa::basic_smart_alloc<fa::policy::checked>;

// Calls `again` from within every call.
struct stubborn {
    std::function<void()> again;
    int calls = 0;

    struct on_fault_type {
        stubborn* self;
        void operator()(const fa::fault&) const { ++self->calls, self->again(); }
    } on_fault{this};
    struct on_budget_type {
        stubborn* self;
        bool operator()(const fa::budget_event&) const { return ++self->calls, self->again(), false; }
    } on_budget{this};
};

}  // namespace

TEST_CASE("a fault handler that makes the mistake it is told of ends in standard error, not in the stack's end") {
    if (fa::guard::under_tool) return;  // the tool would report some of the writes
    struct mistake {
        const char* name;
        std::function<void(const alloc_type&)> make;
    };
    const mistake mistakes[] = {
        {"a block freed twice",
         [](const alloc_type& a) {
             void* p = a.pool_alloc_bytes(40);
             a.pool_free_bytes(p, 40);
             a.pool_free_bytes(p, 40);
         }},
        {"a write behind a block",
         [](const alloc_type& a) {
             char* p = static_cast<char*>(a.pool_alloc_bytes(10));
             p[10] = 1;
             a.pool_free_bytes(p, 10);
         }},
        {"a wrong size", [](const alloc_type& a) { a.heap_free_bytes(a.heap_alloc_bytes(9000), 8000); }},
        {"no block",
         [](const alloc_type& a) {
             long local = 0;
             a.pool_free_bytes(&local, 8);
         }},
        {"no frame", [](const alloc_type& a) { a.end_frame(); }},
        {"an allocation outside", [](const alloc_type& a) { static_cast<void>(a.frame_alloc_bytes(8)); }},
        {"an ended frame",
         [](const alloc_type& a) {
             fa::basic_vec<int, fa::frame_source, fa::policy::checked> v;
             {
                 const auto frame = a.frame_scope();
                 v = frame.vec<int>({1, 2});
             }
             const auto frame = a.frame_scope();
             v.push_back(3);
         }},
    };
    for (const mistake& m : mistakes) {
        CAPTURE(m.name);
        stubborn s;
        fa::options o{.guard = fa::guard_level::fill};
        o.on_fault = s.on_fault;
        const alloc_type alloc{o};
        s.again = [&] { m.make(alloc); };
        m.make(alloc);
        CHECK(s.calls >= 2);
        CHECK(s.calls < 20);
        s.calls = 0;
        m.make(alloc);  // called again afterwards
        CHECK(s.calls >= 1);
        s.again = [] {};
    }
}

TEST_CASE("handlers of two allocators that make each other's mistakes come to an end") {
    stubborn s[2];
    fa::options o[2];
    for (int i = 0; i < 2; ++i) o[i].on_fault = s[i].on_fault;
    const alloc_type a{o[0]}, b{o[1]};
    s[0].again = [&] { b.end_frame(); };
    s[1].again = [&] { a.end_frame(); };
    a.end_frame();
    CHECK(s[0].calls == 1);
    CHECK(s[1].calls == 1);
}

FOR_EACH_POLICY("a budget's handler that exceeds the budget is asked once more, and then refused") {
    stubborn s;
    fa::basic_smart_alloc<P> alloc;
    alloc.set_thread_frame_budget(10'000);
    alloc.on_budget_exceeded(fa::budget_policy::custom, s.on_budget);
    const auto frame = alloc.frame_scope();
    s.again = [&] { CHECK(frame.try_alloc_bytes(20'000) == nullptr); };
    CHECK(frame.try_alloc_bytes(20'000) == nullptr);
    CHECK(s.calls == 2);
    CHECK(frame.try_alloc_bytes(1000) != nullptr);
}

TEST_CASE("an exhaustion handler that runs out of memory itself ends the program with a report") {
    const pid_t child = fork();
    if (child == 0) {
        std::signal(SIGABRT, SIG_DFL);
        if (std::freopen("/dev/null", "w", stderr) == nullptr) _exit(1);
        std::function<void()> again;
        auto on_exhaustion = [&](const fa::exhaustion&) { return again(), true; };
        fa::options o{.frame_limit = 10'000};
        o.on_exhaustion = on_exhaustion;
        const fa::smart_alloc alloc{o};
        const auto frame = alloc.frame_scope();
        again = [&] { static_cast<void>(frame.alloc_bytes(20'000)); };
        again();
        _exit(2);
    }
    int status = 0;
    waitpid(child, &status, 0);
    CHECK(WIFSIGNALED(status));
    CHECK(WTERMSIG(status) == SIGABRT);
}
