// A place in a frame to go back to. What was made after it is destroyed and its memory given back; what is older, the
// growth of older containers included, is never touched.
//
//   fa::frame_checkpoint cp = alloc.frame_checkpoint();
//   …
//   alloc.rollback_to(cp);   // as often as wanted, until an older one is rolled back to or the frame ends
#pragma once

#include <framealloc/detail/lifetime/frame.hpp>

namespace framealloc::inline v1 {

class frame_checkpoint {
public:
    frame_checkpoint() noexcept = default;  // of no frame; rolling back to it is FA427

private:
    friend frame_checkpoint take_checkpoint(memory::thread_context& c) noexcept;
    friend bool roll_back(memory::thread_context& c, frame_checkpoint cp) noexcept;
    friend void close_guard(memory::thread_context& c, frame_checkpoint cp, bool committed) noexcept;

    std::uint64_t key_ = 0;
    std::uint64_t serial_ = 0;
};
static_assert(sizeof(frame_checkpoint) == 16, "passed in registers");

// Returns: a checkpoint of the thread's innermost frame. On exhaustion: asks the exhaustion handler. Threads: that of
// `c`. Cost: O(1).
frame_checkpoint take_checkpoint(memory::thread_context& c) noexcept;
// Effects: destroys what was made in the frame since, newest first, and takes its memory back. Returns: false, with
// nothing changed, after FA427 when the checkpoint is stale or belongs to another frame, thread or allocator; after
// FA438 when an inner frame that ended since is held. Threads: that of `c`. Cost: O(what has a destructor or is out
// of line).
bool roll_back(memory::thread_context& c, frame_checkpoint cp) noexcept;

// Effects: what a guard does at its end. Threads: that of `c`; on another nothing, after FA430. Cost: O(1), or that of
// roll_back().
void close_guard(memory::thread_context& c, frame_checkpoint cp, bool committed) noexcept;

// Rolls back when it leaves scope, unless commit() was called. Belongs to its thread.
class [[nodiscard]] checkpoint_guard {
public:
    // Effects: takes a checkpoint. On exhaustion: asks the exhaustion handler. Threads: that of `c`. Cost: O(1).
    explicit checkpoint_guard(memory::thread_context& c) noexcept : context_(&c), checkpoint_(take_checkpoint(c)) {}
    checkpoint_guard(const checkpoint_guard&) = delete;
    checkpoint_guard& operator=(const checkpoint_guard&) = delete;
    ~checkpoint_guard() { close_guard(*context_, checkpoint_, committed_); }

    // Effects: the end of the guard's scope rolls back nothing. Cost: O(1).
    void commit() noexcept { committed_ = true; }
    // Returns: whether commit() was called; the checkpoint, to roll back to before the end. Cost: O(1).
    bool is_committed() const noexcept { return committed_; }
    const frame_checkpoint& checkpoint() const noexcept FRAMEALLOC_LIFETIMEBOUND { return checkpoint_; }

private:
    memory::thread_context* context_;
    frame_checkpoint checkpoint_;
    bool committed_ = false;
};

}  // namespace framealloc::inline v1
