// Decodes .eh_frame to one rule per address, and follows the rules up the stack.
#include "unwind.hpp"

#include <dlfcn.h>

#include <atomic>
#include <cstring>
#include <iterator>

namespace recorder {
namespace {

// Where the caller's frame is. The return address is just below the canonical frame address (CFA), as the x86-64 ABI
// requires.
struct rule {
    std::int32_t cfa_offset = 0;
    std::int32_t bp_offset = 0;  // from the CFA; 0: unchanged
    std::uint32_t base = 0;  // DWARF number of the register: 6 is rbp, 7 is rsp; 0: the walk ends here

    friend bool operator==(const rule&, const rule&) = default;
};

constexpr std::uint32_t reg_bp = 6, reg_sp = 7, reg_ra = 16;

// An address and the number of its rule in one word, so that both are read and written atomically.
constexpr std::size_t cache_size = std::size_t{1} << 16, most_rules = std::size_t{1} << 15;
std::atomic<std::uint64_t> cache[cache_size];
rule rules[most_rules];
std::atomic<std::uint32_t> rule_count{1};  // rule 0 ends the walk
std::atomic_flag rules_locked;

std::size_t slot_of(std::uintptr_t pc) noexcept { return static_cast<std::size_t>(pc * 0x9e3779b97f4a7c15U >> 48); }

class reader {
public:
    reader(const unsigned char* at, const unsigned char* end) : at_(at), end_(end) {}
    bool more() const { return at_ < end_; }
    const unsigned char* at() const { return at_; }
    void skip(std::size_t n) { at_ = n <= static_cast<std::size_t>(end_ - at_) ? at_ + n : end_; }
    template <class T>
    T fixed() {
        T value{};
        if (sizeof value <= static_cast<std::size_t>(end_ - at_)) std::memcpy(&value, at_, sizeof value);
        skip(sizeof value);
        return value;
    }
    std::uint64_t uleb() {
        std::uint64_t value = 0;
        for (unsigned shift = 0; more(); shift += 7) {
            const unsigned char byte = *at_++;
            if (shift < 64) value |= std::uint64_t{byte & 0x7FU} << shift;
            if ((byte & 0x80U) == 0) break;
        }
        return value;
    }
    std::int64_t sleb() {
        std::int64_t value = 0;
        unsigned shift = 0;
        while (more()) {
            const unsigned char byte = *at_++;
            if (shift < 64) value |= static_cast<std::int64_t>(std::uint64_t{byte & 0x7FU} << shift);
            shift += 7;
            if ((byte & 0x80U) != 0) continue;
            if ((byte & 0x40U) != 0 && shift < 64) value |= -(std::int64_t{1} << shift);
            break;
        }
        return value;
    }
    // DWARF pointer encodings that linkers write: absolute or relative, of 2, 4 or 8 bytes.
    std::uintptr_t pointer(unsigned char encoding) {
        const std::uintptr_t here = reinterpret_cast<std::uintptr_t>(at_);
        std::uintptr_t value = 0;
        switch (encoding & 0x0FU) {
            case 0x00:
            case 0x04:
            case 0x0C: value = fixed<std::uint64_t>(); break;
            case 0x02: value = fixed<std::uint16_t>(); break;
            case 0x03: value = fixed<std::uint32_t>(); break;
            case 0x0A: value = static_cast<std::uintptr_t>(fixed<std::int16_t>()); break;
            case 0x0B: value = static_cast<std::uintptr_t>(fixed<std::int32_t>()); break;
            default: skip(8);
        }
        return (encoding & 0x70U) == 0x10 ? value + here : value;
    }

private:
    const unsigned char* at_;
    const unsigned char* end_;
};

struct cie {
    const unsigned char* begin = nullptr;  // of its instructions
    const unsigned char* end = nullptr;
    std::uint64_t code_factor = 1;
    std::int64_t data_factor = 1;
    unsigned char encoding = 0;
    bool augmented = false, signal = false;
};

const unsigned char* record_end(const unsigned char* record) noexcept {
    std::uint32_t length = 0;
    std::memcpy(&length, record, 4);
    return length == 0xFFFFFFFFU ? nullptr : record + 4 + length;
}

bool read_cie(const unsigned char* record, cie& c) noexcept {
    c.end = record_end(record);
    if (c.end == nullptr) return false;
    reader in(record + 8, c.end);
    const auto version = in.fixed<std::uint8_t>();
    const char* augmentation = reinterpret_cast<const char*>(in.at());
    in.skip(std::strlen(augmentation) + 1);
    c.code_factor = in.uleb();
    c.data_factor = in.sleb();
    if (version == 1) in.skip(1);
    else in.uleb();
    if (*augmentation == 'z') {
        c.augmented = true;
        const std::uint64_t length = in.uleb();
        const unsigned char* behind = in.at() + length;
        for (const char* a = augmentation + 1; *a != 0; ++a) {
            if (*a == 'R') c.encoding = in.fixed<std::uint8_t>();
            else if (*a == 'L') in.skip(1);
            else if (*a == 'P') in.pointer(in.fixed<std::uint8_t>());
            else if (*a == 'S') c.signal = true;
            else return false;
        }
        c.begin = behind;
    } else {
        c.begin = in.at();
    }
    return c.begin <= c.end;
}

struct state {
    rule r;
    bool lost = false;  // by an expression, or an undefined return address
};

// Call frame instructions, run up to `pc`. DWARF 5, section 6.4.2.
class call_frame_program {
public:
    call_frame_program(reader in, const cie& c, std::uintptr_t at, std::uintptr_t pc, state& s,
                       const state& initial) noexcept
        : in_(in), c_(c), at_(at), pc_(pc), s_(s), initial_(initial) {}

