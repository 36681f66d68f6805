// Where a frame begins, in a program that knows nothing of it: a jump in place of the first instructions of a function
// that it calls once a frame. They are moved to where the jump leads, behind a call that marks the frame. No signal is
// involved.
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
