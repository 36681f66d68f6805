// One vocabulary: the same cases over every kind of memory. A kind that forgets a word does not compile here.
#include <doctest/doctest.h>

#include <cstring>
#include <memory_resource>
#include <set>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

#include "support/recorder.hpp"

using namespace test;

namespace {

// --- the table: how the words of a kind are had, and where its bytes are counted ---

template <class P>
struct scope_kind {
    using policy = P;
    static constexpr bool freed_singly = false;
    using source = fa::frame_source;
    template <class T>
    using box = fa::basic_frame_box<T, P>;
    fa::basic_frame_scope<P> words;
    explicit scope_kind(const fa::basic_smart_alloc<P>& a) : words(a) {}
    static std::size_t bytes(const fa::tag_bytes& b) { return b.frame_bytes; }
};

template <class P>
struct pool_kind {
    using policy = P;
    static constexpr bool freed_singly = true;
    using source = fa::pool_source;
    template <class T>
    using box = fa::basic_pool_box<T, P>;
    fa::basic_pool_view<P> words;
    explicit pool_kind(const fa::basic_smart_alloc<P>& a) : words(a.pool()) {}
    static std::size_t bytes(const fa::tag_bytes& b) { return b.pool_bytes; }
};

template <class P>
struct heap_kind {
    using policy = P;
    static constexpr bool freed_singly = true;
    using source = fa::heap_source;
    template <class T>
    using box = fa::basic_heap_box<T, P>;
    fa::basic_heap_view<P> words;
    explicit heap_kind(const fa::basic_smart_alloc<P>& a) : words(a.heap()) {}
    static std::size_t bytes(const fa::tag_bytes& b) { return b.heap_bytes; }
};

using unchecked = fa::policy::unchecked;
using checked = fa::policy::checked;

// An allocator, and the words of a kind of it.
template <class K>
struct fixture {
    using P = typename K::policy;
    recorder seen;
    fa::basic_smart_alloc<P> alloc;
    K kind{alloc};
    const decltype(kind.words)& words = kind.words;

    fixture() : alloc(seen.options()) {}
    std::size_t bytes_of(std::string_view tag) const { return K::bytes(alloc.tag_stats(tag)); }
    // Gives back what a kind does not take back by itself.
    template <class T>
    void done(T block) const {
        if constexpr (K::freed_singly) words.free(block);
    }
    template <class T>
    void done_with(T object) const {
        if constexpr (K::freed_singly) words.destroy(object);
    }
};

struct pair {
    int a;
    double b;
};
struct giant {
    char bytes[std::size_t{1} << 50];
};
struct throws_at {
    static inline int left = 0;
    counted inner{};
    throws_at() {
        if (left > 0 && --left == 0) throw 5;
    }
};

}  // namespace

#define FOR_EACH_KIND(name)                                                                                           \
    TEST_CASE_TEMPLATE(name, K, scope_kind<unchecked>, scope_kind<checked>, pool_kind<unchecked>, pool_kind<checked>, \
                       heap_kind<unchecked>, heap_kind<checked>)

FOR_EACH_KIND("alloc and alloc_bytes give memory of its own, aligned; no bytes are no memory") {
    const fixture<K> f;
    auto* a = f.words.template alloc<pair>();
    auto* b = f.words.template alloc<pair>();
    auto* page = f.words.template alloc<overaligned_page>();
    void* bytes = f.words.alloc_bytes(100, 256);
    CHECK(a != b);
    CHECK(aligned(a, alignof(pair)));
    CHECK(aligned(page, 4096));
    CHECK(aligned(bytes, 256));
    std::memset(page, 7, sizeof *page);
    std::memset(bytes, 1, 100);
    *a = {1, 2.5};
    *b = {3, 4.5};
    CHECK(a->a == 1);
    CHECK(b->b == 4.5);
    CHECK(page->bytes[4095] == 7);
    CHECK(f.words.alloc_bytes(0) == nullptr);
    f.done(a);
    f.done(b);
    f.done(page);
    if constexpr (K::freed_singly) f.words.free_bytes(bytes, 100, 256);
    CHECK(f.seen.faults.empty());
}

