// Page sources, the ledger over them, and metadata.
#include <doctest/doctest.h>

#include <framealloc/detail/os/fixed_pages.hpp>
#include <framealloc/detail/os/metadata.hpp>
#include <framealloc/detail/os/page_ledger.hpp>
#include <framealloc/detail/os/thread.hpp>
#include <framealloc/detail/os/wait.hpp>
#include <support/test_pages.hpp>

#include <cstring>
#include <thread>
#include <vector>

#include "support/recorder.hpp"

using namespace test;
using fa::exhaustion_reason;

TEST_CASE("system pages are aligned, zero, and usable once committed") {
    fa::os::system_pages pages;
    for (std::size_t alignment : {pages.granularity(), std::size_t{65536}}) {
        auto* p = static_cast<unsigned char*>(pages.reserve(1_MiB, alignment));
        REQUIRE(p != nullptr);
        CHECK(aligned(p, alignment));
        REQUIRE(pages.commit(p, 64_KiB));
        for (std::size_t i = 0; i < 64_KiB; ++i) REQUIRE(p[i] == 0);
        std::memset(p, 1, 64_KiB);
        pages.decommit(p, 64_KiB);
        pages.release(p, 1_MiB);
    }
    CHECK(fa::os::system_calls() > 0);
}

TEST_CASE("fixed pages are first fit, aligned, zeroed and reusable to the last page") {
    std::vector<std::byte> memory(2_MiB, std::byte{0xff});
    fa::os::fixed_pages pages(memory.data(), memory.size());
    std::vector<void*> taken;
    while (void* p = pages.reserve(64_KiB, 4096)) taken.push_back(p);
    CHECK(taken.size() >= 30);
    CHECK(taken.size() <= 32);
    CHECK(static_cast<unsigned char*>(taken[3])[100] == 0);
    pages.release(taken[3], 64_KiB);
    CHECK(pages.reserve(128_KiB, 4096) == nullptr);
    CHECK(pages.reserve(64_KiB, 4096) == taken[3]);
    for (void* p : taken) pages.release(p, 64_KiB);
    void* wide = pages.reserve(512_KiB, 65536);
    CHECK(aligned(static_cast<char*>(wide), 65536));
    std::byte tiny[100];
    fa::os::fixed_pages none(tiny, sizeof tiny);
    CHECK(none.reserve(4096, 4096) == nullptr);
}

TEST_CASE("the ledger counts, limits and seals, and does not count what was refused") {
    test::test_pages source;
    const std::size_t page = source.granularity();
    fa::os::page_ledger ledger;
    ledger.open(source, 128_KiB, false);
    exhaustion_reason why{};
    void* p = ledger.reserve(1_MiB, 65536, why);
    REQUIRE(p != nullptr);
    CHECK(ledger.reserved() == 1_MiB);
    CHECK(ledger.commit(p, 128_KiB, why));
    CHECK_FALSE(ledger.commit(static_cast<char*>(p) + 128_KiB, 64_KiB, why));
    CHECK(why == exhaustion_reason::global_limit);
    CHECK(ledger.committed() == 128_KiB);
    CHECK(ledger.requests() == 2);  // not what the limit refused
    ledger.decommit(p, page);
    source.refuse_after = 0;
    CHECK(ledger.reserve(page, page, why) == nullptr);
    CHECK_FALSE(ledger.commit(p, page, why));
    CHECK(why == exhaustion_reason::system_refused);
    CHECK(ledger.requests() == 2);
    source.refuse_after = -1;
    CHECK(ledger.commit(p, page, why));
    CHECK(ledger.requests() == 3);
    ledger.seal();
    CHECK(ledger.reserve(page, page, why) == nullptr);
    CHECK(why == exhaustion_reason::sealed);
    CHECK_FALSE(ledger.commit(static_cast<char*>(p) + 128_KiB, page, why));
    CHECK(ledger.requests() == 3);
    ledger.release(p, 1_MiB, 128_KiB);
    CHECK(ledger.reserved() == 0);
    CHECK(ledger.committed() == 0);
    CHECK(ledger.peak_committed() == 128_KiB);
}

TEST_CASE("metadata is zeroed, disjoint and recycled by size") {
    fa::os::system_pages source;
    fa::os::page_ledger ledger;
    ledger.open(source, 0, false);
    fa::os::metadata meta(ledger);
    exhaustion_reason why{};
    std::vector<unsigned char*> blocks;
    for (std::size_t n : {std::size_t{1}, std::size_t{64}, std::size_t{65}, std::size_t{5000}, std::size_t{100'000}}) {
        auto* p = static_cast<unsigned char*>(meta.allocate(n, why));
        REQUIRE(p != nullptr);
        CHECK(aligned(p, 64));
        CHECK(p[n - 1] == 0);
        std::memset(p, 0xee, n);
        blocks.push_back(p);
    }
    meta.deallocate(blocks[3], 5000);
    auto* again = static_cast<unsigned char*>(meta.allocate(6000, why));
    CHECK(again == blocks[3]);
    CHECK(again[0] == 0);
    meta.release_all();
    CHECK(ledger.reserved() == 0);
}

TEST_CASE("thread exit runs the hook, and time goes on") {
    static int runs = 0;
    std::thread([] { fa::os::call_at_thread_exit([]() noexcept { ++runs; }); }).join();
    CHECK(runs == 1);
    const auto before = fa::os::monotonic_microseconds();
    fa::os::sleep_microseconds(1000);
    CHECK(fa::os::monotonic_microseconds() - before >= 1000);
}
