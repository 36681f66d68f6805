// Finds the function in the program's symbol table, and puts the jump in its place.
#include "frame_mark.hpp"

#include "code.hpp"
#include "writer.hpp"

#include <cpuid.h>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <initializer_list>

namespace recorder {
namespace {

// "Game::update" is _ZN4Game6updateE…, "update" is _Z6update….
std::size_t mangled(const char* name, char* into, std::size_t most) noexcept {
    const bool nested = std::strstr(name, "::") != nullptr;
    std::size_t n = static_cast<std::size_t>(std::snprintf(into, most, nested ? "_ZN" : "_Z"));
    while (*name != 0 && n < most) {
        const char* end = std::strstr(name, "::");
        const std::size_t part = end == nullptr ? std::strcspn(name, "(") : static_cast<std::size_t>(end - name);
        n += static_cast<std::size_t>(std::snprintf(into + n, most - n, "%zu%.*s", part, static_cast<int>(part), name));
        name = end == nullptr ? "" : end + 2;
    }
    if (nested && n < most) n += static_cast<std::size_t>(std::snprintf(into + n, most - n, "E"));
    return n < most ? n : 0;
}

struct search {
    const char* name;
    char cpp_name[512];
    std::size_t cpp_bytes;
    function found;
};

// A name with a dot is a part of a function that the compiler moved elsewhere: f.cold.
bool is_wanted(const search& s, const char* symbol) noexcept {
    if (std::strchr(symbol, '.') != nullptr) return false;
    return std::strcmp(symbol, s.name) == 0 || (s.cpp_bytes != 0 && std::strncmp(symbol, s.cpp_name, s.cpp_bytes) == 0);
}

// The mapped file is not trusted: everything in it may be wrong.
class elf_file {
public:
    explicit elf_file(const char* path) noexcept {
        const int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0) return;
        struct stat s{};
        if (fstat(fd, &s) == 0 && s.st_size >= static_cast<off_t>(sizeof(ElfW(Ehdr)))) {
            bytes_ = static_cast<std::size_t>(s.st_size);
            void* p = mmap(nullptr, bytes_, PROT_READ, MAP_PRIVATE, fd, 0);
            if (p != MAP_FAILED) data_ = static_cast<const char*>(p);
        }
        close(fd);
    }
    ~elf_file() {
        if (data_ != nullptr) munmap(const_cast<char*>(data_), bytes_);
    }
    elf_file(const elf_file&) = delete;
    elf_file& operator=(const elf_file&) = delete;

    template <class T>
    const T* at(std::uint64_t offset, std::uint64_t count = 1) const noexcept {
        if (data_ == nullptr || offset > bytes_ || count > (bytes_ - offset) / sizeof(T) || offset % alignof(T) != 0)
            return nullptr;
        return reinterpret_cast<const T*>(data_ + offset);
    }
    function find(const search& s) const noexcept {
        const auto* h = at<ElfW(Ehdr)>(0);
        if (h == nullptr || std::memcmp(h->e_ident, ELFMAG, SELFMAG) != 0) return {};
        const auto* sections = at<ElfW(Shdr)>(h->e_shoff, h->e_shnum);
        for (unsigned i = 0; sections != nullptr && i < h->e_shnum; ++i) {
            const ElfW(Shdr)& x = sections[i];
            if ((x.sh_type != SHT_SYMTAB && x.sh_type != SHT_DYNSYM) || x.sh_link >= h->e_shnum) continue;
            const std::uint64_t count = x.sh_size / sizeof(ElfW(Sym));
            const auto* symbols = at<ElfW(Sym)>(x.sh_offset, count);
            const ElfW(Shdr)& names = sections[x.sh_link];
            const char* text = at<char>(names.sh_offset, names.sh_size);
            if (symbols == nullptr || text == nullptr || names.sh_size == 0 || text[names.sh_size - 1] != 0) continue;
            for (std::uint64_t k = 0; k < count; ++k) {
                const ElfW(Sym)& y = symbols[k];
                if (ELF64_ST_TYPE(y.st_info) == STT_FUNC && y.st_value != 0 && y.st_shndx != SHN_UNDEF &&
                    y.st_name < names.sh_size && is_wanted(s, text + y.st_name))
                    return {y.st_value, y.st_size};
            }
        }
        return {};
    }

private:
    const char* data_ = nullptr;
    std::size_t bytes_ = 0;
};

int look_in(dl_phdr_info* info, std::size_t, void* data) noexcept {
    auto& s = *static_cast<search*>(data);
    const char* path = info->dlpi_name == nullptr || *info->dlpi_name == 0 ? "/proc/self/exe" : info->dlpi_name;
    s.found = elf_file(path).find(s);
    if (s.found.address == 0) return 0;
    s.found.address += info->dlpi_addr;
    return 1;
}

// --- the jump ---

constexpr std::size_t jump_bytes = 5;  // E9 and 32 bits
constexpr std::size_t room_bytes = 4096;

}  // namespace

