// frame_string beside std::string.
#include <doctest/doctest.h>

#include <algorithm>
#include <iomanip>
#include <iterator>
#include <random>
#include <sstream>
#include <string>
#include <unordered_map>
#include <vector>

#include "support/recorder.hpp"

using namespace test;

namespace {

// Every modification that both have, with parts of the string itself among the arguments.
template <class S>
void change_both(S& s, std::string& model, std::mt19937& random) {
    const auto up_to = [&](std::size_t n) { return n == 0 ? 0 : random() % n; };
    const std::size_t at = up_to(model.size() + 1), n = up_to(6), from = up_to(model.size() + 1);
    const std::string own = model.substr(from, n);
    const std::string_view part = s.view().substr(from, n);
    const std::string text = std::to_string(random()).substr(0, up_to(5));
    switch (random() % 18) {
        case 0:
            model.append(own);
            s.append(part);
            break;
        case 1:
            model.insert(at, own);
            s.insert(at, part);
            break;
        case 2:
            model.replace(at, n, own);
            s.replace(at, n, part);
            break;
        case 3:
            model = own;
            s.assign(part);
            break;
        case 4:
            model.append(own);
            CHECK(s.try_append(part));
            break;
        case 5:
            model.insert(at, own);
            CHECK(s.try_insert(at, part));
            break;
        case 6:
            model.replace(at, n, text);
            s.replace(at, n, text);
            break;
        case 7:
            model.erase(at, n);
            s.erase(at, n);
            break;
        case 8:
            model.append(n, 'n');
            s.append(n, 'n');
            break;
        case 9:
            model.insert(at, n, 'i');
            s.insert(at, n, 'i');
            break;
        case 10:
            model.resize(at + n, 'r');
            s.resize(at + n, 'r');
            break;
        case 11:
            if (!model.empty()) {
                model.pop_back();
                s.pop_back();
            }
            break;
        case 12:
            model.push_back('p');
            s.push_back('p');
            break;
        case 13: s.shrink_to_fit(); break;
        case 14:
            if (at < model.size()) {
                model.erase(model.begin() + static_cast<long>(at));
                s.erase(s.begin() + at);
            }
            break;
        case 15: {
            S copy = s;
            copy += '!';
            s = copy;
            model += '!';
            break;
        }
        case 16:
            model.append(text.begin(), text.end());
            s.append(text.begin(), text.end());
            break;
        default:
            model += text;
            s += text;
            break;
    }
    REQUIRE(s.view() == model);
    REQUIRE(s.c_str()[model.size()] == '\0');
}

}  // namespace

FOR_EACH_POLICY("a string changes as std::string does, with parts of itself too") {
    fa::basic_smart_alloc<P> alloc;
    for (std::uint32_t seed = 0; seed < 30; ++seed) {
        auto frame = alloc.frame_scope();
        auto s = frame.string();
        std::string model;
        std::mt19937 random(seed);
        for (int i = 0; i < 100; ++i) change_both(s, model, random);
        auto inner = alloc.frame_scope();  // from here on it grows out of line
        for (int i = 0; i < 100; ++i) change_both(s, model, random);
    }
}

FOR_EACH_POLICY("try_append of a part of a string that lies out of line keeps the text") {
    fa::basic_smart_alloc<P> alloc;
    auto outer = alloc.frame_scope();
    auto s = outer.string("");
    auto inner = alloc.frame_scope();
    s.append("0123456789abcdef");
    std::string want(s.view());
    for (int i = 0; i < 6; ++i) {
        want += want;
        CHECK(s.try_append(s.view()));
    }
    CHECK(s.view() == want);
}

