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

// --- the table: how the words of a kind are had ---

template <class P, class Source>
struct column {
    using policy = P;
    using source = Source;
    static constexpr bool freed_singly = fa::traits_of(Source::kind).freed_singly;
    static std::size_t bytes(const fa::tag_bytes& b) { return b.*fa::bytes_of(Source::kind); }
};

template <class P>
struct scope_kind : column<P, fa::frame_source> {
    template <class T>
    using box = fa::basic_frame_box<T, P>;
    fa::basic_frame_scope<P> words;
    explicit scope_kind(const fa::basic_smart_alloc<P>& a) : words(a) {}
};

template <class P>
struct pool_kind : column<P, fa::pool_source> {
    template <class T>
    using box = fa::basic_pool_box<T, P>;
    fa::basic_pool_view<P> words;
    explicit pool_kind(const fa::basic_smart_alloc<P>& a) : words(a.pool()) {}
};

template <class P>
struct heap_kind : column<P, fa::heap_source> {
    template <class T>
    using box = fa::basic_heap_box<T, P>;
    fa::basic_heap_view<P> words;
    explicit heap_kind(const fa::basic_smart_alloc<P>& a) : words(a.heap()) {}
};

#define COLUMNS(P) scope_kind<P>, pool_kind<P>, heap_kind<P>

template <class... K>
constexpr bool has_every_kind = fa::base::holds_for_each_kind(
    [](fa::memory_kind k) { return ((K::source::kind == k) || ...); });
static_assert(has_every_kind<COLUMNS(fa::policy::unchecked)>, "the words of a kind are not tested");

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

#define FOR_EACH_KIND(name) TEST_CASE_TEMPLATE(name, K, COLUMNS(unchecked), COLUMNS(checked))

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

FOR_EACH_KIND("map: of nothing, capacity, a seed, a list, a range; its strings and containers lie where it does") {
    const fixture<K> f;
    using P = typename K::policy;
    using string = fa::basic_string<typename K::source, P>;
    auto m = f.words.template map<int, int>();
    static_assert(std::is_same_v<decltype(m),
                                 fa::basic_map<int, int, typename K::source, std::hash<int>, fa::object::equal_to, P>>);
    for (int i = 0; i < 1000; ++i) m[i] = 2 * i;
    for (int i = 0; i < 1000; i += 2) m.erase(i);
    CHECK(m.size() == 500);
    CHECK(m.at(501) == 1002);
    CHECK(f.words.template map<int, int>(fa::capacity(100)).capacity() >= 100);
    CHECK(f.words.template map<int, int>(fa::map_seed(1)).empty());
    CHECK(f.words.template map<int, int>({{1, 2}, {3, 4}}).size() == 2);
    const std::vector<std::pair<int, int>> range{{5, 6}, {7, 8}};
    CHECK(f.words.template map<int, int>(range).at(7) == 8);
    CHECK(f.words.template try_map<int, int>({{1, 2}, {3, 4}}).size() == 2);
    CHECK(f.words.template try_map<int, int>(range).size() == 2);
    auto copy = m;
    CHECK(copy == m);
    const auto moved = std::move(copy);
    CHECK(moved.size() == 500);
    auto names = f.words.template map<string, std::string>();
    names["a long enough name to leave every buffer"] = "and a value that is a string of its own";
    CHECK(names.find("a long enough name to leave every buffer") != names.end());
    CHECK(names.begin()->first.source() == f.words.source());
    auto lists = f.words.template map<int, fa::basic_vec<string, typename K::source, P>>();
    lists[3].push_back("text");
    CHECK(lists[3].source() == f.words.source());
    CHECK(lists[3].front() == "text");
    CHECK(f.seen.faults.empty());
}

FOR_EACH_KIND("string: of nothing, text, n characters, a part, a range") {
    const fixture<K> f;
    using string = fa::basic_string<typename K::source, typename K::policy>;
    auto s = f.words.string("wave ");
    static_assert(std::is_same_v<decltype(s), string>);
    for (int i = 0; i < 100; ++i) s += "12";
    CHECK(s.size() == 205);
    CHECK(s.starts_with("wave 1212"));
    CHECK(f.words.string().empty());
    CHECK(f.words.string(3, 'x') == "xxx");
    CHECK(f.words.string("abcdef", 3) == "abc");
    CHECK(f.words.string(s, 5, 2) == "12");
    CHECK(f.words.string(s.begin(), s.begin() + 4) == "wave");
    CHECK(f.words.try_string("text") == "text");
    CHECK(f.words.try_string(3, 'x') == "xxx");
    CHECK(f.words.try_string(s, 5, 2) == "12");
    CHECK(s.source() == f.words.source());
    const string joined = s.substr(0, 5) + f.words.string("!");
    CHECK(joined == "wave !");
    CHECK(f.seen.faults.empty());
}

