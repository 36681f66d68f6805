// Strings of up to 15 characters are in the string itself, longer ones in memory, and every operation crosses over.
#include <doctest/doctest.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "support/random.hpp"
#include "support/recorder.hpp"

using namespace test;

namespace {

constexpr std::size_t lengths[] = {0, 1, 3, 4, 7, 8, 14, 15, 16, 17, 40};

std::string letters(std::size_t n, char first = 'a') {
    std::string s;
    for (std::size_t i = 0; i < n; ++i) s.push_back(static_cast<char>(first + static_cast<char>(i % 20)));
    return s;
}

template <class P, class F>
void for_each_kind(F f) {
    const fa::basic_smart_alloc<P> alloc;
    const auto frame = alloc.frame_scope();
    f(frame.string());
    f(alloc.pool_string());
    f(alloc.heap_string());
}

template <class S>
bool is(const S& s, const std::string& text) {
    return s == text && s.size() == text.size() && s.c_str()[s.size()] == '\0' && s.capacity() >= s.size() &&
           s.end() - s.begin() == static_cast<std::ptrdiff_t>(text.size());
}
template <class S>
bool is_inside(const S& s) {
    const auto at = reinterpret_cast<std::uintptr_t>(s.data()), self = reinterpret_cast<std::uintptr_t>(&s);
    return at >= self && at < self + sizeof s;
}

}  // namespace

FOR_EACH_POLICY("a string of up to 15 characters takes no memory, and one more does") {
    const fa::basic_smart_alloc<P> alloc;
    const auto frame = alloc.frame_scope();
    const auto held = [&] { return alloc.stats().total_allocated + alloc.frame_stats().bytes_in_use; };
    const std::size_t before = held();
    const auto try_each = [&](auto make) {
        for (const std::size_t n : lengths) {
            CAPTURE(n);
            auto s = make(letters(n));
            CHECK(is(s, letters(n)));
            CHECK(is_inside(s) == (n < 16));
            if (n < 16) {
                CHECK(held() == before);
                CHECK(s.capacity() == 15);
                const char* at = s.data();
                s.assign(15, 'x');
                s.clear();
                s.append(letters(15, 'b'));
                CHECK(s.data() == at);
                CHECK(held() == before);
                s.push_back('c');
                CHECK(!is_inside(s));
            }
            CHECK(held() > before);
        }
    };
    try_each([&](const std::string& text) { return alloc.pool_string(text); });
    CHECK(held() == before);
    try_each([&](const std::string& text) { return alloc.heap_string(text); });
    CHECK(held() == before);
    {
        const auto inner = alloc.frame_scope();
        for (const std::size_t n : lengths) {
            const std::size_t used = held();
            auto s = inner.string(letters(n));
            CHECK(is(s, letters(n)));
            CHECK((held() == used) == (n < 16));
        }
    }
}

FOR_EACH_POLICY("strings of every length move, are copied and change places, with themselves too") {
    for_each_kind<P>([](auto empty) {
        using string = decltype(empty);
        for (const std::size_t n : lengths) {
            for (const std::size_t m : lengths) {
                CAPTURE(n);
                CAPTURE(m);
                const string a(empty.source(), letters(n)), b(empty.source(), letters(m, 'A'));
                string x = a, y = b;
                swap(x, y);
                CHECK((is(x, letters(m, 'A')) && is(y, letters(n))));
                string z(std::move(x));
                CHECK((is(z, letters(m, 'A')) && is(x, "")));
                x += "usable";
                CHECK(is(x, "usable"));
                z = std::move(y);
                CHECK((is(z, letters(n)) && is(y, "")));
                y = b;
                CHECK(is(y, letters(m, 'A')));
                string& self = y;
                y = self;
                y = std::move(self);
                y.swap(self);
                CHECK(is(y, letters(m, 'A')));
                CHECK((is(a, letters(n)) && is(b, letters(m, 'A'))));
                std::vector<string> many(3, a);
                many.insert(many.begin(), b);
                many.erase(many.begin() + 1);
                CHECK((is(many[0], letters(m, 'A')) && is(many[2], letters(n))));
            }
        }
    });
}

FOR_EACH_POLICY("a string does what std::string does, whatever part of itself it is given") {
    for_each_kind<P>([](auto s) {
        splitmix random{7};
        const auto below = [&](std::size_t n) { return n == 0 ? 0 : static_cast<std::size_t>(random() % n); };
        std::string t;
        for (int i = 0; i < 4000; ++i) {
            CAPTURE(i);
            const std::size_t at = below(s.size() + 1), from = below(s.size() + 1);
            const std::size_t n = below(s.size() - from + 1), removed = below(s.size() - at + 1), k = below(20);
            const char c = static_cast<char>('a' + below(26));
            const std::string part = t.substr(from, n), text = letters(k, 'A');
            const std::string_view own = s.substr(from, n);
            switch (random() % 18) {
                case 0: s.append(own), t.append(part); break;
                case 1: s.insert(at, own), t.insert(at, part); break;
                case 2: s.replace(at, removed, own), t.replace(at, removed, part); break;
                case 3: s.assign(own), t.assign(part); break;
                case 4: s.append(text), t.append(text); break;
                case 5: s.insert(at, text), t.insert(at, text); break;
                case 6: s.replace(at, removed, text), t.replace(at, removed, text); break;
                case 7: s.assign(text), t.assign(text); break;
                case 8: s.push_back(c), t.push_back(c); break;
                case 9: s.insert(at, k, c), t.insert(at, k, c); break;
                case 10: s.erase(at, removed), t.erase(at, removed); break;
                case 11: s.resize(k, c), t.resize(k, c); break;
                case 12: s.shrink_to_fit(); break;
                case 13: s.reserve(k * 2); break;
                case 14: s.append(s.rbegin(), s.rend()), t.append(std::string(t.rbegin(), t.rend())); break;
                case 15: s.clear(), t.clear(); break;
                case 16: s = text.c_str(), t = text; break;
                case 17: s.append(s.c_str(), s.size() + 1), t.append(std::string(t.c_str(), t.size() + 1)); break;
            }
            if (t.size() > 100) s.erase(20), t.erase(20);
            REQUIRE(is(s, t));
        }
    });
}