FOR_EACH_POLICY("a string is made, joined, compared, searched and printed as std::string is") {
    fa::basic_smart_alloc<P> alloc;
    auto frame = alloc.frame_scope();
    using string = fa::basic_frame_string<P>;
    static_assert(std::ranges::contiguous_range<string> && std::ranges::sized_range<const string>);
    static_assert(std::ranges::contiguous_range<fa::basic_vec<int, fa::frame_source, P>>);
    static_assert(std::ranges::common_range<const fa::basic_vec<int, fa::heap_source, P>>);

    auto s = frame.string("wave") + ' ' + "12";
    s = "a " + s + frame.string("!");
    CHECK(s == "a wave 12!");
    CHECK("a wave 12!" == s);
    CHECK((s > "a" && s < std::string("b") && s <= s && (s <=> s) == 0));
    CHECK(frame.string(3, 'x') == "xxx");
    const std::string other = "from iterators";
    CHECK(frame.string(other.begin(), other.end()) == other);
    CHECK(frame.string(other) == other);
    s = 'c';
    s = "abcabc";
    s = std::string_view("abcabc");
    s += {'d', 'e'};
    CHECK(s.find('c') == 2);
    CHECK(s.rfind("ab") == 3);
    CHECK(s.find_first_of("dc") == 2);
    CHECK(s.find_last_of("ab") == 4);
    CHECK(s.find_first_not_of("abc") == 6);
    CHECK(s.find_last_not_of('e') == 6);
    CHECK((s.contains("cab") && s.contains('d') && !s.contains('x')));
    CHECK(s.compare("abd") < 0);
    CHECK(s.substr(3) == "abcde");
    CHECK_THROWS_AS(s.substr(9), std::out_of_range);
    CHECK_THROWS_AS(s.insert(9, "x"), std::out_of_range);
    CHECK_THROWS_AS(s.erase(9), std::out_of_range);
    CHECK(erase(s, 'a') == 2);
    CHECK(s == "bcbcde");
    CHECK(std::string(s.rbegin(), s.rend()) == "edcbcb");
    s.erase(s.begin(), s.begin() + 2);
    *s.insert(s.begin(), 'x') = 'y';
    CHECK(s == "ybcde");
    s.erase(0, 0).clear();
    s.erase(0);
    s.erase(s.begin(), s.end());
    s.append("").insert(0, "").replace(0, 0, "");
    CHECK(s.empty());
    std::ostringstream out;
    out << frame.string("to a stream") << ' ' << 1;
    CHECK(out.str() == "to a stream 1");

    std::unordered_map<string, int, std::hash<string>, std::equal_to<>> keys;
    keys.emplace(frame.string("key"), 7);
    CHECK(keys.find(std::string_view("key"))->second == 7);
    auto a = frame.string("a"), b = frame.string("b");
    swap(a, b);
    CHECK(a == "b");
    const string moved = std::move(a);
    CHECK(moved == "b");
    auto copy = moved;
    copy += 'c';
    CHECK((moved == "b" && copy == "bc"));
}

FOR_EACH_POLICY("vecs are made of what std::vector is made of") {
    fa::basic_smart_alloc<P> alloc;
    auto frame = alloc.frame_scope();
    const std::vector<int> model{1, 2, 3};
    const auto all = [&](auto make) {
        CHECK(make(std::size_t{4}).size() == 4);
        CHECK(make(fa::count(4)).size() == 4);
        CHECK(make(fa::capacity(4)).size() == 0);
        CHECK(make(fa::capacity(4)).capacity() == 4);
        CHECK(make(std::size_t{4}, 7)[3] == 7);
        CHECK(std::ranges::equal(make(model), model));
        CHECK(std::ranges::equal(make(model.rbegin(), model.rend()), std::vector<int>{3, 2, 1}));
        std::istringstream text("1 2 3");
        CHECK(std::ranges::equal(make(std::istream_iterator<int>(text), std::istream_iterator<int>()), model));
    };
    all([&](auto... a) { return frame.template vec<int>(a...); });
    all([&](auto... a) { return alloc.template frame_vec<int>(a...); });
    all([&](auto... a) { return alloc.template pool_vec<int>(a...); });
    all([&](auto... a) { return alloc.template heap_vec<int>(a...); });
    for (std::size_t n :
         {frame.template vec<int>({1, 2, 3}).size(), alloc.template frame_vec<int>({1, 2, 3}).size(),
          alloc.template pool_vec<int>({1, 2, 3}).size(), alloc.template heap_vec<int>({1, 2, 3}).size(),
          frame.template try_vec<int>({1, 2, 3}).size(), alloc.template try_frame_vec<int>({1, 2, 3}).size(),
          alloc.template try_pool_vec<int>({1, 2, 3}).size(), alloc.template try_heap_vec<int>(model).size(),
          frame.vec({1, 2, 3}).size(), frame.template try_vec<int>(3).size(), frame.try_string("abc").size()})
        CHECK(n == 3);
    auto v = frame.vec({3, 1, 2});
    std::ranges::sort(v);
    CHECK(v == frame.vec({1, 2, 3}));
    CHECK(v < frame.vec({1, 3}));
    v = {5, 6};
    v.insert_range(v.begin(), model);
    CHECK(v.contains(6));
    CHECK(erase(v, 6) == 1);
    CHECK(erase_if(v, [](int x) { return x > 2; }) == 2);
    CHECK(v.retain([](int x) { return x == 1; }) == 1);
    CHECK(v == frame.vec({1}));
}

