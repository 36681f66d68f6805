// Return addresses of the calling thread, by the unwind tables that every x86-64 program carries for its exceptions:
// frame pointers are not needed, and distribution packages have none. A rule is decoded once per address; later it is
// one lookup.
#pragma once

#include <cstddef>
#include <cstdint>

namespace recorder {

struct stack_start {
    std::uintptr_t pc, sp, bp;
    std::uintptr_t end;  // of the thread's stack
};

// Returns how many addresses were written, the innermost first. Allocates nothing, takes no lock.
std::size_t unwind(stack_start from, std::uintptr_t* into, std::size_t most) noexcept;

// After code was unloaded: what is loaded at its addresses later has other rules.
void forget_rules() noexcept;

}  // namespace recorder
