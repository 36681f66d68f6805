// What the allocator's own code sees of probes: switches of a thread, places of calls, the room that zones take.
#include <doctest/doctest.h>

#include <framealloc/detail/core/probes.hpp>

#include "support/recorder.hpp"

using namespace test;
using fa::memory::allocator_probes;
using fa::memory::thread_probes;

TEST_CASE("a thread has no probe on until one is set, and each is set for itself") {
    thread_probes p;
    CHECK_FALSE(p.any());
    p.set(thread_probes::watch_bit, true);
    CHECK(p.any());
    CHECK(p.watched());
    CHECK(p.diverted());
    CHECK_FALSE(p.guarded());
    p.set(thread_probes::armed_bit, true);
    p.set(thread_probes::watch_bit, false);
    CHECK(p.any());
    CHECK(p.armed());
    CHECK_FALSE(p.watched());
    CHECK_FALSE(p.diverted());  // an armed thread's fast paths are closed by its limit alone
    p.set(thread_probes::armed_bit, false);
    CHECK_FALSE(p.any());
}

TEST_CASE("frame allocations are seen when the allocator counts, or the thread is watched or observed") {
    allocator_probes a;
    thread_probes p;
    p.follow(a);
    CHECK_FALSE(p.counting());
    a.count_frame_blocks(true);
    CHECK_FALSE(p.counting());  // until the next boundary
    p.follow(a);
    CHECK(p.counting());
    a.count_frame_blocks(false);
    p.set(thread_probes::watch_bit, true);
    p.follow(a);
    CHECK(p.counting());
    p.set(thread_probes::watch_bit, false);
    p.follow(a);
    CHECK_FALSE(p.counting());
}

TEST_CASE("the place of a call is taken once") {
    thread_probes p;
    CHECK_FALSE(p.has_place());
    p.note_place({"file.cpp", 12, nullptr});
    CHECK(p.has_place());
    CHECK(p.place().line == 12);
    CHECK(p.take_place().line == 12);
    CHECK_FALSE(p.has_place());
    p.note_place(fa::site::of_caller(&p));
    CHECK(p.has_place());  // an instruction is a place too
    p.forget_place();
    CHECK_FALSE(p.has_place());
}

TEST_CASE("zones lie around a block, which is aligned as without them") {
    allocator_probes off, on;
    on.guards = true;
    const fa::memory::slot_layout plain = off.layout(), guarded = on.layout();
    for (const std::size_t block : {16U, 48U, 64U, 256U, 4096U}) {
        CAPTURE(block);
        CHECK(plain.slot_bytes(block) == block);
        CHECK(plain.zone == 0);
        CHECK(plain.link_bytes(block) == block);
        const std::size_t align = fa::memory::natural_alignment(block);
        CHECK(guarded.slot_bytes(block) >= block + 2 * fa::guard::zone);
        CHECK(guarded.slot_bytes(block) % align == 0);
        CHECK((guarded.first_slot(block) + guarded.zone) % align == 0);
        CHECK(guarded.first_slot(block) >= fa::memory::page_header_bytes);
        CHECK(plain.first_slot(block) % align == 0);
        CHECK(guarded.link_bytes(block) == fa::guard::zone);
    }
}

TEST_CASE("a table of blocks is asked only while the allocator is guarded") {
    allocator_probes a;
    fa::guard::block_record r;
    r.address = 4096;
    r.bytes = 40;
    REQUIRE(a.blocks.enter(r));
    fa::guard::block_record found;
    CHECK_FALSE(a.find(4096, found));
    a.guards = true;
    CHECK(a.find(4096, found));
    CHECK(found.bytes == 40);
    CHECK_FALSE(a.find(4112, found));
    a.blocks.release();
}
