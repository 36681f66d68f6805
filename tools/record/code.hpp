// How long instructions of x86-64 are, and where they jump: as much as is needed to move the first ones of a function
// elsewhere.
#pragma once

#include <cstdint>

namespace recorder {

enum class flow : std::uint8_t { onward, jump, branch, call, leaves, unmovable };  // jump, branch, call: relative

struct instruction {
    unsigned bytes = 0;  // 0: not known
    flow kind = flow::onward;
    unsigned relative =
        0;  // where its last operand starts, which counts from its end: that of a jump, or of an address; 0: none
    bool short_jump = false;  // of one byte
    unsigned opcode = 0;  // of a branch: its condition in the lower 4 bits
};

// Reads up to 15 bytes.
instruction decode_instruction(const unsigned char* at) noexcept;

}  // namespace recorder
