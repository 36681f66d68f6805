#include <framealloc/insight/stats.hpp>

#include <algorithm>
#include <cstring>

#include <framealloc/insight/state.hpp>
#include <framealloc/probe/watch.hpp>

namespace framealloc::inline v1::insight {

using namespace memory;

namespace {

// `first` and `f` under one lock.
template <class First, class F>
void for_each_context(core& a, First&& first, F&& f) {
    const sync::lock_guard guard(a.lock);
    first();
    for (thread_context* c = a.contexts; c != nullptr; c = c->next) f(*c);
}

template <class F>
void for_each_context(core& a, F&& f) {
    for_each_context(a, [] {}, f);
}

template <class F>
void for_each_account(thread_context& c, F&& f) {
    auto* e = __atomic_load_n(&c.accounts, __ATOMIC_ACQUIRE);  // pairs: account_for()
    for (; e != nullptr; e = __atomic_load_n(&e->next, __ATOMIC_ACQUIRE))
        f(static_cast<tag_account&>(*e));  // pairs: account_for()
}

// The caller's own last boundary is now.
thread_context* settle_caller(core_ref a) noexcept {
    thread_context* c = try_attach(a);
    if (c == nullptr) return nullptr;
    settle(*c);
    flush_batch(*c);
    return c;
}

std::uint32_t blocks_out(const pool_page& p) noexcept {
    const std::uint32_t used = p.used();
    const std::uint32_t remote = p.remote.count();
    return used > remote ? used - remote : 0;
}

bool below(const account::tag_node* node, const account::tag_node* ancestor) noexcept {
    while (node != nullptr && node != ancestor) node = node->parent;
    return node != nullptr;
}

struct tag_sum {
    tag_bytes own;
    tag_bytes tree;
    bool borrows = false;
};

void add_account(tag_sum& sum, const thread_context& c, const tag_account& e,
                 const account::tag_node* wanted) noexcept {
    const std::size_t frame = e.frame_held.get();
    const std::size_t last = e.frame_bytes.bytes_in(finished_frame(c));
    const std::size_t heap = e.heap_balance();
    auto add = [&](tag_bytes& t) {
        t.frame_bytes += frame;
        t.last_frame_bytes += last;
        t.heap_bytes += heap;
    };
    add(sum.tree);
    if (e.node != wanted) return;
    add(sum.own);
    sum.borrows = sum.borrows || e.borrows.load_relaxed();  // relaxed: a statistic
    sum.own.peak_bytes += e.peak.get();
    sum.tree.peak_bytes += e.tree_peak.get();
}

// The statistics of a kind: a field each.
constexpr std::size_t tag_bytes::* bytes_of_kind[] = {&tag_bytes::frame_bytes, &tag_bytes::pool_bytes,
                                                      &tag_bytes::heap_bytes};
constexpr std::size_t alloc_stats::* allocated_of_kind[] = {&alloc_stats::frame_allocated, &alloc_stats::pool_allocated,
                                                            &alloc_stats::heap_allocated};
static_assert(std::size(bytes_of_kind) == kind_count && std::size(allocated_of_kind) == kind_count);

template <class Stats>
std::size_t total_of(const Stats& s, std::size_t Stats::* const (&fields)[kind_count]) noexcept {
    std::size_t sum = 0;
    for (const auto field : fields) sum += s.*field;
    return sum;
}

tag_stats tag_stats_for(core& a, const account::tag_node* wanted) noexcept {
    tag_sum sum;
    for_each_context(a, [&](thread_context& c) {
        for_each_account(c, [&](const tag_account& e) {
            if (below(e.node, wanted)) add_account(sum, c, e, wanted);
        });
        for (const pool_page* p = c.all_pages; p != nullptr; p = p->next_all) {
            const page_view v = p->view();
            if (!traits_of(v.kind).freed_singly || v.account == nullptr || !below(v.account->node, wanted)) continue;
            const std::size_t bytes = std::size_t{blocks_out(*p)} * v.block;
            auto add = [&](tag_bytes& t) { t.*bytes_of_kind[index_of(v.kind)] += bytes; };
            add(sum.tree);
            if (v.account->node == wanted) add(sum.own);
        }
    });
    for (tag_bytes* t : {&sum.own, &sum.tree}) t->total_bytes = total_of(*t, bytes_of_kind);
    tag_stats result;
    static_cast<tag_bytes&>(result) = sum.own;
    result.with_children = sum.tree;
    result.borrows = sum.borrows;
    return result;
}

account::tag_node* find_path(account::tag_tree& tree, std::string_view path) noexcept {
    account::tag_node* at = tree.root();
    while (at != nullptr && !path.empty()) {
        const std::size_t end = path.find("::");
        const std::string_view name = path.substr(0, end);
        if (!name.empty()) at = tree.find(at, {name.data(), name.size()});
        path = end == std::string_view::npos ? std::string_view{} : path.substr(end + 2);
    }
    return at;
}

account::tag_node* find_tag(account::tag_tree& tree, const tag& t) noexcept {
    account::tag_node* parent = t.parent() == nullptr ? tree.root() : find_tag(tree, *t.parent());
    return parent == nullptr ? nullptr : tree.find(parent, {t.name(), std::strlen(t.name())});
}

void add_pages(alloc_stats& s, const thread_context& c, std::uint64_t& live) noexcept {
    for (const pool_page* p = c.all_pages; p != nullptr; p = p->next_all) {
        const page_view v = p->view();
        if (!traits_of(v.kind).freed_singly || v.block == 0) continue;
        const std::uint32_t out = blocks_out(*p);
        s.*allocated_of_kind[index_of(v.kind)] += std::size_t{out} * v.block;
        live += out;
        s.allocation_count += __atomic_load_n(&p->allocations, __ATOMIC_RELAXED) -
                              __atomic_load_n(&p->charged, __ATOMIC_RELAXED);  // relaxed: not charged yet
    }
}

struct counts {
    std::uint64_t allocations = 0, frees = 0;
};

// Counted from when the allocator was made. `base` is what they were at the last reset: read first, so it is not above
// them.
alloc_stats stats_from_the_start(core_ref a, counts& base) noexcept {
    settle_caller(a);
    alloc_stats s;
    std::uint64_t live = 0 - a.owner->refunds.get();
    std::uint64_t peak = 0;
    const auto read_base = [&] { base = {state_of(*a.owner).allocations_before, state_of(*a.owner).frees_before}; };
    for_each_context(*a.owner, read_base, [&](thread_context& c) {
        for_each_account(c, [&](const tag_account& e) {
            s.frame_allocated += e.frame_held.get();
            s.heap_allocated += e.heap_balance();
            if (e.node->parent == nullptr) peak += e.tree_peak.get();
        });
        s.allocation_count += c.heap_allocations.get() + c.frame_allocations.get();
        for (unsigned k = 0; k < kind_count; ++k)
            s.allocation_count += traits_of(kind_at(k)).freed_singly ? c.taken[k].get() : 0;
        live += c.heap_allocations.get() - c.heap_frees.get();
        s.slab_refill_count += c.slab_refills.get();
        s.deferred_free_count += c.remote_frees.get();
        add_pages(s, c, live);
        live += c.frame_allocations.get() - c.frame_releases.get();
    });
    s.deallocation_count = s.allocation_count - live;
    s.total_allocated = total_of(s, allocated_of_kind);
    s.peak_allocated = peak > s.total_allocated ? peak : s.total_allocated;
    s.committed = a.owner->pages.committed();
    s.peak_committed = a.owner->pages.peak_committed();
    s.reserved = a.owner->pages.reserved();
    s.page_requests = a.owner->pages.requests();
    return s;
}

// What other threads do meanwhile is seen in part: a difference may come out below zero for a moment.
std::uint64_t since(std::uint64_t base, std::uint64_t now) noexcept { return now > base ? now - base : 0; }

}  // namespace

alloc_stats stats_of(core_ref a) noexcept {
    counts base;
    alloc_stats s = stats_from_the_start(a, base);
    s.allocation_count = since(base.allocations, s.allocation_count);
    s.deallocation_count = since(base.frees, s.deallocation_count);
    return s;
}

void count_allocations(core_ref a, bool on) noexcept {
    a.owner->probes.count_frame_blocks(on);  // relaxed: call_everybody() comes after
    call_everybody(*a.owner);
    if (thread_context* c = try_context_of(a)) refresh_limit(*c);
}

void reset_stats(core_ref a) noexcept {
    counts before;
    const alloc_stats now = stats_from_the_start(a, before);
    const auto set_base = [&] { state_of(*a.owner) = {now.allocation_count, now.deallocation_count}; };
    for_each_context(*a.owner, set_base, [](thread_context& c) {
        for_each_account(c, [](tag_account& e) {
            e.peak.set(e.live.get());
            e.tree_peak.set(e.tree_live.get());
        });
        c.frame_peak.set(c.frame_used.get());
    });
}

tag_stats tag_stats_of(core_ref a, std::string_view path) noexcept {
    settle_caller(a);
    const account::tag_node* node = find_path(a.owner->tags, path);
    return node == nullptr ? tag_stats{} : tag_stats_for(*a.owner, node);
}

tag_stats tag_stats_of(core_ref a, const tag& t) noexcept {
    settle_caller(a);
    const account::tag_node* node = find_tag(a.owner->tags, t);
    return node == nullptr ? tag_stats{} : tag_stats_for(*a.owner, node);
}

frame_stats frame_stats_of(core_ref a) noexcept {
    frame_stats s;
    thread_context* c = settle_caller(a);
    if (c == nullptr) return s;
    s.frame_number = c->records[1].generation;
    s.bytes_allocated = c->handed.bytes_in(s.frame_number);
    s.allocation_count = c->frame_allocations.get();
    s.bytes_in_use = frame_bytes_in_use(*c);
    s.peak_bytes = c->frame_peak.get() > s.bytes_in_use ? c->frame_peak.get() : s.bytes_in_use;
    s.outer_growth = c->outer_growth.get();
    s.oversize = c->oversize.get();
    s.arena_growth = c->chunk_growth.get();
    s.suggested_capacity = c->retained.suggested_with_oversize();
    return s;
}

std::span<const phase_stats> phase_stats_of(core_ref a) noexcept {
    thread_context* c = settle_caller(a);
    if (c == nullptr) return {};
    const std::uint64_t frame = finished_frame(*c);
    if (frame == 0) return {};
    std::size_t n = 0;
    for_each_account(
        *c, [&](const tag_account& e) { n += e.phase_bytes.touched(frame) && e.node->parent != nullptr ? 1U : 0U; });
    if (n == 0) return {};
    const std::size_t wanted = n * sizeof(phase_stats);
    thread_state& kept = state_of(*c);
    if (kept.report_bytes < wanted) {
        exhaustion_reason why{};
        void* memory = a.owner->meta.allocate(wanted, why);
        if (memory == nullptr) return {};
        a.owner->meta.deallocate(kept.report, kept.report_bytes);
        kept = {memory, wanted};
    }
    auto* out = static_cast<phase_stats*>(kept.report);
    std::size_t i = 0;
    for_each_account(*c, [&](const tag_account& e) {
        if (!e.phase_bytes.touched(frame) || e.node->parent == nullptr) return;
        ::new (static_cast<void*>(out + i++)) phase_stats{
            {e.node->path, e.node->path_length}, e.phase_bytes.bytes_in(frame), e.phase_count.bytes_in(frame)};
    });
    return {out, n};
}

}  // namespace framealloc::inline v1::insight
