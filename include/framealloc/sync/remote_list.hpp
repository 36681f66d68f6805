// Blocks of one page, given back by threads that do not own it. Many push, one takes all.
//
// The word packs the head's offset in the page (in units of 16 bytes, 16 bits) and the number of blocks (16 bits). It
// holds no pointer, and the owner only ever takes the whole list, so that there is no ABA problem. A sender collects
// blocks of one page and pushes them with one compare-exchange. Whoever finds the list empty announces the page to its
// owner.
#pragma once

#include <cstdint>

#include <framealloc/base/align.hpp>
#include <framealloc/sync/atomic.hpp>

namespace framealloc::inline v1::sync {

struct remote_batch {
    void* head = nullptr;  // its first word points at the next, the last one's is null
    std::uint32_t count = 0;  // blocks they stand for; see memory::returned_blocks
};

template <class Atomics>
class basic_remote_list {
public:
    // Requires: head … tail are linked, lie inside the 64 KiB page at `page`, aligned to 16 bytes, and stand for
    // `count` blocks.
    // Returns whether the list was empty before.
    // Threads: any. Cost: one compare-exchange when undisturbed.
    bool push(std::uintptr_t page, void* head, void* tail, std::uint32_t count) noexcept {
        std::uint32_t seen = word_.load_relaxed();  // relaxed: only compared; the exchange below publishes
        for (;;) {
            Atomics::set_next(tail, first(page, seen));
            const std::uint32_t offset = static_cast<std::uint32_t>((address_of(head) - page) >> 4);
            const std::uint32_t wanted = (offset << 16) | ((seen & 0xffffU) + count);
            // Acquires too: who finds the list empty may write what the owner read before it took the last blocks.
            if (word_.compare_exchange_acq_rel(seen, wanted)) return (seen & 0xffffU) == 0;  // pairs: take()
        }
    }

    // Threads: the owner of the page only.
    remote_batch take(std::uintptr_t page) noexcept {
        const std::uint32_t seen = word_.exchange_acq_rel(0);  // pairs: push()
        return {first(page, seen), seen & 0xffffU};
    }

    // What take() would take, left where it is; for those who look on.
    void* waiting(std::uintptr_t page) const noexcept { return first(page, word_.load_acquire()); }  // pairs: push()
    std::uint32_t count() const noexcept { return word_.load_relaxed() & 0xffffU; }  // relaxed: a hint

private:
    static void* first(std::uintptr_t page, std::uint32_t word) noexcept {
        return (word & 0xffffU) == 0 ? nullptr : pointer_at<void>(page + ((word >> 16) << 4));
    }

    typename Atomics::template atomic<std::uint32_t> word_{0};
};

using remote_list = basic_remote_list<hardware_atomics>;

}  // namespace framealloc::inline v1::sync
