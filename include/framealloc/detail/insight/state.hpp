// What insight keeps in a thread's context and in an allocator. Internal to it.
#pragma once

#include <framealloc/detail/core/core.hpp>

namespace framealloc::inline v1::insight {

struct thread_state {
    static constexpr memory::upper_floor floor = memory::upper_floor::insight;

    void* report = nullptr;  // phase_stats(), last result
    std::size_t report_bytes = 0;
};

// Counts as they were at the last reset_stats(); the allocator's lock guards both.
struct allocator_state {
    static constexpr memory::upper_floor floor = memory::upper_floor::insight;

    std::uint64_t allocations_before = 0;
    std::uint64_t frees_before = 0;
};

inline thread_state& state_of(memory::thread_context& c) noexcept { return c.upper.get<thread_state>(); }
inline allocator_state& state_of(memory::core& a) noexcept { return a.upper.get<allocator_state>(); }

}  // namespace framealloc::inline v1::insight
