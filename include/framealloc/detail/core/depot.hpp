// Where an allocator's pool pages come from and go to: requested several at once, handed to threads, taken back empty.
#pragma once

#include <framealloc/detail/core/allocator.hpp>
#include <framealloc/detail/memory/page_set.hpp>

namespace framealloc::inline v1::memory {

// An empty page of nobody. Threads: any.
pool_page* depot_take(core& a, exhaustion_reason& why) noexcept;

// Where `p` is among the pages, for describe(); `own`: it is known to be in the allocator's memory. Page null: nowhere.
// Requires: core::lock is held, and `p` is not where sampled blocks are.
struct found_block {
    enum { out, free, virgin } state = virgin;
    pool_page* page = nullptr;
    std::uintptr_t begin = 0;
    std::size_t bytes = 0;
};
found_block find_in_pages(core& c, const void* p, bool own) noexcept;
void trim_depot(core& c) noexcept;

}  // namespace framealloc::inline v1::memory
