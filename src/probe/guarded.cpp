// Guarded pool and heap blocks: their birth, their death, and what lies between.
#include <framealloc/probe/guarded.hpp>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <new>

#include <framealloc/core/blocks.hpp>
#include <framealloc/core/pool.hpp>
#include <framealloc/core/registry.hpp>
#include <framealloc/os/code.hpp>
#include <framealloc/os/thread.hpp>
#include <framealloc/probe/blame.hpp>

namespace framealloc::inline v1::memory {

using guard::block_record;
using guard::block_state;
using guard::damage;

namespace {

site take(site& s) noexcept {
    const site was = s;
    s = {};
    return was;
}

std::uintptr_t slot_end(const core& a, const pool_page& p, std::uintptr_t block) noexcept {
    return block - slot_lead(a) + slot_bytes(a, p.block);
}

// A block's zones; of a large block the first is the end of its header.
struct zones {
    std::uintptr_t front, begin, end, back;
};

zones zones_of(core& a, const block_record& b) noexcept {
    zones z{b.address - guard::zone, b.address, b.address + b.bytes, b.address + b.bytes + large_back_zone};
    if (b.large) return z;
    const pool_page& p = *page_of(pointer_at(b.address));
    z.front = b.address - slot_lead(a);
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
    return check_zones(a, blamed(b), z.front, z.begin, z.back, where, when);
}

// What rests must not change.
bool check_rest(core& a, const block_record& b, std::uintptr_t end) noexcept {
    const damage d = guard::check_fill(b.address, end, guard::dead_byte);
    if (!d) return true;
    char detail[160];
    const std::uintptr_t begin = b.address + b.lead;
    std::snprintf(detail, sizeof detail, "a %s block of %zu bytes, changed at %+td to %+td after it was freed",
                  traits_of(b.kind).name, b.bytes - b.lead, static_cast<std::intptr_t>(d.first - begin),
                  static_cast<std::intptr_t>(d.last - begin));
    raise_about(a, code::FA419, blamed(b), detail, pointer_at(d.first));
    guard::allow(d.first, d.last + 1);
    guard::fill(d.first, d.last + 1, guard::dead_byte);  // told once
    return false;
}

// The zone before a small block that rests is a canary too.
bool check_front(core& a, const block_record& b) noexcept {
    if (b.large) return true;
    const std::uintptr_t front = b.address - slot_lead(a);
    const damage d = guard::check_canary(front, b.address, a.probes.canary_key);
    if (!d) return true;
    char detail[160];
    std::snprintf(detail, sizeof detail, "a %s block of %zu bytes, changed at -%zu to -%zu after it was freed",
                  traits_of(b.kind).name, b.bytes, static_cast<std::size_t>(b.address - d.first),
                  static_cast<std::size_t>(b.address - d.last));
    raise_about(a, code::FA419, blamed(b), detail, pointer_at(d.first));
    guard::write_canary(front, b.address, a.probes.canary_key);
    return false;
}

std::uintptr_t rest_end(core& a, const block_record& b) noexcept {
    return b.large ? b.address + b.bytes : zones_of(a, b).back;
}

bool check_resting(core& a, const block_record& b) noexcept {
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
    r.frame = current_frame(c);
    r.thread = thread_of(c);
    r.born = os::own_call(c.probes.take_place());
    r.kind = k;
    r.large = large;
    return r;
}

// Of a frame that is open, or kept. What lies in another thread's frames is known as such alone.
bool raise_of_frame(core& a, const void* p, const site& where) noexcept {
    const thread_context* c = context_met({&a, a.id});
    const frame_arena* s = c == nullptr ? nullptr : c->flight;
    while (s != nullptr) {
        if (const guard::frame_block* found = s->log->containing(address_of(p))) {
            const guard::frame_block b = *found;
            char detail[128];
            std::snprintf(detail, sizeof detail, "%+td in frame memory of %zu bytes, which goes when its frame ends",
                          static_cast<std::intptr_t>(address_of(p) - b.begin),
                          static_cast<std::size_t>(b.end - b.begin));
            raise_about(a, code::FA414, blamed(b), detail, p, where);
            return true;
        }
        s = s->next == c->flight ? nullptr : s->next;
    }
    bool in_arena = false;
    {
        const sync::lock_guard guard(a.lock);
        for (const arena_chunk* k = a.chunks; k != nullptr; k = k->next_all)
            in_arena = in_arena || (address_of(p) >= k->begin && address_of(p) < k->end);
    }
    if (in_arena)
        a.raise({.what = code::FA414,
                 .detail = "the pointer lies in frame memory, which goes when its frame ends",
                 .where = where,
                 .address = p});
    return in_arena;
}

// Whose pointer is it, if it is no block of this allocator?
void raise_not_a_block(core& a, const void* p, const site& where) noexcept {
    block_record b;
    char detail[128];
    if (a.probes.blocks.containing(address_of(p), b) && b.state == block_state::live) {
        std::snprintf(detail, sizeof detail, "%+td in a %s block of %zu bytes",
                      static_cast<std::intptr_t>(address_of(p) - b.address - b.lead), traits_of(b.kind).name,
                      b.bytes - b.lead);
        return raise_about(a, code::FA415, blamed(b), detail, p, where);
    }
    char other[144] = "";
    b = {};
    for_each_core([&](core& o) {
        block_record theirs;
        if (&o == &a || !o.probes.guarded() || !o.probes.blocks.find(address_of(p), theirs) ||
            theirs.state != block_state::live)
            return;
        const bool tagged = theirs.tag != nullptr && theirs.tag->path[0] != '\0';
        std::snprintf(other, sizeof other, "%s%.40s%s%s%.60s%s",
                      o.name[0] == '\0' ? "another allocator" : "allocator \"", o.name, o.name[0] == '\0' ? "" : "\"",
                      tagged ? ", tag \"" : "", tagged ? theirs.tag->path : "", tagged ? "\"" : "");
        b = theirs;
        b.tag = nullptr;  // it may go with its allocator
    });
    if (b.address != 0) {
        char text[160];
        std::snprintf(text, sizeof text, "a block of %s", other);
        return raise_about(a, code::FA417, blamed(b), text, p, where);
    }
    if (raise_of_frame(a, p, where)) return;
    a.raise({.what = code::FA414,
             .detail = "the pointer is none that a pool or heap allocation returned",
             .where = where,
             .address = p});
}

void raise_double_free(core& a, const block_record& b, const void* p, const site& where) noexcept {
    char detail[128];
    std::snprintf(detail, sizeof detail, "a %s block of %zu bytes, freed before in frame %llu by thread %llu",
                  traits_of(b.kind).name, b.bytes, static_cast<unsigned long long>(b.died_in),
                  static_cast<unsigned long long>(b.died_on));
    raise_about(a, code::FA411, blamed(b), detail, p, where);
}

thread_context* caller(core& a) noexcept { return try_attach({&a, a.id}); }

// Marks the block freed, if it can be; checks its zones.
bool kill(core& a, const void* p, block_record& before) noexcept {
    thread_context* c = caller(a);
    const site where = os::own_call(c == nullptr || !c->probes.guarded() ? site{} : take(c->probes.guard->free_site));
    const std::uint64_t frame = c == nullptr ? 0 : current_frame(*c);
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

void end_zones(const zones& z) noexcept {
    guard::allow(z.front, z.back);
    guard::fill(z.begin, z.back, guard::dead_byte);
    guard::forbid(z.begin, z.back);
}

// Returns false without memory for the quarantine.
bool put_to_rest(thread_context& c, std::uintptr_t block, std::size_t bytes, bool large) noexcept {
    return c.probes.guard->resting.put({block, bytes, large});
}

void end_one_rest(thread_context& c) noexcept {
    const guard::quarantine::entry e = c.probes.guard->resting.take();
    core& a = *c.owner;
    block_record b;
    if (a.probes.blocks.find(e.block, b) && b.state == block_state::freed) check_resting(a, b);
    if (e.large) {
        a.probes.blocks.bury(e.block);
        return large_release(*c.owner, &c, pointer_at(e.block));
    }
    pool_page& p = *page_of(pointer_at(e.block));
    --p.held;
    put_back_slot(p, pointer_at(e.block - slot_lead(a)));
}

}  // namespace

site calling_code() noexcept { return site::of_caller(__builtin_return_address(0)); }

namespace {

// The rest of the zone. It depends on the place, so that a neighbour's bytes are no valid copy.
std::uint64_t seal_of(const core& a, const void* slot) noexcept {
    return (*static_cast<const std::uint64_t*>(slot) ^ a.probes.canary_key ^ address_of(slot)) * 0x9E3779B97F4A7C15U;
}

}  // namespace

void seal_link(const core& a, void* slot) noexcept { static_cast<std::uint64_t*>(slot)[1] = seal_of(a, slot); }

bool check_link(core& a, const pool_page& p, void* slot) noexcept {
    if (static_cast<const std::uint64_t*>(slot)[1] == seal_of(a, slot)) return true;
    block_record b;
    const bool known = a.probes.blocks.find(address_of(slot) + slot_lead(a), b);
    if (!known) b = {.bytes = p.block, .kind = p.kind};  // never handed out
    raise_about(a, code::FA433, blamed(b),
                "the 16 bytes before a free block were written; the free blocks behind it are given up", slot);
    return false;
}

bool may_interrupt(thread_context& c, const site& where) noexcept {
    const bool interrupts = c.probes.doing() == activity::changing;
    const char* detail = interrupts ? "the call interrupts another one of this thread; it is refused"
                                    : "in a fault handler of the same allocator";
    c.owner->raise(code::FA436, detail, nullptr, 0, where);
    return !interrupts;
}

void* begin_block(thread_context& c, pool_page& p, void* slot, std::size_t bytes) noexcept {
    core& a = *c.owner;
    const std::uintptr_t at = address_of(slot) + slot_lead(a);
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
    if (!kill(a, block, b)) return nullptr;
    guard::pool_block_freed(&a, b.address);
    const zones z = zones_of(a, b);
    end_zones(z);
    return pointer_at(z.front);
}

void rest_slot(thread_context& c, pool_page& p, void* slot) noexcept {
    observe_page(p);
    guard::write_canary(address_of(slot), address_of(slot) + slot_lead(*c.owner), c.owner->probes.canary_key);
    ++p.held;
    if (!put_to_rest(c, address_of(slot) + slot_lead(*c.owner), p.block, false)) {
        --p.held;
        return put_back_slot(p, slot);
    }
    while (c.probes.guard->resting.overfull()) end_one_rest(c);
}

void bury_page(core& a, pool_page& p, std::uint32_t first) noexcept {
    const std::uintptr_t base = address_of(&p);
    for (std::uint32_t at = first; at < p.carved; at += slot_bytes(a, p.block)) {
        const std::uintptr_t block = base + at + slot_lead(a);
        block_record b;
        if (!a.probes.blocks.find(block, b) || b.state != block_state::freed) continue;
        if (!b.large) check_rest(a, b, slot_end(a, p, block));  // a large one did not rest, or does so no more
        a.probes.blocks.bury(block);
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

void end_outer_block(thread_context& c, const outer_block& b, void* block) noexcept {
    const damage d = guard::check_canary(address_of(&b) + sizeof(outer_block), address_of(block),
                                         c.owner->probes.canary_key);
    block_record r;
    if (!d || !c.owner->probes.blocks.find(address_of(b.raw), r)) return;
    raise_about(*c.owner, code::FA413, blamed(r), "out-of-line frame memory, right before its begin",
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
    if (!kill(a, block, b)) return false;
    guard::pool_block_freed(&a, b.address);
    const zones z = zones_of(a, b);
    end_zones(z);  // the one in front is the header's own again
    guard::allow(z.end, z.back);
    return true;
}

bool rest_large(thread_context& c, void* block) noexcept {
    const heap_block& b = *block_of(block);
    if (b.bytes > guard::quarantine::most_bytes / 4) return false;
    if (!put_to_rest(c, address_of(block), b.bytes, true)) return false;
    while (c.probes.guard->resting.overfull()) end_one_rest(c);
    return true;
}

bool end_rest(thread_context& c) noexcept {
    const bool any = !c.probes.guard->resting.empty();
    while (!c.probes.guard->resting.empty()) end_one_rest(c);
    return any;
}

namespace {

void free_known(core_ref owner, thread_context* c, memory_kind k, void* p, std::size_t bytes, std::size_t align,
                const site& where) noexcept {
    core& a = *owner.owner;
    const activity_scope changing(c, activity::changing);
    block_record b;
    const bool known = a.probes.blocks.find(address_of(p), b);
    if (c != nullptr) c->probes.guard->free_site = where;
    if (!known || b.state != block_state::live) {  // kill() says what it is
        static_cast<void>(kill(a, p, b));
        return;
    }
    const bool moved_up = k == memory_kind::pool && b.kind == memory_kind::heap && b.large;  // beyond the classes
    char detail[96];
    if (b.kind != k && !moved_up) {
        std::snprintf(detail, sizeof detail, "a %s block freed as %s memory", traits_of(b.kind).name,
                      traits_of(k).name);
        raise_about(a, code::FA417, blamed(b), detail, p, where);
    } else if ((b.bytes != bytes && bytes != any_size) || !is_power_of_two(align) || address_of(p) % align != 0) {
        std::snprintf(detail, sizeof detail, "allocated with %zu bytes, freed with %zu aligned to %zu", b.bytes, bytes,
                      align);
        raise_about(a, code::FA418, blamed(b), detail, p, where);
    }
    if (b.large) heap_free_large(p);
    else pool_free(p);
}

}  // namespace

void guarded_free(core_ref owner, memory_kind k, void* p, std::size_t bytes, std::size_t align,
                  const site& where) noexcept {
    if (p == nullptr) return;
    core& a = *owner.owner;
    if (!a.probes.guarded()) return free_plain(owner, k, p, bytes, align);
    thread_context* c = caller(a);
    if (c != nullptr && !may_call(*c, where)) return;
    retain_core(owner);  // until now the block kept it alive
    free_known(owner, c, k, p, bytes, align, where);
    release_core(owner);
}

namespace {

struct known_block {
    core* owner = nullptr;  // pinned
    block_record record;
    bool all_guarded = true;  // every allocator has a table
};

// The block in that state at `p`, or around it.
known_block look_for(std::uintptr_t p, bool around, block_state state) noexcept {
    known_block found;
    for_each_core([&](core& o) {
        block_record r;
        found.all_guarded = found.all_guarded && o.probes.guarded();
        if (found.owner != nullptr || !o.probes.guarded() ||
            (around ? !o.probes.blocks.containing(p, r) : !o.probes.blocks.find(p, r)) || r.state != state)
            return;
        o.handles.add();
        found.owner = &o;
        found.record = r;
    });
    return found;
}

}  // namespace

constinit sync::atomic<bool> any_guarded{false};

bool find_size(const void* p, std::size_t& bytes) noexcept {
    const known_block b = look_for(address_of(p), false, block_state::live);
    bytes = b.owner == nullptr ? 0 : b.record.bytes;
    if (b.owner != nullptr) release_core({b.owner, b.owner->id});
    return b.owner != nullptr || b.all_guarded;
}

namespace {

bool judge_adoption(core& a, const block_record& b, const void* p, std::size_t bytes) noexcept {
    if (b.state != block_state::live) return raise_double_free(a, b, p, {}), false;
    char detail[96];
    if (b.kind != memory_kind::pool && !(b.large && b.kind == memory_kind::heap)) {
        std::snprintf(detail, sizeof detail, "a %s block given to a pool_box", traits_of(b.kind).name);
        return raise_about(a, code::FA417, blamed(b), detail, p), false;
    }
    if (bytes == 0 || b.bytes == bytes) return true;
    std::snprintf(detail, sizeof detail, "allocated with %zu bytes, given to a pool_box of %zu bytes", b.bytes, bytes);
    return raise_about(a, code::FA418, blamed(b), detail, p), false;
}

}  // namespace

bool may_adopt(const void* p, std::size_t bytes) noexcept {
    if (p == nullptr) return true;
    known_block b = look_for(address_of(p), bytes == 0, block_state::live);
    if (b.owner == nullptr) b = look_for(address_of(p), bytes == 0, block_state::freed);
    if (b.owner != nullptr) {
        const bool may = judge_adoption(*b.owner, b.record, p, bytes);
        release_core({b.owner, b.owner->id});
        return may;
    }
    if (b.all_guarded && !refuse_foreign(p, os::own_call({})))
        std::abort();  // as a fault ends a program without a handler in debug
    return !b.all_guarded;
}

bool may_destroy(const void* p) noexcept {
    if (p == nullptr) return true;
    const known_block b = look_for(address_of(p), false, block_state::freed);
    if (b.owner == nullptr) return true;  // whatever else it is, the free says it
    raise_double_free(*b.owner, b.record, p, os::own_call());
    release_core({b.owner, b.owner->id});
    return false;
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

// What rests on the thread, its pages and its frames.
std::size_t check_context(thread_context& c) noexcept {
    core& a = *c.owner;
    std::size_t faults = 0;
    c.probes.guard->resting.for_each([&](const guard::quarantine::entry& e) {
        block_record b;
        if (a.probes.blocks.find(e.block, b) && b.state == block_state::freed && !check_resting(a, b)) ++faults;
    });
    for (pool_page* p = c.all_pages; p != nullptr; p = p->next_all) faults += check_links(a, *p) ? 0U : 1U;
    return faults + check_frames(c);
}

}  // namespace

std::size_t check_everything(core_ref owner) noexcept {
    thread_context* c = context_met(owner);
    core& a = *owner.owner;
    std::size_t faults = 0;
    if (!a.probes.guarded()) return faults;
    const activity_scope changing(c, activity::changing);
    guard::own_array<block_record> live;  // a handler may allocate: no lock while it runs
    a.probes.blocks.for_each_live([&](const block_record& b) { live.push(b); });
    for (const block_record& b : live) {
        block_record now;
        const bool same = a.probes.blocks.find(b.address, now) && now.state == block_state::live &&
                          now.bytes == b.bytes;
        if (same && !check_zones(a, now, {}, "; found by check()")) ++faults;
    }
    live.release();
    return c == nullptr ? faults : faults + check_context(*c);
}

namespace {

struct leak_group {
    block_record first;
    std::uint64_t blocks, bytes;
};

bool same_place(const block_record& a, const block_record& b) noexcept {
    return a.born.file == b.born.file && a.born.line == b.born.line && a.tag == b.tag && a.kind == b.kind;
}

}  // namespace

bool report_leaks_by_site(core& a) noexcept {
    constexpr std::size_t most_groups = 32, told = 16;
    leak_group groups[most_groups];
    std::size_t n = 0;
    std::uint64_t others = 0;
    a.probes.blocks.for_each_live([&](const block_record& b) {
        if (!traits_of(b.kind).freed_singly) return;
        leak_group* g = std::find_if(groups, groups + n, [&](const leak_group& x) { return same_place(x.first, b); });
        if (g == groups + n && n == most_groups) return static_cast<void>(++others);
        if (g == groups + n) groups[n++] = {b, 0, 0};
        ++g->blocks;
        g->bytes += b.bytes;
    });
    std::sort(groups, groups + n, [](const leak_group& x, const leak_group& y) { return x.bytes > y.bytes; });
    for (std::size_t i = told; i < n; ++i) others += groups[i].blocks;
    for (std::size_t i = 0; i < n && i < told; ++i) {
        char detail[160];
        const int used = std::snprintf(
            detail, sizeof detail, "%llu %s blocks of %llu bytes in all; they keep the allocator alive",
            static_cast<unsigned long long>(groups[i].blocks), traits_of(groups[i].first.kind).name,
            static_cast<unsigned long long>(groups[i].bytes));
        if (i + 1 == told && others != 0 && used > 0)
            std::snprintf(detail + used, sizeof detail - static_cast<std::size_t>(used),
                          "; %llu blocks more from other places", static_cast<unsigned long long>(others));
        blamed_block first = blamed(groups[i].first);
        first.end = first.begin + groups[i].bytes;
        a.report(fault_about(code::FA424, first, detail, pointer_at(groups[i].first.address), {}));
    }
    if (n != 0) a.end_after_fault();
    return n != 0;
}

}  // namespace framealloc::inline v1::memory
