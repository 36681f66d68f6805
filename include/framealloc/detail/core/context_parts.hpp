// A tag, a phase and budgets that are opened and closed together, as parts of one context scope.
#pragma once

#include <framealloc/detail/core/context.hpp>
#include <framealloc/detail/core/scopes.hpp>

namespace framealloc::inline v1::memory {

// Null where none is open.
struct context_parts {
    open_scope* all[scope_kind_count];  // by kind
    FRAMEALLOC_INLINE open_scope*& of(scope_kind k) noexcept { return all[static_cast<unsigned>(k)]; }
};

// As one, where that changes nothing but the lists. False, with nothing done, when something is to be charged, an
// account or a node is to be made, or the thread's budgets differ.
FRAMEALLOC_INLINE bool open_together(thread_context& c, const account::tag_node& tag, const account::tag_node& phase,
                                     const account::thread_budget& limits, context_parts& parts) noexcept {
    frame_record* const r = c.stack.top();
    if (!c.charges.wholly_settled_at(r->cursor) || limits.terms != c.budget.terms) return false;
    tag_account* const t = c.charges.accounts().at(tag.index);
    tag_account* const p = c.charges.accounts().at(phase.index);
    const auto spare = [&c](scope_kind k) { return c.charges.newest(k)->inner; };
    open_scope *const for_tag = spare(scope_kind::tag), *const for_phase = spare(scope_kind::phase),
                      *const for_limits = spare(scope_kind::limits);
    if (t == nullptr || p == nullptr || for_tag == nullptr || for_phase == nullptr || for_limits == nullptr)
        return false;
    for_tag->charge_to(t);
    for_phase->charge_to(p);
    for_limits->same_terms = true;
    enter_scope(*r, scope_kind_count);
    const auto open = [&](scope_kind k, open_scope* s) {
        s->face = scope_face::context_scope;
        sync::store_relaxed(s->record, r);  // relaxed: a thread that has the scope got it from this one
        c.charges.open(k, s);
        parts.of(k) = s;
    };
    open(scope_kind::tag, for_tag);
    open(scope_kind::phase, for_phase);
    open(scope_kind::limits, for_limits);
    return true;
}

// False, with nothing done, when something is to be charged or put back, or a scope is not the newest of its kind.
FRAMEALLOC_INLINE bool close_together(context_parts parts) noexcept {
    frame_record* const r = record_of(*parts.of(scope_kind::tag));
    thread_context& c = *r->context;
    // The slot's record is the calling thread's, and on top.
    if (FRAMEALLOC_SLOT.record != r || !c.charges.wholly_settled_at(r->cursor)) return false;
    const auto is_newest = [&](scope_kind k) { return c.charges.newest(k) == parts.of(k); };
    if (!is_newest(scope_kind::tag) || !is_newest(scope_kind::phase) || !is_newest(scope_kind::limits)) return false;
    if (!parts.of(scope_kind::limits)->same_terms) return false;
    parts.of(scope_kind::tag)->face = scope_face::tag_scope;
    parts.of(scope_kind::phase)->face = scope_face::phase_scope;
    leave_scope(*r, scope_kind_count);
    const auto close = [&](scope_kind k) { c.charges.set_newest(k, parts.of(k)->outer); };
    close(scope_kind::tag);
    close(scope_kind::phase);
    close(scope_kind::limits);
    return true;
}

}  // namespace framealloc::inline v1::memory
