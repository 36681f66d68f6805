// Per-thread budgets: the questions that the arena's and the pool's slow paths ask.
#include <framealloc/base/observer.hpp>
#include <framealloc/detail/core/core.hpp>

#include <cstdio>

namespace framealloc::inline v1::memory {

namespace {

void report_exceeded(thread_context& c, const budget_event& e) noexcept {
    char detail[128];
    std::snprintf(detail, sizeof detail, "%zu more bytes of %s memory where the thread has %zu of its %zu in use",
                  e.requested, traits_of(e.kind).name, e.used, e.limit);
    c.owner->report_served({.what = code::FA311,
                            .detail = detail,
                            .where = c.probes.place(),
                            .bytes = e.requested,
                            .tag = c.tag()->node->path});
}

// The handler may allocate.
bool ask_handler(thread_context& c, const budget_event& e) noexcept {
    if (!c.budget.handler || !handler_scope::may_call()) return false;
    const user_code allowing(&c);
    const handler_scope in_handler;
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
        add_pending(c.stack.outermost(), pending_always);  // the next frame begins with its whole budget
    }
    ask_handler(c, e);
    return serve ? admission::granted : admission::refused;
}

}  // namespace

admission admit(thread_context& c, memory_kind kind, std::size_t used, std::size_t more) noexcept {
    account::budget_line& line = c.budget.of(kind);
    const account::budget_answer answer = line.ask(used + more, current_frame(c));
    if (answer == account::budget_answer::within) return admission::granted;
    const budget_event e{
        kind, answer == account::budget_answer::exceeded, more, used, line.limit, c.owner->config.name};
    if (c.probes.watched()) {
        c.probes.hooks->notify(
            c, {.kind = e.exceeded ? frame_event_kind::budget_exceeded : frame_event_kind::memory_pressure,
                .memory = kind,
                .bytes = more,
                .in_use = used,
                .limit = line.limit});
    }
    if (e.exceeded) return judge(c, e, line);
    add_pending(c.stack.outermost(), pending_always);  // as in judge()
    ask_handler(c, e);
    return admission::granted;
}

}  // namespace framealloc::inline v1::memory
