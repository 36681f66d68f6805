// A thread's budgets, set and asked.
#pragma once

#include <framealloc/detail/core/allocator.hpp>

namespace framealloc::inline v1::memory {

void set_budget(thread_context& c, memory_kind kind, std::size_t bytes) noexcept;
// The limits of another thread, or of another time; what was used stays this thread's.
void take_limits(thread_context& c, const account::thread_budget& from) noexcept;
void set_budget_policy(thread_context& c, budget_policy policy, unsigned warn_percent, budget_handler handler) noexcept;
std::size_t frame_remaining(core_ref a) noexcept;  // of the caller, and so below where there is no context
budget_stats budget_stats_of(core_ref a) noexcept;

}  // namespace framealloc::inline v1::memory
