// Accounts of tags and phases per thread, and the settling of what is not charged yet.
#include <framealloc/detail/core/core.hpp>
#include <framealloc/detail/core/zones.hpp>

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

namespace framealloc::inline v1::memory {

namespace {

tag_account* child_account(thread_context& c, tag_account* parent, account::name_view name,
                           exhaustion_reason& why) noexcept {
    return c.charges.accounts().child(c.owner->meta, c.owner->tags, parent, name, why);
}

tag_account* child_account(thread_context& c, const tag& t, exhaustion_reason& why) noexcept {
    tag_account* parent = t.parent() == nullptr ? c.charges.accounts().root() : child_account(c, *t.parent(), why);
    return parent == nullptr ? nullptr : child_account(c, parent, {t.name(), std::strlen(t.name())}, why);
}

// Beyond so many pages a peak may be too high, by so many bytes for each.
constexpr std::size_t pages_always_asked = 64, bytes_unasked = 256;

// Those that other threads returned are not out.
std::uint32_t out_now(const pool_page& page) noexcept { return page.used() - page.remote.count(); }

// Bytes of its blocks, since the last time.
std::int64_t newly_out(pool_page& page) noexcept {
    const std::uint32_t now = out_now(page);
    if (now == page.seen) return 0;
    const auto change = static_cast<std::int32_t>(now - page.seen);
    page.seen = now;
    return traits_of(page.kind).freed_singly ? std::int64_t{change} * page.block : 0;
}

}  // namespace

void notice_returns(thread_context& c) noexcept {
    late_pages& late = c.charges.accounts().late;
    std::size_t pages = 0;
    for (pool_page* p = c.pages.first(); p != nullptr; p = p->next_all, ++pages) {
        if (static_cast<std::int32_t>(out_now(*p) - p->seen) > 0) continue;  // raises peaks when it is charged
        const std::int64_t change = newly_out(*p);
        if (change != 0) p->account->correct_live(change);
    }
    late.tolerance = pages <= pages_always_asked ? 0 : (pages - pages_always_asked) * bytes_unasked;
}

void watch_returns(thread_context& c) noexcept {
    late_pages& late = c.charges.accounts().late;
    late.of = &c;
    late.notice = [](account::late_returns& l) noexcept { notice_returns(*static_cast<late_pages&>(l).of); };
}

namespace {

FRAMEALLOC_INLINE void charge_new(thread_context& c, pool_page& page) noexcept {
    const std::uint32_t uncharged = page.allocations - page.charged;
    if (uncharged == 0) return;
    sync::store_relaxed(page.charged, page.allocations);  // relaxed: a statistic for readers
    c.counters.add_taken(page.kind, uncharged);
    if (!traits_of(page.kind).freed_singly) return;
    const std::uint64_t frame = current_frame(c);
    c.phase()->phase_bytes.add(frame, std::uint64_t{uncharged} * page.block);
    c.phase()->phase_count.add(frame, uncharged);
}

}  // namespace

void observe_page(pool_page& page) noexcept {
    if (const std::int64_t change = newly_out(page); change != 0) page.account->add_live(change);
}

namespace {

[[gnu::noinline]] void charge_changed(thread_context& c, pool_page& page) noexcept {
    before_pages_change(c);  // frames that have ended were beside the blocks known until now
    observe_page(page);
    charge_new(c, page);
}

}  // namespace

void charge_page(thread_context& c, pool_page& page) noexcept {
    if (out_now(page) != page.seen) return charge_changed(c, page);
    charge_new(c, page);  // what was allocated has been freed
}

tag_account* account_for(thread_context& c, account::tag_node* node, exhaustion_reason& why) noexcept {
    return c.charges.accounts().find_or_add(c.owner->meta, node, why);
}

tag_account* account_for(thread_context& c, const tag& t, exhaustion_reason& why) noexcept {
    tag_account* a = child_account(c, t, why);
    if (a == nullptr) return nullptr;
    const std::uint32_t id = t.ensure_id();
    if (id != tag::unregistered) c.charges.accounts().remember(c.owner->meta, id, a);
    return a;
}

tag_account* account_for(thread_context& c, tag_account* parent, account::name_view path,
                         exhaustion_reason& why) noexcept {
    tag_account* at = parent;
    while (at != nullptr && path.size != 0) {
        std::size_t length = 0;
        while (length < path.size &&
               !(path.data[length] == ':' && length + 1 < path.size && path.data[length + 1] == ':'))
            ++length;
        if (length != 0) at = child_account(c, at, {path.data, length}, why);
        const std::size_t step = length < path.size ? length + 2 : length;
        path = {path.data + step, path.size - step};
    }
    return at;
}

namespace {

FRAMEALLOC_INLINE void add_allocated(thread_context& c, std::uint64_t frame, std::uint64_t bytes) noexcept {
    c.charges.add_allocated(frame, bytes);
    c.tag()->frame_bytes.add(frame, bytes);
    if (tag_account& phase = *c.phase(); phase.parent != nullptr) phase.phase_bytes.add(frame, bytes);
}

}  // namespace

void charge_allocated(thread_context& c, std::uint64_t bytes) noexcept { add_allocated(c, current_frame(c), bytes); }

namespace {

void close_open_tab(thread_context& c) noexcept {
    const heap_tab::content sum = c.heap.tab().close(c.counters.get(counter::heap_allocations));
    c.charges.note_tab(false);
    if (sum.blocks != 0) {
        const std::uint64_t frame = current_frame(c);
        c.phase()->phase_bytes.add(frame, sum.taken);
        c.phase()->phase_count.add(frame, sum.blocks);
    }
    const auto more = static_cast<std::int64_t>(sum.taken - sum.returned);
    if (more > 0) sum.payer->add_live(more);
    else if (more < 0) sum.payer->correct_live(more);
}

}  // namespace

namespace {

void charge_late_bytes_of(tag_account& a, std::uint64_t frame) noexcept {
    if (a.late_allocated != 0) a.frame_bytes.add(frame, std::exchange(a.late_allocated, 0));
    if (a.late_held != 0) a.add_live(static_cast<std::int64_t>(std::exchange(a.late_held, 0)));
}

// Of these classes, the page that the tag allocates from.
template <class F>
void for_each_current(const tag_account& a, unsigned kind, std::uint64_t classes, F&& f) noexcept {
    for (; classes != 0; classes &= classes - 1) {
        if (pool_page* p = a.pages[kind]->current(static_cast<unsigned>(std::countr_zero(classes)))) f(*p);
    }
}

// Pages of the tag are charged late no longer.
void charge_late_pages_of(thread_context& c, tag_account& a) noexcept {
    for (unsigned kind = 0; kind < kind_count; ++kind) {
        const std::uint64_t late = std::exchange(a.late_classes[kind], 0);
        for_each_current(a, kind, late, [&c](pool_page& p) { charge_new(c, p); });
    }
}

constexpr std::size_t most_in_vain = 8;  // tags without late bytes that are looked at once more

}  // namespace

// Of the tags that wait, those that have any. Where many have none they wait no longer, so that looking at them is paid
// by their having begun to.
void charge_late_bytes(thread_context& c) noexcept {
    const std::uint64_t frame = current_frame(c), bytes = c.charges.take_late();
    c.charges.add_allocated(frame, bytes);
    if (tag_account& phase = *c.phase(); phase.parent != nullptr) phase.phase_bytes.add(frame, bytes);
    std::size_t in_vain = 0;
    for (tag_account* a = c.charges.first_waiting(); a != nullptr; a = a->next_waiting) {
        if ((a->late_allocated | a->late_held) == 0) ++in_vain;
        else charge_late_bytes_of(*a, frame);
    }
    if (in_vain <= most_in_vain || c.charges.anything_waits()) return;
    while (tag_account* a = c.charges.take_waiting()) charge_late_pages_of(c, *a);
}

void begin_peaks(thread_context& c) noexcept {
    notice_returns(c);
    for (auto* e = c.charges.accounts().first(); e != nullptr; e = account_table::after(*e)) e->reset_peaks();
    c.counters.set(counter::frame_peak, frame_bytes_in_use(c));
    c.charges.note_reset();
}

void close_tab_and_join(thread_context& c) noexcept {
    if (c.charges.tab_open()) close_open_tab(c);
    if (c.charges.late_bytes() != 0) charge_late_bytes(c);
    if (c.charges.awaits_reset()) begin_peaks(c);
}

void charge_waiting(thread_context& c) noexcept {
    close_tab(c);
    while (tag_account* a = c.charges.take_waiting()) {
        for (unsigned kind = 0; kind < kind_count; ++kind) {
            const std::uint64_t aside = std::exchange(a->aside[kind], 0);
            for_each_current(*a, kind, aside, [&c](pool_page& p) { charge_page(c, p); });
        }
        charge_late_pages_of(c, *a);
    }
}

void charge_installed(thread_context& c) noexcept {
    c.pages.for_each_installed([&c](pool_page& p) { charge_page(c, p); });
}

void put_away_installed(thread_context& c) noexcept {
    c.pages.take_installed([&c](pool_page& p) { charge_page(c, p); });
}

namespace {

// By how much ended frames were higher than the top cursor is.
std::uint64_t take_above(thread_context& c) noexcept {
    const std::uintptr_t highest = c.charges.take_highest(), cursor = c.stack.top()->cursor;
    return highest > cursor ? highest - cursor : 0;
}

}  // namespace

void observe_frames(thread_context& c) noexcept {
    close_tab(c);
    const std::uint64_t above = take_above(c), open = open_bytes(c);
    if (open + above == 0) return;
    c.tag()->touch_peak(open + above);
    if (above != 0) note_frame_peak(c, frame_bytes_in_use(c) + above);
}

void observe_outermost(thread_context& c) noexcept {
    close_tab(c);
    const std::uint64_t above = take_above(c), open = open_bytes(c), in_use = frame_bytes_in_use(c);
    c.tag()->touch_peak(open + above);
    note_frame_peak(c, in_use + above);
    const std::uint64_t others = in_use - open;  // of frames that are kept, say
    c.charges.set_quiet_bytes(std::min(c.tag()->room_below_peaks(), c.counters.get(counter::frame_peak) - others));
}

namespace {

// Whether the frame was opened since the last boundary, on one that has bytes after that.
FRAMEALLOC_INLINE bool follows_open_bytes(const thread_context& c, frame_record& r) noexcept {
    return r.depth != 0 && (r.pending_bits & pending_chunks) == 0 && outer_of(&r)->cursor > c.charges.segment();
}

// Of the frame: held until its end. Without room to take it back then, it counts as allocated, not as held.
FRAMEALLOC_INLINE std::uint64_t hold(thread_context& c, frame_record& r, std::uint64_t bytes) noexcept {
    add_pending(r, pending_log);
    exhaustion_reason why{};
    if (c.charges.records().push(c.owner->meta, {c.tag(), bytes, r.depth}, why)) return bytes;
    c.tag()->touch_peak(bytes);
    return 0;
}

// Each open frame has its part of the segment.
std::uint64_t hold_in_each(thread_context& c, std::uint64_t bytes) noexcept {
    frame_record* const top = c.stack.top();
    frame_record* r = top;
    while (follows_open_bytes(c, *r)) r = outer_of(r);
    std::uint64_t held = 0, left = bytes;
    for (std::uintptr_t from = c.charges.segment(); left != 0; r = &record_at(c, r->depth + 1)) {
        const std::uint64_t part = r == top ? left : r->cursor - std::exchange(from, r->cursor);
        if (part != 0) held += hold(c, *r, part);
        left -= part;
    }
    return held;
}
[[gnu::noinline]] std::uint64_t hold_anew(thread_context& c, std::uint64_t bytes) noexcept {
    frame_record& top = *c.stack.top();
    return follows_open_bytes(c, top) ? hold_in_each(c, bytes) : hold(c, top, bytes);
}
FRAMEALLOC_INLINE std::uint64_t hold_segment(thread_context& c, std::uint64_t bytes) noexcept {
    frame_record& top = *c.stack.top();
    const bool held = !follows_open_bytes(c, top) && c.charges.records().extend(c.tag(), top.depth, bytes);
    return held ? bytes : hold_anew(c, bytes);
}

[[gnu::noinline]] void charge_past(thread_context& c) noexcept {
    add_allocated(c, c.charges.past().frame, c.charges.past().bytes);
    c.charges.forget_past();
}

// Of frames that are open, and of those that have ended since the last boundary.
FRAMEALLOC_INLINE void charge_frames(thread_context& c, std::uint64_t open) noexcept {
    if (c.charges.past().bytes != 0) charge_past(c);
    if (const std::uint64_t bytes = open + c.charges.take_ended(); bytes != 0)
        add_allocated(c, current_frame(c), bytes);
}

// Requires: some bytes are not charged.
[[gnu::noinline]] void settle_bytes(thread_context& c, std::uint64_t open) noexcept {
    charge_frames(c, open);
    const std::uint64_t held = open == 0 ? 0 : hold_segment(c, open);
    begin_segment(c, c.stack.top()->cursor);
    if (held == 0) return;
    tag_account& tag = *c.tag();
    tag.frame_held.add(held);
    tag.add_live(static_cast<std::int64_t>(held));
}

}  // namespace

namespace {

FRAMEALLOC_INLINE void settle_frames(thread_context& c) noexcept {
    const std::uint64_t open = open_bytes(c);
    if (open != 0 || c.charges.any_ended()) settle_bytes(c, open);
    else begin_segment(c, c.stack.top()->cursor);
}

}  // namespace

void settle(thread_context& c) noexcept {
    if (c.charges.highest() != 0) observe_frames(c);
    charge_pages(c);
    settle_frames(c);
}

void settle_and_put_away(thread_context& c) noexcept {
    if (c.charges.has_nothing_of_frames(c.stack.top()->cursor)) {
        c.charges.begin_settled();
        return put_away_pages(c);
    }
    if (c.charges.highest() != 0) observe_frames(c);
    put_away_pages(c);
    settle_frames(c);
}

namespace {

// From now on the page, which is charged, is charged late.
void begin_late(thread_context& c, const pool_page& p) noexcept {
    tag_account& tag = *c.tag();
    if (p.account != &tag || !p.current || !traits_of(p.kind).freed_singly) return;
    c.charges.add_waiting(tag);
    tag.late_classes[index_of(p.kind)] |= std::uint64_t{1} << p.size_class;
}

// What the top frame has since the last boundary, if no peak can rise by it.
bool charge_late(thread_context& c) noexcept {
    frame_record& r = *c.stack.top();
    const std::uint64_t bytes = open_bytes(c);
    tag_account& tag = *c.tag();
    if (r.depth == 0 || follows_open_bytes(c, r)) return false;
    if (tag.late_allocated == 0) c.charges.begin_late(tag);
    exhaustion_reason why{};
    if (!c.charges.late_room_for(bytes) || !c.charges.records().push(c.owner->meta, {&tag, bytes, r.depth}, why))
        return false;
    add_pending(r, pending_log);
    c.charges.charge_late(tag, bytes);
    begin_segment(c, r.cursor);
    return true;
}

}  // namespace

void leave_tag_charged(thread_context& c) noexcept {
    if (c.charges.anything_waits() || c.charges.any_ended() || c.probes.any()) return settle_and_put_away(c);
    c.pages.take_installed([&c](pool_page& p) {
        charge_page(c, p);
        begin_late(c, p);
    });
    if (open_bytes(c) != 0 && !charge_late(c)) {
        close_tab(c);
        settle_frames(c);
    }
    note_settled(c);
    if (c.charges.anything_late()) add_pending(c.stack.outermost(), pending_pages);  // charged when that ends
}

void charge_ended(thread_context& c, std::uint64_t open) noexcept {
    if (c.charges.highest() != 0) observe_frames(c);
    if (c.stack.depth() <= 1) put_away_pages(c);
    charge_frames(c, open);
    if (open == 0) return;
    close_tab(c);
    c.tag()->touch_peak(open);
}

void take_back_log(thread_context& c, std::uint32_t depth, std::uint32_t floor) noexcept {
    if (c.charges.awaits_reset()) close_tab_and_join(c);  // peaks have what ends here
    while (c.charges.records().size() > floor && c.charges.records().back().depth >= depth) {
        const account::charge_record& r = c.charges.records().back();
        auto& tag = static_cast<tag_account&>(*r.who);
        if (tag.late_held != 0 && (tag.late_held < r.bytes || c.charges.anything_waits())) close_tab(c);
        tag.frame_held.subtract(r.bytes);
        if (tag.late_held != 0) c.charges.end_late(tag, r.bytes);
        else tag.correct_live(-static_cast<std::int64_t>(r.bytes));
        c.charges.records().pop();
    }
}

}  // namespace framealloc::inline v1::memory
