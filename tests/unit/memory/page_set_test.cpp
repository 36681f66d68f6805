// Pages of an owner that is no thread: set up, carved, listed, emptied, and brought back to where they came from.
#include <doctest/doctest.h>
#include <framealloc/detail/memory/page_set.hpp>
#include <framealloc/detail/os/page_ledger.hpp>

#include <new>
#include <set>
#include <type_traits>
#include <vector>

namespace memory = framealloc::memory;
namespace os = framealloc::os;
using framealloc::address_of;
using framealloc::exhaustion_reason;
using framealloc::memory_kind;
using memory::class_of;
using memory::page_bytes;
using memory::page_lists;
using memory::page_set;
using memory::pool_page;
using memory::slot_layout;

namespace {

constexpr std::uint64_t every_class = ~std::uint64_t{0};
constexpr std::uint64_t key = 7;

// Whatever has pages: a source for them, and the lists of the account that pays.
struct owner {
    os::system_pages system;
    os::page_ledger pages;
    page_set set{};
    page_lists lists{};
    exhaustion_reason why{};
    std::vector<pool_page*> requested;

    explicit owner(std::size_t limit = 0) {
        pages.open(system, limit, false);
        set.open();
    }
    ~owner() {
        for (pool_page* p : requested) pages.release(p, page_bytes, p->accessible);
    }
    pool_page& fresh() {
        void* at = pages.reserve(page_bytes, page_bytes, why);
        REQUIRE(at != nullptr);
        REQUIRE(pages.commit(at, memory::step_bytes(pages), why));
        auto* p = ::new (at) pool_page{};
        p->accessible = memory::step_bytes(pages);
        set.link(*p);
        requested.push_back(p);
        return *p;
    }
    pool_page& of_class(std::size_t bytes, slot_layout layout = {}) {
        pool_page* p = set.take_empty();
        if (p == nullptr) p = &fresh();
        memory::set_up(*p, key, {memory_kind::pool, static_cast<std::uint32_t>(bytes), nullptr}, class_of(bytes),
                       layout);
        return *p;
    }
    // The next free block, carved when there is none.
    void* take(pool_page& p, slot_layout layout = {}) {
        if (p.free == nullptr) {
            const std::uint32_t last = memory::next_step(p, layout);
            if (last == p.carved || !memory::make_accessible(p, last, pages, why)) return nullptr;
            memory::carve(p, last, layout);
        }
        void* block = p.free;
        p.free = *static_cast<void**>(block);
        ++p.allocations;
        return block;
    }
};

}  // namespace

TEST_CASE("a page hands out as many blocks of its class as fit, each of them once") {
    owner o;
    for (const std::size_t bytes : {16U, 48U, 256U, 288U, 4096U}) {
        CAPTURE(bytes);
        pool_page& p = o.of_class(bytes);
        o.lists.make_current(p);
        std::set<void*> blocks;
        while (void* b = o.take(p)) {
            CHECK(memory::page_of(b) == &p);
            CHECK(address_of(b) % memory::natural_alignment(bytes) == 0);
            CHECK(address_of(b) + bytes <= address_of(&p) + page_bytes);
            CHECK(blocks.insert(b).second);
        }
        CHECK(blocks.size() >= (page_bytes - memory::page_header_bytes - bytes) / bytes);
        CHECK(p.used() == blocks.size());
    }
}

TEST_CASE("memory becomes accessible as a page is carved, and no earlier") {
    owner o;
    pool_page& p = o.of_class(64);
    static_cast<void>(o.take(p));
    CHECK(o.pages.committed() <= 2 * memory::step_bytes(o.pages));
    std::size_t before = o.pages.committed();
    while (o.take(p) != nullptr) {
        CHECK(p.carved <= p.accessible);
        CHECK(o.pages.committed() == p.accessible);
        CHECK(o.pages.committed() >= before);
        before = o.pages.committed();
    }
    CHECK(o.pages.committed() == page_bytes);
}

TEST_CASE("where the ledger refuses, a page stays as it was and says why") {
    // The second step is refused, or, where the system's pages are so large that the first is all, nothing is.
    const std::size_t step = memory::step_bytes(owner().pages);
    owner o(step);
    pool_page& p = o.of_class(4096);
    std::size_t blocks = 0;
    while (o.take(p) != nullptr) ++blocks;
    CHECK(p.accessible == step);
    CHECK(p.carved <= p.accessible);
    CHECK(blocks < step / 4096);
    if (step < page_bytes) CHECK(o.why == exhaustion_reason::global_limit);
}

