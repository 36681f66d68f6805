// The cache in front of the large heap, without a thread.
#include <doctest/doctest.h>
#include <framealloc/detail/memory/heap_cache.hpp>

#include <vector>

namespace memory = framealloc::memory;
namespace os = framealloc::os;
using framealloc::exhaustion_reason;
using memory::heap_block;
using memory::heap_cache;

namespace {

struct heap {
    os::system_pages system;
    os::page_ledger pages;
    os::metadata meta{pages};
    memory::large_heap large{pages};
    heap_cache cache;
    exhaustion_reason why{};

    heap() {
        pages.open(system, 0, false);
        cache.open();
    }
    ~heap() {
        cache.shrink(0, [this](heap_block* b) { large.deallocate(b); });
        large.release_all();
        meta.release_all();
    }
    heap_block* make(std::size_t bytes) {
        heap_block* b = large.allocate(bytes, 16, why);
        REQUIRE(b != nullptr);
        return b;
    }
    bool put(heap_block* b) { return cache.put(b, pages.committed(), meta); }
};

}  // namespace

TEST_CASE("a block that was kept serves the next request of its size") {
    heap h;
    CHECK(h.cache.take(10'000, 16) == nullptr);
    heap_block* b = h.make(10'000);
    REQUIRE(h.put(b));
    CHECK(h.cache.bytes() == b->bytes);
    CHECK(h.cache.take(100'000, 16) == nullptr);
    CHECK(h.cache.take(10'000, 4096) == nullptr);  // as it may lie anywhere
    CHECK(h.cache.take(10'000, 16) == b);
    CHECK(h.cache.bytes() == 0);
    h.large.deallocate(b);
}

TEST_CASE("the largest blocks go first when the cache shrinks") {
    heap h;
    std::size_t all = 0;
    for (const std::size_t bytes : {8'000U, 64'000U, 512'000U}) {
        heap_block* b = h.make(bytes);
        REQUIRE(h.put(b));
        all += b->bytes;
    }
    CHECK(h.cache.bytes() == all);
    std::vector<std::size_t> gone;
    h.cache.shrink(100'000, [&](heap_block* b) {
        gone.push_back(b->bytes);
        h.large.deallocate(b);
    });
    REQUIRE(gone.size() == 1);
    CHECK(gone[0] >= 512'000);
    CHECK(h.cache.bytes() == all - gone[0]);
    h.cache.shrink(0, [&](heap_block* b) {
        gone.push_back(b->bytes);
        h.large.deallocate(b);
    });
    CHECK(gone.size() == 3);
    CHECK(gone[1] > gone[2]);
    CHECK(h.cache.bytes() == 0);
}

TEST_CASE("so much is kept, whatever is committed, and no more") {
    heap h;
    std::vector<heap_block*> refused;
    for (int i = 0; i < 40; ++i) {
        heap_block* b = h.make(900'000);
        if (!h.cache.put(b, 0, h.meta)) refused.push_back(b);
    }
    CHECK(!refused.empty());
    CHECK(h.cache.bytes() <= std::size_t{8} << 20);
    CHECK(h.cache.bytes() >= std::size_t{7} << 20);
    for (heap_block* b : refused) h.large.deallocate(b);
}

TEST_CASE("what is kept is counted, also while less may be kept than before") {
    heap h;
    heap_block* some[3] = {};
    for (heap_block*& b : some) b = h.make(3'000'000);
    for (heap_block* b : some) REQUIRE(h.cache.put(b, std::size_t{64} << 20, h.meta));
    const std::size_t all = h.cache.bytes();
    CHECK(all == some[0]->bytes + some[1]->bytes + some[2]->bytes);
    heap_block* more = h.make(3'000'000);
    CHECK(!h.cache.put(more, 0, h.meta));
    CHECK(h.cache.bytes() == all);
    CHECK(h.cache.take(3'000'000, 16) == some[2]);
    CHECK(h.cache.bytes() == all - some[2]->bytes);
    h.large.deallocate(more);
    h.large.deallocate(some[2]);
}

TEST_CASE("a block that is not as large as its bin's are goes back to where it can coalesce") {
    heap h;
    heap_block* b = h.make(100'000);
    heap_block* wide = h.large.allocate(100'000, 65'536, h.why);
    REQUIRE(wide != nullptr);
    CHECK(b->bin == memory::heap_bin_of(b->bytes));
    CHECK(h.cache.put(b, 0, h.meta));
    if (memory::heap_bin_of(wide->bytes) == memory::no_heap_bin) CHECK(!h.cache.put(wide, 0, h.meta));
    h.large.deallocate(wide);
}
