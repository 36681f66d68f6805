// Statistics, added up from what each thread counts for itself.
#include <framealloc/insight/stats.hpp>

#include <algorithm>
#include <cstring>
#include <utility>

#include <framealloc/detail/core/walk.hpp>
#include <framealloc/detail/insight/state.hpp>
#include <framealloc/detail/probe/watch.hpp>

namespace framealloc::inline v1::insight {

using memory::core;
using memory::core_ref;
using memory::page_use;
using memory::tag_account;
using memory::thread_context;
using memory::thread_counts;

namespace {

// The caller's own last boundary is now.
thread_context* settle_caller(core_ref a) noexcept {
    thread_context* c = try_attach(a);
    if (c == nullptr) return nullptr;
    settle(*c);
    note_use(*c);
    flush_batch(*c);
    return c;
}

// Or the same one.
bool below(const account::tag_node* node, const account::tag_node* ancestor) noexcept {
    do {
        if (node == ancestor) return true;
        node = node->parent;
    } while (node != nullptr);
    return false;
}

struct tag_sum {
    tag_bytes own;
    tag_bytes tree;
    bool borrows = false;
};

// `Field`: where the bytes of a kind are counted. No loop: what is said of a kind that is known costs nothing.
template <auto Field, class Stats, std::size_t... K>
FRAMEALLOC_INLINE void add_balances(Stats& s, const tag_account& e, std::index_sequence<K...>) noexcept {
    ((s.*Field(kind_at(K)) += e.balance_of(kind_at(K))), ...);
}
template <auto Field, class Stats>
FRAMEALLOC_INLINE void add_balances(Stats& s, const tag_account& e) noexcept {
    add_balances<Field>(s, e, std::make_index_sequence<kind_count>{});
}
template <auto Field, class Stats>
std::size_t total_of(const Stats& s) noexcept {
    std::size_t sum = 0;
    for (unsigned k = 0; k < kind_count; ++k) sum += s.*Field(kind_at(k));
    return sum;
}

// What is not the sum of others.
void add(tag_bytes& sum, const tag_bytes& more) noexcept {
    for (unsigned k = 0; k < kind_count; ++k) sum.*bytes_of(kind_at(k)) += more.*bytes_of(kind_at(k));
    sum.last_frame_bytes += more.last_frame_bytes;
    sum.peak_bytes += more.peak_bytes;
}

// Of an account's blocks in pages, those that are freed singly: others are counted by their frames.
struct paged_use {
    page_use of[kind_count];
};
paged_use paged_use_of(const thread_context& c, const tag_account& e) noexcept {
    paged_use all;
    for (unsigned k = 0; k < kind_count; ++k) {
        if (traits_of(kind_at(k)).freed_singly) all.of[k] = use_of(c, e, kind_at(k));
    }
    return all;
}

void add_account(tag_sum& sum, const tag_account& e, const account::tag_node* wanted) noexcept {
    const thread_context& c = *e.owner;
    tag_bytes own;
    add_balances<bytes_of>(own, e);
    const paged_use paged = paged_use_of(c, e);
    for (unsigned k = 0; k < kind_count; ++k) own.*bytes_of(kind_at(k)) += paged.of[k].bytes;
    own.last_frame_bytes = e.frame_bytes.bytes_in(finished_frame(c));
    const bool as_in_use = awaits_reset(c);
    if (as_in_use) own.peak_bytes = total_of<bytes_of>(own);
    add(sum.tree, own);
    if (e.node != wanted) return;
    add(sum.own, own);
    sum.borrows = sum.borrows || e.borrows.load_relaxed();  // relaxed: a statistic
    if (as_in_use) return;
    sum.own.peak_bytes += e.peak.get();
    sum.tree.peak_bytes += e.tree_peak.get();
}

// Maxima of several threads may be of different times: their sum is above what can have been in use at once. What comes
// from options::heap is not among the pages.
std::size_t bounded_peak(core& a, std::uint64_t sum, std::size_t in_use) noexcept {
    const std::uint64_t most = has_heap_resource(a) ? sum : std::min<std::uint64_t>(sum, ledger_of(a).peak_committed());
    return static_cast<std::size_t>(std::max<std::uint64_t>(most, in_use));
}

void add_open(tag_sum& sum, const thread_context& c, const account::tag_node* wanted) noexcept {
    const memory::open_share open = open_share_of(c);
    if (!below(open.tag->node, wanted)) return;
    const tag_bytes bytes{
        .frame_bytes = open.bytes, .last_frame_bytes = open.last_frame, .peak_bytes = awaits_reset(c) ? open.bytes : 0};
    add(sum.tree, bytes);
    if (open.tag->node == wanted) add(sum.own, bytes);
}

tag_stats tag_stats_for(core& a, const account::tag_node* wanted) noexcept {
    tag_sum sum;
    const sync::lock_guard guard(lock_of(a));
    tags_of(a).for_each_from(*wanted, [&](const account::tag_node& n) {
        for_each_charged(
            n, [&](const account::charge_entry& e) { add_account(sum, static_cast<const tag_account&>(e), wanted); });
    });
    for_each_context(a, [&](const thread_context& c) { add_open(sum, c, wanted); });
    for (tag_bytes* t : {&sum.own, &sum.tree}) {
        t->total_bytes = total_of<bytes_of>(*t);
        t->peak_bytes = bounded_peak(a, t->peak_bytes, t->total_bytes);
    }
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

void add_pages(alloc_stats& s, const thread_context& c, const tag_account& e, std::uint64_t& live) noexcept {
    const paged_use paged = paged_use_of(c, e);
    for (unsigned k = 0; k < kind_count; ++k) {
        s.*allocated_of(kind_at(k)) += paged.of[k].bytes;
        live += paged.of[k].blocks;
        s.allocation_count += paged.of[k].uncharged;
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
    std::uint64_t live = 0 - refunds_of(*a.owner);
    std::uint64_t peak = 0;
    const sync::lock_guard guard(lock_of(*a.owner));
    base = {state_of(*a.owner).allocations_before, state_of(*a.owner).frees_before};
    for_each_context(*a.owner, [&](thread_context& c) {
        const std::size_t before = total_of<allocated_of>(s);
        for_each_account(c, [&](const tag_account& e) {
            add_balances<allocated_of>(s, e);
            add_pages(s, c, e, live);
        });
        s.*allocated_of(memory_kind::frame) += open_share_of(c).bytes;
        peak += awaits_reset(c) ? total_of<allocated_of>(s) - before : root_account(c)->tree_peak.get();
        const thread_counts n = counts_of(c);
        s.allocation_count += n.heap_allocations + n.frame_allocations;
        for (unsigned k = 0; k < kind_count; ++k)
            s.allocation_count += traits_of(kind_at(k)).freed_singly ? n.taken[k] : 0;
        live += n.heap_allocations - n.heap_frees;
        s.slab_refill_count += n.slab_refills;
        s.deferred_free_count += n.remote_frees;
        live += n.frame_allocations - n.frame_releases;
    });
    s.deallocation_count = s.allocation_count - live;
    s.total_allocated = total_of<allocated_of>(s);
    s.peak_allocated = bounded_peak(*a.owner, peak, s.total_allocated);
    s.committed = ledger_of(*a.owner).committed();
    s.peak_committed = ledger_of(*a.owner).peak_committed();
    s.reserved = ledger_of(*a.owner).reserved();
    s.page_requests = ledger_of(*a.owner).requests();
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
    a.owner->probes.count_frame_blocks(on);  // relaxed: notify_all_threads() comes after
    notify_all_threads(*a.owner);
    if (thread_context* c = try_context_of(a)) refresh_limit(*c);
}

void reset_stats(core_ref a) noexcept {
    counts before;
    const alloc_stats now = stats_from_the_start(a, before);
    const thread_context* const own = try_attach(a);
    const sync::lock_guard guard(lock_of(*a.owner));
    state_of(*a.owner) = {now.allocation_count, now.deallocation_count};
    for_each_context(*a.owner, [own](thread_context& c) {
        if (&c == own || is_idle(c)) begin_peaks(c);
        else ask_for_reset(c);
    });
}

tag_stats tag_stats_of(core_ref a, std::string_view path) noexcept {
    settle_caller(a);
    const account::tag_node* node = find_path(tags_of(*a.owner), path);
    return node == nullptr ? tag_stats{} : tag_stats_for(*a.owner, node);
}

tag_stats tag_stats_of(core_ref a, const tag& t) noexcept {
    settle_caller(a);
    const account::tag_node* node = find_tag(tags_of(*a.owner), t);
    return node == nullptr ? tag_stats{} : tag_stats_for(*a.owner, node);
}

frame_stats frame_stats_of(core_ref a) noexcept {
    frame_stats s;
    thread_context* c = settle_caller(a);
    if (c == nullptr) return s;
    s.frame_number = outermost_of(*c).generation;
    s.bytes_allocated = allocated_in(*c, s.frame_number);
    const thread_counts n = counts_of(*c);
    s.allocation_count = n.frame_allocations;
    s.bytes_in_use = frame_bytes_in_use(*c);
    s.peak_bytes = std::max(n.frame_peak, s.bytes_in_use);
    s.outer_growth = n.outer_growth;
    s.oversize = n.oversize;
    s.arena_growth = n.chunk_growth;
    s.suggested_capacity = suggested_capacity(*c);
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
        void* memory = metadata_of(*a.owner).allocate(wanted, why);
        if (memory == nullptr) return {};
        metadata_of(*a.owner).deallocate(kept.report, kept.report_bytes);
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
