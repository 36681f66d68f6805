// The slow paths of opening and closing a frame, and what its end does.
#include <framealloc/lifetime/frame.hpp>

#include <framealloc/core/scopes.hpp>
#include <framealloc/core/zones.hpp>
#include <framealloc/lifetime/flights.hpp>
#include <framealloc/lifetime/modules.hpp>
#include <framealloc/probe/guarded_frames.hpp>
#include <framealloc/probe/sampled.hpp>
#include <framealloc/probe/watch.hpp>

namespace framealloc::inline v1::lifetime {

using namespace memory;

namespace {

bool looks_at_every_begin(const thread_context& c) noexcept {
    return c.deferred.config.mode == deferred_mode::at_frame_begin;
}

void set_own_gate(thread_context& c, bool closed) noexcept {
    if (closed) c.records[0].gate.on(gate_own);
    else c.records[0].gate.off(gate_own);
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
    run_finalisers(c, ground->finalisers);
    close_account(c, ground);
    free_blocks(c, blocks_at(c, 0));
    owner_increment(ground->generation);  // containers that lie there have ended
    state_of(c).marks.shrink(0);
    state_of(c).rolled.clear();
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
    if (state_of(c).ending != nullptr) return;  // a destructor's frame; what lies outside frames does not end with it
    if (ground_in_use(c)) reset_ground(c);
    if (c.flight->parked) return;
    merge_chunks(c);
    c.records[0].cursor = c.flight->start;
    begin_segment(c, c.flight->start);
    retain_arena(c);
}

void close_top(thread_context& c) noexcept {
    frame_record* r = c.top;
    drop_released(c, r->depth);
    const held_frame* const innermost = current_flight(c).held;
    const bool held = innermost != nullptr && innermost->depth >= r->depth;
    const bool handed = held && r->depth > 1, keep = held || (r->depth == 1 && c.owner->config.frames_in_flight > 1);
    forget_closed_elsewhere(c);
    if (r->pending_bits >= pending_scope && c.owner->config.reports) tell_of_open_scopes(c, r);
    const bool told = saw_begin(c, r->depth);
    const frame_event end = told ? end_of_top(c) : frame_event{};
    if (!keep) run_finalisers(c, r->finalisers);
    handed ? settle(c) : close_account(c, r);
    if (r->pending_bits >= pending_scope) leave_scopes(c, r);
    frame_record* outer = outer_of(r);
    state_of(c).marks.drop_from(r->depth);
    state_of(c).rolled.drop_from(r->depth);
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

void close_all(thread_context& c) noexcept {
    if (in_frame(c) && c.top != c.owner->config.above->driven(c) && c.owner->config.reports)
        c.owner->raise({.what = code::FA428,
                        .detail = "the thread or the allocator ended with open frames",
                        .bytes = c.top->depth,
                        .born = opened_at(c)});
    while (in_frame(c)) close_top(c);
    reset_ground(c);
    clear_flights(c);
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
        memory::raise(c, {.what = c.parked ? code::FA212 : code::FA430,
                          .detail = "frame opened by a thread that does not own the stack"});
    const activity_scope changing(&c, activity::changing);
    settle(c);
    follow_observer(c);
    forget_closed_elsewhere(c);
    frame_record* r = c.top;
    if (r->depth == max_frame_depth) {
        add_pending(*r, pending_always);
        if (c.too_deep++ == 0)
            memory::raise(c, {.what = code::FA428,
                              .detail = "frames are nested deeper than 16,383; is an end_frame missing?",
                              .bytes = r->depth});
        return r;
    }
    if (r->depth == 0) {
        add_pending(c.records[1], sticky_bits(c, c.records[1]));
        if (c.owner->config.frames_in_flight > 1 || (r->gate.is_on(gate_own) && c.records[1].generation != 0))
            set_own_gate(c, !rotate(c) || looks_at_every_begin(c));
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
        memory::raise(c, {.what = c.parked ? code::FA212 : code::FA430,
                          .detail = "frame closed by a thread that does not own it; it stays open"});
        return;
    }
    const activity_scope changing(&c, activity::changing);
    if (r == state_of(c).ending) {
        memory::raise(c,
                      {.what = code::FA428, .detail = "the frame is ending, its destructors run", .bytes = r->depth});
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
            memory::raise(c, {.what = code::FA428, .detail = "end_frame without begin_frame"});
        }
        return;
    }
    if (r->depth > c.top->depth) {
        memory::raise(c,
                      {.what = code::FA428, .detail = "the frame was ended before, from outside", .bytes = r->depth});
        return;
    }
    if (r != c.top)
        memory::raise(c, {.what = code::FA428,
                          .detail = "an inner frame is still open; it ends here",
                          .bytes = c.top->depth,
                          .born = opened_at(c)});
    while (c.top->depth >= r->depth) close_top(c);
}

}  // namespace framealloc::inline v1::lifetime
