// What a thread took of large blocks and gave back since its last boundary, on its current tag's tab: the tag's own
// counters have it at once, live bytes do not, as long as no peak can rise by it. A boundary closes the tab.
//
//   if (tab.serves(bytes)) tab.take(bytes);
//
// Cost: a compare and two additions for each block, whatever the depth of the tag.
#pragma once

#include <framealloc/detail/account/charge.hpp>
#include <framealloc/detail/sync/word.hpp>

namespace framealloc::inline v1::memory {

class heap_tab {
public:
    bool is_open() const noexcept { return payer_ != nullptr; }
    account::charge_entry* payer() const noexcept { return payer_; }
    // Of so many bytes no peak rises: neither the tag's nor those of the trees it is in. Never while it is closed.
    bool serves(std::uint64_t bytes) const noexcept { return bytes <= room_; }
    // Requires: it is open, and serves them.
    FRAMEALLOC_INLINE void take(std::uint64_t bytes) noexcept {
        owner_subtract(room_, bytes);
        payer_->heap_taken.add(bytes);
    }
    // Requires: it is open.
    FRAMEALLOC_INLINE void give_back(std::uint64_t bytes) noexcept {
        owner_add(room_, bytes);
        payer_->heap_returned.add(bytes);
    }

    // `blocks`: how many the thread has taken so far. Requires: it is closed. It stays so where a peak is now.
    void open(account::charge_entry& payer, std::uint64_t blocks) noexcept {
        const std::uint64_t room = payer.room_below_peaks();
        if (room == 0) return;
        payer_ = &payer;
        room_ = room;
        taken_before_ = payer.heap_taken.get();
        returned_before_ = payer.heap_returned.get();
        blocks_before_ = blocks;
    }
    struct content {
        account::charge_entry* payer;
        std::uint64_t blocks, taken, returned;  // of those, bytes
    };
    // Requires: it is open.
    content close(std::uint64_t blocks) noexcept {
        const content sum{payer_, blocks - blocks_before_, payer_->heap_taken.get() - taken_before_,
                          payer_->heap_returned.get() - returned_before_};
        payer_ = nullptr;
        room_ = 0;
        return sum;
    }

private:
    account::charge_entry* payer_ = nullptr;  // null while it is closed
    std::uint64_t room_ = 0;
    std::uint64_t taken_before_ = 0, returned_before_ = 0, blocks_before_ = 0;
};

}  // namespace framealloc::inline v1::memory
