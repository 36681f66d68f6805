// An allocator's life: made in its own pages, closed with its last handle, destroyed with its last block.
#include <framealloc/detail/core/core.hpp>
#include <framealloc/detail/core/depot.hpp>
#include <framealloc/detail/core/environment.hpp>
#include <framealloc/detail/core/identity.hpp>
#include <framealloc/detail/core/known_block.hpp>
#include <framealloc/detail/core/leaks.hpp>
#include <framealloc/detail/core/leave.hpp>
#include <framealloc/detail/core/registry.hpp>
#include <framealloc/detail/core/trim.hpp>

#include <cstdio>
#include <cstring>
#include <new>

namespace framealloc::inline v1::memory {

namespace {

// A core, with its name stored after it.
std::size_t core_bytes(const char* name) noexcept {
    return align_up(sizeof(core) + std::strlen(name) + 1, alignof(core));
}

void destroy(core* c) noexcept {
    const probe_hooks& probes = *c->probes.hooks;
    probes.close(*c);
    for (thread_context* t = c->threads.first(); t != nullptr; t = context_list::after(*t)) {
        close_arenas(*t, probes.revoked_chunks(*t));
        probes.close_thread(*t);
    }
    probes.release(*c);
    c->depot.close(*c);
    c->large.release_all();
    c->meta.release_all();
    page_source* source = &c->home.source();
    const std::size_t bytes = align_up(core_bytes(c->config.name), source->granularity());
    if (c->home.fixed() != nullptr) {
        os::system_pages system;
        void* own = c->home.own_memory();
        const std::size_t all = c->config.fixed_bytes;
        c->~core();
        if (own != nullptr) system.release(own, all);
        return;
    }
    if (c->home.is_system()) {
        os::system_pages system = c->home.system();
        c->~core();
        system.release(c, bytes);
        return;
    }
    c->~core();
    source->release(c, bytes);
}

core* construct_core(void* p, const core_config& o) noexcept {
    auto* c = ::new (p) core(o);
    c->config.name = std::strcpy(reinterpret_cast<char*>(c + 1), o.name);
    return c;
}

// The core is at the start of its fixed memory, or in pages of its source.
core* place_core(const core_config& o, exhaustion_reason& why) noexcept {
    if (o.fixed_bytes != 0) {
        why = exhaustion_reason::fixed_memory;
        void* own = nullptr;
        if (o.fixed_data == nullptr) {
            os::system_pages system;
            own = system.reserve(align_up(o.fixed_bytes, system.granularity()), system.granularity());
            if (own == nullptr || !system.commit(own, align_up(o.fixed_bytes, system.granularity()))) {
                why = exhaustion_reason::system_refused;
                return nullptr;
            }
        }
        const std::uintptr_t begin = align_up(address_of(own != nullptr ? own : o.fixed_data), alignof(core));
        const std::uintptr_t end = address_of(own != nullptr ? own : o.fixed_data) + o.fixed_bytes;
        const std::size_t first = core_bytes(o.name);
        if (begin + first >= end) return nullptr;
        core* c = construct_core(pointer_at(begin), o);
        c->home.use_fixed(pointer_at(begin + first), end - begin - first, own);
        if (own != nullptr) c->config.fixed_bytes = align_up(o.fixed_bytes, os::system_pages{}.granularity());
        return c;
    }
    os::system_pages system({.base_address = o.base_address, .huge = o.huge_pages});
    page_source* source = o.pages != nullptr ? o.pages : &system;
    const std::size_t bytes = align_up(core_bytes(o.name), source->granularity());
    void* p = source->reserve(bytes, source->granularity());
    why = exhaustion_reason::system_refused;
    if (p == nullptr) return nullptr;
    if (!source->commit(p, bytes)) {
        source->release(p, bytes);
        return nullptr;
    }
    core* c = construct_core(p, o);
    c->home.use(system, o.pages);
    return c;
}

}  // namespace

namespace {

constexpr life_calls calls{.close = close_core,
                           .make_room = trim_for,
                           .reclaim = reclaim_idle,
                           .obtain = obtain_context,
                           .thread_exit = leave_all};

}  // namespace

core* make_core(const core_config& o, exhaustion_reason& why) noexcept {
    core* c = place_core(o, why);
    if (c == nullptr) return nullptr;
    c->id = fresh_id();
    c->life.set_calls(calls);
    c->pages.open(c->home.source(), o.global_limit, o.fixed_bytes != 0);
    if (o.huge_pages) c->chunks.prefer_huge_pages();
    c->pages.belong_to(c);
    c->classes.open(o.size_classes, o.size_class_count);
    heed_environment(c->config);
    if (o.heap != nullptr) any_resource.store_relaxed(true);  // relaxed: before the first block
    c->probes.hooks = o.probes;
    o.probes->open(*c, o.checks, why);
    c->classes.trust_sizes(o.heap == nullptr && !c->probes.guarded());
    c->config.above->open_core(*c);
    register_core(c);
    return c;
}

namespace {

// Whether nothing of it is in use. Otherwise that is reported, once, and what is out keeps the allocator alive.
bool settle_accounts(core* c) noexcept {
    close_kept_frames(*c);
    detach_caller(*c);
    if (c->life.is_in_forked_child())
        return close_fast_paths(*c), false;  // what the vanished threads had is neither reported nor destroyed
    char detail[96];
    const bool again = c->life.is_without_handles();  // reported before, by the thread that set it
    if (const std::uint32_t frames = open_frames(*c); frames != 0 && !again) {
        std::snprintf(detail, sizeof detail, frames == 1 ? "%u thread has open frames" : "%u threads have open frames",
                      static_cast<unsigned>(frames));
        c->raise({.what = code::FA432, .detail = detail, .bytes = frames});
    }
    const std::uint64_t out = blocks_out(*c);
    if (out != 0 && !again) report_leaks(*c, out);
    if (out == 0 && open_frames(*c) == 0) return true;
    close_fast_paths(*c);
    return blocks_out(*c) == 0 && open_frames(*c) == 0;  // freed by threads that did not see yet that it has no handles
}

}  // namespace

void close_core(core* c) noexcept {
    require_own(c->id);
    for (;;) {
        const std::uint64_t seen = c->life.handles.look();
        if (handle_count::any(seen)) {  // its holder closes it
            if (c->life.handles.stop_closing(seen)) return;
        } else if (settle_accounts(c)) {
            if (unregister_core(c, seen)) return destroy(c);
        } else if (c->life.handles.stop_closing(seen)) {
            return;
        }
    }
}

}  // namespace framealloc::inline v1::memory
