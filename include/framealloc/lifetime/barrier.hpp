// Threads that finish a frame together, again and again.
//
//   fa::frame_barrier barrier{fa::barrier_mode::coordinated};
//
//   // each worker                                        // the coordinator
//   auto me = barrier.join(alloc, "physics");             for (;;) {
//   while (running) {                                         barrier.wait_all();     // all have signalled
//       … allocate from the worker's frame …                  …                       // read what they made
//       me.arrive_and_wait();                                 barrier.end_frame();    // ends the frame of every worker
//   }                                                     }
//
// Threads that need no name are only counted, as std::barrier does it:
//
//   fa::frame_barrier barrier{4};
//   barrier.arrive_and_wait();                                // each of four threads, again and again
//
// A generation is complete when every member has signalled and as many others as were expected have arrived; a barrier
// serves any number of generations. Free members go on by themselves when it is complete, coordinated ones when the
// coordinator has called end_frame().
//
// The frames of members that joined with an allocator are the barrier's: one opens when they join, and ends, with the
// next one opening, at the member's first safe point after end_frame(): safe_point(), or the return of wait_all(). Each
// member resets its own arena, so that memory in use by a late one is never reset under it.
// Threads: any thread may use a barrier; a member belongs to its thread. A forked child has none of the other threads,
// and makes barriers of its own. Cost: a lock and, to wait, a system call.
#pragma once

#include <framealloc/detail/lifetime/frame.hpp>
#include <framealloc/detail/os/metadata.hpp>
#include <framealloc/detail/os/wait.hpp>

namespace framealloc::inline v1 {

enum class barrier_mode : std::uint8_t { free, coordinated };

struct barrier_stats {
    std::uint64_t generations = 0;  // completed
    std::uint64_t waits = 0;  // that had to wait
    std::uint64_t total_wait_us = 0;
    std::uint64_t longest_wait_us = 0;
    std::uint64_t timeouts = 0;
    std::uint64_t double_signals = 0;  // a member signalled twice in one generation; counted once
};

class frame_barrier;
namespace lifetime {
struct barrier_seat;  // what a barrier knows of a member
}

// One participant. Leaves when it is destroyed: a generation that waited for it alone is then complete.
class [[nodiscard]] barrier_member {
public:
    // Effects: belongs to no barrier, and neither signals nor waits. A move hands over the place in the barrier, and
    // the place held before is left. Cost: O(1); leaving takes a lock.
    barrier_member() noexcept = default;
    barrier_member(barrier_member&& other) noexcept;
    barrier_member& operator=(barrier_member&& other) noexcept;
    ~barrier_member() { leave(); }

    // Effects: says that this thread is done with its frame. Does not wait; a second signal in one generation is
    // counted and changes nothing. Cost: a lock; a system call where it completes the generation.
    void signal_frame_complete() noexcept;
    // Effects: waits until the generation that this member signalled last is over, then is a safe point. Returns: false
    // after `microseconds`; may be repeated. Cost: a system call where it has to wait.
    bool wait_all(std::uint64_t microseconds = os::no_limit) noexcept;
    // Effects: signals, then waits. Returns: as wait_all(). Cost: as both.
    bool arrive_and_wait(std::uint64_t microseconds = os::no_limit) noexcept;
    // Effects: if the coordinator has ended the frame, ends it here and opens the next. Returns: whether it did. Cost:
    // O(1) where there is nothing to end.
    bool safe_point() noexcept;
    // Effects: ends the barrier's frame; later generations do without this member, and the current one is complete
    // where it was waited for alone. Cost: a lock.
    void leave() noexcept;
    // Returns: the name that it joined with; empty after leave(). Cost: O(1).
    const char* name() const noexcept;

private:
    friend class frame_barrier;
    barrier_member(frame_barrier* b, lifetime::barrier_seat* seat) noexcept : barrier_(b), seat_(seat) {}
    frame_barrier* barrier_ = nullptr;
    lifetime::barrier_seat* seat_ = nullptr;
};

class frame_barrier {
public:
    // Effects: a barrier without members, or one of which every generation needs `expected` arrivals beside the signals
    // of members that join. Cost: O(1), no allocation.
    explicit frame_barrier(barrier_mode mode = barrier_mode::free) noexcept : frame_barrier(0, mode) {}
    template <class Count>
        requires std::is_integral_v<Count>
    explicit frame_barrier(Count expected, barrier_mode mode = barrier_mode::free) noexcept
        : mode_(mode), expected_(expected < Count{0} ? 0 : static_cast<std::uint32_t>(expected)) {
        pages_.open(system_, 0, false);
    }
    frame_barrier(const frame_barrier&) = delete;
    frame_barrier& operator=(const frame_barrier&) = delete;
    // Requires: all members have left, and nobody waits.
    ~frame_barrier() { memory_.release_all(); }

