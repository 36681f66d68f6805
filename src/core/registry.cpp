#include <framealloc/core/core.hpp>
#include <framealloc/core/registry.hpp>

#include <bit>
#include <cstdio>
#include <cstring>
#include <new>

#include <framealloc/core/scopes.hpp>
#include <framealloc/core/zones.hpp>
#include <framealloc/os/code.hpp>
#include <framealloc/os/thread.hpp>

namespace framealloc::inline v1::memory {

[[gnu::used]] thread_local constinit thread_slot t_slot{};

namespace {

constinit sync::lock live_lock;
constinit core* live_cores = nullptr;

using known_context = thread_slot::known_context;

constexpr std::uint64_t gone = ~std::uint64_t{0};  // id of an entry whose allocator was forgotten

}  // namespace

// Open addressing, at most half of the entries in use. Its entries follow it.
struct thread_slot::known_table {
    std::size_t capacity;  // a power of two
    std::size_t used;      // entries with an id, forgotten ones too
    std::size_t bytes;

    known_context& at(std::uint64_t i) noexcept {
        return reinterpret_cast<known_context*>(this + 1)[i & (capacity - 1)];
    }
    known_context& place_of(std::uint64_t wanted) noexcept {  // its own, or the empty one that would be
        std::uint64_t i = wanted;  // ids are consecutive numbers
        while (at(i).id != wanted && at(i).id != 0) ++i;
        return at(i);
    }
    bool full() const noexcept { return (used + 1) * 2 > capacity; }
};

namespace {

using known_table = thread_slot::known_table;

// Null when there is none. Takes no lock: what a signal handler may ask.
known_context* known_entry(std::uint64_t id) noexcept {
    for (auto& k : t_slot.known) {
        if (k.id == id) return &k;
    }
    known_table* table = t_slot.more;
    if (table == nullptr) return nullptr;
    known_context& k = table->place_of(id);
    return k.id == id ? &k : nullptr;
}

thread_context* known_context_of(std::uint64_t id) noexcept {
    const known_context* k = known_entry(id);
    return k == nullptr ? nullptr : k->context;
}

known_context* free_inline_entry() noexcept {
    for (auto& k : t_slot.known) {
        if (k.id == 0) return &k;
    }
    return nullptr;
}

// Entries of dead allocators are told by their id; their contexts are never looked at. Returns how many of the table
// live.
// Requires: live_lock is held.
std::size_t forget_the_dead_inline() noexcept {
    std::uint32_t alive = 0;
    std::size_t in_table = 0;
    for (core* c = live_cores; c != nullptr; c = c->next_live) {
        const known_context* k = known_entry(c->id);
        if (k == nullptr) continue;
        if (k >= t_slot.known && k < t_slot.known + thread_slot::inline_known) alive |= 1U << (k - t_slot.known);
        else ++in_table;
    }
    for (unsigned i = 0; i < thread_slot::inline_known; ++i) {
        if ((alive >> i & 1U) == 0) t_slot.known[i] = {};
    }
    return in_table;
}

known_table* make_table(std::size_t capacity) noexcept {
    os::system_pages system;
    const std::size_t bytes = align_up(sizeof(known_table) + capacity * sizeof(known_context), system.granularity());
    void* p = system.reserve(bytes, system.granularity());
    if (p == nullptr) return nullptr;
    if (system.commit(p, bytes)) return ::new (p) known_table{capacity, 0, bytes};
    system.release(p, bytes);
    return nullptr;
}

void release_table(known_table* table) noexcept {
    if (table != nullptr) os::system_pages{}.release(table, table->bytes);
}

// Room for one more. Looking for dead ones whenever their number might have doubled costs each newcomer little.
bool make_room_for_known() noexcept {
    const sync::lock_guard guard(live_lock);
    const std::size_t living = forget_the_dead_inline();
    if (free_inline_entry() != nullptr) return true;
    known_table* old = t_slot.more;
    known_table* wider = make_table(std::bit_ceil((living + 16) * 4));
    if (wider == nullptr) return false;
    for (core* c = live_cores; c != nullptr && old != nullptr; c = c->next_live) {
        const known_context& k = old->place_of(c->id);
        if (k.id != c->id) continue;
        wider->place_of(k.id) = k;
        ++wider->used;
    }
    sync::order_for_signals();
    t_slot.more = wider;
    sync::order_for_signals();  // a handler finds the one or the other
    release_table(old);
    return true;
}

bool remember(std::uint64_t id, thread_context* c) noexcept {
    known_context* free = free_inline_entry();
    if (free == nullptr && (t_slot.more == nullptr || t_slot.more->full())) {
        if (!make_room_for_known()) return false;
        free = free_inline_entry();
    }
    if (free == nullptr) {
        free = &t_slot.more->place_of(id);
        ++t_slot.more->used;
    }
    free->id = 0;
    sync::order_for_signals();
    free->context = c;
    sync::order_for_signals();  // a handler that finds the id finds its context
    free->id = id;
    return true;
}

void forget(std::uint64_t id) noexcept {
    if (known_context* k = known_entry(id)) {
        const bool in_slot = k >= t_slot.known && k < t_slot.known + thread_slot::inline_known;
        *k = {in_slot ? 0 : gone, nullptr};
    }
    if (t_slot.id != id) return;
    t_slot.id = 0;
    t_slot.record = nullptr;
    t_slot.context = nullptr;
    t_slot.key = no_context_key;
}

void set_up_scopes(thread_context& c) noexcept {
    for (unsigned k = 0; k < scope_kind_count; ++k) {
        c.scope_ends[k].account = k == static_cast<unsigned>(scope_kind::limits) ? nullptr : c.root_tag;
        c.scope_ends[k].record = &c.ended;
        c.charged[k] = &c.scope_ends[k];
    }
    c.ended.context = &c;
}

void set_up_records(thread_context& c) noexcept {
    for (frame_record& r : c.segments[0]->records) r.cursor = c.flight->start;
    c.records[0].gate.on(gate_own);  // the first frame introduces itself
    c.records[0].pending_bits = pending_ground;
    c.top = c.records;
    begin_segment(c, c.flight->start);
}

// Everything a context needs before its first operation; null when a page was refused.
thread_context* make_context(core& a, exhaustion_reason& why) noexcept {
    void* memory = a.meta.allocate(sizeof(thread_context), why);
    record_segment* records = nullptr;
    void* flight = a.meta.allocate(a.config.above->flight_bytes, why);
    auto give_up = [&]() -> thread_context* {
        a.meta.deallocate(memory, sizeof(thread_context));
        a.meta.deallocate(records, sizeof(record_segment));
        a.meta.deallocate(flight, a.config.above->flight_bytes);
        return nullptr;
    };
    if (memory == nullptr || flight == nullptr) return give_up();
    auto& c = *::new (memory) thread_context{};
    c.owner = &a;
    c.key = fresh_id();
    c.flight = a.config.above->make_flight(flight);
    c.flight->next = c.flight;
    c.flight_count = 1;
    c.accounts_end = &c.accounts;
    a.config.above->open_context(c);
    c.probes.hooks = a.probes.hooks;
    if (!c.probes.hooks->open_thread(c)) return give_up();
    records = add_segment(c, 0, why);
    if (records == nullptr) {
        c.probes.hooks->close_thread(c);
        return give_up();
    }
    c.records = records->records;
    for (auto& kind : c.pages) {
        for (pool_page*& p : kind) p = &nothing_installed;
    }
    if (!open_arena(c, *c.flight, why)) {
        c.probes.hooks->close_thread(c);
        return give_up();
    }
    c.root_tag = account_for(c, a.tags.root(), why);
    c.root_phase = c.root_tag;
    if (c.root_tag == nullptr) {
        close_arena(c, *c.flight);
        c.probes.hooks->close_thread(c);
        return give_up();
    }
    set_up_scopes(c);
    set_up_records(c);
    set_deferred(c, a.config.deferred);
    refresh_limit(c);
    return &c;
}

// Requires: the core's lock is held.
thread_context* take_idle(core& a, thread_context*& link) noexcept {
    thread_context* c = link;
    c->idle = false;
    link = c->next_idle;
    if (link == nullptr) a.idle_end = &link;
    return c;
}

// A context that an ended thread left, with all it owns, or a new one.
thread_context* obtain_context(core& a, exhaustion_reason& why) noexcept {
    {
        const sync::lock_guard guard(a.lock);
        if (a.idle != nullptr) return take_idle(a, a.idle);
    }
    thread_context* c = make_context(a, why);
    if (c == nullptr) return nullptr;
    const sync::lock_guard guard(a.lock);
    c->next = a.contexts;
    a.contexts = c;
    return c;
}

void make_idle(thread_context& c) noexcept {
    core& a = *c.owner;
    const sync::lock_guard guard(a.lock);
    c.next_idle = nullptr;
    c.idle = true;
    a.returns.add_relaxed(1);  // relaxed: a hint
    *a.idle_end = &c;
    a.idle_end = &c.next_idle;
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
    sync::store_relaxed(c.slot, nullptr);  // relaxed: the idle list's lock publishes the rest
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
    const sync::lock_guard guard(live_lock);
    for (core* a = live_cores; a != nullptr; a = a->next_live) {
        thread_context* c = known_context_of(a->id);
        if (c == nullptr) continue;
        a->handles.add();
        c->next_leaving = leaving;
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
            thread_context* next = c->next_leaving;
            detach(*c);
            forget(a->id);
            release_core({a, a->id});
            c = next;
        }
    }
    release_table(t_slot.more);
    t_slot = thread_slot{};
}

void enter(core_ref a, thread_context* c) noexcept {
    t_slot.id = 0;
    sync::order_for_signals();
    t_slot.record = c->top;
    t_slot.context = c;
    t_slot.key = c->probes.diverted() ? no_context_key : c->key;
    sync::order_for_signals();  // a handler that finds the id finds its context
    t_slot.id = a.id;
}

// Requires: remembered.
void take_possession(core_ref a, thread_context& c) noexcept {
    t_slot.self = &t_slot;
    sync::store_relaxed(c.thread, os::thread_number());  // relaxed: a name for reports
    sync::store_relaxed(c.slot, &t_slot);  // relaxed: only this thread finds its own address here
    if (!t_slot.hooked) t_slot.hooked = os::call_at_thread_exit(on_thread_exit);
    enter(a, &c);
    c.probes.hooks->follow_observer(c);
}

thread_context* attach_or(core_ref a, exhaustion_reason& why) noexcept {
    if (thread_context* c = context_met(a)) return c;
    thread_context* c = obtain_context(*a.owner, why);
    if (c == nullptr) return nullptr;
    if (!remember(a.id, c)) {
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

record_segment* add_segment(thread_context& c, std::uint32_t depth, exhaustion_reason& why) noexcept {
    void* memory = c.owner->meta.allocate(sizeof(record_segment), why);
    if (memory == nullptr) return nullptr;
    auto* s = ::new (memory) record_segment{};
    for (frame_record& r : s->records) {
        r.context = &c;
        r.depth = depth++;
        r.open_mask = r.depth == 0 ? 0 : ~std::uintptr_t{0};
        r.cursor = c.flight->start;
        if (c.probes.guarded()) r.gate.on(gate_guard);
        if (c.probes.watched()) r.gate.on(gate_watch);
        if (c.probes.guarded()) r.pending_bits = pending_always;
    }
    // Neither what is below the first record nor what is above the last one lies beside it.
    s->records[0].pending_bits = pending_always;
    s->records[records_per_segment - 1].gate.on(gate_own);
    sync::store_release(c.segments[s->records[0].depth / records_per_segment], s);  // pairs: describe()
    return s;
}

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

core* pin_core(std::uint64_t id) noexcept {
    const sync::lock_guard guard(live_lock);
    for (core* c = live_cores; c != nullptr; c = c->next_live) {
        if (c->id != id) continue;
        c->handles.add();
        return c;
    }
    return nullptr;
}

namespace {

// Every lock of every allocator, in the order in which they nest; `f` acquires or releases. Requires: live_lock is
// held, which keeps the list as it is.
template <class F>
void for_each_lock(F&& f) noexcept {
    for (core* c = live_cores; c != nullptr; c = c->next_live) {
        f(c->lock);
        f(c->tags.lock());
        f(c->large.lock());
        f(c->meta.lock());
        f(c->probes.blocks_lock());
        if (c->probes.samples()) f(c->probes.hooks->lock_of_samples(*c));
        if (c->config.fixed_bytes != 0) f(static_cast<os::fixed_pages*>(c->source)->lock());
    }
    f(os::code_lock());
}

void before_fork() noexcept {
    live_lock.acquire();
    for_each_lock([](sync::lock& l) { l.acquire(); });
}
// The list's lock goes last: another thread that gets it may destroy an allocator.
void after_fork_in_parent() noexcept {
    for_each_lock([](sync::lock& l) { l.release(); });
    live_lock.release();
}
// Only the forking thread lives on. The contexts of the others were stopped anywhere: they are never used again, nor
// are the blocks that come back to them; blocks may be read and freed.
void after_fork_in_child() noexcept {
    for (core* a = live_cores; a != nullptr; a = a->next_live) {
        for (thread_context* c = a->contexts; c != nullptr; c = c->next) {
            if (c->slot != &t_slot) c->probes.hooks->thread_vanished(*c);
            if (c->slot == nullptr || c->slot == &t_slot) continue;
            c->slot = nullptr;
            a->bereft = true;
        }
    }
    after_fork_in_parent();
}

// At first use, or when the library is loaded if that is earlier: then no other thread forks meanwhile. Without memory
// for it a fork finds the locks as they are.
bool prepare_fork() noexcept {
    static const bool prepared = os::call_at_fork(before_fork, after_fork_in_parent, after_fork_in_child);
    return prepared;
}

[[maybe_unused]] const bool prepared_at_load = prepare_fork();

}  // namespace

void register_core(core* c) noexcept {
    static_cast<void>(prepare_fork());
    const sync::lock_guard guard(live_lock);
    c->next_live = live_cores;
    if (live_cores != nullptr) live_cores->previous_live = c;
    live_cores = c;
}

core* first_live_core() noexcept { return live_cores; }

void visit_cores(void (*f)(core&, void*), void* state) noexcept {
    const sync::lock_guard guard(live_lock);
    for (core* c = live_cores; c != nullptr; c = c->next_live) {
        const sync::lock_guard inner(c->lock);
        f(*c, state);
    }
}

bool unregister_core(core* c, std::uint64_t seen) noexcept {
    const sync::lock_guard guard(live_lock);
    if (!c->handles.is_as(seen)) return false;
    (c->previous_live != nullptr ? c->previous_live->next_live : live_cores) = c->next_live;
    if (c->next_live != nullptr) c->next_live->previous_live = c->previous_live;
    return true;
}

thread_context* park_caller(core_ref a) noexcept {
    thread_context& c = *context_of(a);
    settle(c);
    uninstall_pages(c);
    flush_batch(c);
    c.parked = true;
    for (unsigned depth = 1; depth <= c.top->depth; ++depth)
        add_pending(record_at(c, depth), pending_always);  // ending one meanwhile looks
    c.top->gate.on(gate_parked);
    refresh_limit(c);
    sync::store_relaxed(c.slot, nullptr);  // relaxed: whoever hands the context over publishes the rest
    forget(a.id);
    return &c;
}

bool unpark(core_ref a, thread_context& c) noexcept {
    require_own(a.id);
    if (thread_context* mine = known_context_of(a.id)) {
        const bool in_use = in_frame(*mine) || any_scope_open(*mine) || a.owner->config.above->in_job(*mine);
        if (in_use) return false;
        a.owner->config.above->close_frames(*mine);
        shelve(*mine);
        forget(a.id);
    }
    while (!remember(a.id, &c))
        a.owner->exhausted_metadata(exhaustion_reason::system_refused, sizeof(known_context), 1);
    c.parked = false;
    c.top->gate.off(gate_parked);
    take_possession(a, c);
    refresh_limit(c);
    return true;
}

void abandon_parked(thread_context& c) noexcept {
    require_own(c.owner->id);
    c.parked = false;
    c.top->gate.off(gate_parked);
    detach(c);
}

void detach_caller(core& a) noexcept {
    thread_context* c = known_context_of(a.id);
    if (c == nullptr) return;
    enter({&a, a.id}, c);
    detach(*c);
    forget(a.id);
}

namespace {

// Idle contexts, one at a time, are taken out of their list for `f`, as a new thread would. Each at most once or so:
// other threads come and go meanwhile. Taking all at once would make new threads take new contexts.
template <class Wanted, class F>
void for_each_idle(core& a, Wanted&& wanted, F&& f) noexcept {
    std::size_t left = 0;
    {
        const sync::lock_guard guard(a.lock);
        for (thread_context* c = a.idle; c != nullptr; c = c->next_idle) ++left;
    }
    for (; left != 0; --left) {
        thread_context* found = nullptr;
        {
            const sync::lock_guard guard(a.lock);
            thread_context** link = &a.idle;
            while (*link != nullptr && !wanted(**link)) link = &(*link)->next_idle;
            if (*link != nullptr) found = take_idle(a, *link);
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
        a, [](const thread_context& c) { return !c.arrivals.empty(); }, [](thread_context& c) { trim_pages(c); });
}

void close_kept_frames(core& a) noexcept {
    for_each_idle(
        a, [](const thread_context& c) { return c.flight->parked || c.flight_count > 1; },
        [](thread_context& c) { c.owner->config.above->close_frames(c); });
}

void orphan_pages(core& a) noexcept {
    a.orphaned.store_relaxed(true);  // relaxed: readers that miss it free as before
    const sync::lock_guard guard(a.lock);
    for (thread_context* c = a.idle; c != nullptr; c = c->next_idle) {
        for (pool_page* p = c->all_pages; p != nullptr; p = p->next_all) p->set_key(closed_key);
    }
}

}  // namespace framealloc::inline v1::memory