    // False where an instruction is not known.
    bool run() noexcept {
        while (in_.more() && at_ <= pc_) {
            const auto byte = in_.fixed<std::uint8_t>();
            const unsigned low = byte & 0x3FU;
            switch (byte >> 6) {
                case 1: at_ += low * c_.code_factor; break;
                case 2: save(low, factored(static_cast<std::int64_t>(in_.uleb()))); break;
                case 3:
                    if (low == reg_bp) s_.r.bp_offset = initial_.r.bp_offset;
                    break;
                default:
                    if (!advance(byte) && !rule_of_register(byte) && !rule_of_frame(byte) && !keep(byte)) return false;
            }
        }
        return true;
    }

private:
    std::int64_t factored(std::int64_t offset) const noexcept { return offset * c_.data_factor; }
    void save(std::uint64_t reg, std::int64_t offset) noexcept {
        if (reg == reg_bp) s_.r.bp_offset = static_cast<std::int32_t>(offset);
    }

    // Each of these: false where the instruction is not one of its kind.
    bool advance(std::uint8_t byte) noexcept {
        switch (byte) {
            case 0x00: return true;  // nop
            case 0x01: at_ = in_.pointer(c_.encoding); return true;
            case 0x02: at_ += in_.fixed<std::uint8_t>() * c_.code_factor; return true;
            case 0x03: at_ += in_.fixed<std::uint16_t>() * c_.code_factor; return true;
            case 0x04: at_ += in_.fixed<std::uint32_t>() * c_.code_factor; return true;
            case 0x2E: in_.uleb(); return true;  // GNU_args_size
            default: return false;
        }
    }
    bool rule_of_register(std::uint8_t byte) noexcept {
        if (byte < 0x05 || (byte > 0x09 && byte != 0x10 && byte != 0x11 && byte != 0x16)) return false;
        const std::uint64_t reg = in_.uleb();
        switch (byte) {
            case 0x05: save(reg, factored(static_cast<std::int64_t>(in_.uleb()))); break;
            case 0x06: save(reg, initial_.r.bp_offset); break;
            case 0x07: s_.lost = s_.lost || reg == reg_ra; break;  // undefined: the outermost frame
            case 0x08: save(reg, 0); break;
            case 0x09:
                s_.lost = s_.lost || reg == reg_bp;
                in_.uleb();
                break;
            case 0x11: save(reg, factored(in_.sleb())); break;
            default:  // an expression
                s_.lost = s_.lost || reg == reg_bp;
                in_.skip(in_.uleb());
        }
        return true;
    }
    bool rule_of_frame(std::uint8_t byte) noexcept {
        switch (byte) {
            case 0x0C:
                s_.r.base = static_cast<std::uint32_t>(in_.uleb());
                s_.r.cfa_offset = static_cast<std::int32_t>(in_.uleb());
                s_.lost = false;
                return true;
            case 0x0D: s_.r.base = static_cast<std::uint32_t>(in_.uleb()); return true;
            case 0x0E: s_.r.cfa_offset = static_cast<std::int32_t>(in_.uleb()); return true;
            case 0x0F:
                in_.skip(in_.uleb());
                s_.lost = true;
                return true;
            case 0x12:
                s_.r.base = static_cast<std::uint32_t>(in_.uleb());
                s_.r.cfa_offset = static_cast<std::int32_t>(factored(in_.sleb()));
                return true;
            case 0x13: s_.r.cfa_offset = static_cast<std::int32_t>(factored(in_.sleb())); return true;
            default: return false;
        }
    }
    bool keep(std::uint8_t byte) noexcept {
        if (byte == 0x0A && depth_ < 8) {
            kept_[depth_++] = s_;
            return true;
        }
        if (byte != 0x0B || depth_ == 0) return false;
        s_ = kept_[--depth_];
        return true;
    }

