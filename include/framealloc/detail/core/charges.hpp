// What a thread has allocated and not charged yet, and which scopes say whom to charge.
#pragma once

#include <utility>

#include <framealloc/account/budget.hpp>
#include <framealloc/base/site.hpp>
#include <framealloc/detail/core/account_table.hpp>
#include <framealloc/detail/core/record.hpp>

namespace framealloc::inline v1::memory {

// Something that decides what its thread charges, until it closes; see detail/core/scopes.hpp.
enum class scope_kind : std::uint8_t { tag, phase, limits };
inline constexpr unsigned scope_kind_count = 3;
enum class scope_face : std::uint8_t { tag_scope, phase_scope, context_scope, begin_phase };  // what the program sees

struct open_scope {
    union {
        tag_account* account;  // that is charged
        account::thread_budget* saved;  // of limits: what to put back
    };
    open_scope* outer;  // of its kind, opened before
    frame_record* record;  // the top one when it opened; scope_lists::ended() once that frame has; atomic
    open_scope* inner;  // opened after it; of the newest one and of spare ones, the next spare one
    scope_kind kind;
    scope_face face;
    bool left;  // its thread has ended
    bool same_terms;  // of limits: nothing to put back, while nobody changes the terms
    sync::atomic<bool> reported;  // FA429 was
    sync::atomic<bool> closed;  // by another thread
    site opened;  // while guarded

    void charge_to(tag_account* a) noexcept { sync::store_release(account, a); }  // pairs: thread_charges::tag_seen()
};
static_assert(sizeof(open_scope) == 64);
inline constexpr std::uint32_t most_open_phases = 65536;  // begin_phase(): more are a missing end_phase

class thread_charges {
public:
    // Bytes from here to the top cursor are not charged yet, whichever frames they are of; nor are those of frames that
    // have ended since.
    FRAMEALLOC_INLINE std::uintptr_t segment() const noexcept { return segment_; }
    std::uintptr_t segment_seen() const noexcept { return sync::load_relaxed(segment_); }  // relaxed: for any thread
    // Of so many bytes up to this cursor nothing was charged, and their frame ends.
    FRAMEALLOC_INLINE void end_unsettled(std::uint64_t bytes, std::uintptr_t cursor) noexcept {
        ended_bytes_ += bytes;
        if (cursor > highest_) set_highest(cursor);
        settled_ = never_settled;
    }
    // The same of the outermost frame, which has this number, after its peak was looked at: what it had and its inner
    // frames, as far as not charged. Of those before it nobody asks any more.
    FRAMEALLOC_INLINE void end_outermost_unsettled(std::uint64_t frame, std::uint64_t bytes) noexcept {
        sync::store_relaxed(past_.bytes, bytes + std::exchange(ended_bytes_, 0));  // relaxed: see past_seen()
        sync::store_relaxed(past_.frame, frame);  // relaxed: as above
        set_highest(0);
        settled_ = never_settled;
    }
    // What frames had that have ended since the last boundary: in the current outermost one, and in the one before it.
    struct past_frame {
        std::uint64_t frame, bytes;
    };
    bool any_ended() const noexcept { return (ended_bytes_ | past_.bytes) != 0; }
    std::uint64_t take_ended() noexcept { return std::exchange(ended_bytes_, 0); }
    const past_frame& past() const noexcept { return past_; }
    void forget_past() noexcept { sync::store_relaxed(past_.bytes, 0); }  // relaxed: as above
    // For any thread: the two may not belong together while an outermost frame ends.
    past_frame past_seen() const noexcept { return {sync::load_relaxed(past_.frame), sync::load_relaxed(past_.bytes)}; }
    // The highest cursor of frames that have ended, of the current outermost one, which no peak has been told of; or 0.
    FRAMEALLOC_INLINE std::uintptr_t highest() const noexcept { return highest_; }
    std::uintptr_t take_highest() noexcept {
        const std::uintptr_t was = highest_;
        set_highest(0);
        return was;
    }
    // No peak rises where the segment has no more bytes, until something else becomes live.
    FRAMEALLOC_INLINE std::uint64_t quiet_bytes() const noexcept {
        return sync::load_relaxed(quiet_bytes_);  // relaxed: a reset that is missed is seen at the next boundary
    }
    void set_quiet_bytes(std::uint64_t bytes) noexcept {
        sync::store_relaxed(quiet_bytes_, bytes);  // relaxed: as above
    }
    // Peaks are to begin anew, at the next boundary: the thread alone knows what has come back. What frames had that
    // have ended by now does not count any more. Threads: any.
    void ask_for_reset() noexcept {
        if (sync::load_relaxed(highest_) != 0) waits_.on(before_reset);  // relaxed: a recent value
        waits_.on(reset);
        set_quiet_bytes(0);
    }
    // Until it has: nothing above what is in use counts. Threads: any.
    bool awaits_reset() const noexcept { return waits_.was_on(reset); }
    // They have begun.
    void note_reset() noexcept {
        if (waits_.is_on(before_reset)) set_highest(0);
        set_quiet_bytes(0);
        waits_.off(reset | before_reset);
    }
    // Whether no tag is to be charged at once while the top cursor is there: no bytes, no installed pages.
    FRAMEALLOC_INLINE bool settled_at(std::uintptr_t cursor) const noexcept { return cursor == settled_; }
    // The same, and no phase at all.
    FRAMEALLOC_INLINE bool wholly_settled_at(std::uintptr_t cursor) const noexcept {
        return ((cursor ^ settled_) | reinterpret_cast<std::uintptr_t>(waiting_)) == 0;
    }
    void begin_segment(std::uintptr_t cursor) noexcept {
        sync::store_relaxed(segment_, cursor);  // relaxed: statistics of other threads read it
    }
    // Whether only pages may have to be charged while the top cursor is there.
    bool has_nothing_of_frames(std::uintptr_t cursor) const noexcept { return cursor == segment_ && !any_ended(); }
    // Pages will be too.
    void begin_settled() noexcept { settled_ = segment_; }
    void note_unsettled() noexcept { settled_ = never_settled; }
    // After a change of the segment or of what is installed; `pages`: some have blocks that scopes have to charge.
    void note_settled(bool pages) noexcept {
        settled_ = pages || anything_waits() || any_ended() ? never_settled : segment_;
    }