// Called by the stub below, on the stack of the program's call, before its function runs. The recorder's own calls come
// here too.
extern "C" __attribute__((visibility("hidden"), used)) void recorder_frame_begins() {
    thread_state& t = this_thread();
    if (!recording() || t.inside) return;
    const int saved = errno;
    t.inside = true;
    if (t.number == 0) introduce(t);
    put_mark(t);
    t.inside = false;
    errno = saved;
}

// Bytes that XSAVE needs for every vector register that can pass an argument; 0: the processor has only SSE's.
extern "C" {
__attribute__((visibility("hidden"), used)) std::uint64_t recorder_save_bytes = 0;
__attribute__((visibility("hidden"), used)) std::uint64_t recorder_save_mask = 0;
void recorder_frame_stub();
}

// Saves every register that can hold an argument in any calling convention, and the caller's registers.
asm(R"(
    .pushsection .text
    .hidden recorder_frame_stub
    .type recorder_frame_stub, @function
recorder_frame_stub:
    pushfq
    pushq %rbp
    movq %rsp, %rbp
    pushq %rax
    pushq %rcx
    pushq %rdx
    pushq %rsi
    pushq %rdi
    pushq %r8
    pushq %r9
    pushq %r10
    pushq %r11
    cld
    movq recorder_save_bytes(%rip), %rcx
    testq %rcx, %rcx
    jz 1f
    subq %rcx, %rsp
    andq $-64, %rsp
    xorl %eax, %eax
    movq %rax, 512(%rsp)
    movq %rax, 520(%rsp)
    movq %rax, 528(%rsp)
    movq %rax, 536(%rsp)
    movq %rax, 544(%rsp)
    movq %rax, 552(%rsp)
    movq %rax, 560(%rsp)
    movq %rax, 568(%rsp)
    movl recorder_save_mask(%rip), %eax
    xorl %edx, %edx
    xsave64 (%rsp)
    call recorder_frame_begins
    movl recorder_save_mask(%rip), %eax
    xorl %edx, %edx
    xrstor64 (%rsp)
    jmp 2f
1:  subq $512, %rsp
    andq $-64, %rsp
    fxsave64 (%rsp)
    call recorder_frame_begins
    fxrstor64 (%rsp)
2:  leaq -72(%rbp), %rsp
    popq %r11
    popq %r10
    popq %r9
    popq %r8
    popq %rdi
    popq %rsi
    popq %rdx
    popq %rcx
    popq %rax
    popq %rbp
    popfq
    ret
    .size recorder_frame_stub, . - recorder_frame_stub
    .popsection
)");

