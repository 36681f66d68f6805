// Every way to free a block goes through the same check of size and alignment against the allocation.
#include <doctest/doctest.h>

#include <functional>
#include <memory>
#include <memory_resource>
#include <string>
#include <vector>

#include "support/recorder.hpp"

using namespace test;

namespace {

// The ways a program allocates and frees bytes of the pool or the heap.
template <class A>
struct route {
    std::string name;
    bool pool;
    std::function<void*(const A&, std::size_t)> take;
    std::function<void(const A&, void*, std::size_t)> give;
};

template <class A, class MakeSource>
void add_source(std::vector<route<A>>& all, const char* name, bool pool, MakeSource source) {
    all.push_back({std::string(name) + " source", pool,
                   [=](const A& a, std::size_t n) { return source(a).allocate(n, 16); },
                   [=](const A& a, void* p, std::size_t n) { source(a).deallocate(p, n, 16); }});
    all.push_back({std::string(name) + " allocator_ref", pool,
                   [=](const A& a, std::size_t n) { return fa::allocator_ref(source(a)).try_allocate(n, 16); },
                   [=](const A& a, void* p, std::size_t n) { fa::allocator_ref(source(a)).deallocate(p, n, 16); }});
}

template <class Std, class A>
void add_standard(std::vector<route<A>>& all, const char* name, bool pool) {
    all.push_back({name, pool, [](const A& a, std::size_t n) -> void* { return Std(a).allocate(n); },
                   [](const A& a, void* p, std::size_t n) { Std(a).deallocate(static_cast<char*>(p), n); }});
}

template <class A>
const std::vector<route<A>>& routes() {
    static const std::vector<route<A>> all = [] {
        std::vector<route<A>> r;
        r.push_back({"pool bytes", true, [](const A& a, std::size_t n) { return a.pool_alloc_bytes(n); },
                     [](const A& a, void* p, std::size_t n) { a.pool_free_bytes(p, n); }});
        r.push_back({"heap bytes", false, [](const A& a, std::size_t n) { return a.heap_alloc_bytes(n); },
                     [](const A& a, void* p, std::size_t n) { a.heap_free_bytes(p, n); }});
        add_source(r, "pool", true, [](const A& a) { return fa::pool_source(a.owner()); });
        add_source(r, "heap", false, [](const A& a) { return fa::heap_source(a.owner()); });
        add_standard<fa::pool_allocator<char>>(r, "pool allocator", true);
        add_standard<fa::heap_allocator<char>>(r, "heap allocator", false);
        r.push_back({"pool resource", true, [](const A& a, std::size_t n) { return a.pool_resource()->allocate(n); },
                     [](const A& a, void* p, std::size_t n) { a.pool_resource()->deallocate(p, n); }});
        r.push_back({"heap resource", false, [](const A& a, std::size_t n) { return a.heap_resource()->allocate(n); },
                     [](const A& a, void* p, std::size_t n) { a.heap_resource()->deallocate(p, n); }});
        return r;
    }();
    return all;
}

}  // namespace

