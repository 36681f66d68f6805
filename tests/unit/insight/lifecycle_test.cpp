// Events are delivered one by one to enabled handlers, and to nobody else.
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <string>
#include <string_view>
#include <thread>

#include <framealloc/detail/os/thread.hpp>
#include "support/child.hpp"
#include "support/recorder.hpp"

using namespace test;

namespace {

using kind = fa::frame_event_kind;

struct told {
    std::vector<fa::frame_event> events;
    void operator()(const fa::frame_event& e) { events.push_back(e); }
    std::size_t count(kind k) const {
        return static_cast<std::size_t>(
            std::count_if(events.begin(), events.end(), [&](const auto& e) { return e.kind == k; }));
    }
    const fa::frame_event& last(kind k) const {
        return *std::find_if(events.rbegin(), events.rend(), [&](const auto& e) { return e.kind == k; });
    }
};

struct block {
    std::byte bytes[64];
};

}  // namespace

FOR_EACH_POLICY("frames, allocations and frees are told with bytes, tag, frame and depth; disable ends it") {
    fa::basic_smart_alloc<P> alloc;
    told t;
    const std::uint64_t start = fa::os::monotonic_microseconds();
    { auto frame = alloc.frame_scope(); }  // not delivered
    alloc.lifecycle().enable(t);
    CHECK(alloc.lifecycle().is_enabled());
    alloc.begin_frame();
    {
        fa::tag_scope tag{alloc, "physics"};
        CHECK(alloc.template frame_alloc<block>() != nullptr);
        CHECK(alloc.template frame_alloc<block>() != nullptr);
        block* p = alloc.template pool_alloc<block>();
        block* q = alloc.template pool_alloc<block>();
        alloc.pool_free(p);
        alloc.pool_free(q);
        void* h = alloc.heap_alloc_bytes(100'000);
        alloc.heap_free_bytes(h, 100'000);
    }
    {
        auto inner = alloc.frame_scope();
        CHECK(inner.alloc_bytes(1000) != nullptr);
    }
    alloc.end_frame();
    CHECK(t.count(kind::frame_begin) == 2);
    CHECK(t.count(kind::frame_end) == 2);
    CHECK(t.count(kind::allocation) == 6);
    CHECK(t.count(kind::release) == 3);
    const auto& first = t.events[1];
    CHECK(first.kind == kind::allocation);
    CHECK(first.memory == fa::memory_kind::frame);
    CHECK(first.bytes == 64);
    CHECK(first.tag == "physics");
    CHECK(first.frame == 2);
    CHECK(first.thread != 0);
    const auto& large = t.last(kind::release);
    CHECK(large.memory == fa::memory_kind::heap);
    CHECK(large.bytes == 100'000);
    const auto& end = t.events.back();
    CHECK(end.kind == kind::frame_end);
    CHECK(end.microseconds <= fa::os::monotonic_microseconds() - start);  // no longer than all of it
    CHECK(end.depth == 1);
    CHECK(end.bytes == 1128);
    CHECK(end.peak >= 1128);
    CHECK(end.peak < 1200);
    const auto mine = alloc.lifecycle().thread_stats();
    CHECK(mine.running);
    CHECK(mine.frames_started == 1);
    CHECK(mine.frames_completed == 1);
    CHECK(mine.total_allocated == 1128);
    CHECK(mine.peak_memory == end.peak);

    alloc.lifecycle().disable();
    CHECK_FALSE(alloc.lifecycle().is_enabled());
    const std::size_t before = t.events.size();
    {
        auto frame = alloc.frame_scope();
        CHECK(frame.template alloc<block>() != nullptr);
        alloc.pool_free(alloc.template pool_alloc<block>());
    }
    CHECK(t.events.size() == before);
    CHECK(alloc.stats().total_allocated == 0);
}

FOR_EACH_POLICY("a handler may allocate; what it does is not told") {
    fa::basic_smart_alloc<P> alloc;
    std::size_t calls = 0;
    auto handler = [&](const fa::frame_event&) {
        ++calls;
        auto box = alloc.pool_box(1);
        auto frame = alloc.frame_scope();
        static_cast<void>(frame.template alloc<block>());
    };
    alloc.lifecycle().enable(handler);
    {
        auto frame = alloc.frame_scope();
        auto box = alloc.pool_box(2);
    }
    CHECK(calls == 4);
    alloc.lifecycle().disable();
    CHECK(alloc.stats().total_allocated == 0);
}

FOR_EACH_POLICY("remote frees, what came home, transfers and budgets are told") {
    fa::basic_smart_alloc<P> alloc;
    told t;
    alloc.lifecycle().enable(t);
    block* p = alloc.template pool_alloc<block>();
    std::atomic<std::uint64_t> other{0};
    alloc.lifecycle().disable();
    told there;
    alloc.lifecycle().enable(there);  // the handler is only called by the other thread now
    std::thread([&] {
        alloc.pool_free(p);
        other = alloc.lifecycle().thread_stats().thread;
        CHECK(alloc.lifecycle().thread_stats().cross_thread_frees == 1);
    }).join();
    CHECK(there.count(kind::remote_free) == 1);
    CHECK(there.last(kind::remote_free).thread == other);
    CHECK(there.last(kind::remote_free).other_thread == t.events.back().thread);
    CHECK(there.last(kind::remote_free).bytes == 64);
    alloc.lifecycle().enable(t);
    CHECK(alloc.process_deferred_frees() == 1);
    CHECK(t.last(kind::deferred_processed).count == 1);
    CHECK(t.last(kind::deferred_processed).bytes == 64);
    {
        auto h = alloc.frame_box_for_transfer(7);
        static_cast<void>(std::move(h).receive());
        auto dropped = alloc.frame_box_for_transfer(8);
    }
    CHECK(t.count(kind::transfer_initiated) == 2);
    CHECK(t.count(kind::transfer_completed) == 1);
    CHECK(t.count(kind::transfer_dropped) == 1);
    CHECK(t.last(kind::transfer_dropped).bytes == sizeof(int));
    alloc.set_thread_frame_budget(1000);
    alloc.on_budget_exceeded(fa::budget_policy::fail);
    auto frame = alloc.frame_scope();
    CHECK(frame.try_alloc_bytes(900) != nullptr);
    CHECK(frame.try_alloc_bytes(900) == nullptr);
    CHECK(t.count(kind::memory_pressure) == 1);
    CHECK(t.last(kind::budget_exceeded).bytes == 912);  // 904, and 8 to be aligned to 16
    CHECK(t.last(kind::budget_exceeded).limit == 1000);
    alloc.lifecycle().disable();
}

FOR_EACH_POLICY("threads are watched from their next frame on; the sums of ended ones stay") {
    fa::basic_smart_alloc<P> alloc;
    std::atomic<std::uint64_t> begun{0};
    std::atomic<int> stage{0};
    auto handler = [&](const fa::frame_event& e) {
        if (e.kind == kind::frame_begin) ++begun;
    };
    std::vector<std::thread> threads;
    for (int w = 0; w < 3; ++w) {
        threads.emplace_back([&] {
            for (int i = 0; i < 10; ++i) {  // in the fast path before the observer comes
                auto frame = alloc.frame_scope();
                static_cast<void>(frame.template alloc<block>());
            }
            ++stage;
            while (stage < 4) std::this_thread::yield();
            for (int i = 0; i < 100; ++i) {
                auto frame = alloc.frame_scope();
                static_cast<void>(frame.template alloc<block>());
            }
        });
    }
    while (stage < 3) std::this_thread::yield();
    alloc.lifecycle().enable(handler);
    ++stage;
    for (auto& t : threads) t.join();
    CHECK(begun == 300);
    const auto once = [&](std::size_t bytes) {
        auto frame = alloc.frame_scope();
        static_cast<void>(frame.alloc_bytes(bytes));
    };
    for (int i = 0; i < 3; ++i) std::thread(once, 50'000).join();  // each takes a context over
    for (int i = 0; i < 3; ++i) std::thread(once, 8).join();
    const auto s = alloc.lifecycle().summary();
    CHECK(s.total_frames == 306);
    CHECK(s.total_allocated == 300 * 64 + 3 * 50'008);
    CHECK(s.events[static_cast<std::size_t>(kind::frame_begin)] == 306);
    CHECK(s.peak_memory >= 50'000);
    CHECK(s.peak_memory < 51'000);
    fa::thread_frame_stats list[8];
    CHECK(alloc.lifecycle().thread_stats(list) == s.thread_count);
    char text[1024], little[10];
    CHECK(s.text(text).find("306 frames") != std::string_view::npos);
    CHECK(s.text(little).size() == 9);
    alloc.lifecycle().reset_stats();
    CHECK(alloc.lifecycle().summary().total_frames == 0);
    CHECK(alloc.lifecycle().summary().peak_memory == 0);
    alloc.lifecycle().disable();
}

TEST_CASE("after disable no thread is in the handler") {
    fa::smart_alloc alloc;
    std::atomic<bool> stop{false};
    std::atomic<int> late{0};
    std::vector<std::thread> threads;
    for (int w = 0; w < 3; ++w) {
        threads.emplace_back([&] {
            while (!stop) {
                auto frame = alloc.frame_scope();
                static_cast<void>(frame.alloc<block>());
                alloc.pool_free(alloc.pool_alloc<block>());
            }
        });
    }
    for (int round = 0; round < 200; ++round) {
        auto alive = std::make_unique<std::atomic<bool>>(true);
        auto handler = [&late, flag = alive.get()](const fa::frame_event&) {
            if (!*flag) ++late;
        };
        alloc.lifecycle().enable(handler);
        std::this_thread::yield();
        alloc.lifecycle().disable();
        *alive = false;
    }
    stop = true;
    for (auto& t : threads) t.join();
    CHECK(late == 0);
    CHECK(alloc.stats().total_allocated == 0);
}

// The thread sanitizer checks these writes against concurrent readers.
TEST_CASE("an observer is set while threads park what told it") {
    fa::smart_alloc alloc;
    std::atomic<bool> stop{false};
    std::thread parks([&] {
        while (!stop) {
            auto context = alloc.park();
            alloc.resume(std::move(context));
            alloc.begin_frame();
            static_cast<void>(alloc.frame_alloc<block>());
            alloc.end_frame();
            context = alloc.park();
            fa::os::sleep_microseconds(50);
            alloc.resume(std::move(context));
        }
    });
    std::atomic<int> told{0};
    for (int round = 0; round < 500; ++round) {
        auto handler = [&told](const fa::frame_event&) { ++told; };
        alloc.lifecycle().enable(handler);
        fa::os::sleep_microseconds(100);
        alloc.lifecycle().disable();
    }
    stop = true;
    parks.join();
    CHECK(told != 0);
}

TEST_CASE("several threads may set the observer at once") {
    fa::smart_alloc alloc;
    std::atomic<bool> stop{false};
    std::atomic<int> told{0};
    auto handler = [&told](const fa::frame_event&) { ++told; };
    std::thread works([&] {
        while (!stop) {
            auto frame = alloc.frame_scope();
            static_cast<void>(frame.alloc<block>());
        }
    });
    std::thread sets[2];
    for (auto& t : sets) {
        t = std::thread([&] {
            for (int round = 0; round < 1000; ++round) alloc.lifecycle().enable(handler);
        });
    }
    for (auto& t : sets) t.join();
    while (told == 0) std::this_thread::yield();
    alloc.lifecycle().disable();
    stop = true;
    works.join();
    CHECK(alloc.stats().total_allocated == 0);
}

TEST_CASE("a child does not wait for a thread that was in the handler when it was forked") {
    if (!test::on_linux) return;  // elsewhere a fork causes no event
    fa::smart_alloc alloc;
    std::atomic<bool> inside{false}, stop{false};
    auto handler = [&](const fa::frame_event&) {
        inside = true;
        while (!stop) std::this_thread::yield();
    };
    alloc.lifecycle().enable(handler);
    std::thread told([&] { auto frame = alloc.frame_scope(); });
    while (!inside) std::this_thread::yield();
    CHECK(status_of_child([&] {
              alarm(20);
              alloc.lifecycle().disable();
              _exit(0);
          }) == 0);
    stop = true;
    told.join();
    alloc.lifecycle().disable();
}
