// How blocks that other threads freed return.
//
//   alloc.set_deferred({.mode = fa::deferred_mode::at_frame_end});          // for the calling thread's blocks
//   alloc.set_deferred(fa::deferred_config::bounded(1024));
//   alloc.process_deferred_frees(64);                                       // at most about 64 blocks, now
//
// A free on another thread never waits for the owner: blocks are collected by page, at most 64, and handed over with
// one compare-exchange when the sender turns to another page, ends its outermost frame, exits, or asks for statistics.
#pragma once

#include <cstddef>
#include <cstdint>

#include <framealloc/detail/sync/atomic.hpp>

namespace framealloc::inline v1 {

// When the owner takes blocks back. Whatever the mode, it takes all of them before it reports exhaustion.
enum class deferred_mode : std::uint8_t {
    on_demand,  // when a page runs out, and when an outermost frame ends that left the fast path
    at_frame_begin,  // when an outermost frame begins
    at_frame_end,  // when an outermost frame ends
    incremental,  // when a page runs out, `per_allocation` blocks (rounded up to whole pages) at a time
    on_request,  // process_deferred_frees() alone
    immediate,  // as on_demand, and senders hand over every block at once
};

// What a sender does when `capacity` blocks wait for their owner.
enum class queue_full_policy : std::uint8_t {
    grow,  // queues on
    process_now,  // queues on, and the owner takes everything when a page runs out, whatever its mode
    block,  // waits for the owner, at most `block_microseconds`
    fail,  // FA213; the block is queued all the same, nothing is lost
};

struct deferred_config {
    deferred_mode mode = deferred_mode::on_demand;
    queue_full_policy full_policy = queue_full_policy::grow;
    std::uint32_t per_allocation = 16;  // blocks; incremental only
    std::uint32_t block_microseconds = 1000;  // block only
    std::size_t capacity = 0;  // blocks; 0: no limit

    // Returns: the mode at_frame_begin with room for n blocks, and process_now beyond; the mode incremental, n blocks
    // at a time; the mode on_request.
    static constexpr deferred_config bounded(std::size_t n) noexcept {
        return {.mode = deferred_mode::at_frame_begin, .full_policy = queue_full_policy::process_now, .capacity = n};
    }
    static constexpr deferred_config incremental(std::uint32_t n) noexcept {
        return {.mode = deferred_mode::incremental, .per_allocation = n};
    }
    static constexpr deferred_config on_request() noexcept { return {.mode = deferred_mode::on_request}; }
};

// Of one thread's blocks.
struct deferred_stats {
    std::uint64_t total_queued = 0;  // blocks handed over by other threads
    std::uint64_t total_processed = 0;  // blocks taken back
    std::uint64_t current_depth = 0;  // queued, not yet taken back
    std::uint64_t peak_depth = 0;  // as seen when blocks were taken back or the queue was full
    std::uint64_t processed_bytes = 0;
    std::uint64_t full_count = 0;  // hand-overs that met a full queue
    std::uint64_t blocked_count = 0;  // of these, those that timed out
};

namespace memory {

// Senders read the settings and add to the atomics; the rest is the owner's.
struct deferred_queue {
    sync::atomic<std::size_t> capacity{0};
    sync::atomic<std::uint8_t> full_policy{0};  // queue_full_policy
    sync::atomic<bool> immediate{false};
    sync::atomic<std::uint32_t> block_microseconds{0};
    sync::atomic<bool> urgent{false};
    sync::atomic<std::uint64_t> queued{0};
    sync::atomic<std::uint64_t> full_count{0};
    sync::atomic<std::uint64_t> blocked_count{0};
    sync::owner_counter processed, processed_bytes, peak;
    deferred_config config{};

    std::uint64_t depth() const noexcept { return queued.load_relaxed() - processed.get(); }  // relaxed: a statistic
};

}  // namespace memory
}  // namespace framealloc::inline v1