FOR_EACH_POLICY("what is appended may be read from the string itself, by any iterators") {
    fa::basic_smart_alloc<P> alloc;
    const auto outer = alloc.frame_scope();
    auto s = outer.string("abc");
    std::string model = "abc";
    const auto inner = alloc.frame_scope();  // the string cannot grow in place
    for (int round = 0; round < 12; ++round) {
        const std::string own = model;
        model.append(own.rbegin(), own.rend());
        s.append(s.rbegin(), s.rend());
        REQUIRE(s == model);
    }
}

FOR_EACH_POLICY("a string takes a pointer with a length, and a part of a text, as std::string does") {
    fa::basic_smart_alloc<P> alloc;
    const auto frame = alloc.frame_scope();
    const std::string text = "0123456789";
    const std::string_view view = text;
    auto s = frame.string("abc");
    std::string m = "abc";
    const auto both = [&](auto change) {
        change(s);
        change(m);
        CHECK(s == m);
    };
    both([](auto& x) { x.append("defg", 2); });
    both([&](auto& x) { x.append(text, 3, 2); });
    both([&](auto& x) { x.append(view, 8); });
    both([](auto& x) { x.insert(0, "xyz", 2); });
    both([&](auto& x) { x.insert(1, text, 4, 3); });
    both([&](auto& x) { x.insert(1, view, 9); });
    both([](auto& x) { x.replace(0, 1, "klmn", 2); });
    both([&](auto& x) { x.replace(2, 3, text, 1, 4); });
    both([&](auto& x) { x.replace(2, 1, view, 7); });
    both([](auto& x) { x.replace(x.begin(), x.begin() + 2, "vw", 1); });
    both([](auto& x) { x.replace(x.begin(), x.begin() + 2, 3, '_'); });
    both([&](auto& x) { x.replace(x.begin(), x.begin() + 1, text.rbegin(), text.rend()); });
    both([](auto& x) { x.replace(x.begin(), x.end() - 2, {'p', 'q'}); });
    both([&](auto& x) { x.assign(text, 2); });
    both([&](auto& x) { x.assign(view, 2, 3); });
    both([](auto& x) { x.assign("abcabc", 5); });
    CHECK((s.find("bx", 2, 1) == m.find("bx", 2, 1) && s.rfind("bx", 3, 1) == m.rfind("bx", 3, 1)));
    CHECK((s.find_first_of("cz", 0, 1) == m.find_first_of("cz", 0, 1) &&
           s.find_last_of("bz", 9, 1) == m.find_last_of("bz", 9, 1)));
    CHECK(s.find_first_not_of("abz", 0, 2) == m.find_first_not_of("abz", 0, 2));
    CHECK(s.find_last_not_of("abz", 9, 2) == m.find_last_not_of("abz", 9, 2));
    CHECK(s.compare(1, 2, "bcd", 2) == 0);
    CHECK(s.compare(1, 2, text, 3, 2) * m.compare(1, 2, text, 3, 2) > 0);
    both([](auto& x) { x.assign({'o', 'n', 'e'}); });
    both([](auto& x) { x.append(x, 1, 2); });  // a part of itself
    CHECK((frame.string("abcdef", 3) == "abc" && frame.string(text, 8) == "89" && frame.string(view, 1, 2) == "12"));
    CHECK((alloc.frame_string("abcdef", 3) == "abc" && alloc.frame_string(text, 8) == "89" &&
           alloc.frame_string("a\0b", 3).size() == 3));
    CHECK_THROWS_AS(s.append(text, 11), std::out_of_range);
    CHECK_THROWS_AS(s.insert(0, text, 11), std::out_of_range);
    CHECK_THROWS_AS(s.replace(0, 0, text, 11), std::out_of_range);
    CHECK_THROWS_AS(static_cast<void>(frame.string(text, 11)), std::out_of_range);
    CHECK(s == m);
}

