// Blocks beyond 4 KiB: two-level segregated fit (Masmano, Ripoll, Crespo, Real, 2004) over regions of the page source,
// eight bins a doubling, immediate coalescing. After it all, in front of it a cache per thread (heap.cpp).
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include <framealloc/base/fault.hpp>
#include <framealloc/detail/os/page_ledger.hpp>
#include <framealloc/detail/sync/atomic.hpp>
#include <framealloc/detail/sync/lock.hpp>

namespace framealloc::inline v1::memory {

struct core;
struct heap_region;
struct tag_account;

// Precedes every large block; 64 bytes, as the blocks are multiples of 64.
struct alignas(64) heap_block {
    std::size_t bytes;             // of the block, this header included
    union {
        heap_block* below;         // physical neighbour, null at a region's start
        const core* taker;         // of a block from options::heap: whose it is
    };
    heap_region* region;
    tag_account* who;              // is charged, of the thread that took or resized it; leads to the allocator
    std::uint64_t requested;       // bytes the user asked for
    std::uint32_t tag_index;       // of `who`, for readers that come from elsewhere
    bool free;
    bool charged;                  // counted as heap; false for out-of-line frame memory
    std::uint8_t align_log2;       // of a block from options::heap, which receives the alignment again
    bool zero;                     // just carved from memory that nobody wrote to
    heap_block* next_free;
    union {
        heap_block* previous_free;
        std::size_t bin;           // of a block in use that is exactly as large as its bin's are, or no_heap_bin
    };
};
static_assert(sizeof(heap_block) == 64);

inline void* payload_of(heap_block* b) noexcept { return b + 1; }
inline heap_block* block_of(void* payload) noexcept { return static_cast<heap_block*>(payload) - 1; }

// Bins: eight a doubling. Rounding a size up to its bin wastes at most 1/9.
inline constexpr unsigned heap_bin_count = 8 * 44;
inline constexpr std::size_t no_heap_bin = heap_bin_count;
inline constexpr std::size_t largest_block = std::size_t{1} << 47;  // more than a program has addresses
// The bin whose blocks are at most this large. Requires: bytes >= 64, also of the other.
constexpr unsigned heap_bin_floor(std::size_t bytes) noexcept {
    const unsigned log2 = 63U ^ static_cast<unsigned>(std::countl_zero(bytes | 1));  // of one instruction with g++ 12
    return (log2 - 7) * 8 + static_cast<unsigned>(bytes >> (log2 - 3));
}
// The bin whose blocks are at least this large.
constexpr unsigned heap_bin_ceiling(std::size_t bytes) noexcept { return heap_bin_floor(bytes - 1) + 1; }
constexpr std::size_t heap_bin_bytes(unsigned bin) noexcept { return (std::size_t{8} + bin % 8) << (bin / 8 + 3); }
// Of a block for so much payload.
constexpr unsigned heap_bin_for(std::size_t bytes) noexcept {
    return heap_bin_floor((bytes + sizeof(heap_block) - 1) | (sizeof(heap_block) - 1)) + 1;
}
// Of a block that is as large as its bin's are.
constexpr std::size_t heap_bin_of(std::size_t bytes) noexcept {
    const unsigned bin = heap_bin_floor(bytes);
    return heap_bin_bytes(bin) == bytes ? bin : no_heap_bin;
}

// What the threads of an allocator may keep, all of them together: so that it does not grow with their number. Each has
// a little whatever the others keep. Threads: any.
class heap_allowance {
public:
    static constexpr std::size_t of_all = std::size_t{8} << 20;  // and an eighth of what is in use
    static constexpr std::size_t of_each = std::size_t{1} << 20;

    // `bytes` more for a thread that has `had`. `committed`: bytes of the allocator.
    bool claim(std::size_t bytes, std::size_t had, std::size_t committed) noexcept {
        std::size_t granted = granted_.load_relaxed();  // relaxed: a sum of sizes, nothing is published by it
        do {
            const std::size_t in_use = committed > granted ? committed - granted : 0;
            if (had + bytes > of_each && granted + bytes > of_all + in_use / 8) return false;
        } while (!granted_.compare_exchange_acq_rel(granted, granted + bytes));  // pairs: nothing, as above
        return true;
    }
    void release(std::size_t bytes) noexcept { granted_.add_relaxed(std::size_t{0} - bytes); }  // relaxed: as above

private:
    sync::atomic<std::size_t> granted_{0};
};

class large_heap {
public:
    explicit large_heap(os::page_ledger& pages) noexcept : pages_(pages) {}

    // `bytes` of payload at `align`. Returns null when exhausted, with `why` set. Threads: any; takes the lock.
    heap_block* allocate(std::size_t bytes, std::size_t align, exhaustion_reason& why) noexcept;
    void deallocate(heap_block* b) noexcept;
    // What a block of at least `bytes` can hold.
    static std::size_t usable(std::size_t bytes) noexcept;
    // The block gets room for `bytes` of payload, a smaller one gives the rest back; false when its neighbour is in the
    // way.
    bool resize(heap_block* b, std::size_t bytes) noexcept;
    // The same elsewhere, without copying: of a block that has a region to itself, whose pages move. Null when they
    // cannot.
    heap_block* move(heap_block* b, std::size_t bytes) noexcept;
    void release_empty_regions() noexcept;
    void release_all() noexcept;

    // The block around `p` and what it is at the moment; null when it is none of these.
    const heap_block* find(const void* p, heap_block& copy) noexcept;

    heap_allowance& kept() noexcept { return kept_; }  // what threads keep of its blocks
    sync::lock& lock() noexcept { return lock_; }  // for fork alone

private:
    heap_block* take_free(std::size_t bytes) noexcept;
    heap_block* carve(heap_region& r, std::size_t bytes, exhaustion_reason& why) noexcept;
    bool extend(heap_block* b, std::size_t bytes) noexcept;
    void release_idle(heap_region& r) noexcept;
    void drop(heap_region* r) noexcept;
    void give_up(heap_region* r) noexcept;
    std::size_t region_for(std::size_t needed) const noexcept;
    heap_region* add_region(std::size_t bytes, exhaustion_reason& why) noexcept;
    void insert(heap_block* b) noexcept;
    void remove(heap_block* b) noexcept;
    void split(heap_block* b, std::size_t bytes) noexcept;
    void put_back(heap_block* b) noexcept;
    bool ensure_committed(heap_region& r, std::uintptr_t end, exhaustion_reason& why) noexcept;

    os::page_ledger& pages_;
    heap_allowance kept_;
    sync::lock lock_;
    heap_region* regions_ = nullptr;
    std::size_t reserved_ = 0;  // bytes of all regions
    std::size_t idle_ = 0;  // bytes committed in regions without a block in use
    std::uint64_t bits_[(heap_bin_count + 63) / 64] = {};
    heap_block* bins_[heap_bin_count] = {};
};

}  // namespace framealloc::inline v1::memory
