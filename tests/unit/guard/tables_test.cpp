// The guard's own records: the table of blocks, the quarantine, the blocks of ended frames.
#include <doctest/doctest.h>

#include <framealloc/detail/guard/guard.hpp>

#include <cstring>
#include <map>
#include <random>
#include <set>

namespace fa = framealloc;
using namespace fa::guard;

namespace {

block_record record(std::uintptr_t at, std::size_t bytes) {
    block_record r;
    r.address = at;
    r.bytes = bytes;
    return r;
}

}  // namespace

TEST_CASE("the block table agrees with a map through births, deaths and burials") {
    block_table table;
    std::map<std::uintptr_t, block_state> model;
    std::mt19937 random(1);
    for (int i = 0; i < 100'000; ++i) {
        const std::uintptr_t at = 16 + random() % 20'000 * 16;
        block_record b;
        const auto known = model.find(at);
        switch (random() % 3) {
            case 0:
                REQUIRE(table.enter(record(at, 16)));
                model[at] = block_state::live;
                break;
            case 1: {
                const bool found = table.kill(at, fa::site::here(), 7, 8, b);
                if (known == model.end()) {
                    if (found) REQUIRE(b.state != block_state::live);
                } else {
                    if (known->second == block_state::live) REQUIRE(found);
                    if (found) REQUIRE((b.state == block_state::live) == (known->second == block_state::live));
                    if (known->second == block_state::live) known->second = block_state::freed;
                }
                break;
            }
            default:
                table.mark_reused(at);
                if (known != model.end() && known->second == block_state::freed) known->second = block_state::reused;
        }
        if (i % 1000 == 0) {  // freed blocks may be dropped when the table grows, live ones may not
            std::size_t live = 0, listed = 0;
            for (const auto& [address, state] : model) {
                if (state != block_state::live) continue;
                ++live;
                REQUIRE(table.find(address, b));
                REQUIRE(b.state == block_state::live);
            }
            table.for_each_live([&](const block_record&) { ++listed; });
            REQUIRE(listed == live);
        }
    }
    table.release();
}

TEST_CASE("whose block contains a pointer: the live one rather than one that was there before") {
    for (bool freed_first : {true, false}) {
        block_table table;
        block_record b;
        CHECK(!table.containing(0x1000, b));
        const auto freed = [&] {
            table.enter(record(0x1000, 0x400));
            block_record before;
            table.kill(0x1000, fa::site::here(), 3, 4, before);
        };
        if (freed_first) freed();
        CHECK(table.containing(0x1010, b) == freed_first);
        b = {};
        table.enter(record(0x1100, 0x100));
        if (!freed_first) freed();
        CHECK(table.containing(0x1180, b));
        CHECK(b.address == 0x1100);
        b = {};
        CHECK(table.containing(0x1100, b));  // its first byte
        CHECK(b.address == 0x1100);
        b = {};
        CHECK(table.containing(0x1080, b));
        CHECK(b.address == 0x1000);
        CHECK(b.state == block_state::freed);
        CHECK(b.died_in == 3);
        CHECK(b.died_on == 4);
        b = {};
        CHECK(!table.containing(0x1400, b));
        CHECK(!table.containing(0xfff, b));
        table.mark_reused(0x1000);
        CHECK(!table.containing(0x1080, b));
        table.release();
    }
}

TEST_CASE("blocks rest in the order they came, until there are too many or they are too large") {
    quarantine q;
    CHECK(q.empty());
    for (std::size_t i = 1; i <= quarantine::most_blocks; ++i) {
        CHECK(q.put({i, 1, false}));
        CHECK(!q.overfull());
    }
    CHECK(q.put({1000, 1, true}));
    CHECK(q.overfull());
    CHECK(q.take().block == 1);
    CHECK(!q.overfull());
    CHECK(q.put({1001, quarantine::most_bytes, false}));
    CHECK(q.overfull());
    std::size_t seen = 0;
    q.for_each([&](const quarantine::entry& e) {
        CHECK(e.block == (seen < 511 ? seen + 2 : seen + 489));
        ++seen;
    });
    CHECK(seen == 513);
    while (!q.empty()) q.take();
    CHECK(!q.overfull());
    q.release();
}

TEST_CASE("of ended frames' blocks the youngest is found, and old ones are forgotten") {
    frame_history h;
    const auto block = [](std::uintptr_t begin, std::uint64_t frame) {
        frame_block b;
        b.begin = begin;
        b.end = begin + 64;
        b.frame = frame;
        return b;
    };
    CHECK(h.containing(0x1000) == nullptr);
    for (std::uint64_t f = 1; f <= 3; ++f) h.put(block(0x1000, f));
    REQUIRE(h.containing(0x103f) != nullptr);
    CHECK(h.containing(0x103f)->frame == 3);
    CHECK(h.containing(0x1040) == nullptr);
    CHECK(h.containing(0xfff) == nullptr);
    for (std::size_t i = 0; i < frame_history::most - 1; ++i) h.put(block(0x10000 + i * 64, 9));
    CHECK(h.containing(0x1000) != nullptr);
    h.put(block(0x900000, 10));
    CHECK(h.containing(0x1000) == nullptr);
    CHECK(h.containing(0x10000)->frame == 9);
    h.release();
}

TEST_CASE("a canary holds no byte that programs write often, and differs from byte to byte and from key to key") {
    static unsigned char bytes[4096];
    const auto begin = reinterpret_cast<std::uintptr_t>(bytes);
    std::set<unsigned char> seen;
    for (std::uint64_t key : {1U, 2U, 3U}) {
        write_canary(begin, begin + sizeof bytes, key);
        for (unsigned char b : bytes) {
            REQUIRE((b >= 0x80 && b != 0xFF && b != fresh_byte && b != dead_byte));
            seen.insert(b);
        }
    }
    CHECK(seen.size() == 64);
}

TEST_CASE("every changed byte of a canary and of a filling is found, first and last") {
    alignas(16) static unsigned char bytes[200];
    const auto base = reinterpret_cast<std::uintptr_t>(bytes);
    for (std::size_t begin : {0U, 3U, 8U}) {
        for (std::size_t size : {1U, 7U, 16U, 100U}) {
            const std::uintptr_t from = base + begin, to = from + size;
            write_canary(from, to, 42);
            CHECK(!check_canary(from, to, 42));
            if (size > 4) CHECK(bool(check_canary(from, to, 43)));
            for (std::size_t i = 0; i < size; ++i) {
                bytes[begin + i] ^= 1;
                CHECK(check_canary(from, to, 42).first == from + i);
                CHECK(check_canary(from, to, 42).last == from + i);
                bytes[begin + i] ^= 1;
            }
            fill(from, to, dead_byte);
            CHECK(!check_fill(from, to, dead_byte));
            bytes[begin + size / 3] = 0;
            bytes[begin + size - 1] = 0;
            CHECK(check_fill(from, to, dead_byte).first == from + size / 3);
            CHECK(check_fill(from, to, dead_byte).last == to - 1);
        }
    }
}
