// Freed large blocks that a thread keeps for its next requests, in front of the large heap that all share: bins as that
// has them, without coalescing, the last block freed of a size being the next one taken.
#pragma once

#include <framealloc/detail/base/align.hpp>
#include <framealloc/detail/memory/large_heap.hpp>
#include <framealloc/detail/os/metadata.hpp>

namespace framealloc::inline v1::memory {

class heap_cache {
public:
    // Blocks beyond this alignment are not kept.
    static constexpr std::size_t widest_alignment = 64;
    // A thread may keep so many bytes whatever its allocator has.
    static constexpr std::size_t floor_bytes = std::size_t{8} << 20;

    std::size_t bytes() const noexcept { return bytes_; }
    // Of at least this payload; null when there is none.
    heap_block* take(std::size_t bytes, std::size_t align) noexcept {
        if (align > widest_alignment || bins_ == nullptr) return nullptr;
        heap_block*& bin = bins_[heap_bin_ceiling(align_up(bytes + sizeof(heap_block), sizeof(heap_block)))];
        heap_block* b = bin;
        if (b == nullptr) return nullptr;
        bin = next(b);
        bytes_ -= b->bytes;
        return b;
    }
    // Returns false when it is not kept: too much is, or there is no memory for the bins. `committed`: bytes of the
    // allocator.
    FRAMEALLOC_INLINE bool put(heap_block* b, std::size_t committed, os::metadata& meta) noexcept {
        if (bins_ == nullptr) {
            exhaustion_reason why{};
            bins_ = meta.allocate_array<heap_block*>(heap_bin_count + 1, why);
            if (bins_ == nullptr) return false;
        }
        if (bytes_ + b->bytes > floor_bytes + committed / 8) return false;
        const unsigned bin = heap_bin_floor(b->bytes);
        if (heap_bin_bytes(bin) != b->bytes) return false;  // cut for a wide alignment: back to where it can coalesce
        next(b) = bins_[bin];
        bins_[bin] = b;
        bytes_ += b->bytes;
        return true;
    }
    // Hands the largest blocks to `release` until at most `keep` bytes are left.
    template <class F>
    void shrink(std::size_t keep, F&& release) noexcept {
        if (bins_ == nullptr) return;
        for (unsigned bin = heap_bin_count; bin-- != 0 && bytes_ > keep;) {
            while (bins_[bin] != nullptr && bytes_ > keep) {
                heap_block* b = bins_[bin];
                bins_[bin] = next(b);
                bytes_ -= b->bytes;
                release(b);
            }
        }
    }

private:
    // Next pointers of cached blocks are in their header.
    static heap_block*& next(heap_block* b) noexcept { return b->next_free; }

    heap_block** bins_;  // made with the first block
    std::size_t bytes_;
};

}  // namespace framealloc::inline v1::memory
