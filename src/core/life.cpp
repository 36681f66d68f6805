// An allocator's life: made in its own pages, closed with its last handle, destroyed with its last block.
#include <framealloc/core/core.hpp>
#include <framealloc/core/depot.hpp>
#include <framealloc/core/leaks.hpp>
#include <framealloc/core/registry.hpp>
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

struct core_home {
    page_source* source;
    void* memory;
    std::size_t bytes;
};

// Every class is served by the smallest configured class that holds it and is aligned as it is.
void map_classes(core& c) noexcept {
    for (unsigned k = 0; k < class_count; ++k) {
        c.serving[k] = static_cast<unsigned char>(k);
        std::size_t best = impossible_size;
        for (std::size_t i = 0; i < c.config.size_class_count; ++i) {
            const std::size_t wanted = c.config.size_classes[i];
            if (wanted == 0 || wanted > largest_class_size) continue;
            const std::size_t size = class_size(class_of(wanted));
            const std::size_t needed = natural_alignment(class_size(k)) < 16 ? 16 : natural_alignment(class_size(k));
            const bool aligned = natural_alignment(size) >= needed || needed == 16;
            if (size >= class_size(k) && size < best && aligned) best = size;
        }
        if (best != impossible_size) c.serving[k] = static_cast<unsigned char>(class_of(best));
    }
}

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
    destroy_slabs(*c);
    c->large.release_all();
    c->meta.release_all();
    page_source* source = c->source;
    const std::size_t bytes = align_up(core_bytes(c->name), source->granularity());
    if (c->config.fixed_bytes != 0) {
        os::system_pages system;
        void* own = c->own_fixed;
        const std::size_t all = c->config.fixed_bytes;
        c->~core();
        if (own != nullptr) system.release(own, all);
        return;
    }
    if (source == &c->system) {
        os::system_pages system = c->system;
        c->~core();
        system.release(c, bytes);
        return;
    }
    c->~core();
    source->release(c, bytes);
}

core* construct_core(void* p, const core_config& o) noexcept {
    auto* c = ::new (p) core(o);
    c->name = std::strcpy(reinterpret_cast<char*>(c + 1), o.name);
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
        c->own_fixed = own;
        c->source = ::new (c->fixed_storage) os::fixed_pages(pointer_at(begin + first), end - begin - first);
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
    c->system = system;
    c->source = o.pages != nullptr ? o.pages : &c->system;
    return c;
}

// The environment's words count, so that a program is made strict, guarded or sampled without being built again. Null
// when it says nothing.
const char* said(const char* variable) noexcept {
    const char* word = std::getenv(variable);
    return word == nullptr || *word == '\0' ? nullptr : word;
}

// Of any of these, once.
void refuse(const char* variable, const char* word, const char* allowed) noexcept {
    static sync::atomic<bool> told{false};
    if (!told.exchange_acq_rel(true))
        std::fprintf(stderr, "framealloc: %s is \"%.20s\"; it may be %s\n", variable, word, allowed);  // pairs: itself
}

void heed_strict(core_config& o) noexcept {
    const char* word = said("FRAMEALLOC_STRICT");
    if (word == nullptr) return;
    if (std::strcmp(word, "warn") == 0) o.strict = strictness::warn;
    else if (std::strcmp(word, "error") == 0) o.strict = strictness::abort_on_error;
    else if (std::strcmp(word, "warning") == 0) o.strict = strictness::abort_on_warning;
    else refuse("FRAMEALLOC_STRICT", word, "warn, error or warning");
}

void heed_guard(core_config& o) noexcept {
    const char* word = said("FRAMEALLOC_GUARD");
    if (word == nullptr) return;
    if (std::strcmp(word, "off") == 0) o.guard = guard_level::off;
    else if (std::strcmp(word, "fill") == 0) o.guard = guard_level::fill;
    else if (std::strcmp(word, "revoke") == 0) o.guard = guard_level::revoke;
    else refuse("FRAMEALLOC_GUARD", word, "off, fill or revoke");
}

void heed_sample(core_config& o) noexcept {
    const char* word = said("FRAMEALLOC_GUARD_SAMPLE");
    if (word == nullptr) return;
    char* end = nullptr;
    const unsigned long long n = std::strtoull(word, &end, 10);
    if (*end == '\0' && word[0] != '-' && n <= 0xFFFFFFFFU) o.guard_sample = static_cast<std::uint32_t>(n);
    else refuse("FRAMEALLOC_GUARD_SAMPLE", word, "a number of events, 0 to 4294967295");
}

// Room for the names of instructions, where a place has no line.
struct place_text {
    char text[128] = {};
    const char* of(const site& s) noexcept {
        if (s.file == nullptr && s.caller != nullptr) os::name_code(s.caller, text, sizeof text);
        return text;
    }
};

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

