// Pages that no thread has, and where an address is among all pages.
#include <framealloc/detail/core/core.hpp>
#include <framealloc/detail/core/depot.hpp>

#include <algorithm>
#include <new>

#include <framealloc/detail/core/registry.hpp>
#include <framealloc/detail/core/zones.hpp>
#include <framealloc/detail/guard/annotate.hpp>
#include <framealloc/detail/os/page_map.hpp>
#include <framealloc/detail/sync/glimpse.hpp>

namespace framealloc::inline v1::memory {

namespace {

void release_slab(core& a, const slab& s) noexcept {
    a.probes.allow(s.begin, s.begin + s.bytes);  // for the next owner of these addresses
    os::page_map::remove(s.begin, s.bytes);
    a.pages.release(pointer_at(s.begin), s.bytes, 0);
}

}  // namespace

// Pages are known to be accessible up to their first step; more as they are carved.
bool page_depot::add_slab(core& a, exhaustion_reason& why) noexcept {
    std::size_t bytes = a.config.slab_bytes;
    void* p = a.pages.reserve(bytes, page_bytes, why);
    if (p == nullptr && bytes > page_bytes) p = a.pages.reserve(bytes = page_bytes, page_bytes, why);
    if (p == nullptr) return false;
    void* memory = a.meta.allocate(sizeof(slab), why);
    if (memory == nullptr || !os::page_map::add(address_of(p), bytes)) {
        if (memory != nullptr) why = exhaustion_reason::system_refused;
        a.meta.deallocate(memory, sizeof(slab));
        a.pages.release(p, bytes, 0);
        return false;
    }
    slabs_ = ::new (memory) slab{slabs_, address_of(p), bytes, 0};
    return true;
}

// Whether a good part of the page that was taken last is in use: the next one will be, too. Many tags and
// classes take a page each of which only that is used.
bool page_depot::fills_pages() const noexcept {
    return newest_ != nullptr && sync::glimpse(newest_->carved) >= page_bytes / 4;
}

// A page's first step, or whole pages: as many as a sixteenth of all that is accessible holds, so that requests are few
// and little is committed in vain; for huge pages the whole slab, as what is accessible in part becomes none.
bool page_depot::commit_ahead(core& a, exhaustion_reason& why) noexcept {
    const std::size_t step = a.config.prefault ? page_bytes : step_bytes(a.pages), left = fresh_end_ - fresh_begin_;
    const std::size_t share = fills_pages() ? a.pages.committed() / 16 / page_bytes * page_bytes : 0;
    std::size_t bytes = std::min(a.config.huge_pages ? left : std::max(share, step), left);
    exhaustion_reason first{};
    if (!a.pages.commit(pointer_at(fresh_begin_), bytes, first) &&
        !a.pages.commit(pointer_at(fresh_begin_), bytes = step, why))
        return false;
    fresh_accessible_ = fresh_begin_ + bytes;
    return true;
}

pool_page* page_depot::take(core& a, exhaustion_reason& why) noexcept {
    if (pool_page* p = pages_) {
        pages_ = p->next;
        return p;
    }
    if (fresh_begin_ == fresh_end_) {
        if (!add_slab(a, why)) return nullptr;
        fresh_begin_ = fresh_accessible_ = slabs_->begin;
        fresh_end_ = slabs_->begin + slabs_->bytes;
    }
    if (fresh_accessible_ <= fresh_begin_ && !commit_ahead(a, why)) return nullptr;
    auto* p = ::new (pointer_at(fresh_begin_)) pool_page{};
    p->accessible = static_cast<std::uint32_t>(std::min(fresh_accessible_ - fresh_begin_, page_bytes));
    fresh_begin_ += page_bytes;
    p->home = slabs_;  // fresh pages are those of the newest slab
    newest_ = p;
    return p;
}

void page_depot::put(pool_page& p) noexcept {
    p.next = pages_;
    pages_ = &p;
}

void page_depot::trim(core& a) noexcept {
    if (fresh_accessible_ > fresh_begin_) {
        a.pages.decommit(pointer_at(fresh_begin_), fresh_accessible_ - fresh_begin_);
        fresh_accessible_ = fresh_begin_;
    }
    for (slab* s = slabs_; s != nullptr; s = s->next) s->idle = 0;
    for (pool_page* p = pages_; p != nullptr; p = p->next) p->home->idle += page_bytes;
    if (slabs_ != nullptr) slabs_->idle += fresh_end_ - fresh_begin_;
    const std::uint32_t keep = step_bytes(a.pages);
    for (pool_page** link = &pages_; *link != nullptr;) {
        pool_page* p = *link;
        const bool whole = p->home->idle == p->home->bytes;
        const std::uint32_t kept = whole ? 0 : keep;
        if (whole) *link = p->next;
        else link = &p->next;
        if (p->accessible <= kept) continue;
        const std::uint32_t accessible = p->accessible;
        p->accessible = kept;  // before the page is given up
        guard::allow(address_of(p) + kept, address_of(p) + accessible);  // it is the page source's
        a.pages.decommit(pointer_at(address_of(p) + kept), accessible - kept);
    }
    for (slab** link = &slabs_; *link != nullptr;) {
        slab* s = *link;
        if (s->idle != s->bytes) {
            link = &s->next;
            continue;
        }
        if (s == slabs_) fresh_begin_ = fresh_accessible_ = fresh_end_ = 0;
        if (address_of(newest_) - s->begin < s->bytes) newest_ = nullptr;  // its header is gone already
        *link = s->next;
        release_slab(a, *s);
        a.meta.deallocate(s, sizeof(slab));
    }
}

void page_depot::close(core& a) noexcept {
    // What is committed is known per page; the ledger is about to go, so that the sum need not be exact.
    while (slabs_ != nullptr) {
        slab* s = slabs_;
        slabs_ = s->next;
        release_slab(a, *s);
    }
}

namespace {

bool depot_is_empty(core& a) noexcept {
    const sync::lock_guard guard(a.lock);
    return a.depot.empty();
}

}  // namespace

pool_page* depot_take(core& a, exhaustion_reason& why) noexcept {
    if (depot_is_empty(a)) a.life.calls().reclaim(a);  // what ended threads left is used before more is asked for
    const sync::lock_guard guard(a.lock);
    return a.depot.take(a, why);
}

void trim_depot(core& a) noexcept {
    const sync::lock_guard guard(a.lock);
    a.depot.trim(a);
}

namespace {

// Whether the slot's place is among them.
bool named(const std::uint16_t* places, std::uint32_t count, std::uintptr_t slot) noexcept {
    const std::uint16_t place = returned_blocks::place_of(pointer_at(slot));
    for (std::uint32_t i = 0; i < count; ++i) {
        if (sync::glimpse(places[i]) == place) return true;
    }
    return false;
}

// Looks for a slot among the free ones of a page whose owner continues meanwhile, and may have a list that somebody
// wrote to: every link is checked before it is followed, and no more are than there are slots.
class free_slots {
public:
    free_slots(const core& a, const pool_page& page, std::uint32_t block) noexcept
        : page_(page),
          begin_(address_of(&page) + a.probes.layout().first_slot(block)),
          end_(address_of(&page) + sync::glimpse(page.accessible)),
          block_(block),
          slot_(a.probes.layout().slot_bytes(block)) {}