FOR_EACH_POLICY(
    "what shrinks in a frame gives its memory back or keeps the room, and short text goes into the string") {
    fa::basic_smart_alloc<P> alloc;
    const auto frame = alloc.frame_scope();
    auto last = frame.template vec<int>(fa::capacity(1000));
    last.resize(10, 1);
    last.shrink_to_fit();
    CHECK(last.capacity() == 10);
    const auto* const next = frame.template make<int>(2);
    CHECK((P::checks || static_cast<const void*>(next) < last.data() + 999));  // zones are wider
    auto below = frame.template vec<int>(fa::capacity(1000));
    below.resize(10, 1);
    const auto* const top = frame.template make<int>(3);
    below.shrink_to_fit();
    CHECK(below.capacity() == 1000);
    const int* const where = below.data();
    below.resize(1000, 2);
    CHECK(below.data() == where);
    CHECK(*top == 3);
    below.clear();
    below.shrink_to_fit();
    CHECK((below.capacity() == 1000 && below.data() == where));
    auto counted = frame.template vec<int>(fa::capacity(1000));
    static_cast<void>(alloc.stats());  // what was charged stays charged
    counted.resize(10, 4);
    counted.shrink_to_fit();
    CHECK(counted.capacity() == 1000);
    for (const bool on_top : {true, false}) {
        auto text = frame.string("a text that needs memory, of which little will be left");
        if (!on_top) static_cast<void>(frame.template make<int>(5));
        text.resize(20);
        text.shrink_to_fit();
        CHECK((text.capacity() == 20) == on_top);
        CHECK(text == "a text that needs me");
        text.resize(3);
        text.shrink_to_fit();
        CHECK(text.capacity() == 15);
        CHECK(text == "a t");
        const char* const object = reinterpret_cast<const char*>(&text);
        CHECK((object <= text.data() && text.data() < object + sizeof text));
        text += " and more than fits into it";
        CHECK(text == "a t and more than fits into it");
    }
}

FOR_EACH_POLICY("a short string outlives its frame, and goes on in the open one with a fault when it needs memory") {
    recorder heard;
    const fa::basic_smart_alloc<P> alloc{heard.options()};
    const auto outer = alloc.frame_scope();
    std::optional<decltype(outer.string())> s;
    {
        const auto ended = alloc.frame_scope();
        s.emplace(ended.string("short"));
    }
    CHECK(is(*s, "short"));
    *s += " still";
    s->erase(0, 1);
    CHECK((*s)[0] == 'h');
    auto moved = std::move(*s);
    CHECK(is(moved, "hort still"));
    CHECK(heard.faults.empty());
    moved += ", now longer";
    CHECK(is(moved, "hort still, now longer"));
    CHECK(heard.count(fa::code::FA002) == 1);
    CHECK(moved.source() == outer.source());
    moved += letters(100);
    CHECK(heard.faults.size() == 1);
    s.reset();
}

FOR_EACH_POLICY("a long string of an ended frame is told when it grows, and starts anew with what is added") {
    recorder heard;
    fa::options options = heard.options();
    if (guarded<P>) options.guard = fa::guard_level::fill;
    const fa::basic_smart_alloc<P> alloc{options};
    const auto outer = alloc.frame_scope();
    const auto grow_all = [&](auto grow, const std::string& left) {
        std::optional<decltype(outer.string())> s;
        {
            const auto ended = alloc.frame_scope();
            s.emplace(ended.string(letters(30)));
        }
        heard.faults.clear();
        grow(*s);
        CHECK(is(*s, left));
        CHECK(heard.count(fa::code::FA002) == 1);
        CHECK(heard.faults.size() == 1);
    };
    const std::string more = letters(300, 'A');
    grow_all([&](auto& s) { s.append(more); }, more);
    grow_all([&](auto& s) { s.insert(20, more); }, more);
    grow_all([&](auto& s) { s.resize(200, 'x'); }, std::string(200, 'x'));
}

FOR_EACH_POLICY("a string that is full refuses what is larger than everything") {
    for_each_kind<P>([](auto s) {
        for (const std::size_t n : lengths) {
            s = letters(n);
            const std::size_t most = ~std::size_t{0};
            for (const std::size_t k : {most, most / 2 + 1, most / 2 + 2, s.max_size() + 1}) {
                CHECK_FALSE(s.try_append(s.c_str(), k));
                CHECK_FALSE(s.try_append(k, 'x'));
                CHECK_FALSE(s.try_insert(0, k, 'x'));
                CHECK_FALSE(s.try_reserve(k));
                CHECK_FALSE(s.try_resize(k));
            }
            CHECK(is(s, letters(n)));
        }
    });
}

TEST_CASE("what a string takes from itself needs no memory where the result lies in it") {
    fa::heap_string inserted, replaced;  // of no allocator
    inserted.append("abcdefghijk");
    CHECK(inserted.try_insert(0, inserted.substr(7, 4)));
    CHECK(inserted == "hijkabcdefghijk");
    replaced.append("abcdefghijkl");
    CHECK(replaced.try_replace(0, 4, replaced.substr(4, 4)));
    CHECK(replaced == "efghefghijkl");
}
