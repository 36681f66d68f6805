// Threads that allocate, hand over and free concurrently. Also run under the thread sanitizer.
#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <random>
#include <thread>

#include "support/recorder.hpp"

using namespace test;

namespace {

struct cookie {
    std::uint64_t size;
    std::uint64_t check;
};

std::size_t exchange_operations() {
    const char* text = std::getenv("FRAMEALLOC_MODEL_OPS");
    return text == nullptr ? 20'000 : static_cast<std::size_t>(std::strtoull(text, nullptr, 10));
}

}  // namespace

// As mimalloc's test-stress does: blocks with cookies go through a table of slots that all threads exchange.
FOR_EACH_POLICY("blocks exchanged between threads keep their cookies, and none is lost") {
    fa::basic_smart_alloc<P> alloc;
    static std::array<std::atomic<cookie*>, 1000> slots{};
    auto release = [&](cookie* c) {
        CHECK(c->check == (c->size ^ 0x5bd1e995U));
        if (c->size % 2 == 0) alloc.pool_free_bytes(c, c->size);
        else alloc.heap_free_bytes(c, c->size);
    };
    auto work = [&](unsigned seed) {
        std::mt19937 random(seed);
        for (std::size_t i = 0; i < exchange_operations(); ++i) {
            const std::size_t n = sizeof(cookie) + random() % (random() % 50 == 0 ? 20'000 : 300);
            auto* c = static_cast<cookie*>(n % 2 == 0 ? alloc.pool_alloc_bytes(n) : alloc.heap_alloc_bytes(n));
            *c = {n, n ^ 0x5bd1e995U};
            if (cookie* old = slots[random() % slots.size()].exchange(c)) release(old);
            if (i % 64 == 0) {
                auto frame = alloc.frame_scope();
                fa::tag_scope tag(alloc, "work");
                static_cast<void>(frame.alloc_bytes(1 + random() % 1000));
            }
        }
    };
    std::vector<std::thread> threads;
    for (unsigned t = 0; t < 4; ++t) threads.emplace_back(work, t);
    for (int i = 0; i < 20; ++i) static_cast<void>(alloc.stats().pool_allocated);  // a reader beside them
    for (auto& t : threads) t.join();
    for (auto& s : slots) {
        if (cookie* c = s.exchange(nullptr)) release(c);
    }
    CHECK(alloc.stats().total_allocated == 0);
    CHECK(alloc.stats().active_allocations() == 0);
}

FOR_EACH_POLICY("a producer and a consumer keep memory flat") {
    fa::basic_smart_alloc<P> alloc;
    std::array<std::atomic<void*>, 64> ring{};
    std::atomic<bool> done{false};
    std::size_t committed = 0;
    std::thread consumer([&] {
        std::size_t i = 0;
        while (!done || ring[i % 64] != nullptr) {
            void* p = ring[i % 64].exchange(nullptr);
            if (p == nullptr) {
                std::this_thread::yield();
                continue;
            }
            alloc.pool_free_bytes(p, 64);
            ++i;
        }
    });
    for (std::size_t i = 0; i < 50'000; ++i) {
        void* p = alloc.pool_alloc_bytes(64);
        while (ring[i % 64].load() != nullptr) std::this_thread::yield();
        ring[i % 64] = p;
        if (i == 5'000) committed = alloc.stats().committed;
    }
    done = true;
    consumer.join();
    CHECK(alloc.stats().pool_allocated == 0);
    CHECK(alloc.stats().committed <= committed + 256_KiB);
}

FOR_EACH_POLICY("allocating, growing or closing in another thread's frame is a coded fault") {
    recorder r;
    fa::basic_smart_alloc<P> alloc{r.options()};
    auto frame = alloc.frame_scope();
    if constexpr (P::checks) {
        std::thread([&] {
            static_cast<void>(frame.template try_alloc<int>());
            CHECK(r.count(fa::code::FA430) == 1);
        }).join();
    }
    // A frame span may be read and written by anyone.
    auto numbers = frame.template batch<int>(1000);
    std::vector<std::thread> threads;
    for (std::size_t t = 0; t < 4; ++t) {
        threads.emplace_back([&, t] {
            for (std::size_t i = t * 250; i < (t + 1) * 250; ++i) numbers[i] = static_cast<int>(i);
        });
    }
    for (auto& t : threads) t.join();
    for (std::size_t i = 0; i < 1000; ++i) CHECK(numbers[i] == static_cast<int>(i));
    CHECK(r.count(fa::code::FA430) == (P::checks ? 1 : 0));
}

FOR_EACH_POLICY("the last handle going while a thread has open frames is a coded fault, and its memory stays valid") {
    recorder r;
    std::atomic<int> stage{0};
    auto reach = [&](int n) {
        while (stage != n) std::this_thread::yield();
    };
    std::thread worker;
    {
        fa::basic_smart_alloc<P> alloc{r.options()};
        worker = std::thread([&] {
            auto frame = alloc.frame_scope();
            int* p = frame.template alloc<int>();
            *p = 5;
            stage = 1;
            reach(2);
            CHECK(*p == 5);
        });
        reach(1);
    }
    CHECK(r.count(fa::code::FA432) == 1);
    stage = 2;
    worker.join();
    CHECK(r.faults.size() == 1);
}

TEST_CASE("a thread forgets allocators that others ended, however many") {
    std::array<fa::smart_alloc, 9> living;
    for (const auto& a : living) a.pool_free_bytes(a.pool_alloc_bytes(64), 64);
    for (int i = 0; i < 4500; ++i) {
        std::optional<fa::smart_alloc> one;
        one.emplace(fa::options{.frame_capacity = 4_KiB});
        one->pool_free_bytes(one->pool_alloc_bytes(64), 64);
        std::thread([&] { one.reset(); }).join();
    }
    for (const auto& a : living) a.pool_free_bytes(a.pool_alloc_bytes(64), 64);
}
