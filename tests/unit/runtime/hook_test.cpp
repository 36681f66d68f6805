// Hooks: malloc's functions over an allocator, with a tag of their own.
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <map>
#include <memory>
#include <memory_resource>
#include <random>
#include <string>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "support/recorder.hpp"
#include "support/test_pages.hpp"

using namespace test;
using fa::memory_kind;

namespace {

void write(void* p, std::size_t n, unsigned seed) {
    auto* b = static_cast<unsigned char*>(p);
    for (std::size_t i = 0; i < n; i += i < 64 || i + 64 > n ? 1 : 61) b[i] = static_cast<unsigned char>(seed + i);
    if (n != 0) b[n - 1] = static_cast<unsigned char>(seed + n - 1);
}

// Of the first `n` bytes of what was written with `written`.
bool holds(const void* p, std::size_t n, std::size_t written, unsigned seed) {
    const auto* b = static_cast<const unsigned char*>(p);
    for (std::size_t i = 0; i < n; i += i < 64 || i + 64 > written ? 1 : 61) {
        if (b[i] != static_cast<unsigned char>(seed + i)) return false;
    }
    return true;
}

template <class P>
std::size_t in_use(const fa::basic_smart_alloc<P>& a) {
    return a.stats().pool_allocated + a.stats().heap_allocated;
}

template <class P>
std::size_t charged(const fa::basic_smart_alloc<P>& a, const char* path) {
    const fa::tag_bytes t = a.tag_stats(path);
    return t.pool_bytes + t.heap_bytes;
}

// Those that a hook serves.
std::vector<memory_kind> freed_singly() {
    std::vector<memory_kind> all;
    for (unsigned k = 0; k < fa::kind_count; ++k) {
        if (fa::traits_of(fa::kind_at(k)).freed_singly) all.push_back(fa::kind_at(k));
    }
    return all;
}
const std::vector<memory_kind> kinds = freed_singly();

}  // namespace

FOR_EACH_POLICY("a hook's blocks are as malloc's: any size, freed by address alone") {
    for (const memory_kind kind : kinds) {
        recorder seen;
        fa::basic_smart_alloc<P> alloc{seen.options()};
        const fa::hook h{alloc, kind};
        std::vector<void*> blocks;
        std::size_t sum = 0;
        for (std::size_t n = 0; n < 3'000'000; n += n < 300 ? 1 : n / 3) {
            void* p = h.allocate(n);
            REQUIRE(p != nullptr);
            CHECK(aligned(static_cast<char*>(p), 16));
            CHECK(fa::usable_size(p) >= n);
            CHECK(fa::usable_size(p) == h.good_size(n));
            if (guarded<P>) CHECK(fa::usable_size(p) == (n == 0 ? 1 : n));
            std::memset(p, 0x5A, fa::usable_size(p));
            blocks.push_back(p);
            sum += n;
        }
        CHECK(in_use(alloc) >= sum);
        for (void* p : blocks) h.deallocate(p);
        h.deallocate(nullptr);
        CHECK(fa::usable_size(nullptr) == 0);
        CHECK(in_use(alloc) == 0);
        CHECK(seen.faults.empty());
    }
}

