// Thread exit, fork, and a short sleep.
#pragma once

#include <cstdint>

#include <framealloc/config.hpp>

namespace framealloc::inline v1::os {

// Calls `hook` when the calling thread ends, after its C++ thread-locals where the system allows. May be called again
// from such a destructor: the hook then runs once more. Returns false when the system has no means left to do it.
bool call_at_thread_exit(void (*hook)() noexcept) noexcept;

// Calls `before` when the process is about to fork, and one of the others afterwards, for the rest of the program.
// Returns false without memory for it.
bool call_at_fork(void (*before)() noexcept, void (*in_parent)() noexcept, void (*in_child)() noexcept) noexcept;

// A number that differs from one run of the program to the next, the same for all of one.
std::uint64_t random_of_process() noexcept;

// As the system numbers it: what debuggers and profilers show.
std::uint64_t thread_number() noexcept;

void sleep_microseconds(std::uint32_t n) noexcept;
std::uint64_t monotonic_microseconds() noexcept;

}  // namespace framealloc::inline v1::os
