// The calling thread's context in an allocator: known, or obtained now.
#include <framealloc/detail/core/attach.hpp>

#include <framealloc/detail/core/identity.hpp>
#include <framealloc/detail/core/known.hpp>
#include <framealloc/detail/core/life.hpp>
#include <framealloc/detail/os/thread.hpp>

namespace framealloc::inline v1::memory {

void enter_context(core_ref a, thread_context* c) noexcept {
    t_slot.id = 0;
    sync::order_for_signals();
    t_slot.record = c->stack.top();
    t_slot.context = c;
    t_slot.key = c->probes.diverted() ? no_context_key : c->life.key();
    sync::order_for_signals();  // a handler that finds the id finds its context
    t_slot.id = a.id;
}

void take_possession(core_ref a, thread_context& c) noexcept {
    t_slot.self = &t_slot;
    c.life.attach(&t_slot, os::thread_number());
    if (!t_slot.hooked) t_slot.hooked = os::call_at_thread_exit(c.owner->life.calls().thread_exit);
    enter_context(a, &c);
    c.probes.hooks->follow_observer(c);
}

namespace {

thread_context* attach_or(core_ref a, exhaustion_reason& why) noexcept {
    if (thread_context* c = context_met(a)) return c;
    thread_context* c = a.owner->life.calls().obtain(*a.owner, why);
    if (c == nullptr) return nullptr;
    if (!remember_context(a.id, c)) {
        make_idle(*c);
        why = exhaustion_reason::system_refused;
        return nullptr;
    }
    a.owner->config.above->enter(*c);
    c->probes.hooks->thread_came(*c);
    take_possession(a, *c);
    return c;
}

}  // namespace

thread_context* context_met(const core_ref& a) noexcept {
    thread_context* c = known_context_of(a.id);
    if (c == nullptr) require_own(a.id);
    else enter_context(a, c);
    return c;
}

thread_context* try_attach(const core_ref& a) noexcept {
    exhaustion_reason why = exhaustion_reason::system_refused;
    thread_context* c = attach_or(a, why);
    return c == nullptr && make_room(*a.owner, why, on_failure::return_null) ? attach_or(a, why) : c;
}

thread_context* attach(const core_ref& a) noexcept {
    for (;;) {
        exhaustion_reason why = exhaustion_reason::system_refused;
        if (thread_context* c = attach_or(a, why)) return c;
        a.owner->exhausted_metadata(why, sizeof(thread_context), alignof(thread_context));
    }
}

}  // namespace framealloc::inline v1::memory
