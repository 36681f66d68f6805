// Budgets of a thread: requests within, requests beyond under each policy, and the rest.
#include <doctest/doctest.h>

#include <cstring>
#include <thread>

#include "support/recorder.hpp"

using namespace test;

namespace {

struct events {
    std::vector<fa::budget_event> seen;
    bool answer = true;
    struct handler_type {
        events* self;
        bool operator()(const fa::budget_event& e) const {
            self->seen.push_back(e);
            return self->answer;
        }
    } handler{this};
    events() = default;
    events(const events&) = delete;
    events& operator=(const events&) = delete;
    std::size_t exceeded() const {
        std::size_t n = 0;
        for (const auto& e : seen) n += e.exceeded ? 1U : 0U;
        return n;
    }
};

}  // namespace

FOR_EACH_POLICY(
    "a frame budget under fail: try_ gives null at the byte, and the next frame has the whole budget again") {
    fa::basic_smart_alloc<P> alloc;
    alloc.set_thread_frame_budget(64_KiB);
    alloc.on_budget_exceeded(fa::budget_policy::fail);
    for (int n = 0; n < 3; ++n) {
        auto frame = alloc.frame_scope();
        CHECK(alloc.frame_remaining() == 64_KiB);
        for (int i = 0; i < 64; ++i) CHECK(frame.try_alloc_bytes(1024) != nullptr);
        CHECK(alloc.frame_remaining() == 0);
        CHECK(frame.try_alloc_bytes(1) == nullptr);
        CHECK(alloc.thread_budget().frame_used == 64_KiB);
        {
            auto inner = alloc.frame_scope();
            CHECK(inner.try_alloc_bytes(8) == nullptr);
            CHECK(frame.try_alloc_bytes(8) == nullptr);  // out of line counts as well
        }
    }
    CHECK(alloc.thread_budget().frame_exceeded == 9);
    alloc.set_thread_frame_budget(0);
    CHECK(alloc.frame_remaining() > 1_GiB);
    auto frame = alloc.frame_scope();
    CHECK(frame.try_alloc_bytes(128_KiB) != nullptr);
}

FOR_EACH_POLICY("the exhaustion handler hears that it was the budget, and may raise it") {
    std::vector<fa::exhaustion_reason> reasons;
    fa::basic_smart_alloc<P>* self = nullptr;
    auto handler = [&](const fa::exhaustion& e) {
        reasons.push_back(e.reason);
        self->set_thread_frame_budget(1_MiB);
        return true;
    };
    fa::options o;
    o.on_exhaustion = handler;
    fa::basic_smart_alloc<P> alloc{o};
    self = &alloc;
    alloc.set_thread_frame_budget(1_KiB);
    alloc.on_budget_exceeded(fa::budget_policy::fail);
    auto frame = alloc.frame_scope();
    CHECK(frame.alloc_bytes(2000) != nullptr);
    REQUIRE(reasons.size() == 1);
    CHECK(reasons[0] == fa::exhaustion_reason::thread_budget);
}

FOR_EACH_POLICY("warn reports once a frame and serves; allow serves in silence") {
    for (fa::budget_policy policy : {fa::budget_policy::warn, fa::budget_policy::allow}) {
        recorder r;
        fa::basic_smart_alloc<P> alloc{r.options({.frame_capacity = 64_KiB})};
        alloc.set_thread_frame_budget(16_KiB);
        alloc.on_budget_exceeded(policy);
        for (int n = 0; n < 3; ++n) {
            auto frame = alloc.frame_scope();
            for (int i = 0; i < 64; ++i) CHECK(frame.try_alloc_bytes(1024) != nullptr);
            CHECK(alloc.frame_remaining() == 0);
        }
        CHECK(r.count(fa::code::FA311) == (policy == fa::budget_policy::warn ? 3 : 0));
        CHECK(alloc.thread_budget().frame_exceeded == 3);
    }
}

