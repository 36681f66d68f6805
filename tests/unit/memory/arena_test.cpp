// Arenas, chunks and spare chunks, used without any thread or frame.
#include <doctest/doctest.h>
#include <framealloc/detail/base/align.hpp>
#include <framealloc/detail/memory/arena.hpp>
#include <framealloc/detail/memory/chunk_list.hpp>

#include <cstring>

namespace memory = framealloc::memory;
namespace os = framealloc::os;
using framealloc::exhaustion_reason;
using framealloc::pointer_at;
using memory::arena;
using memory::arena_chunk;
using memory::chunk_list;

namespace {

struct home {
    os::system_pages system;
    os::page_ledger pages;
    os::metadata meta{pages};
    framealloc::sync::lock lock;
    memory::chunk_space space{pages, meta, lock};
    exhaustion_reason why{};

    explicit home(std::size_t limit = 0) { pages.open(system, limit, false); }
    ~home() { meta.release_all(); }
    arena_chunk& make(std::size_t bytes) {
        arena_chunk* k = space.make(nullptr, bytes, framealloc::memory_kind::frame, why);
        REQUIRE(k != nullptr);
        return *k;
    }
};

}  // namespace

TEST_CASE("a chunk is accessible as far as it was committed, and found by its addresses") {
    home h;
    arena_chunk& k = h.make(1'000'000);
    CHECK(k.size() >= 1'000'000);
    CHECK(k.accessible() == 0);
    REQUIRE(h.space.commit_to(k, k.begin + 100, h.why));
    CHECK(k.accessible() >= 100);
    CHECK(k.accessible() < k.size());
    std::memset(pointer_at(k.begin), 7, 100);
    REQUIRE(h.space.commit_to(k, k.end, h.why));
    CHECK(k.committed == k.end);
    std::memset(pointer_at(k.begin), 7, k.size());
    h.space.decommit_from(k, k.begin);
    CHECK(k.accessible() == 0);
    CHECK(h.space.find(k.begin + 5) == &k);
    CHECK(h.space.find(k.end) != &k);
    h.space.destroy(&k);
    CHECK(h.space.find(k.begin) == nullptr);
}

TEST_CASE("commits run ahead by a sixteenth, and stop at what a limit allows") {
    home h;
    arena_chunk& k = h.make(std::size_t{64} << 20);
    REQUIRE(h.space.commit_to(k, k.begin + (std::size_t{32} << 20), h.why));
    const std::uintptr_t before = k.committed;
    REQUIRE(h.space.commit_to(k, before + 8, h.why));
    CHECK(k.committed - before == std::size_t{2} << 20);
    h.space.destroy(&k);

    home small(256 << 10);
    arena_chunk& s = small.make(1 << 20);
    CHECK_FALSE(small.space.commit_to(s, s.end, small.why));
    CHECK(small.why == exhaustion_reason::global_limit);
    CHECK(small.space.commit_to(s, s.begin + 4096, small.why));
    small.space.destroy(&s);
}

TEST_CASE("an arena grows chunk by chunk and goes back to a cursor of before") {
    home h;
    arena a;
    a.open(h.make(64 << 10));
    CHECK_FALSE(a.has_grown());
    CHECK(a.limit() == a.start());
    std::uintptr_t cursor = a.start();
    REQUIRE(h.space.commit_to(a.newest(), cursor + 1000, h.why));
    cursor += 1000;
    const std::uintptr_t mark = cursor;
    CHECK(a.used(cursor, 0) == 1000);

    a.push(h.make(64 << 10), cursor, 0);
    cursor = a.newest().begin;
    CHECK(a.has_grown());
    CHECK(a.used(cursor + 24, 0) == 1024);
    CHECK(a.used_below() == 1000);
    a.push(h.make(64 << 10), cursor + 24, 0);
    CHECK(a.used(a.newest().begin, 0) == 1024);
    CHECK(a.contains(mark - 1));

    chunk_list spare;
    while (!a.holds(mark)) spare.put(a.pop());
    CHECK_FALSE(a.has_grown());
    CHECK(a.used(mark, 0) == 1000);
    CHECK(spare.bytes() == std::size_t{128} << 10);
    while (!spare.empty()) h.space.destroy(spare.take_first());
    while (arena_chunk* k = a.pop()) h.space.destroy(k);
    CHECK_FALSE(a.is_open());
}

TEST_CASE("padding does not count as handed out") {
    home h;
    arena a;
    a.open(h.make(64 << 10));
    CHECK(a.used(a.start() + 100, 40) == 60);
    a.push(h.make(64 << 10), a.start() + 100, 40);
    CHECK(a.used_below() == 60);
    CHECK(a.used(a.newest().begin + 50, 60) == 90);
    while (arena_chunk* k = a.pop()) h.space.destroy(k);
}

TEST_CASE("what is forgotten does not count until it is recalled, whatever chunks come and go above it") {
    home h;
    arena a;
    a.open(h.make(64 << 10));
    const std::uintptr_t kept = a.start() + 5000;
    a.forget(a.used(kept, 0));
    CHECK(a.used(kept, 0) == 0);
    CHECK(a.used(kept + 24, 0) == 24);
    a.push(h.make(64 << 10), kept + 24, 0);
    CHECK(a.used(a.newest().begin + 100, 0) == 124);
    h.space.destroy(a.pop());
    CHECK(a.used(kept, 0) == 0);
    a.recall(5000);
    CHECK(a.used(kept, 0) == 5000);
    CHECK(a.used(a.start(), 0) == 0);
    while (arena_chunk* k = a.pop()) h.space.destroy(k);
}

TEST_CASE("a whole chunk takes the place of the only one") {
    home h;
    arena a;
    arena_chunk& small = h.make(64 << 10);
    a.open(small);
    arena_chunk& whole = h.make(1 << 20);
    CHECK(a.replace(whole) == &small);
    CHECK(a.start() == whole.begin);
    CHECK(&a.newest() == &whole);
    h.space.destroy(&small);
    h.space.destroy(&whole);
}

TEST_CASE("of the spare chunks the newest that is large enough is taken") {
    home h;
    chunk_list spare;
    arena_chunk& large = h.make(1 << 20);
    arena_chunk& small = h.make(64 << 10);
    spare.put(&large);
    spare.put(&small);
    CHECK(spare.take(2 << 20) == nullptr);
    CHECK(spare.take(100 << 10) == &large);
    CHECK(spare.take(100 << 10) == nullptr);
    CHECK(spare.first() == &small);
    CHECK(spare.take(0) == &small);
    CHECK(spare.empty());
    h.space.destroy(&large);
    h.space.destroy(&small);
}

TEST_CASE("the chunk at an address and what was handed out below it") {
    home h;
    arena a;
    a.open(h.make(64 << 10));
    const std::uintptr_t first = a.start();
    a.push(h.make(64 << 10), first + 800, 0);
    std::size_t below = ~std::size_t{0};
    const auto at = [&](std::uintptr_t p) {
        return a.find_chunk([&](const arena_chunk& k, std::size_t b) {
            below = b;
            return k.contains(p);
        });
    };
    CHECK(at(first + 5));
    CHECK(below == 0);
    CHECK(at(a.newest().begin));
    CHECK(below == 800);
    CHECK_FALSE(at(a.newest().end + (std::uintptr_t{1} << 40)));
    while (arena_chunk* k = a.pop()) h.space.destroy(k);
}
