// The events that an allocator reports to an observer; see insight/lifecycle.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <framealloc/base/callback.hpp>
#include <framealloc/base/kind.hpp>

namespace framealloc::inline v1 {

enum class frame_event_kind : std::uint8_t {
    frame_begin,         // depth
    frame_end,           // depth, bytes allocated in it, peak bytes in use, microseconds it was open
    allocation,          // memory, bytes
    release,             // memory, bytes; of pool and heap blocks, freed on their own thread
    remote_free,         // bytes, other_thread: the block's own
    deferred_processed,  // count blocks of `bytes` returned to their owner
    transfer_initiated,  // bytes
    transfer_completed,  // bytes
    transfer_dropped,    // bytes
    memory_pressure,     // bytes asked for, in_use, limit: the warning threshold of a budget was passed
    budget_exceeded,     // bytes asked for, in_use, limit
};
inline constexpr std::size_t frame_event_kinds = 11;

// What does not belong to a kind is zero. Bytes of frame memory are those asked for, of pool and small heap blocks the
// class's.
struct frame_event {
    frame_event_kind kind{};
    memory_kind memory{};
    std::uint32_t depth = 0;  // of frames, the outermost 1
    std::uint64_t thread = 0;  // as the system numbers it
    std::uint64_t other_thread = 0;
    std::uint64_t frame = 0;  // number of the thread's outermost frame
    std::size_t bytes = 0;
    std::uint64_t count = 0;
    std::size_t peak = 0;  // bytes
    std::size_t in_use = 0;  // bytes
    std::size_t limit = 0;  // bytes
    std::uint64_t microseconds = 0;
    std::string_view tag{};  // path of the current tag; lives as long as the allocator
};

using frame_event_handler = callback<void(const frame_event&)>;

}  // namespace framealloc::inline v1
