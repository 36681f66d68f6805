// Per-thread budgets: the questions that the arena's and the pool's slow paths ask.
#include <framealloc/memory/core.hpp>
#include <framealloc/memory/watch.hpp>

#include <cstdio>

namespace framealloc::inline FRAMEALLOC_ABI::memory {

namespace {

account::budget_line& line_of(thread_context& c, budget_kind kind) noexcept { return kind == budget_kind::frame ? c.budget.frame : c.budget.pool; }

void report_exceeded(thread_context& c, const budget_event& e) noexcept {
    char detail[128];
    std::snprintf(detail, sizeof detail, "%zu more bytes of %s memory where the thread has %zu of its %zu in use", e.requested,
                  e.kind == budget_kind::frame ? "frame" : "pool", e.used, e.limit);
    c.owner->warn({.what = code::FA311, .detail = detail, .where = c.last_site, .bytes = e.requested, .tag = c.tag()->node->path});
}

// The handler may allocate.
bool ask_handler(thread_context& c, const budget_event& e) noexcept {
    if (!c.budget.handler) return false;
    const activity_scope theirs(&c, activity::none);
    return c.budget.handler(e);
}

admission judge(thread_context& c, const budget_event& e, account::budget_line& line) noexcept {
    bool serve = true;
    switch (c.budget.policy) {
        case budget_policy::fail: serve = false; break;
        case budget_policy::promote: return admission::elsewhere;
        case budget_policy::custom: return ask_handler(c, e) ? admission::granted : admission::refused;
        case budget_policy::warn:
            if (c.owner->config.reports) report_exceeded(c, e);
            break;
        case budget_policy::allow: break;
    }
    if (serve) {
        line.passed_in = current_frame(c);
        add_pending(c.records[1], pending_always);  // the next frame begins with its whole budget
    }
    ask_handler(c, e);
    return serve ? admission::granted : admission::refused;
}

}  // namespace

admission admit(thread_context& c, budget_kind kind, std::size_t used, std::size_t more) noexcept {
    account::budget_line& line = line_of(c, kind);
    const account::budget_answer answer = line.ask(used + more, current_frame(c));
    if (answer == account::budget_answer::within) return admission::granted;
    const budget_event e{kind, answer == account::budget_answer::exceeded, more, used, line.limit, c.owner->name};
    if (watched(c)) {
        tell(c, {.kind = e.exceeded ? frame_event_kind::budget_exceeded : frame_event_kind::memory_pressure,
                 .memory = kind == budget_kind::frame ? memory_kind::frame : memory_kind::pool,
                 .bytes = more,
                 .in_use = used,
                 .limit = line.limit});
    }
    if (e.exceeded) return judge(c, e, line);
    add_pending(c.records[1], pending_always);  // as in judge()
    ask_handler(c, e);
    return admission::granted;
}

void set_budget(thread_context& c, budget_kind kind, std::size_t bytes) noexcept {
    line_of(c, kind).set(bytes, c.budget.warn_percent);
    refresh_limit(c);
}

void take_limits(thread_context& c, const account::thread_budget& from) noexcept {
    c.budget.frame.limit = from.frame.limit;
    c.budget.frame.threshold = from.frame.threshold;
    c.budget.pool.limit = from.pool.limit;
    c.budget.pool.threshold = from.pool.threshold;
    c.budget.policy = from.policy;
    c.budget.warn_percent = from.warn_percent;
    c.budget.handler = from.handler;
    refresh_limit(c);
}

void set_budget_policy(thread_context& c, budget_policy policy, unsigned warn_percent, budget_handler handler) noexcept {
    c.budget.policy = policy;
    c.budget.warn_percent = warn_percent;
    c.budget.handler = handler;
    for (const budget_kind kind : {budget_kind::frame, budget_kind::pool}) set_budget(c, kind, line_of(c, kind).limit);
}

std::size_t frame_remaining(core_ref a) noexcept {
    const thread_context* c = context_met(a);
    std::size_t most = a.owner->config.frame_limit != 0 ? a.owner->config.frame_limit : ~std::size_t{0};
    if (c == nullptr) return most;
    if (c->budget.frame.limit != 0 && c->budget.frame.limit < most) most = c->budget.frame.limit;
    const std::size_t used = frame_bytes_in_use(*c);
    if (most == ~std::size_t{0}) return most;
    return used < most ? most - used : 0;
}

budget_stats budget_stats_of(core_ref a) noexcept {
    const thread_context* c = context_met(a);
    if (c == nullptr) return {};
    return {.frame_used = frame_bytes_in_use(*c),
            .frame_budget = c->budget.frame.limit,
            .pool_used = c->pool_carved,
            .pool_budget = c->budget.pool.limit,
            .frame_exceeded = c->budget.frame.exceeded,
            .pool_exceeded = c->budget.pool.exceeded,
            .warnings = c->budget.frame.warnings + c->budget.pool.warnings};
}

}  // namespace framealloc::inline FRAMEALLOC_ABI::memory
