// Blocks that another thread frees: batches on their way, the settings of the queue, statistics.
#include <framealloc/base/observer.hpp>
#include <framealloc/detail/core/core.hpp>
#include <framealloc/detail/core/pool.hpp>
#include <framealloc/detail/core/registry.hpp>
#include <framealloc/detail/core/report.hpp>
#include <framealloc/detail/os/thread.hpp>

#include <new>

namespace framealloc::inline v1::memory {

namespace {

constexpr std::uint32_t retry_microseconds = 20;

// A full queue is the owner's business; in no case is the block lost.
void meet_full_queue(thread_context& owner, std::uint32_t count) noexcept {
    deferred_queue& q = owner.remote.queue();
    auto full = [&] { return q.depth() + count > q.capacity.load_relaxed(); };  // relaxed: a threshold
    q.full_count.add_relaxed(1);  // relaxed: a statistic
    switch (static_cast<queue_full_policy>(q.full_policy.load_relaxed())) {  // relaxed: a setting
        case queue_full_policy::grow: return;
        case queue_full_policy::process_now: return q.urgent.store_relaxed(true);  // relaxed: a request
        case queue_full_policy::fail:
            owner.owner->raise(
                {.what = code::FA213, .detail = "capacity", .bytes = q.capacity.load_relaxed()});  // relaxed: a setting
            return;
        case queue_full_policy::block: break;
    }
    const std::uint64_t deadline = os::monotonic_microseconds() +
                                   q.block_microseconds.load_relaxed();  // relaxed: a setting
    while (full()) {
        const bool detached = !owner.life.attached();  // relaxed: a hint
        if (detached || os::monotonic_microseconds() >= deadline) {
            q.blocked_count.add_relaxed(1);  // relaxed: a statistic
            return;
        }
        os::sleep_microseconds(retry_microseconds);
    }
}

// Threads: any but the owner's.
void hand_over(pool_page& p, void* head, void* tail, std::uint32_t count) noexcept {
    thread_context& owner = *p.owner;
    const std::size_t capacity = owner.remote.queue().capacity.load_relaxed();  // relaxed: a setting
    if (capacity != 0 && owner.remote.queue().depth() + count > capacity) meet_full_queue(owner, count);
    owner.remote.queue().queued.add_relaxed(count);  // relaxed: a statistic
    p.account->pages[index_of(p.kind)]->note_handed_over(p, count);
    // After this push the page may no longer exist, unless it is ours to announce.
    if (p.remote.push(address_of(&p), head, tail, count)) owner.remote.announce(p);
}

// Without a batch.
void hand_over_one(pool_page& p, void* block) noexcept {
    auto* b = ::new (block) returned_blocks{};
    hand_over(p, b, b, 1);
}

}  // namespace

void flush_batch(thread_context& c) noexcept {
    if (!c.remote.has_batch()) return;
    pool_page& p = *c.remote.batch_page();
    const returned_chain chain = c.remote.chain_batch(p.owner->owner->probes.layout().link_bytes(p.block));
    hand_over(p, chain.head, chain.tail, chain.count);
    c.remote.end_batch();
}

std::size_t process_deferred(core_ref a, std::size_t blocks) noexcept {
    thread_context* c = context_met(a);
    if (c == nullptr) return 0;
    flush_batch(*c);
    const std::size_t n = adopt_returned(*c, blocks);
    show_adopted(*c);
    return n;
}

void set_deferred(thread_context& c, const deferred_config& d) noexcept {
    c.remote.queue().config = d;
    c.remote.queue().capacity.store_relaxed(d.capacity);  // relaxed: a setting
    c.remote.queue().full_policy.store_relaxed(static_cast<std::uint8_t>(d.full_policy));  // relaxed: a setting
    c.remote.queue().block_microseconds.store_relaxed(d.block_microseconds);  // relaxed: a setting
    c.remote.queue().immediate.store_relaxed(d.mode == deferred_mode::immediate);  // relaxed: a setting
    if (d.mode == deferred_mode::at_frame_begin) c.stack.ground().gate.on(gate_own);
    if (d.mode == deferred_mode::at_frame_end) add_pending(c.stack.outermost(), pending_always);
}

deferred_stats stats_of_deferred(core_ref a) noexcept {
    const thread_context* c = context_met(a);
    if (c == nullptr) return {};
    const deferred_queue& q = c->remote.queue();
    const std::uint64_t depth = q.depth();
    return {.total_queued = q.queued.load_relaxed(),  // relaxed: a statistic
            .total_processed = q.processed.get(),
            .current_depth = depth,
            .peak_depth = depth > q.peak.get() ? depth : q.peak.get(),
            .processed_bytes = q.processed_bytes.get(),
            .full_count = q.full_count.load_relaxed(),  // relaxed: a statistic
            .blocked_count = q.blocked_count.load_relaxed()};  // relaxed: a statistic
}

namespace {

void add_to_batch(thread_context& mine, void* block) noexcept {
    mine.remote.add(block);
    mine.counters.add(counter::remote_frees, 1);
}

void free_remote(thread_context& mine, pool_page& p, void* block) noexcept {
    if (!mine.remote.batches(p)) flush_batch(mine);
    if (!mine.remote.has_batch()) {
        mine.remote.begin_batch(p);
        add_pending(mine.stack.outermost(), pending_pages);  // handed over when a frame ends
    }
    add_to_batch(mine, block);
    const thread_context& owner = *p.owner;
    const std::uint32_t bytes = p.block;
    if (p.owner->remote.queue().immediate.load_relaxed()) flush_batch(mine);  // relaxed: a setting
    if (mine.probes.watched()) [[unlikely]]
        mine.probes.hooks->notify(
            mine, {.kind = frame_event_kind::remote_free, .other_thread = thread_of(owner), .bytes = bytes});
}

void free_on_owner(thread_context& owner, pool_page& p, void* block) noexcept {
    const activity_scope changing(&owner, activity::changing);
    const page_view what = p.view();
    pool_free_own(p, block);
    if (traits_of(what.kind).freed_singly) show_release(owner, what.kind, what.block);
}

// Requires: a handle is held.
void free_pinned(core_ref a, thread_context& owner, pool_page& p, void* block) noexcept {
    if (a.owner->probes.guarded()) {
        const activity_scope changing(context_of_caller(*a.owner), activity::changing);
        block = a.owner->probes.hooks->end_block(*a.owner, block);
        if (block == nullptr) return;
    }
    if (belongs_to_caller(owner)) return free_on_owner(owner, p, block);
    if (a.owner->life.is_without_handles()) return hand_over_one(p, block);
    thread_context* mine = try_attach(a);
    const activity_scope changing(mine, activity::changing);
    if (mine == &owner) return pool_free_own(p, block);
    if (mine != nullptr) return free_remote(*mine, p, block);
    hand_over_one(p, block);
}

}  // namespace

// No page of ours begins there: a larger block that is freed with the size of a small one, or one of somebody else.
// Whose allocator was meant is not known; the one that this thread used last reports it.
void refuse_foreign(const void* block, site where) noexcept {
    constexpr const char* detail =
        "the pointer is in no pool page; it is a block of another size, or not from framealloc";
    thread_context* c = FRAMEALLOC_SLOT.context;
    if (c != nullptr) {
        c->owner->raise({.what = code::FA414, .detail = detail, .where = where, .address = block});
        return;
    }
    raise_for_process({.what = code::FA414, .detail = detail, .where = where, .address = block});
}

void pool_free_slow(void* block) noexcept {
    pool_page& p = *page_of(block);
    if (thread_context* c = FRAMEALLOC_SLOT.context; c != nullptr && c->remote.batches(p)) {
        const bool plain = !c->probes.diverted() && !c->owner->life.is_without_handles();  // relaxed: as below
        if (plain) return add_to_batch(*c, block);  // the rest was looked at when the batch was begun
    }
    if (p.size_class == sampled_class)
        return owner_of_sampled(p).probes.hooks->sampled_free(owner_of_sampled(p), block);
    thread_context* owner = p.owner;
    if (owner == nullptr) {
        refuse_foreign(block, site::of_caller(__builtin_return_address(0)));
        return;
    }
    const core_ref a{owner->owner, owner->owner->id};
    const bool own = !a.owner->probes.guarded() && !a.owner->life.is_without_handles() &&
                     belongs_to_caller(*owner);  // relaxed: as above
    if (own) return free_on_owner(*owner, p, block);
    retain_core(a);  // until now the block kept it alive; the last handle may go as soon as the block has
    free_pinned(a, *owner, p, block);
    release_core(a);
}

}  // namespace framealloc::inline v1::memory