    bool contain(std::uintptr_t wanted) const noexcept {
        std::uint32_t left = most;
        for (std::uintptr_t b = address_of(sync::glimpse(page_.free)); is_slot(b) && left-- != 0;
             b = address_of(sync::glimpse(*pointer_at<void*>(b)))) {
            if (b == wanted) return true;
        }
        left = most;
        for (std::uintptr_t r = address_of(sync::glimpse(page_.came_home)); is_slot(r) && left-- != 0;) {
            if (in_chain(r, wanted)) return true;
            const std::uint32_t after = sync::glimpse(pointer_at<returned_blocks>(r)->after);
            r = after == 0 ? 0 : address_of(returned_blocks::block_at(&page_, after));
        }
        return in_chain(address_of(page_.remote.waiting(address_of(&page_))), wanted);
    }

private:
    static constexpr std::uint32_t most = page_bytes / 16;
    // Or where one may be read, at least.
    bool is_slot(std::uintptr_t b) const noexcept { return b >= begin_ && b + slot_ <= end_ && b % 16 == 0; }
    bool in_chain(std::uintptr_t r, std::uintptr_t wanted) const noexcept {
        for (std::uint32_t left = most; is_slot(r) && left-- != 0;
             r = address_of(sync::glimpse(pointer_at<returned_blocks>(r)->next))) {
            const auto& some = *pointer_at<const returned_blocks>(r);
            const std::uint32_t count = std::min<std::uint32_t>(sync::glimpse(some.count),
                                                                returned_blocks::room(block_));
            if (r == wanted || named(some.first_places, count, wanted)) return true;
        }
        return false;
    }

    const pool_page& page_;
    std::uintptr_t begin_, end_;
    std::uint32_t block_, slot_;
};

// Frees that a thread has not handed over yet.
bool in_a_batch(const core& a, const pool_page& page, std::uintptr_t slot) noexcept {
    for (const thread_context* c = a.threads.first(); c != nullptr; c = context_list::after(*c)) {
        if (c->remote.batch_page_seen() != &page) continue;
        if (named(c->remote.batch_places(), std::min(c->remote.batch_count(), batch_limit), slot)) return true;
    }
    return false;
}

}  // namespace

found_block find_in_pages(core& a, const void* p, bool own) noexcept {
    found_block f;
    if (!a.depot.has_used(p, own)) return f;
    pool_page* page = page_of(p);
    if (sync::glimpse(page->accessible) == 0) return f;
    f.page = page;
    const page_view what = page->view();
    const std::uint32_t offset = static_cast<std::uint32_t>(address_of(p) - address_of(page));
    const std::uint32_t first = what.block == 0 ? 0 : a.probes.layout().first_slot(what.block);
    if (what.block == 0 || offset < first || offset >= sync::glimpse(page->carved)) return f;  // header, or virgin
    f.bytes = what.block;
    f.begin = address_of(p) - (offset - first) % a.probes.layout().slot_bytes(what.block);  // of the slot
    if (a.probes.guarded()) {
        f.begin += a.probes.layout().zone;
        guard::block_record known;
        const bool live = a.probes.find(f.begin, known) && known.state == guard::block_state::live;
        if (known.address != 0) f.bytes = known.bytes;
        f.state = live ? found_block::out : found_block::free;
        return f;
    }
    const bool is_free = page->used() == 0 || what.account == nullptr ||
                         free_slots(a, *page, what.block).contain(f.begin) || in_a_batch(a, *page, f.begin);
    f.state = is_free ? found_block::free : found_block::out;
    return f;
}

}  // namespace framealloc::inline v1::memory
