// Finds the return addresses of the calling thread with the unwind tables that every x86-64 program has for exceptions.
// It needs no frame pointers, which distribution packages lack. A rule is decoded once per address; later it is one
// lookup.
#pragma once

#include <cstddef>
#include <cstdint>

namespace recorder {

struct stack_start {
    std::uintptr_t pc, sp, bp;
    std::uintptr_t end;  // of the thread's stack
};

// Writes the addresses, innermost first, and returns how many. Allocates nothing, takes no lock.
std::size_t unwind(stack_start from, std::uintptr_t* into, std::size_t most) noexcept;

// Called after code was unloaded: code loaded later at its addresses has other rules.
void forget_rules() noexcept;

}  // namespace recorder