    // --- of threads that are only counted ---
    // Effects: arrives, and waits until the generation is over. Returns: false after `microseconds`; the arrival counts
    // all the same. Cost: a lock; a system call where it has to wait.
    bool arrive_and_wait(std::uint64_t microseconds = os::no_limit) noexcept;
    // Effects: arrives and continues. Returns: the generation, for wait(). Cost: a lock.
    std::uint32_t arrive() noexcept;
    // Effects: waits until that generation is over. Returns: false after `microseconds`; may be repeated. Cost: a
    // system call where it has to wait.
    bool wait(std::uint32_t arrived_in, std::uint64_t microseconds = os::no_limit) noexcept;
    // Effects: arrives for the last time: later generations expect one thread less. Cost: a lock.
    void arrive_and_drop() noexcept;
    // Returns: threads that are counted in each generation. Cost: a lock.
    std::uint32_t expected() const noexcept;

    // --- of members ---
    // Effects: adds a member, which takes part in the current generation, also if the others have signalled already and
    // the coordinator has not ended it. Free members that join one by one may find that the first ones went on without
    // them: join them all, then hand them to their threads. The name is copied. With an allocator the calling thread
    // gets frames of it, driven by end_frame(). On exhaustion: returns an empty member, which neither signals nor
    // waits: the system gave no page for the list. Cost: a lock.
    barrier_member join(const char* name) noexcept { return join({}, name); }
    template <class Alloc>
    barrier_member join(const Alloc& alloc, const char* name) noexcept {
        return join(alloc.owner(), name);
    }

    // --- of the coordinator ---
    // Effects: waits until every member has signalled and every expected thread has arrived; with free members, for the
    // oldest generation not yet waited for. One coordinator at a time. Without either there is nothing to wait for.
    // Returns: false after `microseconds`. Cost: a system call where it has to wait.
    bool wait_all(std::uint64_t microseconds = os::no_limit) noexcept;
    // Effects: the frame of every driven member ends at its next safe point; coordinated members go on. A member that
    // had not signalled yet is late: its signal counts for the next generation. Cost: a lock and a system call.
    void end_frame() noexcept;

    // Returns: members that joined and have not left; arrivals in the current generation; its number, from 0 on; driven
    // members that have not come to a safe point since end_frame(); what happened so far. Threads: any. Cost: a lock,
    // but for generation(); O(members()) for frames_to_end().
    std::uint32_t members() const noexcept;
    std::uint32_t arrived() const noexcept;
    std::uint32_t generation() const noexcept { return generation_.load_acquire(); }  // pairs: advance()
    std::uint32_t frames_to_end() const noexcept;
    barrier_stats stats() const noexcept;

private:
    friend class barrier_member;
    barrier_member join(memory::core_ref a, const char* name) noexcept;
    lifetime::barrier_seat* add_seat(memory::core_ref a, memory::frame_record* frame, const char* name) noexcept;
    void remove_seat(lifetime::barrier_seat& m) noexcept;
    void signal(lifetime::barrier_seat& m) noexcept;
    std::uint32_t participants() const noexcept { return members_ + expected_; }  // requires: the lock is held
    void complete_if_all() noexcept;
    void advance() noexcept;
    template <class Done>
    bool wait_for(const sync::atomic<std::uint32_t>& word, Done&& done, std::uint64_t microseconds) noexcept;

    barrier_mode mode_;
    mutable sync::lock lock_;  // guards what follows, up to the words to sleep on
    os::system_pages system_;
    os::page_ledger pages_;
    os::metadata memory_{pages_};  // of the seats
    lifetime::barrier_seat* list_ = nullptr;  // the newest first
    std::uint32_t members_ = 0;
    std::uint32_t expected_;
    std::uint32_t arrived_ = 0;  // members and others
    std::uint32_t counted_ = 0;  // of the others, in this generation
    std::uint32_t awaited_ = 0;  // generations that wait_all() has seen
    barrier_stats stats_{};
    sync::atomic<std::uint32_t> generation_{0};  // that is being worked on
    sync::atomic<std::uint32_t> complete_{0};  // generations that every member has signalled
    sync::atomic<std::uint32_t> epoch_{0};  // end_frame() calls
};

}  // namespace framealloc::inline v1
