// Options as a program writes them, made into the configuration of an allocator.
#include <framealloc/runtime/options.hpp>

#include <cstdlib>

#include <framealloc/base/policy.hpp>
#include <framealloc/detail/probe/hooks.hpp>
#include <framealloc/detail/runtime/state.hpp>

namespace framealloc::inline v1::runtime {

memory::core_config to_config(const options& o, bool checks) noexcept {
    memory::core_config to;
    to.name = o.name == nullptr ? "" : o.name;
    to.frame_capacity = o.frame_capacity < 4_KiB ? 4_KiB : align_up(o.frame_capacity, 4_KiB);
    to.frame_limit = o.frame_limit;
    to.frames_in_flight = o.frames_in_flight == 0 ? 1 : o.frames_in_flight;
    to.on_busy = o.on_frame_busy.policy;
    to.busy_wait_us = o.on_frame_busy.microseconds;
    to.retain = o.retain.policy;
    to.retain_amount = o.retain.amount;
    to.size_classes = o.size_classes.data();
    to.size_class_count = o.size_classes.size();
    to.slab_bytes = align_up(o.slab_page_size == 0 ? 1 : o.slab_page_size, memory::page_bytes);
    to.pool_max = o.pool_max;
    to.global_limit = o.global_limit;
    to.deferred = o.deferred;
    to.fixed_data = o.fixed_memory.data;
    to.fixed_bytes = o.fixed_memory.bytes;
    to.huge_pages = o.huge_pages;
    to.prefault = o.prefault;
    to.base_address = o.base_address;
    to.pages = o.pages;
    to.heap = o.heap;
    to.on_exhaustion = o.on_exhaustion;
    to.on_fault = o.on_fault;
    to.guard = o.guard;
    to.guard_sample = o.guard_sample;
    to.guard_seed = o.guard_seed;
    to.strict = o.strict;
    to.above = &floors_above;
    to.probes = &memory::all_probes;
    to.checks = checks;
    to.reports = o.reports == reporting::automatic ? FRAMEALLOC_REPORTS : o.reports == reporting::on;
    return to;
}

memory::core_ref open(const memory::core_config& c) noexcept {
    for (;;) {
        exhaustion_reason why{};
        if (memory::core* made = memory::make_core(c, why)) return {made, made->id};
        const exhaustion e{why, "metadata", sizeof(memory::core), alignof(memory::core), 0, c.fixed_bytes, c.name};
        if (c.on_exhaustion && c.on_exhaustion(e)) continue;
        print_exhaustion(e);
        std::abort();
    }
}

}  // namespace framealloc::inline v1::runtime
