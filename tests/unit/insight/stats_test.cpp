// frame_stats, and statistics seen from several threads.
#include <doctest/doctest.h>

#include <atomic>
#include <string>
#include <string_view>
#include <thread>

#include "support/recorder.hpp"

using namespace test;

FOR_EACH_POLICY("frame_stats speaks of the current frame, then of the last one") {
    fa::basic_smart_alloc<P> alloc;
    CHECK(alloc.frame_stats().frame_number == 0);
    {
        auto frame = alloc.frame_scope();
        static_cast<void>(frame.alloc_bytes(800, 8));
        {
            auto inner = alloc.frame_scope();
            static_cast<void>(inner.alloc_bytes(80, 8));
            CHECK(alloc.frame_stats().bytes_in_use == 880);
        }
        CHECK(alloc.frame_stats().bytes_in_use == 800);
        CHECK(alloc.frame_stats().bytes_allocated == 880);
    }
    const auto s = alloc.frame_stats();
    CHECK(s.frame_number == 1);
    CHECK(s.bytes_allocated == 880);
    CHECK(s.bytes_in_use == 0);
    CHECK(s.peak_bytes == 880);
    CHECK(s.outer_growth == 0);
    CHECK(s.suggested_capacity == 0);
}

FOR_EACH_POLICY("stats sum over threads that run and threads that ended") {
    fa::basic_smart_alloc<P> alloc;
    { auto frame = alloc.frame_scope(); }  // its own context: otherwise this thread would take over one that was left
    void* blocks[3];
    for (void*& b : blocks) std::thread([&] { b = alloc.pool_alloc_bytes(100); }).join();
    CHECK(alloc.stats().pool_allocated == 3 * 112);
    CHECK(alloc.stats().active_allocations() == 3);
    for (void* b : blocks) alloc.pool_free_bytes(b, 100);
    CHECK(alloc.stats().pool_allocated == 0);
    CHECK(alloc.stats().deferred_free_count == 3);
}

// Under the thread sanitizer this also fails if the counts that a reset keeps are read concurrently.
TEST_CASE("counts are never more than what was done since a reset, whoever resets") {
    fa::smart_alloc alloc;
    constexpr unsigned rounds = 2000;
    for (unsigned i = 0; i < rounds; ++i) alloc.pool_free(alloc.pool_alloc<int>());
    std::thread resets[2];
    for (auto& t : resets) {
        t = std::thread([&] {
            for (unsigned i = 0; i < rounds; ++i) alloc.reset_stats();
        });
    }
    unsigned wrong = 0;
    for (unsigned i = 0; i < rounds; ++i) {
        alloc.pool_free(alloc.pool_alloc<int>());
        const fa::alloc_stats s = alloc.stats();
        wrong += s.allocation_count > 2 * rounds || s.deallocation_count > 2 * rounds ? 1U : 0U;
    }
    for (auto& t : resets) t.join();
    CHECK(wrong == 0);
    alloc.reset_stats();
    alloc.pool_free(alloc.pool_alloc<int>());
    CHECK(alloc.stats().allocation_count == 1);
    CHECK(alloc.stats().deallocation_count == 1);
}

FOR_EACH_POLICY("statistics of a tag may be asked for while another thread gives it its first pages") {
    fa::basic_smart_alloc<P> alloc;
    std::atomic<bool> stop{false};
    std::thread reader([&] {
        while (!stop.load()) {
            CHECK(alloc.tag_stats("t1").with_children.pool_bytes <= 1_MiB);
            CHECK(alloc.stats().pool_allocated <= 1_MiB);
        }
    });
    std::thread([&] {
        for (int i = 0; i < 100; ++i) {
            const fa::tag_scope scope{alloc, std::string_view("t" + std::to_string(i % 50))};
            void* blocks[50];
            for (void*& b : blocks) b = alloc.pool_alloc_bytes(4096);
            for (void* b : blocks) alloc.pool_free_bytes(b, 4096);
        }
    }).join();
    stop = true;
    reader.join();
    CHECK(alloc.tag_stats("t1").pool_bytes == 0);
}
