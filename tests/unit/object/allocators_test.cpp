// The standard allocators and the std::pmr resources, at their edges: nothing, too much, wide alignments, and which
// compare equal.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <memory_resource>
#include <new>
#include <optional>
#include <string>
#include <vector>

#include "support/random.hpp"
#include "support/recorder.hpp"

using namespace test;

namespace {

template <class A, class P>
A allocator_of(const fa::basic_smart_alloc<P>& a) {
    return A(a);
}

// f with an allocator of each kind, twice made.
template <class T, class P, class F>
void for_each_kind(F f) {
    fa::basic_smart_alloc<P> alloc;
    {
        const auto frame = alloc.frame_scope();
        f(fa::frame_allocator<T>(frame), fa::frame_allocator<T>(alloc));
        f(fa::pool_allocator<T>(alloc), fa::pool_allocator<T>(alloc.template source<fa::pool_source>()));
        f(fa::heap_allocator<T>(alloc), fa::heap_allocator<T>(alloc));
    }
    CHECK(alloc.stats().total_allocated == 0);
}

}  // namespace

FOR_EACH_POLICY("allocators of nothing, of one, and of wide types, as std::allocator") {
    struct alignas(1024) wide {
        char bytes[1024];
    };
    for_each_kind<wide, P>([](auto a, auto b) {
        CHECK(a == b);
        for (const std::size_t n : {std::size_t{0}, std::size_t{1}, std::size_t{3}, std::size_t{50}}) {
            wide* p = a.allocate(n);
            CHECK(p != nullptr);
            CHECK(aligned(p, 1024));
            if (n != 0) p[n - 1].bytes[1023] = 1;
            b.deallocate(p, n);  // either frees what the other made
        }
    });
    for_each_kind<char, P>([](auto a, auto) {
        char* p = a.allocate(0);
        char* q = a.allocate(1);
        CHECK(p != q);
        a.deallocate(q, 1);
        a.deallocate(p, 0);
    });
}

FOR_EACH_POLICY("allocators refuse too many as std::allocator does") {
    for_each_kind<long, P>([](auto a, auto) {
        const std::size_t most = ~std::size_t{0};
        CHECK_THROWS_AS(static_cast<void>(a.allocate(most)), std::bad_array_new_length);
        CHECK_THROWS_AS(static_cast<void>(a.allocate(most / sizeof(long) + 1)), std::bad_array_new_length);
        CHECK_THROWS_AS(static_cast<void>(a.allocate(most / sizeof(long))), std::bad_alloc);
        CHECK_THROWS_AS(static_cast<void>(a.allocate(most / sizeof(long) / 2)), std::bad_alloc);
        using traits = std::allocator_traits<decltype(a)>;
        CHECK(traits::max_size(a) == most / sizeof(long));
        std::vector<long, decltype(a)> v(a);
        CHECK_THROWS_AS(v.resize(most), std::length_error);
        CHECK_THROWS_AS(v.reserve(most / sizeof(long) / 4), std::bad_alloc);
        v.push_back(1);
        CHECK(v.size() == 1);
    });
}

FOR_EACH_POLICY("allocators rebind, and are equal across types") {
    for_each_kind<int, P>([](auto a, auto b) {
        using allocator = decltype(a);
        using other = typename std::allocator_traits<allocator>::template rebind_alloc<std::string>;
        static_assert(std::is_same_v<typename std::allocator_traits<other>::template rebind_alloc<int>, allocator>);
        static_assert(!std::allocator_traits<allocator>::is_always_equal::value);
        const other o(a);
        CHECK(o == a);
        CHECK(b == o);
        CHECK(allocator(o) == a);
        std::list<int, allocator> x({1, 2, 3}, a), y({4}, b);
        x.splice(x.end(), y);
        CHECK(x.size() == 4);
        swap(x, y);
        CHECK(y.size() == 4);
        std::map<int, int, std::less<>,
                 typename std::allocator_traits<allocator>::template rebind_alloc<std::pair<const int, int>>>
            m(a);
        m[1] = 2;
        CHECK(m.at(1) == 2);
    });
    fa::basic_smart_alloc<P> one, two;
    CHECK(fa::pool_allocator<int>(one) != fa::pool_allocator<int>(two));
    CHECK(fa::heap_allocator<int>(one) != fa::heap_allocator<int>(two));
    const auto outer = one.frame_scope();
    const auto inner = one.frame_scope();
    CHECK(fa::frame_allocator<int>(outer) != fa::frame_allocator<int>(inner));
}