FOR_EACH_POLICY("a hook's block may be freed with its size, whatever it was resized to") {
    recorder seen;
    fa::basic_smart_alloc<P> alloc{seen.options()};
    for (const memory_kind kind : kinds) {
        const fa::hook h{alloc, kind};
        for (const std::size_t from : {std::size_t{1}, std::size_t{40}, std::size_t{3000}, std::size_t{5000},
                                       std::size_t{100'000}, std::size_t{2'000'000}}) {
            for (const std::size_t to : {std::size_t{1}, std::size_t{24}, std::size_t{2500}, std::size_t{4500},
                                         std::size_t{90'000}, std::size_t{5'000'000}}) {
                for (const std::size_t align : {std::size_t{16}, std::size_t{64}, std::size_t{4096}}) {
                    void* p = h.allocate(from, align);
                    write(p, from, 3);
                    p = h.resize(p, from, to, align);
                    REQUIRE(p != nullptr);
                    CHECK(aligned(static_cast<char*>(p), align));
                    CHECK(holds(p, from < to ? from : to, from, 3));
                    CHECK(fa::usable_size(p) >= to);
                    write(p, to, 4);
                    h.deallocate(p, to, align);
                }
            }
        }
    }
    CHECK(in_use(alloc) == 0);
    CHECK(seen.faults.empty());
}

FOR_EACH_POLICY("what a hook allocates is charged to its tag, whatever tag is open") {
    for (const memory_kind kind : kinds) {
        fa::basic_smart_alloc<P> alloc;
        const fa::hook scripts{alloc, kind, "engine::scripts"}, untagged{alloc, kind};
        const auto frame = alloc.frame_scope();
        std::vector<void*> mine, theirs;
        for (int i = 0; i < 500; ++i) {
            const fa::tag_scope t{alloc, "ai"};
            static_cast<void>(frame.alloc_bytes(100));
            theirs.push_back(alloc.heap_alloc_bytes(100));
            for (const std::size_t n : {std::size_t{100}, std::size_t{4000}, std::size_t{10'000}})
                mine.push_back(scripts.allocate(n));
            mine.back() = scripts.reallocate(mine.back(), 20'000);
            theirs.push_back(untagged.allocate(64));
            static_cast<void>(frame.alloc_bytes(100));
            CHECK(alloc.current_tag() == "ai");
        }
        CHECK(charged(alloc, "engine::scripts") >= 500 * (100 + 4000 + 20'000));
        CHECK(charged(alloc, "engine::scripts") <= 500 * (112 + 4096 + 20'000));
        CHECK(charged(alloc, "ai") >= 500 * (100 + 64));
        CHECK(charged(alloc, "ai") <= 500 * (112 + 64));
        CHECK(alloc.tag_stats("ai").frame_bytes == alloc.stats().frame_allocated);
        CHECK(charged(alloc, "") == 0);
        for (std::size_t i = 0; i < theirs.size(); ++i)
            i % 2 == 0 ? alloc.heap_free_bytes(theirs[i], 100) : untagged.deallocate(theirs[i]);
        CHECK(charged(alloc, "ai") == 0);
        std::thread([&] {
            for (void* p : mine) scripts.deallocate(p);
        }).join();
        alloc.process_deferred_frees();
        CHECK(charged(alloc, "engine::scripts") == 0);
        CHECK(in_use(alloc) == 0);
    }
}

FOR_EACH_POLICY("a hook's tag and the phases say what a tag scope would have said") {
    for (const memory_kind kind : kinds) {
        fa::basic_smart_alloc<P> scoped, hooked;
        const fa::hook plain{scoped, kind}, lua{hooked, kind, "lua"}, sql{hooked, kind, "db::sql"};
        std::vector<void*> a, b;
        std::minstd_rand random(7);
        for (int frame = 0; frame < 30; ++frame) {
            const auto f = scoped.frame_scope(), g = hooked.frame_scope();
            for (int i = 0; i < 60; ++i) {
                const char* phases[] = {"one", "two"};
                const char* phase = phases[random() % 2];
                const fa::phase_scope p{scoped, phase}, q{hooked, phase};
                const bool is_lua = random() % 2 == 0;
                const std::size_t n = 1 + random() % (random() % 8 == 0 ? 9000 : 700);
                {
                    const fa::tag_scope t{scoped, is_lua ? "lua" : "db"};
                    if (is_lua) a.push_back(plain.allocate(n));
                    else a.push_back(scoped.with_tag("sql", [&] { return plain.allocate(n); }));
                }
                b.push_back((is_lua ? lua : sql).allocate(n));
                static_cast<void>(f.alloc_bytes(n));
                static_cast<void>(g.alloc_bytes(n));
                if (random() % 3 == 0) {
                    const std::size_t k = random() % a.size();
                    plain.deallocate(std::exchange(a[k], nullptr));
                    lua.deallocate(std::exchange(b[k], nullptr));
                }
            }
            if (frame % 7 == 3) scoped.trim(), hooked.trim();
        }
        for (const char* tag : {"", "lua", "db", "db::sql"}) {
            const fa::tag_bytes x = scoped.tag_stats(tag).with_children, y = hooked.tag_stats(tag).with_children;
            CHECK(x.pool_bytes == y.pool_bytes);
            CHECK(x.heap_bytes == y.heap_bytes);
        }
        const auto x = scoped.phase_stats(), y = hooked.phase_stats();
        REQUIRE(x.size() == y.size());
        CHECK(x.size() == 2);
        for (std::size_t i = 0; i < x.size(); ++i) {
            CHECK(x[i].name == y[i].name);
            CHECK(x[i].bytes == y[i].bytes);
            CHECK(x[i].allocations == y[i].allocations);
        }
        for (void* p : a) plain.deallocate(p);
        for (void* p : b) sql.deallocate(p);
        CHECK(in_use(scoped) + in_use(hooked) == 0);
    }
}

FOR_EACH_POLICY("zeroed memory is zero, also where somebody wrote before") {
    fa::basic_smart_alloc<P> alloc;
    for (const memory_kind kind : kinds) {
        const fa::hook h{alloc, kind};
        for (int round = 0; round < 3; ++round) {
            for (const std::size_t n :
                 {std::size_t{1}, std::size_t{500}, std::size_t{5000}, std::size_t{70'000}, std::size_t{3'000'000}}) {
                auto* p = static_cast<unsigned char*>(h.allocate_zeroed(n, n > 60'000 ? 8192 : 16));
                REQUIRE(p != nullptr);
                CHECK(std::all_of(p, p + n, [](unsigned char c) { return c == 0; }));
                std::memset(p, 0xFF, n);
                if (round == 1 && n > 60'000) p = static_cast<unsigned char*>(h.reallocate(p, n / 2, 16));
                h.deallocate(p);
                if (round == 2) alloc.trim();
            }
        }
    }
}

FOR_EACH_POLICY("zeroed memory is zero where a wide alignment left a gap before memory that was written to") {
    fa::basic_smart_alloc<P> alloc;
    const fa::hook h{alloc};
    std::minstd_rand random(3);
    std::vector<void*> blocks;
    for (int i = 0; i < 300; ++i) {
        const std::size_t n = 4500 + random() % 200'000, align = std::size_t{16} << (random() % 12);
        auto* p = static_cast<unsigned char*>(h.allocate_zeroed(n, align));
        REQUIRE(p != nullptr);
        CHECK(aligned(p, align));
        CHECK(std::all_of(p, p + n, [](unsigned char c) { return c == 0; }));
        std::memset(p, 0xFF, n);
        blocks.push_back(p);
        if (random() % 2 == 0) {
            std::swap(blocks[random() % blocks.size()], blocks.back());
            h.deallocate(blocks.back());
            blocks.pop_back();
        }
        if (i % 40 == 39) alloc.trim();
    }
    for (void* p : blocks) h.deallocate(p);
}

FOR_EACH_POLICY("a block that shall be aligned more widely than it was moves") {
    fa::basic_smart_alloc<P> alloc;
    const fa::hook h{alloc};
    for (const std::size_t n : {std::size_t{50}, std::size_t{3000}, std::size_t{50'000}, std::size_t{3'000'000}}) {
        for (int i = 0; i < 4; ++i) {
            void* p = h.allocate(n + 16 * static_cast<std::size_t>(i));
            write(p, n, 2);
            p = h.reallocate(p, n + 1, 4096);
            CHECK(aligned(static_cast<char*>(p), 4096));
            CHECK(holds(p, n, n, 2));
            h.deallocate(p, n + 1, 4096);
        }
    }
}

FOR_EACH_POLICY("a block that has the memory behind it to itself grows where it is") {
    fa::basic_smart_alloc<P> alloc;
    const fa::hook h{alloc};
    void* p = h.allocate(100'000);
    write(p, 100'000, 1);
    CHECK(h.try_grow(p, 100'000, 300'000) == !guarded<P>);
    if (guarded<P>) return h.deallocate(p);
    CHECK(fa::usable_size(p) >= 300'000);
    CHECK(holds(p, 100'000, 100'000, 1));
    CHECK(alloc.stats().heap_allocated == 300'000);
    void* q = h.allocate(100'000);
    CHECK(!h.try_grow(p, 300'000, 400'000));  // q is in the way
    h.deallocate(q);
    alloc.trim();  // no longer in the thread's cache
    CHECK(h.try_grow(p, 300'000, 400'000));
    CHECK(h.try_grow(p, 400'000, 5000));
    CHECK(alloc.stats().heap_allocated == 5000);
    h.deallocate(p, 5000);
    CHECK(alloc.stats().heap_allocated == 0);
}

FOR_EACH_POLICY("a block beyond 1 MiB grows without copying, where pages can move") {
    if (guarded<P> || !on_linux) return;
    test_pages pages;
    {
        fa::basic_smart_alloc<P> alloc{fa::options{.pages = &pages}};
        const fa::hook h{alloc};
        std::size_t n = 2 << 20;
        void* p = h.allocate(n);
        write(p, n, 9);
        for (int i = 0; i < 6; ++i) {
            const std::size_t committed = alloc.stats().committed;
            p = h.reallocate(p, 2 * n);
            REQUIRE(p != nullptr);
            CHECK(holds(p, n, n, 9));
            CHECK(alloc.stats().committed < committed + n + n / 4);
            n *= 2;
            write(p, n, 9);
        }
        CHECK(pages.moves == 6);
        pages.moves_pages = false;
        p = h.reallocate(p, n + n / 2);
        CHECK(holds(p, n, n, 9));
        CHECK(pages.moves == 6);
        CHECK(alloc.stats().heap_allocated == n + n / 2);
        h.deallocate(p);
        alloc.trim();
        CHECK(alloc.stats().heap_allocated == 0);
    }
    CHECK(pages.live == 0);
}

FOR_EACH_POLICY("regions that fall empty go back to the system, but for a few") {
    if (guarded<P>) return;
    test_pages pages;
    fa::basic_smart_alloc<P> alloc{fa::options{.pages = &pages}};
    void* p = alloc.heap_alloc_bytes(40 << 20);
    alloc.heap_free_bytes(p, 40 << 20);
    CHECK(alloc.stats().committed < 16 << 20);
    const int before = pages.reserves;
    for (int i = 0; i < 20; ++i) {  // few enough to keep
        p = alloc.heap_alloc_bytes(3 << 20);
        alloc.heap_free_bytes(p, 3 << 20);
    }
    CHECK(pages.reserves <= before + 1);
    std::vector<void*> many;
    for (int i = 0; i < 12; ++i) many.push_back(alloc.heap_alloc_bytes(2 << 20));
    for (void* q : many) alloc.heap_free_bytes(q, 2 << 20);
    CHECK(alloc.stats().committed < 18 << 20);  // what the thread keeps, and a little
    many.clear();
    for (int i = 0; i < 20; ++i) many.push_back(alloc.heap_alloc_bytes(30 << 20));
    for (void* q : many) alloc.heap_free_bytes(q, 30 << 20);
    CHECK(alloc.stats().committed <
          110 << 20);  // what the thread keeps, 8 MiB and an eighth of the 600, and as much of the rest
}

FOR_EACH_POLICY("what a thread keeps of one size serves another before the heap grows by as much") {
    if (guarded<P>) return;
    fa::basic_smart_alloc<P> alloc;
    const fa::hook h{alloc};
    const auto take = [&](int count, std::size_t bytes) {
        std::vector<void*> blocks;
        for (int i = 0; i < count; ++i) blocks.push_back(h.allocate(bytes));
        for (void* p : blocks) h.deallocate(p);
    };
    take(300, 20'000);
    const std::size_t committed = alloc.stats().committed;
    take(1000, 4400);
    CHECK(alloc.stats().committed < committed + (1 << 20));
}

FOR_EACH_POLICY("a hook without memory returns null and leaves the old block as it was") {
    for (const memory_kind kind : kinds) {
        recorder seen;
        fa::basic_smart_alloc<P> alloc{seen.options({.global_limit = 4_MiB})};
        const fa::hook h{alloc, kind, "tight"};
        void* p = h.allocate(100'000);
        REQUIRE(p != nullptr);
        write(p, 100'000, 5);
        CHECK(h.reallocate(p, 20'000'000) == nullptr);
        CHECK(h.allocate_zeroed(20'000'000) == nullptr);
        CHECK(h.reallocate(p, ~std::size_t{0}) == nullptr);
        CHECK(h.allocate(~std::size_t{0} - 10) == nullptr);
        CHECK(holds(p, 100'000, 100'000, 5));
        std::vector<void*> small;
        while (void* q = h.allocate(1000)) small.push_back(q);
        CHECK(small.size() > 1000);
        for (void* q : small) h.deallocate(q);
        CHECK(h.reallocate(p, 0) == nullptr);
        CHECK(charged(alloc, "tight") == 0);
        CHECK(seen.faults.empty());
    }
}

FOR_EACH_POLICY("a block can be made smaller where there is no memory left") {
    for (const memory_kind kind : kinds) {
        for (const std::size_t from : {std::size_t{3000}, std::size_t{100'000}, std::size_t{1'500'000}}) {
            recorder seen;
            fa::basic_smart_alloc<P> alloc{seen.options({.global_limit = 8_MiB})};
            const fa::hook h{alloc, kind, "full"};
            std::vector<void*> blocks;
            while (void* p = h.allocate(from)) write(p, from, 7), blocks.push_back(p);
            std::vector<void*> crumbs;
            for (std::size_t n = 4096; n >= 16; n /= 2) {
                while (void* p = h.allocate(n)) crumbs.push_back(p);
            }
            REQUIRE(blocks.size() > 2);
            std::size_t to = from;
            for (std::size_t i = 0; i < blocks.size() && i < 12; ++i) {
                to = to > 400 ? to / 3 : 100;
                blocks[i] = h.reallocate(blocks[i], to);
                REQUIRE(blocks[i] != nullptr);
                CHECK(holds(blocks[i], to, from, 7));
                CHECK(fa::usable_size(blocks[i]) >= to);
                if (i % 2 == 0) h.deallocate(std::exchange(blocks[i], nullptr), to);
            }
            for (void* p : blocks) h.deallocate(p);
            for (void* p : crumbs) h.deallocate(p);
            CHECK(in_use(alloc) == 0);
            CHECK(seen.faults.empty());
        }
    }
}

namespace {

// Serves at most this many bytes at a time, and accepts only its own blocks back, with their size.
struct small_heap final : std::pmr::memory_resource {
    std::size_t room = 100'000;
    std::map<void*, std::size_t> out;

    void* do_allocate(std::size_t n, std::size_t align) override {
        if (n > room) throw std::bad_alloc();
        void* p = std::pmr::new_delete_resource()->allocate(n, align);
        room -= n;
        out[p] = n;
        return p;
    }
    void do_deallocate(void* p, std::size_t n, std::size_t align) override {
        CHECK(out.at(p) == n);
        std::memset(p, 0, n);  // it belongs to this resource again: no tool may report it
        out.erase(p);
        room += n;
        std::pmr::new_delete_resource()->deallocate(p, n, align);
    }
    bool do_is_equal(const std::pmr::memory_resource& o) const noexcept override { return this == &o; }
};

}  // namespace

FOR_EACH_POLICY("a block of a heap of one's own can be made smaller where that one has no more") {
    small_heap heap;
    recorder seen;
    fa::basic_smart_alloc<P> alloc{seen.options({.heap = &heap})};
    const fa::hook h{alloc, memory_kind::heap, "own"};
    void* p = h.allocate(60'000);
    REQUIRE(p != nullptr);
    write(p, 60'000, 3);
    for (const std::size_t to : {50'000U, 900U, 30U}) {
        REQUIRE((p = h.reallocate(p, to)) != nullptr);
        CHECK(holds(p, to, 60'000, 3));
        CHECK(fa::usable_size(p) >= to);
        heap.room = 0;
    }
    h.deallocate(p, 30);
    CHECK(heap.out.empty());
    CHECK(in_use(alloc) == 0);
    CHECK(seen.faults.empty());
}

TEST_CASE("a block that was made smaller in place has its zone where it ends now") {
    if (fa::guard::under_tool) return;  // the tool would report the write
    for (const std::size_t from : {1000U, 100'000U}) {
        recorder seen;
        fa::basic_smart_alloc<fa::policy::checked> alloc{
            seen.options({.global_limit = 4_MiB, .guard = fa::guard_level::fill})};
        const fa::hook h{alloc, memory_kind::heap};
        std::vector<void*> blocks;
        for (std::size_t n = from; n >= 16; n /= 2) {
            while (void* p = h.allocate(n)) blocks.push_back(p);
        }
        char* p = static_cast<char*>(h.reallocate(blocks[0], from / 3));
        REQUIRE(p == blocks[0]);
        p[from / 3] = 1;
        h.deallocate(p, from / 3);
        CHECK(seen.faults == std::vector{fa::code::FA412});
        for (std::size_t i = 1; i < blocks.size(); ++i) h.deallocate(blocks[i]);
    }
}

FOR_EACH_POLICY("blocks of hooks of several threads, freed and resized by others, keep what they hold") {
    fa::basic_smart_alloc<P> alloc;
    const fa::hook hooks[] = {fa::hook{alloc, memory_kind::heap, "a"}, fa::hook{alloc, memory_kind::pool, "b::c"},
                              fa::hook{alloc}};
    struct item {
        void* p = nullptr;
        std::size_t n = 0;
        unsigned seed = 0;
        unsigned hook = 0;
    };
    std::atomic<item*> shelf[64] = {};
    std::atomic<int> wrong{0};
    auto work = [&](unsigned seed) {
        std::minstd_rand random(seed);
        for (int i = 0; i < (guarded<P> ? 4000 : 20'000); ++i) {
            auto* x = new item;
            x->hook = static_cast<unsigned>(random() % 3);
            x->n = random() % (random() % 20 == 0 ? 200'000 : 3000);
            x->seed = static_cast<unsigned>(random() % 256);
            x->p = hooks[x->hook].allocate(x->n);
            write(x->p, x->n, x->seed);
            const fa::tag_scope t{alloc, "worker"};
            x = shelf[random() % 64].exchange(x);
            if (x == nullptr) continue;
            if (!holds(x->p, x->n, x->n, x->seed)) ++wrong;
            if (random() % 2 == 0) {
                const std::size_t to = random() % (2 * x->n + 2);
                void* p = hooks[x->hook].reallocate(x->p, to);
                if (!holds(p, to < x->n ? to : x->n, x->n, x->seed)) ++wrong;
                x->p = p;
            }
            hooks[x->hook].deallocate(x->p);
            delete x;
        }
    };
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < 3; ++i) threads.emplace_back(work, i + 1);
    for (auto& t : threads) t.join();
    for (auto& place : shelf) {
        std::unique_ptr<item> x(place.load());
        if (x != nullptr) hooks[x->hook].deallocate(x->p);
    }
    CHECK(wrong == 0);
    alloc.process_deferred_frees();
    CHECK(in_use(alloc) == 0);
}

FOR_EACH_POLICY("mistakes through a hook are told as those of every other route") {
    if constexpr (P::checks) {
        if (fa::guard::under_tool) return;
        recorder seen;
        fa::basic_smart_alloc<P> alloc{seen.options({.strict = fa::strictness::warn})},
            other{seen.options({.strict = fa::strictness::warn})};
        const fa::hook heap{alloc}, pool{alloc, memory_kind::pool}, theirs{other};
        for (const std::size_t n : {std::size_t{100}, std::size_t{100'000}}) {
            const auto told = [&](fa::code what) { return seen.count(what); };
            auto* p = static_cast<char*>(heap.allocate(n));
            heap.deallocate(p + 16);
            CHECK(told(fa::code::FA415) == 1);
            theirs.deallocate(p);
            CHECK(told(fa::code::FA417) == 1);
            heap.deallocate(p, n + 1);
            CHECK(told(fa::code::FA418) == 1);
            heap.deallocate(p);
            CHECK(told(fa::code::FA411) == 1);
            CHECK(heap.reallocate(p, n * 2) == nullptr);
            CHECK(told(fa::code::FA411) == 2);
            p = static_cast<char*>(heap.allocate(n));
            pool.deallocate(p);
            CHECK(told(fa::code::FA417) == (n > 4096 ? 1U : 2U));  // beyond the classes a pool's blocks are the heap's
            seen.faults.clear();
        }
    }
}

FOR_EACH_POLICY("in debug what is no block has no size, and is not resized") {
    if constexpr (P::checks) {
        if (fa::guard::under_tool) return;
        recorder seen;
        fa::basic_smart_alloc<P> alloc{seen.options({.strict = fa::strictness::warn})};
        const fa::hook h{alloc};
        const auto frame = alloc.frame_scope();
        auto* large = static_cast<char*>(h.allocate(100'000));
        auto* gone = static_cast<char*>(h.allocate(100 << 20));
        h.deallocate(gone);
        alloc.trim();
        const auto foreign = std::make_unique<char[]>(5000);
        void* const nothing[] = {large + 100, gone, foreign.get(), frame.alloc_bytes(100)};
        for (void* p : nothing) CHECK(fa::usable_size(p) == 0);
        CHECK(seen.faults.empty());
        const fa::code told[] = {fa::code::FA415, fa::code::FA411, fa::code::FA414, fa::code::FA414};
        for (std::size_t i = 0; i < 4; ++i) {
            CHECK(h.reallocate(nothing[i], 300) == nullptr);
            CHECK(seen.faults.back() == told[i]);
        }
        CHECK(seen.faults.size() == 4);
        h.deallocate(large);
    }
}

FOR_EACH_POLICY("memory of a large block that did not rest may serve small ones") {
    recorder seen;
    fa::options o;
    o.fixed_memory = 32_MiB;
    fa::basic_smart_alloc<P> alloc{seen.options(o)};
    for (std::size_t align = 64; align <= 4096; align *= 2) {
        void* p = alloc.heap_alloc_bytes(2 << 20, align);
        alloc.heap_free_bytes(p, 2 << 20, align);
        alloc.trim();
        std::vector<void*> small;
        for (std::size_t i = 0; i < 4000; ++i) small.push_back(alloc.pool_alloc_bytes(16 + i % 200));
        for (std::size_t i = 0; i < small.size(); ++i) alloc.pool_free_bytes(small[i], 16 + i % 200);
        alloc.trim();
    }
    CHECK(seen.faults.empty());
}

FOR_EACH_POLICY(
    "a hook of memory that is not freed block by block is refused, with its kind's name, and serves nothing") {
    std::vector<std::string> said;
    const auto hear = [&said](const fa::fault& f) { said.push_back(std::string(f.text) + ": " + f.detail); };
    const fa::basic_smart_alloc<P> alloc{{.on_fault = hear}};
    const auto outer = alloc.frame_scope();
    const fa::tag_scope tagged(alloc, "library");
    const auto inner = alloc.frame_scope();
    for (int i = 0; i < 3; ++i)
        static_cast<void>(outer.alloc_bytes(100));  // out of line: there are pages of frame memory
    const std::size_t before = alloc.stats().total_allocated;
    for (unsigned k = 0; k < 256; ++k) {
        const bool known = k < fa::kind_count;
        if (known && fa::traits_of(fa::kind_at(k)).freed_singly) continue;
        said.clear();
        const fa::hook h{alloc, fa::kind_at(k), "library"};
        REQUIRE(said.size() == 1);
        const std::string what = known ? fa::traits_of(fa::kind_at(k)).name : "no kind of";
        CHECK(said[0] == "hook of memory that is not freed block by block: of " + what +
                             " memory; it allocates nothing: take memory_kind::pool or memory_kind::heap");
        CHECK(h.allocate(100) == nullptr);
        CHECK(h.allocate_zeroed(100) == nullptr);
        CHECK(h.reallocate(nullptr, 100) == nullptr);
        CHECK(alloc.stats().total_allocated == before);
    }
    CHECK(!kinds.empty());
    for (const memory_kind kind : kinds) {
        said.clear();
        const fa::hook h{alloc, kind};
        CHECK(said.empty());
    }
}

FOR_EACH_POLICY("an allocator lives as long as its hooks") {
    recorder seen;
    {
        std::unique_ptr<fa::hook> h;
        {
            const fa::basic_smart_alloc<P> alloc{seen.options()};
            h = std::make_unique<fa::hook>(alloc, memory_kind::heap, "late");
        }
        void* p = h->allocate(100);
        const fa::hook copy = *h;
        *h = copy;
        h.reset();
        copy.deallocate(p);
    }
    CHECK(seen.faults.empty());
}

namespace {

fa::smart_alloc& level() {
    static fa::smart_alloc a;
    return a;
}
const fa::hook& level_hook() {
    static const fa::hook h{level(), memory_kind::pool, "tables"};
    return h;
}

template <class T>
using level_heap = fa::bound_allocator<T, level>;
template <class T>
using level_pool = fa::bound_allocator<T, level, fa::pool_source>;
template <class T>
using hooked = fa::bound_allocator<T, level_hook>;

template <template <class> class Allocator>
void fill_containers() {
    std::vector<int, Allocator<int>> v;
    std::map<int, std::basic_string<char, std::char_traits<char>, Allocator<char>>, std::less<>,
             Allocator<std::pair<const int, std::basic_string<char, std::char_traits<char>, Allocator<char>>>>>
        m;
    std::unordered_map<int, int, std::hash<int>, std::equal_to<>, Allocator<std::pair<const int, int>>> u;
    for (int i = 0; i < 1000; ++i) {
        v.push_back(i);
        m[i].assign(40, 'x');
        u[i] = i;
    }
    auto w = std::move(v);
    CHECK(w.size() == 1000);
    CHECK(m.size() == u.size());
    CHECK(Allocator<int>{} == Allocator<long>{});
    CHECK(std::allocator_traits<Allocator<int>>::is_always_equal::value);
    CHECK(level().stats().total_allocated > 40'000);
}

}  // namespace

TEST_CASE("containers that make their own allocator take one that is bound to a function") {
    fill_containers<level_heap>();
    fill_containers<level_pool>();
    fill_containers<hooked>();
    CHECK(level().stats().total_allocated == 0);
}
