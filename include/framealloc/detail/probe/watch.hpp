// Telling an observer what a thread does. A watched thread takes the slow paths: its limit is zero, its frames are
// gated and pending, none of its pages is installed, its slot's key matches no allocator. One that is not watched
// executes nothing for it.
#pragma once

#include <framealloc/base/observer.hpp>
#include <framealloc/detail/core/context.hpp>
#include <framealloc/detail/sync/lock.hpp>

namespace framealloc::inline v1::memory {

struct watch {
    sync::basic_lock_word<sync::hardware_atomics> notifying;  // while the handler runs, which disable() waits for
    bool inside = false;  // the handler is running: its own allocations cause no events
    std::uint32_t depth = 0;  // frames that were seen to begin
    std::uint64_t adopted = 0;  // blocks that returned, not reported yet
    std::uint64_t adopted_bytes = 0;
    // Sums of all threads that had the context.
    sync::owner_counter begun, ended, allocated, reported[frame_event_kinds];
    sync::owner_counter peak;  // of the present thread
    sync::owner_counter former_peak;  // of those before it
    // What the sums were, under core::lock: when the present thread came, and when they were reset.
    struct base {
        std::uint64_t begun, ended, allocated, remote_frees, reported[frame_event_kinds];
    };
    base came{}, reset{};

    std::uint64_t remote_frees() const noexcept {
        return reported[static_cast<unsigned>(frame_event_kind::remote_free)].get();
    }
    base now() const noexcept;
};

// Whether the thread was watched when its frame of this depth began.
inline bool saw_begin(const thread_context& c, std::uint32_t depth) noexcept {
    return c.probes.watched() && c.probes.watcher()->depth >= depth;
}

// Another thread has taken the context over.
void begin_watched_thread(thread_context& c) noexcept;
// In a forked child: the context's thread does not exist; it may have been in the handler.
void forget_vanished_thread(thread_context& c) noexcept;
void note_adopted(thread_context& c, std::uint64_t blocks, std::uint64_t bytes) noexcept;
// Starts or stops watching the calling thread, if the allocator says so. At boundaries.
void follow_observer(thread_context& c) noexcept;
// Everybody looks at their next outermost frame, if not before.
void notify_all_threads(core& a) noexcept;

// From now on `handler` alone is called for events; when this returns, no other thread is in the one before.
void observe(core_ref a, const frame_event_handler& handler) noexcept;
void stop_observing(core_ref a) noexcept;

// Requires, of all that follow: the thread's structures are whole; the handler may allocate.
FRAMEALLOC_COLD void notify(thread_context& c, frame_event e) noexcept;
FRAMEALLOC_COLD void notify_frame_begin(thread_context& c) noexcept;
FRAMEALLOC_COLD void notify_adopted(thread_context& c) noexcept;

// What the top frame will have been when it has ended.
FRAMEALLOC_COLD frame_event end_of_top(thread_context& c) noexcept;

FRAMEALLOC_COLD void notify_allocation(thread_context& c, memory_kind m, std::size_t bytes) noexcept;
FRAMEALLOC_COLD void notify_release(thread_context& c, memory_kind m, std::size_t bytes) noexcept;

}  // namespace framealloc::inline v1::memory
