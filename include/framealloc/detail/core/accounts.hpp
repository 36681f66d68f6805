// The accounts of tags and phases on one thread, and the settling of what is not charged yet.
#pragma once

#include <framealloc/account/tag.hpp>
#include <framealloc/detail/core/allocator.hpp>

namespace framealloc::inline v1::memory {

FRAMEALLOC_COLD tag_account* account_for(thread_context& c, account::tag_node* node, exhaustion_reason& why) noexcept;
FRAMEALLOC_COLD tag_account* account_for(thread_context& c, const tag& t, exhaustion_reason& why) noexcept;
FRAMEALLOC_COLD tag_account* account_for(thread_context& c, tag_account* parent, account::name_view path,
                                         exhaustion_reason& why) noexcept;
// What waits: tags that were left, pages that gave blocks to hooks, the tab of large blocks, and peaks that are to
// begin anew. And the installed pages.
FRAMEALLOC_COLD void charge_waiting(thread_context& c) noexcept;
void charge_installed(thread_context& c) noexcept;
FRAMEALLOC_INLINE void charge_pages(thread_context& c) noexcept {
    if (c.charges.anything_late()) charge_waiting(c);
    if (c.pages.any_installed()) charge_installed(c);
}
// The same, after which none is installed: before the tag changes, as pages belong to a tag. A boundary follows, or
// note_settled().
void put_away_installed(thread_context& c) noexcept;
FRAMEALLOC_INLINE void put_away_pages(thread_context& c) noexcept {
    if (c.charges.anything_late()) charge_waiting(c);
    if (c.pages.any_installed()) put_away_installed(c);
}
// Charges what is on the tab of large blocks, and closes it, or frames' bytes that tags which were left are charged for
// late, and lets peaks begin anew that are to: before live bytes grow or a peak is noted otherwise.
void close_tab_and_join(thread_context& c) noexcept;
void charge_late_bytes(thread_context& c) noexcept;
FRAMEALLOC_INLINE void close_tab(thread_context& c) noexcept {
    if (c.charges.anything_waits() || c.charges.late_bytes() != 0) close_tab_and_join(c);
}
// Peaks begin anew, from what is in use. Requires: as notice_returns().
void begin_peaks(thread_context& c) noexcept;
// Charges the open segment, what frames had that have ended since, and the installed pages, to the current tag and
// phase. Each open frame takes back its part of the segment when it ends.
void settle(thread_context& c) noexcept;
void settle_and_put_away(thread_context& c) noexcept;  // and what is installed, after which none is
// Before the tag changes, the phase remaining: charges what cannot be charged late, and from then on late what can be
// (detail/core/late.hpp).
void leave_tag_charged(thread_context& c) noexcept;
// The same at the end of the top frame, whose bytes these are: nothing of the segment is held any longer. Pages are
// charged when the outermost frame ends.
void charge_ended(thread_context& c, std::uint64_t open) noexcept;
// A peak is noted of what frames have, and had that have ended since the last boundary, beside what is live.
void observe_frames(thread_context& c) noexcept;
// The same at the end of an outermost frame of which no boundary has seen any byte; then they see no more of such
// frames until thread_charges::quiet_bytes() are exceeded.
FRAMEALLOC_COLD void observe_outermost(thread_context& c) noexcept;
// Before live bytes change. What open frames have is still seen when they grow, and no longer when they shrink.
// Requires, of pages: the tab of large blocks is closed.
inline void before_pages_change(thread_context& c) noexcept {
    if (c.charges.highest() != 0) observe_frames(c);
    if (c.charges.late_bytes() != 0) charge_late_bytes(c);
    c.charges.set_quiet_bytes(0);
}
inline void before_live_grows(thread_context& c) noexcept {
    close_tab(c);
    before_pages_change(c);
}
inline void before_live_shrinks(thread_context& c) noexcept {
    if (c.charges.highest() != 0 || c.charges.segment() != c.stack.top()->cursor) observe_frames(c);
}
// Tells the page's tag how many of its blocks are out.
void observe_page(pool_page& page) noexcept;
// Of all pages of the thread: from here on, peaks see what is in use. Requires: the thread is the caller's, or nobody's
// and the lock is held. Cost: O(pages).
void notice_returns(thread_context& c) noexcept;
// A peak asks for this before it rises. Requires: no account has been opened.
void watch_returns(thread_context& c) noexcept;
// The same as observe_page(), and charges what was allocated since the last time to the current phase. Requires: the
// tab of large blocks is closed.
void charge_page(thread_context& c, pool_page& page) noexcept;
void charge_allocated(thread_context& c, std::uint64_t bytes) noexcept;
void take_back_log(thread_context& c, std::uint32_t depth, std::uint32_t floor) noexcept;

// Whether nothing that is held still has to be charged: what has ended since may have to.
inline bool settled_at_top(const thread_context& c) noexcept {
    return c.charges.segment() == c.stack.top()->cursor && !c.pages.any_charged_singly() && !c.charges.anything_waits();
}
FRAMEALLOC_INLINE bool unsettled(const thread_context& c) noexcept {
    return !c.charges.wholly_settled_at(c.stack.top()->cursor);
}

}  // namespace framealloc::inline v1::memory