FOR_EACH_POLICY("where blocks are guarded every route to a free is told that the size is wrong, and frees the block") {
    using A = fa::basic_smart_alloc<P>;
    std::size_t cells = 0;
    for (const auto& r : routes<A>()) {
        for (const std::size_t size :
             {std::size_t{1}, std::size_t{32}, std::size_t{3000}, std::size_t{40'000}, std::size_t{3'000'000}}) {
            for (const std::size_t wrong :
                 {std::size_t{2}, std::size_t{33}, std::size_t{5000}, std::size_t{100'000}, std::size_t{5'000'000}}) {
                CAPTURE(r.name);
                CAPTURE(size);
                CAPTURE(wrong);
                recorder told;
                const A a{told.options({.guard = fa::guard_level::fill})};
                void* p = r.take(a, size);
                r.give(a, p, wrong);
                REQUIRE(told.faults.size() == 1);
                CHECK(told.faults[0] == fa::code::FA418);
                CHECK(a.stats().pool_allocated + a.stats().heap_allocated == 0);
                ++cells;
            }
        }
    }
    MESSAGE(cells << " cells");
    CHECK(cells == 250);
}

FOR_EACH_POLICY(
    "where blocks are guarded every route to a free is told of another kind, another allocator, and a second free") {
    using A = fa::basic_smart_alloc<P>;
    for (const auto& r : routes<A>()) {
        for (const std::size_t size : {std::size_t{32}, std::size_t{40'000}}) {
            CAPTURE(r.name);
            CAPTURE(size);
            recorder told, told_other;
            const A a{told.options({.guard = fa::guard_level::fill})},
                other{told_other.options({.guard = fa::guard_level::fill})};
            for (const auto& taker : routes<A>()) {
                if (taker.pool == r.pool || size > 4096) continue;  // beyond the classes both are the heap's
                told.faults.clear();
                r.give(a, taker.take(a, size), size);
                REQUIRE(told.faults.size() == 1);
                CHECK(told.faults[0] == fa::code::FA417);
            }
            told.faults.clear();
            void* p = r.take(a, size);
            r.give(other, p, size);
            CHECK(told.faults.empty());
            REQUIRE(told_other.faults.size() == 1);
            CHECK(told_other.faults[0] == fa::code::FA417);
            r.give(a, p, size);
            CHECK(told.faults.empty());
            r.give(a, p, size);
            REQUIRE(told.faults.size() == 1);
            CHECK(told.faults[0] == fa::code::FA411);
        }
    }
}

FOR_EACH_POLICY("every route frees what was allocated with the size that was asked for") {
    using A = fa::basic_smart_alloc<P>;
    for (const auto& r : routes<A>()) {
        for (std::size_t size = 1; size < 10'000'000; size = size * 3 + 1) {
            CAPTURE(r.name);
            CAPTURE(size);
            recorder told;
            const A a{told.options({.guard = fa::guard_level::fill})};
            r.give(a, r.take(a, size), size);
            CHECK(told.faults.empty());
            CHECK(a.stats().pool_allocated + a.stats().heap_allocated == 0);
        }
    }
}

// A pool_box that adopts a raw pointer will free it.
TEST_CASE("in debug a pool_box takes over nothing that is not such a block") {
    struct part {
        int a[4];
    };
    using box = fa::basic_pool_box<part, fa::policy::debug>;
    using boxes = fa::basic_pool_box<part[], fa::policy::debug>;
    recorder told;
    const fa::basic_smart_alloc<fa::policy::debug> a{told.options()};
    const auto refused = [&](fa::code what, auto&& taken) {
        CHECK(!taken);
        REQUIRE(told.faults.size() == 1);
        CHECK(told.faults[0] == what);
        told.faults.clear();
    };
    part* const ten = a.pool_box<part[]>(10).release();
    for (const std::size_t n : {0U, 1U, 5U, 11U, 1000U}) refused(fa::code::FA418, boxes(ten, n));
    refused(fa::code::FA418, boxes(ten, ~std::size_t{0}));
    refused(fa::code::FA418, box(ten));
    CHECK(boxes(ten, 10).size() == 10);
    refused(fa::code::FA411, boxes(ten, 10));
    auto* of_the_heap = a.heap_alloc<part>();
    refused(fa::code::FA417, box(of_the_heap));
    a.heap_free(of_the_heap);
    const auto frame = a.frame_scope();
    refused(fa::code::FA414, box(frame.alloc<part>()));
    part local{};
    refused(fa::code::FA414, box(&local));
    const auto large = std::make_unique<char[]>(1 << 20);
    refused(fa::code::FA414, box(reinterpret_cast<part*>(large.get())));
    box b(a.pool_alloc<part>());
    CHECK(b);
    b.reset(a.pool_alloc<part>());
    CHECK(b);
    CHECK(told.faults.empty());
}