    reader in_;
    const cie& c_;
    std::uintptr_t at_, pc_;
    state& s_;
    const state& initial_;
    state kept_[8];
    std::size_t depth_ = 0;
};

// Finds the record of the function around `pc` in the sorted table that the linker makes, .eh_frame_hdr.
const unsigned char* find_fde(const unsigned char* header, std::uintptr_t pc) noexcept {
    if (header == nullptr || header[0] != 1 || header[2] != 0x03 || header[3] != 0x3B) return nullptr;
    struct entry {
        std::int32_t pc, fde;  // from the header
    };
    reader in(header + 4, header + 16);
    in.pointer(header[1]);
    const auto count = in.fixed<std::uint32_t>();
    const unsigned char* table = in.at();
    const auto at = [&](std::size_t i) {
        entry e;
        std::memcpy(&e, table + i * sizeof e, sizeof e);
        return e;
    };
    const std::intptr_t wanted = static_cast<std::intptr_t>(pc - reinterpret_cast<std::uintptr_t>(header));
    std::size_t low = 0, high = count;
    while (low < high) {
        const std::size_t middle = (low + high) / 2;
        if (at(middle).pc <= wanted) low = middle + 1;
        else high = middle;
    }
    return low == 0 ? nullptr : header + at(low - 1).fde;
}

rule decode(std::uintptr_t pc) noexcept {
    dl_find_object found{};
    if (_dl_find_object(reinterpret_cast<void*>(pc), &found) != 0) return {};
    const unsigned char* fde = find_fde(static_cast<const unsigned char*>(found.dlfo_eh_frame), pc);
    if (fde == nullptr) return {};
    const unsigned char* end = record_end(fde);
    if (end == nullptr) return {};
    std::uint32_t back = 0;
    std::memcpy(&back, fde + 4, 4);
    cie c;
    if (back == 0 || !read_cie(fde + 4 - back, c) || c.signal) return {};
    reader in(fde + 8, end);
    const std::uintptr_t begin = in.pointer(c.encoding);
    const std::uintptr_t bytes = in.pointer(c.encoding & 0x0FU);
    if (pc < begin || pc >= begin + bytes) return {};
    if (c.augmented) in.skip(in.uleb());
    state initial, s;
    if (!call_frame_program(reader(c.begin, c.end), c, 0, ~std::uintptr_t{0}, initial, initial).run()) return {};
    s = initial;
    if (!call_frame_program(in, c, begin, pc, s, initial).run() || s.lost) return {};
    return s.r.base == reg_sp || s.r.base == reg_bp ? s.r : rule{};
}

std::uint32_t number_of(const rule& r) noexcept {
    if (r.base == 0) return 0;
    const auto search = [&](std::uint32_t from, std::uint32_t to) -> std::uint32_t {
        for (std::uint32_t i = from; i < to; ++i) {
            if (rules[i] == r) return i;
        }
        return 0;
    };
    const std::uint32_t known = rule_count.load(std::memory_order_acquire);
    if (const std::uint32_t i = search(1, known); i != 0) return i;
    while (rules_locked.test_and_set(std::memory_order_acquire)) {}
    const std::uint32_t count = rule_count.load(std::memory_order_relaxed);
    std::uint32_t i = search(known, count);
    if (i == 0 && count < most_rules) {
        rules[i = count] = r;
        rule_count.store(count + 1, std::memory_order_release);
    }
    rules_locked.clear(std::memory_order_release);
    return i;
}

const rule& rule_for(std::uintptr_t pc) noexcept {
    std::atomic<std::uint64_t>& slot = cache[slot_of(pc)];
    const std::uint64_t seen = slot.load(std::memory_order_acquire);
    if (seen >> 16 == pc) return rules[seen & 0xFFFF];
    const std::uint32_t number = number_of(decode(pc));
    slot.store(pc << 16 | number, std::memory_order_release);
    return rules[number];
}

// Where this thread's last walks went from a given stack frame: the allocations of a loop share their outer frames, and
// the same registers at the same instruction lead to the same caller's frame.
struct passed {
    std::uintptr_t pc, sp, bp;
    std::uintptr_t cfa;
    std::uintptr_t bp_slot;  // where the caller's rbp was saved; 0: it is unchanged
};
std::atomic<std::uint64_t> forgotten;  // a count, in the upper bits of `pc`, so that older walks do not match
thread_local passed walked[64] __attribute__((tls_model("initial-exec")));

bool look_up(const stack_start& at, std::uintptr_t key, passed& p) noexcept {
    const rule& r = rule_for(at.pc - 1);  // within the call, not after it
    if (r.base == 0) return false;
    const std::uintptr_t cfa = (r.base == reg_sp ? at.sp : at.bp) +
                               static_cast<std::uintptr_t>(std::intptr_t{r.cfa_offset});
    if (cfa <= at.sp || cfa > at.end || cfa % 8 != 0) return false;
    const std::uintptr_t saved = r.bp_offset == 0 ? 0 : cfa + static_cast<std::uintptr_t>(std::intptr_t{r.bp_offset});
    if (saved != 0 && (saved < at.sp || saved >= cfa)) return false;
    p = {key, at.sp, at.bp, cfa, saved};
    return true;
}

}  // namespace

std::size_t unwind(stack_start at, std::uintptr_t* into, std::size_t most) noexcept {
    std::size_t n = 0;
    const std::uint64_t upper = forgotten.load(std::memory_order_relaxed) << 48;
    while (n < most && at.pc != 0) {
        into[n++] = at.pc;
        passed& p = walked[at.sp / 8 % std::size(walked)];
        const std::uintptr_t key = at.pc ^ upper;
        if ((p.pc != key || p.sp != at.sp || p.bp != at.bp) && !look_up(at, key, p)) break;
        if (p.bp_slot != 0) std::memcpy(&at.bp, reinterpret_cast<const void*>(p.bp_slot), 8);
        std::memcpy(&at.pc, reinterpret_cast<const void*>(p.cfa - 8), 8);
        at.sp = p.cfa;
    }
    return n;
}

void forget_rules() noexcept {
    for (std::atomic<std::uint64_t>& slot : cache) slot.store(0, std::memory_order_relaxed);
    forgotten.fetch_add(1, std::memory_order_release);
}

}  // namespace recorder
