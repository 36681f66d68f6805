// Who keeps an allocator alive, and what has become of it.
#pragma once

#include <cstddef>
#include <cstdint>

#include <framealloc/base/fault.hpp>
#include <framealloc/detail/sync/atomic.hpp>

namespace framealloc::inline v1::memory {

struct core;
struct thread_context;
enum class on_failure : bool { return_null, ask_handler };

// The request that kept a thread's context from being made: its first chunk of frame memory, or a record of the
// library's own.
struct refused_request {
    exhaustion_reason why = exhaustion_reason::system_refused;
    std::size_t bytes = 0;
    bool is_chunk = false;
};

// What the sources at the bottom of this room ask of those at its top, all of it slow: this table alone leads upward.
struct life_calls {
    void (*close)(core* a) noexcept;  // the last handle was destroyed
    bool (*make_room)(core& a, exhaustion_reason why, on_failure f) noexcept;
    void (*reclaim)(core& a) noexcept;  // pages of ended threads that have come empty since go to the depot
    thread_context* (*obtain)(core& a, refused_request& r) noexcept;  // a context for the calling thread
    void (*thread_exit)() noexcept;
};

// Who keeps an allocator alive. When none does, one thread closes it; blocks that are still out may be freed meanwhile,
// and the thread that frees one holds a handle as long as that takes. So the closing thread looks again when the word
// changed.
class handle_count {
public:
    // Requires: a handle is held, or a block that is out, or the list of live allocators is locked.
    void add() noexcept { word_.add_relaxed(held_once + 1); }  // relaxed: what keeps it alive meanwhile orders it
    // True for the one thread that has to close the allocator; otherwise nothing of it may be touched any more.
    bool release() noexcept {
        std::uint64_t now = word_.load_relaxed();  // relaxed: looked at again below
        for (;;) {
            const bool closes = (now & count_mask) == 1 && (now & closing) == 0;
            if (word_.compare_exchange_acq_rel(now, (now - 1) | (closes ? closing : 0)))
                return closes;  // pairs: itself, the last sees all
        }
    }
    // For the closing thread: what is to be as it was at the end.
    std::uint64_t look() const noexcept { return word_.load_acquire(); }  // pairs: release()
    bool is_as(std::uint64_t seen) const noexcept { return (seen & count_mask) == 0 && look() == seen; }
    // Nobody closes any more. False when the word changed: somebody holds a handle, or has held one since.
    bool stop_closing(std::uint64_t seen) noexcept {
        return word_.compare_exchange_acq_rel(seen, seen & ~closing);
    }  // pairs: release()
    static bool any(std::uint64_t seen) noexcept { return (seen & count_mask) != 0; }

private:
    static constexpr std::uint64_t closing = std::uint64_t{1} << 31, count_mask = closing - 1,
                                   held_once = std::uint64_t{1} << 32;
    sync::atomic<std::uint64_t> word_{1};
};

class core_life {
public:
    handle_count handles;

    const life_calls& calls() const noexcept { return *calls_; }
    void set_calls(const life_calls& c) noexcept { calls_ = &c; }

    // In a forked child: the other threads do not exist; their contexts may be in any state.
    bool is_in_forked_child() const noexcept { return in_forked_child_; }
    void note_fork() noexcept { in_forked_child_ = true; }
    // The last handle was destroyed, blocks are still allocated. A thread that has not seen it frees as before.
    bool is_without_handles() const noexcept { return without_handles_.load_relaxed(); }  // relaxed: as above
    void note_without_handles() noexcept { without_handles_.store_relaxed(true); }  // relaxed: as above

    // The process-wide list of allocators, whose lock is held.
    core* next() const noexcept { return next_; }
    void link(core& self, core*& first) noexcept;
    void unlink(core*& first) noexcept;
    bool is_listed() const noexcept { return is_listed_; }
    // The next whose id falls to the same place, while it is listed.
    core*& beside() noexcept { return beside_; }

private:
    const life_calls* calls_ = nullptr;
    core* next_ = nullptr;
    core* previous_ = nullptr;
    core* beside_ = nullptr;
    bool is_listed_ = false;
    bool in_forked_child_ = false;
    sync::atomic<bool> without_handles_{false};
};

// What came back to an allocator other than through a thread's own context.
class return_tally {
public:
    // Pages, large blocks and contexts that threads gave to all: a hint that a trim may find something.
    void note_return() noexcept { returns_.add_relaxed(1); }  // relaxed: a hint
    std::uint64_t returns() const noexcept { return returns_.load_relaxed(); }  // relaxed: a hint
    // Blocks freed where there was no memory for a context. Requires: the allocator's lock is held.
    void note_refund() noexcept { refunds_.add(1); }
    std::uint64_t refunds() const noexcept { return refunds_.get(); }

private:
    sync::atomic<std::uint64_t> returns_{0};
    sync::owner_counter refunds_;
};

}  // namespace framealloc::inline v1::memory
