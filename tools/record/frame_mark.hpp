// Where a frame begins, in a program that knows nothing of it: a breakpoint on the first byte of a function that it calls once a
// frame. The trap marks the frame, puts the byte back for one step of this thread, and sets the breakpoint again.
#pragma once

#include <cstdint>

namespace recorder {

// `name` as the linker knows it, or as C++ writes it without arguments: Game::update. Returns 0 when no loaded object has it.
std::uintptr_t find_function(const char* name) noexcept;

// Returns null, or what failed.
const char* mark_at(std::uintptr_t function) noexcept;

// Takes SIGTRAP out of a set that the program is about to block: a breakpoint on a thread that blocks it would end the program.
bool guards_trap() noexcept;

}  // namespace recorder
