// The lock excludes; the list of returning blocks loses nothing.
#include <doctest/doctest.h>

#include <atomic>
#include <set>
#include <thread>
#include <vector>

#include "support/page_memory.hpp"
#include "support/recorder.hpp"

using namespace test;

TEST_CASE("the lock lets one thread in at a time, and counts") {
    fa::sync::lock lock;
    const auto before = fa::sync::lock_acquisitions();
    long counter = 0;
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&] {
            for (int i = 0; i < 20'000; ++i) {
                const fa::sync::lock_guard guard(lock);
                ++counter;
            }
        });
    }
    for (auto& t : threads) t.join();
    CHECK(counter == 80'000);
    CHECK(fa::sync::lock_acquisitions() - before >= 80'000);
}

TEST_CASE("what several threads push, the owner takes, each block once") {
    static page_memory<> memory;
    unsigned char* const page = memory.page();
    const std::uintptr_t base = fa::address_of(page);
    fa::sync::remote_list list;
    constexpr int senders = 3, batches = 300, batch = 4;
    std::atomic<int> running{senders};
    std::vector<std::thread> threads;
    for (int s = 0; s < senders; ++s) {
        threads.emplace_back([&, s] {
            for (int b = 0; b < batches; ++b) {
                void* blocks[batch];
                for (int i = 0; i < batch; ++i) blocks[i] = page + 16 * (1 + (s * batches + b) * batch + i);
                for (int i = 0; i + 1 < batch; ++i) *static_cast<void**>(blocks[i]) = blocks[i + 1];
                list.push(base, blocks[0], blocks[batch - 1], batch);
            }
            --running;
        });
    }
    std::set<void*> seen;
    std::uint32_t counted = 0;
    auto drain = [&] {
        const auto taken = list.take(base);
        counted += taken.count;
        std::uint32_t n = 0;
        for (void* p = taken.head; p != nullptr; p = *static_cast<void**>(p), ++n) seen.insert(p);
        REQUIRE(n == taken.count);
    };
    while (running != 0) drain();
    for (auto& t : threads) t.join();
    drain();
    CHECK(counted == senders * batches * batch);
    CHECK(seen.size() == senders * batches * batch);
    CHECK(list.count() == 0);
}
