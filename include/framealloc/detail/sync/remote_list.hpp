// Blocks of one page, given back by threads that do not own it. Many push, one takes all.
//
// The word packs the head's offset in the page (in units of 16 bytes, 16 bits) and the number of blocks (16 bits). It
// holds no pointer, and the owner only ever takes the whole list, so that there is no ABA problem. A sender collects
// blocks of one page and pushes them with one compare-exchange. The thread that finds the list empty announces the page
// to its owner.
#pragma once

#include <cstdint>

#include <framealloc/detail/base/align.hpp>
#include <framealloc/detail/sync/atomic.hpp>

namespace framealloc::inline v1::sync {

struct remote_batch {
    void* head = nullptr;  // its first word points at the next, the last one's is null
    std::uint32_t count = 0;  // blocks they stand for; see memory::returned_blocks
};

template <class Atomics>
class basic_remote_list {
public:
    // A place in a page is its distance from the page's begin in this unit. The word has the place of the first block
    // and, in its low bits, how many blocks there are.
    static constexpr std::uint32_t place_bytes = 16, count_bits = 16, count_mask = (1U << count_bits) - 1;

    // Requires: head … tail are linked, are inside the 64 KiB page at `page`, aligned to 16 bytes, and stand for
    // `count` blocks.
    // Returns whether the list was empty before.
    // Threads: any. Cost: one compare-exchange when undisturbed.
    bool push(std::uintptr_t page, void* head, void* tail, std::uint32_t count) noexcept {
        std::uint32_t seen = word_.load_relaxed();  // relaxed: only compared; the exchange below publishes
        for (;;) {
            Atomics::set_next(tail, first(page, seen));
            const std::uint32_t offset = static_cast<std::uint32_t>((address_of(head) - page) / place_bytes);
            const std::uint32_t wanted = (offset << count_bits) | ((seen & count_mask) + count);
            // Acquires too: who finds the list empty may write what the owner read before it took the last blocks.
            if (word_.compare_exchange_acq_rel(seen, wanted)) return (seen & count_mask) == 0;  // pairs: take()
        }
    }

    // Threads: the owner of the page only.
    remote_batch take(std::uintptr_t page) noexcept {
        const std::uint32_t seen = word_.exchange_acq_rel(0);  // pairs: push()
        return {first(page, seen), seen & count_mask};
    }

    // What take() would take, left where it is; for those who look on.
    void* waiting(std::uintptr_t page) const noexcept { return first(page, word_.load_acquire()); }  // pairs: push()
    std::uint32_t count() const noexcept { return word_.load_relaxed() & count_mask; }  // relaxed: a hint

private:
    static void* first(std::uintptr_t page, std::uint32_t word) noexcept {
        return (word & count_mask) == 0 ? nullptr : pointer_at<void>(page + (word >> count_bits) * place_bytes);
    }

    typename Atomics::template atomic<std::uint32_t> word_{0};
};

using remote_list = basic_remote_list<hardware_atomics>;

}  // namespace framealloc::inline v1::sync
