// How containers grow: geometrically, whichever call grows them; from which sizes they refuse; and without a source.
#include <doctest/doctest.h>

#include <algorithm>
#include <csignal>
#include <iterator>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "support/child.hpp"
#include "support/recorder.hpp"

using namespace test;

namespace {

// How often the storage moved or changed its capacity.
template <class V, class Step>
std::size_t changes(V& v, int steps, Step step) {
    std::size_t n = 0, room = v.capacity();
    for (int i = 0; i < steps; ++i) {
        step(v);
        n += v.capacity() == room ? 0U : 1U;
        room = v.capacity();
    }
    return n;
}

template <class V>
void grows_rarely(V v) {
    V inserted = v, appended = v, tried = v;
    CHECK(changes(v, 20'000, [](V& x) { x.resize(x.size() + 1); }) < 20);
    CHECK(changes(inserted, 20'000, [](V& x) { x.insert(x.end(), 1, 7); }) < 20);
    CHECK(changes(appended, 20'000, [](V& x) { x.append({7}); }) < 20);
    CHECK(changes(tried, 20'000, [](V& x) { CHECK(x.try_resize(x.size() + 1)); }) < 20);
    CHECK(v.size() + inserted.size() + appended.size() + tried.size() == 80'000);
    V exact(v.source());
    exact.reserve(1234);
    CHECK(exact.capacity() == 1234);
}

struct gpu_handle {  // moved and not copied, without any code in its special members
    unsigned id;
    explicit gpu_handle(unsigned i) : id(i) {}
    gpu_handle(gpu_handle&&) = default;
    gpu_handle& operator=(gpu_handle&&) = default;
    gpu_handle(const gpu_handle&) = delete;
    gpu_handle& operator=(const gpu_handle&) = delete;
};
static_assert(std::is_trivially_copyable_v<gpu_handle>);

template <class V>
void holds_handles(V v) {
    for (unsigned i = 0; i < 100; ++i) v.emplace_back(i);
    v.insert(v.begin(), gpu_handle(7));
    v.erase(v.begin() + 1);
    CHECK(v.try_emplace_back(100U));
    CHECK(v.size() == 101);
    CHECK(v[0].id == 7);
    CHECK(v[99].id == 99);
}

volatile std::size_t largest = SIZE_MAX;  // compilers warn of these where they see them
volatile int one = 1;

template <class V>
void refuses_what_cannot_be(V v) {
    v.assign({1, 2, 3});
    CHECK_FALSE(v.try_reserve(largest));
    CHECK_FALSE(v.try_resize(largest));
    CHECK_FALSE(v.try_resize(largest / sizeof(int) + 2));
    CHECK(v.try_insert(v.begin(), largest, 7) == nullptr);
    CHECK(v.try_insert(v.begin(), largest - 2, 7) == nullptr);
    CHECK(v == V(v.source(), {1, 2, 3}));
    // The plain members ask the exhaustion handler, which ends this child with 7.
    CHECK(status_of_child([&] { v.reserve(largest); }) == 7);
    CHECK(status_of_child([&] { v.resize(largest); }) == 7);
    CHECK(status_of_child([&] { v.insert(v.begin(), largest, 7); }) == 7);
    CHECK(status_of_child([&] { v.insert(v.begin(), largest - 2, 7); }) == 7);
    CHECK(status_of_child([&] { v.append(largest, 7); }) == 7);
}

// Without doctest's checks.
template <class F>
bool aborts(F f) {
    return status_of_child([&] {
               std::signal(SIGABRT, SIG_DFL);
               f();
           }) == -SIGABRT;
}

}  // namespace

FOR_EACH_POLICY("sizes asked for one by one grow geometrically") {
    fa::basic_smart_alloc<P> alloc;
    auto frame = alloc.frame_scope();
    grows_rarely(frame.template vec<int>());
    grows_rarely(alloc.template pool_vec<int>());
    grows_rarely(alloc.template heap_vec<int>());
    auto s = frame.string();
    CHECK(changes(s, 20'000, [](auto& x) { x.resize(x.size() + 1, 'a'); }) < 20);
    CHECK(changes(s, 20'000, [](auto& x) { x.append("a"); }) < 4);
    CHECK(changes(s, 20'000, [](auto& x) { x.insert(x.size(), "a"); }) < 4);
    CHECK(changes(s, 20'000, [](auto& x) { CHECK(x.try_append("a")); }) < 4);
    CHECK(s.size() == 80'000);
}

FOR_EACH_POLICY("two frame containers that grow in turns take memory in proportion to their size") {
    if (guarded<P>) return;  // every block is rounded up to whole pages there
    const auto bytes_for = [](int n) {
        fa::basic_smart_alloc<P> alloc;
        auto frame = alloc.frame_scope();
        auto a = frame.string(), b = frame.string();
        auto v = frame.template vec<int>(), w = frame.template vec<int>();
        for (int i = 0; i < n; ++i) {
            a += "some text, ";
            b += "more text, ";
            v.resize(v.size() + 1);
            w.append({i});
        }
        return alloc.stats().frame_allocated;
    };
    const std::size_t small = bytes_for(4000), large = bytes_for(16'000);
    CHECK(large < 16'000 * 30 * 5);
    CHECK(large < small * 6);
}

FOR_EACH_POLICY("a trivially copyable type that cannot be copied goes into every vec") {
    fa::basic_smart_alloc<P> alloc;
    auto frame = alloc.frame_scope();
    holds_handles(frame.template vec<gpu_handle>());
    holds_handles(alloc.template pool_vec<gpu_handle>());
    holds_handles(alloc.template heap_vec<gpu_handle>());
}

FOR_EACH_POLICY("vecs hold boxes, and vecs of boxes") {
    fa::basic_smart_alloc<P> alloc;
    {
        auto frame = alloc.frame_scope();
        auto boxes = alloc.template pool_vec<fa::pool_box<int>>();
        for (int i = 0; i < 50; ++i) boxes.push_back(alloc.pool_box(i));
        boxes.insert(boxes.begin(), alloc.pool_box(-1));
        boxes.resize(60);
        CHECK(*boxes[50] == 49);
        auto framed = frame.template vec<decltype(frame.box(1))>();
        for (int i = 0; i < 50; ++i) framed.push_back(frame.box(i));
        framed.erase(framed.begin());
        CHECK(*framed[0] == 1);
        auto nested = frame.template vec<decltype(frame.template vec<std::unique_ptr<int>>())>(3);
        for (auto& inner : nested) inner.push_back(std::make_unique<int>(7));  // elements take the source of their vec
        nested.resize(40);
        nested[39].push_back(std::make_unique<int>(8));
        CHECK(*nested[0][0] + *nested[39][0] == 15);
    }
    CHECK(alloc.stats().total_allocated == 0);
}

FOR_EACH_POLICY("a size that is too large to exist is exhaustion") {
    fa::basic_smart_alloc<P> alloc{fa::options{.on_exhaustion = [](const fa::exhaustion&) -> bool { _exit(7); }}};
    auto frame = alloc.frame_scope();
    refuses_what_cannot_be(frame.template vec<int>());
    refuses_what_cannot_be(alloc.template pool_vec<int>());
    refuses_what_cannot_be(alloc.template heap_vec<int>());
    auto s = frame.string("abc");
    CHECK_FALSE(s.try_append(largest, 'x'));
    CHECK_FALSE(s.try_append(largest - 3, 'x'));
    CHECK_FALSE(s.try_resize(largest));
    CHECK_FALSE(s.try_reserve(largest));
    CHECK(s == "abc");
    CHECK(status_of_child([&] { s.append(largest, 'x'); }) == 7);
    CHECK(status_of_child([&] { s.insert(1, largest - 1, 'x'); }) == 7);
    CHECK(status_of_child([&] { s.reserve(largest); }) == 7);
    CHECK(status_of_child([&] { static_cast<void>(frame.template vec<int>(largest)); }) == 7);
    CHECK(alloc.template try_heap_vec<int>(largest / 2).empty());
    CHECK(frame.template try_slice<std::string>(largest / 8).empty());
}

FOR_EACH_POLICY("what is bulky takes exactly what it needs when double is too much") {
    fa::basic_smart_alloc<P> alloc{fa::options{.frame_limit = 64_KiB}};
    auto frame = alloc.frame_scope();
    auto v = frame.template vec<char>();
    CHECK(v.try_resize(40'000));
    CHECK(v.try_resize(50'000));
    CHECK(v.size() == 50'000);
}

FOR_EACH_POLICY("a container without a source says so, and has to be assigned to") {
    fa::basic_smart_alloc<P> alloc;
    auto frame = alloc.frame_scope();
    fa::basic_vec<int, fa::frame_source, P> v;
    fa::basic_vec<int, fa::pool_source, P> p;
    fa::basic_vec<std::string, fa::heap_source, P> h;
    fa::basic_frame_string<P> s;
    CHECK(v.empty());
    CHECK(s == "");
    setenv("FRAMEALLOC_STRICT", "warn", 1);  // FA440, which has no allocator, ends a debug program otherwise
    CHECK_FALSE(v.try_push_back(1));
    CHECK_FALSE(p.try_resize(3));
    CHECK_FALSE(h.try_reserve(3));
    CHECK_FALSE(s.try_append("more than fifteen"));
    CHECK(s.try_append("x") == !P::checks);  // which needs no memory, but the next text may
    s.clear();
    unsetenv("FRAMEALLOC_STRICT");
    CHECK(aborts([&] { v.push_back(1); }));
    CHECK(aborts([&] { p.resize(3); }));
    CHECK(aborts([&] { h.emplace_back("x"); }));
    CHECK(aborts([&] { s += "more than fifteen"; }));
    if (P::checks) CHECK(aborts([&] { s += "x"; }));
    v.append({});
    v.shrink_to_fit();
    v.erase(v.begin(), v.end());
    v.insert(v.end(), 0, 1);
    const auto w = frame.template vec<int>({1, 2});
    v = w;
    v.push_back(3);
    CHECK(v == frame.template vec<int>({1, 2, 3}));
    s = frame.string("text");
    s += "!";
    CHECK(s == "text!");
}

TEST_CASE("an index outside a container is FA439 in debug") {
    using P = fa::policy::debug;
    static int pipe_of_codes[2];
    REQUIRE(pipe(pipe_of_codes) == 0);
    fa::basic_smart_alloc<P> alloc{fa::options{.on_fault = [](const fa::fault& f) {
        const unsigned what = static_cast<unsigned>(f.what);
        CHECK(write(pipe_of_codes[1], &what, sizeof what) == sizeof what);
    }}};
    auto frame = alloc.frame_scope();
    const auto heard = [] {
        unsigned what = 0;
        return read(pipe_of_codes[0], &what, sizeof what) == sizeof what ? what : 0;
    };
    auto try_each = [&](auto v) {
        CHECK(aborts([&] { static_cast<void>(v[0]); }));
        CHECK(heard() == 439);
        CHECK(aborts([&] { static_cast<void>(v.front()); }));
        CHECK(heard() == 439);
        CHECK(aborts([&] { static_cast<void>(v.back()); }));
        CHECK(heard() == 439);
        v.pop_back();  // goes on without it
        CHECK(heard() == 439);
        v.assign({1, 2});
        v.erase(v.end());
        CHECK(heard() == 439);
        v.erase(v.begin() + 1, v.end() + one);
        CHECK(heard() == 439);
        v.insert(v.end() + one, 3);
        CHECK(heard() == 439);
        CHECK(v.size() == 3);
        CHECK_THROWS_AS(static_cast<void>(v.at(3)), std::out_of_range);
    };
    try_each(frame.vec<int>());
    try_each(alloc.pool_vec<int>());
    try_each(alloc.heap_vec<int>());
    auto s = frame.string("ab");
    CHECK(s[2] == '\0');
    CHECK(aborts([&] { static_cast<void>(s[3]); }));
    CHECK(heard() == 439);
    s.clear();
    s.pop_back();
    CHECK(heard() == 439);
    CHECK_THROWS_AS(static_cast<void>(s.at(0)), std::out_of_range);
}

namespace {

struct part {
    std::string name;
    fa::pool_vec<part> parts;
    fa::heap_vec<part> more;
};

}  // namespace

TEST_CASE("elements may have vecs of their own type") {
    const fa::smart_alloc alloc;
    const auto make = [&](const char* name) { return part{name, alloc.pool_vec<part>(), alloc.heap_vec<part>()}; };
    part root = make("root");
    root.parts.push_back(make("arm"));
    root.parts[0].parts.push_back(make("hand"));
    root.more.push_back(make("hat"));
    const part copy = root;
    part hand = std::move(root.parts[0].parts[0]);
    root = std::move(hand);
    CHECK(root.name == "hand");
    CHECK(copy.parts[0].parts[0].name == "hand");
    CHECK(copy.more[0].name == "hat");
}

namespace {

// Every way in which an element without a source enters a container.
template <class V>
void gives_its_source(V made) {
    using T = typename V::value_type;
    const auto ways = {
        +[](V& v) { v.emplace_back(); },
        +[](V& v) { v.push_back({}); },
        +[](V& v) { v.resize(1); },
        +[](V& v) { v.assign(1, T()); },
        +[](V& v) { v.append(1, T()); },
        +[](V& v) { v.emplace(v.begin()); },
        +[](V& v) { v.insert(v.begin(), T()); },
        +[](V& v) { v.insert(v.begin(), 1, T()); },
        +[](V& v) { v.insert(v.begin(), {T()}); },
        +[](V& v) { v.append({T()}); },
        +[](V& v) { v = {T()}; },
        +[](V& v) { CHECK(v.try_emplace_back()); },
        +[](V& v) { CHECK(v.try_insert(v.begin(), T()) != nullptr); },
        +[](V& v) {
            v.resize(3);
            v[0] = {};
        },
        +[](V& v) {
            v.resize(3);
            v.erase(v.begin());
        },
    };
    for (const auto way : ways) {
        for (const std::size_t room : {0U, 8U}) {
            made.clear();
            made.shrink_to_fit();
            made.reserve(room);
            way(made);
            for (T& element : made) element.insert(element.begin(), 'x');
            for (T& element : made) CHECK(element.size() == 1);
        }
    }
}

// Each of these adds `from`, of text, or as many copies of it, to a vec of three elements.
template <class V, class R>
std::vector<bool> tried_with(V& v, const R& from) {
    return {v.try_append(from),
            v.try_append(from.begin(), from.end()),
            v.try_append(from.size(), "copies"),
            v.try_extend(from),
            v.try_insert(v.begin() + 1, from.begin(), from.end()) != nullptr,
            v.try_insert(v.begin() + 1, from.size(), "copies") != nullptr,
            v.try_insert_range(v.begin() + 1, from) != nullptr,
            v.try_assign(from.size(), "copies"),
            v.try_assign(from.begin(), from.end()),
            v.try_assign(from)};
}

template <class V>
void try_twins(V v) {
    const std::vector<std::string> few{"one", "two"}, many(200'000, "much");
    CHECK((v.try_assign({"a", "b", "c"}) && v.size() == 3 && v[2] == "c"));
    for (const bool done : tried_with(v, few)) CHECK(done);
    CHECK(std::equal(v.begin(), v.end(), few.begin(), few.end()));
    CHECK(
        (v.try_extend({"three"}) && *v.try_insert(v.begin() + 1, {"x", "y"}) == "x" && v.size() == 5 && v[3] == "two"));
    CHECK((v.try_assign(v.begin() + 2, v.end()) && v.size() == 3 && v[0] == "y"));  // a part of itself
    std::istringstream words("p q r");
    CHECK((v.try_assign(std::istream_iterator<std::string>(words), std::istream_iterator<std::string>()) &&
           v[0] == "p" && v.size() == 3));

    const std::vector<std::string> before(v.begin(), v.end());
    for (const bool done : tried_with(v, many)) CHECK(!done);
    std::string text;
    for (std::size_t i = 0; i < many.size(); ++i) text += "w ";
    std::istringstream once(text), again(text);
    CHECK(!v.try_assign(std::istream_iterator<std::string>(once), std::istream_iterator<std::string>()));
    CHECK(v.try_insert(v.begin() + 1, std::istream_iterator<std::string>(again),
                       std::istream_iterator<std::string>()) == nullptr);
    CHECK(std::equal(v.begin(), v.end(), before.begin(), before.end()));
}

}  // namespace

FOR_EACH_POLICY("a container that becomes an element takes the source of its container, however it comes there") {
    const fa::basic_smart_alloc<P> alloc;
    const auto frame = alloc.frame_scope();
    gives_its_source(frame.template vec<fa::basic_vec<char, fa::frame_source, P>>());
    gives_its_source(frame.template vec<fa::basic_frame_string<P>>());
    gives_its_source(alloc.template pool_vec<fa::basic_vec<char, fa::pool_source, P>>());
    gives_its_source(alloc.template heap_vec<fa::basic_vec<char, fa::heap_source, P>>());
    auto names = frame.template vec<fa::basic_frame_string<P>>();
    names.emplace_back("one");
    names.push_back("two");
    CHECK(names[0] == "one");
    CHECK(names[1] == "two");
}

FOR_EACH_POLICY("a container that becomes a value of a map does so too") {
    using numbers = fa::basic_vec<int, fa::frame_source, P>;
    const fa::basic_smart_alloc<P> alloc;
    const auto frame = alloc.frame_scope();
    auto m = frame.template map<int, numbers>();
    m.emplace(1, numbers());
    m.insert({2, {}});
    m.insert_or_assign(3, numbers());
    m.try_emplace(4);
    m[5];
    m[6] = {};
    m[6] = numbers();
    for (auto& [key, value] : m) value.push_back(key);
    for (int key = 1; key <= 6; ++key) CHECK(m.at(key)[0] == key);
    auto maps = frame.template vec<fa::basic_frame_map<int, int, std::hash<int>, fa::object::equal_to, P>>();
    maps.emplace_back()[1] = 2;
    CHECK(maps[0].at(1) == 2);
}

// An allocation through it reports the mistake or returns nothing.
TEST_CASE("a source that was made of nothing gives nothing, whatever else the thread has used") {
    const auto nothing = [] {
        for (const std::size_t bytes : {8U, 5000U, 500'000U}) {
            CHECK(fa::frame_source().try_allocate(bytes, 8) == nullptr);
            CHECK(fa::pool_source().try_allocate(bytes, 8) == nullptr);
            CHECK(fa::heap_source().try_allocate(bytes, 8) == nullptr);
            CHECK(fa::allocator_ref(fa::frame_source()).try_allocate(bytes, 8) == nullptr);
            CHECK(fa::allocator_ref(fa::pool_source()).try_allocate(bytes, 8) == nullptr);
            CHECK(fa::allocator_ref(fa::heap_source()).try_allocate(bytes, 8) == nullptr);
        }
    };
    std::thread(nothing).join();
    {
        fa::smart_alloc first, second;
        for (const auto* alloc : {&first, &second}) {
            const auto frame = alloc->frame_scope();
            static_cast<void>(frame.alloc<int>());
            alloc->heap_free(alloc->heap_alloc<int>());
            nothing();
        }
        nothing();
    }
    nothing();
}

FOR_EACH_POLICY("each try_ twin of a vec does what its namesake does, and changes nothing when memory is exhausted") {
    fa::basic_smart_alloc<P> alloc{{.frame_limit = 1_MiB, .fixed_memory = 8_MiB}};
    const auto frame = alloc.frame_scope();
    try_twins(frame.template vec<std::string>());
    try_twins(alloc.template pool_vec<std::string>());
    try_twins(alloc.template heap_vec<std::string>());
}

// Pointers, iterators and references that were kept: in debug mode they do not read the old content.
TEST_CASE("in debug what a container leaves behind reads as freed memory does") {
    if (fa::guard::under_tool) return;  // it reports the reads
    using P = fa::policy::debug;
    const fa::basic_smart_alloc<P> alloc{
        fa::options{.guard = fa::guard_level::fill}};  // beyond that an access is trapped: tests/faults/style
    const auto frame = alloc.frame_scope();
    const auto gone = [](const volatile int* p) { return *p == static_cast<int>(0xDDDDDDDD); };
    const auto left_by = [&](auto v) {
        v.assign({1, 2, 3});
        const int* old = v.data();
        static_cast<void>(frame.template alloc<int>());  // or a vec in a frame grows where it is
        v.reserve(1000);
        for (int i = 0; i < 3; ++i) CHECK(gone(old + i));
        old = v.data();
        v.pop_back();
        CHECK(gone(old + 2));
        v.erase(v.begin());
        CHECK(gone(old + 1));
        v.clear();
        CHECK(gone(old));
    };
    left_by(frame.template vec<int>());
    left_by(alloc.template pool_vec<int>());
    left_by(alloc.template heap_vec<int>());
    auto m = frame.template map<int, int>();
    const int* value = &m[1];
    static_cast<void>(frame.template alloc<int>());
    m.reserve(1000);
    CHECK(gone(value));
    const int* kept = nullptr;
    {
        auto v = frame.template vec<int>();
        v.assign({4, 5});
        kept = v.data();
    }
    CHECK(kept[1] == 5);  // a frame's memory stays until its end
}
