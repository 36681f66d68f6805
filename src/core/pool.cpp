// Pool pages beyond the fast path: where pages come from, when they fill, empty, and return from other threads.
#include <framealloc/detail/core/core.hpp>
#include <framealloc/detail/core/depot.hpp>
#include <framealloc/detail/core/pool.hpp>
#include <framealloc/detail/core/registry.hpp>
#include <framealloc/detail/core/zones.hpp>

#include <bit>
#include <new>

namespace framealloc::inline v1::memory {

namespace {

constexpr std::uint32_t empty_pages_kept = 64;  // per thread: 4 MiB of addresses, at least 4 KiB of memory each
constexpr std::uint32_t most_tags_with_pages = 256;  // per thread and kind; a page of each class may belong to each

pool_page* empty_page(thread_context& c, exhaustion_reason& why) noexcept {
    if (pool_page* p = c.pages.take_empty()) return p;
    pool_page* p = depot_take(*c.owner, why);
    if (p == nullptr) return nullptr;
    const sync::lock_guard guard(c.owner->lock);
    c.pages.link(*p);
    return p;
}

// Out-of-line frame memory is charged by its own headers, so that its pages need not follow the tag.
tag_account* payer(thread_context& c, memory_kind k) noexcept {
    return traits_of(k).freed_singly ? c.tag() : c.charges.accounts().root();
}

// The tag, or the nearest of those above it that has pages.
tag_account* with_pages(tag_account* t, memory_kind k) noexcept {
    while (t->above() != nullptr && t->pages[index_of(k)] == nullptr) t = t->above();
    return t;
}

// Whose pages serve the current tag: its own, until so many tags have pages that the rest share their parent's.
tag_account* lender(thread_context& c, memory_kind k) noexcept {
    tag_account* t = payer(c, k);
    if (t->pages[index_of(k)] != nullptr || c.pages.owners(k) < most_tags_with_pages) return t;
    t->borrows.store_relaxed(true);  // relaxed: a statistic
    return with_pages(t, k);
}

// What a request for a block has met so far. The budget is asked once, when unused pages have given up what they have.
struct block_request {
    enum class budget : std::uint8_t { not_yet, asked_next, granted, refused };
    exhaustion_reason why = exhaustion_reason::system_refused;
    budget state = budget::not_yet;

