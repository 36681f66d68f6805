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
    memory::heap_allowance all;
    heap_cache cache;
    exhaustion_reason why{};

    heap() {
        pages.open(system, 0, false);
        cache.open();
    }
    ~heap() {
        cache.shrink(0, all, [this](heap_block* b) { large.deallocate(b); });
        large.release_all();
        meta.release_all();
    }
    heap_block* make(std::size_t bytes) {
        heap_block* b = large.allocate(bytes, 16, why);
        REQUIRE(b != nullptr);
        return b;
    }
    bool put(heap_block* b) { return cache.put(b, all, pages.committed(), meta); }
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
    h.cache.shrink(100'000, h.all, [&](heap_block* b) {
        gone.push_back(b->bytes);
        h.large.deallocate(b);
    });
    REQUIRE(gone.size() == 1);
    CHECK(gone[0] >= 512'000);
    CHECK(h.cache.bytes() == all - gone[0]);
    h.cache.shrink(0, h.all, [&](heap_block* b) {
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
        if (!h.cache.put(b, h.all, 0, h.meta)) refused.push_back(b);
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
    for (heap_block* b : some) REQUIRE(h.cache.put(b, h.all, std::size_t{64} << 20, h.meta));
    const std::size_t all = h.cache.bytes();
    CHECK(all == some[0]->bytes + some[1]->bytes + some[2]->bytes);
    heap_block* more = h.make(3'000'000);
    CHECK(!h.cache.put(more, h.all, 0, h.meta));
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
    CHECK(h.cache.put(b, h.all, 0, h.meta));
    if (memory::heap_bin_of(wide->bytes) == memory::no_heap_bin) CHECK(!h.cache.put(wide, h.all, 0, h.meta));
    h.large.deallocate(wide);
}

TEST_CASE("what threads keep is bounded for all of them, and each keeps a little") {
    heap h;
    heap_cache caches[40];
    std::vector<heap_block*> refused;
    std::size_t all = 0;
    for (heap_cache& c : caches) {
        c.open();
        for (int i = 0; i < 40; ++i) {
            heap_block* b = h.make(400'000);
            if (!c.put(b, h.all, 0, h.meta)) refused.push_back(b);
        }
        CHECK(c.bytes() >= 400'000);
        all += c.bytes();
    }
    CHECK(all <= memory::heap_allowance::of_all + 40 * memory::heap_allowance::of_each);
    // What is in use counts, not what is kept: otherwise each would raise the share of the next
    heap_block* more = h.make(400'000);
    CHECK(!caches[0].put(more, h.all, all, h.meta));
    for (heap_block* b : refused) h.large.deallocate(b);
    h.large.deallocate(more);
    const auto give_back = [&](heap_block* b) { h.large.deallocate(b); };
    for (heap_cache& c : caches) c.shrink(0, h.all, give_back);
    for (int i = 0; i < 10; ++i) REQUIRE(h.put(h.make(700'000)));  // the share is there for the next
}

TEST_CASE("what a thread keeps can be taken away, and its owner goes on") {
    heap h;
    heap_block* some[5] = {};
    for (heap_block*& b : some) b = h.make(1'000'000);
    for (heap_block* b : some) REQUIRE(h.put(b));
    const std::size_t each = some[0]->bytes;
    CHECK(h.cache.take(1'000'000, 16) == some[4]);
    CHECK(h.cache.seize(h.all, [&](heap_block* b) { h.large.deallocate(b); }) == 4 * each);
    CHECK(h.cache.bytes() == 0);
    CHECK(h.cache.take(1'000'000, 16) == nullptr);
    CHECK(h.cache.seize(h.all, [](heap_block*) {}) == 0);
    REQUIRE(h.put(some[4]));
    CHECK(h.cache.bytes() == each);
    for (int i = 0; i < 6; ++i) REQUIRE(h.put(h.make(1'000'000)));  // nothing of its share is lost
    CHECK(h.cache.bytes() == 7 * each);
}
