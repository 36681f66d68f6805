// What an allocator does, event by event, and its sums per thread. Off until asked for; off costs nothing.
//
//   auto life = alloc.lifecycle();
//   life.enable([](const fa::frame_event& e) { … });      // or enable(): only the sums
//   …
//   char buffer[1024];
//   std::cout << life.summary().text(buffer);
//
// The handler runs on the thread that the event is of, outside every lock of the allocator; it may allocate, and what
// it does causes no events. It and what it refers to are needed until disable() or the next enable() has returned.
// Cost while on: every frame, allocation and free of every thread takes the slow path. Threads: all members from any;
// other threads are watched from their next outermost frame on.
#pragma once

#include <span>
#include <string_view>

#include <framealloc/base/observer.hpp>
#include <framealloc/detail/base/compiler.hpp>
#include <framealloc/detail/core/allocator.hpp>

namespace framealloc::inline v1 {

// Of one thread, since it was first watched or reset_stats(). A thread that ended is there until another takes its
// place.
struct thread_frame_stats {
    std::uint64_t thread = 0;  // as the system numbers it
    bool running = false;
    std::uint64_t frames_started = 0;  // outermost ones
    std::uint64_t frames_completed = 0;
    std::uint64_t current_frame = 0;
    std::uint64_t total_allocated = 0;  // bytes of frame memory
    std::size_t peak_memory = 0;  // bytes of frame memory in use
    std::uint64_t cross_thread_frees = 0;  // by it, of other threads' blocks
};

struct lifecycle_summary {
    std::uint64_t thread_count = 0;
    std::uint64_t total_frames = 0;  // outermost, completed
    std::uint64_t total_allocated = 0;  // bytes of frame memory
    std::size_t peak_memory = 0;  // bytes; the largest of any thread
    std::uint64_t cross_thread_frees = 0;
    std::uint64_t events[frame_event_kinds] = {};  // by frame_event_kind
    // Effects: writes a line for each kind of event, cut off at the buffer's end. Returns: these lines. Cost: O(their
    // length).
    std::string_view text(std::span<char> buffer FRAMEALLOC_LIFETIMEBOUND) const noexcept;
};

class lifecycle {
public:
    // Requires: the allocator lives as long as this. Cost: O(1).
    explicit lifecycle(const memory::core_ref& a) noexcept : owner_(a) {}

    // Requires: not called by a handler. Effects: threads are watched, and `handler`, if there is one, is called for
    // each event. Returns when no other thread is in the handler that was. Threads: any.
    void enable(frame_event_handler handler = {}) const noexcept;
    // Effects: threads are watched no longer. Returns when no other thread is in the handler; called by the handler
    // itself, it does not wait. Threads: any.
    void disable() const noexcept;
    // Returns: whether threads are watched. Threads: any; a recent value. Cost: O(1).
    bool is_enabled() const noexcept;

    // Effects: fills `out`, as far as it goes. Returns: how many threads there are. Threads: any. Cost: O(threads),
    // under the allocator's lock.
    std::size_t thread_stats(std::span<thread_frame_stats> out) const noexcept;
    // Returns: those of the calling thread; zeros where it is not watched. Cost: O(1), under the allocator's lock.
    thread_frame_stats thread_stats() const noexcept;
    // Returns: sums over all threads, those that ended included; reset_stats() lets them begin at zero. Threads: any.
    // Cost: O(threads), under the allocator's lock.
    lifecycle_summary summary() const noexcept;
    void reset_stats() const noexcept;

private:
    memory::core_ref owner_;
};

}  // namespace framealloc::inline v1
