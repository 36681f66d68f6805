// The tables of opcodes, and the decoder that reads them.
#include "code.hpp"

namespace recorder {
namespace {

// What follows an opcode. Intel's manual, volume 2, appendix A.
enum shape : unsigned char { none = 0, modrm = 1, imm8 = 2, imm32 = 4, imm16 = 8, wide = 16, unknown = 32 };

struct cursor {
    const unsigned char* begin;
    const unsigned char* at;
    bool operand16 = false, address32 = false, rex_w = false;
    unsigned relative = 0;

    unsigned done() const { return static_cast<unsigned>(at - begin); }
};

unsigned one_byte(unsigned op) noexcept {
    if (op < 0x40) {
        const unsigned low = op & 7;
        return low < 4 ? modrm : low == 4 ? imm8 : low == 5 ? imm32 : unknown;
    }
    switch (op) {
        case 0x63: return modrm;
        case 0x68:
        case 0xA9: return imm32;
        case 0x69:
        case 0x81:
        case 0xC7: return modrm | imm32;
        case 0x6A:
        case 0xA8:
        case 0xCD:
        case 0xEB: return imm8;
        case 0x6B:
        case 0x80:
        case 0x83:
        case 0xC0:
        case 0xC1:
        case 0xC6: return modrm | imm8;
        case 0x60:
        case 0x61:
        case 0x82:
        case 0x9A:
        case 0xCE:
        case 0xD4:
        case 0xD5:
        case 0xD6:
        case 0xEA: return unknown;
        case 0xA0:
        case 0xA1:
        case 0xA2:
        case 0xA3: return unknown;  // an address of 8 bytes: compilers do not write it
        case 0xC2:
        case 0xCA: return imm16;
        case 0xC8: return imm16 | imm8;
        case 0xE8:
        case 0xE9: return imm32;
        case 0xFE:
        case 0xFF: return modrm;
        default: break;
    }
    if (op >= 0x70 && op < 0x80) return imm8;
    if (op >= 0x84 && op < 0x90) return modrm;
    if (op >= 0xB0 && op < 0xB8) return imm8;
    if (op >= 0xB8 && op < 0xC0) return wide;
    if ((op >= 0xD0 && op < 0xD4) || (op >= 0xD8 && op < 0xE0)) return modrm;
    if (op >= 0xE0 && op < 0xE8) return imm8;
    return none;
}

bool has_imm8_in_map1(unsigned op) noexcept {
    return (op >= 0x70 && op < 0x74) || op == 0xA4 || op == 0xAC || op == 0xBA || op == 0xC2 ||
           (op >= 0xC4 && op < 0xC7);
}

unsigned two_bytes(unsigned op) noexcept {
    if (op >= 0x80 && op < 0x90) return imm32;
    if ((op >= 0x04 && op < 0x0D) || op == 0x0E || (op >= 0x30 && op < 0x38) || op == 0x77 ||
        (op >= 0xA0 && op < 0xA3) || (op >= 0xA8 && op < 0xAB) || (op >= 0xC8 && op < 0xD0))
        return none;
    if (op == 0x0F || (op >= 0x24 && op < 0x28) || (op >= 0x39 && op < 0x40)) return unknown;
    return has_imm8_in_map1(op) ? modrm | imm8 : static_cast<unsigned>(modrm);
}

// The byte after the opcode, and the bytes that it announces.
void take_modrm(cursor& c) noexcept {
    const unsigned byte = *c.at++;
    const unsigned mod = byte >> 6, rm = byte & 7;
    if (mod == 3) return;
    bool displaced = mod == 2;
    if (rm == 4) displaced = (*c.at++ & 7U) == 5 && mod == 0 ? true : displaced;
    if (mod == 0 && rm == 5) {
        c.relative = c.done();
        displaced = true;
    }
    c.at += mod == 1 ? 1 : displaced ? 4 : 0;
}

void take_operands(cursor& c, unsigned what) noexcept {
    if ((what & modrm) != 0) take_modrm(c);
    if ((what & imm8) != 0) c.at += 1;
    if ((what & imm16) != 0) c.at += 2;
    if ((what & imm32) != 0) c.at += c.operand16 ? 2 : 4;
    if ((what & wide) != 0) c.at += c.rex_w ? 8 : c.operand16 ? 2 : 4;
}

// AVX and AVX-512: three maps of opcodes, whose operands are those of the older ones.
bool take_vex(cursor& c, unsigned first) noexcept {
    unsigned map = 1;
    if (first == 0xC4) map = c.at[0] & 0x1FU;
    if (first == 0x62) map = c.at[0] & 7U;
    c.at += first == 0xC5 ? 1 : first == 0xC4 ? 2 : 3;
    const unsigned op = *c.at++;
    if (map == 0 || map == 4 || map > 6) return false;
    if (map == 1 && op == 0x77) return true;
    take_operands(c, map == 3 || (map == 1 && has_imm8_in_map1(op)) ? modrm | imm8 : static_cast<unsigned>(modrm));
    return true;
}

instruction finished(const cursor& c, flow kind = flow::onward) noexcept {
    return {.bytes = c.done(), .kind = kind, .relative = c.relative};
}

instruction jump_of(cursor& c, flow kind, unsigned opcode, unsigned operand) noexcept {
    if (c.operand16) return {};
    const unsigned at = c.done();
    c.at += operand;
    return {.bytes = c.done(), .kind = kind, .relative = at, .short_jump = operand == 1, .opcode = opcode};
}

instruction after_0f(cursor& c) noexcept {
    const unsigned op = *c.at++;
    if (op >= 0x80 && op < 0x90) return jump_of(c, flow::branch, op, 4);
    if (op == 0x38 || op == 0x3A) {
        c.at += 1;
        take_operands(c, op == 0x3A ? modrm | imm8 : static_cast<unsigned>(modrm));
        return finished(c);
    }
    const unsigned what = two_bytes(op);
    if (what == unknown) return {};
    take_operands(c, what);
    return finished(c, op == 0x0B ? flow::leaves : flow::onward);
}

}  // namespace

instruction decode_instruction(const unsigned char* at) noexcept {
    cursor c{.begin = at, .at = at};
    for (;; ++c.at) {
        const unsigned p = *c.at;
        if (p == 0x66) c.operand16 = true;
        else if (p == 0x67) c.address32 = true;
        else if (p != 0xF0 && p != 0xF2 && p != 0xF3 && p != 0x2E && p != 0x36 && p != 0x3E && p != 0x26 && p != 0x64 &&
                 p != 0x65)
            break;
        if (c.done() > 10) return {};
    }
    unsigned op = *c.at++;
    if ((op & 0xF0U) == 0x40) {
        c.rex_w = (op & 8U) != 0;
        if (c.rex_w) c.operand16 = false;
        op = *c.at++;
    }
    if (op == 0x0F) return after_0f(c);
    if (op == 0xC4 || op == 0xC5 || op == 0x62) return take_vex(c, op) ? finished(c) : instruction{};
    if (op >= 0x70 && op < 0x80) return jump_of(c, flow::branch, op, 1);
    if (op == 0xE8 || op == 0xE9) return jump_of(c, op == 0xE8 ? flow::call : flow::jump, op, 4);
    if (op == 0xEB) return jump_of(c, flow::jump, op, 1);
    if (op >= 0xE0 && op < 0xE4) {  // loop, jrcxz: no long form
        instruction i = jump_of(c, flow::unmovable, op, 1);
        return i;
    }
    const unsigned what = one_byte(op);
    if (what == unknown) return {};
    const unsigned reg = *c.at >> 3 & 7U;
    take_operands(c, what);
    if ((op == 0xF6 || op == 0xF7))
        take_operands(c, reg < 2 ? modrm | (op == 0xF6 ? imm8 : imm32) : static_cast<unsigned>(modrm));
    const bool leaves = op == 0xC2 || op == 0xC3 || op == 0xCC || op == 0xF4 || (op == 0xFF && (reg == 4 || reg == 5));
    const bool calls = op == 0xFF && (reg == 2 || reg == 3);
    return finished(c, leaves ? flow::leaves : calls ? flow::unmovable : flow::onward);
}

}  // namespace recorder
