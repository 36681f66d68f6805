// Scopes that close: in order, out of order, on another thread, after their frame.
#include <framealloc/detail/core/core.hpp>
#include <framealloc/detail/core/late.hpp>
#include <framealloc/detail/core/scopes.hpp>

#include <cstdio>
#include <new>
#include <utility>

#include <framealloc/detail/core/zones.hpp>

namespace framealloc::inline v1::memory {

namespace {

constexpr scope_kind scope_kinds[] = {scope_kind::tag, scope_kind::phase, scope_kind::limits};
bool is_end(const thread_context& c, const open_scope& s) noexcept { return c.scopes.is_end(s); }

// --- what is said of them ---

const char* face_text(const open_scope& s) noexcept {
    switch (s.face) {
        case scope_face::tag_scope: return "tag scope";
        case scope_face::phase_scope: return "phase scope";
        case scope_face::context_scope: return "context scope";
        case scope_face::begin_phase: return "phase";
    }
    return "scope";
}

struct named {
    char text[96];
    explicit named(const open_scope& s) noexcept {
        const account::tag_node* n = s.kind == scope_kind::limits ? nullptr : s.account->node;
        std::snprintf(text, sizeof text, "the %s \"%.70s\"", face_text(s), n == nullptr ? "" : n->path);
    }
};

// Its own thread may tell of it when its frame ends, and another when that closes it.
bool first_to_report(open_scope& s) noexcept { return !s.reported.exchange_acq_rel(true); }  // pairs: itself

bool in_order(const thread_context& c, const open_scope& s) noexcept {
    return record_of(s) == c.stack.top() && c.charges.newest(s.kind) == &s;
}

struct mistake_text {
    char text[256];
    mistake_text(const thread_context& c, const open_scope& s, const char* who) noexcept {
        if (record_of(s) == &c.scopes.ended())
            std::snprintf(text, sizeof text, "%s closes after its frame has ended", who);
        else if (record_of(s) != c.stack.top())
            std::snprintf(text, sizeof text, "%s closes in a frame other than the one it was opened in", who);
        else
            std::snprintf(text, sizeof text, "%s closes before %s, which was opened after it", who,
                          named(*c.charges.newest(s.kind)).text);
    }
};

// --- the lists ---

// Behind the newest of its kind.
void add_spare(thread_context& c, open_scope& s) noexcept {
    open_scope& newest = *c.charges.newest(s.kind);
    s.inner = newest.inner;
    if (s.inner != nullptr) s.inner->outer = &s;
    s.outer = &newest;
    newest.inner = &s;
}

void unlink(open_scope& s) noexcept {
    s.outer->inner = s.inner;
    if (s.inner != nullptr) s.inner->outer = s.outer;
}

void reset(thread_context& c, open_scope& s) noexcept {
    if (s.face == scope_face::begin_phase) c.scopes.count_phase(false);
    s.face = s.kind == scope_kind::phase ? scope_face::phase_scope : scope_face::tag_scope;
    s.left = false;
    s.reported.store_relaxed(false);    // relaxed: nobody else has the scope any more
    s.closed.store_relaxed(false);  // relaxed: as above
    s.opened = {};
}

void leave_record(thread_context& c, open_scope& s) noexcept {
    if (frame_record* r = record_of(s); r != &c.scopes.ended()) leave_scope(*r);
    sync::store_relaxed(s.record, &c.scopes.ended());  // relaxed: see record_of()
}

// Wherever in its list it is: the newest open one is charged.
void take_out(thread_context& c, open_scope& s) noexcept {
    const bool was_newest = c.charges.newest(s.kind) == &s;
    if (s.kind == scope_kind::limits) {
        if (s.same_terms) {
        } else if (was_newest) {
            take_limits(c, *s.saved);
        } else {  // what was before this one is put back when the next one closes
            std::swap(s.saved, s.inner->saved);
            s.inner->same_terms = false;
        }
    }
    leave_record(c, s);
    if (was_newest) {
        c.charges.set_newest(s.kind, s.outer);  // which it is past already
    } else {
        unlink(s);
        add_spare(c, s);
    }
    reset(c, s);
}

}  // namespace

open_scope* add_spare_scope(thread_context& c, scope_kind k) noexcept {
    os::metadata& meta = c.owner->meta;
    for (;;) {
        exhaustion_reason why{};
        void* memory = meta.allocate(sizeof(open_scope), why);
        void* saved = nullptr;
        if (memory != nullptr && k == scope_kind::limits) saved = meta.allocate(sizeof(account::thread_budget), why);
        if (memory != nullptr && (saved != nullptr || k != scope_kind::limits)) {
            auto* s = ::new (memory) open_scope{};
            s->kind = k;
            if (k == scope_kind::limits) s->saved = ::new (saved) account::thread_budget{};
            add_spare(c, *s);
            reset(c, *s);
            return s;
        }
        meta.deallocate(memory, sizeof(open_scope));
        c.owner->exhausted_metadata(why, sizeof(open_scope), alignof(open_scope));  // its handler may have made room
    }
}

namespace {

void settle_wholly(thread_context& c) noexcept {
    if (unsettled(c)) settle_and_put_away(c);
}

}  // namespace

template <scope_kind K>
void settle_for_scope(thread_context& c) noexcept {
    if (c.scopes.closed_elsewhere()) [[unlikely]]
        return forget_closed(c);
    if (K != scope_kind::tag) return settle_and_put_away(c);
    if (!leave_tag_late(c, *c.stack.top(), *c.tag())) leave_tag_charged(c);
}
template void settle_for_scope<scope_kind::tag>(thread_context& c) noexcept;
template void settle_for_scope<scope_kind::phase>(thread_context& c) noexcept;

void close_unsettled_tag(open_scope& s, thread_context& c) noexcept {
    frame_record& r = *record_of(s);
    if (!leave_tag_late(c, r, *s.account)) return close_scope_slow(s);
    leave_scope(r);
    c.charges.set_newest(scope_kind::tag, s.outer);
}

namespace {

// It belongs to a thread that knows nothing of this, or to none any more.
void close_elsewhere(thread_context& c, open_scope* const* first, unsigned n) noexcept {
    open_scope& s = **first;
    const bool reported = !first_to_report(s);
    char text[160];
    std::snprintf(text, sizeof text, "%s closes on a thread that does not own it", named(s).text);
    const site opened = s.opened;
    for (unsigned i = 0; i < n; ++i) first[i]->closed.store_release(true);  // pairs: forget_closed()
    c.scopes.note_closed_elsewhere();
    c.stack.ground().gate.on(gate_call);
    if (!reported) c.owner->raise({.what = code::FA429, .detail = text, .born = opened});
}

}  // namespace

void close_scopes(open_scope* const* first, unsigned n) noexcept {
    open_scope& face = **first;
    thread_context& c = *record_of(face)->context;
    if (!belongs_to_caller(c) || face.left) return close_elsewhere(c, first, n);
    if (unsettled(c)) settle_for_scope<scope_kind::phase>(c);  // which may be among them
    else forget_closed_elsewhere(c);
    const open_scope* wrong = nullptr;
    for (unsigned i = n; i != 0; --i) {
        if (!in_order(c, *first[i - 1])) wrong = first[i - 1];
    }
    if (face.reported.load_relaxed()) wrong = nullptr;  // relaxed: its own
    if (wrong == nullptr) {
        for (unsigned i = n; i != 0; --i) take_out(c, *first[i - 1]);
        return;
    }
    const mistake_text text(c, *wrong, named(face).text);
    const site opened = face.opened, where = c.probes.place();
    for (unsigned i = n; i != 0; --i) take_out(c, *first[i - 1]);
    c.owner->raise({.what = code::FA429, .detail = text.text, .where = where, .born = opened});
}

void close_scope_slow(open_scope& s) noexcept {
    frame_record* r = record_of(s);
    thread_context& c = *r->context;
    const bool in_hand = FRAMEALLOC_SLOT.record == r || (belongs_to_caller(c) && !s.left && c.stack.top() == r);
    if (!in_hand || c.charges.newest(s.kind) != &s || c.scopes.closed_elsewhere()) [[unlikely]] {
        open_scope* const one = &s;
        return close_scopes(&one, 1);
    }
    if (s.kind != scope_kind::tag) settle_wholly(c);
    else if (!leave_tag_late(c, *r, *s.account)) leave_tag_charged(c);
    leave_scope(*r);
    c.charges.set_newest(s.kind, s.outer);
}

void forget_closed(thread_context& c) noexcept {
    if (!c.scopes.take_closed_elsewhere()) return;
    settle_and_put_away(c);
    for (scope_kind k : scope_kinds) {
        for (open_scope* s = c.charges.newest(k); !is_end(c, *s);) {
            open_scope* outer = s->outer;
            if (s->closed.load_acquire()) take_out(c, *s);  // pairs: close_elsewhere()
            s = outer;
        }
    }
    c.scopes.take_left([](const open_scope& s) { return s.closed.load_acquire(); },  // pairs: close_elsewhere()
                       [&c](open_scope& s) {
                           reset(c, s);
                           add_spare(c, s);
                       });
}

void report_open_scopes(thread_context& c, frame_record* r) noexcept {
    const open_scope* innermost = nullptr;
    std::size_t open = 0;
    for (scope_kind k : scope_kinds) {
        for (open_scope* s = c.charges.newest(k); !is_end(c, *s) && (s->record == r || s->record == &c.scopes.ended());
             s = s->outer) {
            if (!first_to_report(*s)) continue;
            if (innermost == nullptr) innermost = s;
            open += s->kind == scope_kind::limits ||
                            (s->kind == scope_kind::phase && s->face == scope_face::context_scope)
                        ? 0U
                        : 1U;
        }
    }
    if (innermost == nullptr) return;
    char text[192];
    if (open == 1)
        std::snprintf(text, sizeof text, "the frame ends before %s that was opened in it", named(*innermost).text);
    else
        std::snprintf(text, sizeof text, "the frame ends before %s and %zu more that were opened in it",
                      named(*innermost).text, open - 1);
    raise(c, {.what = code::FA429, .detail = text, .bytes = open, .born = innermost->opened});
}

void leave_scopes(thread_context& c, const frame_record* r) noexcept {
    for (scope_kind k : scope_kinds) {
        for (open_scope* s = c.charges.newest(k);
             !is_end(c, *s) && (s->record == r || s->record == &c.scopes.ended());) {
            open_scope* outer = s->outer;
            if (s->face == scope_face::begin_phase) {
                take_out(c, *s);
            } else if (s->record == r) {
                leave_record(c, *s);
            }
            s = outer;
        }
    }
}

void abandon_scopes(thread_context& c) noexcept {
    forget_closed_elsewhere(c);
    for (scope_kind k : scope_kinds) {
        while (!is_end(c, *c.charges.newest(k))) {
            open_scope& s = *c.charges.newest(k);
            if (s.face == scope_face::begin_phase) {
                take_out(c, s);
                continue;
            }
            leave_record(c, s);
            c.charges.set_newest(k, s.outer);
            unlink(s);
            c.scopes.leave(s);
        }
    }
}

open_scope* open_limits(thread_context& c, const account::thread_budget& limits) noexcept {
    open_scope* s = c.charges.newest(scope_kind::limits)->inner;
    if (s == nullptr) s = add_spare_scope(c, scope_kind::limits);
    s->same_terms = limits.terms == c.budget.terms;
    if (!s->same_terms) *s->saved = c.budget;
    sync::store_relaxed(s->record, c.stack.top());  // relaxed: see record_of()
    enter_scope(*c.stack.top());
    c.charges.set_newest(scope_kind::limits, s);
    if (!s->same_terms) take_limits(c, limits);
    return s;
}

bool any_scope_open(const thread_context& c) noexcept {
    for (scope_kind k : scope_kinds) {
        if (!is_end(c, *c.charges.newest(k))) return true;
    }
    return false;
}

void open_begun_phase(thread_context& c, tag_account* phase) noexcept {
    open_scope* s = open<scope_kind::phase>(c, phase);
    s->face = scope_face::begin_phase;
    s->opened = c.probes.place();
    c.scopes.count_phase(true);
}

open_scope* newest_begun_phase(const thread_context& c) noexcept {
    open_scope* s = c.charges.newest(scope_kind::phase);
    while (!is_end(c, *s) && s->face != scope_face::begin_phase) s = s->outer;
    return is_end(c, *s) ? nullptr : s;
}

}  // namespace framealloc::inline v1::memory
