// The numbers by which allocators and contexts are distinguished.
#pragma once

#include <cstdint>

#include <framealloc/detail/base/compiler.hpp>

namespace framealloc::inline v1::memory {

// Of allocators and contexts; never zero, and never one that another copy of the library in this process has.
std::uint64_t fresh_id() noexcept;
std::uint64_t number_of(std::uint64_t id) noexcept;  // 2, 3, 4 … in the order of fresh_id(), the same in every run
// Ends the program with FA103 when another copy made the allocator with this id: it has its own threads' contexts and
// its own list.
FRAMEALLOC_COLD void require_own(std::uint64_t id) noexcept;

}  // namespace framealloc::inline v1::memory
