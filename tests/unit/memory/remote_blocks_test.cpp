// Blocks that go home, between two owners that are no threads.
#include <doctest/doctest.h>
#include <framealloc/detail/memory/page_set.hpp>
#include <framealloc/detail/memory/remote_blocks.hpp>

#include <support/page_memory.hpp>

#include <new>
#include <set>

namespace memory = framealloc::memory;
using framealloc::address_of;
using framealloc::memory_kind;
using framealloc::pointer_at;
using memory::page_bytes;
using memory::pool_page;
using memory::remote_blocks;

namespace {

test::page_memory<2> storage;

// A page all of whose blocks are out.
pool_page& page_of_blocks(unsigned which, std::uint32_t bytes) {
    auto* p = ::new (storage.page(which)) pool_page{};
    p->accessible = page_bytes;
    memory::set_up(*p, 1, {memory_kind::pool, bytes, nullptr}, memory::class_of(bytes), {});
    memory::carve(*p, p->end, {});
    p->allocations = (p->end - memory::slot_layout{}.first_slot(bytes)) / bytes;
    p->free = nullptr;
    return *p;
}
void* block(pool_page& p, std::uint32_t i) {
    return pointer_at(address_of(&p) + memory::slot_layout{}.first_slot(p.block) + std::uintptr_t{i} * p.block);
}

void hand_over(remote_blocks& sender, remote_blocks& owner) {
    pool_page& p = *sender.batch_page();
    const memory::returned_chain chain = sender.chain_batch(p.block);
    if (p.remote.push(address_of(&p), chain.head, chain.tail, chain.count)) owner.announce(p);
    sender.end_batch();
}

}  // namespace

TEST_CASE("every block that was collected comes home once, whatever its size") {
    for (const std::uint32_t bytes : {16U, 32U, 64U, 512U}) {
        CAPTURE(bytes);
        pool_page& p = page_of_blocks(0, bytes);
        remote_blocks sender{}, owner{};
        std::set<void*> sent;
        const std::uint32_t many = p.allocations < 100 ? p.allocations : 100;
        for (std::uint32_t i = 0; i < many; ++i) {
            if (!sender.batches(p)) {
                if (sender.has_batch()) hand_over(sender, owner);
                sender.begin_batch(p);
            }
            sender.add(block(p, i));
            sent.insert(block(p, i));
        }
        hand_over(sender, owner);
        CHECK(!sender.has_batch());
        REQUIRE(owner.any_announced());
        CHECK(owner.next_arrived() == &p);
        CHECK(memory::collect(p) == many);
        CHECK(owner.next_arrived() == nullptr);
        CHECK(p.frees == many);
        std::set<void*> home;
        while (memory::take_returned(p)) {
            for (void* b = p.free; b != nullptr; b = *static_cast<void**>(b)) CHECK(home.insert(b).second);
        }
        CHECK(home == sent);
    }
}

TEST_CASE("a batch is of one page, and of so many blocks") {
    pool_page& p = page_of_blocks(0, 64);
    pool_page& q = page_of_blocks(1, 64);
    remote_blocks sender{};
    CHECK(!sender.batches(p));
    sender.begin_batch(p);
    CHECK(sender.batches(p));
    CHECK(!sender.batches(q));
    for (std::uint32_t i = 0; i < memory::batch_limit; ++i) sender.add(block(p, i));
    CHECK(sender.batch_count() == memory::batch_limit);
    CHECK(!sender.batches(p));
}

TEST_CASE("pages arrive each once, and again when blocks come after they were collected") {
    pool_page& p = page_of_blocks(0, 64);
    pool_page& q = page_of_blocks(1, 64);
    remote_blocks sender{}, owner{};
    std::uint32_t next = 0;
    for (pool_page* page : {&p, &q, &p}) {
        sender.begin_batch(*page);
        sender.add(block(*page, next++));
        hand_over(sender, owner);
    }
    unsigned pages = 0, blocks = 0;
    while (pool_page* page = owner.next_arrived()) {
        ++pages;
        blocks += memory::collect(*page);
    }
    CHECK(pages == 2);
    CHECK(blocks == 3);
    sender.begin_batch(p);
    sender.add(block(p, 9));
    hand_over(sender, owner);
    CHECK(owner.next_arrived() == &p);
    CHECK(memory::collect(p) == 1);
}