    bool over_budget() const noexcept { return why == exhaustion_reason::thread_budget; }
};

// Where carving would end by the thread's pool budget.
std::uint32_t budgeted_end(thread_context& c, const pool_page& p, std::uint32_t last, block_request& q) noexcept {
    account::budget_line& budget = c.budget.of(p.kind);
    if (traits_of(p.kind).budget != budget_base::pages || budget.limit == 0) return last;
    const std::size_t quiet = budget.quiet_until(current_frame(c));
    const std::uint32_t slot = c.owner->probes.layout().slot_bytes(p.block);
    const std::size_t room = (quiet > c.pages.carved_bytes() ? (quiet - c.pages.carved_bytes()) / p.block : 0) * slot;
    if (room >= last - p.carved) return last;
    if (room != 0) return static_cast<std::uint32_t>(p.carved + room);
    if (q.state == block_request::budget::granted) return p.carved + slot;
    const unsigned size_class = p.size_class;
    const tag_account* account = p.account;
    if (q.state == block_request::budget::asked_next) {
        q.state = block_request::budget::refused;
        if (admit(c, p.kind, c.pages.carved_bytes(), p.block) == admission::granted)
            q.state = block_request::budget::granted;
    }
    if (q.state != block_request::budget::granted) {
        q.why = exhaustion_reason::thread_budget;
        return p.carved;
    }
    // Its handler may have used the page up, or taken it for something else.
    const bool same = p.current && p.size_class == size_class && p.account == account;
    return same && p.free == nullptr && p.carved != p.end ? p.carved + slot : p.carved;
}

// Makes a run of virgin blocks free, as far as the budget allows.
bool carve_more(core& a, pool_page& p, block_request& q) noexcept {
    if (p.carved == p.end) return false;
    const slot_layout layout = a.probes.layout();
    const std::uint32_t last = budgeted_end(*p.owner, p, next_step(p, layout), q);
    if (last == p.carved) return p.free != nullptr;
    if (!make_accessible(p, last, a.pages, q.why)) return false;
    const std::uint32_t slot = layout.slot_bytes(p.block);
    if (traits_of(p.kind).budget == budget_base::pages)
        p.owner->pages.add_carved(std::size_t{(last - p.carved) / slot} * p.block);
    const std::uint32_t first = carve(p, last, layout);
    if (a.probes.guarded()) [[unlikely]] {
        for (std::uint32_t at = first; at != last; at += slot) link_written(a, pointer_at(address_of(&p) + at));
    }
    return true;
}

bool has_room(core& a, pool_page& p, block_request& q) noexcept {
    if (p.free != nullptr && !link_holds(a, p, p.free)) [[unlikely]]
        p.free = nullptr;  // whatever follows is lost until the page is empty
    return p.free != nullptr || take_returned(p) || carve_more(a, p, q);
}

void leave_current(thread_context& c, page_lists& lists, pool_page& p) noexcept {
    c.pages.uninstall(p, c.owner->classes.served_by(p.size_class));
    const bool whole = !c.probes.guarded() && p.carved == p.end;
    lists.leave_current(p, whole ? 0 : c.owner->probes.layout().slots_in_page(p.block) - p.used());
}

void leave_full(thread_context& c, page_lists& lists, pool_page& p) noexcept {
    close_tab(c);
    charge_page(c, p);
    leave_current(c, lists, p);
}

page_lists* lists_of(thread_context& c, tag_account* who, memory_kind k, exhaustion_reason& why) noexcept {
    page_lists*& lists = who->pages[index_of(k)];
    if (lists == nullptr) {
        if (void* memory = c.owner->meta.allocate(sizeof(page_lists), why)) {
            sync::store_release(lists, ::new (memory) page_lists{});  // pairs: use_of()
            c.pages.count_owner(k);
        }
    }
    return lists;
}

page_lists& lists_of(const pool_page& p) noexcept { return *p.account->pages[index_of(p.kind)]; }

// A block came back, or left quarantine.
void after_return(pool_page& p) noexcept {
    if (p.frees == p.allocations && p.held == 0) page_emptied(&p);
    else if (p.key == closed_key && !p.current && !p.listed) lists_of(p).list(p, p.owner->life.key());
}

// What returned goes to quarantine first.
void quarantine_returned(thread_context& c, pool_page& p) noexcept {
    void* const before = p.free;
    for (p.free = nullptr; take_returned(p); p.free = nullptr) {
        void* slot = p.free;
        p.free = before;
        while (slot != nullptr) {
            void* next = *static_cast<void**>(slot);
            c.probes.hooks->quarantine_slot(c, p, slot);
            slot = next;
        }
    }
    p.free = before;
}

// Takes in what other threads returned to one page. Returns the number of blocks.
std::uint32_t adopt(thread_context& c, pool_page& p) noexcept {
    const std::uint32_t count = lists_of(p).take_back(p);
    c.remote.queue().processed.add(count);
    c.remote.queue().processed_bytes.add(std::uint64_t{count} * p.block);
    if (c.probes.guarded()) quarantine_returned(c, p);
    else after_return(p);
    return count;
}

// How many returned blocks page_with_room() may take back.
std::size_t blocks_to_reclaim(thread_context& c) noexcept {
    if (c.remote.queue().urgent.load_relaxed()) {  // relaxed: missed now, seen next time
        c.remote.queue().urgent.store_relaxed(false);  // relaxed: as above
        return all_blocks;
    }
    switch (c.remote.queue().config.mode) {
        case deferred_mode::on_demand:
        case deferred_mode::immediate: return all_blocks;
        case deferred_mode::incremental: return c.remote.queue().config.per_allocation;
        default: return 0;
    }
}

// A page of `lists` that has a free or a virgin block, made current. Null with `q.why` set when there is none.
pool_page* listed_page(thread_context& c, page_lists& lists, unsigned size_class, block_request& q) noexcept {
    for (;;) {
        pool_page* p = lists.current(size_class);
        if (p != nullptr) {
            const bool room = has_room(*c.owner, *p, q);
            if (lists.current(size_class) != p) continue;  // a budget's handler allocated
            if (room) return p;
            if (p->carved != p->end) {  // virgin blocks are left, but no memory for them
                close_tab(c);
                charge_page(c, *p);
                return nullptr;
            }
            leave_full(c, lists, *p);
        }
        if (lists.take_listed(size_class) == nullptr) return nullptr;
    }
}

// When no page can be had, a parent's will do; its tag is then charged, and the borrower says so.
pool_page* borrowed_page(thread_context& c, memory_kind k, unsigned size_class, block_request& q) noexcept {
    const exhaustion_reason why = q.why;
    for (tag_account* t = payer(c, k)->above(); t != nullptr; t = t->above()) {
        page_lists* lists = t->pages[index_of(k)];
        pool_page* p = lists == nullptr ? nullptr : listed_page(c, *lists, size_class, q);
        if (p != nullptr) {
            c.tag()->borrows.store_relaxed(true);  // relaxed: a statistic
            return p;
        }
    }
    q.why = why;
    return nullptr;
}

// The page of the current tag that has room, made current. Null when exhausted.
pool_page* page_with_room(thread_context& c, memory_kind k, unsigned size_class, block_request& q) noexcept {
    q.why = exhaustion_reason::system_refused;
    tag_account* who = lender(c, k);
    page_lists* lists = lists_of(c, who, k, q.why);
    if (lists == nullptr) return borrowed_page(c, k, size_class, q);
    if (pool_page* p = listed_page(c, *lists, size_class, q)) return p;
    if (adopt_returned(c, q.over_budget() ? all_blocks : blocks_to_reclaim(c)) != 0) {
        if (pool_page* p = listed_page(c, *lists, size_class, q)) return p;
    }
    // The budget refuses virgin blocks, wherever they are, until unused pages have given theirs up.
    if (q.over_budget()) return nullptr;
    pool_page* p = empty_page(c, q.why);
    if (p == nullptr && adopt_returned(c, all_blocks) != 0) {
        if (pool_page* found = listed_page(c, *lists, size_class, q)) return found;
        p = empty_page(c, q.why);
    }
    if (p == nullptr) return borrowed_page(c, k, size_class, q);
    if (pool_page* starved = lists->current(size_class)) {  // virgin blocks are left, but there was no memory for them
        leave_current(c, *lists, *starved);
        lists->list(*starved, c.life.key());
    }
    p->owner = &c;
    set_up(*p, c.life.key(), {k, static_cast<std::uint32_t>(class_size(size_class)), who}, size_class,
           c.owner->probes.layout());
    c.counters.add(counter::slab_refills, 1);
    lists->make_current(*p);
    return listed_page(c, *lists, size_class, q);
}

// The same where the budget has no room: what unused pages give up may be enough; if not, the budget is asked.
pool_page* page_despite_budget(thread_context& c, memory_kind k, unsigned size_class, block_request& q) noexcept {
    if (q.state == block_request::budget::refused) return nullptr;
    if (give_up_unused(c)) {
        if (pool_page* p = page_with_room(c, k, size_class, q)) return p;
        if (!q.over_budget()) return nullptr;
    }
    q.state = block_request::budget::asked_next;
    return page_with_room(c, k, size_class, q);
}

}  // namespace

namespace {

void* heap_instead(thread_context& c, unsigned size_class, std::size_t bytes, on_failure f) noexcept {
    void* block = pool_take(c, memory_kind::heap, size_class, bytes, f);
    served_as_pool(c, block);
    return block;
}

// Of a thread whose fast paths are closed: the next allocation takes the slow path again.
void* show_block(thread_context& c, pool_page& p, unsigned size_class, void* block, std::size_t bytes) noexcept {
    const memory_kind k = p.kind;
    put_away_pages(c);
    note_settled(c);
    if (c.probes.guarded()) block = c.probes.hooks->begin_block(c, p, block, bytes);
    if (block != nullptr && traits_of(k).freed_singly) {  // others are reported as frame memory
        show_adopted(c);
        show_allocation(c, k, class_size(size_class));
    }
    return block;
}

}  // namespace

namespace {

FRAMEALLOC_INLINE void install(thread_context& c, pool_page& p, memory_kind k, unsigned size_class) noexcept {
    c.pages.install(p, k, size_class);
    add_pending(c.stack.outermost(), pending_pages);  // charged when the outermost frame ends
}

// From the page that the tag allocates from, which was put away when a scope closed. Null when it is not so simple.
FRAMEALLOC_INLINE void* take_put_away(thread_context& c, unsigned size_class, const tag_account& from) noexcept {
    constexpr memory_kind k = memory_kind::pool;
    if (c.probes.any() || c.probes.sampling()) return nullptr;
    const page_lists* lists = from.pages[index_of(k)];
    pool_page* p = lists == nullptr ? nullptr : lists->current(size_class);
    if (p == nullptr || p->free == nullptr) return nullptr;
    install(c, *p, k, size_class);
    c.charges.note_unsettled();
    return pop(*p);
}

// The page in use is full, and another one of its tag has free blocks. Null when it is not so simple.
void* take_from_next(thread_context& c, unsigned size_class) noexcept {
    constexpr memory_kind k = memory_kind::pool;
    pool_page& p = *c.pages.at(k, size_class);
    if (p.account != c.tag() || c.probes.any() || c.probes.sampling()) return nullptr;
    if (p.came_home != nullptr || p.carved != p.end || p.size_class != size_class) return nullptr;
    page_lists& lists = lists_of(p);
    const pool_page* next = lists.listed(size_class);
    if (next == nullptr || next->free == nullptr || lists.current(size_class) != &p) return nullptr;
    leave_full(c, lists, p);
    pool_page& q = *lists.take_listed(size_class);
    install(c, q, k, size_class);
    c.charges.note_unsettled();
    return pop(q);
}

[[gnu::noinline]] void* allocate_served(thread_context& c, unsigned requested_class, std::size_t bytes, on_failure f,
                                        const void* returns_to) noexcept {
    constexpr memory_kind k = memory_kind::pool;
    if (void* block = take_from_next(c, requested_class)) return block;
    if (tag_account* t = c.tag(); t->borrows.load_relaxed()) {  // relaxed: its own
        if (void* block = take_put_away(c, requested_class, *with_pages(t, k))) return block;
    }
    const served_call call(c, returns_to);
    if (!call.admitted()) return nullptr;
    const activity_scope changing(&c, activity::changing);
    return pool_take_slow(c, k, requested_class, bytes, f);
}

}  // namespace

void* pool_allocate_slow(thread_context& c, unsigned requested_class, std::size_t bytes, on_failure f) noexcept {
    void* block = take_put_away(c, requested_class, *c.tag());
    return block != nullptr ? block : allocate_served(c, requested_class, bytes, f, __builtin_return_address(0));
}

void* pool_take_slow(thread_context& c, memory_kind k, unsigned requested_class, std::size_t bytes,
                     on_failure f) noexcept {
    core& a = *c.owner;
    if (k == memory_kind::pool && class_size(requested_class) > a.config.pool_max) {
        return heap_instead(c, requested_class, bytes, f);
    }
    const unsigned size_class = a.classes.serving(requested_class);
    if (c.probes.sampling()) [[unlikely]] {
        void* block = c.probes.hooks->sample_block(c, k, class_size(requested_class), bytes);
        if (block != nullptr) return block;
    }
    block_request q;
    for (bool trimmed = k != memory_kind::pool;;) {  // the others are asked for in the middle of a change
        pool_page* p = page_with_room(c, k, size_class, q);
        if (p == nullptr && quarantine_emptied(c)) p = page_with_room(c, k, size_class, q);
        if (p == nullptr && q.over_budget()) p = page_despite_budget(c, k, size_class, q);
        if (p != nullptr) {
            install(c, *p, k, size_class);
            if (requested_class != size_class) install(c, *p, k, requested_class);
            note_settled(c);
            void* block = pool_try_pop(c, k, requested_class);
            if (c.probes.any()) [[unlikely]]
                block = show_block(c, *p, size_class, block, bytes);
            if (block != nullptr) return block;
        }
        if (q.over_budget() && c.budget.policy == budget_policy::promote) {
            return heap_instead(c, requested_class, bytes, f);
        }
        if (!trimmed && (trimmed = make_room(a, q.why, f))) continue;
        if (f == on_failure::return_null) return nullptr;
        a.exhausted(q.why, k, class_size(requested_class), 16);
        q = {};  // its handler may have raised the budget
    }
}

std::size_t adopt_returned(thread_context& c, std::size_t blocks) noexcept {
    std::size_t taken = 0;
    while (taken < blocks) {
        pool_page* p = c.remote.next_arrived();
        if (p == nullptr) break;
        if (taken == 0) c.remote.queue().peak.raise_to(c.remote.queue().depth());
        const std::uint64_t bytes = p->block;
        const std::uint32_t came = adopt(c, *p);
        taken += came;
        blocks_adopted(c, came, came * bytes);
    }
    return taken;
}

namespace {

// Of what a budget counts, bytes of blocks carved in the page.
std::size_t counted_bytes(const thread_context& c, const pool_page& p) noexcept {
    if (traits_of(p.kind).budget != budget_base::pages) return 0;
    const slot_layout layout = c.owner->probes.layout();
    return std::size_t{(p.carved - layout.first_slot(p.block)) / layout.slot_bytes(p.block)} * p.block;
}

// The page may serve any class and tag of this thread.
void retire(thread_context& c, pool_page* page) noexcept {
    lists_of(*page).drop(*page);
    before_live_shrinks(c);
    observe_page(*page);
    c.pages.subtract_carved(counted_bytes(c, *page));
    page_retired(c, *page, c.owner->probes.layout().first_slot(page->block));
    c.pages.put_empty(*page);
}

// Current, and without a block in use.
bool is_unused(const pool_page& p) noexcept {
    return p.account != nullptr && p.current && p.used() == 0 && p.held == 0;
}

template <class F>
bool retire_unused_where(thread_context& c, F&& wanted) noexcept {
    bool any = false;
    for (pool_page* p = c.pages.first(); p != nullptr; p = p->next_all) {
        if (!is_unused(*p) || !wanted(*p)) continue;
        leave_full(c, lists_of(*p), *p);
        retire(c, p);
        any = true;
    }
    return any;
}

}  // namespace

bool retire_unused(thread_context& c) noexcept {
    return retire_unused_where(c, [](const pool_page&) { return true; });
}

bool give_up_unused(thread_context& c) noexcept {
    return retire_unused_where(c, [&](const pool_page& p) { return counted_bytes(c, p) != 0; });
}

std::size_t budgeted_pool_bytes(const thread_context& c) noexcept {
    std::size_t bytes = c.pages.carved_bytes();
    for (const pool_page* p = c.pages.first(); p != nullptr; p = p->next_all) {
        if (is_unused(*p)) bytes -= counted_bytes(c, *p);
    }
    return bytes;
}

// The last block of a page that is not current came back.
void page_emptied(pool_page* page) noexcept {
    thread_context& c = *page->owner;
    retire(c, page);
    if (c.pages.empty_count() > empty_pages_kept) release_empty_pages(c, false);
}

void release_empty_pages(thread_context& c, bool everything) noexcept {
    const std::uint32_t keep = everything ? 0 : empty_pages_kept / 2;
    const sync::lock_guard guard(c.owner->lock);
    while (c.pages.empty_count() > keep) {
        pool_page* p = c.pages.take_empty();
        page_set::unlink(*p);
        c.owner->depot.put(*p);
        c.owner->tally.note_return();
    }
}

core_ref owner_of_pooled(const void* block) noexcept {
    const pool_page* p = page_of(block);
    core& owner = p->size_class == sampled_class ? owner_of_sampled(*p) : *p->owner->owner;
    return {&owner, owner.id};
}

namespace {

FRAMEALLOC_COLD void free_guarded(pool_page& p, void* block) noexcept {
    lists_of(p).note_freed(p);
    p.owner->probes.hooks->quarantine_slot(*p.owner, p, block);
}

}  // namespace

void pool_free_own(pool_page& p, void* block) noexcept {
    if (p.owner->probes.guarded()) [[unlikely]]
        return free_guarded(p, block);
    owner_increment(p.frees);
    put_back_slot(p, block);
}

void put_back_slot(pool_page& p, void* slot) noexcept {
    *static_cast<void**>(slot) = p.free;
    link_written(*p.owner->owner, slot);
    p.free = slot;
    after_return(p);
}

// Takes back what other threads returned, then hands every empty page to the depot.
void trim_pages(thread_context& c) noexcept {
    settle_and_put_away(c);
    adopt_returned(c, all_blocks);
    quarantine_emptied(c);
    retire_unused(c);
    release_empty_pages(c, true);
}

}  // namespace framealloc::inline v1::memory
