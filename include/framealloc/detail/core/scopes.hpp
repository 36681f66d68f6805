// What a thread charges: the open tag, phase and context scopes, and begin_phase().
//
//   open_scope* s = open<scope_kind::tag>(c, account);
//   close<scope_kind::tag>(*s);
//
// Each kind is a list of its own, the newest first, so that a scope that closes out of order is taken out of the middle
// and the newest open one stays charged. The nodes are the context's and not the scope objects', which may go without
// closing, or on another thread. Spare nodes follow the newest open one.
// Threads: a scope that another thread closes is marked; its own thread takes it out when it next looks.
#pragma once

#include <framealloc/detail/core/accounts.hpp>

namespace framealloc::inline v1::memory {

template <scope_kind K>
void settle_for_scope(thread_context& c) noexcept;
// Requires: it is the newest tag scope, and the caller's top frame is the one that it was opened in.
void close_unsettled_tag(open_scope& s, thread_context& c) noexcept;
// Behind the newest of its kind.
FRAMEALLOC_COLD open_scope* add_spare_scope(thread_context& c, scope_kind k) noexcept;
// Together, as parts of one object, which is named by the first. FA429 unless each is the newest of its kind and the
// frame they were opened in is on top.
FRAMEALLOC_COLD void close_scopes(open_scope* const* first, unsigned n) noexcept;
void close_scope_slow(open_scope& s) noexcept;

// Requires, of these: the calling thread owns the context.
// Takes out what other threads have closed.
FRAMEALLOC_COLD void forget_closed(thread_context& c) noexcept;
inline void forget_closed_elsewhere(thread_context& c) noexcept {
    if (c.scopes.closed_elsewhere()) [[unlikely]]
        forget_closed(c);  // relaxed: an early look
}
// FA429 when scopes opened in this frame, the top one, are open.
void report_open_scopes(thread_context& c, frame_record* r) noexcept;
// The frame, in which scopes are open, ends: so do the phases begun in it; scope objects stay charged until they close.
void leave_scopes(thread_context& c, const frame_record* r) noexcept;
// The thread leaves the context.
void abandon_scopes(thread_context& c) noexcept;
// Budgets, put back when it closes.
open_scope* open_limits(thread_context& c, const account::thread_budget& limits) noexcept;
bool any_scope_open(const thread_context& c) noexcept;
// begin_phase().
void open_begun_phase(thread_context& c, tag_account* phase) noexcept;
inline std::uint32_t phases_begun(const thread_context& c) noexcept { return c.scopes.phases(); }
// The newest begin_phase(); null when there is none.
open_scope* newest_begun_phase(const thread_context& c) noexcept;

inline frame_record* record_of(const open_scope& s) noexcept {
    return sync::load_relaxed(s.record);
}  // relaxed: its thread's, or only a hint

// Whether it can open or close without charging anybody.
template <scope_kind K>
FRAMEALLOC_INLINE bool settled_for(const thread_context& c, const frame_record& r) noexcept {
    return K == scope_kind::tag ? c.charges.settled_at(r.cursor) : c.charges.wholly_settled_at(r.cursor);
}

template <scope_kind K>
FRAMEALLOC_INLINE open_scope* open(thread_context& c, tag_account* a) noexcept {
    frame_record* r = c.stack.top();
    if (!settled_for<K>(c, *r)) [[unlikely]]
        settle_for_scope<K>(c);
    open_scope* s = c.charges.newest(K)->inner;
    if (s == nullptr) [[unlikely]]
        s = add_spare_scope(c, K);
    s->charge_to(a);
    sync::store_relaxed(s->record, r);  // relaxed: a thread that has the scope got it from this one
    enter_scope(*r);
    c.charges.open(K, s);
    return s;
}

template <scope_kind K>
FRAMEALLOC_INLINE void close(open_scope& s) noexcept {
    frame_record* r = record_of(s);
    thread_context& c = *r->context;
    // The slot's record is the calling thread's, and on top.
    if (FRAMEALLOC_SLOT.record != r || c.charges.newest(K) != &s) [[unlikely]]
        return close_scope_slow(s);
    if (!settled_for<K>(c, *r)) [[unlikely]]
        return K == scope_kind::tag ? close_unsettled_tag(s, c) : close_scope_slow(s);
    leave_scope(*r);
    c.charges.set_newest(K, s.outer);
}

}  // namespace framealloc::inline v1::memory
