// Options as a program writes them, made into the configuration of an allocator.
#include <framealloc/runtime/options.hpp>

#include <cstdlib>

#include <framealloc/base/policy.hpp>
#include <framealloc/probe/hooks.hpp>
#include <framealloc/runtime/state.hpp>

namespace framealloc::inline v1::runtime {

memory::core_config to_config(const options& o, bool checks) noexcept {
    memory::core_config c;
    c.name = o.name == nullptr ? "" : o.name;
    c.frame_capacity = o.frame_capacity < 4_KiB ? 4_KiB : align_up(o.frame_capacity, 4_KiB);
    c.frame_limit = o.frame_limit;
    c.frames_in_flight = o.frames_in_flight == 0 ? 1 : o.frames_in_flight;
    c.on_busy = o.on_frame_busy.policy;
    c.busy_wait_us = o.on_frame_busy.microseconds;
    c.retain = o.retain.policy;
    c.retain_amount = o.retain.amount;
    c.size_classes = o.size_classes.data();
    c.size_class_count = o.size_classes.size();
    c.slab_bytes = align_up(o.slab_page_size == 0 ? 1 : o.slab_page_size, memory::page_bytes);
    c.pool_max = o.pool_max;
    c.global_limit = o.global_limit;
    c.deferred = o.deferred;
    c.fixed_data = o.fixed_memory.data;
    c.fixed_bytes = o.fixed_memory.bytes;
    c.huge_pages = o.huge_pages;
    c.prefault = o.prefault;
    c.base_address = o.base_address;
    c.pages = o.pages;
    c.heap = o.heap;
    c.on_exhaustion = o.on_exhaustion;
    c.on_fault = o.on_fault;
    c.guard = o.guard;
    c.guard_sample = o.guard_sample;
    c.guard_seed = o.guard_seed;
    c.strict = o.strict;
    c.above = &floors_above;
    c.probes = &memory::all_probes;
    c.checks = checks;
    c.reports = o.reports == reporting::automatic ? FRAMEALLOC_REPORTS : o.reports == reporting::on;
    return c;
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
