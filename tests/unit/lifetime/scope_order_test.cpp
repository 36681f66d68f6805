// Tag, phase and context scopes that close in any order, in any frame, on any thread: the newest open one is charged.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <coroutine>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "support/recorder.hpp"

using namespace test;

namespace {

inline constexpr fa::tag outer_tag{"outer"}, inner_tag{outer_tag, "inner"};

enum class kind { tag, phase, context };
enum class memory_of { frame, pool, heap };

constexpr bool charges_tag(kind k) { return k != kind::phase; }
constexpr bool charges_phase(kind k) { return k != kind::tag; }

// An open scope of any kind, on the heap of the program.
struct any_scope {
    kind what;
    std::unique_ptr<fa::tag_scope> tag;
    std::unique_ptr<fa::phase_scope> phase;
    std::unique_ptr<fa::context_scope> context;
    std::string tag_path, phase_path;  // of the thread while it is the newest
    bool open() const { return tag != nullptr || phase != nullptr || context != nullptr; }
    void close() {
        tag.reset();
        phase.reset();
        context.reset();
    }
};

template <class Alloc>
fa::alloc_context context_named(const Alloc& alloc, std::size_t i) {
    const fa::tag_scope tag(alloc, "context " + std::to_string(i));
    const fa::phase_scope phase(alloc, "phase of context " + std::to_string(i));
    return alloc.context();
}

template <class Alloc>
any_scope open_scope(const Alloc& alloc, kind k, std::size_t i, const fa::alloc_context& context) {
    any_scope s{k, nullptr, nullptr, nullptr, {}, {}};
    const std::string name = "scope " + std::to_string(i);
    if (k == kind::tag) s.tag = std::make_unique<fa::tag_scope>(alloc, name);
    if (k == kind::phase) s.phase = std::make_unique<fa::phase_scope>(alloc, name);
    if (k == kind::context) s.context = std::make_unique<fa::context_scope>(alloc, context);
    s.tag_path = alloc.tag_path();
    s.phase_path = alloc.current_phase();
    return s;
}

template <class Scopes>
std::string expected_tag(const Scopes& scopes) {
    for (std::size_t i = scopes.size(); i != 0; --i) {
        if (scopes[i - 1].open() && charges_tag(scopes[i - 1].what)) return scopes[i - 1].tag_path;
    }
    return "";
}
template <class Scopes>
std::string expected_phase(const Scopes& scopes) {
    for (std::size_t i = scopes.size(); i != 0; --i) {
        if (scopes[i - 1].open() && charges_phase(scopes[i - 1].what)) return scopes[i - 1].phase_path;
    }
    return "";
}
// A newer scope is open that decides something this one decides too.
template <class Scopes>
bool out_of_order(const Scopes& scopes, std::size_t which) {
    for (std::size_t i = which + 1; i < scopes.size(); ++i) {
        const kind a = scopes[which].what, b = scopes[i].what;
        if (scopes[i].open() && ((charges_tag(a) && charges_tag(b)) || (charges_phase(a) && charges_phase(b))))
            return true;
    }
    return false;
}

// Allocates and returns who was charged.
template <class Alloc>
bool charged_to(const Alloc& alloc, memory_of m, std::string_view tag) {
    const auto before = alloc.tag_stats(tag);
    if (m == memory_of::frame) {
        static_cast<void>(alloc.frame_alloc_bytes(64, 8));
        return alloc.tag_stats(tag).frame_bytes == before.frame_bytes + 64;
    }
    void* p = m == memory_of::pool ? alloc.pool_alloc_bytes(64) : alloc.heap_alloc_bytes(10'000);
    const auto after = alloc.tag_stats(tag);
    if (m == memory_of::pool) alloc.pool_free_bytes(p, 64);
    else alloc.heap_free_bytes(p, 10'000);
    return m == memory_of::pool ? after.pool_bytes == before.pool_bytes + 64
                                : after.heap_bytes == before.heap_bytes + 10'000;
}

struct counts {
    std::size_t orders = 0, closes = 0, wrong = 0, misplaced = 0;
};

template <class P, std::size_t N>
void close_in_order(const std::array<kind, N>& kinds, const std::array<std::size_t, N>& order, memory_of m, counts& n) {
    recorder r;
    fa::basic_smart_alloc<P> alloc{r.options()};
    std::array<fa::alloc_context, N> contexts;
    for (std::size_t i = 0; i < N; ++i) contexts[i] = context_named(alloc, i);
    const auto frame = alloc.frame_scope();
    std::array<any_scope, N> scopes;
    for (std::size_t i = 0; i < N; ++i) scopes[i] = open_scope(alloc, kinds[i], i, contexts[i]);
    std::size_t expected = 0;
    for (std::size_t which : order) {
        expected += out_of_order(scopes, which) ? 1U : 0U;
        scopes[which].close();
        const std::string tag = expected_tag(scopes);
        const bool right = alloc.tag_path() == tag && alloc.current_phase() == expected_phase(scopes) &&
                           charged_to(alloc, m, tag) && r.count(fa::code::FA429) == expected &&
                           r.faults.size() == expected;
        ++n.closes;
        if (!right) ++n.wrong;
    }
    ++n.orders;
    n.misplaced += expected;
}

template <class P, std::size_t N>
void close_in_every_order(const std::array<kind, N>& kinds, memory_of m, counts& n) {
    std::array<std::size_t, N> order;
    for (std::size_t i = 0; i < N; ++i) order[i] = i;
    do close_in_order<P>(kinds, order, m, n);
    while (std::next_permutation(order.begin(), order.end()));
}

struct name_of_fault {
    std::string detail;
    fa::site where, born;
    std::size_t n = 0;
};
struct keep_last {
    name_of_fault* to;
    void operator()(const fa::fault& f) const { *to = {f.detail, f.where, f.born, to->n + 1}; }
};

struct count_mismatches {
    std::atomic<int>* n;
    void operator()(const fa::fault& f) const {
        if (f.what == fa::code::FA429) n->fetch_add(1);
    }
};

// A coroutine that holds a tag scope while it is suspended.
struct suspended {
    struct promise_type {
        suspended get_return_object() { return {std::coroutine_handle<promise_type>::from_promise(*this)}; }
        std::suspend_never initial_suspend() noexcept { return {}; }
        std::suspend_always final_suspend() noexcept { return {}; }
        void return_void() {}
        void unhandled_exception() {}
    };
    std::coroutine_handle<promise_type> handle;
};
template <class P>
suspended hold_tag(const fa::basic_smart_alloc<P>& alloc, const char* name) {
    const fa::tag_scope tag(alloc, name);
    co_await std::suspend_always{};
}

}  // namespace

FOR_EACH_POLICY("pairs and triples of scopes of every kind close in every order, and the newest open one is charged") {
    counts n;
    constexpr std::array all{kind::tag, kind::phase, kind::context};
    for (const memory_of m : {memory_of::frame, memory_of::pool, memory_of::heap}) {
        for (const kind a : all) {
            for (const kind b : all) {
                close_in_every_order<P>(std::array{a, b}, m, n);
                for (const kind c : all) close_in_every_order<P>(std::array{a, b, c}, m, n);
            }
        }
        close_in_every_order<P>(std::array{kind::tag, kind::tag, kind::tag, kind::tag}, m, n);
        close_in_every_order<P>(std::array{kind::context, kind::phase, kind::tag, kind::context}, m, n);
    }
    MESSAGE(n.orders, " orders, ", n.closes, " closes, ", n.misplaced, " of them out of order, ", n.wrong,
            " charged or reported wrong");
    CHECK(n.orders == 3 * (9 * 2 + 27 * 6 + 2 * 24));
    CHECK(n.misplaced > 0);
    CHECK(n.wrong == 0);
}

FOR_EACH_POLICY("a scope that replaces its predecessor for ever takes no more memory") {
    recorder r;
    fa::basic_smart_alloc<P> alloc{r.options()};
    auto current = std::make_unique<fa::tag_scope>(alloc, outer_tag);
    auto replace = [&](int times) {
        for (int i = 0; i < times; ++i) {
            if (i % 2 == 0) current = std::make_unique<fa::tag_scope>(alloc, inner_tag);
            else current = std::make_unique<fa::tag_scope>(alloc, outer_tag);
        }
    };
    replace(10);
    const std::size_t committed = alloc.stats().committed;
    replace(10'000);
    CHECK(alloc.stats().committed == committed);
    CHECK(r.count(fa::code::FA429) == 10'010);
    CHECK(alloc.tag_path() == "outer");
    current.reset();
    CHECK(alloc.tag_path().empty());
    CHECK(r.faults.size() == 10'010);
}

FOR_EACH_POLICY("a scope that outlives its frame is told once, charged until it closes, and leaves nothing behind") {
    recorder r;
    fa::basic_smart_alloc<P> alloc{r.options()};
    std::optional<fa::tag_scope> tag;
    std::optional<fa::phase_scope> phase;
    std::optional<fa::context_scope> context;
    const fa::alloc_context ctx = context_named(alloc, 7);
    const fa::tag_scope around(alloc, outer_tag);
    alloc.begin_frame();
    tag.emplace(alloc, "left");
    alloc.end_frame();
    CHECK(alloc.tag_path() == "outer::left");
    {
        const fa::tag_scope above(alloc, "above");
        CHECK(alloc.tag_path() == "outer::left::above");
    }
    CHECK(charged_to(alloc, memory_of::pool, "outer::left"));
    tag.reset();
    CHECK(r.count(fa::code::FA429) == 1);
    CHECK(alloc.tag_path() == "outer");
    alloc.begin_frame();
    alloc.begin_frame();
    phase.emplace(alloc, "left");
    context.emplace(alloc, ctx);
    alloc.end_frame();
    CHECK(alloc.tag_path() == "context 7");
    phase.reset();
    CHECK(alloc.current_phase() == "phase of context 7");
    alloc.end_frame();
    context.reset();
    CHECK(alloc.tag_path() == "outer");
    CHECK(alloc.current_phase().empty());
    CHECK(r.count(fa::code::FA429) == 2);  // one for the frame, which names one and counts the other
    r.faults.clear();
    for (int i = 0; i < 3; ++i) {
        const auto frame = alloc.frame_scope();
        const fa::tag_scope t(alloc, inner_tag);
        CHECK(charged_to(alloc, memory_of::frame, "outer::inner"));
    }
    CHECK(r.faults.empty());
}

FOR_EACH_POLICY("a scope that closes in an inner frame is told, and both frames end in order") {
    recorder r;
    fa::basic_smart_alloc<P> alloc{r.options()};
    alloc.begin_frame();
    auto tag = std::make_unique<fa::tag_scope>(alloc, outer_tag);
    alloc.begin_frame();
    tag.reset();
    CHECK(r.count(fa::code::FA429) == 1);
    CHECK(alloc.tag_path().empty());
    CHECK(charged_to(alloc, memory_of::frame, ""));
    alloc.end_frame();
    alloc.end_frame();
    CHECK(r.faults.size() == 1);
}

FOR_EACH_POLICY("more scopes than a byte counts are noticed when their frame ends") {
    for (const int n : {255, 256, 257, 512}) {
        recorder r;
        fa::basic_smart_alloc<P> alloc{r.options()};
        std::vector<std::unique_ptr<fa::tag_scope>> scopes;
        alloc.begin_frame();
        for (int i = 0; i < n; ++i) scopes.push_back(std::make_unique<fa::tag_scope>(alloc, outer_tag));
        alloc.end_frame();
        CHECK(r.count(fa::code::FA429) == 1);
        while (!scopes.empty()) scopes.pop_back();
        CHECK(r.count(fa::code::FA429) == 1U);
        CHECK(alloc.tag_path().empty());
    }
}

FOR_EACH_POLICY("begin_phase and phase scopes that cross leave the newest open one charged") {
    recorder r;
    fa::basic_smart_alloc<P> alloc{r.options()};
    alloc.begin_phase("a");
    {
        const fa::phase_scope b(alloc, "b");
        alloc.end_phase();
        CHECK(alloc.current_phase() == "b");
    }
    CHECK(alloc.current_phase().empty());
    CHECK(r.count(fa::code::FA429) == 1);
    auto c = std::make_unique<fa::phase_scope>(alloc, "c");
    alloc.begin_phase("d");
    c.reset();
    CHECK(alloc.current_phase() == "d");
    alloc.end_phase();
    CHECK(alloc.current_phase().empty());
    CHECK(r.count(fa::code::FA429) == 2);
    alloc.begin_phase("e");  // tags and phases are independent
    const fa::tag_scope t(alloc, outer_tag);
    alloc.end_phase();
    CHECK(r.faults.size() == 2);
}

FOR_EACH_POLICY("coroutines that end in another order than they began charge to those still suspended") {
    recorder r;
    fa::basic_smart_alloc<P> alloc{r.options()};
    suspended a = hold_tag(alloc, "a"), b = hold_tag(alloc, "b"), c = hold_tag(alloc, "c");
    CHECK(alloc.tag_path() == "a::b::c");
    a.handle.resume();
    CHECK(alloc.tag_path() == "a::b::c");
    c.handle.destroy();
    CHECK(alloc.tag_path() == "a::b");
    b.handle.destroy();
    CHECK(alloc.tag_path().empty());
    a.handle.destroy();
    CHECK(r.count(fa::code::FA429) == 1);
}

FOR_EACH_POLICY("scopes of two allocators may cross") {
    recorder r;
    fa::basic_smart_alloc<P> a{r.options()}, b{r.options()};
    auto in_a = std::make_unique<fa::tag_scope>(a, outer_tag);
    auto in_b = std::make_unique<fa::tag_scope>(b, inner_tag);
    CHECK(charged_to(a, memory_of::pool, "outer"));
    in_a.reset();
    CHECK(a.tag_path().empty());
    CHECK(b.tag_path() == "outer::inner");
    CHECK(charged_to(b, memory_of::heap, "outer::inner"));
    in_b.reset();
    CHECK(b.tag_path().empty());
    CHECK(r.faults.empty());
}

FOR_EACH_POLICY("budgets of context scopes are put back in any order") {
    recorder r;
    fa::basic_smart_alloc<P> alloc{r.options()};
    std::array<fa::alloc_context, 3> contexts;
    for (std::size_t i = 0; i < 3; ++i) {
        alloc.set_thread_frame_budget((i + 1) * 1_KiB);
        contexts[i] = alloc.context();
    }
    alloc.set_thread_frame_budget(64_KiB);
    std::array<std::size_t, 3> order{0, 1, 2};
    do {
        std::array<std::unique_ptr<fa::context_scope>, 3> scopes;
        for (std::size_t i = 0; i < 3; ++i) scopes[i] = std::make_unique<fa::context_scope>(alloc, contexts[i]);
        for (std::size_t which : order) {
            scopes[which].reset();
            std::size_t expected = 64_KiB;
            for (std::size_t i = 0; i < 3; ++i) expected = scopes[i] != nullptr ? (i + 1) * 1_KiB : expected;
            CHECK(alloc.context().frame_budget() == expected);
        }
    } while (std::next_permutation(order.begin(), order.end()));
}

FOR_EACH_POLICY("the report names the scope, and in debug the line that opened it") {
    name_of_fault last;
    keep_last keep{&last};
    fa::options options;
    options.on_fault = keep;
    fa::basic_smart_alloc<P> alloc{options};
    const int line = __LINE__ + 1;
    std::unique_ptr<fa::tag_scope> a(new fa::tag_scope(alloc, outer_tag));
    const fa::tag_scope b(alloc, "b");
    a.reset();
    CHECK(last.detail == "the tag scope \"outer\" closes before the tag scope \"outer::b\", which was opened after it");
    CHECK(last.born.line == (P::checks ? line : 0));
    CHECK((last.where.caller != nullptr) == test::on_linux);
    alloc.begin_phase("p");
    const int phase_line = __LINE__ - 1;
    const fa::phase_scope q(alloc, "q");
    alloc.end_phase();
    CHECK(last.detail == "the phase \"p\" closes before the phase scope \"q\", which was opened after it");
    CHECK(last.born.line == (P::checks ? phase_line : 0));
    CHECK(last.where.line == (P::checks ? phase_line + 3 : 0));
    CHECK(last.n == 2);
}

FOR_EACH_POLICY("a scope closed by another thread is told once and harms neither") {
    recorder r;
    fa::basic_smart_alloc<P> alloc{r.options()};
    auto elsewhere = [&](auto& scope) {
        std::thread([&] {
            const fa::tag_scope own(alloc, "own");
            scope.reset();
            CHECK(alloc.tag_path() == "own");
            CHECK(charged_to(alloc, memory_of::pool, "own"));
        }).join();
    };
    {
        const fa::tag_scope around(alloc, outer_tag);
        auto lost = std::make_unique<fa::tag_scope>(alloc, "lost");
        elsewhere(lost);
        CHECK(r.count(fa::code::FA429) == 1);
    }
    CHECK(alloc.tag_path().empty());  // the enclosing scope closed
    auto tag = std::make_unique<fa::tag_scope>(alloc, "lost");
    elsewhere(tag);
    alloc.begin_frame();  // as soon as the next outermost frame opens
    CHECK(alloc.tag_path().empty());
    auto phase = std::make_unique<fa::phase_scope>(alloc, "lost");
    elsewhere(phase);
    alloc.end_frame();  // or the frame ends
    CHECK(alloc.current_phase().empty());
    CHECK(r.count(fa::code::FA429) == 3);
    auto context = std::make_unique<fa::context_scope>(alloc, context_named(alloc, 1));
    elsewhere(context);
    CHECK(charged_to(alloc, memory_of::heap, "context 1"));
    {
        const fa::tag_scope next(alloc, "next");  // or there is something to charge; debug mode charges at once
        alloc.pool_free_bytes(alloc.pool_alloc_bytes(64), 64);
    }
    if constexpr (test::guarded<P>) { const auto frame = alloc.frame_scope(); }
    CHECK(alloc.tag_path().empty());
    CHECK(alloc.current_phase().empty());
    CHECK(r.count(fa::code::FA429) == 4);
    r.faults.clear();
    {
        const auto frame = alloc.frame_scope();
        const fa::tag_scope t(alloc, outer_tag);
        CHECK(charged_to(alloc, memory_of::frame, "outer"));
    }
    CHECK(r.count(fa::code::FA429) == 0);
}

FOR_EACH_POLICY("a scope that outlives its thread is told when it closes, and the next thread starts clean") {
    recorder r;
    fa::basic_smart_alloc<P> alloc{r.options()};
    for (int i = 0; i < 3; ++i) {
        std::unique_ptr<fa::tag_scope> tag;
        std::unique_ptr<fa::context_scope> context;
        std::thread([&] {
            const fa::alloc_context ctx = context_named(alloc, 1);
            tag = std::make_unique<fa::tag_scope>(alloc, "outlives");
            context = std::make_unique<fa::context_scope>(alloc, ctx);
            alloc.begin_phase("never ended");
        }).join();
        CHECK(r.count(fa::code::FA429) == 0);
        std::thread([&] {
            CHECK(alloc.tag_path().empty());
            CHECK(alloc.current_phase().empty());
            const auto frame = alloc.frame_scope();  // the context of the thread that has ended
            tag.reset();
            CHECK(alloc.tag_path().empty());
            CHECK(charged_to(alloc, memory_of::frame, ""));
        }).join();
        context.reset();
        CHECK(r.count(fa::code::FA429) == 2);
        r.faults.clear();
    }
}

FOR_EACH_POLICY("a scope closed while its context is parked is gone when that is resumed") {
    recorder r;
    fa::basic_smart_alloc<P> alloc{r.options()};
    auto tag = std::make_unique<fa::tag_scope>(alloc, "parked");
    fa::parked_context parked = alloc.park();
    tag.reset();
    CHECK(r.count(fa::code::FA429) == 1);
    CHECK(alloc.resume(std::move(parked)));
    alloc.begin_frame();
    CHECK(alloc.tag_path().empty());
    alloc.end_frame();
    CHECK(r.faults.size() == 1);
}

FOR_EACH_POLICY("a thread closes the scopes of another that goes on allocating") {
    constexpr int rounds = 200;
    std::atomic<int> told{0};
    count_mismatches count{&told};
    fa::options options;
    options.on_fault = count;
    fa::basic_smart_alloc<P> alloc{options};
    std::array<std::unique_ptr<fa::tag_scope>, rounds> lost;
    std::atomic<int> opened{0};
    std::thread owner([&] {
        for (int i = 0; i < rounds; ++i) {
            const auto frame = alloc.frame_scope();
            const fa::tag_scope around(alloc, outer_tag);
            lost[static_cast<std::size_t>(i)] = std::make_unique<fa::tag_scope>(alloc, "lost");
            opened.store(i + 1, std::memory_order_release);
            static_cast<void>(alloc.frame_alloc_bytes(64, 8));
            const fa::tag_scope inner(alloc, inner_tag);
            static_cast<void>(alloc.frame_alloc_bytes(64, 8));
        }
        while (opened.load(std::memory_order_acquire) != -1) std::this_thread::yield();
        alloc.begin_frame();
        CHECK(alloc.tag_path().empty());
        CHECK(charged_to(alloc, memory_of::frame, ""));
        alloc.end_frame();
    });
    for (int i = 0; i < rounds; ++i) {
        while (opened.load(std::memory_order_acquire) <= i) std::this_thread::yield();
        lost[static_cast<std::size_t>(i)].reset();
    }
    opened.store(-1, std::memory_order_release);
    owner.join();
    CHECK(told >= rounds);      // each misplaced scope once,
    CHECK(told <= 2 * rounds);  // and the one around it where it closed before
}
