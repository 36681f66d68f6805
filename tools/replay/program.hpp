// A trace as a list of operations on numbered slots, ready to be replayed by another process that maps it.
#pragma once

#include "advise/sites.hpp"

namespace replay {

enum class act : std::uint8_t { allocate, allocate_zero, release, grow, frame };

// `place`: what (4 bits), log2 of the alignment (6), frame memory (1), thread (13), slot (32). `extent`: bytes, or the
// number of a frame (40), use of the slot (24).
struct operation {
    std::uint64_t place;
    std::uint64_t extent;

    act what() const noexcept { return static_cast<act>(place & 15); }
    std::size_t alignment() const noexcept { return std::size_t{1} << (place >> 4 & 63); }
    bool in_frame() const noexcept { return (place >> 10 & 1) != 0; }
    std::uint32_t thread() const noexcept { return static_cast<std::uint32_t>(place >> 11 & 0x1FFF); }
    std::uint32_t slot() const noexcept { return static_cast<std::uint32_t>(place >> 32); }
    std::size_t bytes() const noexcept { return extent & ((std::uint64_t{1} << 40) - 1); }
    std::uint32_t use() const noexcept { return static_cast<std::uint32_t>(extent >> 40); }
};
static_assert(sizeof(operation) == 16);

struct program {
    std::vector<operation> operations;
    std::uint64_t calls = 0;  // operations without the frame marks
    std::uint64_t slots = 0, peak_bytes = 0, frames = 0;
    std::uint32_t threads = 1;
    std::uint64_t frame_blocks = 0, blocks = 0;
    std::uint64_t beyond = 0;  // blocks of frame-advised places used beyond their frame; they stay in the pool
    std::uint64_t touched = 0;  // peak number of bytes in use that a verified round writes to
};

// Every OS page of a block up to this size is stamped, as its owner would have used it. The trace does not record which
// OS pages of a larger block were touched, so only its two ends are stamped.
inline constexpr std::uint64_t stamped_whole = 1 << 20;

// Which part of a trace is replayed: everything, or only the blocks that would be in frames.
enum class part { all, frames };

// Uses the advised frames, with frames in flight. Throws trace::error.
program build(const trace::recording& r, const advise::advice& a, std::size_t site_depth, part which);

}  // namespace replay
