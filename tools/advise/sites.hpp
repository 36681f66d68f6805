// What a trace shows about each place that allocates, and what framealloc would do for it.
#pragma once

#include "trace/lives.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace advise {

enum class shape {
    unknown,    // too few blocks, or no two of them alike
    startup,    // made before the first frame
    frame,      // every block seen was freed within its frame, or a few frames later
    survivors,  // mostly so, but some outlive the frame: in a frame those would dangle
    grow,       // a vector's pattern: larger and larger blocks with the same content
    transfer,   // freed by another thread
    pool,       // long-lived or of any life, of one size
    heap,       // everything else
    library,    // any of the five above, inside a library, whose allocator hook sees a size but no frame
};
const char* name_of(shape s);

// Where the code is that requested the blocks of a place.
enum class ground {
    program,       // and the program's own libraries
    library,       // somebody else's
    hook,          // the program's, but called by a library to allocate
    perhaps_hook,  // the program's, called by a library for reasons that the trace does not show
    system,        // the C library and the loader, which no hook reaches
};

// Bins of a block's lifetime in frames: 0, 1, 2, 3-4, 5-8, …, 129 and more, alive at the end.
inline constexpr std::size_t life_bins = 11;
std::size_t life_bin(std::uint32_t frames);
const char* life_bin_name(std::size_t bin);

// The most frames that a frame-shaped block may outlive; with more, memory would stay in flight for nothing.
inline constexpr std::uint32_t most_kept = 3;

struct site {
    std::vector<std::uint64_t> addresses;  // innermost first
    std::uint64_t born = 0;                // blocks made after the first frame began
    std::uint64_t blocks = 0;              // of those, the decided: not made in the last frames and still alive
    std::uint64_t startup = 0;             // made before the first frame
    std::uint64_t last_born = 0;           // the last frame that made one
    std::uint64_t startup_outlived = 0;    // of those, alive when it began
    std::uint64_t startup_crossed = 0;     // of those, freed by another thread
    std::uint64_t first_born = 0;          // the first frame that made one
    std::uint64_t late_born = 0;           // made in the second half of the frames
    std::uint64_t late_burst = 0;          // of those, the most in one frame
    std::uint64_t bytes = 0;
    std::uint64_t crossed = 0;             // of the decided, freed by another thread
    std::uint64_t grown = 0;               // freed by growth
    std::uint64_t resized = 0;             // made by realloc from other blocks
    std::uint64_t moved = 0;               // in frames: grew below other frame memory, so not in place
    std::array<std::uint64_t, most_kept + 1> within{};    // freed after at most this many frames
    std::array<std::uint64_t, most_kept + 1>
        undecided{};  // made in the last frames, alive at the end, and older than this many
    std::array<std::uint64_t, most_kept + 1>
        last_outlived{};  // the latest frame that made a block which lives longer than this many
    std::array<std::uint64_t, life_bins> lives{};
    std::map<std::uint64_t, std::uint64_t> sizes;       // by size, the first 256 of them
    std::uint64_t other_sizes = 0;
    std::uint64_t smallest = ~std::uint64_t{0}, largest = 0;
    std::uint64_t oversize = 0;                         // of `born`, larger than `largest_in_frames`
    std::uint64_t live_bytes = 0, peak_bytes = 0, live_blocks = 0, peak_blocks = 0;
    std::uint64_t this_frame = 0, burst = 0;            // blocks: in this frame, the most in one frame

    shape verdict = shape::unknown;
    std::uint32_t kept = 0;        // frames its blocks outlive: all of them (frame), most of them (survivors)
    bool in_frames = false;        // frame, or grow where every block dies within its frame
    std::uint64_t pool_class = 0;  // pool: bytes
    double share = 0;  // of its blocks that fit the verdict; the others must still be correct under it
    double confidence = 0;  // the least share that fits, with 95 % probability: Wilson's lower bound for `share`
    std::uint64_t steady_born = 0;  // of `born`, after the warm-up
    std::uint64_t steady_moving = 0;  // of moving(), likewise
    shape steady_verdict = shape::unknown;  // from those alone; blocks left from the warm-up do not count against it
    std::uint32_t steady_kept = 0;  // as `kept`

    ground lies = ground::program;
    std::string lies_in;  // the file name of the library
    std::size_t lies_at = 0;  // index of the innermost address in it
    std::string tag;  // suggested
    std::vector<std::string> names;
    std::size_t named = 0;  // index of the name that names the place: the innermost that is not called from everywhere
};

// Frame memory holds larger blocks out of line, one by one, as a heap does: that gains nothing, and frame_capacity does
// not include them.
inline constexpr std::uint64_t largest_in_frames = std::uint64_t{1} << 20;

// Beyond this, frames chain chunks: a single frame that fills one is no longer small.
inline constexpr std::uint64_t most_capacity = std::uint64_t{64} << 20;

