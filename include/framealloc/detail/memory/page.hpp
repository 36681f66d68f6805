// A pool page: 64 KiB, aligned to 64 KiB, blocks of one size class, owned by one thread and charged to one tag.
//
// The header holds one list of free blocks and two counts; a block's page is found by masking its address. Virgin
// memory is carved, and made accessible, step by step.
#pragma once

#include <cstddef>
#include <cstdint>

#include <framealloc/base/kind.hpp>
#include <framealloc/detail/base/align.hpp>
#include <framealloc/detail/sync/arrivals.hpp>
#include <framealloc/detail/sync/remote_list.hpp>
#include <framealloc/detail/sync/word.hpp>

namespace framealloc::inline v1::memory {

struct thread_context;
struct tag_account;
struct slab;

inline constexpr std::size_t page_bytes = 65536;
inline constexpr std::size_t page_header_bytes = 128;

// What statistics read of a page that another thread may be setting up: of a page in use, exactly what it is.
struct page_view {
    memory_kind kind;
    std::uint32_t block;
    tag_account* account;
};

// How blocks that another thread frees return: one of them names others of its page. Those are not touched on the
// way, so that their cache lines need not travel. Chains are kept as they came, so that taking one in costs the same
// whatever its length.
struct returned_blocks {
    returned_blocks* next;  // of the chain; the first word, which sync::remote_list links
    std::uint16_t after;  // of a chain's first: the place of the next chain's first, zero when there is none
    std::uint16_t count;  // of the places that follow
    std::uint16_t first_places[2];

    // A block's place is its distance from the page's begin, in units of 16 bytes.
    static void* block_at(const void* page, std::uint32_t place) noexcept {
        return pointer_at(address_of(page) + std::uintptr_t{place} * 16);
    }
    static std::uint16_t place_of(const void* block) noexcept {
        return static_cast<std::uint16_t>((address_of(block) & (page_bytes - 1)) / 16);
    }
    std::uint16_t* places() noexcept { return first_places; }
    // How many a block of this size can name.
    static constexpr std::uint32_t room(std::size_t block_bytes) noexcept {
        return static_cast<std::uint32_t>((block_bytes - offsetof(returned_blocks, first_places)) /
                                          sizeof(std::uint16_t));
    }
};
static_assert(sizeof(returned_blocks) == 16);

inline constexpr std::uint8_t sampled_class = 255;  // pool_page::size_class of pages that hold sampled blocks

struct pool_page {
    // The owner's key while a free may take the fast path; closed_key when the page is full, so that the next free
    // takes the slow path. A number that is never reused, as an address might be.
    std::uint64_t key;
    void* free;  // each free block's first word points at the next
    std::uint32_t allocations;  // since the page was set up, modulo 2^32; plus one while the page is current
    std::uint32_t frees;  // allocations - frees = blocks out (+ 1)
    std::uint32_t charged;  // `allocations` when the current tag and phase were last charged
    std::uint32_t seen;  // blocks out that the tag's account knows of
    std::uint32_t block;  // bytes
    std::uint32_t carved;  // offset of the first virgin block
    std::uint32_t end;  // offset past the last whole block
    std::uint32_t accessible;  // offset past the last accessible byte
    memory_kind kind;  // frame: blocks out of line
    std::uint8_t size_class;
    bool current;  // the page its tag allocates from
    bool listed;  // in its tag's list of pages with room
    std::uint32_t held;  // freed blocks in quarantine; see detail/probe/guarded.hpp
    returned_blocks* came_home;  // chains that returned, used when `free` runs out

    alignas(64) sync::remote_list remote;  // on a line of its own
    union {
        std::uint32_t missing;  // of a closed page: blocks that are not out all the same
        std::uint32_t before;  // of a listed one: number of the page before it, zero where it is the first
    };
    thread_context* owner;
    tag_account* account;
    pool_page* next;  // in the list of pages with room, or of empty pages
    pool_page* next_all;  // of the owner
    pool_page** link_all;
    slab* home;  // the request it came with
    sync::arrival_link<sync::hardware_atomics, pool_page> next_arrival;  // while `remote` is not empty

    page_view view() const noexcept {
        const memory_kind k = sync::load_relaxed(kind);  // relaxed: see describe()
        const std::uint32_t b = sync::load_relaxed(block);  // relaxed: see describe()
        return {k, b, sync::load_acquire(account)};  // pairs: set_view(); a reader follows it
    }
    // Only while no block is out, so that a mixed view counts nothing.
    void set_view(page_view v) noexcept {
        sync::store_relaxed(kind, v.kind);  // relaxed: as above
        sync::store_relaxed(block, v.block);  // relaxed: as above
        sync::store_release(account, v.account);  // pairs: view()
    }
    // Other threads compare it with their own key, which it never is: any recent value will do.
    std::uint64_t current_key() const noexcept { return sync::load_relaxed(key); }  // relaxed: as above
    void set_key(std::uint64_t k) noexcept { sync::store_relaxed(key, k); }  // relaxed: as above
    // Blocks allocated that no tag and phase is charged for yet, about now.
    std::uint32_t uncharged() const noexcept {
        // Below zero for a moment where the page was charged between the two reads.
        const std::uint32_t taken = sync::load_acquire(allocations);  // pairs: none, as below
        const auto left = static_cast<std::int32_t>(taken - sync::load_acquire(charged));  // pairs: as above
        return left > 0 ? static_cast<std::uint32_t>(left) : 0;
    }
    std::uint32_t used() const noexcept {
        const std::uint32_t taken = sync::load_acquire(allocations);  // pairs: none, a recent value will do;
        const std::uint32_t returned = sync::load_acquire(frees);     // what add_to() looks at then is newer
        return taken - returned - (sync::load_acquire(current) ? 1U : 0U);  // pairs: as above
    }
    // Those that other threads returned are not, although they are still among the used ones.
    std::uint32_t blocks_out() const noexcept {
        // Below zero for a moment where blocks were freed between the two numbers that this is the difference of.
        const auto out = static_cast<std::int32_t>(used() - remote.count());
        return out > 0 ? static_cast<std::uint32_t>(out) : 0;
    }
};
static_assert(sizeof(pool_page) == page_header_bytes);

using page_arrivals = sync::arrivals<sync::hardware_atomics, pool_page, &pool_page::next_arrival>;

inline constexpr std::uint64_t closed_key = 0;
inline constexpr std::uint64_t no_context_key = 1;  // of a thread without a context

inline pool_page* page_of(const void* block) noexcept {
    return pointer_at<pool_page>(address_of(block) & ~(static_cast<std::uintptr_t>(page_bytes) - 1));
}
// A page by the bits of its address that others do not share; os::page_map has none with more of them.
inline std::uint32_t number_of(const pool_page& p) noexcept {
    return static_cast<std::uint32_t>(address_of(&p) / page_bytes);
}
inline pool_page& page_numbered(std::uint32_t n) noexcept {
    return *pointer_at<pool_page>(std::uintptr_t{n} * page_bytes);
}

}  // namespace framealloc::inline v1::memory
