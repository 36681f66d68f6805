// An allocator's pool pages that no thread has: empty ones, and those never allocated. Requested several at once.
#pragma once

#include <cstdint>

#include <framealloc/base/fault.hpp>
#include <framealloc/detail/memory/page.hpp>
#include <framealloc/detail/os/page_map.hpp>

namespace framealloc::inline v1::memory {

struct core;

// Several pages, requested at once.
struct slab {
    slab* next;
    std::uintptr_t begin;
    std::size_t bytes;
    std::size_t idle;  // bytes of it in the depot or never allocated; only while trim() counts
};

// Requires, of all: the allocator's lock is held.
class page_depot {
public:
    bool empty() const noexcept { return pages_ == nullptr && fresh_begin_ == fresh_end_; }
    // An empty page, at least its first step accessible. Null with `why` set.
    pool_page* take(core& a, exhaustion_reason& why) noexcept;
    void put(pool_page& p) noexcept;
    // Slabs without a page in use are given back whole; of other idle pages only the header stays accessible.
    void trim(core& a) noexcept;
    // Everything is given back, in use or not.
    void close(core& a) noexcept;

    // Whether the address is in a page that was allocated at least once; `own`: it is known to be in the allocator's
    // memory. Requires: it is not where sampled blocks are. Cost: linear in the slabs where that is not known.
    bool has_used(const void* p, bool own) const noexcept {
        return os::page_map::contains(p) && (own || is_in_slab(p)) && !is_fresh(address_of(page_of(p)));
    }

private:
    bool add_slab(core& a, exhaustion_reason& why) noexcept;
    bool is_in_slab(const void* p) const noexcept {
        const slab* s = slabs_;
        while (s != nullptr && (address_of(p) < s->begin || address_of(p) >= s->begin + s->bytes)) s = s->next;
        return s != nullptr;
    }
    bool fills_pages() const noexcept;
    bool commit_ahead(core& a, exhaustion_reason& why) noexcept;
    bool is_fresh(std::uintptr_t page) const noexcept { return page >= fresh_begin_ && page < fresh_end_; }

    pool_page* pages_ = nullptr;
    slab* slabs_ = nullptr;  // the newest first
    const pool_page* newest_ = nullptr;  // never allocated before it was taken
    std::uintptr_t fresh_begin_ = 0;  // the part of the newest slab that was never allocated
    std::uintptr_t fresh_accessible_ = 0;  // up to here
    std::uintptr_t fresh_end_ = 0;
};

}  // namespace framealloc::inline v1::memory
