// Blocks that threads free which do not own their page: collected by the sender, handed over, taken back by the owner.
//
//   mine.remote.add(block);                                  // at most 64 of one page, then
//   const returned_chain chain = mine.remote.chain_batch(layout.link_bytes(p.block));
//   if (p.remote.push(address_of(&p), chain.head, chain.tail, chain.count)) owner.remote.announce(p);
//   …
//   while (pool_page* p = owner.remote.next_arrived()) collect(*p);
#pragma once

#include <framealloc/detail/memory/page.hpp>
#include <framealloc/memory/deferred.hpp>

namespace framealloc::inline v1::memory {

inline constexpr std::uint32_t batch_limit = 64;  // frees for another thread's page, handed over together

// Blocks of one page that name each other.
struct returned_chain {
    returned_blocks* head;
    returned_blocks* tail;
    std::uint32_t count;
};

// What other threads returned to the page is its own again: returns how many blocks. Constant time, however many they
// are. Requires: it was announced.
std::uint32_t collect(pool_page& p) noexcept;
// What one of the blocks that returned names, and itself, becomes the list of free blocks. False when none is left.
bool take_returned(pool_page& p) noexcept;

class remote_blocks {
public:
    // --- what this thread freed for another, not handed over yet ---
    bool has_batch() const noexcept { return batch_page_ != nullptr; }
    bool batches(const pool_page& p) const noexcept { return batch_page_ == &p && batch_count_ != batch_limit; }
    void begin_batch(pool_page& p) noexcept { sync::store_relaxed(batch_page_, &p); }  // relaxed: for any thread
    pool_page* batch_page() const noexcept { return batch_page_; }
    std::uint32_t batch_count() const noexcept { return sync::load_relaxed(batch_count_); }  // relaxed: for any thread
    const std::uint16_t* batch_places() const noexcept { return batch_places_; }
    const pool_page* batch_page_seen() const noexcept { return sync::load_relaxed(batch_page_); }  // relaxed: as above
    void add(const void* block) noexcept {
        const std::uint32_t n = batch_count_;
        batch_places_[n] = returned_blocks::place_of(block);
        sync::store_relaxed(batch_count_, n + 1);  // relaxed: for any thread
    }
    // As blocks that name each other; `link_bytes`: what one of them may use for that. Requires: end_batch() follows.
    returned_chain chain_batch(std::size_t link_bytes) const noexcept;
    void end_batch() noexcept {
        sync::store_relaxed(batch_page_, nullptr);  // relaxed: for any thread
        sync::store_relaxed(batch_count_, 0);  // relaxed: as above
    }

    // --- what other threads handed to this one ---
    void announce(pool_page& p) noexcept { arrivals_.push(&p); }
    bool any_announced() const noexcept { return !arrivals_.empty(); }
    // Null when there is none. Its blocks are collected before the next is asked for.
    pool_page* next_arrived() noexcept {
        if (arrived_ == nullptr) arrived_ = arrivals_.take();
        pool_page* p = arrived_;
        if (p != nullptr) arrived_ = p->next_arrival.get();  // now: once collected, a sender may announce it again
        return p;
    }

    // How and when they return.
    deferred_queue& queue() noexcept { return queue_; }
    const deferred_queue& queue() const noexcept { return queue_; }

private:
    page_arrivals arrivals_;  // pages that other threads returned blocks to
    pool_page* arrived_;  // taken from there, their blocks not yet
    deferred_queue queue_;
    pool_page* batch_page_;
    std::uint32_t batch_count_;
    std::uint16_t batch_places_[batch_limit];  // see returned_blocks
};

}  // namespace framealloc::inline v1::memory
