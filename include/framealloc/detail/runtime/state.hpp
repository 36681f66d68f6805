// What runtime keeps in a thread's context and in an allocator, and what floor 4 asks of all the floors above it.
// Internal to runtime.
#pragma once

#include <framealloc/detail/core/core.hpp>

namespace framealloc::inline v1 {
class worker_frames;
}

namespace framealloc::inline v1::runtime {

// A frame that a job system begins and ends; see runtime/worker_frames.hpp.
struct driven_frame {
    static constexpr memory::upper_floor floor = memory::upper_floor::runtime;

    std::uint64_t driver = 0;  // id of the worker_frames that was followed last
    std::uint64_t state = 0;  // of that, then
    sync::atomic<memory::frame_record*> record{nullptr};  // while it is open
    std::uint32_t jobs = 0;  // job_scopes on this thread: no safe point inside
};

struct allocator_state {
    static constexpr memory::upper_floor floor = memory::upper_floor::runtime;

    worker_frames* drivers = nullptr;  // those that live; the allocator's lock guards it
};

inline driven_frame& driven_in(memory::thread_context& c) noexcept { return c.upper.get<driven_frame>(); }
inline const driven_frame& driven_in(const memory::thread_context& c) noexcept { return c.upper.get<driven_frame>(); }
inline allocator_state& state_of(memory::core& a) noexcept { return a.upper.get<allocator_state>(); }

extern const memory::floor_calls floors_above;

}  // namespace framealloc::inline v1::runtime
