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
// A generation is complete when every member has signalled; a barrier serves any number of generations. Free members go on
// by themselves when it is complete, coordinated ones when the coordinator has called end_frame().
//
// The frames of members that joined with an allocator are the barrier's: one opens when they join, and ends, with the next
// one opening, at the member's first safe point after end_frame(): safe_point(), or the return of wait_all(). Each member
// resets its own arena, so that memory in use by a late one is never reset under it.
// Threads: a barrier is everybody's, a member its thread's. Cost: a lock and, to wait, a system call.
#pragma once

#include <framealloc/lifetime/frame.hpp>
#include <framealloc/os/wait.hpp>

namespace framealloc::inline FRAMEALLOC_ABI {

enum class barrier_mode : std::uint8_t { free, coordinated };

struct barrier_stats {
    std::uint64_t generations = 0;    // completed
    std::uint64_t waits = 0;          // that had to wait
    std::uint64_t total_wait_us = 0;
    std::uint64_t longest_wait_us = 0;
    std::uint64_t timeouts = 0;
    std::uint64_t double_signals = 0;  // a member signalled twice in one generation; counted once
};

class frame_barrier;

// One participant. Leaves when it is destroyed: a generation that waited for it alone is then complete.
class [[nodiscard]] barrier_member {
public:
    barrier_member() noexcept = default;
    barrier_member(barrier_member&& other) noexcept;
    barrier_member& operator=(barrier_member&& other) noexcept;
    ~barrier_member() { leave(); }

    // This thread is done with its frame. Does not wait.
    void signal_frame_complete() noexcept;
    // Waits until the generation that this member signalled last is over. Returns false after `microseconds`; may be repeated.
    bool wait_all(std::uint64_t microseconds = os::forever) noexcept;
    // Signals, then waits.
    bool arrive_and_wait(std::uint64_t microseconds = os::forever) noexcept;
    // If the coordinator has ended the frame, ends it here and opens the next. Returns whether it did.
    bool safe_point() noexcept;
    void leave() noexcept;
    const char* name() const noexcept;

private:
    friend class frame_barrier;
    barrier_member(frame_barrier* b, std::uint32_t index) noexcept : barrier_(b), index_(index) {}
    frame_barrier* barrier_ = nullptr;
    std::uint32_t index_ = 0;
};

class frame_barrier {
public:
    static constexpr std::uint32_t most_members = 64;

    explicit frame_barrier(barrier_mode mode = barrier_mode::free) noexcept : mode_(mode) {}
    frame_barrier(const frame_barrier&) = delete;
    frame_barrier& operator=(const frame_barrier&) = delete;
    // Requires: all members have left.
    ~frame_barrier() = default;

    // The name is copied, 23 characters. A member that joins takes part in the current generation, also if the others have
    // signalled already and the coordinator has not ended it. Free members that join one by one may find that the first ones
    // went on without them: join them all, then hand them to their threads. Empty when 64 are there.
    barrier_member join(const char* name) noexcept { return join({}, name); }
    // The same with frames of the calling thread, driven by end_frame().
    template <class Alloc>
    barrier_member join(const Alloc& alloc, const char* name) noexcept { return join(alloc.owner(), name); }

    // Waits until every member has signalled; with free members, for the oldest generation not yet waited for. One
    // coordinator at a time. Returns false after `microseconds`. Without members there is nothing to wait for.
    bool wait_all(std::uint64_t microseconds = os::forever) noexcept;
    // The frame of every driven member ends at its next safe point; coordinated members go on. A member that had not
    // signalled yet is late: its signal counts for the next generation.
    void end_frame() noexcept;

    std::uint32_t members() const noexcept;
    std::uint32_t arrived() const noexcept;                  // in the current generation
    std::uint32_t generation() const noexcept { return generation_.load_acquire(); }  // pairs: advance()
    std::uint32_t frames_to_end() const noexcept;            // driven members that have not come to a safe point since end_frame()
    barrier_stats stats() const noexcept;

private:
    friend class barrier_member;
    struct member {
        char name[24] = {};
        bool joined = false;
        std::uint32_t signalled = 0;         // the generation after the one it signalled last
        std::uint32_t epoch = 0;             // end_frame() calls it has followed
        memory::core_ref owner{};            // empty: not driven
        memory::frame_record* frame = nullptr;
    };

    barrier_member join(memory::core_ref a, const char* name) noexcept;
    void signal(member& m) noexcept;
    void complete_if_all() noexcept;
    void advance() noexcept;
    template <class Done>
    bool wait(const sync::atomic<std::uint32_t>& word, Done&& done, std::uint64_t microseconds) noexcept;

    barrier_mode mode_;
    mutable sync::lock lock_;                     // guards what follows, up to the words to sleep on
    member list_[most_members];
    std::uint32_t members_ = 0;
    std::uint32_t arrived_ = 0;
    std::uint32_t awaited_ = 0;                   // generations that wait_all() has seen
    barrier_stats stats_{};
    sync::atomic<std::uint32_t> generation_{0};   // that is being worked on
    sync::atomic<std::uint32_t> complete_{0};     // generations that every member has signalled
    sync::atomic<std::uint32_t> epoch_{0};        // end_frame() calls
};

}  // namespace framealloc::inline FRAMEALLOC_ABI
