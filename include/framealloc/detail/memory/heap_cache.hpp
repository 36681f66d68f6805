// Freed large blocks that a thread keeps for its next requests, in front of the large heap that all share: bins as that
// has them, without coalescing, the last block freed of a size being the next one taken. Any thread may take all of it
// away: who works on a bin takes its whole list out, and only the owner puts one back.
#pragma once

#include <new>

#include <framealloc/detail/base/align.hpp>
#include <framealloc/detail/memory/heap_tab.hpp>
#include <framealloc/detail/memory/large_heap.hpp>
#include <framealloc/detail/os/metadata.hpp>
#include <framealloc/detail/sync/atomic.hpp>
#include <framealloc/detail/sync/word.hpp>

namespace framealloc::inline v1::memory {

// Where they are, and the tab on which they go while they come and go. Made with the first block.
struct heap_shelf {
    heap_tab tab;
    std::uint64_t most = 0;  // bytes of the allowance that this thread has, what is seized included
    std::uint64_t spare = 0;  // of those, what is not kept
    sync::atomic<std::size_t> seized{0};  // of those, what others took away and the owner has not seen yet
    sync::atomic<heap_block*> bins[heap_bin_count + 1] = {};
};
extern const heap_shelf no_shelf;  // one for all threads, so that nobody may write to it: empty, its tab closed

class heap_cache {
public:
    // Blocks beyond this alignment are not kept.
    static constexpr std::size_t widest_alignment = 64;
    static constexpr bool fits(std::size_t align) noexcept {
        return align <= widest_alignment && is_power_of_two(align);
    }

    void open() noexcept { shelf_ = const_cast<heap_shelf*>(&no_shelf); }
    heap_tab& tab() const noexcept { return shelf_->tab; }
    // False until a block was kept.
    bool has_shelf() const noexcept { return shelf_ != &no_shelf; }
    // Threads: any; all but the owner get a recent value, or a wrong one while it changes: never 0 at rest.
    std::size_t bytes() const noexcept {
        const heap_shelf& s = *sync::load_acquire(shelf_);  // pairs: make_shelf()
        const std::size_t seized = s.seized.load_relaxed();  // relaxed: as the others, a recent value
        return sync::load_relaxed(s.most) - sync::load_relaxed(s.spare) - seized;
    }
    // Of at least this payload; null when there is none.
    heap_block* take(std::size_t bytes, std::size_t align) noexcept {
        return align > widest_alignment || !has_shelf() ? nullptr : take(bytes);
    }
    // The same for alignments that are not too wide. Requires: a block was kept.
    FRAMEALLOC_INLINE heap_block* take(std::size_t bytes) noexcept { return pop(shelf_->bins[heap_bin_for(bytes)]); }
    // Returns false when it is not kept: too much is, or there is no memory for the bins. `committed`: bytes of the
    // allocator.
    bool put(heap_block* b, heap_allowance& all, std::size_t committed, os::metadata& meta) noexcept {
        if (!has_shelf() && !make_shelf(meta)) return false;
        see_seized();
        b->bin = heap_bin_of(b->bytes);
        if (b->bin == no_heap_bin) return false;
        if (b->bytes > shelf_->spare) {
            const std::size_t more = b->bytes - shelf_->spare;
            if (!all.claim(more, shelf_->most, committed)) return false;
            owner_add(shelf_->most, more);
            owner_add(shelf_->spare, more);
        }
        keep(make_place(*b), b);
        return true;
    }
    // Whether it may be kept without asking. Requires: a block was kept.
    FRAMEALLOC_INLINE bool has_room(const heap_block& b) const noexcept {
        // What was cut for a wide alignment goes back to where it can coalesce
        return b.bytes <= shelf_->spare && b.bin != no_heap_bin;
    }
    using list = sync::atomic<heap_block*>;
    // Where it goes: it counts as kept. Requires: there is room.
    FRAMEALLOC_INLINE list& make_place(const heap_block& b) noexcept {
        owner_subtract(shelf_->spare, b.bytes);
        return shelf_->bins[b.bin];
    }
    // From here on the block may be another thread's. Requires: make_place() returned it.
    FRAMEALLOC_INLINE static void keep(list& bin, heap_block* b) noexcept {
        next(b) = bin.exchange_acquire(nullptr);  // pairs: nothing, the list is the caller's own
        bin.store_release(b);  // pairs: seize()
    }
    // Hands the largest blocks to `release` until at most `keep` bytes are left, and gives up what more it might keep.
    template <class F>
    void shrink(std::size_t keep, heap_allowance& all, F&& release) noexcept {
        if (!has_shelf()) return;
        see_seized();
        for (unsigned bin = heap_bin_count; bin-- != 0 && bytes() > keep;) {
            while (bytes() > keep) {
                heap_block* b = pop(shelf_->bins[bin]);
                if (b == nullptr) break;
                release(b);
            }
        }
        const std::uint64_t unused = shelf_->spare;
        owner_subtract(shelf_->most, unused);
        owner_subtract(shelf_->spare, unused);
        all.release(unused);
    }
    // Hands all to `release`, the largest first, and returns their bytes. Threads: any.
    template <class F>
    std::size_t seize(heap_allowance& all, F&& release) noexcept {
        heap_shelf* s = sync::load_acquire(shelf_);  // pairs: make_shelf()
        if (s == &no_shelf) return 0;
        std::size_t sum = 0;
        for (unsigned i = heap_bin_count; i-- != 0;) {
            list& bin = s->bins[i];
            if (bin.load_relaxed() == nullptr) continue;  // relaxed: a hint
            for (heap_block* b = bin.exchange_acquire(nullptr); b != nullptr;) {  // pairs: keep()
                heap_block* const after = next(b);
                sum += b->bytes;
                release(b);
                b = after;
            }
        }
        s->seized.add_relaxed(sum);  // relaxed: a sum of sizes
        all.release(sum);
        return sum;
    }

private:
    // Next pointers of cached blocks are in their header.
    static heap_block*& next(heap_block* b) noexcept { return b->next_free; }

    FRAMEALLOC_INLINE heap_block* pop(list& bin) noexcept {
        heap_shelf& s = *shelf_;  // compilers read it again after an exchange
        heap_block* b = bin.exchange_acquire(nullptr);  // pairs: nothing, the list is the caller's own
        if (b == nullptr) [[unlikely]]
            return nullptr;
        bin.store_release(next(b));  // pairs: seize()
        owner_add(s.spare, b->bytes);
        return b;
    }
    // The allowance has it back already.
    void see_seized() noexcept {
        if (shelf_->seized.load_relaxed() == 0) return;  // relaxed: a sum of sizes
        owner_subtract(shelf_->most, shelf_->seized.exchange_acquire(0));  // pairs: nothing, as above
    }
    bool make_shelf(os::metadata& meta) noexcept {
        exhaustion_reason why{};
        void* memory = meta.allocate(sizeof(heap_shelf), why);
        if (memory != nullptr) sync::store_release(shelf_, ::new (memory) heap_shelf);  // pairs: seize()
        return memory != nullptr;
    }

    heap_shelf* shelf_;
};

}  // namespace framealloc::inline v1::memory
