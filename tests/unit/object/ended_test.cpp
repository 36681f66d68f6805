// Containers of frames that have ended: every use is reported (FA002), changes nothing in the memory that was reused,
// and continues in the open frame, where nothing more is reported.
#include <doctest/doctest.h>

#include <algorithm>
#include <stdexcept>

#include "support/recorder.hpp"

using namespace test;

namespace {

using P = fa::policy::checked;
using vec = fa::basic_vec<int, fa::frame_source, P>;
using string = fa::basic_frame_string<P>;
using map = fa::basic_frame_map<int, int, fa::object::default_hash<int>, fa::object::default_equal<int>, P>;

template <class C>
struct change {
    const char* name;
    void (*make)(C&);
    std::size_t size;  // of the container afterwards
};

const change<vec> of_vec[] = {
    {"push_back", [](vec& v) { v.push_back(7); }, 1},
    {"try_push_back", [](vec& v) { CHECK(v.try_push_back(7)); }, 1},
    {"pop_back", [](vec& v) { v.pop_back(); }, 0},
    {"clear", [](vec& v) { v.clear(); }, 0},
    {"resize down", [](vec& v) { v.resize(1); }, 0},
    {"resize up", [](vec& v) { v.resize(6); }, 6},
    {"append", [](vec& v) { v.append({7, 8}); }, 2},
    {"insert", [](vec& v) { v.insert(v.begin(), 7); }, 1},
    {"erase", [](vec& v) { v.erase(v.begin()); }, 0},
    {"erase a range", [](vec& v) { v.erase(v.begin(), v.end()); }, 0},
    {"erase_if", [](vec& v) { v.erase_if([](int) { return true; }); }, 0},
    {"assign", [](vec& v) { v.assign({7}); }, 1},
    {"assign copies", [](vec& v) { v.assign(2, 7); }, 2},
    {"= a list", [](vec& v) { v = {7, 8}; }, 2},
};
const change<string> of_string[] = {
    {"push_back", [](string& s) { s.push_back('x'); }, 1},
    {"pop_back", [](string& s) { s.pop_back(); }, 0},
    {"+=", [](string& s) { s += "xy"; }, 2},
    {"clear", [](string& s) { s.clear(); }, 0},
    {"resize down", [](string& s) { s.resize(1); }, 0},
    {"erase", [](string& s) { s.erase(1, 2); }, 0},
    {"insert", [](string& s) { s.insert(1, "xy"); }, 2},
    {"replace", [](string& s) { s.replace(0, 2, "xyz"); }, 3},
    {"= text", [](string& s) { s = "abc"; }, 3},
    {"assign copies", [](string& s) { s.assign(4, 'x'); }, 4},
    {"erase_if", [](string& s) { erase_if(s, [](char) { return true; }); }, 0},
};
const change<map> of_map[] = {
    {"[]", [](map& m) { m[5] = 7; }, 1},
    {"insert", [](map& m) { m.insert({5, 7}); }, 1},
    {"try_insert", [](map& m) { CHECK(m.try_insert(5, 7)); }, 1},
    {"insert_or_assign", [](map& m) { m.insert_or_assign(2, 7); }, 1},
    {"clear", [](map& m) { m.clear(); }, 0},
};

vec fill(const fa::basic_frame_scope<P>& f, vec*) { return f.vec<int>({1, 2, 3, 4}); }
string fill(const fa::basic_frame_scope<P>& f, string*) { return f.string("a text of an ended frame"); }
map fill(const fa::basic_frame_scope<P>& f, map*) {
    auto m = f.map<int, int>();
    for (int i = 0; i < 6; ++i) m[i] = i;
    return m;
}

template <class C, std::size_t N>
void check_all(const change<C> (&changes)[N], bool rolled_back) {
    CAPTURE(rolled_back);
    for (const change<C>& c : changes) {
        CAPTURE(c.name);
        recorder heard;
        const fa::basic_smart_alloc<P> alloc{heard.options({.guard = fa::guard_level::fill})};
        C container;
        if (!rolled_back) {
            const auto ended = alloc.frame_scope();
            container = fill(ended, static_cast<C*>(nullptr));
        }
        const auto frame = alloc.frame_scope();
        if (rolled_back) {
            const auto before = alloc.frame_checkpoint();
            container = fill(frame, static_cast<C*>(nullptr));
            REQUIRE(alloc.rollback_to(before));
        }
        const auto now = frame.template slice<unsigned char>(2000);
        std::fill(now.begin(), now.end(), static_cast<unsigned char>(0x5A));
        c.make(container);
        CHECK(std::all_of(now.begin(), now.end(), [](unsigned char b) { return b == 0x5A; }));
        CHECK(heard.count(fa::code::FA002) >= 1);
        CHECK(heard.count(fa::code::FA002) == heard.faults.size());
        CHECK(container.size() == c.size);
        const std::size_t told = heard.faults.size();
        try {
            c.make(container);  // it is the open frame's now
        } catch (const std::out_of_range&) { CHECK(container.empty()); }
        CHECK(heard.count(fa::code::FA002) == told);
        CHECK(alloc.check() == 0);
    }
}

}  // namespace

TEST_CASE("a vec of an ended frame, or one rolled back, changes nothing that is somebody else's") {
    for (const bool rolled_back : {false, true}) check_all(of_vec, rolled_back);
}
TEST_CASE("a string of an ended frame, or one rolled back, changes nothing that is somebody else's") {
    for (const bool rolled_back : {false, true}) check_all(of_string, rolled_back);
}
TEST_CASE("a map of an ended frame, or one rolled back, changes nothing that is somebody else's") {
    for (const bool rolled_back : {false, true}) check_all(of_map, rolled_back);
}

TEST_CASE("looking for a key in a map of an ended frame comes to an end") {
    recorder heard;
    const fa::basic_smart_alloc<P> alloc{heard.options({.guard = fa::guard_level::fill})};
    map m;
    {
        const auto ended = alloc.frame_scope();
        m = fill(ended, static_cast<map*>(nullptr));
    }
    const auto frame = alloc.frame_scope();
    const auto now = frame.template slice<unsigned char>(2000);
    std::fill(now.begin(), now.end(), static_cast<unsigned char>(0x5A));  // no slot is empty in this
    CHECK_FALSE(m.contains(1));
    CHECK(m.find(2) == m.end());
    CHECK(m.erase(3) == 0);
    CHECK(m.count(4) == 0);
    CHECK(heard.count(fa::code::FA002) >= 4);
    CHECK(std::all_of(now.begin(), now.end(), [](unsigned char b) { return b == 0x5A; }));
}
