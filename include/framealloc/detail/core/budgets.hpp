// Budgets of a thread: what the slow paths of frames and pages ask before they serve more.
#pragma once

#include <framealloc/detail/core/allocator.hpp>

namespace framealloc::inline v1::memory {

enum class admission : std::uint8_t {
    granted,
    refused,
    elsewhere
};  // elsewhere: not from memory that the budget counts
// Whether `more` bytes on top of `used` may be had.
admission admit(thread_context& c, memory_kind kind, std::size_t used, std::size_t more) noexcept;

}  // namespace framealloc::inline v1::memory
