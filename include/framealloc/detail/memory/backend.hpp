// options::heap, a std::pmr::memory_resource that may throw: that is exhaustion.
#pragma once

#include <cstddef>

#include <framealloc/base/fault.hpp>
#include <framealloc/detail/base/compiler.hpp>

namespace framealloc::inline v1::memory {

void* backend_allocate(std::pmr::memory_resource& r, std::size_t bytes, std::size_t align) noexcept;
void backend_deallocate(std::pmr::memory_resource& r, void* p, std::size_t bytes, std::size_t align) noexcept;

}  // namespace framealloc::inline v1::memory