namespace {

struct own_resource final : std::pmr::memory_resource {
    void* do_allocate(std::size_t n, std::size_t a) override { return ::operator new(n, std::align_val_t(a)); }
    void do_deallocate(void* p, std::size_t, std::size_t a) override { ::operator delete(p, std::align_val_t(a)); }
    bool do_is_equal(const memory_resource& o) const noexcept override { return this == &o; }
};

template <class F>
void refuses_too_much(std::pmr::memory_resource* r, F) {
    CHECK_THROWS_AS(static_cast<void>(r->allocate(~std::size_t{0}, 8)), std::bad_alloc);
    CHECK_THROWS_AS(static_cast<void>(r->allocate(~std::size_t{0} - 100, 4096)), std::bad_alloc);
    std::pmr::polymorphic_allocator<std::int64_t> a(r);
    CHECK_THROWS_AS(static_cast<void>(a.allocate(~std::size_t{0} / 4)), std::bad_array_new_length);
    void* none = r->allocate(0);
    CHECK(none != nullptr);
    r->deallocate(none, 0);
    void* wide = r->allocate(100, 16384);
    CHECK(aligned(static_cast<char*>(wide), 16384));
    r->deallocate(wide, 100, 16384);
}

}  // namespace

FOR_EACH_POLICY("resources of one frame are equal, and of one allocator and kind; no others are") {
    fa::basic_smart_alloc<P> alloc, stranger;
    const fa::basic_smart_alloc<P> copy = alloc;
    own_resource own;
    const auto frame = alloc.frame_scope();
    std::pmr::memory_resource *a = frame.resource(), *b = frame.resource(), *c = copy.frame_resource();
    CHECK(*a == *b);
    CHECK(*a == *c);
    CHECK(*alloc.pool_resource() == *copy.pool_resource());
    CHECK(*alloc.heap_resource() == *copy.heap_resource());
    CHECK(*alloc.pool_resource() != *alloc.heap_resource());
    CHECK(*alloc.pool_resource() != *stranger.pool_resource());
    CHECK(*a != *alloc.pool_resource());
    CHECK(*alloc.heap_resource() != *a);
    for (std::pmr::memory_resource* r : {a, alloc.pool_resource(), alloc.heap_resource()}) {
        CHECK(*r != own);
        CHECK(own != *r);
        CHECK(*r != *std::pmr::get_default_resource());
        CHECK(*r != *std::pmr::null_memory_resource());
        refuses_too_much(r, 0);
    }
    {
        const auto inner = alloc.frame_scope();
        CHECK(*inner.resource() != *a);
        std::pmr::vector<std::pmr::string> v(a), w(b);
        v.emplace_back("a text that is too long for the small string buffer");
        const void* at = v.data();
        w = std::move(v);  // moves, as they are equal
        CHECK(w.data() == at);
        swap(v, w);
        CHECK(v.data() == at);
        std::pmr::list<int> x({1, 2}, a), y({3}, c);
        x.splice(x.end(), y);
        CHECK(x.size() == 3);
    }
}

FOR_EACH_POLICY(
    "a container that is added to another one keeps its own source; one without, or made in place, takes that one's") {
    fa::basic_smart_alloc<P> alloc;
    auto outer = alloc.frame_scope();
    auto inner = alloc.frame_scope();
    using string = decltype(outer.string());
    auto v = outer.template vec<string>();
    {
        const auto text = inner.string("text");
        v.push_back(text);
        CHECK(v.back().source() == inner.source());
        v.emplace_back(text);
        CHECK(v.back().source() == inner.source());
        v.push_back(inner.string("moved"));
        CHECK(v.back().source() == inner.source());
        v.emplace_back(std::string_view(text));
        CHECK(v.back().source() == outer.source());
    }
    v.push_back({});
    CHECK(v.back().source() == outer.source());
    v.resize(9);
    CHECK(v.back().source() == outer.source());
    v.clear();
}

