// Vectors, maps and strings against their std counterparts; standard containers on every allocator.
#include <doctest/doctest.h>

#include <algorithm>
#include <deque>
#include <forward_list>
#include <list>
#include <map>
#include <memory>
#include <memory_resource>
#include <numeric>
#include <random>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "support/recorder.hpp"

using namespace test;

namespace {

template <class V>
void random_vec_operations(V v, std::uint32_t seed) {
    std::vector<std::string> model;
    std::mt19937 random(seed);
    auto text = [&] { return "some text, long enough to need memory of its own " + std::to_string(random()); };
    for (int i = 0; i < 3000; ++i) {
        const std::size_t at = model.empty() ? 0 : random() % model.size();
        switch (random() % 12) {
            case 0:
                if (!model.empty()) {
                    model.pop_back();
                    v.pop_back();
                }
                break;
            case 1: {
                auto t = text();
                model.insert(model.begin() + static_cast<long>(at), t);
                v.insert(v.begin() + at, t);
                break;
            }
            case 2:
                if (!model.empty()) {
                    model.erase(model.begin() + static_cast<long>(at));
                    v.erase(v.begin() + at);
                }
                break;
            case 3: {
                auto t = text();
                model.insert(model.begin() + static_cast<long>(at), 3, t);
                v.insert(v.begin() + at, 3, t);
                break;
            }
            case 4: {
                const std::size_t n = random() % 40;
                model.resize(n);
                v.resize(n);
                break;
            }
            case 5: {
                std::vector<std::string> more{text(), text()};
                model.insert(model.begin() + static_cast<long>(at), more.begin(), more.end());
                v.insert(v.begin() + at, more.begin(), more.end());
                break;
            }
            case 6:
                if (random() % 20 == 0) {
                    model.clear();
                    v.clear();
                }
                break;
            case 7: v.shrink_to_fit(); break;
            case 8: {
                V w = std::move(v);
                v = std::move(w);
                break;
            }
            case 9:
                if (!model.empty()) {
                    model.push_back(model[at]);
                    v.push_back(v[at]);
                }
                break;
            default: {
                auto t = text();
                model.push_back(t);
                v.push_back(t);
            }
        }
        REQUIRE(v.size() == model.size());
        REQUIRE(std::equal(v.begin(), v.end(), model.begin(), model.end()));
    }
    V copy = v;
    CHECK(copy == v);
    CHECK(
        v.erase_if([](const std::string& s) { return s.size() % 2 == 0; }) ==
        static_cast<std::size_t>(std::count_if(model.begin(), model.end(), [](auto& s) { return s.size() % 2 == 0; })));
}

template <template <class> class Alloc, class From>
void use_every_container(const From& from) {
    using pair_alloc = Alloc<std::pair<const int, std::string>>;
    auto fill = [](auto& c) {
        for (int i = 0; i < 200; ++i)
            c.insert(c.end(), "a text that is too long for the small string buffer " + std::to_string(i));
    };
    auto check_all = [&]<class C>(C c, C d) {
        fill(c);
        C copy = c;
        CHECK(copy == c);
        C moved = std::move(copy);
        CHECK(moved == c);
        d = c;
        CHECK(d == c);
        d = std::move(moved);
        CHECK(d == c);
        using std::swap;
        swap(c, d);
        CHECK(d == c);
    };
    const Alloc<std::string> a(from);
    check_all(std::vector<std::string, Alloc<std::string>>(a), std::vector<std::string, Alloc<std::string>>(a));
    check_all(std::deque<std::string, Alloc<std::string>>(a), std::deque<std::string, Alloc<std::string>>(a));
    check_all(std::list<std::string, Alloc<std::string>>(a), std::list<std::string, Alloc<std::string>>(a));
    check_all(std::set<std::string, std::less<>, Alloc<std::string>>(a),
              std::set<std::string, std::less<>, Alloc<std::string>>(a));
    check_all(std::unordered_set<std::string, std::hash<std::string>, std::equal_to<>, Alloc<std::string>>(a),
              std::unordered_set<std::string, std::hash<std::string>, std::equal_to<>, Alloc<std::string>>(a));
    std::map<int, std::string, std::less<>, pair_alloc> m{pair_alloc(from)};
    std::unordered_map<int, std::string, std::hash<int>, std::equal_to<>, pair_alloc> u{pair_alloc(from)};
    for (int i = 0; i < 300; ++i) m[i] = u[i] = std::to_string(i);
    for (int i = 0; i < 300; i += 2) CHECK(m.erase(i) == u.erase(i));
    CHECK(m.size() == u.size());
    std::basic_string<char, std::char_traits<char>, Alloc<char>> s{Alloc<char>(from)};
    for (int i = 0; i < 1000; ++i) s += 'x';
    CHECK(s.size() == 1000);
    std::forward_list<int, Alloc<int>> f{Alloc<int>(from)};
    for (int i = 0; i < 100; ++i) f.push_front(i);
    CHECK(std::accumulate(f.begin(), f.end(), 0) == 4950);
    auto shared = std::allocate_shared<std::string>(a, "x");
    CHECK(*shared == "x");
    std::vector<bool, Alloc<bool>> bits(100, true, Alloc<bool>(from));
    CHECK(bits[99]);
}

}  // namespace

