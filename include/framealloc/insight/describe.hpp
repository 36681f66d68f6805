// Whose pointer is this?
//
//   std::cout << fa::describe(p).text(buffer);
//   // allocator "game": pool memory, in use, block of 64 bytes at +16, tag "physics::solver", thread 4821
//
// Finds memory of every allocator that lives: frames (open, parked and ended ones whose memory has not been used
// again), pool and heap blocks. Cost: a walk over chunks, regions and free lists under the allocator's lock. Threads:
// any; memory of another thread that runs is described as of about then, and its frame memory without tag, depth and
// bounds.
// A pointer does not say when it was taken: one that is stale is described by the present owner of its bytes. Whose
// they were before is known of guarded frame memory, of the last two thousand blocks that ended on its thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include <framealloc/base/observer.hpp>
#include <framealloc/base/site.hpp>
#include <framealloc/detail/base/compiler.hpp>

namespace framealloc::inline v1 {

enum class pointer_state : std::uint8_t {
    unknown,  // no memory of this library, or of its tables
    in_use,  // allocated: a block that was not freed, a frame that is open
    held,  // of an ended frame whose memory is kept: frames in flight, frame_hold until the next frame begins
    ended,  // freed, or of a frame that has ended or was rolled back
    unused,  // never allocated
};

struct pointer_info {
    pointer_state state = pointer_state::unknown;
    memory_kind kind{};
    const char* allocator = "";  // options::name; lives as long as the allocator, as `tag` does
    const char* tag = "";  // path; empty for the root and where it is not known
    std::uintptr_t begin = 0;  // of the block; 0 for frame memory in an arena, whose allocations have no bounds
    std::size_t bytes = 0;  // of the block: what it holds, while guarded what was asked for
    std::ptrdiff_t offset = 0;  // of the pointer in it; negative in the zone before it
    std::uint64_t frame = 0;  // of frame memory: number of the outermost frame that has or had it last
    // Of guarded frame memory in use: the frame whose block had the byte before; 0: not known
    std::uint64_t reused_from = 0;
    std::uint32_t depth = 0;  // of frame memory in use: the frame it belongs to, the outermost 1
    site born{};  // where it was allocated, while the allocator is guarded
    std::uint64_t thread = 0;  // that owns the memory, as the system numbers it

    // Effects: writes one line, cut off at the buffer's end. Returns: that line. Cost: O(its length).
    std::string_view text(std::span<char> buffer FRAMEALLOC_LIFETIMEBOUND) const noexcept;
};

// Returns: what is known of the byte at p, which may be any address. Threads: any. Cost: as said above.
pointer_info describe(const void* p) noexcept;

}  // namespace framealloc::inline v1
