// The trace file of this process. Every thread has a chunk of it mapped: an event is two stores, and the kernel keeps what was
// written when the program is killed. Nothing here allocates.
#pragma once

#include "trace/format.hpp"

namespace recorder {

struct settings {
    char path[1024];
    std::uint64_t limit;         // bytes of the trace; 0: none
    std::uint32_t sample;        // one address in so many
    std::uint32_t stack_depth;
    std::uint32_t every_us;      // between marks; 0: not by time
    trace::frame_source frames;
    char frame_name[256];
};

// Returns null, or what failed.
const char* open_trace(const settings& s) noexcept;
// Ends recording in this process, without touching the file: it is the parent's.
void forget_trace() noexcept;
void close_trace() noexcept;
bool recording() noexcept;

std::uint64_t since_start_ns() noexcept;

// The calling thread's place in the trace.
struct thread_state {
    trace::event* next;     // null: no chunk
    trace::event* end;
    std::uint32_t number;   // 0: not introduced yet
    bool inside;            // the recorder, or another allocating function: what it calls is not recorded
    bool stepping;          // over the instruction under a breakpoint
    std::uintptr_t stack_end;
};
thread_state& this_thread() noexcept;

// Before its first event. Requires, as the following: t.inside.
void introduce(thread_state& t) noexcept;
void put(thread_state& t, trace::op what, std::uint32_t stack, std::uint64_t address, std::uint64_t size, unsigned alignment_log2) noexcept;
void put_mark(thread_state& t) noexcept;
void note_unrecorded() noexcept;

// The number of a stack, written to the trace when it is new; 0 when there are too many.
std::uint32_t stack_number(const std::uintptr_t* addresses, std::size_t n) noexcept;

}  // namespace recorder
