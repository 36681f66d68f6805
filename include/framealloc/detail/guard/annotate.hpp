// Annotations for AddressSanitizer, Valgrind and heaptrack: the sanitizer when the program is built with it, Valgrind
// by a library that is built for it, heaptrack when it runs the program.
#pragma once

#include <cstddef>
#include <cstdint>

#include <framealloc/detail/base/compiler.hpp>

namespace framealloc::inline v1::guard {

// Whether this code is built for a tool.
inline constexpr bool under_tool = FRAMEALLOC_ASAN || FRAMEALLOC_VALGRIND;
// Whether a tool listens: then blocks are guarded whatever the policy, so that it sees their edges. The sanitizer's
// runtime is in the program when the program, not only this library, is built with it.
bool tool_active() noexcept;

void forbid(std::uintptr_t begin, std::uintptr_t end) noexcept;  // any access is an error
void allow(std::uintptr_t begin, std::uintptr_t end) noexcept;  // of the library's own links
void allow_unwritten(std::uintptr_t begin,
                     std::uintptr_t end) noexcept;  // to the user; reading before writing is an error

// While one lives, Valgrind reports nothing: the library looks at zones.
class unreported {
public:
    [[nodiscard]] unreported() noexcept;
    ~unreported();
    unreported(const unreported&) = delete;
    unreported& operator=(const unreported&) = delete;
};

// For heaptrack: a block that is no pool's below, as those of frames.
void block(std::uintptr_t begin, std::size_t bytes) noexcept;
void block_ended(std::uintptr_t begin) noexcept;

// A pool in Valgrind's sense: one an allocator.
void open_pool(const void* pool) noexcept;
void close_pool(const void* pool) noexcept;
void pool_block(const void* pool, std::uintptr_t begin, std::size_t bytes) noexcept;
void pool_block_freed(const void* pool, std::uintptr_t begin) noexcept;

}  // namespace framealloc::inline v1::guard