TEST_CASE("zones lie around every block of a page that has them") {
    owner o;
    const slot_layout zoned{16};
    pool_page& p = o.of_class(64, zoned);
    std::uintptr_t last = 0;
    for (int i = 0; i < 100; ++i) {
        void* slot = o.take(p, zoned);
        REQUIRE(slot != nullptr);
        const std::uintptr_t block = address_of(slot) + zoned.zone;
        CHECK(block % 64 == 0);
        if (last != 0) CHECK(block >= last + 64 + 2 * zoned.zone);
        last = block;
    }
    CHECK(zoned.link_bytes(64) == zoned.zone);
    CHECK(slot_layout{}.link_bytes(64) == 64);
}

TEST_CASE("an installed page serves its class until it is uninstalled") {
    owner o;
    pool_page& p = o.of_class(64);
    pool_page& q = o.of_class(128);
    const unsigned small = class_of(64), large = class_of(128);
    CHECK(!o.set.any_installed());
    CHECK(o.set.at(memory_kind::pool, small) == &memory::nothing_installed);
    CHECK(o.set.at(memory_kind::pool, small)->free == nullptr);
    o.set.install(p, p.kind, small);
    o.set.install(q, q.kind, large);
    o.set.install(q, q.kind, small + 1);  // a class that another serves
    CHECK(o.set.at(memory_kind::pool, small) == &p);
    CHECK(o.set.any_installed(memory_kind::pool));
    CHECK(!o.set.any_installed(memory_kind::heap));
    CHECK(o.set.any_charged_singly());
    unsigned seen = 0;
    o.set.for_each_installed([&](pool_page&) { ++seen; });
    CHECK(seen == 3);
    o.set.uninstall(q, every_class);
    CHECK(o.set.at(memory_kind::pool, large) == &memory::nothing_installed);
    CHECK(o.set.at(memory_kind::pool, small + 1) == &memory::nothing_installed);
    CHECK(o.set.at(memory_kind::pool, small) == &p);
    seen = 0;
    o.set.for_each_installed([&](pool_page& page) { seen += &page == &p ? 1U : 100U; });
    CHECK(seen == 1);
    o.set.uninstall(p, every_class);
    CHECK(!o.set.any_installed());
    o.set.for_each_installed([](pool_page&) { CHECK(false); });
    o.set.install(p, p.kind, small);
    seen = 0;
    o.set.take_installed([&](const pool_page& page) { seen += &page == &p ? 1U : 100U; });
    CHECK(seen == 1);
    o.set.for_each_installed([](pool_page&) { CHECK(false); });
    CHECK(!o.set.any_installed(memory_kind::pool));
    CHECK(!o.set.any_charged_singly());
    memory::set_up(q, key, {memory_kind::frame, 128, nullptr}, large, {});
    o.set.install(q, q.kind, large);
    CHECK(o.set.any_installed());
    CHECK(o.set.any_installed(memory_kind::frame));
    CHECK(!o.set.any_charged_singly());
}

TEST_CASE("what is installed where nothing is belongs to every thread: nobody is given it to write to") {
    static_assert(std::is_const_v<decltype(memory::nothing_installed)>);
    owner o;
    o.set.for_each_installed([](pool_page&) { CHECK(false); });
    std::vector<pool_page*> pages;
    for (unsigned k = 0; k < memory::class_count; ++k) {
        pages.push_back(&o.of_class(memory::class_size(k)));
        o.set.install(*pages[k], pages[k]->kind, k);
        if (k != 0) o.set.install(*pages[k], pages[k]->kind, k - 1);  // in place of another
    }
    for (const pool_page* p : pages) {
        o.set.uninstall(*p, every_class);
        o.set.for_each_installed([](const pool_page& page) { CHECK(&page != &memory::nothing_installed); });
    }
    CHECK(!o.set.any_installed());
}

TEST_CASE("a page is current, has room, or is in neither list") {
    owner o;
    pool_page& p = o.of_class(64);
    pool_page& q = o.of_class(64);
    const unsigned k = class_of(64);
    o.lists.make_current(p);
    CHECK(o.lists.current(k) == &p);
    CHECK(p.used() == 0);
    o.lists.leave_current(p, 0);
    CHECK(o.lists.current(k) == nullptr);
    CHECK(p.current_key() == memory::closed_key);
    o.lists.make_current(q);
    o.lists.leave_current(q, 0);
    o.lists.list(p, key);
    o.lists.list(q, key);
    CHECK(p.current_key() == key);
    o.lists.drop(p);
    CHECK(!p.listed);
    CHECK(o.lists.take_listed(k) == &q);
    CHECK(!q.listed);
    CHECK(o.lists.current(k) == &q);
    CHECK(o.lists.take_listed(k) == nullptr);
}

