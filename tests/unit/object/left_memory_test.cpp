// Memory that a frame container has grown out of, and memory that is no longer held. The programs of tests/faults/style
// show that an access is trapped; these tests cover everything else.
#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "support/recorder.hpp"

using namespace test;

namespace {

using alloc_type = fa::basic_smart_alloc<fa::policy::debug>;
using frame_type = fa::basic_frame_scope<fa::policy::debug>;

// Each grows until it leaves its first memory, with a block after it in the way, and returns a pointer into that
// memory.
struct container {
    const char* name;
    std::function<char*(const frame_type&)> leave;
};

const container containers[] = {
    {"vec",
     [](const frame_type& f) {
         auto v = f.vec<int>({1, 2, 3});
         auto* first = reinterpret_cast<char*>(v.data());
         static_cast<void>(f.alloc_bytes(8));
         for (int i = 0; i < 100; ++i) v.push_back(i);
         return first;
     }},
    {"vec of objects",
     [](const frame_type& f) {
         auto v = f.vec<std::string>(2);
         auto* first = reinterpret_cast<char*>(v.data());
         static_cast<void>(f.alloc_bytes(8));
         v.resize(50);
         return first;
     }},
    {"map",
     [](const frame_type& f) {
         auto m = f.map<int, int>();
         auto* first = reinterpret_cast<char*>(&m[0]);
         for (int i = 1; i < 200; ++i) m[i] = i;
         return first;
     }},
    {"string",
     [](const frame_type& f) {
         auto s = f.string("player.health = 100");
         char* first = s.data();
         static_cast<void>(f.alloc_bytes(8));
         s.append(500, 'x');
         return first;
     }},
};

}  // namespace

TEST_CASE("beyond what lies on pages of its own, writes to memory that containers have left are told") {
    if (fa::guard::under_tool) return;
    for (const fa::guard_level level : {fa::guard_level::fill, fa::guard_level::revoke}) {
        for (const bool checked : {false, true}) {
            recorder seen;
            const alloc_type alloc{seen.options(
                {.frame_capacity = 64_KiB, .guard = level, .strict = fa::strictness::warn})};  // too small for pages
            {
                const auto frame = alloc.frame_scope();
                for (const container& c : containers) *c.leave(frame) = 1;
                if (checked) CHECK(alloc.check() == 4);
            }
            CHECK(seen.count(fa::code::FA419) == 4);  // once each
            CHECK(seen.faults.size() == 4);
        }
    }
}

TEST_CASE("containers that grow by turns are charged as they are without a guard, and keep what they hold") {
    recorder seen;
    const alloc_type debug{seen.options({.frame_capacity = 512_KiB})};
    const fa::basic_smart_alloc<fa::policy::standard> plain{fa::options{.frame_capacity = 512_KiB}};
    const auto grow = [](const auto& alloc) {
        std::vector<std::size_t> sums;
        for (int round = 0; round < 3; ++round) {
            const auto frame = alloc.frame_scope();
            const fa::tag_scope tag{alloc, "grow"};
            auto a = frame.template vec<int>();
            auto b = frame.template vec<long>();
            auto s = frame.string();
            auto m = frame.template map<int, int>();
            for (int i = 0; i < 3000; ++i) {
                a.push_back(i);
                if (i % 3 == 0) b.push_back(i);
                if (i % 5 == 0) s += "text";
                if (i % 7 == 0) m[i] = i;
                if (i % 500 == 0) {
                    const auto inner = alloc.frame_scope();
                    auto c = inner.template vec<int>();
                    for (int k = 0; k < 100; ++k) c.push_back(k), static_cast<void>(inner.alloc_bytes(24));
                    sums.push_back(alloc.tag_stats("grow").frame_bytes);
                }
            }
            const auto before = alloc.frame_checkpoint();
            auto d = frame.template vec<int>();
            auto e = frame.template vec<int>();
            for (int k = 0; k < 300; ++k) d.push_back(k), e.push_back(k);
            CHECK(d[299] == 299);
            alloc.rollback_to(before);
            for (int i = 0; i < 3000; ++i) CHECK(a[static_cast<std::size_t>(i)] == i);
            CHECK(b.back() == 2997);
            CHECK(s.size() == 2400);
            CHECK(m.size() == 429);
            sums.push_back(alloc.frame_stats().bytes_in_use);
        }
        return sums;
    };
    // A map's memory is aligned to 64 bytes: what that skips depends on what lies before it.
    constexpr std::size_t skipped = 56, times_grown = 8;
    const std::vector<std::size_t> guarded = grow(debug), unguarded = grow(plain);
    REQUIRE(guarded.size() == unguarded.size());
    for (std::size_t i = 0; i < guarded.size(); ++i) {
        const auto [least, most] = std::minmax(guarded[i], unguarded[i]);
        CHECK(most - least <= skipped * times_grown);
    }
    CHECK(seen.faults.empty());
}

TEST_CASE("what was withdrawn from readers is the frames' again") {
    recorder seen;
    const alloc_type alloc{seen.options()};
    fa::frame_hold hold;
    for (int round = 0; round < 200; ++round) {
        const auto frame = alloc.frame_scope();
        for (int& i : frame.slice<int>(static_cast<std::size_t>(1 + round * 7))) i = round;
        hold = frame.hold("reader");
        if (round % 3 == 0) std::thread([h = std::move(hold)] {}).join();  // while it is open
        if (round % 50 == 10) alloc.trim();
    }
    for (int round = 0; round < 200; ++round) {
        fa::frame_hold h;
        {
            const auto frame = alloc.frame_scope();
            static_cast<void>(frame.alloc_bytes(static_cast<std::size_t>(1 + round * 100)));
            h = frame.hold("reader");
        }
        if (round % 3 == 0) static_cast<void>(alloc.frame_alloc_bytes(100));  // outside
        if (round % 2 == 0) std::thread([h = std::move(h)] {}).join();
        if (round % 50 == 10) alloc.trim();
        static_cast<void>(alloc.check());
    }
    CHECK(seen.count(fa::code::FA001) != 0);
    CHECK(seen.faults.size() == seen.count(fa::code::FA001));
}

TEST_CASE("what is withdrawn leaves the process its mappings") {
    if (!on_linux || fa::guard::under_tool) return;
    recorder seen;
    const alloc_type alloc{seen.options({.frame_capacity = 512_MiB})};
    const auto frame = alloc.frame_scope();
    for (int i = 0; i < 12'000; ++i) {
        auto a = frame.vec<int>(fa::capacity(1));
        static_cast<void>(frame.alloc_bytes(8));
        for (int k = 0; k < 3; ++k) a.push_back(k);
    }
    std::ifstream maps("/proc/self/maps");
    std::size_t lines = 0;
    for (std::string line; std::getline(maps, line);) ++lines;
    CHECK(lines > 1000);
    CHECK(lines < 20'000);  // of 65,530
}
