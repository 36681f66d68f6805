// What is still allocated when an allocator is destroyed: blocks, open frames, and who was charged for them.
#pragma once

#include <framealloc/detail/core/allocator.hpp>

namespace framealloc::inline v1::memory {

std::uint64_t blocks_out(core& c) noexcept;
// Frames open on threads that still run; the caller's and those of ended threads were closed.
std::uint32_t open_frames(core& c) noexcept;
// FA424, by the place of their allocation where that is known.
void report_leaks(core& c, std::uint64_t blocks) noexcept;

}  // namespace framealloc::inline v1::memory
