// Blocks that another thread frees: batches on their way, the settings of the queue, statistics.
#include <framealloc/memory/core.hpp>
#include <framealloc/memory/pool.hpp>
#include <framealloc/memory/registry.hpp>
#include <framealloc/memory/watch.hpp>
#include <framealloc/os/thread.hpp>

namespace framealloc::inline FRAMEALLOC_ABI::memory {

namespace {

constexpr std::uint32_t batch_limit = 64;
constexpr std::uint32_t retry_microseconds = 20;

// A full queue is the owner's business; in no case is the block lost.
void meet_full_queue(thread_context& owner, std::uint32_t count) noexcept {
    deferred_queue& q = owner.deferred;
    auto full = [&] { return q.depth() + count > q.capacity.load_relaxed(); };  // relaxed: a threshold
    q.full_count.add_relaxed(1);  // relaxed: a statistic
    switch (static_cast<queue_full_policy>(q.full_policy.load_relaxed())) {  // relaxed: a setting
        case queue_full_policy::grow: return;
        case queue_full_policy::process_now: return q.urgent.store_relaxed(true);  // relaxed: a request
        case queue_full_policy::fail:
            owner.owner->raise(code::FA213, "capacity", nullptr, q.capacity.load_relaxed());  // relaxed: a setting
            return;
        case queue_full_policy::block: break;
    }
    const std::uint64_t deadline = os::monotonic_microseconds() + q.block_microseconds.load_relaxed();  // relaxed: a setting
    while (full()) {
        const bool gone = __atomic_load_n(&owner.slot, __ATOMIC_RELAXED) == nullptr;  // relaxed: a hint
        if (gone || os::monotonic_microseconds() >= deadline) {
            q.blocked_count.add_relaxed(1);  // relaxed: a statistic
            return;
        }
        os::sleep_microseconds(retry_microseconds);
    }
}

// Threads: any but the owner's.
void hand_over(pool_page& p, void* head, void* tail, std::uint32_t count) noexcept {
    thread_context& owner = *p.owner;
    const std::size_t capacity = owner.deferred.capacity.load_relaxed();  // relaxed: a setting
    if (capacity != 0 && owner.deferred.depth() + count > capacity) meet_full_queue(owner, count);
    owner.deferred.queued.add_relaxed(count);  // relaxed: a statistic
    // After this push the page may be gone, unless it is ours to announce.
    if (p.remote.push(address_of(&p), head, tail, count)) owner.arrivals.push(&p);
}

}  // namespace

void flush_batch(thread_context& c) noexcept {
    if (c.batch_page == nullptr) return;
    hand_over(*c.batch_page, c.batch_head, c.batch_tail, c.batch_count);
    c.batch_page = nullptr;
    c.batch_count = 0;
}

std::size_t process_deferred(thread_context& c, std::size_t blocks) noexcept {
    flush_batch(c);
    const std::size_t n = adopt_returned(c, blocks);
    if (watched(c)) tell_adopted(c);
    return n;
}

void set_deferred(thread_context& c, const deferred_config& d) noexcept {
    c.deferred.config = d;
    c.deferred.capacity.store_relaxed(d.capacity);                                  // relaxed: a setting
    c.deferred.full_policy.store_relaxed(static_cast<std::uint8_t>(d.full_policy));  // relaxed: a setting
    c.deferred.block_microseconds.store_relaxed(d.block_microseconds);              // relaxed: a setting
    c.deferred.immediate.store_relaxed(d.mode == deferred_mode::immediate);         // relaxed: a setting
    if (d.mode == deferred_mode::at_frame_begin) c.records[0].close_gate(gate_own);
    if (d.mode == deferred_mode::at_frame_end) add_pending(c.records[1], pending_always);
}

deferred_stats stats_of_deferred(const thread_context& c) noexcept {
    const deferred_queue& q = c.deferred;
    const std::uint64_t depth = q.depth();
    return {.total_queued = q.queued.load_relaxed(),  // relaxed: a statistic
            .total_processed = q.processed.get(),
            .current_depth = depth,
            .peak_depth = depth > q.peak.get() ? depth : q.peak.get(),
            .processed_bytes = q.processed_bytes.get(),
            .full_count = q.full_count.load_relaxed(),         // relaxed: a statistic
            .blocked_count = q.blocked_count.load_relaxed()};  // relaxed: a statistic
}

namespace {

void free_remote(thread_context& mine, pool_page& p, void* block) noexcept {
    if (mine.batch_page != &p || mine.batch_count == batch_limit) flush_batch(mine);
    if (mine.batch_page == nullptr) {
        mine.batch_page = &p;
        mine.batch_tail = block;
        mine.batch_head = nullptr;
        add_pending(mine.records[1], pending_pages);  // handed over when a frame ends
    }
    *static_cast<void**>(block) = mine.batch_head;
    mine.batch_head = block;
    ++mine.batch_count;
    mine.remote_frees.add(1);
    thread_context& owner = *p.owner;
    const std::uint32_t bytes = p.block;
    if (p.owner->deferred.immediate.load_relaxed()) flush_batch(mine);  // relaxed: a setting
    if (watched(mine)) [[unlikely]]
        tell(mine, {.kind = frame_event_kind::remote_free, .other_thread = thread_of(owner), .bytes = bytes});
}

}  // namespace

void pool_free_slow(void* block) noexcept {
    pool_page& p = *page_of(block);
    thread_context* owner = p.owner;
    if (owner == nullptr) broken_invariant("a block is freed into a page that nobody owns");
    if (belongs_to_caller(*owner)) {
        const page_view what = p.view();
        pool_free_own(p, block);
        if (watched(*owner) && what.kind != block_kind::outer) [[unlikely]]
            tell_release(*owner, what.kind == block_kind::pool ? memory_kind::pool : memory_kind::heap, what.block);
        return;
    }
    const core_ref a{owner->owner, owner->owner->id};
    if (a.owner->orphaned.load_relaxed()) {  // relaxed: whoever misses it frees as before
        retain_core(a);  // until now the block kept it alive
        hand_over(p, block, block, 1);
        return release_core(a);
    }
    thread_context* mine = try_attach(a);
    if (mine == owner) return pool_free_own(p, block);
    if (mine != nullptr) return free_remote(*mine, p, block);
    hand_over(p, block, block, 1);
}

}  // namespace framealloc::inline FRAMEALLOC_ABI::memory
