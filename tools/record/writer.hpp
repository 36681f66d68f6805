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
// The program is about to forbid itself system calls.
void close_trace_before_sandbox() noexcept;

// The calling thread's place in the trace.
struct thread_state {
    trace::event* next;  // null: no chunk
    trace::event* end;
    std::uint32_t number;  // 0: not introduced yet
    bool inside;  // the recorder, or another allocating function: what it calls is not recorded
    bool leaving;  // its end may come unseen: it keeps no chunk from one event to the next
    std::uintptr_t stack_end;
};
thread_state& this_thread() noexcept;

// Before its first event. Requires, as the following: t.inside.
void introduce(thread_state& t) noexcept;
void put(thread_state& t, trace::op what, std::uint32_t stack, std::uint64_t address, std::uint64_t size,
         unsigned alignment_log2) noexcept;
void put_mark(thread_state& t) noexcept;

// A store of the recorder failed at `address`, because someone cut the file. Returns whether it may be tried again.
bool recover_store(const void* address) noexcept;

}  // namespace recorder
