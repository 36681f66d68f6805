// The OS pages of ended frames become inaccessible: an access to them is trapped and reported with its owner.
#include <framealloc/detail/core/registry.hpp>
#include <framealloc/detail/core/report.hpp>
#include <framealloc/detail/core/walk.hpp>
#include <framealloc/detail/os/trap.hpp>
#include <framealloc/detail/probe/block_report.hpp>
#include <framealloc/detail/probe/guarded.hpp>
#include <framealloc/detail/probe/revoke.hpp>
#include <framealloc/detail/probe/sampled.hpp>

#include <algorithm>
#include <cstdio>

namespace framealloc::inline v1::memory {

namespace {

constexpr std::size_t most_revoked = std::size_t{64} << 20;  // bytes that were accessible, a thread's
constexpr std::size_t most_chunks = 4096;
constexpr std::size_t report_stack =
    std::size_t{24} << 10;  // a report took between 15 and 16 KiB when it was measured; the rest is for a handler

// In a signal handler: takes no lock. Chunks and contexts are in metadata, which lives as long as their allocator.
const arena_chunk* revoked_chunk(const thread_context& c, std::uintptr_t p) noexcept {
    if (!c.probes.guarded()) return nullptr;
    std::size_t steps = 0;
    for (const arena_chunk* k = c.probes.guard->revoked; k != nullptr && steps++ < most_chunks; k = k->previous) {
        if (p >= k->begin && p < k->end) return k;
    }
    return nullptr;
}

void explain(core& a, const thread_context& c, const arena_chunk& k, std::uintptr_t p, const void* instruction,
             os::access_kind access) noexcept {
    char detail[160], ending[80];
    const guard::frame_block* b = c.probes.guard->ended.containing(p);
    if (b == nullptr) say_end(ending, c, k.frame, k.depth);
    else say_end(ending, c, b->frame, b->depth);
    const site where{.caller = instruction};
    if (b == nullptr) {
        std::snprintf(detail, sizeof detail, "%s in frame memory %s", access_name(access), ending);
        return a.raise(
            {.what = code::FA002, .detail = detail, .where = where, .address = pointer_at(p), .frame = k.frame});
    }
    std::snprintf(detail, sizeof detail, "%s at +%zu of frame memory of %zu bytes %s", access_name(access),
                  static_cast<std::size_t>(p - b->begin), static_cast<std::size_t>(b->end - b->begin), ending);
    raise_about(a, code::FA002, report_of(*b), detail, pointer_at(p), where);
}

// Memory of a frame that is open, or kept: what a container has grown out of, or what nobody holds any more. Another
// thread's log may be on the move while its frame is open: of that only the chunk is known.
bool explain_revoked(core& a, const thread_context& c, std::uintptr_t p, const void* instruction,
                     os::access_kind access) noexcept {
    if (!c.probes.revokes()) return false;
    const frame_arena* s = &c.arenas.current();
    do {
        const arena_chunk* k = &s->newest();
        for (std::size_t steps = 0; k != nullptr && (p < k->begin || p >= k->committed) && steps < most_chunks; ++steps)
            k = k->previous;
        if (k == nullptr || p < k->begin || p >= k->committed) continue;
        const char* why = s->content_kept ? "whose frame has ended and is no longer held"
                                          : "that its container has grown out of";
        const guard::frame_block* b = s->content_kept || belongs_to_caller(c) ? s->log->containing(p) : nullptr;
        const code what = s->content_kept ? code::FA002 : code::FA419;
        const site where{.caller = instruction};
        char detail[160];
        if (b == nullptr) {
            std::snprintf(detail, sizeof detail, "%s in frame memory %s", access_name(access), why);
            a.raise({.what = what, .detail = detail, .where = where, .address = pointer_at(p)});
            return true;
        }
        std::snprintf(detail, sizeof detail, "%s at +%zu of frame memory of %zu bytes %s", access_name(access),
                      static_cast<std::size_t>(p - b->begin), static_cast<std::size_t>(b->end - b->begin), why);
        raise_about(a, what, report_of(*b), detail, pointer_at(p), where);
        return true;
    } while ((s = s->next) != &c.arenas.current());
    return false;
}

// The most recent ranges of allocators that were destroyed. An entry is read in a signal handler while it may be
// written: at worst it explains nothing.
struct released_range {
    std::uintptr_t begin, end;
    char name[32];
};
constexpr std::size_t most_released = 256;
constinit released_range released[most_released] = {};
constinit sync::atomic<std::uint64_t> released_count{0};

void record(const void* p, std::size_t bytes, const void* owner) noexcept {
    released_range& g = released[released_count.add_relaxed(1) % most_released];  // relaxed: a place
    g.end = 0;
    std::snprintf(g.name, sizeof g.name, "%s", static_cast<const core*>(owner)->config.name);
    g.begin = address_of(p);
    g.end = g.begin + bytes;
}

void explain_released(std::uintptr_t p, os::access_kind access) noexcept {
    for (const released_range& g : released) {
        if (p < g.begin || p >= g.end) continue;
        char detail[160];
        std::snprintf(detail, sizeof detail,
                      "%s in memory of allocator \"%s\", which was destroyed with its last handle", access_name(access),
                      g.name);
        return report_for_process({.what = code::FA002, .detail = detail, .address = pointer_at(p)});
    }
}

// Where a report would overflow the alternate signal stack: the short line states only what is known.
bool explain_shortly(std::uintptr_t p) noexcept {
    const auto is_ours = [p] {
        for (core* a = first_live_core(); a != nullptr; a = a->life.next()) {
            if (find_chunk(*a, p) != nullptr) return true;
            sampled_slot s;
            if (a->probes.sampled != nullptr && a->probes.sampled->find(p, s)) return true;
        }
        return std::any_of(released, released + most_released,
                           [p](const released_range& g) { return p >= g.begin && p < g.end; });
    };
    if (os::signal_stack_room() >= report_stack) return false;
    constexpr char text[] =
        "framealloc: FA002 access to memory that no longer exists; the alternate signal stack (sigaltstack) is too "
        "small for a full report: use 64 KiB\n";
    if (is_ours()) std::fputs(text, stderr);
    return true;
}

void on_access(std::uintptr_t p, const void* instruction, os::access_kind access) noexcept {
    if (explain_shortly(p)) return;
    for (core* a = first_live_core(); a != nullptr; a = a->life.next()) {
        if (explain_sampled(*a, p, instruction, access)) return;
        const auto explained = [&](const thread_context& c) {
            const arena_chunk* k = revoked_chunk(c, p);
            if (k == nullptr) return explain_revoked(*a, c, p, instruction, access);
            explain(*a, c, *k, p, instruction, access);
            return true;
        };
        if (find_context(*a, explained) != nullptr) return;
    }
    explain_released(p, access);
}

}  // namespace

void record_memory(core& a) noexcept {
    record(&a, a.pages.granularity(), &a);
    a.pages.on_release(record, &a);
}

void prepare_revocation() noexcept { os::catch_access_faults(on_access); }

void revoke_chunk(thread_context& c, arena_chunk* k) noexcept {
    thread_guard& g = *c.probes.guard;
    k->frame = frames_begun(c);
    k->revoked = k->committed - k->begin;
    if (k->revoked != 0) {
        guard::allow(k->begin, k->committed);
        c.owner->pages.decommit(pointer_at(k->begin), k->revoked);
    }
    k->committed = k->begin;
    k->touched = 0;
    k->previous = nullptr;
    (g.revoked == nullptr ? g.revoked : g.revoked_last->previous) = k;
    g.revoked_last = k;
    g.revoked_bytes += k->revoked;
    ++g.revoked_count;
    while (g.revoked_bytes > most_revoked || g.revoked_count > most_chunks) {
        arena_chunk* oldest = unrevoke_chunk(c, 0);
        c.arenas.spare().put(oldest);
    }
}

arena_chunk* revoked_chunks(thread_context& c) noexcept {
    return c.probes.guarded() ? c.probes.guard->revoked : nullptr;
}

arena_chunk* unrevoke_chunk(thread_context& c, std::size_t bytes) noexcept {
    thread_guard& g = *c.probes.guard;
    arena_chunk* before = nullptr;
    for (arena_chunk* k = g.revoked; k != nullptr; before = k, k = k->previous) {
        if (k->end - k->begin < bytes) continue;
        (before == nullptr ? g.revoked : before->previous) = k->previous;
        if (g.revoked_last == k) g.revoked_last = before;
        g.revoked_bytes -= k->revoked;
        --g.revoked_count;
        return k;
    }
    return nullptr;
}

}  // namespace framealloc::inline v1::memory
