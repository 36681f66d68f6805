// Keeps an ended frame's memory: a render thread reads frame N while the game builds frame N + 1.
//
//   fa::frame_hold h = frame.hold("render");    // move it to the reader; released by its destructor, on any thread
//
// The frame's finalisers run, and its memory is reused, only after the last hold was released. That happens at the
// latest when a later outermost frame begins on its thread (or on the thread that takes over what an ended thread
// left), or when the allocator is destroyed. An inner frame that ends while it is held moves its content to the frame
// around it, which then waits for the hold as well.
#pragma once

#include <framealloc/detail/core/allocator.hpp>

namespace framealloc::inline v1 {

namespace lifetime {
struct held_frame;  // detail/lifetime/flights.hpp
}

class [[nodiscard]] frame_hold {
public:
    // Effects: holds nothing.
    frame_hold() noexcept = default;
    // Requires: called by the frame's thread, with the frame open; otherwise the hold is empty, after FA441. `name`
    // outlives it. On exhaustion: as `f` says, the exhaustion handler is asked or the hold is empty: there is no memory
    // for its counter. Cost: O(1); the frame's end takes the slow path.
    frame_hold(memory::frame_record& r, const char* name,
               memory::on_failure f = memory::on_failure::ask_handler) noexcept;
    // Effects: takes over what `other` holds; what was held here is released. Threads: any, one at a time. Cost: O(1).
    frame_hold(frame_hold&& other) noexcept;
    frame_hold& operator=(frame_hold&& other) noexcept;
    ~frame_hold() { release(); }

    // Effects: the frame is not held by this any more; where this was the last, its memory is reused as said above.
    // Threads: any. Cost: O(1).
    void release() noexcept;
    // Returns: whether a frame is held. Cost: O(1).
    explicit operator bool() const noexcept { return frame_ != nullptr; }

private:
    lifetime::held_frame* frame_ = nullptr;
    memory::core_ref owner_{};
};

}  // namespace framealloc::inline v1