namespace {

struct held_block {
    char* at;
    std::size_t bytes;
    bool of_inner;
};

// Where in the arena each block of random work was, 0 out of line, and what is in use at last: blocks are taken from an
// outer and an inner frame and given back in any order, with tag scopes, checkpoints and rollbacks between, which spare
// them all, being younger than the allocators. Each block keeps its bytes. `counting`: every call is looked at.
template <class P, class Make>
std::vector<std::uintptr_t> work_of_frames(std::uint64_t seed, bool counting, Make make) {
    constexpr std::size_t too_large = 2_MiB;  // for the arena
    splitmix random{seed};
    recorder heard;
    const fa::basic_smart_alloc<P> alloc{heard.options({.frame_capacity = 1_MiB})};
    alloc.count_allocations(counting);
    const auto outer = alloc.frame_scope();
    auto of_outer = make(outer);
    std::optional<decltype(of_outer)> of_inner;
    std::vector<held_block> blocks;
    std::vector<std::uintptr_t> places;
    const auto base = reinterpret_cast<std::uintptr_t>(outer.alloc_bytes(8));
    const auto take = [&](std::uint64_t r) {
        const bool inner = of_inner.has_value() && r % 4 != 0;
        const std::size_t bytes = r % 97 == 0 ? too_large : 1 + (r >> 32) % 300;
        char* p = (inner ? *of_inner : of_outer).allocate(bytes);
        std::fill(p, p + bytes, static_cast<char>(bytes));
        blocks.push_back({p, bytes, inner});
        const std::uintptr_t place = reinterpret_cast<std::uintptr_t>(p) - base;
        places.push_back(place < 1_MiB ? place : 0);
    };
    const auto give_back = [&](std::uint64_t r) {
        const std::size_t i = r % 2 == 0 ? blocks.size() - 1 : (r >> 32) % blocks.size();
        const held_block b = blocks[i];
        CHECK(std::all_of(b.at, b.at + b.bytes, [&](char c) { return c == static_cast<char>(b.bytes); }));
        const std::size_t before = b.bytes != too_large ? 0 : alloc.frame_stats().bytes_in_use;
        (b.of_inner ? *of_inner : of_outer).deallocate(b.at, b.bytes);
        if (before != 0) CHECK(alloc.frame_stats().bytes_in_use == before - b.bytes);
        blocks.erase(blocks.begin() + static_cast<std::ptrdiff_t>(i));
    };
    const auto step = [&](auto&& again, unsigned more) -> void {
        const std::uint64_t r = random();
        if (r % 32 == 0) {
            const fa::tag_scope tag(alloc, r % 3 == 0 ? "a" : "b");
            for (unsigned i = 0; i < more; ++i) again(again, more / 2);
        } else if (r % 32 == 1 && !of_inner.has_value()) {
            const auto inner = alloc.frame_scope();
            of_inner.emplace(make(inner));
            for (unsigned i = 0; i < more * 2; ++i) again(again, more / 2);
            std::erase_if(blocks, [](const held_block& b) { return b.of_inner; });
            of_inner.reset();
        } else if (r % 32 == 2) {
            const auto mark = alloc.frame_checkpoint();
            for (unsigned i = 0; i < more; ++i) again(again, more / 2);
            if (r % 3 == 0) alloc.rollback_to(mark);
        } else if (r % 5 < 3 || blocks.empty()) {
            take(r);
        } else {
            give_back(r);
        }
    };
    for (int i = 0; i < 400; ++i) step(step, 6);
    places.push_back(alloc.frame_stats().bytes_in_use);
    CHECK(heard.faults.empty());
    return places;
}

}  // namespace

