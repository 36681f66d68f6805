// The slow paths of opening and closing a frame, and what its end does.
#include <framealloc/detail/lifetime/frame.hpp>

#include <framealloc/detail/core/scopes.hpp>
#include <framealloc/detail/core/zones.hpp>
#include <framealloc/detail/lifetime/flights.hpp>
#include <framealloc/detail/probe/guarded_frames.hpp>
#include <framealloc/detail/probe/sampled.hpp>
#include <framealloc/detail/probe/watch.hpp>
#include <framealloc/lifetime/modules.hpp>

namespace framealloc::inline v1::lifetime {

using memory::activity;
using memory::activity_scope;
using memory::all_blocks;
using memory::core_config;
using memory::gate_own;
using memory::max_frame_depth;
using memory::pending_always;
using memory::pending_chunks;
using memory::pending_ground;
using memory::pending_log;
using memory::pending_scope;
using memory::record_segment;
using memory::records_per_segment;
using memory::retain_policy;

namespace {

bool looks_at_every_begin(const thread_context& c) noexcept {
    return deferred_mode_of(c) == deferred_mode::at_frame_begin;
}

void set_own_gate(thread_context& c, bool closed) noexcept {
    if (closed) ground_of(c).gate.on(gate_own);
    else ground_of(c).gate.off(gate_own);
}

// --- the end of a frame ---

std::uint32_t sticky_bits(const thread_context& c, const frame_record& r) noexcept {
    if (r.depth == max_frame_depth || (r.depth != 0 && r.depth % records_per_segment == 0) || c.probes.diverted())
        return pending_always;
    if (r.depth != 1) return 0;
    const core_config& o = config_of(c);
    const bool always = o.frames_in_flight > 1 || o.retain != retain_policy::all ||
                        deferred_mode_of(c) == deferred_mode::at_frame_end;
    return always ? pending_always : 0U;
}

// Whether a boundary has seen something of the frame.
bool settled_inside(const thread_context& c, const frame_record& r) noexcept {
    return (r.pending_bits & (pending_log | pending_chunks)) != 0 || c.probes.guarded();
}

// Charges what no boundary has seen, and takes back what the frame held.
void close_account(thread_context& c, frame_record* r) noexcept {
    charge_ended(c, open_bytes(c));
    begin_segment(c, r->cursor);
    take_back_log(c, r->depth, 0);
}

// Where memory taken outside frames begins in the current flight.
std::uintptr_t ground_begin(const thread_context& c) noexcept {
    const flight& s = current_flight(c);
    return s.content_kept ? s.end : s.start();
}

void reset_ground(thread_context& c) noexcept {
    frame_record* ground = &ground_of(c);
    run_finalisers(c, ground->finalisers);
    close_account(c, ground);
    free_blocks(c, blocks_at(c, 0));
    owner_increment(ground->generation);  // containers that are there have ended
    state_of(c).marks.clear();
    state_of(c).rolled.clear();
    return_to(c, ground_begin(c));
    ground->cursor = ground_begin(c);
    state_of(c).outside_ended = outside_so_far(c);
    begin_segment(c, ground->cursor);
    ground->pending_bits = (ground->pending_bits & ~(pending_scope - 1U)) | pending_ground;
    outermost_of(c).pending_bits = sticky_bits(c, outermost_of(c));
}

// Whichever flight it is in, and whether or not it is still there: containers that were made there end with it.
bool ground_in_use(const thread_context& c) noexcept { return outside_so_far(c) != state_of(c).outside_ended; }

void finish_outermost(thread_context& c) noexcept {
    put_away_pages(c);
    note_settled(c);
    if (c.probes.sampling()) sample_event(c);
    flush_batch(c);
    const deferred_mode mode = deferred_mode_of(c);
    if (mode == deferred_mode::on_demand || mode == deferred_mode::at_frame_end || mode == deferred_mode::immediate)
        adopt_returned(c, all_blocks);
    count_releases(c);
    if (state_of(c).ending != nullptr) {  // a destructor's frame; what is outside frames does not end with it
        if (ground_in_use(c)) add_pending(outermost_of(c), pending_ground);
        return;
    }
    if (ground_in_use(c)) reset_ground(c);
    if (arena_of(c).content_kept) return;
    merge_chunks(c);
    ground_of(c).cursor = arena_of(c).start();
    begin_segment(c, arena_of(c).start());
    retain_arena(c);
}

void close_top(thread_context& c) noexcept {
    frame_record* r = top_of(c);
    drop_released(c, r->depth);
    const held_frame* const innermost = current_flight(c).held;
    const bool held = innermost != nullptr && innermost->depth >= r->depth;
    const bool to_outer = held && r->depth > 1, keep = held || (r->depth == 1 && config_of(c).frames_in_flight > 1);
    forget_closed_elsewhere(c);
    if (r->pending_bits >= pending_scope && config_of(c).reports) report_open_scopes(c, r);
    const bool seen = saw_begin(c, r->depth);
    const frame_event end = seen ? end_of_top(c) : frame_event{};
    if (!keep) run_finalisers(c, r->finalisers);
    frame_record* outer = outer_of(r);
    if (to_outer || r->pending_bits >= pending_scope || (r->depth == 1 && boundary_of(c) < outer->cursor)) settle(c);
    const bool settled = to_outer || r->depth == 1 || settled_inside(c, *r);
    if (!settled && r->cursor != outer->cursor) end_unsettled(c, r->cursor - outer->cursor, r->cursor);
    if (settled && !to_outer) close_account(c, r);
    if (r->pending_bits >= pending_scope) leave_scopes(c, r);
    state_of(c).marks.drop_from(r->depth);
    state_of(c).rolled.drop_from(r->depth);
    if (to_outer) {
        move_to_outer(c, r);
    } else if (keep) {
        park(c, r);
    } else {
        return_to(c, outer->cursor);
        free_blocks(c, blocks_at(c, r->depth));
    }
    r->pending_bits = sticky_bits(c, *r);
    set_top(c, outer);
    if (settled) begin_segment(c, outer->cursor);
    if (r->depth == 1) finish_outermost(c);
    note_use(c);
    refresh_limit(c);
    if (seen && c.probes.watched()) {
        notify_adopted(c);
        notify(c, end);
    }
}

site opened_at(const thread_context& c) noexcept {
    return c.probes.guarded() ? opening_of(c, top_of(c)->depth) : site{};
}

}  // namespace

void close_left_open(thread_context& c, const frame_record* top) noexcept {
    owner_of(c).raise({.what = code::FA428,
                       .detail = "a destructor left a frame open; it ends here",
                       .bytes = top_of(c)->depth,
                       .born = opened_at(c)});
    while (top_of(c)->depth > top->depth) close_top(c);
}

void close_all(thread_context& c) noexcept {
    if (in_frame(c) && top_of(c) != config_of(c).above->driven(c) && config_of(c).reports)
        owner_of(c).raise({.what = code::FA428,
                           .detail = "the thread or the allocator ended with open frames",
                           .bytes = top_of(c)->depth,
                           .born = opened_at(c)});
    while (in_frame(c)) close_top(c);
    reset_ground(c);
    clear_flights(c);
    note_use(c);
    forget_mistakes(c);
    state_of(c).outside_ended = outside_so_far(c);
    refresh_limit(c);
}

namespace {

frame_record* inner_of(thread_context& c, frame_record* r) noexcept {
    const std::uint32_t depth = r->depth + 1;
    if (depth % records_per_segment != 0) return r + 1;
    exhaustion_reason why{};
    while (!has_record(c, depth) && add_segment(c, depth, why) == nullptr)
        owner_of(c).exhausted_metadata(why, sizeof(record_segment), alignof(record_segment));
    return &record_at(c, depth);
}

}  // namespace

frame_record* open_frame_slow(thread_context& c) noexcept {
    if (!belongs_to_caller(c) && (is_parked(c) || config_of(c).reports))
        memory::raise(c, {.what = is_parked(c) ? code::FA212 : code::FA430,
                          .detail = "frame opened by a thread that does not own the stack"});
    const activity_scope changing(&c, activity::changing);
    settle(c);
    follow_observer(c);
    forget_closed_elsewhere(c);
    frame_record* r = top_of(c);
    if (r->depth == max_frame_depth) {
        add_pending(*r, pending_always);
        if (note_too_deep(c))
            memory::raise(c, {.what = code::FA428,
                              .detail = "frames are nested deeper than 16,383; is an end_frame missing?",
                              .bytes = r->depth});
        return r;
    }
    if (r->depth == 0) {
        add_pending(outermost_of(c), sticky_bits(c, outermost_of(c)));
        if (config_of(c).frames_in_flight > 1 || (r->gate.is_on(gate_own) && outermost_of(c).generation != 0))
            set_own_gate(c, !rotate(c) || looks_at_every_begin(c));
        else set_own_gate(c, looks_at_every_begin(c));
        if (deferred_mode_of(c) == deferred_mode::at_frame_begin) adopt_returned(c, all_blocks);
    }
    frame_record* inner = inner_of(c, r);
    inner->cursor = r->cursor;
    owner_increment(inner->generation);
    add_pending(*inner, sticky_bits(c, *inner));
    r->limit = 0;
    set_top(c, inner);
    if (c.probes.guarded()) opening_of(c, inner->depth) = c.probes.place();
    refresh_limit(c);
    if (c.probes.watched()) {
        notify_adopted(c);
        notify_frame_begin(c);
    }
    return inner;
}

namespace {

// Whether the end of a frame is nothing but charges that are taken back.
bool ends_plainly(const thread_context& c, const frame_record& r) noexcept {
    if ((r.pending_bits & ~(pending_log | memory::pending_pages)) != 0 || &r != top_of(c) || !belongs_to_caller(c))
        return false;
    if (r.depth == 0 || c.scopes.closed_elsewhere() || state_of(c).ending != nullptr) return false;
    return r.depth > 1 || memory::waits_for_nothing(c);
}

}  // namespace

void close_frame_with_content(frame_record* r) noexcept {
    thread_context& c = *r->context;
    if (!ends_plainly(c, *r)) return close_frame_slow(r);
    frame_record* outer = r - 1;
    if (r->depth == 1 && log_of(c).size() == 0) {  // no boundary has seen its bytes
        if ((r->pending_bits & memory::pending_pages) != 0) put_away_pages(c);
        const std::uintptr_t highest = c.charges.highest() > r->cursor ? c.charges.highest() : r->cursor;
        if (highest - boundary_of(c) > c.charges.quiet_bytes()) memory::observe_outermost(c);
        c.charges.end_outermost_unsettled(r->generation, r->cursor - boundary_of(c));
        r->pending_bits = 0;
        c.charges.begin_segment(outer->cursor);
        set_top(c, outer);
        return;
    }
    memory::note_frame_peak(c, frame_bytes_in_use(c));
    close_account(c, r);
    r->pending_bits = 0;
    begin_segment(c, outer->cursor);
    outer->limit = r->limit & outer->open_mask;
    set_top(c, outer);
    if (r->depth == 1) note_use(c);
}

void close_frame_slow(frame_record* r) noexcept {
    thread_context& c = *r->context;
    if (!belongs_to_caller(c)) {
        memory::raise(c, {.what = is_parked(c) ? code::FA212 : code::FA430,
                          .detail = "frame closed by a thread that does not own it; it stays open"});
        return;
    }
    if ((r->pending_bits & memory::pending_finalisers) != 0 && r->finalisers == nullptr) {  // containers that left
        r->pending_bits &= ~memory::pending_finalisers;
        return close_frame_with_content(r);
    }
    const activity_scope changing(&c, activity::changing);
    if (r == state_of(c).ending) {
        memory::raise(c,
                      {.what = code::FA428, .detail = "the frame is ending, its destructors run", .bytes = r->depth});
        return;
    }
    if (r == top_of(c) && end_too_deep(c)) return;
    if (r == &ground_of(c)) {
        if (ground_in_use(c)) {
            finish_outermost(c);
            refresh_limit(c);
        } else {
            memory::raise(c, {.what = code::FA428, .detail = "end_frame without begin_frame"});
        }
        return;
    }
    if (r->depth > top_of(c)->depth) {
        memory::raise(c,
                      {.what = code::FA428, .detail = "the frame was ended before, from outside", .bytes = r->depth});
        return;
    }
    if (r != top_of(c))
        memory::raise(c, {.what = code::FA428,
                          .detail = "an inner frame is still open; it ends here",
                          .bytes = top_of(c)->depth,
                          .born = opened_at(c)});
    while (top_of(c)->depth >= r->depth) close_top(c);
}

}  // namespace framealloc::inline v1::lifetime