FOR_EACH_KIND("containers give back all they took when they go, as far as the kind takes things back") {
    const fixture<K> f;
    {
        const fa::tag_scope tag(f.alloc, "contained");
        auto names = f.words.template map<std::string, std::string>();
        for (int i = 0; i < 300; ++i) names["key " + std::to_string(i)] = std::string(50, 'v');
        names.erase("key 7");
        names.rehash(5000);
        auto s = f.words.string();
        for (int i = 0; i < 5000; ++i) s.push_back('c');
        s.resize(10);
        s.shrink_to_fit();
        auto v = f.words.template vec<std::string>(40, {"text"});
        CHECK(f.alloc.tag_stats("contained").total_bytes > 5000);
        auto other = std::move(names);
        names = f.words.template map<std::string, std::string>();
        names["new"] = "value";
        other.swap(names);
        CHECK(names.size() == 299);
    }
    if constexpr (K::freed_singly) CHECK(f.alloc.tag_stats("contained").total_bytes == 0);
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
    CHECK(words.template try_map<int, int>(fa::capacity(many)).capacity() == 0);
    CHECK(words.try_string(many, 'x').empty());
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
    const fa::basic_smart_alloc<P> alloc;
    const auto frame = alloc.frame_scope();
    const auto pool = alloc.pool();
    const auto heap = alloc.heap();
    const auto same = []<class T>(const T&, const T&) { return true; };
    CHECK(same(alloc.template frame_box<int>(1), frame.template box<int>(1)));
    CHECK(same(alloc.template frame_slice<int>(1), frame.template slice<int>(1)));
    CHECK(same(alloc.template frame_vec<int>(), frame.template vec<int>()));
    CHECK(same(alloc.template frame_map<int, int>(), frame.template map<int, int>()));
    CHECK(same(alloc.frame_string("x"), frame.string("x")));
    CHECK(same(alloc.template pool_box<int>(1), pool.template box<int>(1)));
    CHECK(same(alloc.template pool_shared<int>(1), pool.template shared<int>(1)));
    CHECK(same(alloc.template pool_vec<int>(2, 3), pool.template vec<int>(2, 3)));
    CHECK(same(alloc.template pool_map<int, int>({{1, 2}}), pool.template map<int, int>({{1, 2}})));
    CHECK(same(alloc.pool_string("x"), pool.string("x")));
    CHECK(same(alloc.template heap_box<int>(1), heap.template box<int>(1)));
    CHECK(same(alloc.template heap_vec<int>({1, 2}), heap.template vec<int>({1, 2})));
    CHECK(same(alloc.template heap_map<int, int>(), heap.template map<int, int>()));
    CHECK(same(alloc.heap_string(3, 'x'), heap.string(3, 'x')));
    CHECK(alloc.template try_pool_vec<int>(4).size() == 4);
    CHECK(alloc.template try_pool_map<int, int>({{1, 2}}).at(1) == 2);
    CHECK(alloc.template try_pool_map<int, int>(fa::capacity(9)).capacity() >= 9);
    CHECK(alloc.try_pool_string("text") == "text");
    CHECK(alloc.try_pool_string(2, 'x') == "xx");
    CHECK(alloc.try_pool_string("text", 2) == "te");
    CHECK(alloc.pool_string("text", 2) == "te");
    CHECK(alloc.pool_string(2, 'x') == "xx");
    CHECK(alloc.template try_heap_vec<int>(4).size() == 4);
    CHECK(alloc.template try_heap_map<int, int>({{1, 2}}).at(1) == 2);
    CHECK(alloc.template try_heap_map<int, int>(fa::capacity(9)).capacity() >= 9);
    CHECK(alloc.template heap_map<int, int>({{1, 2}}).at(1) == 2);
    CHECK(alloc.try_heap_string("text") == "text");
    CHECK(alloc.try_heap_string(2, 'x') == "xx");
    CHECK(alloc.try_heap_string("text", 2) == "te");
    CHECK(alloc.heap_string("text", 2) == "te");
    CHECK(alloc.pool_resource() == alloc.pool().resource());
    CHECK(alloc.heap_resource() == alloc.heap().resource());
    CHECK(*alloc.pool_resource() != *alloc.heap_resource());
}
