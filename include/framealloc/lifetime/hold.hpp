// Keeps an ended frame's memory: a render thread reads frame N while the game builds frame N + 1.
//
//   fa::frame_hold h = frame.hold("render");    // move it to the reader; released by its destructor, on any thread
//
// The frame's finalisers run, and its bytes are reused, only when no hold is left.
#pragma once

#include <framealloc/memory/core.hpp>

namespace framealloc::inline FRAMEALLOC_ABI {

class [[nodiscard]] frame_hold {
public:
    frame_hold() noexcept = default;
    // Requires: called by the frame's thread, with the frame open. `name` must outlive the hold.
    frame_hold(memory::thread_context& c, const char* name) noexcept;
    frame_hold(frame_hold&& other) noexcept;
    frame_hold& operator=(frame_hold&& other) noexcept;
    ~frame_hold() { release(); }

    void release() noexcept;
    explicit operator bool() const noexcept { return slot_ != nullptr; }

private:
    memory::flight_slot* slot_ = nullptr;
    memory::core_ref owner_{};
};

}  // namespace framealloc::inline FRAMEALLOC_ABI
