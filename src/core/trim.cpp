// Trimming: when asked to, and before a request fails.
#include <framealloc/detail/core/trim.hpp>

#include <framealloc/detail/core/core.hpp>
#include <framealloc/detail/core/depot.hpp>
#include <framealloc/detail/core/leave.hpp>
#include <framealloc/detail/core/registry.hpp>

namespace framealloc::inline v1::memory {

namespace {

// Returns whether blocks went to the heap, which may serve from them what needs no more pages.
bool trim_all(core& c) noexcept {
    thread_context* mine = context_met({&c, c.id});
    if (mine != nullptr) {
        trim_pages(*mine);
        trim_arena(*mine);
    }
    trim_idle(c);
    trim_depot(c);
    const bool some = seize_heap_caches(c) != 0;
    c.large.release_empty_regions();
    return some;
}

idle_view idle_seen_by(const thread_context& c) noexcept {
    return {c.owner->pages.committed(),
            idle_in_arena(c),
            c.counters.get(counter::heap_frees),
            c.owner->tally.returns(),
            c.probes.guarded() ? c.probes.hooks->quarantined(c) : 0,
            c.pages.empty_count()};
}

}  // namespace

void trim(core& c) noexcept { trim_all(c); }

bool trim_for(core& c, exhaustion_reason why, on_failure f) noexcept {
    const bool of_pages = why == exhaustion_reason::global_limit || why == exhaustion_reason::fixed_memory ||
                          why == exhaustion_reason::system_refused;
    if (!of_pages) return false;
    thread_context* mine = context_of_caller(c);
    if (f == on_failure::return_null && mine != nullptr && !mine->remote.any_announced() &&
        mine->fruitless == idle_seen_by(*mine) && !any_heap_cached(c))
        return false;
    const std::size_t committed = c.pages.committed();  // what is only reserved, the refused request may have left
    const bool some = trim_all(c);
    if (some || c.pages.committed() < committed) return true;
    if (mine != nullptr) mine->fruitless = idle_seen_by(*mine);
    return false;
}

}  // namespace framealloc::inline v1::memory
