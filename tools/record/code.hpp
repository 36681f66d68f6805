// The length of x86-64 instructions, and where they jump: enough to move the first instructions of a function.
#pragma once

#include <cstdint>

namespace recorder {

enum class flow : std::uint8_t { onward, jump, branch, call, leaves, unmovable };  // jump, branch, call: relative

struct instruction {
    unsigned bytes = 0;  // 0: not known
    flow kind = flow::onward;
    unsigned relative = 0;  // offset of its last operand, if relative to its end, as in jumps and addresses; 0: none
    bool short_jump = false;  // of one byte
    unsigned opcode = 0;  // of a branch: its condition in the lower 4 bits
};

// Reads up to 15 bytes.
instruction decode_instruction(const unsigned char* at) noexcept;

}  // namespace recorder