void core::raise(code what, const char* detail, const void* address, std::size_t bytes, site where) noexcept {
    raise({.what = what, .detail = detail, .where = where, .address = address, .bytes = bytes});
}

// A handler hears of its own mistake; what it does wrong while it handles that one is printed.
void core::deliver(const fault& f) const noexcept {
    const activity_scope reporting(context_of_caller(*this), activity::reporting);
    if (!config.on_fault || !handler_scope::may_call()) return print_fault(f);
    const handler_scope theirs;
    config.on_fault(f);
}

void refuse_without_source(const char* what) noexcept {
    const site where = os::own_call();
    place_text place;
    print_fault({.what = code::FA440,
                 .text = code_text(code::FA440),
                 .detail = what,
                 .where = where,
                 .code_place = place.of(where)});
    std::abort();
}

void core::report(fault f) const noexcept {
    require_own(id);
    f.text = code_text(f.what);
    f.allocator = name;
    f.where = os::own_call(f.where);
    place_text where, born, died;
    f.code_place = where.of(f.where);
    f.born_place = born.of(f.born);
    f.died_place = died.of(f.died);
    deliver(f);
}

void core::end_after_fault() const noexcept {
    const bool ends = config.strict == strictness::automatic ? config.checks && !config.on_fault
                                                             : config.strict != strictness::warn;
    if (ends) std::abort();
}

void core::raise(fault f) noexcept {
    report(f);
    end_after_fault();
}

void core::warn(fault f) noexcept {
    f.text = code_text(f.what);
    f.allocator = name;
    f.where = os::own_call(f.where);
    place_text where;
    f.code_place = where.of(f.where);
    deliver(f);
    if (config.strict == strictness::abort_on_warning) std::abort();
}

void core::exhausted(exhaustion_reason why, memory_kind kind, std::size_t requested, std::size_t alignment) noexcept {
    const thread_context* c = context_of_caller(*this);
    const bool budget = c != nullptr && why == exhaustion_reason::thread_budget;
    ask_for_memory(why, traits_of(kind).name, requested, alignment, budget ? c->budget.of(kind).limit : 0);
}

void core::exhausted_metadata(exhaustion_reason why, std::size_t requested, std::size_t alignment) noexcept {
    if (make_room(*this, why, on_failure::ask_handler)) return;
    ask_for_memory(why, "metadata", requested, alignment, 0);
}

void core::ask_for_memory(exhaustion_reason why, const char* kind, std::size_t requested, std::size_t alignment,
                          std::size_t limit) noexcept {
    if (why == exhaustion_reason::frame_limit) limit = config.frame_limit;
    if (why == exhaustion_reason::global_limit) limit = config.global_limit;
    if (why == exhaustion_reason::fixed_memory) limit = config.fixed_bytes;
    const thread_context* c = context_of_caller(*this);
    place_text where;
    const site asked = os::own_call(c == nullptr ? site{} : c->probes.place());
    const exhaustion e{why,
                       kind,
                       requested,
                       alignment,
                       pages.committed(),
                       limit,
                       name,
                       c == nullptr ? "" : c->tag()->node->path,
                       asked,
                       where.of(asked)};
    if (config.on_exhaustion && handler_scope::may_call()) {
        const activity_scope allowing(context_of_caller(*this), activity::none);  // it may free what the allocator has
        const handler_scope theirs;
        if (config.on_exhaustion(e)) return;
    }
    print_exhaustion(e);
    std::abort();
}

core* make_core(const core_config& o, exhaustion_reason& why) noexcept {
    core* c = place_core(o, why);
    if (c == nullptr) return nullptr;
    c->id = fresh_id();
    c->pages.open(*c->source, o.global_limit, o.fixed_bytes != 0);
    map_classes(*c);
    heed_strict(c->config);
    heed_guard(c->config);
    heed_sample(c->config);
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
    if (c->bereft) return orphan_pages(*c), false;  // what the vanished threads had is neither reported nor destroyed
    char detail[96];
    const bool again = c->orphaned.load_relaxed();  // relaxed: reported before, by whoever set it
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
        const std::uint64_t seen = c->handles.look();
        if (handle_count::any(seen)) {  // its holder closes it
            if (c->handles.stop_closing(seen)) return;
        } else if (settle_accounts(c)) {
            if (unregister_core(c, seen)) return destroy(c);
        } else if (c->handles.stop_closing(seen)) {
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
    return {c.owner->pages.committed(),
            c.heap.bytes(),
            idle_in_arena(c),
            c.counters.get(counter::heap_frees),
            c.owner->returns.load_relaxed(),  // relaxed: a hint
            c.probes.guarded() ? c.probes.hooks->resting(c) : 0,
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