namespace {

struct counted {
    std::uint64_t blocks, bytes;
    bool operator==(const counted&) const = default;
};
counted told(const owner& o, slot_layout layout = {}) {
    memory::page_use sum;
    REQUIRE(o.lists.add_to(sum, layout));
    return {sum.blocks, sum.bytes};
}
counted walked(const owner& o) {
    counted sum{0, 0};
    for (const pool_page* p = o.set.first(); p != nullptr; p = p->next_all) {
        sum.blocks += p->blocks_out();
        sum.bytes += std::uint64_t{p->blocks_out()} * p->block;
    }
    return sum;
}
// The next page of the class, filled and closed.
pool_page& closed_page(owner& o, std::size_t bytes, slot_layout layout, std::vector<void*>& blocks) {
    pool_page& p = o.of_class(bytes, layout);
    o.lists.make_current(p);
    while (void* b = o.take(p, layout)) blocks.push_back(b);
    o.lists.leave_current(p, 0);
    return p;
}
void free_block(pool_page& p, void* b) {
    *static_cast<void**>(b) = p.free;
    p.free = b;
    ++p.frees;
}

}  // namespace

TEST_CASE("what is out is told by the pages that are open, whatever the others went through") {
    for (const slot_layout layout : {slot_layout{}, slot_layout{16}}) {
        CAPTURE(layout.zone);
        owner o;
        CHECK(told(o, layout) == counted{0, 0});
        std::vector<void*> blocks, larger;
        pool_page* pages[5];
        for (pool_page*& p : pages) p = &closed_page(o, 64, layout, blocks);
        closed_page(o, 1024, layout, larger);
        const std::size_t each = blocks.size() / 5;
        CHECK(each == layout.slots_in_page(64));
        CHECK(told(o, layout) == walked(o));
        CHECK(told(o, layout).blocks == blocks.size() + larger.size());
        // Three have room again; the one in the middle of the list, the newest and the oldest of it leave.
        for (std::size_t i : {0U, 1U, 2U}) {
            free_block(*pages[i], blocks[i * each]);
            o.lists.list(*pages[i], key);
            CHECK(told(o, layout) == walked(o));
        }
        for (std::size_t i : {1U, 2U, 0U}) {
            for (std::size_t b = 1; b < each; ++b) free_block(*pages[i], blocks[i * each + b]);
            CHECK(told(o, layout) == walked(o));
            o.lists.drop(*pages[i]);
            o.set.put_empty(*pages[i]);
            CHECK(told(o, layout) == walked(o));
        }
        CHECK(o.lists.take_listed(class_of(64)) == nullptr);
        // Closed, and blocks of it rest somewhere.
        o.lists.note_freed(*pages[3]);
        o.lists.note_freed(*pages[3]);
        CHECK(told(o, layout) == walked(o));
        CHECK(told(o, layout).blocks == 2 * each - 2 + larger.size());
        o.lists.list(*pages[3], key);
        CHECK(told(o, layout) == walked(o));
        CHECK(o.lists.take_listed(class_of(64)) == pages[3]);
        CHECK(told(o, layout) == walked(o));
        o.lists.leave_current(*pages[3], 2);
        CHECK(told(o, layout) == walked(o));
        // Nothing of it is out any more, and it was never listed.
        while (pages[4]->used() != 0) o.lists.note_freed(*pages[4]);
        o.lists.drop(*pages[4]);
        CHECK(told(o, layout) == walked(o));
        CHECK(told(o, layout).blocks == each - 2 + larger.size());
    }
}

TEST_CASE("blocks that are handed over are not out, whether their page is open or closed, before and after") {
    owner o;
    std::vector<void*> blocks;
    pool_page& full = closed_page(o, 64, {}, blocks);
    pool_page& open = o.of_class(64);
    o.lists.make_current(open);
    for (int i = 0; i < 10; ++i) static_cast<void>(o.take(open));
    const std::uint64_t all = told(o).blocks;
    std::uint64_t gone = 0;
    for (pool_page* p : {&full, &open}) {
        const auto first = static_cast<char*>(p == &full ? blocks[0] : memory::page_of(open.free));
        void* block = p == &full ? first : first + memory::page_header_bytes;
        auto* chain = ::new (block) memory::returned_blocks{};
        o.lists.note_handed_over(*p, 1);
        REQUIRE(p->remote.push(address_of(p), chain, chain, 1));
        ++gone;
        CHECK(told(o) == counted{all - gone, (all - gone) * 64});
        CHECK(told(o) == walked(o));
        CHECK(o.lists.take_back(*p) == 1);
        CHECK(told(o) == counted{all - gone, (all - gone) * 64});
        CHECK(told(o) == walked(o));
    }
}

TEST_CASE("an empty page serves another class, and stays among all pages until it is given away") {
    owner o;
    pool_page& p = o.of_class(64);
    CHECK(o.set.first() == &p);
    o.set.put_empty(p);
    CHECK(o.set.empty_count() == 1);
    pool_page& again = o.of_class(256);
    CHECK(&again == &p);
    CHECK(o.set.empty_count() == 0);
    CHECK(p.block == 256);
    CHECK(p.size_class == class_of(256));
    page_set::unlink(p);
    CHECK(o.set.first() == nullptr);
    page_set::unlink(p);  // once is enough
    CHECK(o.set.first() == nullptr);
}