    // The newest open scope of a kind, or the end of its list.
    FRAMEALLOC_INLINE open_scope* newest(scope_kind k) const noexcept { return newest_[static_cast<unsigned>(k)]; }
    FRAMEALLOC_INLINE void open(scope_kind k, open_scope* s) noexcept {
        sync::store_release(newest_[static_cast<unsigned>(k)], s);  // pairs: a signal handler that asks for the tag
    }
    FRAMEALLOC_INLINE void set_newest(scope_kind k, open_scope* s) noexcept {
        sync::store_relaxed(newest_[static_cast<unsigned>(k)], s);  // relaxed: statistics of other threads read it
    }
    // Asked by other threads.
    const tag_account* tag_seen() const noexcept {
        const open_scope* s = sync::load_acquire(newest_[static_cast<unsigned>(scope_kind::tag)]);  // pairs: open()
        return sync::load_acquire(s->account);  // pairs: charge_to()
    }
    tag_account* tag() const noexcept { return newest(scope_kind::tag)->account; }
    tag_account* phase() const noexcept { return newest(scope_kind::phase)->account; }

    account_table& accounts() noexcept { return accounts_; }
    const account_table& accounts() const noexcept { return accounts_; }
    account::charge_log& records() noexcept { return log_; }
    const account::charge_log& records() const noexcept { return log_; }

    // Bytes allocated by frames, all tags.
    void add_allocated(std::uint64_t frame, std::uint64_t bytes) noexcept { allocated_.add(frame, bytes); }
    std::uint64_t allocated_in(std::uint64_t frame) const noexcept { return allocated_.bytes_in(frame); }

    // Whether the tab of large blocks is open; see detail/memory/heap_tab.hpp.
    void note_tab(bool open) noexcept { open ? waits_.on(tab) : waits_.off(tab); }
    bool tab_open() const noexcept { return waits_.is_on(tab); }
    // Hooks took blocks from pages of this tag since the last boundary: the next one charges it.
    void set_aside(tag_account& a) noexcept {
        add_waiting(a);
        waits_.on(aside);
    }
    // What is on the tab, or was set aside, is to be charged before the tag changes, or peaks are to begin anew.
    bool anything_waits() const noexcept { return waits_.any(); }
    // The same before the phase changes, an outermost frame ends or somebody asks. Whatever waits is of one phase and
    // of one outermost frame.
    bool anything_late() const noexcept { return waits_.any() || waiting_ != nullptr; }
    void add_waiting(tag_account& a) noexcept {
        if (std::exchange(a.waiting, true)) return;
        a.next_waiting = waiting_;
        waiting_ = &a;
    }
    tag_account* first_waiting() const noexcept { return waiting_; }
    tag_account* take_waiting() noexcept {
        tag_account* a = waiting_;
        if (a != nullptr) {
            waiting_ = a->next_waiting;
            a->waiting = false;
        }
        if (waiting_ == nullptr) waits_.off(aside);
        return a;
    }

