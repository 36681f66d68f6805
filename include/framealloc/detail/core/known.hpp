// The contexts that the calling thread has, found by the id of their allocator: eight in its slot, more in a table.
#pragma once

#include <framealloc/detail/core/record.hpp>

namespace framealloc::inline v1::memory {

// Null when there is none. Takes no lock: what a signal handler may ask.
thread_context* known_context_of(std::uint64_t id) noexcept;
// False without memory for it.
bool remember_context(std::uint64_t id, thread_context* c) noexcept;
// The slot no longer finds it either.
void forget_context(std::uint64_t id) noexcept;
// The thread ends: the slot is as it was before the first context.
void forget_all_contexts() noexcept;

}  // namespace framealloc::inline v1::memory
