// The file of the trace. The program may close its descriptor, the disk may fill up, and the program may set limits on
// file sizes. In each case recording ends, the header says why, and the program continues.
#pragma once

#include "trace/format.hpp"

#include <atomic>

namespace recorder {

struct settings {
    char path[1024];
    std::uint64_t limit;  // bytes of the trace; 0: none
    std::uint32_t sample;  // one address in this many
    std::uint32_t stack_depth;
    std::uint32_t every_us;  // between marks; 0: not by time
    trace::frame_source frames;
    char frame_name[256];
};

class spin_lock {
public:
    explicit spin_lock(std::atomic_flag& f) noexcept : flag_(f) {
        while (flag_.test_and_set(std::memory_order_acquire)) {}
    }
    ~spin_lock() { flag_.clear(std::memory_order_release); }
    spin_lock(const spin_lock&) = delete;
    spin_lock& operator=(const spin_lock&) = delete;

private:
    std::atomic_flag& flag_;
};

// Returns null, or what failed.
const char* open_file(const settings& s) noexcept;
void begin_recording() noexcept;
bool recording() noexcept;
// Whether this process has a trace: false in a child of fork(), and of vfork(), which shares everything with its
// parent.
bool owns_file() noexcept;
void close_file() noexcept;
// Ends recording while system calls are still allowed; afterwards none is made for the file.
void fall_silent() noexcept;
// Called in a child, where the file is the parent's.
void forget_file() noexcept;

// Returns null, and recording has ended, if there is no room.
trace::chunk_header* new_chunk(trace::chunk_kind kind, std::uint32_t thread) noexcept;
// Nothing more is written to the chunk that ends at `end`. Null: no chunk.
void finish_chunk(void* end) noexcept;
void note_unrecorded() noexcept;

std::uint64_t since_start_ns() noexcept;

// The file was truncated, and a store into its mapping at `address` failed. Maps other memory there and ends recording;
// false if the mapping is not that of the header or of the chunk that ends at one of `ends`.
bool replace_lost_mapping(const void* address, void* const* ends, std::size_t count) noexcept;

}  // namespace recorder
