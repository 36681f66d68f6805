// Threads come, find their contexts, and go.
#include <framealloc/core/threads.hpp>

#include <framealloc/core/accounts.hpp>
#include <framealloc/core/frame_arena.hpp>
#include <framealloc/core/heap.hpp>
#include <framealloc/core/known.hpp>
#include <framealloc/core/life.hpp>
#include <framealloc/core/pool.hpp>
#include <framealloc/core/probed.hpp>
#include <framealloc/core/registry.hpp>
#include <framealloc/core/remote.hpp>
#include <framealloc/core/scopes.hpp>
#include <framealloc/os/thread.hpp>

namespace framealloc::inline v1::memory {

void context_list::add(thread_context& c) noexcept {
    c.life.next_ = first_;
    first_ = &c;
}

void context_list::add_idle(thread_context& c) noexcept {
    c.life.next_idle_ = nullptr;
    c.life.idle_ = true;
    *idle_end_ = &c;
    idle_end_ = &c.life.next_idle_;
}

thread_context*& context_list::next_idle(thread_context& c) noexcept { return c.life.next_idle_; }
thread_context* context_list::idle_after(const thread_context& c) noexcept { return c.life.next_idle_; }
thread_context* context_list::leaving_after(const thread_context& c) noexcept { return c.life.next_leaving_; }
void context_list::chain_leaving(thread_context& c, thread_context* next) noexcept { c.life.next_leaving_ = next; }

thread_context* context_list::take(thread_context** link) noexcept {
    thread_context* c = *link;
    c->life.idle_ = false;
    *link = c->life.next_idle_;
    if (*link == nullptr) idle_end_ = link;
    return c;
}

namespace {

// A context that an ended thread left, with all it owns, or a new one.
thread_context* obtain_context(core& a, exhaustion_reason& why) noexcept {
    {
        const sync::lock_guard guard(a.lock);
        if (thread_context* c = a.threads.take_idle([](const thread_context&) { return true; })) return c;
    }
    thread_context* c = make_context(a, why);
    if (c == nullptr) return nullptr;
    const sync::lock_guard guard(a.lock);
    a.threads.add(*c);
    return c;
}

void make_idle(thread_context& c) noexcept {
    core& a = *c.owner;
    const sync::lock_guard guard(a.lock);
    a.tally.note_return();
    a.threads.add_idle(c);
}

// Left by its thread, with what it has cached.
void shelve(thread_context& c) noexcept {
    settle(c);
    abandon_scopes(c);
    flush_batch(c);
    c.budget = {};
    c.owner->config.above->leave(c);
    set_deferred(c, c.owner->config.deferred);
    show_adopted(c);
    c.life.detach();  // relaxed: the idle list's lock publishes the rest
    make_idle(c);
}

void detach(thread_context& c) noexcept {
    c.owner->config.above->close_frames(c);
    flush_heap_cache(c);
    trim_pages(c);
    shelve(c);
}

// What this thread has of allocators that live, each of them pinned.
thread_context* pin_known() noexcept {
    thread_context* leaving = nullptr;
    const live_cores_lock guard;
    for (core* a = first_live_core(); a != nullptr; a = a->life.next()) {
        thread_context* c = known_context_of(a->id);
        if (c == nullptr) continue;
        a->life.handles.add();
        context_list::chain_leaving(*c, leaving);
        leaving = c;
    }
    return leaving;
}

void on_thread_exit() noexcept {
    // Destructors that run meanwhile may use allocators that this thread has not met; not for ever.
    for (int pass = 0; pass < 4; ++pass) {
        thread_context* c = pin_known();
        if (c == nullptr) break;
        while (c != nullptr) {
            core* a = c->owner;
            thread_context* next = context_list::leaving_after(*c);
            detach(*c);
            forget_context(a->id);
            release_core({a, a->id});
            c = next;
        }
    }
    forget_all_contexts();
}

void enter(core_ref a, thread_context* c) noexcept {
    t_slot.id = 0;
    sync::order_for_signals();
    t_slot.record = c->stack.top();
    t_slot.context = c;
    t_slot.key = c->probes.diverted() ? no_context_key : c->life.key();
    sync::order_for_signals();  // a handler that finds the id finds its context
    t_slot.id = a.id;
}

// Requires: remembered.
void take_possession(core_ref a, thread_context& c) noexcept {
    t_slot.self = &t_slot;
    c.life.attach(&t_slot, os::thread_number());
    if (!t_slot.hooked) t_slot.hooked = os::call_at_thread_exit(on_thread_exit);
    enter(a, &c);
    c.probes.hooks->follow_observer(c);
}

thread_context* attach_or(core_ref a, exhaustion_reason& why) noexcept {
    if (thread_context* c = context_met(a)) return c;
    thread_context* c = obtain_context(*a.owner, why);
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
    else enter(a, c);
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

const thread_context* known_to_caller(std::uint64_t id) noexcept { return known_context_of(id); }

thread_context* park_caller(core_ref a) noexcept {
    thread_context& c = *context_of(a);
    settle(c);
    uninstall_pages(c);
    flush_batch(c);
    c.life.set_parked(true);
    for (unsigned depth = 1; depth <= c.stack.depth(); ++depth)
        add_pending(record_at(c, depth), pending_always);  // ending one meanwhile looks
    c.stack.top()->gate.on(gate_parked);
    refresh_limit(c);
    c.life.detach();  // relaxed: whoever hands the context over publishes the rest
    forget_context(a.id);
    return &c;
}

bool unpark(core_ref a, thread_context& c) noexcept {
    require_own(a.id);
    if (thread_context* mine = known_context_of(a.id)) {
        const bool in_use = in_frame(*mine) || any_scope_open(*mine) || a.owner->config.above->in_job(*mine);
        if (in_use) return false;
        a.owner->config.above->close_frames(*mine);
        shelve(*mine);
        forget_context(a.id);
    }
    while (!remember_context(a.id, &c))
        a.owner->exhausted_metadata(exhaustion_reason::system_refused, sizeof(thread_slot::known_context), 1);
    c.life.set_parked(false);
    c.stack.top()->gate.off(gate_parked);
    take_possession(a, c);
    refresh_limit(c);
    return true;
}

void abandon_parked(thread_context& c) noexcept {
    require_own(c.owner->id);
    c.life.set_parked(false);
    c.stack.top()->gate.off(gate_parked);
    detach(c);
}

void detach_caller(core& a) noexcept {
    thread_context* c = known_context_of(a.id);
    if (c == nullptr) return;
    enter({&a, a.id}, c);
    detach(*c);
    forget_context(a.id);
}

namespace {

// Idle contexts, one at a time, are taken out of their list for `f`, as a new thread would. Each at most once or so:
// other threads come and go meanwhile. Taking all at once would make new threads take new contexts.
template <class Wanted, class F>
void for_each_idle(core& a, Wanted&& wanted, F&& f) noexcept {
    std::size_t left = 0;
    {
        const sync::lock_guard guard(a.lock);
        for (thread_context* c = a.threads.first_idle(); c != nullptr; c = context_list::idle_after(*c)) ++left;
    }
    for (; left != 0; --left) {
        thread_context* found = nullptr;
        {
            const sync::lock_guard guard(a.lock);
            found = a.threads.take_idle(wanted);
        }
        if (found == nullptr) return;
        f(*found);
        make_idle(*found);
    }
}

}  // namespace

void trim_idle(core& a) noexcept {
    for_each_idle(
        a, [](const thread_context&) { return true; },
        [](thread_context& c) {
            trim_pages(c);
            trim_arena(c);
        });
}

void reclaim_idle(core& a) noexcept {
    for_each_idle(
        a, [](const thread_context& c) { return c.remote.any_announced(); }, [](thread_context& c) { trim_pages(c); });
}

void close_kept_frames(core& a) noexcept {
    for_each_idle(
        a, [](const thread_context& c) { return c.arenas.current().parked || c.arenas.count() > 1; },
        [](thread_context& c) { c.owner->config.above->close_frames(c); });
}

void orphan_pages(core& a) noexcept {
    a.life.note_orphaned();
    const sync::lock_guard guard(a.lock);
    for (thread_context* c = a.threads.first_idle(); c != nullptr; c = context_list::idle_after(*c)) {
        for (pool_page* p = c->pages.first(); p != nullptr; p = p->next_all) p->set_key(closed_key);
    }
}

}  // namespace framealloc::inline v1::memory
