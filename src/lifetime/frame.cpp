#include <framealloc/lifetime/frame.hpp>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <new>

#include <framealloc/core/scopes.hpp>
#include <framealloc/lifetime/modules.hpp>
#include <framealloc/os/thread.hpp>
#include <framealloc/probe/guarded.hpp>
#include <framealloc/probe/sampled.hpp>
#include <framealloc/probe/watch.hpp>

namespace framealloc::inline v1::lifetime {

using namespace memory;

namespace {

void run_finalisers(frame_record* r) noexcept {
    if (r->finalisers == nullptr) return;
    look_for_released(*r->context);
    const activity_scope theirs(r->context, activity::none);
    while (finaliser* f = r->finalisers) {
        remove_finaliser(f);
        run_finaliser(*r->context, f);  // may allocate, and may add finalisers of its own
    }
}

void free_blocks(thread_context& c, outer_block*& head) noexcept {
    while (head != nullptr) outer_free(c, pointer_at<char>(address_of(head) + outer_header_bytes));
}

// --- frames in flight ---

bool is_held(const held_frame& h) noexcept {
    return __atomic_load_n(&h.holds, __ATOMIC_ACQUIRE) != 0;
}  // pairs: frame_hold::release

// The first hold that is not released, of a frame this deep or deeper.
const held_frame* find_hold(const flight_slot& s, std::uint32_t depth = 0) noexcept {
    const held_frame* h = s.held;
    while (h != nullptr && h->depth >= depth && !is_held(*h)) h = h->next;
    return h != nullptr && h->depth >= depth ? h : nullptr;
}

bool is_held(const flight_slot& s) noexcept { return find_hold(s) != nullptr; }

// Those of frames this deep or deeper, as far as they are released.
void drop_released(thread_context& c, flight_slot& s, std::uint32_t depth) noexcept {
    for (held_frame** link = &s.held; *link != nullptr && (*link)->depth >= depth;) {
        held_frame* h = *link;
        if (is_held(*h)) {
            link = &h->next;
            continue;
        }
        *link = h->next;
        if (h->withdrawn)
            static_cast<void>(c.owner->system.commit(pointer_at(h->kept->begin),
                                                     std::min(h->kept_bytes, h->kept->committed - h->kept->begin)));
        c.owner->meta.deallocate(h, sizeof(held_frame));
    }
}

// Debug: the release of the hold may withdraw what the ended frame has, if that is one chunk and nothing has to be
// destroyed in it.
void offer_to_withdraw(thread_context& c, flight_slot& s) noexcept {
    held_frame* h = s.held;
    const arena_chunk* k = s.chunk;
    const bool alone = h != nullptr && h->next == nullptr && !h->handed_up && k->depth == 1 && k->previous != nullptr &&
                       k->previous->depth == 0;
    if (!alone || s.finalisers != nullptr || !c.probes.revokes() || guard::tool_listens()) return;
    if (c.owner->config.frames_in_flight > 1 || c.owner->source != &c.owner->system) return;
    h->kept = k;
    __atomic_store_n(&h->kept_bytes, k->committed - k->begin, __ATOMIC_RELEASE);  // pairs: withdraw() in hold.cpp
}

// The ended frame's content waits in its slot.
void park(thread_context& c, frame_record* r) noexcept {
    flight_slot& s = *c.flight;
    s.finalisers = r->finalisers;
    if (s.finalisers != nullptr) s.finalisers->link = &s.finalisers;
    r->finalisers = nullptr;
    s.blocks = blocks_at(c, r->depth);
    if (s.blocks != nullptr) s.blocks->link = &s.blocks;
    blocks_at(c, r->depth) = nullptr;
    end_outer_blocks(c, s.blocks);
    s.frame = r->generation;
    s.due = c.turn + c.owner->config.frames_in_flight;
    s.parked = true;
    s.left = false;
    s.end = r->cursor;
    c.records[0].cursor = r->cursor;  // memory taken outside a frame meanwhile lies behind what is kept
    c.records[0].gate.on(gate_own);
    offer_to_withdraw(c, s);
}

// The parked content is due: what the end of its frame would have done.
void clear(thread_context& c, flight_slot& s) noexcept {
    if (s.finalisers != nullptr) {
        look_for_released(c);
        const activity_scope theirs(&c, activity::none);
        s.clearing = true;  // a destructor may open a frame, which needs another slot
        while (finaliser* f = s.finalisers) {
            remove_finaliser(f);
            run_finaliser(c, f);
        }
        s.clearing = false;
    }
    free_blocks(c, s.blocks);
    drop_released(c, s, 0);
    if (!c.probes.guarded()) return;
    end_frame_blocks(c, s, 0, ~std::uintptr_t{0});
    s.chunk->padding = 0;  // as in the log
}

// The slot's memory is the next outermost frame's.
void reuse(thread_context& c, flight_slot& s) noexcept {
    clear(c, s);
    s.parked = false;
    c.flight = &s;
    c.records[0].cursor = s.chunk->begin;
    return_to(c, s.start);
    merge_chunks(c);
    retain_arena(c);
    c.records[0].cursor = s.start;
    begin_segment(c, s.start);
}

bool due(const thread_context& c, const flight_slot& s) noexcept {
    return !s.clearing && !is_held(s) && s.due <= c.turn;
}

flight_slot* add_slot(thread_context& c, exhaustion_reason& why) noexcept {
    void* memory = c.owner->meta.allocate(sizeof(flight_slot), why);
    if (memory == nullptr) return nullptr;
    auto* s = ::new (memory) flight_slot{};
    if (!open_arena(c, *s, why)) {
        c.owner->meta.deallocate(memory, sizeof(flight_slot));
        return nullptr;
    }
    s->next = c.flight->next;
    c.flight->next = s;
    ++c.flight_count;
    return s;
}

flight_slot* find_due(thread_context& c) noexcept {
    flight_slot* s = c.flight->next;
    for (std::uint32_t i = 0; i < c.flight_count; ++i, s = s->next) {
        if (due(c, *s)) return s;
    }
    return nullptr;
}

// A held frame of this thread; those that ended threads left are nobody's mistake.
const flight_slot* find_held(const thread_context& c) noexcept {
    const flight_slot* s = c.flight->next;
    for (std::uint32_t i = 0; i < c.flight_count; ++i, s = s->next) {
        if (!s->left && is_held(*s)) return s;
    }
    return nullptr;
}

// All slots are taken by frames that somebody holds.
flight_slot* slot_despite_holds(thread_context& c) noexcept {
    const core_config& o = c.owner->config;
    if (find_held(c) == nullptr) return find_due(c);
    if (o.on_busy == busy_policy::wait) {
        const std::uint64_t deadline = os::monotonic_microseconds() + o.busy_wait_us;
        while (os::monotonic_microseconds() < deadline) {
            if (flight_slot* s = find_due(c)) return s;
            os::sleep_microseconds(50);
        }
    }
    const flight_slot* busy = o.on_busy == busy_policy::grow ? nullptr : find_held(c);
    const held_frame* h = busy == nullptr ? nullptr : find_hold(*busy);
    if (h != nullptr) {
        char detail[128];
        std::snprintf(detail, sizeof detail, "frame %llu is held by \"%s\"",
                      static_cast<unsigned long long>(busy->frame), h->holder == nullptr ? "" : h->holder);
        c.owner->raise(code::FA438, detail);
    }
    return nullptr;
}

bool looks_at_every_begin(const thread_context& c) noexcept {
    return c.deferred.config.mode == deferred_mode::at_frame_begin;
}

void set_own_gate(thread_context& c, bool closed) noexcept {
    if (closed) c.records[0].gate.on(gate_own);
    else c.records[0].gate.off(gate_own);
}

// Whether the current slot has memory that was taken outside a frame since its frame ended.
bool ground_taken(const thread_context& c) noexcept {
    return c.records[0].cursor != (c.flight->parked ? c.flight->end : c.flight->start);
}

// Before an outermost frame opens: chooses the memory it will use.
void rotate(thread_context& c) noexcept {
    if (c.ending == nullptr) ++c.turn;
    if (ground_taken(c)) {  // what lies outside frames lives as long as this one
        c.flight->frame = c.records[1].generation + 1;
        c.flight->due = c.turn + c.owner->config.frames_in_flight;
    }
    const flight_slot* const last = c.flight;  // a destructor may open a frame elsewhere
    for (flight_slot* s = last->next;; s = s->next) {
        if (due(c, *s)) clear(c, *s);
        if (s == last) break;
    }
    flight_slot* s = nullptr;
    exhaustion_reason why{};
    if (c.flight_count < c.owner->config.frames_in_flight) s = add_slot(c, why);
    if (s == nullptr) s = find_due(c);
    if (s == nullptr) s = slot_despite_holds(c);
    while (s == nullptr) {
        s = add_slot(c, why);
        if (s == nullptr) c.owner->exhausted(why, memory_kind::frame, c.owner->config.frame_capacity, page_bytes);
    }
    reuse(c, *s);
    refresh_limit(c);
    bool calm = c.owner->config.frames_in_flight == 1;
    for (flight_slot* t = s->next; t != s; t = t->next)
        calm = calm && t->held == nullptr && t->finalisers == nullptr && t->blocks == nullptr;
    set_own_gate(c, !calm || looks_at_every_begin(c));
}

// --- the end of a frame ---

std::uint32_t sticky_bits(const thread_context& c, const frame_record& r) noexcept {
    if (r.depth == max_frame_depth || (r.depth != 0 && r.depth % records_per_segment == 0) || c.probes.diverted())
        return pending_always;
    if (r.depth != 1) return 0;
    const core_config& o = c.owner->config;
    const bool always = o.frames_in_flight > 1 || o.retain != retain_policy::all ||
                        c.deferred.config.mode == deferred_mode::at_frame_end;
    return always ? pending_always : 0U;
}

// Charges what no boundary has seen, and takes back what the frame held.
void close_account(thread_context& c, frame_record* r) noexcept {
    if (r->depth <= 1) charge_pages(c);
    if (const std::uint64_t open = open_bytes(c); open != 0) {
        charge_handed(c, open);
        c.tag()->touch_peak(open);
        begin_segment(c, r->cursor);
    }
    take_back_log(c, r->depth, 0);
}

void reset_ground(thread_context& c) noexcept {
    frame_record* ground = c.records;
    run_finalisers(ground);
    close_account(c, ground);
    free_blocks(c, blocks_at(c, 0));
    owner_increment(ground->generation);  // containers that lie there have ended
    c.mark_count = c.rolled_count = 0;
    if (!c.flight->parked) {
        return_to(c, c.flight->start);
        ground->cursor = c.flight->start;
    }
    begin_segment(c, ground->cursor);
    ground->pending_bits = (ground->pending_bits & ~(pending_scope - 1U)) | pending_ground;
    c.records[1].pending_bits = sticky_bits(c, c.records[1]);
}

bool ground_in_use(const thread_context& c) noexcept {
    if (blocks_at(c, 0) != nullptr || c.records[0].finalisers != nullptr) return true;
    return !c.flight->parked && (c.records[0].cursor != c.flight->start || c.flight->chunk->previous != nullptr);
}

void finish_outermost(thread_context& c) noexcept {
    uninstall_pages(c);
    if (c.probes.sampling()) sample_event(c);
    flush_batch(c);
    const deferred_mode mode = c.deferred.config.mode;
    if (mode == deferred_mode::on_demand || mode == deferred_mode::at_frame_end || mode == deferred_mode::immediate)
        adopt_returned(c, all_blocks);
    c.frame_releases.set(c.frame_allocations.get());
    if (c.ending != nullptr) return;  // a destructor's frame; what lies outside frames does not end with it
    if (ground_in_use(c)) reset_ground(c);
    if (c.flight->parked) return;
    merge_chunks(c);
    c.records[0].cursor = c.flight->start;
    begin_segment(c, c.flight->start);
    retain_arena(c);
}

// An inner frame that is held: its content becomes the outer one's, as if that had allocated it.
void hand_up(thread_context& c, frame_record* r) noexcept {
    frame_record* outer = outer_of(r);
    if (finaliser* newest = r->finalisers; newest != nullptr) {
        finaliser* oldest = newest;
        while (oldest->next != nullptr) oldest = oldest->next;
        oldest->next = outer->finalisers;
        if (oldest->next != nullptr) oldest->next->link = &oldest->next;
        outer->finalisers = newest;
        newest->link = &outer->finalisers;
        r->finalisers = nullptr;
    }
    while (outer_block* b = blocks_at(c, r->depth)) {
        blocks_at(c, r->depth) = b->next;
        b->next = blocks_at(c, outer->depth);
        b->link = &blocks_at(c, outer->depth);
        if (b->next != nullptr) b->next->link = &b->next;
        blocks_at(c, outer->depth) = b;
    }
    for (held_frame* h = c.flight->held; h != nullptr && h->depth >= r->depth; h = h->next) {
        h->depth = outer->depth;
        h->mark = c.mark_serial;
        h->handed_up = true;
    }
    for (arena_chunk* k = c.flight->chunk; k != nullptr && k->depth >= r->depth; k = k->previous)
        k->depth = outer->depth;
    c.log.hand_up(r->depth);
    outer->cursor = r->cursor;
    add_pending(*outer, pending_always);
}

void close_top(thread_context& c) noexcept {
    frame_record* r = c.top;
    drop_released(c, *c.flight, r->depth);
    const bool held = c.flight->held != nullptr && c.flight->held->depth >= r->depth;
    const bool handed = held && r->depth > 1, keep = held || (r->depth == 1 && c.owner->config.frames_in_flight > 1);
    forget_closed_elsewhere(c);
    if (r->pending_bits >= pending_scope && c.owner->config.reports) tell_of_open_scopes(c, r);
    const bool told = c.probes.watched() && c.probes.watcher()->depth >= r->depth;
    const frame_event end = told ? end_of_top(c) : frame_event{};
    if (!keep) run_finalisers(r);
    handed ? settle(c) : close_account(c, r);
    if (r->pending_bits >= pending_scope) leave_scopes(c, r);
    frame_record* outer = outer_of(r);
    while (c.mark_count != 0 && c.marks[c.mark_count - 1].depth >= r->depth) --c.mark_count;
    while (c.rolled_count != 0 && c.rolled[c.rolled_count - 1].depth >= r->depth) --c.rolled_count;
    if (handed) {
        hand_up(c, r);
    } else if (keep) {
        park(c, r);
    } else {
        return_to(c, outer->cursor);
        free_blocks(c, blocks_at(c, r->depth));
    }
    r->pending_bits = sticky_bits(c, *r);
    set_top(c, outer);
    begin_segment(c, outer->cursor);
    if (r->depth == 1) finish_outermost(c);
    c.frame_used.set(frame_bytes_in_use(c));
    refresh_limit(c);
    if (told && c.probes.watched()) {
        tell_adopted(c);
        tell(c, end);
    }
}

site opened_at(const thread_context& c) noexcept {
    return c.probes.guarded() ? segment_of(c, c.top->depth).opened[c.top->depth % records_per_segment] : site{};
}

}  // namespace

void close_left_open(thread_context& c, const frame_record* top) noexcept {
    c.owner->raise({.what = code::FA428,
                    .detail = "a destructor left a frame open; it ends here",
                    .bytes = c.top->depth,
                    .born = opened_at(c)});
    while (c.top->depth > top->depth) close_top(c);
}

namespace {

void clear_flight(thread_context& c) noexcept {
    flight_slot* s = c.flight;
    for (std::uint32_t i = 0; i < c.flight_count; ++i) {
        s = s->next;  // the oldest first
        if (is_held(*s)) {
            s->left =
                // until its hold is released and the next owner of the context opens a frame, or the allocator goes
                true;
        } else if (s != c.flight) {
            clear(c, *s);
            s->frame = s->due = 0;
        } else {
            reuse(c, *s);
        }
    }
}

// What frames left that destructors have opened meanwhile.
bool any_to_clear(const thread_context& c) noexcept {
    const flight_slot* s = c.flight;
    do {
        if (!is_held(*s) && (s->finalisers != nullptr || s->blocks != nullptr)) return true;
    } while ((s = s->next) != c.flight);
    return false;
}

}  // namespace

void close_all(thread_context& c) noexcept {
    if (in_frame(c) && c.top != c.driven.record && c.owner->config.reports)
        c.owner->raise({.what = code::FA428,
                        .detail = "the thread or the allocator ended with open frames",
                        .bytes = c.top->depth,
                        .born = opened_at(c)});
    while (in_frame(c)) close_top(c);
    reset_ground(c);
    do clear_flight(c);
    while (any_to_clear(c));
    c.frame_used.set(frame_bytes_in_use(c));
    c.too_deep = 0;
    c.outside_count = 0;
    refresh_limit(c);
}

namespace {

frame_record* inner_of(thread_context& c, frame_record* r) noexcept {
    const std::uint32_t depth = r->depth + 1;
    if (depth % records_per_segment != 0) return r + 1;
    exhaustion_reason why{};
    while (c.segments[depth / records_per_segment] == nullptr && add_segment(c, depth, why) == nullptr)
        c.owner->exhausted_metadata(why, sizeof(record_segment), alignof(record_segment));
    return &record_at(c, depth);
}

}  // namespace

frame_record* open_frame_slow(thread_context& c) noexcept {
    if (!belongs_to_caller(c) && (c.parked || c.owner->config.reports))
        c.owner->raise(c.parked ? code::FA212 : code::FA430, "frame opened by a thread that does not own the stack",
                       nullptr, 0, c.probes.place());
    const activity_scope changing(&c, activity::changing);
    settle(c);
    follow_observer(c);
    forget_closed_elsewhere(c);
    frame_record* r = c.top;
    if (r->depth == max_frame_depth) {
        add_pending(*r, pending_always);
        if (c.too_deep++ == 0)
            c.owner->raise(code::FA428, "frames are nested deeper than 16,383; is an end_frame missing?", nullptr,
                           r->depth, c.probes.place());
        return r;
    }
    if (r->depth == 0) {
        add_pending(c.records[1], sticky_bits(c, c.records[1]));
        if (c.owner->config.frames_in_flight > 1 || (r->gate.is_on(gate_own) && c.records[1].generation != 0))
            rotate(c);
        else set_own_gate(c, looks_at_every_begin(c));
        if (c.deferred.config.mode == deferred_mode::at_frame_begin) adopt_returned(c, all_blocks);
    }
    frame_record* inner = inner_of(c, r);
    inner->cursor = r->cursor;
    owner_increment(inner->generation);
    r->limit = 0;
    set_top(c, inner);
    if (c.probes.guarded()) segment_of(c, inner->depth).opened[inner->depth % records_per_segment] = c.probes.place();
    refresh_limit(c);
    if (c.probes.watched()) {
        tell_adopted(c);
        tell_frame_begin(c);
    }
    return inner;
}

void close_frame_slow(frame_record* r) noexcept {
    thread_context& c = *r->context;
    if (!belongs_to_caller(c)) {
        c.owner->raise(c.parked ? code::FA212 : code::FA430,
                       "frame closed by a thread that does not own it; it stays open", nullptr, 0, c.probes.place());
        return;
    }
    const activity_scope changing(&c, activity::changing);
    if (r == c.ending) {
        c.owner->raise(code::FA428, "the frame is ending, its destructors run", nullptr, r->depth, c.probes.place());
        return;
    }
    if (c.too_deep != 0 && r == c.top) {
        --c.too_deep;
        return;
    }
    if (r == c.records) {
        if (ground_in_use(c)) {
            finish_outermost(c);
            refresh_limit(c);
        } else {
            c.owner->raise(code::FA428, "end_frame without begin_frame", nullptr, 0, c.probes.place());
        }
        return;
    }
    if (r->depth > c.top->depth) {
        c.owner->raise(code::FA428, "the frame was ended before, from outside", nullptr, r->depth, c.probes.place());
        return;
    }
    if (r != c.top)
        c.owner->raise({.what = code::FA428,
                        .detail = "an inner frame is still open; it ends here",
                        .where = c.probes.place(),
                        .bytes = c.top->depth,
                        .born = opened_at(c)});
    while (c.top->depth >= r->depth) close_top(c);
}

// --- frame_ref ---

namespace {

bool in_arena(const thread_context& c, const void* p) noexcept {
    const std::uintptr_t at = address_of(p);
    const flight_slot* s = c.flight;  // memory taken outside a frame may lie in another one's
    do {
        for (const arena_chunk* k = s->chunk; k != nullptr; k = k->previous) {
            if (at >= k->begin && at < k->end) return true;
        }
        s = s->next;
    } while (s != c.flight);
    return false;
}

// Births below this are older than a live checkpoint of the frame.
bool below_floor(const thread_context& c, const frame_record& r, std::uint64_t mark) noexcept {
    for (std::uint32_t i = c.mark_count; i != 0; --i) {
        if (c.marks[i - 1].depth != r.depth) continue;
        return mark < c.marks[i - 1].serial;
    }
    return false;
}

}  // namespace

bool frame_ref::on_top() const noexcept {
    const thread_context& c = *record_->context;
    return record_ == c.top && (c.mark_count == 0 || !below_floor(c, *record_, mark_));
}

bool frame_ref::rolled_back() const noexcept {
    const thread_context& c = *record_->context;
    for (std::uint32_t i = 0; i < c.rolled_count; ++i) {
        const rolled_births& e = c.rolled[i];
        if (e.depth != record_->depth && !(e.mixed && e.depth < record_->depth)) continue;
        if (mark_ >= e.from && mark_ < e.to) return true;
    }
    return false;
}

void frame_ref::raise_ended(const char* what) const noexcept {
    if (record_ == nullptr) broken_invariant("a frame container without a frame");
    record_->context->owner->raise(code::FA002, what);
}

void* frame_ref::allocate(std::size_t bytes, std::size_t align, on_failure f) const noexcept {
    if (record_ == nullptr) {
        if (f == on_failure::ask_handler)
            refuse_without_source("allocation through a source that was made without a frame");
        return nullptr;
    }
    if (!alive()) {
        raise_ended("allocation through an object of a frame that has ended");
        return lifetime::allocate(record_->context->top, bytes, align, f);
    }
    if (on_top() || bytes > largest_request) return lifetime::allocate(record_, bytes, align, f);
    if (!belongs_to_caller(*record_->context) && record_->context->owner->config.reports)
        record_->context->owner->raise(code::FA430, "growth in a frame of another thread", nullptr, bytes);
    return outer_allocate(record_, bytes == 0 ? 1 : bytes, align, mark_, f);
}

void* frame_ref::allocate_apart(std::size_t bytes, std::size_t align, on_failure f) const noexcept {
    thread_context* c = record_ == nullptr ? nullptr : record_->context;
    if (c == nullptr || !c->probes.revokes() || !belongs_to_caller(*c)) return allocate(bytes, align, f);
    c->probes.guard->apart = true;
    void* p = allocate(bytes, align, f);
    c->probes.guard->apart = false;
    return p;
}

bool frame_ref::may_free(const void* p) const noexcept {
    const thread_context& c = *record_->context;
    if (!c.probes.guarded() || belongs_to_caller(c)) return true;
    c.owner->raise(code::FA211, "memory of a frame of another thread, freed when that frame ends", p);
    return false;
}

void frame_ref::abandon(void* p) const noexcept {
    if (p == nullptr || !alive() || !may_free(p) || in_arena(*record_->context, p) || rolled_back()) return;
    outer_free(*record_->context, p);
    refresh_limit(*record_->context);
}

void frame_ref::outgrow(void* p, std::size_t bytes) const noexcept {
    const bool stays = p != nullptr && alive() && in_arena(*record_->context, p);
    if (!stays) return abandon(p);
    if (record_->context->probes.guarded() && may_free(p) && !rolled_back())
        leave_frame_block(*record_->context, address_of(p), bytes);
}

void frame_ref::deallocate(void* p, std::size_t bytes) const noexcept {
    if (p == nullptr || !alive() || !may_free(p)) return;
    if (in_arena(*record_->context, p)) shrink(p, bytes, 0);
    else abandon(p);
}

bool frame_ref::try_grow(void* p, std::size_t old_bytes, std::size_t new_bytes) const noexcept {
    if (p == nullptr || !alive() || !on_top() || new_bytes > largest_request || rolled_back()) return false;
    frame_record* r = record_;
    if (r->context->probes.guarded()) return belongs_to_caller(*r->context) && try_grow_top(*r->context, p, new_bytes);
    const std::uintptr_t end = address_of(p) + align_up(old_bytes, cursor_granularity);
    if (end != r->cursor || !in_arena(*r->context, p)) return false;
    const std::size_t more = align_up(new_bytes, cursor_granularity) - align_up(old_bytes, cursor_granularity);
    const thread_context& c = *r->context;
    if (r->limit >= r->cursor && more <= r->limit - r->cursor) {
        r->cursor += more;
        return true;
    }
    // Only while the block can stay where it is: never sampled, out of line, or in the next chunk.
    if (c.flight->chunk->end - cursor_granularity - r->cursor < more || address_of(p) < c.flight->chunk->begin)
        return false;
    if (more == 0) return true;
    return extend_top(*r->context, end, more);
}

void frame_ref::shrink(void* p, std::size_t old_bytes, std::size_t new_bytes) const noexcept {
    if (p == nullptr || !alive() || !on_top() || rolled_back()) return;
    frame_record* r = record_;
    if (r->context->probes.guarded()) return may_free(p) ? shrink_top(*r->context, p, new_bytes) : void();
    const std::uintptr_t end = address_of(p) + align_up(old_bytes, cursor_granularity);
    if (end != r->cursor || !in_arena(*r->context, p)) return;
    const std::uintptr_t wanted = address_of(p) + align_up(new_bytes, cursor_granularity);
    // Never below the last accounting boundary: what was charged stays charged.
    r->cursor = wanted < r->context->segment && r->context->segment <= end ? r->context->segment : wanted;
}

}  // namespace framealloc::inline v1::lifetime