FOR_EACH_POLICY("a frame takes back what is newest and what is out of line, whether calls are counted or not") {
    const auto compare = [](auto make) {
        for (std::uint64_t seed = 1; seed <= 20; ++seed) {
            CAPTURE(seed);
            const auto places = work_of_frames<P>(seed, false, make);
            CHECK(places == work_of_frames<P>(seed, true, make));
            CHECK(std::adjacent_find(places.begin(), places.end()) != places.end());
        }
    };
    compare([](const auto& frame) { return fa::frame_allocator<char>(frame); });
    compare([](const auto& frame) { return std::pmr::polymorphic_allocator<char>(frame.resource()); });
}

TEST_CASE("a guarded frame takes back only what it gave, and says whose the rest is") {
    if (fa::guard::under_tool) return;
    for (const fa::guard_level level : {fa::guard_level::fill, fa::guard_level::revoke}) {
        recorder seen;
        const fa::basic_smart_alloc<fa::policy::debug> alloc{seen.options({.guard = level})};
        const auto frame = alloc.frame_scope();
        fa::frame_allocator<char> frames(frame);
        const auto told = [&](char* p, fa::code what) {
            frames.deallocate(p, 1000);
            REQUIRE(seen.faults.size() == 1);
            CHECK(seen.faults[0] == what);
            seen.faults.clear();
        };
        const std::vector<char> foreign(1000);
        told(const_cast<char*>(foreign.data()), fa::code::FA414);
        char local[1000];
        told(local, fa::code::FA414);
        told(reinterpret_cast<char*>(std::uintptr_t{0x78}), fa::code::FA414);  // text in the place of a pointer
        auto* of_the_pool = static_cast<char*>(alloc.pool_alloc_bytes(1000));
        told(of_the_pool, fa::code::FA415);
        alloc.pool_free_bytes(of_the_pool, 1000);
        for (const std::size_t bytes : {std::size_t{1000}, std::size_t{4} << 20}) {
            char* apart = frames.allocate(4 << 20);  // does not fit the arena
            const auto inner = std::make_unique<decltype(alloc.frame_scope())>(alloc.owner());
            char* through = frames.allocate(bytes);
            told(apart + 1, fa::code::FA415);
            told(through + 64, fa::code::FA415);
            frames.deallocate(through, bytes);
            frames.deallocate(apart, 4 << 20);
            CHECK(seen.faults.empty());
            told(through, fa::code::FA411);
        }
        CHECK(alloc.check() == 0);
    }
}

FOR_EACH_POLICY("an allocator of an ended frame is told at every allocation, and takes nothing back") {
    for (const bool reopened : {false, true}) {
        CAPTURE(reopened);
        recorder heard;
        fa::options options = heard.options();
        if (guarded<P>) options.guard = fa::guard_level::fill;
        const fa::basic_smart_alloc<P> alloc{options};
        const auto outer = alloc.frame_scope();
        std::optional<fa::frame_allocator<std::uint64_t>> of_ended;
        std::uint64_t* last = nullptr;
        {
            const auto ended = alloc.frame_scope();
            of_ended.emplace(ended);
            last = of_ended->allocate(2);
        }
        std::optional<fa::basic_frame_scope<P>> again;
        if (reopened) again.emplace(alloc);
        const auto& open = reopened ? *again : outer;
        const auto used = [&] { return alloc.frame_stats().bytes_in_use; };
        if (!guarded<P>) {
            CHECK(static_cast<void*>(open.alloc_bytes(2 * sizeof(std::uint64_t))) == last);  // it is another's now
            of_ended->deallocate(last, 2);
            CHECK(open.alloc_bytes(8) != last);
        }
        CHECK(heard.faults.empty());
        std::uint64_t* p = of_ended->allocate(2);
        CHECK(heard.count(fa::code::FA002) == 1);
        CHECK(heard.faults.size() == 1);
        const std::size_t before = used();
        again.reset();
        CHECK(used() == before - (reopened && !guarded<P> ? 5
                                  : reopened              ? 2
                                                          : 0) *
                                     sizeof(std::uint64_t));  // p was of `open`
        static_cast<void>(p);
    }
}