FOR_EACH_KIND("batch gives n elements, none of nothing; alloc_n comes apart") {
    const fixture<K> f;
    const std::span<int> items = f.words.template batch<int>(1000);
    CHECK(items.size() == 1000);
    for (int& x : items) x = 9;
    CHECK(f.words.template batch<int>(0).empty());
    auto three = f.words.template alloc_n<double, 3>();
    auto& [x, y, z] = three;
    x = y = z = 2;
    CHECK(items[999] == 9);
    CHECK(three[2] == 2);
    f.done(items);
    f.done(three);
    CHECK(f.seen.faults.empty());
}

FOR_EACH_KIND("make constructs, aggregates too; what throws leaves nothing") {
    counted::alive = 0;
    {
        const fixture<K> f;
        const fa::tag_scope tag(f.alloc, "made");
        counted* c = f.words.template make<counted>(42);
        pair* p = f.words.template make<pair>(1, 2.5);
        CHECK(c->id == 42);
        CHECK(p->b == 2.5);
        CHECK(counted::alive == 1);
        const std::size_t before = f.bytes_of("made");
        throws_at::left = 1;
        CHECK_THROWS_AS(f.words.template make<throws_at>(), int);
        CHECK(counted::alive == 1);
        if constexpr (K::freed_singly) CHECK(f.bytes_of("made") == before);
        f.done_with(c);
        f.done_with(p);
        CHECK(f.seen.faults.empty());
    }
    CHECK(counted::alive == 0);
}

FOR_EACH_KIND("box owns what it constructs; a single argument says the type") {
    counted::alive = 0;
    {
        const fixture<K> f;
        using P = typename K::policy;
        auto b = f.words.template box<counted>(7);
        static_assert(std::is_same_v<decltype(b), typename K::template box<counted>>);
        static_assert(std::is_same_v<decltype(f.words.box(5)), typename K::template box<int>>);
        static_assert(std::is_same_v<P, typename std::remove_cvref_t<decltype(f.words)>::policy_type>);
        CHECK(b->id == 7);
        auto array = f.words.template box<counted[]>(3);
        CHECK(array.size() == 3);
        CHECK(counted::alive == 4);
        b.reset();
        CHECK(counted::alive == 3);
        CHECK(*f.words.box(5) == 5);
    }
    CHECK(counted::alive == 0);
}

FOR_EACH_KIND("slice value-initialises, and is destroyed with its memory; what throws leaves nothing") {
    counted::alive = 0;
    {
        const fixture<K> f;
        const fa::tag_scope tag(f.alloc, "sliced");
        const std::span<int> zeros = f.words.template slice<int>(50);
        const std::span<counted> objects = f.words.template slice<counted>(4);
        CHECK(zeros.size() == 50);
        CHECK(zeros[49] == 0);
        CHECK(counted::alive == 4);
        CHECK(f.words.template slice<counted>(0).empty());
        const std::size_t before = f.bytes_of("sliced");
        throws_at::left = 3;
        CHECK_THROWS_AS(static_cast<void>(f.words.template slice<throws_at>(5)), int);
        CHECK(counted::alive == 4);
        if constexpr (K::freed_singly) CHECK(f.bytes_of("sliced") == before);
        f.done_with(objects);
        f.done_with(zeros);
        CHECK(f.seen.faults.empty());
    }
    CHECK(counted::alive == 0);
}

FOR_EACH_KIND("vec: of nothing, capacity, count, n, n copies, a list, a range") {
    const fixture<K> f;
    using vec = fa::basic_vec<int, typename K::source, typename K::policy>;
    const std::vector<int> range{5, 6};
    static_assert(std::is_same_v<decltype(f.words.template vec<int>()), vec>);
    auto v = f.words.template vec<int>();
    v.push_back(3);
    CHECK(v.size() == 1);
    CHECK(f.words.template vec<int>(fa::capacity(10)).capacity() >= 10);
    CHECK(f.words.template vec<int>(fa::count(4)).size() == 4);
    CHECK(f.words.template vec<int>(4)[3] == 0);
    CHECK(f.words.template vec<int>(4, 7)[3] == 7);
    CHECK(f.words.template vec<int>({1, 2, 3}).size() == 3);
    CHECK(f.words.template vec<int>(range)[1] == 6);
    CHECK(f.words.template vec<int>(range.begin(), range.end()).size() == 2);
    CHECK(f.words.template vec<std::string>(2, {"text"})[1] == "text");
    CHECK(f.words.template try_vec<int>(4).size() == 4);
    CHECK(f.words.template try_vec<int>({1, 2, 3}).back() == 3);
    CHECK(f.words.template try_vec<int>(range).size() == 2);
    CHECK(v.source() == f.words.source());
    CHECK(f.seen.faults.empty());
}

