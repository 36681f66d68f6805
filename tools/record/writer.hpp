// The events of this process. Every thread has a chunk of the trace mapped: an event is two stores, and the kernel
// keeps what was written when the program is killed. Nothing here allocates.
#pragma once

#include "file.hpp"

namespace recorder {

// Returns null, or what failed.
const char* open_trace(const settings& s) noexcept;
// In a child: ends recording without touching the file, which is the parent's.
void forget_trace() noexcept;
void close_trace() noexcept;
// Called when the program is about to forbid system calls.
void close_trace_before_sandbox() noexcept;

// The calling thread's place in the trace.
struct thread_state {
    trace::event* next;  // null: no chunk
    trace::event* end;
    std::uint32_t number;  // 0: not introduced yet
    bool inside;  // within the recorder or another allocating function, whose calls are not recorded
    bool leaving;  // it may end unnoticed, so it keeps no chunk between events
    std::uintptr_t stack_end;
};
thread_state& this_thread() noexcept;

// Called before the thread's first event. This and the following require t.inside.
void introduce(thread_state& t) noexcept;
void put(thread_state& t, trace::op what, std::uint32_t stack, std::uint64_t address, std::uint64_t size,
         unsigned alignment_log2) noexcept;
void put_mark(thread_state& t) noexcept;

// A store by the recorder failed at `address` because the file was truncated. Returns whether to retry the store.
bool recover_store(const void* address) noexcept;

}  // namespace recorder
