// Accesses to memory that is not accessible.
#pragma once

#include <cstddef>
#include <cstdint>

#include <framealloc/config.hpp>

namespace framealloc::inline v1::os {

// Called for each in the signal handler, on the thread that made the access, before the earlier handler. Where the
// system has no such signal, never called. Threads: any; the first call counts.
enum class access_kind : unsigned char { unknown, read, write };
using access_handler = void (*)(std::uintptr_t address, const void* instruction, access_kind kind) noexcept;
void catch_access_faults(access_handler f) noexcept;
// Bytes left of the alternate signal stack that the caller runs on; the largest number where it runs on none.
std::size_t signal_stack_room() noexcept;

}  // namespace framealloc::inline v1::os
