// The table of all probes, and what they have of an allocator and of a thread.
#include <framealloc/detail/probe/hooks.hpp>

#include <new>
#include <utility>

#include <framealloc/detail/core/identity.hpp>
#include <framealloc/detail/core/registry.hpp>
#include <framealloc/detail/probe/front.hpp>
#include <framealloc/detail/probe/guarded_frames.hpp>
#include <framealloc/detail/probe/revoke.hpp>
#include <framealloc/detail/probe/sampled.hpp>
#include <framealloc/detail/probe/watch.hpp>

namespace framealloc::inline v1::memory {

namespace {

// What share/gdb reads of the program's own layout, as debug information has no constants that no code keeps.
struct debugger_constants {
    std::uint64_t page_bytes, zone, outer_header_bytes;
    std::uint64_t hash_multiplier, hash_low_bits, hash_shift;
    std::uint64_t os_page, slots_per_unit;
    std::uint64_t place_bytes, count_bits, count_mask;
    kind_traits kinds[kind_count];
    sync::owner_counter account::charge_entry::* held[kind_count];
};

template <unsigned... K>
constexpr debugger_constants constants_for(std::integer_sequence<unsigned, K...>) noexcept {
    return {.page_bytes = page_bytes,
            .zone = guard::zone,
            .outer_header_bytes = outer_header_bytes,
            .hash_multiplier = guard::block_table::hash_multiplier,
            .hash_low_bits = guard::block_table::hash_low_bits,
            .hash_shift = guard::block_table::hash_shift,
            .os_page = sampled_blocks::os_page,
            .slots_per_unit = sampled_blocks::slots_per_unit,
            .place_bytes = sync::remote_list::place_bytes,
            .count_bits = sync::remote_list::count_bits,
            .count_mask = sync::remote_list::count_mask,
            .kinds = {traits_of(kind_at(K))...},
            .held = {account::held_of(kind_at(K))...}};
}
[[gnu::used]] constexpr debugger_constants for_debuggers = constants_for(
    std::make_integer_sequence<unsigned, kind_count>{});

// Where pages can be made inaccessible. Without memory for it there is none: the allocator works the same.
sampled_blocks* sampled_for(core& a, exhaustion_reason& why) noexcept {
    if (a.config.guard_sample == 0 || a.probes.guarded() || !a.home.is_system() ||
        a.home.system().granularity() != 4096)
        return nullptr;
    void* p = a.meta.allocate(sizeof(sampled_blocks), why);
    return p == nullptr ? nullptr : ::new (p) sampled_blocks{};
}

void open(core& a, bool checks, exhaustion_reason& why) noexcept {
    const guard_level wanted = a.config.guard;
    const guard_level level = wanted != guard_level::automatic  ? wanted
                              : checks && !guard::tool_active() ? guard_level::revoke
                                                                : guard_level::fill;
    allocator_probes& probes = a.probes;
    probes.guards = guard::tool_active() || (wanted == guard_level::automatic ? checks : wanted != guard_level::off);
    probes.withholds = probes.guarded() && level == guard_level::revoke && a.home.is_system();
    probes.sampled = sampled_for(a, why);
    if (probes.revokes() || probes.samples()) prepare_revocation();
    probes.canary_key = (number_of(a.id) + 1) * 0x9E3779B97F4A7C15U ^ address_of(&a);
    if (probes.guarded()) guard::open_pool(&a);
}

void close(core& a) noexcept {
    if (a.probes.revokes() && a.home.is_system()) record_memory(a);
}

void release(core& a) noexcept {
    a.probes.blocks.release();
    if (a.probes.samples()) a.probes.sampled->release();
    if (a.probes.guarded()) guard::close_pool(&a);
}

sync::lock& lock_of_samples(core& a) noexcept { return a.probes.sampled->lock(); }

bool open_thread(thread_context& c) noexcept {
    c.probes.observed = c.owner->probes.guarded();
    if (c.probes.observed && !open_guard(c)) return false;
    if (c.owner->probes.samples()) begin_sampling(c);
    return true;
}

}  // namespace

const probe_hooks all_probes = {
    .open = open,
    .close = close,
    .release = release,
    .lock_of_samples = lock_of_samples,
    .report_leaks = report_leaks_by_site,
    .open_thread = open_thread,
    .close_thread = close_guard,
    .revoked_chunks = revoked_chunks,
    .thread_came = begin_watched_thread,
    .thread_vanished = forget_vanished_thread,
    .follow_observer = follow_observer,
    .quarantined = quarantined,
    .empty_quarantine = empty_quarantine,
    .seal_link = seal_link,
    .check_link = check_link,
    .begin_block = begin_block,
    .end_block = end_block,
    .quarantine_slot = quarantine_slot,
    .forget_page_blocks = forget_page_blocks,
    .name_as_pool = name_as_pool,
    .adopted = note_adopted,
    .begin_large = begin_large,
    .end_large = end_large,
    .quarantine_large = quarantine_large,
    .shorten_block = shorten_block,
    .free = guarded_free,
    .allocate_frame = allocate_frame,
    .end_frame_blocks = end_frame_blocks,
    .begin_outer_block = begin_outer_block,
    .may_free_outer = may_free_outer,
    .end_outer_block = end_outer_block,
    .revoke_chunk = revoke_chunk,
    .unrevoke_chunk = unrevoke_chunk,
    .sample_block = sample_block,
    .chooses_frame_block = chooses_frame_block,
    .sampled_free = sampled_free,
    .sampled_size = sampled_size,
    .sampled_depth = sampled_depth,
    .notify = notify,
    .notify_allocation = notify_allocation,
    .notify_release = notify_release,
    .notify_adopted = notify_adopted,
};

}  // namespace framealloc::inline v1::memory
