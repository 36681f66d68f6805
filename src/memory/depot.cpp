#include <framealloc/memory/depot.hpp>

#include <algorithm>
#include <new>

#include <framealloc/memory/guarded.hpp>
#include <framealloc/memory/registry.hpp>

namespace framealloc::inline FRAMEALLOC_ABI::memory {

// Several pages, requested at once.
struct slab {
    slab* next;
    std::uintptr_t begin;
    std::size_t bytes;
    std::size_t idle;  // bytes of it in the depot or never handed out; only while trim() counts
};

namespace {

void release_slab(core& a, const slab& s) noexcept {
    if (a.guarded) guard::allow(s.begin, s.begin + s.bytes);  // whoever gets these addresses next
    a.pages.release(pointer_at(s.begin), s.bytes, 0);
}

// Pages are known to be accessible up to their first step; more as they are carved.
bool add_slab(core& a, exhaustion_reason& why) noexcept {
    std::size_t bytes = a.config.slab_bytes;
    void* p = a.pages.reserve(bytes, page_bytes, why);
    if (p == nullptr && bytes > page_bytes) p = a.pages.reserve(bytes = page_bytes, page_bytes, why);
    if (p == nullptr) return false;
    void* memory = a.meta.allocate(sizeof(slab), why);
    if (memory == nullptr) {
        a.pages.release(p, bytes, 0);
        return false;
    }
    a.slabs = ::new (memory) slab{a.slabs, address_of(p), bytes, 0};
    return true;
}

bool depot_is_empty(core& a) noexcept {
    const sync::lock_guard guard(a.lock);
    return a.depot == nullptr && a.fresh_begin == a.fresh_end;
}

}  // namespace

pool_page* depot_take(core& a, exhaustion_reason& why) noexcept {
    if (depot_is_empty(a)) reclaim_idle(a);  // what ended threads left is used before more is asked for
    const sync::lock_guard guard(a.lock);
    if (pool_page* p = a.depot) {
        a.depot = p->next;
        return p;
    }
    if (a.fresh_begin == a.fresh_end) {
        if (!add_slab(a, why)) return nullptr;
        a.fresh_begin = a.slabs->begin;
        a.fresh_end = a.slabs->begin + a.slabs->bytes;
    }
    void* at = pointer_at(a.fresh_begin);
    const std::size_t accessible = a.config.huge_pages || a.config.prefault ? page_bytes : step_bytes(a);
    if (!a.pages.commit(at, accessible, why)) return nullptr;
    a.fresh_begin += page_bytes;
    auto* p = ::new (at) pool_page{};
    p->accessible = static_cast<std::uint32_t>(accessible);
    p->home = a.slabs;  // fresh pages are those of the newest slab
    return p;
}

// Slabs without a page in use are given back whole; of other idle pages only the header stays accessible.
void trim_depot(core& a) noexcept {
    const sync::lock_guard guard(a.lock);
    for (slab* s = a.slabs; s != nullptr; s = s->next) s->idle = 0;
    for (pool_page* p = a.depot; p != nullptr; p = p->next) p->home->idle += page_bytes;
    if (a.slabs != nullptr) a.slabs->idle += a.fresh_end - a.fresh_begin;
    const std::uint32_t keep = step_bytes(a);
    for (pool_page** link = &a.depot; *link != nullptr;) {
        pool_page* p = *link;
        const bool whole = p->home->idle == p->home->bytes;
        const std::uint32_t kept = whole ? 0 : keep;
        if (whole) *link = p->next;
        else link = &p->next;
        if (p->accessible <= kept) continue;
        const std::uint32_t accessible = p->accessible;
        p->accessible = kept;  // before the page is gone
        a.pages.decommit(pointer_at(address_of(p) + kept), accessible - kept);
    }
    for (slab** link = &a.slabs; *link != nullptr;) {
        slab* s = *link;
        if (s->idle != s->bytes) {
            link = &s->next;
            continue;
        }
        if (s == a.slabs) a.fresh_begin = a.fresh_end = 0;
        *link = s->next;
        release_slab(a, *s);
        a.meta.deallocate(s, sizeof(slab));
    }
}

found_block find_in_pages(core& a, const void* p) noexcept {
    found_block f;
    const slab* s = a.slabs;
    while (s != nullptr && (address_of(p) < s->begin || address_of(p) >= s->begin + s->bytes)) s = s->next;
    if (s == nullptr) return f;
    pool_page* page = page_of(p);
    const bool never_used = s == a.slabs && address_of(page) >= a.fresh_begin && address_of(page) < a.fresh_end;
    if (never_used || page->accessible == 0) return f;
    f.page = page;
    const std::uint32_t offset = static_cast<std::uint32_t>(address_of(p) - address_of(page));
    const std::uint32_t first = page->block == 0 ? 0 : first_slot(a, page->block);
    if (page->block == 0 || offset < first || offset >= page->carved) return f;  // header, or virgin
    f.bytes = page->block;
    f.begin = address_of(p) - (offset - first) % slot_bytes(a, page->block);  // of the slot
    if (a.guarded) {
        f.begin += slot_lead(a);
        guard::block_record known;
        const bool live = a.blocks.find(f.begin, known) && known.state == guard::block_state::live;
        if (known.address != 0) f.bytes = known.bytes;
        f.state = live ? found_block::out : found_block::free;
        return f;
    }
    bool is_free = page->used() == 0 || page->account == nullptr;
    for (void* b = page->free; b != nullptr && !is_free; b = *static_cast<void**>(b)) is_free = address_of(b) == f.begin;
    const std::uint16_t place = returned_blocks::place_of(pointer_at(f.begin));
    const auto chain = [&](returned_blocks* r) {
        for (; r != nullptr && !is_free; r = r->next) {
            is_free = address_of(r) == f.begin || std::find(r->places(), r->places() + r->count, place) != r->places() + r->count;
        }
    };
    for (returned_blocks* r = page->came_home; r != nullptr; r = r->after == 0 ? nullptr : static_cast<returned_blocks*>(returned_blocks::block_at(page, r->after))) chain(r);
    chain(static_cast<returned_blocks*>(page->remote.waiting(address_of(page))));
    for (const thread_context* c = a.contexts; c != nullptr && !is_free; c = c->next) {
        if (c->batch_page == page) is_free = std::find(c->batch_places, c->batch_places + c->batch_count, place) != c->batch_places + c->batch_count;
    }
    f.state = is_free ? found_block::free : found_block::out;
    return f;
}

void destroy_slabs(core& a) noexcept {
    // What is committed is known per page; the ledger is about to go, so that the sum need not be exact.
    while (a.slabs != nullptr) {
        slab* s = a.slabs;
        a.slabs = s->next;
        release_slab(a, *s);
    }
}

}  // namespace framealloc::inline FRAMEALLOC_ABI::memory