FOR_EACH_KIND("allocator, resource, ref and source lead other containers to this memory") {
    const fixture<K> f;
    const fa::tag_scope tag(f.alloc, "other");
    static_assert(fa::allocator_source<typename K::source>);
    {
        std::vector<int, fa::standard_allocator<int, typename K::source>> v(f.words.template allocator<int>());
        v.assign(100, 3);
        std::pmr::vector<int> p(f.words.resource());
        p.assign(100, 4);
        const fa::allocator_ref ref = f.words.ref();
        void* block = ref.try_allocate(64, 16);
        CHECK(block != nullptr);
        const auto source = f.words.source();
        static_assert(std::is_same_v<std::remove_const_t<decltype(source)>, typename K::source>);
        void* other = source.try_allocate(64, 16);
        CHECK(block != other);
        CHECK(f.bytes_of("other") >= 800 + 128);
        source.deallocate(other, 64, 16);
        ref.deallocate(block, 64, 16);
        CHECK(v[99] + p[99] == 7);
    }
    if constexpr (K::freed_singly) CHECK(f.bytes_of("other") == 0);
    CHECK(f.seen.faults.empty());
}

FOR_EACH_KIND("each try_ is empty where there is no memory, and the exhaustion handler is not asked") {
    int asked = 0;
    recorder seen;
    fa::options o = seen.options();
    o.on_exhaustion = [&asked](const fa::exhaustion&) { return ++asked < 0; };
    const fa::basic_smart_alloc<typename K::policy> alloc(o);
    const K kind(alloc);
    const auto& words = kind.words;
    constexpr std::size_t many = std::size_t{1} << 50;
    CHECK(words.template try_alloc<giant>() == nullptr);
    CHECK(words.try_alloc_bytes(many) == nullptr);
    CHECK(words.try_alloc_bytes(~std::size_t{0}) == nullptr);
    CHECK(words.template try_batch<int>(many).empty());
    CHECK(words.template try_batch<int>(~std::size_t{0} / 2).empty());
    CHECK(words.template try_alloc_n<giant, 2>() == nullptr);
    CHECK(words.template try_slice<counted>(many).empty());
    CHECK(words.template try_vec<int>(many).empty());
    CHECK(words.template try_vec<int>(fa::capacity(many)).capacity() == 0);
    CHECK(!words.template try_box<int[]>(many));
    CHECK(asked == 0);
    // And where there is, they are as the others.
    auto* a = words.template try_alloc<int>();
    auto* m = words.template try_make<counted>(3);
    auto n = words.template try_slice<int>(2);
    CHECK(a != nullptr);
    CHECK(m->id == 3);
    CHECK(n.size() == 2);
    CHECK(*words.template try_box<int>(4) == 4);
    CHECK(words.try_box(5) != nullptr);
    if constexpr (K::freed_singly) {
        words.free(a);
        words.destroy(m);
        words.destroy(n);
    }
    CHECK(seen.faults.empty());
}

// --- what the kinds have whose blocks are given back one by one ---

#define FOR_EACH_BLOCK_KIND(name) \
    TEST_CASE_TEMPLATE(name, K, pool_kind<unchecked>, pool_kind<checked>, heap_kind<unchecked>, heap_kind<checked>)

FOR_EACH_BLOCK_KIND("what free and destroy are given comes back, to the tag that paid; null is nothing") {
    const fixture<K> f;
    {
        const fa::tag_scope tag(f.alloc, "paid");
        auto* a = f.words.template alloc<pair>();
        void* b = f.words.alloc_bytes(5000, 64);
        auto c = f.words.template batch<int>(3000);
        auto d = f.words.template alloc_n<int, 4>();
        auto* e = f.words.template make<std::string>(std::size_t{100}, 'x');
        auto g = f.words.template slice<std::string>(6);
        CHECK(f.alloc.tag_stats("paid").total_bytes >= 5000 + 12000);  // a large pool block counts as heap
        f.words.free(a);
        f.words.free_bytes(b, 5000, 64);
        f.words.free(c);
        f.words.free(d);
        f.words.destroy(e);
        f.words.destroy(g);
    }
    CHECK(f.alloc.tag_stats("paid").total_bytes == 0);
    f.words.free(static_cast<pair*>(nullptr));
    f.words.free(std::span<int>{});
    f.words.free_bytes(nullptr, 10);
    f.words.destroy(static_cast<std::string*>(nullptr));
    f.words.destroy(std::span<std::string>{});
    CHECK(f.seen.faults.empty());
}

