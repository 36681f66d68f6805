// An allocator's life: made in its own pages, closed with its last handle, destroyed with its last block.
#include <framealloc/core/core.hpp>
#include <framealloc/core/depot.hpp>
#include <framealloc/core/environment.hpp>
#include <framealloc/core/leaks.hpp>
#include <framealloc/core/registry.hpp>
#include <framealloc/core/report.hpp>
#include <framealloc/os/code.hpp>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>

namespace framealloc::inline v1::memory {

namespace {

constinit sync::atomic<std::uint64_t> next_number{no_context_key + 1};

// A program and its plugins may each contain this library. Each copy numbers from a place of its own, that of its
// memory: no two meet, as a copy fills dozens of pages and a page is worth 2^28 numbers.
std::uint64_t first_id() noexcept { return address_of(&next_number) >> 12 << 28; }

// A core and, behind it, its name.
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

// The core lies at the start of its fixed memory, or in pages of its source.
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

std::uint64_t fresh_id() noexcept {
    return first_id() + next_number.add_relaxed(1);
}  // relaxed: only the number matters
std::uint64_t number_of(std::uint64_t id) noexcept { return id - first_id(); }

void require_own(std::uint64_t id) noexcept {
    if (number_of(id) < next_number.load_relaxed()) [[likely]]
        return;  // relaxed: whoever has an id got it after it was drawn
    const site where = os::own_call();
    place_text place;
    print_fault({.what = code::FA103,
                 .text = code_text(code::FA103),
                 .detail = "it was made by one copy and used in another; link the library once, as a shared library "
                           "(-DBUILD_SHARED_LIBS=ON), "
                           "or let the program export it to its plugins",
                 .where = where,
                 .code_place = place.of(where)});
    std::abort();
}

core* make_core(const core_config& o, exhaustion_reason& why) noexcept {
    core* c = place_core(o, why);
    if (c == nullptr) return nullptr;
    c->id = fresh_id();
    c->pages.open(c->home.source(), o.global_limit, o.fixed_bytes != 0);
    c->classes.open(o.size_classes, o.size_class_count);
    heed_environment(c->config);
    c->probes.hooks = o.probes;
    o.probes->open(*c, o.checks, why);
    c->config.above->open_core(*c);
    register_core(c);
    return c;
}

namespace {

// Whether nothing of it is in use. Otherwise that is reported, once, and what is out keeps the allocator alive.
bool settle_accounts(core* c) noexcept {
    close_kept_frames(*c);
    detach_caller(*c);
    if (c->life.is_bereft())
        return orphan_pages(*c), false;  // what the vanished threads had is neither reported nor destroyed
    char detail[96];
    const bool again = c->life.is_orphaned();  // reported before, by whoever set it
    if (const std::uint32_t frames = open_frames(*c); frames != 0 && !again) {
        std::snprintf(detail, sizeof detail, "%u threads have open frames", static_cast<unsigned>(frames));
        c->raise(code::FA432, detail, nullptr, frames);
    }
    const std::uint64_t out = blocks_out(*c);
    if (out != 0 && !again) report_leaks(*c, out);
    if (out == 0 && open_frames(*c) == 0) return true;
    orphan_pages(*c);
    return blocks_out(*c) == 0 && open_frames(*c) == 0;  // freed by who did not see that it is orphaned
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

void trim(core& c) noexcept {
    thread_context* mine = context_met({&c, c.id});
    if (mine != nullptr) {
        flush_heap_cache(*mine);
        trim_pages(*mine);
        trim_arena(*mine);
    }
    trim_idle(c);
    trim_depot(c);
    c.large.release_empty_regions();
}

namespace {

idle_view idle_seen_by(const thread_context& c) noexcept {
    return {c.owner->pages.committed(), c.heap.bytes(),
            idle_in_arena(c),           c.counters.get(counter::heap_frees),
            c.owner->tally.returns(),   c.probes.guarded() ? c.probes.hooks->resting(c) : 0,
            c.pages.empty_count()};
}

}  // namespace

bool make_room(core& c, exhaustion_reason why, on_failure f) noexcept {
    const bool of_pages = why == exhaustion_reason::global_limit || why == exhaustion_reason::fixed_memory ||
                          why == exhaustion_reason::system_refused;
    if (!of_pages) return false;
    thread_context* mine = context_of_caller(c);
    if (f == on_failure::return_null && mine != nullptr && !mine->remote.any_announced() &&
        mine->fruitless == idle_seen_by(*mine))
        return false;
    const std::size_t committed = c.pages.committed();  // what is only reserved, the refused request may have left
    trim(c);
    if (c.pages.committed() < committed) return true;
    if (mine != nullptr) mine->fruitless = idle_seen_by(*mine);
    return false;
}

}  // namespace framealloc::inline v1::memory
