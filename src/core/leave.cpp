// Threads go, and contexts without a thread are trimmed.
#include <framealloc/detail/core/leave.hpp>

#include <framealloc/detail/core/accounts.hpp>
#include <framealloc/detail/core/frame_arena.hpp>
#include <framealloc/detail/core/heap.hpp>
#include <framealloc/detail/core/identity.hpp>
#include <framealloc/detail/core/known.hpp>
#include <framealloc/detail/core/pool.hpp>
#include <framealloc/detail/core/probed.hpp>
#include <framealloc/detail/core/registry.hpp>
#include <framealloc/detail/core/remote.hpp>
#include <framealloc/detail/core/scopes.hpp>

#include <utility>

namespace framealloc::inline v1::memory {

// A context that an ended thread left, with all it owns, or a new one.
thread_context* obtain_context(core& a, refused_request& r) noexcept {
    {
        const sync::lock_guard guard(a.lock);
        if (thread_context* c = a.threads.take_idle([](const thread_context&) { return true; })) return c;
    }
    thread_context* c = make_context(a, r);
    if (c == nullptr) return nullptr;
    const sync::lock_guard guard(a.lock);
    a.threads.add(*c);
    return c;
}

namespace {

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

// Two chains as one, the older allocator first.
thread_context* merge(thread_context* a, thread_context* b) noexcept {
    thread_context *first = nullptr, *last = nullptr;
    while (a != nullptr && b != nullptr) {
        thread_context*& least = a->owner->id < b->owner->id ? a : b;
        thread_context* const c = least;
        least = context_list::leaving_after(*c);
        if (last == nullptr) first = c;
        else context_list::chain_leaving(*last, c);
        last = c;
    }
    thread_context* const rest = a != nullptr ? a : b;
    if (last == nullptr) return rest;
    context_list::chain_leaving(*last, rest);
    return first;
}

// What this thread has of allocators that live, each of them pinned, the oldest first.
thread_context* pin_known() noexcept {
    thread_context* sorted[64];  // chains of 1, 2, 4 … contexts, or null
    unsigned chains = 0;
    const live_cores_lock guard;
    for_each_known([&](core& a, thread_context& c) {
        a.life.handles.add();
        context_list::chain_leaving(c, nullptr);
        thread_context* chain = &c;
        unsigned i = 0;
        for (; i != chains && sorted[i] != nullptr; ++i) chain = merge(std::exchange(sorted[i], nullptr), chain);
        if (i == chains) ++chains;
        sorted[i] = chain;
    });
    thread_context* leaving = nullptr;
    for (unsigned i = 0; i != chains; ++i) leaving = merge(sorted[i], leaving);
    return leaving;
}

}  // namespace

void leave_all() noexcept {
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

thread_context* park_caller(core_ref a) noexcept {
    thread_context& c = *context_of(a);
    settle_and_put_away(c);
    flush_batch(c);
    c.life.set_parked(true);
    for (unsigned depth = 1; depth <= c.stack.depth(); ++depth)
        add_pending(record_at(c, depth), pending_always);  // ending one meanwhile looks
    c.stack.top()->gate.on(gate_parked);
    refresh_limit(c);
    c.life.detach();  // relaxed: the thread that hands the context over publishes the rest
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
        a.owner->exhausted_metadata(exhaustion_reason::system_refused, sizeof(known_contexts::entry), 1);
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
    enter_context({&a, a.id}, c);
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
        a, [](const thread_context& c) { return c.arenas.current().content_kept || c.arenas.count() > 1; },
        [](thread_context& c) { c.owner->config.above->close_frames(c); });
}

void close_fast_paths(core& a) noexcept {
    a.life.note_without_handles();
    const sync::lock_guard guard(a.lock);
    for (thread_context* c = a.threads.first_idle(); c != nullptr; c = context_list::idle_after(*c)) {
        for (pool_page* p = c->pages.first(); p != nullptr; p = p->next_all) p->set_key(closed_key);
    }
}

}  // namespace framealloc::inline v1::memory
