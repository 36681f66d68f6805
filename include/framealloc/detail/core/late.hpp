// What a tag that is left is charged late: bytes that no peak can rise by, and blocks that came back to their pages.
//
//   if (!leave_tag_late(c)) leave_tag_charged(c);  // the tag changes, the phase remains
//
// A tag is on its thread's list from the first time it was charged in full, until charge_waiting() goes over the list:
// before the phase changes, an outermost frame ends, a statistic is read.
#pragma once

#include <framealloc/detail/core/accounts.hpp>

namespace framealloc::inline v1::memory {

// Whether blocks of the page, which is installed, are out as they were when it was charged last.
FRAMEALLOC_INLINE bool as_charged(const pool_page& p) noexcept {
    const std::uint32_t out = p.allocations - p.frees - 1;  // it is current
    return out - p.seen == p.remote.count();
}

// Pool pages that the tag is charged for late. False when others are installed, which stay.
FRAMEALLOC_INLINE bool put_away_late(thread_context& c, const tag_account& tag) noexcept {
    constexpr memory_kind k = memory_kind::pool;
    if ((c.pages.installed_classes(k) & ~tag.late_classes[index_of(k)]) != 0) return false;
    return c.pages.take_all_installed(k, [&tag](const pool_page& p) { return p.account == &tag && as_charged(p); });
}

// What the top frame has, where the newest record of the log is of this frame and tag. False, with nothing done,
// otherwise.
FRAMEALLOC_INLINE bool charge_bytes_late(thread_context& c, const frame_record& r, tag_account& tag) noexcept {
    constexpr unsigned more = pending_chunks | pending_ground | pending_always;
    const std::uint64_t bytes = r.cursor - c.charges.segment();
    if (c.probes.any() || (r.pending_bits & more) != 0 || (&r - 1)->cursor > c.charges.segment()) return false;
    if (tag.late_allocated == 0 || !c.charges.late_room_for(bytes) || !c.charges.records().extend(&tag, r.depth, bytes))
        return false;
    c.charges.charge_late(tag, bytes);
    c.charges.begin_segment(r.cursor);
    return true;
}

// The current tag, in the top frame. False when something is left, for leave_tag_charged().
FRAMEALLOC_INLINE bool leave_tag_late(thread_context& c, const frame_record& r, tag_account& tag) noexcept {
    if (c.charges.anything_waits() || c.charges.any_ended()) return false;
    if (!put_away_late(c, tag)) return false;
    if (r.cursor != c.charges.segment() && !charge_bytes_late(c, r, tag)) return false;
    c.charges.begin_settled();
    return true;
}

}  // namespace framealloc::inline v1::memory
