// Freed large blocks that a thread keeps for its next requests, in front of the large heap that all share: bins as that
// has them, without coalescing, the last block freed of a size being the next one taken.
#pragma once

#include <new>

#include <framealloc/detail/base/align.hpp>
#include <framealloc/detail/memory/heap_tab.hpp>
#include <framealloc/detail/memory/large_heap.hpp>
#include <framealloc/detail/os/metadata.hpp>
#include <framealloc/detail/sync/word.hpp>

namespace framealloc::inline v1::memory {

// Where they are, and the tab on which they go while they come and go. Made with the first block.
struct heap_shelf {
    heap_tab tab;
    std::size_t most = 0;  // bytes that may be kept, when they were last looked at
    std::uint64_t spare = 0;  // of those, what is not
    heap_block* bins[heap_bin_count + 1] = {};
};
extern const heap_shelf no_shelf;  // one for all threads, so that nobody may write to it: empty, its tab closed

class heap_cache {
public:
    // Blocks beyond this alignment are not kept.
    static constexpr std::size_t widest_alignment = 64;
    static constexpr bool fits(std::size_t align) noexcept {
        return align <= widest_alignment && is_power_of_two(align);
    }
    // A thread may keep so many bytes whatever its allocator has.
    static constexpr std::size_t floor_bytes = std::size_t{8} << 20;

    void open() noexcept { shelf_ = const_cast<heap_shelf*>(&no_shelf); }
    heap_tab& tab() const noexcept { return shelf_->tab; }
    std::size_t bytes() const noexcept { return shelf_->most - shelf_->spare; }
    // Of at least this payload; null when there is none.
    heap_block* take(std::size_t bytes, std::size_t align) noexcept {
        return align > widest_alignment ? nullptr : take(bytes);
    }
    // The same for alignments that are not too wide.
    FRAMEALLOC_INLINE heap_block* take(std::size_t bytes) noexcept {
        heap_block*& bin = shelf_->bins[heap_bin_for(bytes)];
        heap_block* b = bin;
        if (b == nullptr) [[unlikely]]
            return nullptr;
        bin = next(b);
        shelf_->spare += b->bytes;
        return b;
    }
    // Returns false when it is not kept: too much is, or there is no memory for the bins. `committed`: bytes of the
    // allocator.
    bool put(heap_block* b, std::size_t committed, os::metadata& meta) noexcept {
        if (shelf_ == &no_shelf && !make_shelf(meta)) return false;
        look_again(committed);
        b->bin = heap_bin_of(b->bytes);
        return keep(b);
    }
    // From now on a share of what is committed now may be kept. Returns false when none ever was.
    bool look_again(std::size_t committed) noexcept {
        if (shelf_ == &no_shelf) return false;
        const std::size_t kept = bytes(), may_be = floor_bytes + committed / 8;
        shelf_->most = kept > may_be ? kept : may_be;
        shelf_->spare = shelf_->most - kept;
        return true;
    }
    // Returns false when it is not kept. Requires: look_again() returned true.
    FRAMEALLOC_INLINE bool keep(heap_block* b) noexcept {
        // What was cut for a wide alignment goes back to where it can coalesce
        if (b->bytes > shelf_->spare || b->bin == no_heap_bin) [[unlikely]]
            return false;
        owner_subtract(shelf_->spare, b->bytes);
        next(b) = shelf_->bins[b->bin];
        shelf_->bins[b->bin] = b;
        return true;
    }
    // Hands the largest blocks to `release` until at most `keep` bytes are left.
    template <class F>
    void shrink(std::size_t keep, F&& release) noexcept {
        if (shelf_ == &no_shelf) return;
        for (unsigned bin = heap_bin_count; bin-- != 0 && bytes() > keep;) {
            while (shelf_->bins[bin] != nullptr && bytes() > keep) {
                heap_block* b = shelf_->bins[bin];
                shelf_->bins[bin] = next(b);
                shelf_->spare += b->bytes;
                release(b);
            }
        }
    }

private:
    // Next pointers of cached blocks are in their header.
    static heap_block*& next(heap_block* b) noexcept { return b->next_free; }

    bool make_shelf(os::metadata& meta) noexcept {
        exhaustion_reason why{};
        void* memory = meta.allocate(sizeof(heap_shelf), why);
        if (memory != nullptr) shelf_ = ::new (memory) heap_shelf;
        return memory != nullptr;
    }

    heap_shelf* shelf_;
};

}  // namespace framealloc::inline v1::memory
