// Guarded pool and heap blocks: their allocation, their free, and the checks between.
#include <framealloc/detail/probe/guarded.hpp>

#include <cstdio>
#include <new>
#include <utility>

#include <framealloc/detail/core/known_block.hpp>
#include <framealloc/detail/core/walk.hpp>
#include <framealloc/detail/os/code.hpp>
#include <framealloc/detail/os/thread.hpp>
#include <framealloc/detail/probe/block_report.hpp>

namespace framealloc::inline v1::memory {

using guard::block_record;
using guard::block_state;
using guard::damage;

namespace {

std::uintptr_t slot_end(const core& a, const pool_page& p, std::uintptr_t block) noexcept {
    return block - a.probes.layout().zone + a.probes.layout().slot_bytes(p.block);
}

// A block's zones; of a large block the first is the end of its header.
struct zones {
    std::uintptr_t front, begin, end, back;
};

zones zones_of(core& a, const block_record& b) noexcept {
    zones z{b.address - guard::zone, b.address, b.address + b.bytes, b.address + b.bytes + large_back_zone};
    if (b.large) return z;
    const pool_page& p = *page_of(pointer_at(b.address));
    z.front = b.address - a.probes.layout().zone;
    z.back = slot_end(a, p, b.address);
    return z;
}

void begin_zones(core& a, const zones& z) noexcept {
    guard::allow(z.front, z.back);
    guard::write_canary(z.front, z.begin, a.probes.canary_key);
    guard::write_canary(z.end, z.back, a.probes.canary_key);
    guard::fill(z.begin, z.end, guard::fresh_byte);
    guard::forbid(z.front, z.begin);
    guard::forbid(z.end, z.back);
    guard::allow_unwritten(z.begin, z.end);
}

bool check_zones(core& a, const block_record& b, const site& where = {}, const char* when = "") noexcept {
    const zones z = zones_of(a, b);
    return check_zones(a, report_of(b), z.front, z.begin, z.back, where, when);
}

// What is quarantined must not change.
bool check_rest(core& a, const block_record& b, std::uintptr_t end) noexcept {
    const damage d = guard::check_fill(b.address, end, guard::dead_byte);
    if (!d) return true;
    char detail[160];
    const std::uintptr_t begin = b.address + b.lead;
    std::snprintf(detail, sizeof detail, "a %s block of %zu bytes, changed at %+td to %+td after it was freed",
                  traits_of(b.kind).name, b.bytes - b.lead, static_cast<std::intptr_t>(d.first - begin),
                  static_cast<std::intptr_t>(d.last - begin));
    raise_about(a, code::FA419, report_of(b), detail, pointer_at(d.first));
    guard::allow(d.first, d.last + 1);
    guard::fill(d.first, d.last + 1, guard::dead_byte);  // reported once
    return false;
}

// The zone before a small block in quarantine is a canary too.
bool check_front(core& a, const block_record& b) noexcept {
    if (b.large) return true;
    const std::uintptr_t front = b.address - a.probes.layout().zone;
    const damage d = guard::check_canary(front, b.address, a.probes.canary_key);
    if (!d) return true;
    char detail[160];
    std::snprintf(detail, sizeof detail, "a %s block of %zu bytes, changed at -%zu to -%zu after it was freed",
                  traits_of(b.kind).name, b.bytes, static_cast<std::size_t>(b.address - d.first),
                  static_cast<std::size_t>(b.address - d.last));
    raise_about(a, code::FA419, report_of(b), detail, pointer_at(d.first));
    guard::write_canary(front, b.address, a.probes.canary_key);
    return false;
}

std::uintptr_t rest_end(core& a, const block_record& b) noexcept {
    return b.large ? b.address + b.bytes : zones_of(a, b).back;
}

bool check_quarantined(core& a, const block_record& b) noexcept {
    const bool front = check_front(a, b);
    return check_rest(a, b, rest_end(a, b)) && front;
}

block_record birth_record(thread_context& c, std::uintptr_t address, std::size_t bytes, std::size_t align,
                          memory_kind k, bool large) noexcept {
    block_record r;
    r.address = address;
    r.bytes = bytes;
    r.align = align;
    r.tag = c.tag()->node;
    r.frame = open_frame(c);
    r.thread = thread_of(c);
    r.born = os::own_call(c.probes.take_place());
    r.kind = k;
    r.large = large;
    return r;
}

}  // namespace

bool mark_freed(core& a, const void* p, block_record& before) noexcept {
    thread_context* c = try_attach({&a, a.id});
    const bool said = c != nullptr && c->probes.guarded();
    const site where = os::own_call(said ? std::exchange(c->probes.guard->free_site, {}) : site{});
    const std::uint64_t frame = c == nullptr ? 0 : open_frame(*c);
    if (!a.probes.blocks.kill(address_of(p), where, frame, os::thread_number(), before)) {
        raise_not_a_block(a, p, where);
        return false;
    }
    if (before.state != block_state::live) {
        raise_double_free(a, before, p, where);
        return false;
    }
    check_zones(a, before, where);
    return true;
}

namespace {

void end_zones(const zones& z) noexcept {
    guard::allow(z.front, z.back);
    guard::fill(z.begin, z.back, guard::dead_byte);
    guard::forbid(z.begin, z.back);
}

// Returns false without memory for the quarantine.
bool put_to_rest(thread_context& c, std::uintptr_t block, std::size_t bytes, bool large) noexcept {
    return c.probes.guard->quarantined.put({block, bytes, large});
}

void release_oldest(thread_context& c) noexcept {
    const guard::quarantine::entry e = c.probes.guard->quarantined.take();
    core& a = *c.owner;
    block_record b;
    if (a.probes.blocks.find(e.block, b) && b.state == block_state::freed) check_quarantined(a, b);
    if (e.large) {
        a.probes.blocks.mark_reused(e.block);
        return large_release(*c.owner, &c, pointer_at(e.block));
    }
    pool_page& p = *page_of(pointer_at(e.block));
    --p.held;
    put_back_slot(p, pointer_at(e.block - a.probes.layout().zone));
}

// The rest of the zone. It depends on the place, so that a neighbour's bytes are no valid copy.
std::uint64_t seal_of(const core& a, const void* slot) noexcept {
    return (*static_cast<const std::uint64_t*>(slot) ^ a.probes.canary_key ^ address_of(slot)) * 0x9E3779B97F4A7C15U;
}

}  // namespace

void seal_link(const core& a, void* slot) noexcept { static_cast<std::uint64_t*>(slot)[1] = seal_of(a, slot); }

bool check_link(core& a, const pool_page& p, void* slot) noexcept {
    if (static_cast<const std::uint64_t*>(slot)[1] == seal_of(a, slot)) return true;
    block_record b;
    const bool known = a.probes.blocks.find(address_of(slot) + a.probes.layout().zone, b);
    if (!known) b = {.bytes = p.block, .kind = p.kind};  // never allocated
    raise_about(a, code::FA433, report_of(b),
                "the 16 bytes before a free block were written; the free blocks after it in the list are abandoned",
                slot);
    return false;
}

void* begin_block(thread_context& c, pool_page& p, void* slot, std::size_t bytes) noexcept {
    core& a = *c.owner;
    const std::uintptr_t at = address_of(slot) + a.probes.layout().zone;
    block_record old;
    if (a.probes.blocks.find(at, old) && old.state == block_state::freed && !old.large)
        check_rest(a, old, slot_end(a, p, at));
    const block_record r = birth_record(c, at, bytes, natural_alignment(p.block), p.kind, false);
    if (!a.probes.blocks.enter(r)) {
        owner_increment(p.frees);
        put_back_slot(p, slot);
        return nullptr;
    }
    begin_zones(a, zones_of(a, r));
    guard::pool_block(&a, at, bytes);
    return pointer_at(at);
}

void* end_block(core& a, void* block) noexcept {
    block_record b;
    if (!mark_freed(a, block, b)) return nullptr;
    guard::pool_block_freed(&a, b.address);
    const zones z = zones_of(a, b);
    end_zones(z);
    return pointer_at(z.front);
}

void quarantine_slot(thread_context& c, pool_page& p, void* slot) noexcept {
    observe_page(p);
    guard::write_canary(address_of(slot), address_of(slot) + c.owner->probes.layout().zone, c.owner->probes.canary_key);
    ++p.held;
    if (!put_to_rest(c, address_of(slot) + c.owner->probes.layout().zone, p.block, false)) {
        --p.held;
        return put_back_slot(p, slot);
    }
    while (c.probes.guard->quarantined.overfull()) release_oldest(c);
}

void forget_page_blocks(core& a, pool_page& p, std::uint32_t first) noexcept {
    const std::uintptr_t base = address_of(&p);
    for (std::uint32_t at = first; at < p.carved; at += a.probes.layout().slot_bytes(p.block)) {
        const std::uintptr_t block = base + at + a.probes.layout().zone;
        block_record b;
        if (!a.probes.blocks.find(block, b) || b.state != block_state::freed) continue;
        if (!b.large) check_rest(a, b, slot_end(a, p, block));  // a large one was not quarantined, or is no longer
        a.probes.blocks.mark_reused(block);
    }
    guard::allow(base + first, base + p.carved);
}

void begin_outer_block(thread_context& c, const void* raw, void* block) noexcept {
    block_record r;
    if (c.owner->probes.blocks.find(address_of(raw), r)) {
        r.lead = address_of(block) - address_of(raw);
        c.owner->probes.blocks.enter(r);
    }
    guard::write_canary(address_of(block) - outer_header_bytes + sizeof(outer_block), address_of(block),
                        c.owner->probes.canary_key);
}

bool may_free_outer(core& a, const void* block) noexcept {
    const std::uintptr_t at = address_of(block);
    // It may be anybody's memory, so its header is not read: what is before it is as long as it is aligned.
    block_record ended;
    for (std::uintptr_t lead = outer_header_bytes; lead < at && at % lead == 0; lead *= 2) {
        block_record r;
        if (!a.probes.blocks.find(at - lead, r) || r.lead != lead) continue;
        if (r.state == block_state::live) return true;
        ended = r;
    }
    if (ended.address != 0) raise_double_free(a, ended, block, {});
    else raise_not_a_block(a, block, {});
    return false;
}

void end_outer_block(thread_context& c, const outer_block& b, void* block) noexcept {
    const damage d = guard::check_canary(address_of(&b) + sizeof(outer_block), address_of(block),
                                         c.owner->probes.canary_key);
    block_record r;
    if (!d || !c.owner->probes.blocks.find(address_of(b.raw), r)) return;
    raise_about(*c.owner, code::FA413, report_of(r), "out-of-line frame memory, right before its start",
                pointer_at(d.first));
}

void name_as_pool(core& a, void* block) noexcept {
    block_record r;
    if (!a.probes.blocks.find(address_of(block), r)) return;
    r.kind = memory_kind::pool;
    a.probes.blocks.enter(r);
}

bool begin_large(thread_context& c, void* block, std::size_t bytes, std::size_t align, memory_kind k) noexcept {
    const block_record r = birth_record(c, address_of(block), bytes, align, k, true);
    if (!c.owner->probes.blocks.enter(r)) return false;
    begin_zones(*c.owner, zones_of(*c.owner, r));
    guard::pool_block(c.owner, r.address, bytes);
    return true;
}

bool shorten_block(core& a, void* block, std::size_t bytes, block_record& r) noexcept {
    if (!a.probes.blocks.find(address_of(block), r) || r.state != block_state::live || bytes > r.bytes) return false;
    check_zones(a, r);
    const std::uintptr_t back = zones_of(a, r).back;
    r.bytes = bytes;
    if (!a.probes.blocks.enter(r)) return false;
    const zones z = zones_of(a, r);
    guard::allow(z.end, back);
    guard::write_canary(z.end, z.back, a.probes.canary_key);
    guard::forbid(z.end, back);
    return true;
}

bool end_large(core& a, void* block) noexcept {
    block_record b;
    if (!mark_freed(a, block, b)) return false;
    guard::pool_block_freed(&a, b.address);
    const zones z = zones_of(a, b);
    end_zones(z);  // the one in front is the header's own again
    guard::allow(z.end, z.back);
    return true;
}

bool quarantine_large(thread_context& c, void* block) noexcept {
    const heap_block& b = *block_of(block);
    if (b.bytes > guard::quarantine::most_bytes / 4) return false;
    if (!put_to_rest(c, address_of(block), b.bytes, true)) return false;
    while (c.probes.guard->quarantined.overfull()) release_oldest(c);
    return true;
}

std::size_t quarantined(const thread_context& c) noexcept { return c.probes.guard->quarantined.size(); }

bool empty_quarantine(thread_context& c) noexcept {
    const bool any = !c.probes.guard->quarantined.empty();
    while (!c.probes.guard->quarantined.empty()) release_oldest(c);
    return any;
}

namespace {

// Cuts the list off where it is corrupted.
bool check_links(core& a, pool_page& p) noexcept {
    void* before = nullptr;
    for (void* slot = p.free; slot != nullptr; before = slot, slot = *static_cast<void**>(slot)) {
        if (check_link(a, p, slot)) continue;
        if (before == nullptr) {
            p.free = nullptr;
        } else {
            *static_cast<void**>(before) = nullptr;
            seal_link(a, before);
        }
        return false;
    }
    return true;
}

}  // namespace

std::size_t check_pages(thread_context& c) noexcept {
    core& a = *c.owner;
    std::size_t faults = 0;
    c.probes.guard->quarantined.for_each([&](const guard::quarantine::entry& e) {
        block_record b;
        if (a.probes.blocks.find(e.block, b) && b.state == block_state::freed && !check_quarantined(a, b)) ++faults;
    });
    for_each_page(c, [&](pool_page& p) { faults += check_links(a, p) ? 0U : 1U; });
    return faults;
}

std::size_t check_live_blocks(core& a) noexcept {
    std::size_t faults = 0;
    guard::own_array<block_record> live;  // a handler may allocate: no lock while it runs
    a.probes.blocks.for_each_live([&](const block_record& b) { live.push(b); });
    for (const block_record& b : live) {
        block_record now;
        const bool same = a.probes.blocks.find(b.address, now) && now.state == block_state::live &&
                          now.bytes == b.bytes;
        if (same && !check_zones(a, now, {}, "; found by check()")) ++faults;
    }
    live.release();
    return faults;
}

bool open_guard(thread_context& c) noexcept {
    any_guarded.store_relaxed(true);  // relaxed: before the first block
    os::system_pages system;
    void* p = system.reserve(align_up(sizeof(thread_guard), system.granularity()), system.granularity());
    if (p == nullptr || !system.commit(p, align_up(sizeof(thread_guard), system.granularity()))) return false;
    c.probes.guard = ::new (p) thread_guard{};
    c.probes.set(thread_probes::guard_bit, true);
    c.probes.set(thread_probes::revoke_bit, c.owner->probes.revokes());
    return true;
}

void close_guard(thread_context& c) noexcept {
    if (!c.probes.guarded()) return;
    c.probes.guard->quarantined.release();
    c.probes.guard->ended.release();
    os::system_pages system;
    system.release(c.probes.guard, align_up(sizeof(thread_guard), system.granularity()));
}

}  // namespace framealloc::inline v1::memory
