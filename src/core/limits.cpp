// A thread's budgets, set and asked.
#include <framealloc/detail/core/limits.hpp>

#include <framealloc/detail/core/frame_arena.hpp>
#include <framealloc/detail/core/pool.hpp>
#include <framealloc/detail/core/probed.hpp>

namespace framealloc::inline v1::memory {

namespace {

// What of a kind's budget a thread has used; null where the kind has none.
using used_bytes = std::size_t (*)(const thread_context&) noexcept;
constexpr used_bytes used_of(memory_kind k) noexcept {
    switch (k) {
        case memory_kind::frame:
            return [](const thread_context& c) noexcept -> std::size_t { return frame_bytes_in_use(c); };
        case memory_kind::pool:
            return [](const thread_context& c) noexcept -> std::size_t { return budgeted_pool_bytes(c); };
        case memory_kind::heap: break;
    }
    return nullptr;
}
static_assert(base::differs_by_kind(used_of, [](memory_kind k) { return traits_of(k).budget != budget_base::none; }),
              "used_of() does not know what is used of a kind's budget");

constinit sync::atomic<std::uint64_t> newest_terms{0};  // 0: those of a new thread

// What scopes put back that were opened under the same terms is noted now.
void change_terms(thread_context& c) noexcept {
    for (open_scope* s = c.charges.newest(scope_kind::limits); s->same_terms; s = s->outer) {
        *s->saved = c.budget;
        s->same_terms = false;
    }
    c.budget.terms = newest_terms.add_relaxed(1) + 1;  // relaxed: only the number matters
}

}  // namespace

void set_budget(thread_context& c, memory_kind kind, std::size_t bytes) noexcept {
    change_terms(c);
    c.budget.of(kind).set(bytes, c.budget.warn_percent);
    if (bytes != 0 && traits_of(kind).budget == budget_base::pages) {  // what is carved anew is asked for
        adopt_returned(c, all_blocks);
        quarantine_emptied(c);
        give_up_unused(c);
    }
    refresh_limit(c);
}

void take_limits(thread_context& c, const account::thread_budget& from) noexcept {
    for (unsigned k = 0; k < kind_count; ++k) {
        c.budget.lines[k].limit = from.lines[k].limit;
        c.budget.lines[k].threshold = from.lines[k].threshold;
    }
    c.budget.policy = from.policy;
    c.budget.warn_percent = from.warn_percent;
    c.budget.handler = from.handler;
    c.budget.terms = from.terms;
    refresh_limit(c);
}

void set_budget_policy(thread_context& c, budget_policy policy, unsigned warn_percent,
                       budget_handler handler) noexcept {
    change_terms(c);
    c.budget.policy = policy;
    c.budget.warn_percent = warn_percent;
    c.budget.handler = handler;
    for (account::budget_line& line : c.budget.lines) line.set(line.limit, warn_percent);
    refresh_limit(c);
}

std::size_t frame_remaining(core_ref a) noexcept {
    const thread_context* c = context_met(a);
    std::size_t most = a.owner->config.frame_limit != 0 ? a.owner->config.frame_limit : ~std::size_t{0};
    if (c == nullptr) return most;
    const std::size_t budget = c->budget.of(memory_kind::frame).limit;
    if (budget != 0 && budget < most) most = budget;
    const std::size_t used = frame_bytes_in_use(*c);
    if (most == ~std::size_t{0}) return most;
    return used < most ? most - used : 0;
}

budget_stats budget_stats_of(core_ref a) noexcept {
    const thread_context* c = context_met(a);
    if (c == nullptr) return {};
    budget_stats s;
    for (unsigned k = 0; k < kind_count; ++k) {
        if (traits_of(kind_at(k)).budget == budget_base::none) continue;
        const account::budget_line& line = c->budget.lines[k];
        const budget_fields fields = budget_fields_of(kind_at(k));
        s.*fields.used = used_of(kind_at(k))(*c);
        s.*fields.budget = line.limit;
        s.*fields.exceeded = line.exceeded;
        s.warnings += line.warnings;
    }
    return s;
}

}  // namespace framealloc::inline v1::memory