FOR_EACH_POLICY("a part of a string becomes a string where one is asked for by name") {
    fa::basic_smart_alloc<P> alloc;
    const auto frame = alloc.frame_scope();
    const auto s = frame.string("abcdef");
    const std::string std_part(s.substr(1, 2)), std_whole(s);
    auto own = frame.string(s.substr(4));
    const fa::basic_frame_string<P> same(s.source(), s.substr(3, 1));
    CHECK((std_part == "bc" && std_whole == "abcdef" && own == "ef" && same == "d"));
    own = s.substr(5);
    CHECK(own == "f");
    own = frame.string("long") + own.substr(0, 1);
    own = own.substr(1, 2);  // of itself
    CHECK(own == "on");
}

namespace {

// The result of `read` on `text`, and the state of the stream, once for each type.
template <class S, class Read>
std::string left_of(const std::string& text, S s, Read read) {
    std::istringstream in(text);
    std::string seen;
    for (int i = 0; i < 5; ++i) {
        read(in, s);
        seen += std::string(std::string_view(s)) + '|' + (in.good() ? "g" : "") + (in.eof() ? "e" : "") +
                (in.fail() ? "f" : "") + ';';
    }
    return seen;
}

}  // namespace

FOR_EACH_POLICY("a string is read from a stream as std::string is") {
    fa::basic_smart_alloc<P> alloc;
    const auto frame = alloc.frame_scope();
    for (const std::string text :
         {"", "\n", "\n\n", "one", "one\n", "  one two\tthree \n four", "one\n\ntwo three\n", "a,b,,c", ",", "   "}) {
        const auto both = [&](auto read) {
            CHECK(left_of(text, frame.string("old"), read) == left_of(text, std::string("old"), read));
        };
        both([](auto& in, auto& s) { in >> s; });
        both([](auto& in, auto& s) { in >> std::setw(2) >> s; });
        both([](auto& in, auto& s) { in >> std::noskipws >> s; });
        both([](auto& in, auto& s) { getline(in, s); });
        both([](auto& in, auto& s) { getline(in, s, ','); });
        both([](auto& in, auto& s) { getline(in >> std::ws, s); });
        both([](auto& in, auto& s) { in >> s, getline(in, s); });
    }
    auto a = frame.string(), b = frame.string();
    CHECK((std::istringstream("x y") >> a >> b));
    CHECK((a == "x" && b == "y"));
    getline(std::istringstream(std::string(1000, 'l')), a);
    CHECK(a == std::string(1000, 'l'));
    std::istringstream strict("one");
    strict.exceptions(std::ios::failbit);
    strict >> a;
    CHECK_THROWS_AS(getline(strict, a), std::ios::failure);
}

