// The calling thread's context in an allocator: known, or obtained now.
#include <framealloc/detail/core/attach.hpp>

#include <framealloc/detail/core/identity.hpp>
#include <framealloc/detail/core/known.hpp>
#include <framealloc/detail/core/life.hpp>
#include <framealloc/detail/core/report.hpp>
#include <framealloc/detail/os/thread.hpp>

namespace framealloc::inline v1::memory {

namespace {

FRAMEALLOC_INLINE void make_current(const core_ref& a, thread_context* c) noexcept {
    t_slot.id = thread_slot::no_allocator;
    sync::order_for_signals();
    sync::store_relaxed(t_slot.record, c->stack.top());  // relaxed: one by one, which is shorter than in pairs
    sync::store_relaxed(t_slot.context, c);  // relaxed: as above
    t_slot.key = c->probes.diverted() ? no_context_key : c->life.key();
    sync::order_for_signals();  // a handler that finds the id finds its context
    t_slot.id = a.id;
}

}  // namespace

void enter_context(core_ref a, thread_context* c) noexcept { make_current(a, c); }

void take_possession(core_ref a, thread_context& c) noexcept {
    t_slot.self = &t_slot;
    c.life.attach(&t_slot, os::thread_number());
    if (!t_slot.hooked) t_slot.hooked = os::call_at_thread_exit(c.owner->life.calls().thread_exit);
    enter_context(a, &c);
    c.probes.hooks->follow_observer(c);
}

namespace {

thread_context* obtain(core_ref a, refused_request& r) noexcept {
    thread_context* c = a.owner->life.calls().obtain(*a.owner, r);
    if (c == nullptr) return nullptr;
    if (!remember_context(a.id, c)) {
        make_idle(*c);
        r = {.bytes = sizeof(thread_slot)};  // about: of the thread's list of contexts
        return nullptr;
    }
    a.owner->config.above->enter(*c);
    c->probes.hooks->thread_came(*c);
    take_possession(a, *c);
    return c;
}

FRAMEALLOC_COLD thread_context* try_obtain(core_ref a) noexcept {
    refused_request r;
    if (thread_context* c = obtain(a, r)) return c;
    if (!make_room(*a.owner, r.why, on_failure::return_null)) return nullptr;
    if (thread_context* c = context_met(a)) return c;
    return obtain(a, r);
}

// Null when it is worth another try.
FRAMEALLOC_COLD thread_context* obtain_or_ask(core_ref a) noexcept {
    refused_request r;
    if (thread_context* c = obtain(a, r)) return c;
    if (!r.is_chunk) a.owner->exhausted_metadata(r.why, r.bytes, alignof(thread_context));
    else if (!make_room(*a.owner, r.why, on_failure::ask_handler))
        a.owner->exhausted(r.why, memory_kind::frame, r.bytes, page_bytes);
    return nullptr;
}

[[gnu::noinline]] thread_context* attach_slow(core_ref a) noexcept {
    if (a.owner == nullptr) refuse_without_source("a source that leads to no memory");
    for (;;) {
        if (thread_context* c = context_met(a)) return c;
        if (thread_context* c = obtain_or_ask(a)) return c;
    }
}

}  // namespace

thread_context* context_met(const core_ref& a) noexcept {
    thread_context* c = known_context_of(a.id);
    if (c == nullptr) require_own(a.id);
    else enter_context(a, c);
    return c;
}

thread_context* try_attach(const core_ref& a) noexcept {
    if (a.owner == nullptr) return nullptr;
    thread_context* c = context_met(a);
    return c != nullptr ? c : try_obtain(a);
}

thread_context* attach(const core_ref& a) noexcept {
    thread_context* c = known_at_home(a.id);
    if (c == nullptr) [[unlikely]]
        return attach_slow(a);
    make_current(a, c);
    return c;
}

}  // namespace framealloc::inline v1::memory
