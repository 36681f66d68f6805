// Accesses to memory that is not accessible.
#pragma once

#include <cstddef>
#include <cstdint>

#include <framealloc/config.hpp>

namespace framealloc::inline FRAMEALLOC_ABI::os {

// Hears of each in the signal handler, on the thread that made the access, before whoever handled it before. Where the system
// has no such signal, nothing is heard. Threads: any; the first call counts.
using access_handler = void (*)(std::uintptr_t address, const void* instruction) noexcept;
void catch_access_faults(access_handler f) noexcept;

// "program+0x1234" for an address in code; empty where it cannot be told.
void name_code(const void* instruction, char* buffer, std::size_t size) noexcept;

}  // namespace framealloc::inline FRAMEALLOC_ABI::os