namespace {

void measure_registers() noexcept {
    unsigned a = 0, b = 0, c = 0, d = 0;
    if (__get_cpuid(1, &a, &b, &c, &d) == 0 || (c & bit_OSXSAVE) == 0) return;
    unsigned low = 0, high = 0;
    asm("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    std::uint64_t bytes = 576;
    for (unsigned part = 2; part < 8; ++part) {  // AVX, and AVX-512's three; the others pass no arguments
        if ((0xE4U & low & 1U << part) == 0 || __get_cpuid_count(0xD, part, &a, &b, &c, &d) == 0) continue;
        if (a + b > bytes) bytes = a + b;
    }
    recorder_save_mask = 0xE7U & low;
    recorder_save_bytes = (bytes + 63) / 64 * 64;
}

std::uintptr_t address_of(const void* p) noexcept { return reinterpret_cast<std::uintptr_t>(p); }

// Writes the moved instructions one by one and corrects their relative operands.
class mover {
public:
    explicit mover(unsigned char* to) noexcept : at_(to) {}

    bool move(const unsigned char* from, const instruction& i) noexcept {
        std::int64_t far = 0;
        if (i.relative != 0) {
            std::int32_t near32 = 0;
            if (i.short_jump) near32 = static_cast<signed char>(from[i.relative]);
            else std::memcpy(&near32, from + i.relative, 4);
            far = static_cast<std::int64_t>(address_of(from) + i.bytes) + near32;
        }
        switch (i.kind) {
            case flow::unmovable: return false;
            case flow::jump: return jump(static_cast<std::uint64_t>(far));
            case flow::call: push(address_of(from) + i.bytes); return jump(static_cast<std::uint64_t>(far));
            case flow::branch: {
                const unsigned char over[] = {static_cast<unsigned char>(0x70U | ((i.opcode & 15U) ^ 1U)), 14};
                put(over, sizeof over);
                return jump(static_cast<std::uint64_t>(far));
            }
            default: break;
        }
        unsigned char* const to = at_;
        put(from, i.bytes);
        if (i.relative == 0) return true;
        const std::int64_t moved = far - static_cast<std::int64_t>(address_of(to) + i.bytes);
        const auto moved32 = static_cast<std::int32_t>(moved);
        std::memcpy(to + i.relative, &moved32, 4);
        return moved == moved32;
    }
    bool jump(std::uint64_t to) noexcept {  // through the 8 bytes after it
        const unsigned char indirect[] = {0xFF, 0x25, 0, 0, 0, 0};
        put(indirect, sizeof indirect);
        put(&to, sizeof to);
        return true;
    }
    void call(std::uint64_t to) noexcept {  // likewise; a jump skips its 8 bytes
        const unsigned char indirect[] = {0xFF, 0x15, 2, 0, 0, 0, 0xEB, 8};
        put(indirect, sizeof indirect);
        put(&to, sizeof to);
    }

private:
    void put(const void* p, std::size_t n) noexcept {
        std::memcpy(at_, p, n);
        at_ += n;
    }
    void push(std::uint64_t value) noexcept {
        const auto low = static_cast<std::uint32_t>(value), high = static_cast<std::uint32_t>(value >> 32);
        const unsigned char first[] = {0x68}, second[] = {0xC7, 0x44, 0x24, 0x04};
        put(first, sizeof first);
        put(&low, 4);
        put(second, sizeof second);
        put(&high, 4);
    }
    unsigned char* at_;
};

bool is_padding(const unsigned char* p, const instruction& i) noexcept {
    if (*p == 0xCC) return true;
    while (*p == 0x66 || *p == 0x2E) ++p;
    return (*p == 0x90 || (p[0] == 0x0F && p[1] == 0x1F)) && i.bytes != 0;
}

// How many bytes of whole instructions the jump replaces; 0: it does not fit. Nothing may jump into these bytes.
std::size_t bytes_to_move(const function& f) noexcept {
    const auto* code = reinterpret_cast<const unsigned char*>(f.address);
    std::size_t moved = 0;
    while (moved < jump_bytes) {
        const instruction i = decode_instruction(code + moved);
        if (i.bytes == 0 || (moved >= f.bytes && !is_padding(code + moved, i))) return 0;
        moved += i.bytes;
    }
    for (std::size_t at = 0; at < f.bytes;) {
        const instruction i = decode_instruction(code + at);
        if (i.bytes == 0) return 0;
        if (i.kind == flow::jump || i.kind == flow::branch || i.kind == flow::unmovable) {
            std::int32_t near32 = 0;
            if (i.short_jump) near32 = static_cast<signed char>(code[at + i.relative]);
            else if (i.relative != 0) std::memcpy(&near32, code + at + i.relative, 4);
            const std::int64_t to = static_cast<std::int64_t>(at + i.bytes) + near32;
            if (i.relative != 0 && to > 0 && to < static_cast<std::int64_t>(moved)) return 0;
        }
        at += i.bytes;
    }
    return moved;
}

// Finds room within 1 GiB of the function, in reach of the jump; first below it, since the heap grows after a program.
unsigned char* room_near(std::uintptr_t function) noexcept {
    constexpr std::uintptr_t step = 1 << 16, reach = 1 << 30;
    const std::uintptr_t base = function & ~(step - 1);
    for (const bool below : {true, false}) {
        for (std::uintptr_t far = step; far < reach && (!below || far + step < base); far += step) {
            void* const wanted = reinterpret_cast<void*>(below ? base - far : base + far);
            void* p = mmap(wanted, room_bytes, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
            if (p == wanted) return static_cast<unsigned char*>(p);
            if (p != MAP_FAILED) munmap(p, room_bytes);  // before Linux 4.17 the address is a hint
        }
    }
    return nullptr;
}

bool write_jump(std::uintptr_t from, std::uintptr_t to) noexcept {
    const std::uintptr_t first = from & ~std::uintptr_t{4095}, last = (from + jump_bytes - 1) & ~std::uintptr_t{4095};
    void* const page = reinterpret_cast<void*>(first);
    if (mprotect(page, last - first + 4096, PROT_READ | PROT_WRITE | PROT_EXEC) != 0) return false;
    const auto far = static_cast<std::int32_t>(static_cast<std::int64_t>(to) -
                                               static_cast<std::int64_t>(from + jump_bytes));
    unsigned char jump[jump_bytes] = {0xE9};
    std::memcpy(jump + 1, &far, 4);
    auto* code = reinterpret_cast<volatile unsigned char*>(from);
    for (std::size_t i = jump_bytes; i-- != 0;) code[i] = jump[i];
    mprotect(page, last - first + 4096, PROT_READ | PROT_EXEC);
    return true;
}

}  // namespace

function find_function(const char* name) noexcept {
    search s{.name = name, .cpp_name = {}, .cpp_bytes = 0, .found = {}};
    s.cpp_bytes = mangled(name, s.cpp_name, sizeof s.cpp_name);
    dl_iterate_phdr(look_in, &s);
    return s.found;
}

const char* mark_at(function f) noexcept {
    const std::size_t bytes = bytes_to_move(f);
    if (bytes == 0)
        return "its first instructions cannot be moved; use --frame with another function that is called once per "
               "frame, or --frame-every MS";
    unsigned char* const room = room_near(f.address);
    if (room == nullptr) return "there is no free memory near its code";
    measure_registers();
    mover to(room);
    to.call(reinterpret_cast<std::uintptr_t>(&recorder_frame_stub));
    const auto* from = reinterpret_cast<const unsigned char*>(f.address);
    bool fits = true;
    for (std::size_t at = 0; at < bytes && fits;) {
        const instruction i = decode_instruction(from + at);
        fits = to.move(from + at, i);
        at += i.bytes;
    }
    if (!fits)
        return "its first instructions cannot be moved; use --frame with another function that is called once per "
               "frame, or --frame-every MS";
    to.jump(f.address + bytes);
    if (mprotect(room, room_bytes, PROT_READ | PROT_EXEC) != 0 || !write_jump(f.address, address_of(room)))
        return "its code cannot be changed";
    return nullptr;
}

}  // namespace recorder
