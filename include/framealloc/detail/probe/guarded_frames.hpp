// Guarded frame memory: a log of the blocks that each arena allocated, zones between them.
#pragma once

#include <framealloc/detail/probe/guarded.hpp>

namespace framealloc::inline v1::memory {

// What these do is said where probe_hooks names them.
void* allocate_frame(thread_context& c, std::size_t bytes, std::size_t align, std::size_t most, bool& out_of_line,
                     exhaustion_reason& why) noexcept;
void end_frame_blocks(thread_context& c, frame_arena& s, std::uintptr_t from, std::uintptr_t to) noexcept;

// What the thread allocates meanwhile is a container's: if ended frames are revoked, it may be on OS pages of its own.
class allocation_apart {
public:
    explicit allocation_apart(thread_context& c) noexcept : apart_(c.probes.guard->apart) { apart_ = true; }
    ~allocation_apart() { apart_ = false; }
    allocation_apart(const allocation_apart&) = delete;
    allocation_apart& operator=(const allocation_apart&) = delete;

private:
    bool& apart_;
};

// The youngest block of a frame that ended which contained `p`. Null: none that is known.
inline const guard::frame_block* find_ended_block(const thread_context& c, std::uintptr_t p) noexcept {
    return c.probes.guard->ended.containing(p);
}

// Returns how many faults were raised.
std::size_t check_frames(thread_context& c) noexcept;
// Memory of an open frame that its container has grown out of: it reads as freed, and where it has OS pages of its own
// an access is trapped.
void leave_frame_block(thread_context& c, std::uintptr_t begin, std::size_t bytes) noexcept;
// The newest block of the arena becomes longer or shorter where it is. Requires: the frame on top may allocate.
bool try_grow_top(thread_context& c, void* p, std::size_t bytes) noexcept;
bool shrink_top(thread_context& c, void* p, std::size_t bytes) noexcept;

}  // namespace framealloc::inline v1::memory
