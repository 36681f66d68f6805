// Heap blocks of any size: from a thread's pages, from its cache, from the large heap.
#include <framealloc/detail/core/core.hpp>
#include <framealloc/detail/core/pool.hpp>
#include <framealloc/detail/core/registry.hpp>
#include <framealloc/detail/core/zones.hpp>
#include <framealloc/detail/guard/annotate.hpp>
#include <framealloc/detail/memory/backend.hpp>

#include <bit>
#include <new>

namespace framealloc::inline v1::memory {

namespace {

constexpr std::size_t header = sizeof(heap_block);

// On the tab of the tag that pays for it. Requires: the tab serves it, and no frame has ended since the last boundary.
FRAMEALLOC_INLINE void note_taken(thread_context& c, heap_tab& tab, std::uint64_t bytes) noexcept {
    tab.take(bytes);
    c.counters.add(counter::heap_allocations, 1);
}
// Whether no peak has to be noted before: what open frames have is beside it until now.
FRAMEALLOC_INLINE bool may_shrink(const thread_context& c) noexcept {
    return c.heap.tab().serves(c.stack.top()->cursor - c.charges.segment()) && c.charges.highest() == 0;
}
// Of a block that comes back. The last of it: from here on another thread may close the allocator.
FRAMEALLOC_INLINE void count_returned(thread_context& c) noexcept { c.counters.add(counter::heap_frees, 1); }
// Whose it is.
FRAMEALLOC_INLINE void label(heap_block& b, tag_account& payer) noexcept {
    b.who = &payer;
    b.tag_index = payer.node->index;
    b.charged = true;
}
// From here on the current tag's blocks go on its tab, and those of its size that come back are kept.
void open_tab(thread_context& c) noexcept {
    heap_tab& tab = c.heap.tab();
    if (tab.is_open() || c.probes.any() || c.owner->config.heap != nullptr) return;
    if (!c.heap.has_shelf()) return;
    close_tab(c);  // what is charged late has room below the peaks as well
    tab.open(*c.tag(), c.counters.get(counter::heap_allocations));
    if (!tab.is_open()) return;
    c.charges.note_tab(true);
    c.charges.set_quiet_bytes(0);  // by which frames would miss what is on the tab
    note_settled(c);
    add_pending(c.stack.outermost(), pending_pages);  // charged when the outermost frame ends
}

// Where the heap had to grow, half of what the thread keeps goes to it, whole or in pieces: what is kept is of sizes
// that nobody asks for.
heap_block* allocate_uncached(thread_context& c, std::size_t bytes, std::size_t align,
                              exhaustion_reason& why) noexcept {
    const std::size_t before = c.owner->pages.committed();
    heap_block* b = c.owner->large.allocate(bytes, align, why);
    if (c.owner->pages.committed() > before) shrink_heap_cache(c, c.heap.bytes() / 2);
    return b;
}

void* allocate_through_backend(thread_context& c, std::size_t bytes, std::size_t align) noexcept {
    const std::size_t offset = align > header ? align : header;
    void* p = backend_allocate(*c.owner->config.heap, bytes + offset + back_zone(c), offset);
    if (p == nullptr) return nullptr;
    auto* b = ::new (pointer_at(address_of(p) + offset - header)) heap_block{};
    if (!large_born(c, b + 1, bytes, align, memory_kind::heap)) {
        backend_deallocate(*c.owner->config.heap, p, bytes + offset + back_zone(c), offset);
        return nullptr;
    }
    b->who = c.tag();
    b->bytes = bytes + offset + back_zone(c);
    b->requested = bytes;
    b->tag_index = c.tag()->node->index;
    b->charged = true;
    b->taker = c.owner;
    b->align_log2 = static_cast<std::uint8_t>(std::countr_zero(offset));
    charge_heap(c, bytes);
    return b + 1;
}

// Small blocks come from the pages, which tell of them.
bool from_pages(core_ref a, std::size_t bytes, std::size_t align) noexcept {
    return a.owner->config.heap == nullptr && class_for(bytes == 0 ? 1 : bytes, align) != no_class;
}

bool plausible(const core& c, std::size_t bytes, std::size_t align) noexcept {
    return bytes <= largest_block && align <= largest_block && is_power_of_two(align) && c.id != 0;
}

void* try_heap(core_ref a, thread_context& c, std::size_t bytes, std::size_t align, exhaustion_reason& why) noexcept {
    if (!plausible(*a.owner, bytes, align)) {
        why = exhaustion_reason::size_overflow;
        return nullptr;
    }
    why = exhaustion_reason::system_refused;
    if (a.owner->config.heap != nullptr) return allocate_through_backend(c, bytes, align);
    const unsigned k = class_for(bytes, align);
    if (k == no_class) return large_allocate(c, bytes, align, true, why);
    return pool_take(c, memory_kind::heap, k, bytes, on_failure::return_null);
}

void free_through_backend(core& a, thread_context* c, heap_block& b) noexcept {
    const std::size_t offset = std::size_t{1} << b.align_log2;
    if (!large_freed(a, &b + 1)) return;
    refund_heap(a, c, *b.who, b.requested);
    const std::uintptr_t begin = address_of(&b + 1) - offset;
    a.probes.allow(begin, begin + b.bytes);  // it is the resource's
    backend_deallocate(*a.config.heap, pointer_at(begin), b.bytes, offset);
}

// A thread for whose context there is no memory frees all the same, without a cache.
void free_large(core& a, thread_context* c, void* p) noexcept {
    heap_block* b = block_of(p);
    if (!large_freed(a, p)) return;
    const bool charged = b->charged && b->requested != 0;
    if (charged) refund_heap(a, c, *b->who, b->requested);
    b->charged = true;  // as the next who takes it from the cache expects
    b->requested = 0;  // free, also while it waits in the cache or is quarantined
    b->zero = false;
    if (!large_rests(c, p)) large_release(a, c, p);
    if (charged && c != nullptr) open_tab(*c);  // others are given back while their frame ends
}

void free_beyond_pages(core& a, thread_context* c, void* p, std::size_t bytes) noexcept {
    const activity_scope changing(c, activity::changing);
    heap_block& b = *block_of(p);
    const bool freed_before = a.probes.guarded() && b.requested == 0;  // end_large() says so
    if (a.config.reports && b.requested != bytes && !freed_before)
        a.raise({.what = code::FA418,
                 .detail = "the size given to heap_free is not the size that was allocated",
                 .where = c != nullptr ? c->probes.place() : site{},
                 .address = p,
                 .bytes = bytes});
    if (a.config.heap == nullptr) free_large(a, c, p);
    else free_through_backend(a, c, b);
    if (c != nullptr) show_release(*c, memory_kind::heap, bytes);
}

void free_in_context(core_ref a, void* p, std::size_t bytes) noexcept {
    retain_core(a);  // until now the block kept it alive; the last handle may go as soon as it has
    free_beyond_pages(*a.owner, try_context_of(a), p, bytes);
    release_core(a);
}

}  // namespace

void charge_heap(thread_context& c, std::uint64_t bytes) noexcept {
    if (c.heap.tab().serves(bytes) && c.charges.highest() == 0) return note_taken(c, c.heap.tab(), bytes);
    before_live_grows(c);
    tag_account &tag = *c.tag(), &phase = *c.phase();
    const std::uint64_t frame = current_frame(c);
    tag.heap_taken.add(bytes);
    tag.add_live(static_cast<std::int64_t>(bytes));
    phase.phase_bytes.add(frame, bytes);
    phase.phase_count.add(frame, 1);
    c.counters.add(counter::heap_allocations, 1);
}

void refund_heap(core& a, thread_context* c, tag_account& payer, std::uint64_t bytes) noexcept {
    if (c != nullptr && c->heap.tab().payer() == &payer && may_shrink(*c)) {
        c->heap.tab().give_back(bytes);
        return count_returned(*c);
    }
    if (payer.owner == c) {
        before_live_shrinks(*c);
        payer.heap_returned.add(bytes);
        payer.correct_live(-static_cast<std::int64_t>(bytes));
    } else {
        payer.refund_elsewhere(bytes);
    }
    if (c != nullptr) return count_returned(*c);
    const sync::lock_guard guard(a.lock);
    a.tally.note_refund();
}

tag_account* recharge_heap(thread_context& c, tag_account& payer, std::uint64_t before, std::uint64_t now) noexcept {
    close_tab(c);
    before_live_shrinks(c);
    if (payer.owner == &c) {
        (now > before ? payer.heap_taken : payer.heap_returned).add(now > before ? now - before : before - now);
        payer.add_live(static_cast<std::int64_t>(now) - static_cast<std::int64_t>(before));
        return &payer;
    }
    exhaustion_reason why{};
    tag_account* mine = account_for(c, payer.node, why);
    if (mine == nullptr) mine = c.charges.accounts().root();
    payer.refund_elsewhere(before);
    mine->heap_taken.add(now);
    mine->add_live(static_cast<std::int64_t>(now));
    return mine;
}

void* large_allocate(thread_context& c, std::size_t bytes, std::size_t align, bool charged,
                     exhaustion_reason& why) noexcept {
    if (bytes > largest_block || align > largest_block) {
        why = exhaustion_reason::size_overflow;
        return nullptr;
    }
    heap_block* b = c.heap.take(bytes + back_zone(c), align);
    if (b == nullptr) b = allocate_uncached(c, bytes + back_zone(c), align, why);
    if (b == nullptr && quarantine_emptied(c)) return large_allocate(c, bytes, align, charged, why);
    if (b == nullptr) return nullptr;
    if (!large_born(c, payload_of(b), bytes, align, charged ? memory_kind::heap : memory_kind::frame)) {
        c.owner->large.deallocate(b);
        return nullptr;
    }
    b->requested = bytes;
    label(*b, *c.tag());
    b->charged = charged;
    if (!charged) return payload_of(b);
    charge_heap(c, bytes);
    open_tab(c);
    return payload_of(b);
}

void large_free(thread_context& c, void* p) noexcept { free_large(*c.owner, &c, p); }

void large_release(core& a, thread_context* c, void* p) noexcept {
    heap_block* b = block_of(p);
    a.probes.allow(address_of(p), address_of(b) + b->bytes);
    if (c != nullptr && c->heap.put(b, a.large.kept(), a.pages.committed(), a.meta)) return;
    a.large.deallocate(b);
    a.tally.note_return();
}

void shrink_heap_cache(thread_context& c, std::size_t keep) noexcept {
    c.heap.shrink(keep, c.owner->large.kept(), [&c](heap_block* b) {
        c.owner->large.deallocate(b);
        c.owner->tally.note_return();
    });
}

std::size_t seize_heap_caches(core& a) noexcept {
    const sync::lock_guard guard(a.lock);
    std::size_t bytes = 0;
    for (thread_context* c = a.threads.first(); c != nullptr; c = context_list::after(*c))
        bytes += c->heap.seize(a.large.kept(), [&a](heap_block* b) { a.large.deallocate(b); });
    if (bytes != 0) a.tally.note_return();
    return bytes;
}

bool any_heap_cached(core& a) noexcept {
    const sync::lock_guard guard(a.lock);
    thread_context* c = a.threads.first();
    while (c != nullptr && c->heap.bytes() == 0) c = context_list::after(*c);
    return c != nullptr;
}

void flush_heap_cache(thread_context& c) noexcept {
    quarantine_emptied(c);
    shrink_heap_cache(c, 0);
}

void* heap_allocate_any(core_ref a, std::size_t bytes, std::size_t align, on_failure f) noexcept {
    thread_context* c = f == on_failure::ask_handler ? context_of(a) : try_context_of(a);
    if (c == nullptr) return nullptr;
    const served_call call(*c, __builtin_return_address(0));
    if (!call.admitted()) return nullptr;
    if (!is_power_of_two(align) && a.owner->config.reports)
        raise(*c, {.what = code::FA431, .detail = "in a pool or heap allocation", .bytes = align});
    for (bool trimmed = false;;) {
        exhaustion_reason why{};
        void* p = nullptr;
        {
            const activity_scope changing(c, activity::changing);
            p = try_heap(a, *c, bytes == 0 ? 1 : bytes, align, why);
        }
        if (p != nullptr) {
            if (!from_pages(a, bytes, align)) show_allocation(*c, memory_kind::heap, bytes);
            return p;
        }
        if (!trimmed && (trimmed = make_room(*a.owner, why, f))) continue;
        if (f == on_failure::return_null) return nullptr;
        a.owner->exhausted(why, memory_kind::heap, bytes, align);
    }
}

void heap_free_known(core_ref a, void* p, std::size_t bytes, std::size_t align) noexcept {
    if (from_pages(a, bytes, align)) return pool_free(p);
    free_in_context(a, p, bytes);
}

void heap_free_any(core_ref a, void* p, std::size_t bytes, std::size_t align) noexcept {
    const std::size_t size = bytes == 0 ? 1 : bytes;
    if (a.owner->probes.guarded()) [[unlikely]]
        return a.owner->probes.hooks->free(a, memory_kind::heap, p, size, align,
                                           site::of_caller(__builtin_return_address(0)));
    heap_free_known(a, p, size, align);
}

void* take_kept(thread_context& c, std::size_t bytes) noexcept {
    heap_tab& tab = c.heap.tab();
    if (!tab.serves(bytes) || c.charges.highest() != 0) [[unlikely]]
        return nullptr;
    heap_block* b = c.heap.take(bytes);
    if (b == nullptr) [[unlikely]]
        return nullptr;
    b->requested = bytes;
    if (b->who != tab.payer()) [[unlikely]]
        label(*b, static_cast<tag_account&>(*tab.payer()));
    note_taken(c, tab, bytes);
    return payload_of(b);
}

bool keep_block(thread_context& c, void* p, std::size_t bytes) noexcept {
    heap_tab& tab = c.heap.tab();
    if (!tab.is_open()) [[unlikely]]
        return false;  // as where blocks are guarded: it may be none of ours
    heap_block& b = *block_of(p);
    if (b.who != tab.payer() || b.requested != bytes || !may_shrink(c) || !c.heap.has_room(b)) [[unlikely]]
        return false;
    b.requested = 0;
    b.zero = false;
    heap_cache::list& bin = c.heap.make_place(b);
    tab.give_back(bytes);
    heap_cache::keep(bin, &b);
    count_returned(c);
    return true;
}

void heap_free_large(void* p) noexcept {
    free_in_context(owner_of_large(p), p, static_cast<std::size_t>(block_of(p)->requested));
}

void pool_free_bytes_slow(core_ref a, void* p, std::size_t bytes, std::size_t align) noexcept {
    if (a.owner->probes.guarded())
        return a.owner->probes.hooks->free(a, memory_kind::pool, p, bytes, align,
                                           site::of_caller(__builtin_return_address(0)));
    heap_free_known(a, p, bytes, align);
}

}  // namespace framealloc::inline v1::memory