FOR_EACH_POLICY("a vec of any kind does what std::vector does") {
    fa::basic_smart_alloc<P> alloc;
    auto frame = alloc.frame_scope();
    random_vec_operations(frame.template vec<std::string>(), 1);
    random_vec_operations(alloc.template pool_vec<std::string>(), 2);
    random_vec_operations(alloc.template heap_vec<std::string>(), 3);
    CHECK(alloc.stats().pool_allocated + alloc.stats().heap_allocated == 0);
}

FOR_EACH_POLICY("the rest of a vec's members do what their names say") {
    fa::basic_smart_alloc<P> alloc{fa::options{.frame_limit = 64_KiB}};
    auto frame = alloc.frame_scope();
    auto v = frame.template vec<int>();
    CHECK(v.empty());
    CHECK(v.max_size() > 1'000'000);
    v.assign({1, 2, 3});
    CHECK(v.front() == 1);
    CHECK(v.back() == 3);
    CHECK(v.at(1) == 2);
    CHECK(*v.rbegin() == 3);
    CHECK(v.cend() - v.cbegin() == 3);
    v.assign(std::size_t{2}, 7);
    CHECK(v.size() == 2);
    CHECK(v[1] == 7);
    const int more[] = {8, 9};
    v.append(std::span<const int>(more));
    CHECK(v.size() == 4);
    v.resize(6, 5);
    CHECK(v[5] == 5);
    CHECK(v.try_push_back(6));
    CHECK(v.try_emplace_back(7));
    CHECK(*v.try_insert(v.begin(), 1) == 1);
    CHECK(v[0] == 1);
    CHECK(v.size() == 9);
    auto w = frame.template vec<int>();
    w.push_back(1);
    swap(v, w);
    CHECK(v.size() == 1);
    CHECK(w.size() == 9);
    CHECK_FALSE(v == w);
    v.clear();
    CHECK(v.empty());
    CHECK(v.capacity() > 0);
    while (v.try_push_back(1)) CHECK(v.size() < 20'000);
    CHECK(v.size() > 1000);
    CHECK_FALSE(v.try_emplace_back(1));
    CHECK(v.try_insert(v.begin(), 1) == nullptr);
    const std::size_t room = v.capacity();
    v.resize(10);
    v.shrink_to_fit();
    CHECK(v.capacity() <= room);
    auto b = frame.template try_box<int>(3);
    CHECK(*b.get() == 3);
    CHECK(*frame.template try_make<int>(4) == 4);
    CHECK(*frame.box(5) == 5);
    auto four = frame.template alloc_n<int, 4>();
    CHECK(four.size() == 4);
    CHECK(frame.template try_alloc_n<int, 4>() != nullptr);
    CHECK(frame.template try_alloc<int>() != nullptr);
    CHECK_FALSE(frame.template try_slice<int>(4).empty());
    CHECK_FALSE(frame.template try_batch<int>(4).empty());
    CHECK(alloc.template frame_alloc_n<int, 4>().size() == 4);
    CHECK(alloc.template frame_alloc_batch<int>(4).size() == 4);
    CHECK(alloc.template frame_slice<int>(4)[3] == 0);
    CHECK(*alloc.template frame_make<int>(4) == 4);
    CHECK(*alloc.frame_box(6) == 6);
    CHECK(alloc.in_frame());
    CHECK(alloc.frame_number() == 1);
}

FOR_EACH_POLICY("constant containers are walked and searched, temporaries are moved in") {
    fa::basic_smart_alloc<P> alloc;
    auto frame = alloc.frame_scope();
    auto m = frame.template map<int, std::string>();
    CHECK(m.emplace(1, "one").second);
    CHECK_FALSE(m.emplace(1, "uno").second);
    CHECK(m.insert(std::pair<const int, std::string>(2, "two")).second);
    const std::pair<const int, std::string> nought(0, "nought");
    CHECK(m.insert(nought).second);
    CHECK(m.at(0) == "nought");
    const auto& c = m;
    CHECK(c.find(1)->second == "one");
    CHECK(c.find(3) == c.end());
    int sum = 0;
    for (auto it = c.begin(); it != c.end(); it++) sum += it->first;
    CHECK(sum == 3);
    CHECK(c.at(2) == "two");
    auto v = alloc.template pool_vec<std::string>(fa::capacity(100));
    std::string text = "a text that is too long for the small string buffer";
    v.insert(v.begin(), std::move(text));
    CHECK(v.size() == 1);
    CHECK(v[0] == "a text that is too long for the small string buffer");
    v.shrink_to_fit();
    CHECK(v.capacity() == 1);
    const auto s = frame.string("axc");
    CHECK(std::string(s.begin(), s.end()) == "axc");
}

FOR_EACH_POLICY("boxes and shared pointers answer as pointers do") {
    fa::basic_smart_alloc<P> alloc;
    auto frame = alloc.frame_scope();
    struct point {
        int x, y;
    };
    auto f = frame.template box<point>(1, 2);
    auto p = alloc.template pool_box<point>(3, 4);
    auto h = alloc.template heap_box<point>(5, 6);
    auto s = alloc.template pool_shared<point>(7, 8);
    CHECK(f->x + p->x + h->x + s->x == 16);
    CHECK((*f).y + (*p).y + (*h).y + (*s).y == 20);
    CHECK(f.get()->x == 1);
    CHECK(p.get()->x == 3);
    CHECK(h.get()->x == 5);
    CHECK(s.get()->x == 7);
    CHECK((f && p && h && s));
    point* raw = h.release();
    CHECK_FALSE(static_cast<bool>(h));
    fa::heap_box<point> again(raw, alloc.owner().owner);
    again.reset();
    CHECK(alloc.stats().heap_allocated == 0);
    p.reset();
    CHECK_FALSE(static_cast<bool>(p));
    f.reset();
    CHECK_FALSE(static_cast<bool>(f));
    auto t = s;
    CHECK(t == s);
    s.reset();
    CHECK(t.use_count() == 1);
    t.reset();
    CHECK(alloc.stats().pool_allocated == 0);
    CHECK(std::move(*alloc.template pool_box<int>(9)) == 9);
    CHECK(alloc.template pool_box<std::string>("moved out").into_inner() == "moved out");
}

FOR_EACH_POLICY("the size arguments of vecs mean what they are called") {
    fa::basic_smart_alloc<P> alloc;
    auto frame = alloc.frame_scope();
    CHECK(frame.template vec<int>(fa::capacity(10)).capacity() == 10);
    CHECK(frame.template vec<int>(fa::capacity(10)).size() == 0);
    CHECK(frame.template vec<int>(fa::count(10)).size() == 10);
    CHECK(frame.template vec<int>(10).size() == 10);
    CHECK(frame.template vec<int>(10, 7)[9] == 7);
    CHECK(alloc.template frame_vec<int>(fa::count(10)).size() == 10);
    CHECK(alloc.template frame_vec<int>(fa::capacity(10)).capacity() == 10);
    CHECK(alloc.template heap_vec<int>(fa::count(10)).size() == 10);
    CHECK(alloc.template pool_vec<int>(fa::count(10)).size() == 10);
    CHECK(alloc.template frame_vec<int>(10).size() == 10);
    CHECK(alloc.template frame_vec<int>(10, 7)[9] == 7);
    CHECK(alloc.template pool_vec<int>(10).size() == 10);
    CHECK(alloc.template heap_vec<int>(10).size() == 10);
    CHECK(alloc.template pool_vec<int>(fa::capacity(10)).size() == 0);
    CHECK(alloc.template heap_vec<int>(fa::capacity(10)).capacity() == 10);
    CHECK(alloc.template try_frame_vec<int>(fa::count(3)).size() == 3);
    CHECK(alloc.template try_pool_vec<int>(3).size() == 3);
    CHECK(alloc.template try_heap_vec<int>().size() == 0);
    CHECK(alloc.template try_heap_vec<int>(fa::count(~std::size_t{0} / 2)).size() == 0);
}

FOR_EACH_POLICY("a map does what std::unordered_map does") {
    fa::basic_smart_alloc<P> alloc;
    auto frame = alloc.frame_scope();
    auto m = frame.template map<int, std::string>();
    std::unordered_map<int, std::string> model;
    std::mt19937 random(5);
    for (int i = 0; i < 20000; ++i) {
        const int key = static_cast<int>(random() % 500) * 64;
        const std::string value = "a value that is too long for the small string buffer " + std::to_string(i);
        switch (random() % 6) {
            case 0: REQUIRE(m.erase(key) == model.erase(key)); break;
            case 1:
                m[key] = value;
                model[key] = value;
                break;
            case 2: REQUIRE(m.insert({key, value}).second == model.insert({key, value}).second); break;
            case 3:
                m.insert_or_assign(key, value);
                model.insert_or_assign(key, value);
                break;
            case 4: REQUIRE(m.contains(key) == model.contains(key)); break;
            default: {
                auto it = m.find(key);
                REQUIRE((it != m.end()) == model.contains(key));
                if (it != m.end()) REQUIRE(it->second == model.at(key));
            }
        }
        REQUIRE(m.size() == model.size());
    }
    std::size_t n = 0;
    for (const auto& [k, v] : m) {
        REQUIRE(model.at(k) == v);
        ++n;
    }
    CHECK(n == model.size());
    CHECK(m.try_insert(-1, "x"));
    CHECK(m.at(-1) == "x");
    CHECK(m.count(-1) == 1);
    m.clear();
    CHECK(m.empty());
    m.reserve(1000);
    CHECK(m.capacity() >= 1000);
}

FOR_EACH_POLICY("a map's content is destroyed with its frame") {
    fa::basic_smart_alloc<P> alloc;
    const int before = counted::alive;
    alloc.begin_frame();
    auto m = alloc.template frame_map<int, counted>();
    for (int i = 0; i < 100; ++i) m.try_emplace(i, i);
    CHECK(counted::alive == before + 100);
    alloc.end_frame();
    CHECK(counted::alive == before);
    CHECK(m.empty());
}

FOR_EACH_POLICY("a string does what std::string does") {
    fa::basic_smart_alloc<P> alloc;
    auto frame = alloc.frame_scope();
    auto s = frame.string("label");
    CHECK(s == "label");
    CHECK(std::string(s.c_str()) == "label");
    s += ' ';
    s += "two";
    s.append(s.view());
    CHECK(s == "label twolabel two");
    s.insert(5, " one");
    CHECK(s == "label one twolabel two");
    s.erase(0, 6);
    CHECK(s == "one twolabel two");
    CHECK(s.find("two") == 4);
    CHECK(s.starts_with("one"));
    CHECK(s.ends_with("two"));
    CHECK(s.substr(4, 3) == "two");
    s.resize(3);
    CHECK(s == "one");
    s.push_back('!');
    s.pop_back();
    CHECK(s.back() == 'e');
    s.assign(s.substr(1));
    CHECK(s == "ne");
    s.clear();
    CHECK(s.empty());
    CHECK(s.c_str()[0] == '\0');
    CHECK(s.try_append("x"));
    for (int i = 0; i < 1000; ++i) s += "0123456789";
    CHECK(s.size() == 10001);
    CHECK(alloc.frame_string().empty());
    auto t = frame.string("abc");
    CHECK(t.front() == 'a');
    t[1] = 'x';
    CHECK(t == frame.string("axc"));
    CHECK(t.length() == 3);
    CHECK(t.capacity() >= 3);
    CHECK(std::string(t.begin(), t.end()) == "axc");
    CHECK(std::string(t.data()) == "axc");
    t.reserve(100);
    CHECK(t.capacity() >= 100);
    CHECK_FALSE(t.empty());
}

FOR_EACH_POLICY("every standard container works on every allocator") {
    fa::basic_smart_alloc<P> alloc;
    {
        auto frame = alloc.frame_scope();
        use_every_container<fa::frame_allocator>(frame);
        use_every_container<fa::pool_allocator>(alloc);
        use_every_container<fa::heap_allocator>(alloc);
    }
    CHECK(alloc.stats().total_allocated == 0);
}

FOR_EACH_POLICY("allocators propagate as the table says") {
    fa::basic_smart_alloc<P> alloc;
    fa::basic_smart_alloc<P> other;
    auto check = [&]<class A>(A one, A same, A two) {
        CHECK(one == same);
        CHECK_FALSE(one == two);
        using V = std::vector<int, A>;
        V a(one), b(two);
        a.assign(10, 1);
        b = a;
        CHECK(b.get_allocator() == two);  // copy assignment keeps the target's
        CHECK(V(a).get_allocator() == one);
        V c(two);
        c = std::move(a);
        CHECK(c.get_allocator() == one);  // move assignment takes the source's
        b.swap(c);
        CHECK(b.get_allocator() == one);
        CHECK(c.get_allocator() == two);
    };
    auto frame = alloc.frame_scope();
    {
        auto inner = alloc.frame_scope();
        check(fa::frame_allocator<int>(inner), fa::frame_allocator<int>(inner), fa::frame_allocator<int>(frame));
    }
    check(fa::pool_allocator<int>(alloc), fa::pool_allocator<int>(alloc), fa::pool_allocator<int>(other));
    check(fa::heap_allocator<int>(alloc), fa::heap_allocator<int>(alloc), fa::heap_allocator<int>(other));
}

FOR_EACH_POLICY("a frame allocator and resource stay with the frame they were made in") {
    fa::basic_smart_alloc<P> alloc;
    auto frame = alloc.frame_scope();
    std::vector<int, fa::frame_allocator<int>> v{fa::frame_allocator<int>(frame)};
    std::pmr::vector<int> w(frame.resource());
    {
        auto inner = alloc.frame_scope();
        for (int i = 0; i < 10000; ++i) {
            v.push_back(i);
            w.push_back(i);
        }
    }
    {
        auto inner = alloc.frame_scope();
        for (int& x : inner.template batch<int>(100000)) x = -1;
    }
    for (int i = 0; i < 10000; ++i) {
        CHECK(v[static_cast<std::size_t>(i)] == i);
        CHECK(w[static_cast<std::size_t>(i)] == i);
    }
}

FOR_EACH_POLICY("pmr containers work on every resource") {
    fa::basic_smart_alloc<P> alloc;
    {
        auto frame = alloc.frame_scope();
        for (std::pmr::memory_resource* r :
             {frame.resource(), alloc.frame_resource(), alloc.pool_resource(), alloc.heap_resource()}) {
            std::pmr::vector<std::pmr::string> v(r);
            for (int i = 0; i < 300; ++i) v.emplace_back("a text that is too long for the small string buffer");
            std::pmr::map<int, int> m(r);
            for (int i = 0; i < 300; ++i) m[i] = i;
            CHECK(v.back().size() == 51);
            CHECK(m.size() == 300);
        }
    }
    CHECK(alloc.pool_resource() == alloc.pool_resource());
    CHECK(alloc.stats().total_allocated == 0);
}

FOR_EACH_POLICY("standard allocators throw bad_alloc on exhaustion") {
    fa::basic_smart_alloc<P> alloc{fa::options{.frame_limit = 64_KiB}};
    auto frame = alloc.frame_scope();
    std::vector<int, fa::frame_allocator<int>> v{fa::frame_allocator<int>(frame)};
    CHECK_THROWS_AS(v.resize(100'000), std::bad_alloc);
    CHECK_THROWS_AS(static_cast<void>(frame.resource()->allocate(1_MiB)), std::bad_alloc);
    fa::pool_allocator<int> p(alloc);
    CHECK_THROWS_AS(static_cast<void>(p.allocate(~std::size_t{0} / 8)), std::bad_alloc);
}

FOR_EACH_POLICY("an allocator_ref erases every source") {
    fa::basic_smart_alloc<P> alloc;
    {
        auto frame = alloc.frame_scope();
        for (fa::allocator_ref ref : {frame.ref(), alloc.frame_ref(), alloc.pool_ref(), alloc.heap_ref()}) {
            void* p = ref.try_allocate(100, 16);
            CHECK(aligned(static_cast<char*>(p), 16));
            static_cast<void>(ref.try_grow(p, 100, 104, 16));
            ref.deallocate(p, 100, 16);
        }
    }
    CHECK(alloc.stats().total_allocated == 0);
    static_assert(fa::allocator_source<fa::allocator_ref>);
    static_assert(fa::allocator_source<fa::frame_source>);
    static_assert(fa::allocator_source<fa::pool_source>);
    static_assert(fa::allocator_source<fa::heap_source>);
}
