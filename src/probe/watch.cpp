// How a thread begins and ends to be watched, and what its observer is notified of.
#include <framealloc/detail/probe/watch.hpp>

#include <new>

#include <framealloc/detail/core/core.hpp>
#include <framealloc/detail/core/walk.hpp>
#include <framealloc/detail/os/thread.hpp>

namespace framealloc::inline v1::memory {

namespace {

watched_frame& watched_at(const thread_context& c, std::uint32_t depth) noexcept {
    return segment_of(c, depth).watched[depth % records_per_segment];
}

// Requires: c belongs to the calling thread.
void divert(thread_context& c, bool on) noexcept {
    c.probes.set(thread_probes::watch_bit, on);
    for (unsigned depth = 0; depth <= max_frame_depth && c.segments.reach(depth); depth += records_per_segment) {
        for (frame_record& r : c.segments.of(depth).records) {
            if (on) r.gate.on(gate_watch);
            else r.gate.off(gate_watch);
        }
    }
    for (unsigned depth = 1; on && depth <= c.stack.depth(); ++depth) add_pending(record_at(c, depth), pending_always);
    put_away_pages(c);
    note_settled(c);
    if (FRAMEALLOC_SLOT.context == &c) FRAMEALLOC_SLOT.key = c.probes.diverted() ? no_context_key : c.life.key();
}

// Null without memory for it; the next boundary tries again.
watch* made_watch(thread_context& c) noexcept {
    if (c.probes.watcher() != nullptr) return c.probes.watcher();
    exhaustion_reason why{};
    void* memory = c.owner->meta.allocate(sizeof(watch), why);
    return memory == nullptr ? nullptr : ::new (memory) watch{};
}

}  // namespace

watch::base watch::now() const noexcept {
    base b{.begun = begun.get(),
           .ended = ended.get(),
           .allocated = allocated.get(),
           .remote_frees = remote_frees(),
           .reported = {}};
    for (std::size_t i = 0; i < frame_event_kinds; ++i) b.reported[i] = reported[i].get();
    return b;
}

void begin_watched_thread(thread_context& c) noexcept {
    if (c.probes.watcher() == nullptr) return;
    watch& w = *c.probes.watcher();
    const sync::lock_guard guard(c.owner->lock);
    w.came = w.now();
    w.former_peak.raise_to(w.peak.get());
    w.peak.set(0);
}

void forget_vanished_thread(thread_context& c) noexcept {
    if (c.probes.watcher() != nullptr) c.probes.watcher()->notifying.release();
}

void note_adopted(thread_context& c, std::uint64_t blocks, std::uint64_t bytes) noexcept {
    c.probes.watcher()->adopted += blocks;
    c.probes.watcher()->adopted_bytes += bytes;
}

void follow_observer(thread_context& c) noexcept {
    core& a = *c.owner;
    c.stack.ground().gate.off(gate_call);  // before the question: a call after it closes the gate again
    if (a.probes.is_watching() == c.probes.watched()) return;  // relaxed: the lock below tells
    if (c.probes.watched()) {
        if (!c.probes.watcher()->inside) divert(c, false);
        return;
    }
    watch* w = made_watch(c);
    if (w == nullptr) return;
    {
        const sync::lock_guard guard(a.lock);  // against disable(), which reads the pointer
        c.probes.made_watch.store_release(w);  // pairs: wait_for_handlers()
        if (!a.probes.is_watching()) return;               // relaxed: written under the lock
    }
    w->depth = c.stack.depth();
    for (unsigned depth = 0; depth <= w->depth; ++depth)
        watched_at(c, depth) = {os::monotonic_microseconds(), w->allocated.get(), 0};
    divert(c, true);
    refresh_limit(c);
}

void notify_all_threads(core& a) noexcept {
    const sync::lock_guard guard(a.lock);
    for_each_context(a, [](thread_context& c) { ground_of(c).gate.on(gate_call); });
}

namespace {

// Waits until no other thread is in the handler that was. One that notified and has left its context since is waited
// for as well: what it read is read before what follows is written.
void wait_for_handlers(thread_context* newest, const thread_context* mine) noexcept {
    if (mine != nullptr && mine->probes.watcher() != nullptr && mine->probes.watcher()->inside) return;
    for_each_context_from(newest, [&](const thread_context& c) {
        watch* w = c.probes.made_watch.load_acquire();  // pairs: follow_observer()
        if (&c == mine || w == nullptr) return;
        while (!w->notifying.try_acquire()) os::sleep_microseconds(10);
        w->notifying.release();
    });
}

// Off, and nobody reads the observer any more, unless one is set meanwhile: returns how many were set before.
std::uint64_t stop_notifying(core& a, const thread_context* mine) noexcept {
    thread_context* newest = nullptr;
    std::uint64_t before = 0;
    {
        const sync::lock_guard guard(a.lock);
        a.probes.watching.store_relaxed(false);  // relaxed: under the lock
        newest = newest_context(a);
        before = a.probes.observers;
    }
    wait_for_handlers(newest, mine);
    return before;
}

// False when another thread has set one meanwhile: it may be read.
bool set_observer(core& a, const frame_event_handler& handler, std::uint64_t before) noexcept {
    const sync::lock_guard guard(a.lock);
    if (a.probes.observers != before) return false;
    a.probes.observer = handler;
    ++a.probes.observers;
    a.probes.watching.store_release(true);  // pairs: notify(), which may see it before it sees the lock
    return true;
}

}  // namespace

void observe(core_ref owner, const frame_event_handler& handler) noexcept {
    core& a = *owner.owner;
    thread_context* mine = try_context_of(owner);
    while (!set_observer(a, handler, stop_notifying(a, mine))) {}
    notify_all_threads(a);
    if (mine != nullptr) follow_observer(*mine);
}

void stop_observing(core_ref owner) noexcept {
    thread_context* mine = try_context_of(owner);
    stop_notifying(*owner.owner, mine);
    notify_all_threads(*owner.owner);
    if (mine != nullptr) follow_observer(*mine);
}

void notify(thread_context& c, frame_event e) noexcept {
    watch& w = *c.probes.watcher();
    if (w.inside) return;
    w.reported[static_cast<unsigned>(e.kind)].add(1);
    e.thread = thread_of(c);
    if (e.frame == 0) e.frame = current_frame(c);
    e.tag = {c.tag()->node->path, c.tag()->node->path_length};
    while (!w.notifying.try_acquire()) os::sleep_microseconds(1);  // disable() has it for a moment
    if (c.owner->probes.watching.load_acquire() &&
        c.owner->probes.observer) {  // pairs: enable(); after disable(), `notifying` orders it
        w.inside = true;
        const user_code observing(&c);
        c.owner->probes.observer(e);
        w.inside = false;
    }
    w.notifying.release();
}

void notify_release(thread_context& c, memory_kind m, std::size_t bytes) noexcept {
    notify(c, {.kind = frame_event_kind::release, .memory = m, .bytes = bytes});
}

void notify_frame_begin(thread_context& c) noexcept {
    watch& w = *c.probes.watcher();
    w.depth = c.stack.depth();
    watched_at(c, w.depth) = {os::monotonic_microseconds(), w.allocated.get(), frame_bytes_in_use(c)};
    w.begun.add(w.depth == 1 ? 1U : 0U);
    notify(c, {.kind = frame_event_kind::frame_begin, .depth = w.depth});
}

frame_event end_of_top(thread_context& c) noexcept {
    watch& w = *c.probes.watcher();
    const unsigned depth = c.stack.depth();
    watched_frame& f = watched_at(c, depth);
    if (frame_bytes_in_use(c) > f.peak) f.peak = frame_bytes_in_use(c);
    if (watched_frame& outer = watched_at(c, depth - 1); f.peak > outer.peak) outer.peak = f.peak;
    w.peak.raise_to(f.peak);
    w.ended.add(depth == 1 ? 1U : 0U);
    frame_event e{.kind = frame_event_kind::frame_end,
                  .depth = depth,
                  .bytes = static_cast<std::size_t>(w.allocated.get() - f.allocated),
                  .peak = f.peak,
                  .microseconds = os::monotonic_microseconds() - f.since};
    e.frame = current_frame(c);  // by the time it is reported, the next one's
    return e;
}

void notify_adopted(thread_context& c) noexcept {
    watch& w = *c.probes.watcher();
    if (w.adopted == 0 || w.inside) return;
    const frame_event e{.kind = frame_event_kind::deferred_processed,
                        .bytes = static_cast<std::size_t>(w.adopted_bytes),
                        .count = w.adopted};
    w.adopted = w.adopted_bytes = 0;
    notify(c, e);
}

void notify_allocation(thread_context& c, memory_kind m, std::size_t bytes) noexcept {
    watch& w = *c.probes.watcher();
    if (traits_of(m).of_frames) {
        w.allocated.add(bytes);
        watched_frame& f = watched_at(c, c.stack.depth());
        if (frame_bytes_in_use(c) > f.peak) f.peak = frame_bytes_in_use(c);
    }
    notify(c, {.kind = frame_event_kind::allocation, .memory = m, .bytes = bytes});
}

}  // namespace framealloc::inline v1::memory
