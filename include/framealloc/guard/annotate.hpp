// What AddressSanitizer, Valgrind and heaptrack are told. The first two need a library that is built for them; heaptrack hears of
// every guarded block, when it runs the program.
#pragma once

#include <cstddef>
#include <cstdint>

#include <framealloc/base/compiler.hpp>

namespace framealloc::inline FRAMEALLOC_ABI::guard {

// Whether blocks are guarded whatever the policy, so that the tool sees their edges.
inline constexpr bool under_tool = FRAMEALLOC_ASAN || FRAMEALLOC_VALGRIND;

void forbid(std::uintptr_t begin, std::uintptr_t end) noexcept;         // any access is an error
void allow(std::uintptr_t begin, std::uintptr_t end) noexcept;          // of the library's own links
void allow_unwritten(std::uintptr_t begin, std::uintptr_t end) noexcept;  // to the user; reading before writing is an error

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

}  // namespace framealloc::inline FRAMEALLOC_ABI::guard
