// Replays a program with the malloc of this process, or with framealloc.
#pragma once

#include "program.hpp"

#include <span>

namespace replay {

enum class with { malloc, framealloc, intent };  // intent: blocks of frame-shaped places live in frames
enum class order {
    one_thread,
    free,
    exact
};    // free: threads wait for blocks only; exact: for their turn, in the recorded order

struct outcome {
    std::uint64_t ns = 0;
    std::uint64_t wrong = 0;    // stamps
    std::uint64_t refused = 0;  // requests
};

struct frame_options {
    std::size_t capacity;     // bytes
    std::uint32_t in_flight;
};

class player {
public:
    player(std::span<const operation> operations, std::uint64_t slots, std::uint32_t threads, with w, order o,
           const frame_options& frames);
    ~player();
    player(const player&) = delete;
    player& operator=(const player&) = delete;
    outcome play(bool verify);  // not verified, its time is the allocator's

private:
    struct state;
    state* state_;
};

// Each line on standard input requests a run, verified if it begins with 'v', and is answered with one line.
// Returns the exit status of the process.
int serve(int program_fd, std::uint64_t operations, std::uint64_t slots, std::uint32_t threads, with w, order o,
          const frame_options& frames);

}  // namespace replay