FOR_EACH_POLICY(
    "each try_ twin of a string does what its namesake does, and changes nothing when memory is exhausted") {
    const std::string text(40, 't'), huge(5 << 20, 'h');
    std::istringstream once(huge);
    const auto changes = [&](auto& s, std::size_t n, const std::string& from) {
        return std::vector<bool>{s.try_append(from),
                                 s.try_append(from.data(), n),
                                 s.try_append(from, 0),
                                 s.try_append(n, 'n'),
                                 s.try_append(from.begin(), from.end()),
                                 s.try_append(from.rbegin(), from.rend()),
                                 s.try_insert(1, from),
                                 s.try_insert(1, from.data(), n),
                                 s.try_insert(1, from, 0),
                                 s.try_insert(1, n, 'i'),
                                 s.try_replace(1, 1, from),
                                 s.try_replace(1, 1, from.data(), n),
                                 s.try_replace(1, 1, from, 0),
                                 s.try_replace(1, 1, n, 'r'),
                                 s.try_assign(from),
                                 s.try_assign(from.c_str()),
                                 s.try_assign(from.data(), n),
                                 s.try_assign(from, 0),
                                 s.try_assign(n, 'a'),
                                 s.try_assign(from.rbegin(), from.rend())};
    };
    fa::basic_smart_alloc<P> alloc{{.frame_limit = 1_MiB}};
    const auto frame = alloc.frame_scope();
    auto s = frame.string("abc");
    for (const bool done : changes(s, 40, text)) CHECK(done);
    CHECK(s == text);
    CHECK((s.try_append({'x', 'y'}) && s.try_assign({'x', 'z'}) && s == "xz"));
    for (const bool done : changes(s, huge.size(), huge)) CHECK(!done);
    CHECK(!s.try_append(std::istreambuf_iterator<char>(once), std::istreambuf_iterator<char>()));
    CHECK(s == "xz");
}

FOR_EACH_POLICY("a string of every kind is made of a list, as a vec is") {
    fa::basic_smart_alloc<P> alloc;
    const auto frame = alloc.frame_scope();
    CHECK(frame.string({'a', 'b'}) == "ab");
    CHECK(frame.try_string({'a', 'b'}) == "ab");
    CHECK(alloc.frame_string({'c'}) == "c");
    CHECK(alloc.try_frame_string({'c'}) == "c");
    CHECK(alloc.pool_string({'d', 'e'}) == "de");
    CHECK(alloc.try_pool_string({'d', 'e'}) == "de");
    CHECK(alloc.heap_string({'f', 'g'}) == "fg");
    CHECK(alloc.try_heap_string({'f', 'g'}) == "fg");
    CHECK(alloc.pool().string({'h'}) == "h");
    CHECK(alloc.heap().try_string({'i'}) == "i");
    CHECK(frame.string({}).empty());
    CHECK(frame.string({"text", 2}) == "te");  // a string_view
}

FOR_EACH_POLICY("a string is tried of everything that it is made of") {
    const std::string text(40, 't'), huge(5 << 20, 'h');
    fa::basic_smart_alloc<P> alloc{{.frame_limit = 1_MiB}};
    const auto frame = alloc.frame_scope();
    CHECK((frame.try_string() == "" && frame.try_string(3, 'x') == "xxx" && frame.try_string("abc", 2) == "ab" &&
           frame.try_string(text, 39) == "t"));
    CHECK((alloc.try_frame_string() == "" && alloc.try_frame_string(3, 'x') == "xxx" &&
           alloc.try_frame_string("abc", 2) == "ab"));
    CHECK((frame.try_string(huge).empty() && frame.try_string(huge.size(), 'x').empty() &&
           alloc.try_frame_string(huge.rbegin(), huge.rend()).empty()));
}

FOR_EACH_POLICY("strings of two kinds of memory compare, and join in the memory of the left one") {
    const fa::basic_smart_alloc<P> a;
    const auto frame = a.frame_scope();
    const auto in_frame = frame.string("abc");
    const auto in_pool = a.pool_string("abc");
    const auto in_heap = a.heap_string("abd");
    CHECK(in_frame == in_pool);
    CHECK(in_pool != in_heap);
    CHECK(in_frame < in_heap);
    CHECK((in_heap <=> in_pool) > 0);
    const auto joined = in_pool + in_frame;
    static_assert(std::is_same_v<decltype(joined), decltype(in_pool)>);
    CHECK(joined == "abcabc");
    CHECK(frame.string("x") + in_heap == "xabd");
}
