// Blocks that another thread frees: handed over in batches, taken back when their owner says.
#pragma once

#include <framealloc/detail/core/allocator.hpp>

namespace framealloc::inline v1::memory {

FRAMEALLOC_COLD void pool_free_slow(void* block) noexcept;
// Hands over what this thread freed for another; at most one batch waits.
void flush_batch(thread_context& c) noexcept;
// Hands over what this thread freed for others, and takes back at least `blocks` of its own.
std::size_t process_deferred(core_ref a, std::size_t blocks) noexcept;
void set_deferred(thread_context& c, const deferred_config& d) noexcept;
deferred_stats stats_of_deferred(core_ref a) noexcept;

}  // namespace framealloc::inline v1::memory