FOR_EACH_POLICY("the threshold warns once a frame, before the budget is reached") {
    events e;
    fa::basic_smart_alloc<P> alloc;
    alloc.set_thread_frame_budget(100'000);
    alloc.on_budget_exceeded(fa::budget_policy::fail, e.handler, 90);
    for (int n = 0; n < 2; ++n) {
        auto frame = alloc.frame_scope();
        while (alloc.frame_remaining() >= 16'000) static_cast<void>(frame.alloc_bytes(1000));
        CHECK(e.seen.size() == static_cast<std::size_t>(n));
        static_cast<void>(frame.alloc_bytes(8000));
        REQUIRE(e.seen.size() == static_cast<std::size_t>(n) + 1);
        static_cast<void>(frame.alloc_bytes(1000));
        CHECK(e.seen.size() == static_cast<std::size_t>(n) + 1);
        CHECK(!e.seen.back().exceeded);
        CHECK(e.seen.back().limit == 100'000);
        CHECK(e.seen.back().used + e.seen.back().requested > 90'000);
    }
    CHECK(alloc.thread_budget().warnings == 2);
}

FOR_EACH_POLICY("promote serves out of line and keeps the budget; it is gone with the frame") {
    fa::basic_smart_alloc<P> alloc;
    alloc.set_thread_frame_budget(16_KiB);
    alloc.on_budget_exceeded(fa::budget_policy::promote);
    for (int n = 0; n < 3; ++n) {
        auto frame = alloc.frame_scope();
        std::vector<unsigned char*> all;
        for (int i = 0; i < 100; ++i) {
            all.push_back(static_cast<unsigned char*>(frame.alloc_bytes(1024)));
            std::fill_n(all.back(), 1024, static_cast<unsigned char>(i));
        }
        for (std::size_t i = 0; i < 100; ++i) CHECK(all[i][1023] == i);
        CHECK(alloc.frame_stats().bytes_in_use == 100 * 1024);
        CHECK(alloc.stats().frame_allocated == 100 * 1024);
    }
    CHECK(alloc.thread_budget().frame_exceeded == 3 * 84);
    CHECK(alloc.stats().frame_allocated == 0);
}

FOR_EACH_POLICY("custom asks the handler every time") {
    events e;
    fa::basic_smart_alloc<P> alloc;
    alloc.set_thread_frame_budget(1_KiB);
    alloc.on_budget_exceeded(fa::budget_policy::custom, e.handler, 100);
    auto frame = alloc.frame_scope();
    CHECK(frame.try_alloc_bytes(1024) != nullptr);
    CHECK(frame.try_alloc_bytes(64) != nullptr);
    CHECK(frame.try_alloc_bytes(64) != nullptr);
    e.answer = false;
    CHECK(frame.try_alloc_bytes(64) == nullptr);
    CHECK(e.exceeded() == 3);
    CHECK(e.seen.back().used == 1024 + 128);
    CHECK(e.seen.back().requested == 64);
}

FOR_EACH_POLICY("a pool budget holds to the block, and what is free may be used by another class") {
    fa::basic_smart_alloc<P> alloc;
    alloc.set_thread_pool_budget(64_KiB);
    alloc.on_budget_exceeded(fa::budget_policy::fail);
    std::vector<void*> blocks;
    while (void* p = alloc.try_pool_alloc_bytes(64)) blocks.push_back(p);
    CHECK(blocks.size() == 1024);
    CHECK(alloc.thread_budget().pool_used == 64_KiB);
    alloc.pool_free_bytes(blocks.back(), 64);
    blocks.back() = alloc.try_pool_alloc_bytes(64);
    CHECK(blocks.back() != nullptr);
    CHECK(alloc.try_pool_alloc_bytes(128) == nullptr);
    CHECK(alloc.thread_budget().pool_exceeded >= 2);
    for (void* p : blocks) alloc.pool_free_bytes(p, 64);
    blocks.clear();
    while (void* p = alloc.try_pool_alloc_bytes(128)) blocks.push_back(p);
    CHECK(blocks.size() == 512);
    for (void* p : blocks) alloc.pool_free_bytes(p, 128);
    CHECK(alloc.stats().pool_allocated == 0);
}

FOR_EACH_POLICY("a pool budget under promote goes to the heap, under warn it is served") {
    recorder r;
    fa::basic_smart_alloc<P> alloc{r.options()};
    alloc.set_thread_pool_budget(4_KiB);
    alloc.on_budget_exceeded(fa::budget_policy::promote);
    std::vector<void*> blocks(100);
    for (void*& p : blocks) p = alloc.pool_alloc_bytes(64);
    CHECK(alloc.stats().pool_allocated == 4_KiB);
    CHECK(alloc.stats().heap_allocated == 100 * 64 - 4_KiB);
    alloc.on_budget_exceeded(fa::budget_policy::warn);
    for (int i = 0; i < 100; ++i) blocks.push_back(alloc.pool_alloc_bytes(64));
    CHECK(r.count(fa::code::FA311) == 1);
    for (void* p : blocks) alloc.pool_free_bytes(p, 64);
    CHECK(alloc.stats().total_allocated == 0);
}

FOR_EACH_POLICY("a budget is its thread's: another thread has none, nor has the next one that takes over its memory") {
    fa::basic_smart_alloc<P> alloc;
    for (int n = 0; n < 2; ++n) {
        std::thread([&] {
            CHECK(alloc.thread_budget().frame_budget == 0);
            alloc.set_thread_frame_budget(1_KiB);
            alloc.on_budget_exceeded(fa::budget_policy::fail);
            auto frame = alloc.frame_scope();
            CHECK(frame.try_alloc_bytes(2_KiB) == nullptr);
        }).join();
    }
    auto frame = alloc.frame_scope();
    CHECK(frame.try_alloc_bytes(2_KiB) != nullptr);
}

FOR_EACH_POLICY("a custom budget without a handler refuses; nothing is told where there is no budget") {
    recorder r;
    fa::basic_smart_alloc<P> alloc{r.options({.frame_capacity = 64_KiB})};
    CHECK(alloc.frame_remaining() > 0);
    alloc.set_thread_frame_budget(4_KiB);
    alloc.on_budget_exceeded(fa::budget_policy::custom);
    const auto frame = alloc.frame_scope();
    CHECK(frame.try_alloc_bytes(1_KiB) != nullptr);
    CHECK(frame.try_alloc_bytes(8_KiB) == nullptr);
    CHECK(frame.try_alloc_bytes(1_KiB) != nullptr);
    CHECK(r.faults.empty());
}

FOR_EACH_POLICY("what lies out of line counts towards a budget, but not towards one that drives out what is above it") {
    if (test::guarded<P>) return;  // its chunks end elsewhere
    const auto within = [](fa::budget_policy policy) {
        fa::basic_smart_alloc<P> alloc{fa::options{.frame_capacity = 64_KiB}};
        alloc.set_thread_frame_budget(100'000);
        alloc.on_budget_exceeded(policy);
        const auto frame = alloc.frame_scope();
        REQUIRE(frame.try_alloc_bytes(66'000) != nullptr);  // too large for the chunk
        const auto* first = static_cast<const char*>(frame.try_alloc_bytes(1024));
        std::size_t n = 1;
        for (const char* p; (p = static_cast<const char*>(frame.try_alloc_bytes(1024))) == first + n * 1024; ++n) {}
        return n;  // in one piece, until the end of the budget or the chunk
    };
    CHECK(within(fa::budget_policy::fail) == 33);
    CHECK(within(fa::budget_policy::promote) == 63);
}

namespace {

// On its first calls allocates blocks of the requested class, and frame memory.
template <class P>
struct taker {
    const fa::basic_smart_alloc<P>* alloc = nullptr;
    std::size_t blocks = 0;
    bool inside = false;
    std::vector<void*> taken{};
    int frames = 0;

    bool operator()(const fa::budget_event&) {
        if (inside || frames == 3) return true;
        inside = true;
        for (std::size_t i = 0; i < blocks; ++i) taken.push_back(alloc->pool_alloc_bytes(64));
        frames += alloc->try_frame_alloc_bytes(8) != nullptr ? 1 : 0;
        inside = false;
        return true;
    }
};

}  // namespace

FOR_EACH_POLICY("a budget's handler may allocate, up to the whole page that is being asked for") {
    for (const auto guard : {fa::guard_level::off, fa::guard_level::automatic}) {
        for (const std::size_t blocks : {1U, 63U, 64U, 400U, 1000U, 1100U}) {
            recorder r;
            fa::options o;
            o.guard = guard;
            const fa::basic_smart_alloc<P> alloc{r.options(o)};
            taker<P> handler{&alloc, blocks};
            alloc.on_budget_exceeded(fa::budget_policy::custom, handler);
            alloc.set_thread_pool_budget(64);
            alloc.begin_frame();
            std::vector<void*> own;
            for (int i = 0; i < 20; ++i) own.push_back(alloc.pool_alloc_bytes(64));
            CHECK(handler.taken.size() >= blocks);
            CHECK(handler.frames > 0);
            own.insert(own.end(), handler.taken.begin(), handler.taken.end());
            for (std::size_t i = 0; i < own.size(); ++i) std::memset(own[i], static_cast<int>(i % 251), 64);
            for (std::size_t i = 0; i < own.size(); ++i) REQUIRE(static_cast<unsigned char*>(own[i])[63] == i % 251);
            for (void* p : own) alloc.pool_free_bytes(p, 64);
            alloc.end_frame();
            CHECK(r.faults.empty());
            CHECK(alloc.stats().total_allocated == 0);
        }
    }
}

namespace {

constexpr fa::budget_policy all_policies[] = {fa::budget_policy::warn, fa::budget_policy::fail,
                                              fa::budget_policy::allow, fa::budget_policy::promote,
                                              fa::budget_policy::custom};

// What one request has brought about.
struct told {
    std::size_t events, exceeded, faults;
};

template <class P, class F>
told told_of(const fa::basic_smart_alloc<P>& alloc, const events& e, const recorder& r, F&& request) {
    const std::size_t events = e.seen.size(), faults = r.faults.size();
    const auto exceeded = static_cast<std::size_t>(alloc.thread_budget().pool_exceeded);
    request();
    return {e.seen.size() - events, static_cast<std::size_t>(alloc.thread_budget().pool_exceeded) - exceeded,
            r.faults.size() - faults};
}

template <class P>
void free_all(const fa::basic_smart_alloc<P>& alloc, std::vector<void*>& blocks, std::size_t bytes) {
    for (void* p : blocks) alloc.pool_free_bytes(p, bytes);
    blocks.clear();
}

template <class F>
void for_each_policy_and_guard(F&& f) {
    for (const fa::budget_policy policy : all_policies) {
        for (const auto guard : {fa::guard_level::off, fa::guard_level::fill, fa::guard_level::automatic}) {
            for (const bool answer : {false, true}) {
                const int p = static_cast<int>(policy), g = static_cast<int>(guard);
                CAPTURE(p);
                CAPTURE(g);
                CAPTURE(answer);
                f(policy, guard, answer);
            }
        }
    }
}

}  // namespace

FOR_EACH_POLICY("a request is asked about once, however many pages are tried for it") {
    for_each_policy_and_guard([](fa::budget_policy policy, fa::guard_level guard, bool answer) {
        recorder r;
        events e;
        e.answer = answer;
        fa::options o;
        o.guard = guard;
        fa::basic_smart_alloc<P> alloc{r.options(o)};
        alloc.set_thread_pool_budget(5000);
        alloc.on_budget_exceeded(policy, e.handler);
        std::vector<void*> blocks, others;
        alloc.begin_frame();
        for (int i = 0; i < 200; ++i) {
            bool served = false;
            const told t = told_of(alloc, e, r, [&] {
                void* p = alloc.try_pool_alloc_bytes(100);
                served = p != nullptr;
                if (served) blocks.push_back(p);
            });
            CHECK(t.events <= 1);
            CHECK(t.exceeded <= 1);
            CHECK(t.faults <= 1);
            if (i % 50 == 49) {  // unused pages around, and blocks that another thread returns
                for (int n = 0; n < 3; ++n) others.push_back(alloc.try_pool_alloc_bytes(16U << n));
                for (int n = 0; n < 3; ++n) alloc.pool_free_bytes(others[static_cast<std::size_t>(n)], 16U << n);
                others.clear();
                void* const back = blocks.back();
                blocks.pop_back();
                std::thread([&] { alloc.pool_free_bytes(back, 100); }).join();
                alloc.end_frame();
                alloc.begin_frame();
            }
            const bool keeps = policy == fa::budget_policy::fail || (policy == fa::budget_policy::custom && !answer);
            if (keeps) CHECK(served == (t.exceeded == 0));
            else CHECK(served);
        }
        alloc.end_frame();
        CHECK(e.exceeded() == (policy == fa::budget_policy::promote ? 0 : alloc.thread_budget().pool_exceeded));
        free_all(alloc, blocks, 100);
        alloc.trim();
        CHECK(alloc.thread_budget().pool_used == 0);
        CHECK(alloc.stats().total_allocated == 0);
    });
}

FOR_EACH_POLICY("pages without a block in use give way before a budget is asked, and count nothing") {
    for_each_policy_and_guard([](fa::budget_policy policy, fa::guard_level guard, bool answer) {
        recorder r;
        events e;
        e.answer = answer;
        fa::options o;
        o.guard = guard;
        fa::basic_smart_alloc<P> alloc{r.options(o)};
        alloc.set_thread_pool_budget(10'000);
        alloc.on_budget_exceeded(policy, e.handler, 100);
        const auto frame = alloc.frame_scope();
        std::vector<void*> blocks;
        for (const std::size_t bytes : {64U, 80U, 400U, 2000U, 16U}) {
            for (std::size_t n = 0; n < 9'600 / ((bytes + 15) / 16 * 16) && n < 4 + 100 / (bytes / 16); ++n)
                blocks.push_back(alloc.try_pool_alloc_bytes(bytes));
            for (void* p : blocks) CHECK(p != nullptr);
            CHECK(alloc.thread_budget().pool_used >= blocks.size() * bytes);
            CHECK(alloc.thread_budget().pool_used <= 10'000);
            free_all(alloc, blocks, bytes);
            if (!test::guarded<P> && guard == fa::guard_level::off)  // where blocks are quarantined, they count
                CHECK(alloc.thread_budget().pool_used == 0);
        }
        CHECK(e.seen.empty());
        CHECK(r.faults.empty());
        CHECK(alloc.thread_budget().pool_exceeded == 0);
        alloc.trim();
        CHECK(alloc.thread_budget().pool_used == 0);
        CHECK(alloc.stats().heap_allocated == 0);
    });
}

FOR_EACH_POLICY("a budget holds for what was allocated and freed before it was set") {
    fa::basic_smart_alloc<P> alloc;
    alloc.on_budget_exceeded(fa::budget_policy::fail);
    std::vector<void*> blocks;
    for (int i = 0; i < 10; ++i) blocks.push_back(alloc.pool_alloc_bytes(2000));
    free_all(alloc, blocks, 2000);
    alloc.set_thread_pool_budget(8_KiB);
    while (void* p = alloc.try_pool_alloc_bytes(2000)) blocks.push_back(p);
    CHECK(blocks.size() <= 4);
    CHECK(alloc.thread_budget().pool_used <= 8_KiB);
    CHECK(alloc.stats().pool_allocated <= 8_KiB);
    CHECK(alloc.thread_budget().pool_exceeded == 1);
    free_all(alloc, blocks, 2000);
}
