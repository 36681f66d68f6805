// Marks frames in an unmodified program: a jump replaces the first instructions of a function that the program calls
// once per frame. They are moved to the jump's target, after a call that marks the frame. No signal is involved.
#pragma once

#include <cstdint>

namespace recorder {

struct function {
    std::uintptr_t address;  // 0: none
    std::uint64_t bytes;
};

// `name` as the linker knows it, or as C++ writes it without arguments: Game::update.
function find_function(const char* name) noexcept;

// Returns null, or what failed.
const char* mark_at(function f) noexcept;

}  // namespace recorder
