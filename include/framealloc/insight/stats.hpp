// What happened, in numbers. Bytes of the calling thread are exact at any time, those of other threads as of their last
// boundary: a tag or phase scope that opens or closes, a checkpoint, another chunk, the end of an outermost frame. Of
// open frames, bytes below the newest one are seen at any time. Nothing here costs an instruction per allocation.
//
// A peak is a maximum over boundaries since the allocator was made, or since reset_stats(). On one thread it is never
// below what was in use at a boundary, nor above the most that was in use; a thread with more than 64 pages of blocks
// may show 256 bytes too much for each further page. A block counts on the thread that allocated it until it is freed,
// on whichever thread; a heap block that another thread resizes counts there from then on. With several threads a peak
// is the sum of their maxima, which need not be of the same time: never below what is in use, and, unless there is
// options::heap, never above peak_committed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include <framealloc/detail/base/kind_tables.hpp>
#include <framealloc/detail/core/allocator.hpp>

namespace framealloc::inline v1 {

// Of one allocator, all threads together.
struct alloc_stats {
    std::size_t total_allocated = 0;  // bytes in use, of all kinds
    std::size_t peak_allocated = 0;  // bytes; maximum of total_allocated, as said above
    // Pool and heap blocks taken, and frame allocations while each is looked at: while count_allocations() is on,
    // an observer is set, blocks are guarded, or one is to be sampled
    std::uint64_t allocation_count = 0;
    std::uint64_t deallocation_count = 0;
    std::size_t frame_allocated = 0;  // bytes held by open frames
    std::size_t pool_allocated = 0;  // bytes: blocks out, each at its class's size
    std::size_t heap_allocated = 0;  // bytes
    std::uint64_t slab_refill_count = 0;  // pages set up
    std::uint64_t deferred_free_count = 0;  // blocks freed on another thread
    std::size_t committed = 0;  // bytes made accessible
    std::size_t peak_committed = 0;
    std::size_t reserved = 0;  // bytes of address space
    // Reserve and commit calls that the page source served; refused ones are not counted
    std::uint64_t page_requests = 0;

    // Returns: blocks taken and not given back. Cost: O(1).
    std::uint64_t active_allocations() const noexcept {
        return allocation_count > deallocation_count ? allocation_count - deallocation_count : 0;
    }
    // Returns: the share of what is freed block by block, pool and heap, in the bytes in use; 0 where there are none.
    // Cost: O(1).
    double fragmentation_ratio() const noexcept;
};

// Bytes of one tag.
struct tag_bytes {
    std::size_t frame_bytes = 0;  // held by open frames
    std::size_t last_frame_bytes = 0;  // handed out during the last finished outermost frame of each thread
    std::size_t pool_bytes = 0;
    std::size_t heap_bytes = 0;
    std::size_t total_bytes = 0;  // of all kinds
    std::size_t peak_bytes = 0;  // maximum of total_bytes, as said above
};

// Returns: the fields in which the bytes of a kind are counted. Cost: none, where the kind is known.
constexpr std::size_t alloc_stats::* allocated_of(memory_kind k) noexcept {
    switch (k) {
        case memory_kind::frame: return &alloc_stats::frame_allocated;
        case memory_kind::pool: return &alloc_stats::pool_allocated;
        case memory_kind::heap: break;
    }
    return &alloc_stats::heap_allocated;
}
constexpr std::size_t tag_bytes::* bytes_of(memory_kind k) noexcept {
    switch (k) {
        case memory_kind::frame: return &tag_bytes::frame_bytes;
        case memory_kind::pool: return &tag_bytes::pool_bytes;
        case memory_kind::heap: break;
    }
    return &tag_bytes::heap_bytes;
}
static_assert(base::differs_by_kind(allocated_of), "allocated_of() has no field for a kind");
static_assert(base::differs_by_kind(bytes_of), "bytes_of() has no field for a kind");

// As declared. Cost: O(1).
inline double alloc_stats::fragmentation_ratio() const noexcept {
    std::size_t singly = 0;
    for (unsigned k = 0; k < kind_count; ++k)
        singly += traits_of(kind_at(k)).freed_singly ? this->*allocated_of(kind_at(k)) : 0;
    return total_allocated == 0 ? 0.0 : static_cast<double>(singly) / static_cast<double>(total_allocated);
}

// For the tag itself, and with its children.
struct tag_stats : tag_bytes {
    tag_bytes with_children;
    // Some of its pool blocks are in pages of a parent and are counted there: no page was to be had, or more than 256
    // tags of a thread have pages
    bool borrows = false;
};

// Of the last finished outermost frame of the calling thread.
struct phase_stats {
    std::string_view name;  // path, "render::shadows"
    std::uint64_t bytes = 0;  // handed out, all kinds
    std::uint64_t allocations = 0;  // pool and heap; frame allocations as in alloc_stats::allocation_count
};

// Of the calling thread.
struct frame_stats {
    std::uint64_t frame_number = 0;  // outermost frames begun
    std::uint64_t bytes_allocated = 0;  // handed out in the current outermost frame, or in the last finished one
    std::uint64_t allocation_count = 0;  // since the thread's first frame, as far as alloc_stats counts them
    std::size_t bytes_in_use = 0;
    std::size_t peak_bytes = 0;  // most bytes in use, at boundaries
    std::uint64_t outer_growth = 0;  // allocations through an outer frame, served out of line
    std::uint64_t oversize = 0;  // allocations too large for the arena
    std::uint64_t arena_growth = 0;  // chunks chained
    // options::frame_capacity that would have avoided growth and oversize; 0: none needed
    std::size_t suggested_capacity = 0;
};

namespace insight {

// What smart_alloc's members of the same names say.
alloc_stats stats_of(memory::core_ref a) noexcept;
void count_allocations(memory::core_ref a, bool on) noexcept;
void reset_stats(memory::core_ref a) noexcept;
tag_stats tag_stats_of(memory::core_ref a, std::string_view path) noexcept;
tag_stats tag_stats_of(memory::core_ref a, const tag& t) noexcept;
frame_stats frame_stats_of(memory::core_ref a) noexcept;
// Valid until the thread's next outermost frame ends.
std::span<const phase_stats> phase_stats_of(memory::core_ref a) noexcept;

}  // namespace insight
}  // namespace framealloc::inline v1
