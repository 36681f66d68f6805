// The arena's slow path: chunks, limits, out-of-line blocks, allocation outside a frame.
#include <framealloc/detail/core/core.hpp>
#include <framealloc/detail/core/depot.hpp>
#include <framealloc/detail/core/pool.hpp>
#include <framealloc/detail/core/registry.hpp>
#include <framealloc/detail/core/zones.hpp>
#include <framealloc/detail/guard/guard.hpp>

#include <new>
#include <utility>

namespace framealloc::inline v1::memory {

namespace {

// What a budget counts: with promote, blocks out of line are what it drives out.
std::size_t budgeted_bytes(const thread_context& c) noexcept {
    return frame_bytes_in_use(c) - (c.budget.policy == budget_policy::promote ? c.arenas.out_of_line() : 0);
}

// How far the cursor may go without asking.
std::uintptr_t limit_by_budget(const thread_context& c, std::uintptr_t end) noexcept {
    const std::size_t hard = c.owner->config.frame_limit;
    const std::size_t soft = c.budget.of(memory_kind::frame).quiet_until(current_frame(c));
    const std::size_t limit = hard == 0 || soft < hard ? soft : hard;
    if (limit == ~std::size_t{0}) return end;
    const std::size_t elsewhere = c.arenas.current().used_below() +
                                  (soft < hard && c.budget.policy == budget_policy::promote ? 0
                                                                                            : c.arenas.out_of_line());
    const std::size_t room = align_down(limit > elsewhere ? limit - elsewhere : 0, cursor_granularity);
    const std::uintptr_t begin = c.arenas.current().newest().begin;
    return begin + room < end ? begin + room : end;
}

void decommit_from(thread_context& c, arena_chunk& k, std::uintptr_t end) noexcept {
    if (end < k.committed) guard::allow(end, k.committed);  // it is the page source's
    c.owner->chunks.decommit_from(k, end);
}

arena_chunk* make_chunk(thread_context& c, std::size_t bytes, exhaustion_reason& why) noexcept {
    return c.owner->chunks.make(&c, bytes, memory_kind::frame, why);
}

}  // namespace

bool commit_to(thread_context& c, arena_chunk& k, std::uintptr_t end, exhaustion_reason& why) noexcept {
    return c.owner->chunks.commit_to(k, end, why);
}

namespace {

void destroy_chunk(core& a, arena_chunk* k) noexcept {
    a.probes.allow(k->begin, k->end);  // for the next owner of these addresses; trimmed pages were an ended frame's
    a.chunks.destroy(k);
}

void destroy_spare(thread_context& c) noexcept {
    while (arena_chunk* k = c.arenas.spare().take_first()) destroy_chunk(*c.owner, k);
}

}  // namespace

void note_peak(thread_context& c) noexcept {
    const std::size_t used = frame_bytes_in_use(c);
    c.counters.set(counter::frame_used, used);
    note_frame_peak(c, used);
}

bool grow_arena(thread_context& c, std::size_t bytes, exhaustion_reason& why) noexcept {
    const std::size_t capacity = c.owner->config.frame_capacity;
    const std::size_t first = c.arenas.kept().suggested() > capacity ? c.arenas.kept().suggested() : capacity;
    const std::size_t step = !c.probes.revokes()   ? capacity
                             : c.stack.depth() > 1 ? page_bytes
                                                   : first;  // there each frame has chunks of its own
    const std::size_t wanted = bytes > step ? bytes : step;
    arena_chunk* k = c.arenas.spare().take(wanted);
    if (k == nullptr) k = make_chunk(c, wanted, why);
    if (k == nullptr && c.probes.revokes()) k = c.probes.hooks->unrevoke_chunk(c, wanted);
    if (k == nullptr) return false;
    if (!commit_to(c, *k, k->begin + bytes, why)) {
        c.arenas.spare().put(k);
        return false;
    }
    settle(c);
    c.arenas.current().push(*k, c.stack.top()->cursor, guard_padding(c));
    c.stack.top()->cursor = k->begin;
    add_pending(*c.stack.top(), pending_chunks);
    begin_segment(c, k->begin);
    if (k->previous->depth == c.stack.depth() || !c.probes.revokes()) c.counters.add(counter::chunk_growth, 1);
    k->depth = c.stack.depth();
    return true;
}

namespace {

void note_outside(thread_context& c, const site& where) noexcept {
    add_pending(c.stack.outermost(), pending_ground);  // the next frame's end looks at the ground
    const std::uint32_t n = ++c.outside_count;
    if ((n & (n - 1)) != 0 || !c.owner->config.reports) return;  // the 1st, 2nd, 4th, 8th …
    c.owner->raise({.what = code::FA001,
                    .detail = "served from an implicit frame that the next end_frame closes",
                    .where = where,
                    .bytes = n});
}

bool within_frame_limit(const thread_context& c, std::size_t more, exhaustion_reason& why) noexcept {
    const std::size_t limit = c.owner->config.frame_limit;
    if (limit == 0 || frame_bytes_in_use(c) + more <= limit) return true;
    why = exhaustion_reason::frame_limit;
    return false;
}

}  // namespace

admission admit_frame(thread_context& c, std::size_t more, exhaustion_reason& why) noexcept {
    if (!within_frame_limit(c, more, why)) return admission::refused;
    const admission a = admit(c, memory_kind::frame, budgeted_bytes(c), more);
    if (a == admission::refused) why = exhaustion_reason::thread_budget;
    return a;
}

namespace {

// From the top record. Returns null with `why` set, or with `out_of_line` when that is where it belongs.
void* allocate_from_top(thread_context& c, std::size_t bytes, std::size_t align, bool& out_of_line,
                        exhaustion_reason& why) noexcept {
    frame_record* r = c.stack.top();
    const std::size_t rounded = align_up(bytes, cursor_granularity);
    const std::size_t widest = rounded + (align > cursor_granularity ? align : 0);
    const auto there = [&] { return align_up(r->cursor, align) + rounded; };
    const auto fits = [&] { return there() <= c.arenas.current().newest().usable_end(); };
    if (!fits() && widest > c.owner->config.frame_capacity / 2) {
        c.counters.add(counter::oversize, 1);
        c.arenas.kept().suggest_for_oversize(frame_bytes_in_use(c) + widest);
        out_of_line = true;
        return nullptr;
    }
    if (c.probes.guarded()) [[unlikely]]
        return c.probes.hooks->allocate_frame(c, bytes, align, widest + cursor_granularity, out_of_line, why);
    const admission a = admit_frame(c, fits() ? there() - r->cursor : rounded, why);  // its handler may allocate
    out_of_line = a == admission::elsewhere;
    if (a != admission::granted) return nullptr;
    if (!fits() && !grow_arena(c, widest + cursor_granularity, why)) return nullptr;
    const std::uintptr_t p = align_up(r->cursor, align);
    if (p + rounded > c.arenas.current().newest().usable_end())
        broken_invariant("a fresh chunk is too small for its request");
    if (!commit_to(c, c.arenas.current().newest(), p + rounded, why)) return nullptr;
    r->cursor = p + rounded;
    return pointer_at(p);
}

void* try_outer(thread_context& c, frame_record* r, std::size_t bytes, std::size_t align, std::uint64_t mark,
                exhaustion_reason& why) noexcept {
    const std::size_t charged = align_up(bytes, cursor_granularity);
    const bool counted = c.budget.policy != budget_policy::promote;
    if (counted ? admit_frame(c, charged, why) == admission::refused : !within_frame_limit(c, charged, why))
        return nullptr;
    const std::size_t lead = align > outer_header_bytes ? align : outer_header_bytes;
    const std::size_t whole = charged + lead;
    const unsigned k = class_for(whole, lead);
    const site where = c.probes.place();
    void* raw = k != no_class ? pool_take(c, memory_kind::frame, k, lead + bytes, on_failure::return_null)
                              : large_allocate(c, lead + bytes, lead, false, why);
    if (raw == nullptr) {
        if (k != no_class) why = exhaustion_reason::system_refused;
        return nullptr;
    }
    auto* b = ::new (pointer_at(address_of(raw) + lead - outer_header_bytes)) outer_block{};
    outer_born(c, raw, begin_of(*b));
    outer_block*& head = blocks_at(c, r->depth);
    b->next = head;
    b->link = &head;
    if (head != nullptr) head->link = &b->next;
    head = b;
    b->who = c.tag();
    b->bytes = charged;
    b->raw = raw;
    b->raw_bytes = k != no_class ? 0 : whole;
    b->mark = mark & (~std::uint64_t{0} >> 1);
    add_pending(*r, pending_blocks);
    before_live_grows(c);
    c.arenas.add_out_of_line(charged);
    charge_allocated(c, charged);
    c.tag()->frame_held.add(charged);
    c.tag()->add_live(static_cast<std::int64_t>(charged));
    if (r == &c.stack.ground()) note_outside(c, where);
    note_peak(c);
    return begin_of(*b);
}

void count_allocation(thread_context& c) noexcept {
    c.counters.add(counter::frame_allocations, 1);
    c.phase()->phase_count.add(current_frame(c), 1);
}

}  // namespace

void note_growth(thread_context& c, std::size_t bytes) noexcept {
    if (c.probes.counting()) count_allocation(c);
    show_allocation(c, memory_kind::frame, bytes);
}

namespace {

void* try_slow(thread_context& c, frame_record* r, std::size_t bytes, std::size_t align,
               exhaustion_reason& why) noexcept {
    if (bytes > largest_request || align > largest_request || !is_power_of_two(align)) {
        why = exhaustion_reason::size_overflow;
        return nullptr;
    }
    void* p = nullptr;
    if (r != c.stack.top()) {
        c.counters.add(counter::outer_growth, 1);
        p = try_outer(c, r, bytes, align, c.stack.mark_serial(), why);
    } else {
        if (r == &c.stack.ground()) note_outside(c, c.probes.place());
        bool out_of_line = c.probes.armed() && c.probes.hooks->chooses_frame_block(c, bytes, align);
        if (!out_of_line) p = allocate_from_top(c, bytes, align, out_of_line, why);
        if (out_of_line) p = try_outer(c, r, bytes, align, c.stack.mark_serial(), why);
    }
    if (p != nullptr && c.probes.counting()) count_allocation(c);
    refresh_limit(c);
    return p;
}

}  // namespace

bool extend_top(thread_context& c, std::uintptr_t end, std::size_t more) noexcept {
    frame_record* r = c.stack.top();
    if (c.life.parked() || !belongs_to_caller(c) || c.arenas.current().newest().usable_end() - end < more) return false;
    if (r == &c.stack.ground()) note_outside(c, c.probes.place());
    exhaustion_reason why{};
    if (admit_frame(c, more, why) != admission::granted) return false;
    if (c.stack.top() != r || r->cursor != end) return false;  // the handler of a fault or a budget allocated
    if (!commit_to(c, c.arenas.current().newest(), end + more, why)) return false;
    r->cursor = end + more;
    refresh_limit(c);
    note_growth(c, more);
    return true;
}

void note_use(thread_context& c) noexcept { c.counters.set(counter::frame_used, frame_bytes_in_use(c)); }

void refresh_limit(thread_context& c) noexcept {
    c.probes.follow(c.owner->probes);
    const std::uintptr_t end = c.arenas.current().limit();
    c.stack.set_limit(c.probes.counting() || c.life.parked() ? 0 : limit_by_budget(c, end));
}

slow_allocation frame_allocate_slow(frame_record* asked, std::size_t bytes, std::size_t align, on_failure f) noexcept {
    frame_record* r = asked;
    thread_context& c = *r->context;
    const served_call call(c, __builtin_return_address(0));
    if (!call.admitted()) return {nullptr, asked};
    if (!belongs_to_caller(c) && (c.life.parked() || c.owner->config.reports))
        raise(c, {.what = c.life.parked() ? code::FA212 : code::FA430,
                  .detail = "allocation in a frame of another thread",
                  .bytes = bytes});
    if (r->depth > c.stack.depth()) {
        raise(c, {.what = code::FA002, .detail = "allocation from a frame that has ended", .bytes = bytes});
        r = c.stack.top();
    }
    if (!is_power_of_two(align) && c.owner->config.reports)
        raise(c, {.what = code::FA431, .detail = "in a frame allocation", .bytes = align});
    for (bool trimmed = false;;) {
        exhaustion_reason why = exhaustion_reason::system_refused;
        void* p = nullptr;
        {
            const activity_scope changing(&c, activity::changing);
            p = try_slow(c, r, bytes == 0 ? 1 : bytes, align, why);
        }
        if (p != nullptr) {
            show_allocation(c, memory_kind::frame, bytes);
            return {p, asked};
        }
        if (!trimmed && (trimmed = make_room(*c.owner, why, f))) continue;
        if (f == on_failure::return_null) return {nullptr, asked};
        c.owner->exhausted(why, memory_kind::frame, bytes, align);
    }
}

void* outer_allocate(frame_record* r, std::size_t bytes, std::size_t align, std::uint64_t mark, on_failure f) noexcept {
    thread_context& c = *r->context;
    if (!may_call(c, c.probes.place())) return nullptr;
    for (bool trimmed = false;;) {
        exhaustion_reason why = exhaustion_reason::size_overflow;
        void* p = nullptr;
        {
            const activity_scope changing(&c, activity::changing);
            if (bytes <= largest_request) p = try_outer(c, r, bytes, align, mark, why);
        }
        if (p != nullptr) {
            c.counters.add(counter::outer_growth, 1);
            refresh_limit(c);
            note_growth(c, bytes);
            return p;
        }
        if (!trimmed && (trimmed = make_room(*c.owner, why, f))) continue;
        if (f == on_failure::return_null) return nullptr;
        c.owner->exhausted(why, memory_kind::frame, bytes, align);
    }
}

namespace {

void no_longer_held(thread_context& c, const outer_block& b) noexcept {
    before_live_shrinks(c);
    c.arenas.subtract_out_of_line(b.bytes);
    b.who->frame_held.subtract(b.bytes);
    b.who->correct_live(-static_cast<std::int64_t>(b.bytes));
}

}  // namespace

void end_outer_blocks(thread_context& c, outer_block* first) noexcept {
    for (outer_block* b = first; b != nullptr; b = b->next) {
        no_longer_held(c, *b);
        b->ended = 1;
    }
}

void outer_free(thread_context& c, void* block) noexcept {
    auto* b = pointer_at<outer_block>(address_of(block) - outer_header_bytes);
    outer_freed(c, *b, block);
    *b->link = b->next;
    if (b->next != nullptr) b->next->link = b->link;
    if (!b->ended) no_longer_held(c, *b);
    c.arenas.note_spilled();
    if (b->raw_bytes == 0) pool_free(b->raw);
    else large_free(c, b->raw);
}

bool open_arena(thread_context& c, frame_arena& s, exhaustion_reason& why) noexcept {
    arena_chunk* first = make_chunk(c, c.owner->config.frame_capacity, why);
    if (first == nullptr) return false;
    s.open(*first);
    if (c.probes.guarded() && (s.log = guard::make_frame_log()) == nullptr) {
        close_arena(c, s);
        return false;
    }
    if (!c.owner->config.prefault) return true;
    if (!commit_to(c, *first, first->end, why)) {
        close_arena(c, s);
        return false;
    }
    for (std::uintptr_t p = first->begin; p < first->committed; p += c.owner->pages.granularity()) {
        *pointer_at<volatile char>(p) = 0;
    }
    return true;
}

void close_arena(thread_context& c, frame_arena& s) noexcept {
    while (arena_chunk* k = s.pop()) destroy_chunk(*c.owner, k);
    guard::destroy(s.log);
    s.log = nullptr;
}

void close_arenas(thread_context& c, arena_chunk* others) noexcept {
    c.arenas.find([&](frame_arena& s) { return close_arena(c, s), false; });
    destroy_spare(c);
    while (others != nullptr) destroy_chunk(*c.owner, std::exchange(others, others->previous));
}

namespace {

// Where each frame has chunks of its own: what would have held an outermost frame that needed several.
void note_suggestion(thread_context& c) noexcept {
    std::size_t total = 0, chunks = 0;
    for (const arena_chunk* k = &c.arenas.current().newest(); k != nullptr && k->depth == 1; k = k->previous, ++chunks)
        total += k->size();
    if (chunks > 1) c.arenas.kept().suggest(total);
}

}  // namespace

void return_to(thread_context& c, std::uintptr_t cursor) noexcept {
    note_peak(c);
    if (c.probes.revokes()) note_suggestion(c);
    frame_arena& s = c.arenas.current();
    while (!s.holds(cursor)) {
        arena_chunk* k = &s.newest();
        frame_blocks_ended(c, s, k->begin, k->end);
        s.pop();
        if (c.probes.revokes()) {
            c.probes.hooks->revoke_chunk(c, k);
            continue;
        }
        c.arenas.spare().put(k);
    }
    frame_blocks_ended(c, s, cursor, s.newest().end);
}

// After a frame that grew: one chunk of the whole size, so that the next frame fits in one piece, and as much of it
// accessible, so that it needs nothing of the system.
void merge_chunks(thread_context& c) noexcept {
    frame_arena& s = c.arenas.current();
    if (c.arenas.spare().empty() || s.has_grown() || c.probes.revokes()) return;
    const std::size_t total = s.newest().size() + c.arenas.spare().bytes();
    const std::size_t accessible = s.newest().accessible() + c.arenas.spare().accessible();
    exhaustion_reason why{};
    arena_chunk* whole = make_chunk(c, total, why);
    if (whole == nullptr) return;  // the chunks stay as they are and serve the next frame
    c.arenas.kept().suggest(total);
    destroy_spare(c);
    destroy_chunk(*c.owner, s.replace(*whole));
    static_cast<void>(commit_to(c, *whole, whole->begin + accessible, why));  // refused now: again as it is used
}

std::size_t idle_in_arena(const thread_context& c) noexcept {
    const arena_chunk& k = c.arenas.current().newest();
    const arena_chunk* spare = c.arenas.spare().first();
    const std::uintptr_t end = align_up(c.stack.top()->cursor, c.owner->pages.granularity());
    return (k.committed > end ? k.committed - end : 0) + (spare != nullptr ? spare->accessible() : 0);
}

void trim_arena(thread_context& c) noexcept {
    destroy_spare(c);
    arena_chunk& k = c.arenas.current().newest();
    const std::uintptr_t end = align_up(c.stack.top()->cursor, c.owner->pages.granularity());
    decommit_from(c, k, end);
    refresh_limit(c);
}

namespace {

// What frames took out of line went to the thread's cache, the large heap and empty pages.
void retain_out_of_line(thread_context& c, std::size_t keep) noexcept {
    if (!c.arenas.take_spilled() && c.heap.bytes() <= keep) return;
    shrink_heap_cache(c, keep);
    if (retire_unused(c) || c.pages.empty_count() != 0) release_empty_pages(c, true);
    trim_depot(*c.owner);
    c.owner->large.release_empty_regions();
}

}  // namespace

// Requires: nothing above the cursor is in use.
void retain_arena(thread_context& c) noexcept {
    if (c.owner->config.retain == retain_policy::all) return;
    frame_arena& s = c.arenas.current();
    const core_config& o = c.owner->config;
    const bool decided = c.arenas.kept().decide(o.retain, o.retain_amount, current_frame(c));
    // With frames in flight, each part follows a decision when its turn comes.
    if (!decided && s.trimmed_in == c.arenas.kept().decided_in()) return;
    s.trimmed_in = c.arenas.kept().decided_in();
    arena_chunk& k = s.newest();
    if (!s.has_grown() && !c.probes.revokes()) destroy_spare(c);  // what could not be merged
    decommit_from(c, k, align_up(k.begin + c.arenas.kept().bytes(), c.owner->pages.granularity()));
    const std::size_t arena = k.accessible();
    if (decided) retain_out_of_line(c, c.arenas.kept().bytes() > arena ? c.arenas.kept().bytes() - arena : 0);
}

}  // namespace framealloc::inline v1::memory