// Blocks whose content moved to another block: a chain of them is one vector, or one block for realloc.
inline std::uint64_t moving(const site& s) { return std::max(s.grown, s.resized); }

// The program cannot use a frame there, whatever the shape.
inline bool is_in_library(const site& s) {
    return s.lies == ground::library || s.lies == ground::hook || s.lies == ground::system;
}

// Allocates in frames, but in none of the steady state: its cost is paid once.
inline bool is_warm_up_only(const site& s) { return s.born != 0 && s.steady_born == 0; }

// Blocks that live longer than `kept` frames, as far as the trace shows.
inline std::uint64_t outliving(const site& s, std::uint32_t kept) {
    return s.blocks - s.within[kept] + s.undecided[kept];
}

struct frame_use {
    std::uint64_t blocks = 0, bytes = 0;  // made in it
    std::uint64_t frame_blocks = 0;  // of those, from frame-shaped places
};

struct percentiles {
    std::uint64_t p50 = 0, p99 = 0, max = 0;
};

struct thread_use {
    std::uint32_t thread = 0;
    percentiles frame_bytes{};  // of frame memory if advised, over its steady-state frames that use any
    std::uint64_t frames = 0;  // that many
    std::uint64_t warm_up_max = 0;  // bytes, in a frame of the warm-up
};

struct tag_use {
    std::string tag;
    std::uint64_t places = 0, peak_bytes = 0;
    double warm = 0, steady = 0;  // mallocs a frame
};

// The warm-up, or the steady state after it. The replaced mallocs, those in libraries and the rest add up to
// mallocs_per_frame.
struct phase {
    std::uint64_t frames = 0, born = 0, blocks = 0, died_in_frame = 0;  // `blocks`: the decided ones
    double mallocs_per_frame = 0;
    std::map<shape, double> removed{};  // mallocs a frame, by what replaces them
    double in_libraries = 0;  // per frame; replaced only if the library has an allocator hook
    double staying = 0;  // the others
};

struct advice {
    std::string program, frame_name, stopped;  // stopped: why recording ended before the program did
    bool enough_frames = false;
    std::uint64_t frames = 0, events = 0, unknown_ends = 0, sampled = 1, blocks = 0, died_in_frame = 0;
    std::vector<site> sites;  // most mallocs first
    std::vector<frame_use> timeline;
    std::vector<thread_use> threads;  // those with frame memory, the most first
    std::vector<tag_use> tags;
    std::vector<std::pair<std::uint64_t, std::uint64_t>> classes;  // pool: bytes, blocks live at most
    // Bytes: the most that a thread's frame takes, or p99 if the most is far beyond it
    std::uint64_t frame_capacity = 0;
    std::uint64_t oversize = 0;  // blocks of frames that are larger than `largest_in_frames`, not in frame_capacity
    bool capped = false;  // frame_capacity is `most_capacity`
    std::uint64_t in_frames = 0;  // blocks that would be in frames, checked one by one
    std::uint64_t dangling = 0;  // of those, used beyond their frame: 0 if the verdicts are right
    bool load_frames = false;  // some are far beyond p99
    std::uint32_t frames_in_flight = 1;
    double mallocs_per_frame = 0;  // over all frames
    std::uint64_t warm_up = 0;  // frames
    bool warm_up_given = false;  // by --warm-up
    bool still_changing = false;  // places that make many of the second half's blocks began in it
    phase warm, steady;
    std::uint64_t last_busy = 0;  // the last frame that made a block
    std::uint32_t slice_us = 0;  // not 0: frames are slices of time and say nothing about the program's frames
    std::vector<std::string> own_libraries;  // that contain places
};

inline constexpr double needed_confidence = 0.9;
inline constexpr std::uint64_t needed_frames = 10;

// Wilson, 1927: lower end of the score interval for a share, at 95 %.
double wilson_lower(std::uint64_t fitting, std::uint64_t n);

struct study_options {
    std::size_t depth = 5;  // return addresses that make a place
    std::optional<std::uint64_t> warm_up;  // frames; found in the trace if not given
    std::vector<std::string> own,
        foreign;  // libraries that belong to the program, and that do not, regardless of their folders
};

// Names are not filled in. Throws trace::error.
advice study(const trace::recording& r, const study_options& o);

// Whether `n` blocks, if all alike, are enough for a verdict about their place.
bool are_enough(std::uint64_t n);

// Finds the functions that only forward allocations: called from many places, they cannot name one. Sets site::named.
void skip_wrappers(advice& a);

// The places whose names are looked up: the first `places` of them, and if tags are suggested, those with the largest
// peaks.
std::vector<site*> to_be_named(advice& a, std::size_t places);

// Computes each tag's peak from the trace, once the places have tags.
void sum_tags(advice& a, const trace::recording& r, std::size_t depth);

}  // namespace advise