FOR_EACH_BLOCK_KIND("a view is two words, of its allocator, and works on any thread") {
    const fixture<K> f;
    using view = std::remove_cvref_t<decltype(f.words)>;
    static_assert(sizeof(view) == 2 * sizeof(void*));
    static_assert(std::is_trivially_copyable_v<view> && std::is_trivially_destructible_v<view>);
    const view copy = f.words;
    const view same(f.alloc);
    const fixture<K> other;
    CHECK(copy == f.words);
    CHECK(same == f.words);
    CHECK(copy.owner().id == f.alloc.owner().id);
    CHECK_FALSE(copy == other.words);
    counted* made = nullptr;
    std::thread([&, v = copy] { made = v.template make<counted>(11); }).join();
    CHECK(made->id == 11);
    f.words.destroy(made);
    CHECK(f.seen.faults.empty());
}

FOR_EACH_BLOCK_KIND("a view says who pays and where a mistake was made, as its allocator does") {
    if constexpr (K::policy::checks) {
        int line = 0;
        const char* file = "";
        fa::code what{};
        fa::options o;
        o.on_fault = [&](const fa::fault& x) {
            line = x.where.line;
            file = x.where.file;
            what = x.what;
        };
        const fa::basic_smart_alloc<checked> alloc(o);
        const K kind(alloc);
        auto* p = kind.words.template alloc<pair>();
        kind.words.free(p);
        kind.words.free(p);
        const int expected = __LINE__ - 1;
        CHECK(what == fa::code::FA411);
        CHECK(line == expected);
        CHECK(std::string(file == nullptr ? "" : file).find("front_test.cpp") != std::string::npos);
        auto* s = kind.words.template make<std::string>("x");
        kind.words.destroy(s);
        what = {};
        kind.words.destroy(s);
        CHECK(what == fa::code::FA411);
    }
    const fixture<K> f;
    const fa::tag_scope tag(f.words, "through a view");
    CHECK(f.alloc.current_tag() == "through a view");
}

FOR_EACH_POLICY("a pool view shares objects, as its allocator does") {
    const fa::basic_smart_alloc<P> alloc;
    auto s = alloc.pool().template shared<counted>(3);
    static_assert(std::is_same_v<decltype(s), decltype(alloc.template pool_shared<counted>(3))>);
    auto t = s;
    CHECK(t->id == 3);
    CHECK(alloc.pool().try_shared(5) != nullptr);
}

// --- the known names ---

FOR_EACH_POLICY("the names with a prefix are the words without one") {
    using A = const fa::basic_smart_alloc<P>&;
#define SAME(name, ...) \
    static_assert(std::is_same_v<decltype(std::declval<A>().name), decltype(std::declval<A>().__VA_ARGS__)>)
    SAME(template pool_alloc<int>(), pool().template alloc<int>());
    SAME(template pool_box<int>(), pool().template box<int>());
    SAME(template pool_vec<int>(), pool().template vec<int>());
    SAME(pool_resource(), pool().resource());
    SAME(pool_ref(), pool().ref());
    SAME(template heap_alloc<int>(), heap().template alloc<int>());
    SAME(template heap_box<int>(), heap().template box<int>());
    SAME(template heap_vec<int>(), heap().template vec<int>());
    SAME(heap_resource(), heap().resource());
    SAME(template frame_alloc<int>(), frame_scope().template alloc<int>());
    SAME(template frame_box<int>(), frame_scope().template box<int>());
    SAME(template frame_vec<int>(), frame_scope().template vec<int>());
    SAME(template frame_slice<int>(1), frame_scope().template slice<int>(1));
    SAME(frame_string(), frame_scope().string());
#undef SAME
    const fa::basic_smart_alloc<P> alloc;
    CHECK(alloc.pool_resource() == alloc.pool().resource());
    CHECK(alloc.heap_resource() == alloc.heap().resource());
    CHECK(*alloc.pool_resource() != *alloc.heap_resource());
}