    // Bytes of frames that tags which were left are charged for late. No peak can rise by them.
    std::uint64_t late_bytes() const noexcept { return late_bytes_; }
    // Whether so many more may be, of a tag that is charged late already.
    FRAMEALLOC_INLINE bool late_room_for(std::uint64_t bytes) const noexcept { return bytes < late_beyond_; }
    // The tag will. Requires: the tab of large blocks is closed, as a tab serves what no peak can rise by.
    void begin_late(tag_account& a) noexcept {
        add_waiting(a);
        const std::uint64_t room = a.room_below_peaks(), free = room > late_bytes_ ? room - late_bytes_ : 0;
        if (late_bytes_ == 0 || late_room_for(free + 1)) late_beyond_ = free + 1;
    }
    // Requires: there is room for the bytes.
    FRAMEALLOC_INLINE void charge_late(tag_account& a, std::uint64_t bytes) noexcept {
        a.frame_held.add(bytes);
        a.late_held += bytes;
        a.late_allocated += bytes;
        late_bytes_ += bytes;
        late_beyond_ -= bytes;
    }
    // They are no longer held.
    void end_late(tag_account& a, std::uint64_t bytes) noexcept {
        a.late_held -= bytes;
        const bool alone = waiting_ == &a && a.next_waiting == nullptr;  // otherwise others' peaks may be the nearest
        if (alone) late_beyond_ += bytes;
    }
    std::uint64_t take_late() noexcept {
        late_beyond_ = 0;
        return std::exchange(late_bytes_, 0);
    }

private:
    static constexpr std::uintptr_t never_settled = ~std::uintptr_t{0};  // no cursor

    FRAMEALLOC_INLINE void set_highest(std::uintptr_t cursor) noexcept {
        sync::store_relaxed(highest_, cursor);  // relaxed: ask_for_reset() only wants to know whether there is one
    }
    static constexpr std::uint16_t tab = 1, aside = 2, reset = 4, before_reset = 8;  // the last: highest_ is from then

    std::uintptr_t segment_;
    std::uintptr_t settled_;
    std::uint64_t ended_bytes_;
    past_frame past_;
    std::uintptr_t highest_;
    std::uint64_t quiet_bytes_;
    open_scope* newest_[scope_kind_count];
    account_table accounts_;
    account::charge_log log_;
    account::frame_window allocated_;
    tag_account* waiting_;
    std::uint64_t late_bytes_;
    std::uint64_t late_beyond_;  // the first number for which there is no room
    sync::switches waits_;
};

// Where a thread's lists of scopes end, and what is left of those that closed where they should not.
class scope_lists {
public:
    void open(thread_context& c, thread_charges& charges, tag_account* root) noexcept {
        for (unsigned k = 0; k < scope_kind_count; ++k) {
            ends_[k].account = k == static_cast<unsigned>(scope_kind::limits) ? nullptr : root;
            ends_[k].record = &ended_;
            charges.set_newest(static_cast<scope_kind>(k), &ends_[k]);
        }
        ended_.context = &c;
    }
    bool is_end(const open_scope& s) const noexcept { return &s >= ends_ && &s < ends_ + scope_kind_count; }
    // For scopes whose frame has ended: never the top.
    frame_record& ended() noexcept { return ended_; }
    const frame_record& ended() const noexcept { return ended_; }

    // Some scope was closed by another thread.
    void note_closed_elsewhere() noexcept { closed_elsewhere_.store_release(true); }  // pairs: take_closed_elsewhere()
    bool closed_elsewhere() const noexcept { return closed_elsewhere_.load_relaxed(); }  // relaxed: an early look
    bool take_closed_elsewhere() noexcept {
        return closed_elsewhere_.exchange_acquire(false);  // pairs: note_closed_elsewhere()
    }

    // begin_phase() without end_phase().
    std::uint32_t phases() const noexcept { return phases_; }
    void count_phase(bool begins) noexcept { phases_ += begins ? 1U : ~0U; }

    // Open when their thread ended.
    void leave(open_scope& s) noexcept {
        s.left = true;
        s.outer = left_;
        left_ = &s;
    }
    template <class Wanted, class F>
    void take_left(Wanted&& wanted, F&& f) noexcept {
        for (open_scope** link = &left_; *link != nullptr;) {
            open_scope* s = *link;
            if (!wanted(*s)) {
                link = &s->outer;
                continue;
            }
            *link = s->outer;
            f(*s);
        }
    }

private:
    open_scope ends_[scope_kind_count];  // their accounts are the root's
    frame_record ended_;
    open_scope* left_;
    sync::atomic<bool> closed_elsewhere_;
    std::uint32_t phases_;
};

}  // namespace framealloc::inline v1::memory
