// What a thread counts of itself for statistics: written by it alone, read by any.
//
//   c.counters.add(counter::oversize, 1);
//   s.oversize = c.counters.get(counter::oversize);
#pragma once

#include <framealloc/base/kind.hpp>
#include <framealloc/detail/sync/atomic.hpp>

namespace framealloc::inline v1::memory {

enum class counter : unsigned {
    frame_allocations,
    frame_releases,
    heap_allocations,
    heap_frees,
    remote_frees,
    outer_growth,  // allocations through an outer frame
    oversize,  // allocations too large for the arena
    chunk_growth,
    slab_refills,
    frame_used,  // bytes in use by open frames as of the last boundary
    frame_peak,  // most bytes any frame had in use, at boundaries
};
inline constexpr unsigned counter_count = 11;

class thread_counters {
public:
    std::uint64_t get(counter k) const noexcept { return values_[static_cast<unsigned>(k)].get(); }
    void add(counter k, std::uint64_t n) noexcept { values_[static_cast<unsigned>(k)].add(n); }
    void set(counter k, std::uint64_t n) noexcept { values_[static_cast<unsigned>(k)].set(n); }
    void raise_to(counter k, std::uint64_t n) noexcept { values_[static_cast<unsigned>(k)].raise_to(n); }

    // Blocks allocated by pages of a kind, as far as charged.
    std::uint64_t taken(memory_kind k) const noexcept { return taken_[index_of(k)].get(); }
    void add_taken(memory_kind k, std::uint64_t n) noexcept { taken_[index_of(k)].add(n); }

private:
    sync::owner_counter values_[counter_count];
    sync::owner_counter taken_[kind_count];
};

}  // namespace framealloc::inline v1::memory
