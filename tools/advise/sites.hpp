// What a trace says of each place that allocates, and what framealloc would do for it.
#pragma once

#include "trace/lives.hpp"

#include <array>
#include <map>

namespace advise {

enum class shape {
    unknown,    // too few blocks, or no two of them alike
    startup,    // made before the first frame
    frame,      // dead within the frame, or a few frames later
    grow,       // a vector's pattern: larger and larger blocks with the same content
    transfer,   // freed by another thread
    pool,       // long-lived or of any life, of one size
    heap,       // everything else
};
const char* name_of(shape s);

// Bins of a block's life in frames: 0, 1, 2, 3-4, 5-8, …, 129 and more, alive at the end.
inline constexpr std::size_t life_bins = 11;
std::size_t life_bin(std::uint32_t frames);
const char* life_bin_name(std::size_t bin);

// Frames that a frame-shaped block may outlive, at most: with more, memory stays in flight for nothing.
inline constexpr std::uint32_t most_kept = 3;

struct site {
    std::vector<std::uint64_t> addresses;  // innermost first
    std::uint64_t blocks = 0;              // after the first frame began, and decided: not alive in the last frames
    std::uint64_t startup = 0;             // before it
    std::uint64_t bytes = 0;
    std::uint64_t crossed = 0;             // ended by another thread
    std::uint64_t grown = 0;               // ended by growth
    std::array<std::uint64_t, most_kept + 1> within{};  // ended after at most so many frames
    std::array<std::uint64_t, life_bins> lives{};
    std::map<std::uint64_t, std::uint64_t> sizes;       // by size, the first 256 of them
    std::uint64_t other_sizes = 0;
    std::uint64_t largest = 0;
    std::uint64_t live_bytes = 0, peak_bytes = 0, live_blocks = 0, peak_blocks = 0;
    std::uint64_t this_frame = 0, burst = 0;            // blocks, in one frame at most

    shape verdict = shape::unknown;
    std::uint32_t kept = 0;        // frame: frames that its blocks outlive
    std::uint64_t pool_class = 0;  // pool: bytes
    double share = 0;              // of its blocks that fit the verdict
    double confidence = 0;         // what at least fits, with 95 % probability: Wilson's lower bound for `share`
    std::string tag;               // suggested
    std::vector<std::string> names;
    std::size_t named = 0;         // which of them names the place: the innermost that is not called from everywhere
};

struct frame_use {
    std::uint64_t blocks = 0, bytes = 0;  // made in it
    std::uint64_t frame_blocks = 0;       // of those, from frame-shaped places
};

struct percentiles {
    std::uint64_t p50 = 0, p99 = 0, max = 0;
};

struct thread_use {
    std::uint32_t thread = 0;
    percentiles frame_bytes;  // of what would be frame memory, over its frames
    std::uint64_t frames = 0;
};

struct tag_use {
    std::string tag;
    std::uint64_t places = 0, peak_bytes = 0;
    double mallocs_per_frame = 0;
};

struct advice {
    std::string program, frame_name;
    bool enough_frames = false;
    std::uint64_t frames = 0, events = 0, unknown_ends = 0, sampled = 1, blocks = 0, died_in_frame = 0;
    std::vector<site> sites;          // most mallocs first
    std::vector<frame_use> timeline;
    std::vector<thread_use> threads;  // those with frame memory, the most first
    std::vector<tag_use> tags;
    std::vector<std::pair<std::uint64_t, std::uint64_t>> classes;  // pool: bytes, blocks live at most
    std::uint64_t frame_capacity = 0;     // bytes: the most that a thread's frame takes, or p99 where the most is far beyond it
    bool load_frames = false;             // some are far beyond p99
    std::uint32_t frames_in_flight = 1;
    double mallocs_per_frame = 0;
    std::map<shape, double> removed;  // mallocs a frame, by what replaces them
};

inline constexpr double needed_confidence = 0.9;
inline constexpr std::uint64_t needed_frames = 10;

// Wilson, 1927: lower end of the score interval for a share, at 95 %.
double wilson_lower(std::uint64_t fitting, std::uint64_t n);

// `depth`: return addresses that make a place. Names are not filled in. Throws trace::error.
advice study(const trace::recording& r, std::size_t depth);

// Finds the functions that pass allocations on: called from so many places, they name none. Sets site::named.
void skip_wrappers(advice& a);

// After names and tags are known.
void sum_tags(advice& a);

}  // namespace advise
