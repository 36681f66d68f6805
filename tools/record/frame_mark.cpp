#include "frame_mark.hpp"

#include "writer.hpp"

#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <ucontext.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace recorder {
namespace {

constexpr unsigned char breakpoint = 0xCC;   // int3
constexpr greg_t single_step = 0x100;        // the trap flag
unsigned char* patched;
unsigned char original;
struct sigaction before;

void store_byte(unsigned char byte) noexcept {
    const std::uintptr_t page = reinterpret_cast<std::uintptr_t>(patched) & ~std::uintptr_t{4095};
    mprotect(reinterpret_cast<void*>(page), 4096, PROT_READ | PROT_WRITE | PROT_EXEC);
    __atomic_store_n(patched, byte, __ATOMIC_SEQ_CST);
    mprotect(reinterpret_cast<void*>(page), 4096, PROT_READ | PROT_EXEC);
}

void on_trap(int number, siginfo_t* info, void* context) noexcept {
    auto* c = static_cast<ucontext_t*>(context);
    greg_t& pc = c->uc_mcontext.gregs[REG_RIP];
    greg_t& flags = c->uc_mcontext.gregs[REG_EFL];
    const int saved = errno;
    thread_state& t = this_thread();
    if (t.stepping) {  // asked first: behind an instruction of one byte the address is the breakpoint's
        t.stepping = false;
        flags &= ~single_step;
        store_byte(breakpoint);
    } else if (pc == static_cast<greg_t>(reinterpret_cast<std::uintptr_t>(patched) + 1)) {
        if (recording() && !t.inside) {
            t.inside = true;
            if (t.number == 0) introduce(t);
            put_mark(t);
            t.inside = false;
        }
        pc -= 1;
        store_byte(original);
        t.stepping = true;
        flags |= single_step;
    } else if ((before.sa_flags & SA_SIGINFO) != 0 && before.sa_sigaction != nullptr) {
        before.sa_sigaction(number, info, context);
    } else if (before.sa_handler != SIG_IGN && before.sa_handler != SIG_DFL) {
        before.sa_handler(number);
    }
    errno = saved;
}

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
    std::uintptr_t found;
};

// With a dot it is a part of a function that the compiler moved away: f.cold.
bool is_wanted(const search& s, const char* symbol) noexcept {
    if (std::strchr(symbol, '.') != nullptr) return false;
    return std::strcmp(symbol, s.name) == 0 || (s.cpp_bytes != 0 && std::strncmp(symbol, s.cpp_name, s.cpp_bytes) == 0);
}

// A file is mapped, and everything in it may be wrong.
class elf_file {
public:
    explicit elf_file(const char* path) noexcept {
        const int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0) return;
        struct stat s {};
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
        if (data_ == nullptr || offset > bytes_ || count > (bytes_ - offset) / sizeof(T) || offset % alignof(T) != 0) return nullptr;
        return reinterpret_cast<const T*>(data_ + offset);
    }
    std::uintptr_t find(const search& s) const noexcept {
        const auto* h = at<ElfW(Ehdr)>(0);
        if (h == nullptr || std::memcmp(h->e_ident, ELFMAG, SELFMAG) != 0) return 0;
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
                if (ELF64_ST_TYPE(y.st_info) == STT_FUNC && y.st_value != 0 && y.st_shndx != SHN_UNDEF && y.st_name < names.sh_size && is_wanted(s, text + y.st_name))
                    return y.st_value;
            }
        }
        return 0;
    }

private:
    const char* data_ = nullptr;
    std::size_t bytes_ = 0;
};

int look_in(dl_phdr_info* info, std::size_t, void* data) noexcept {
    auto& s = *static_cast<search*>(data);
    const char* path = info->dlpi_name == nullptr || *info->dlpi_name == 0 ? "/proc/self/exe" : info->dlpi_name;
    const std::uintptr_t value = elf_file(path).find(s);
    if (value == 0) return 0;
    s.found = info->dlpi_addr + value;
    return 1;
}

}  // namespace

std::uintptr_t find_function(const char* name) noexcept {
    search s{.name = name, .cpp_name = {}, .cpp_bytes = 0, .found = 0};
    s.cpp_bytes = mangled(name, s.cpp_name, sizeof s.cpp_name);
    dl_iterate_phdr(look_in, &s);
    return s.found;
}

const char* mark_at(std::uintptr_t function) noexcept {
    patched = reinterpret_cast<unsigned char*>(function);
    original = *patched;
    struct sigaction a {};
    a.sa_sigaction = on_trap;
    a.sa_flags = SA_SIGINFO | SA_RESTART;
    sigfillset(&a.sa_mask);
    if (sigaction(SIGTRAP, &a, &before) != 0) return "SIGTRAP cannot be handled";
    const std::uintptr_t page = function & ~std::uintptr_t{4095};
    if (mprotect(reinterpret_cast<void*>(page), 4096, PROT_READ | PROT_WRITE | PROT_EXEC) != 0) return "its code cannot be changed";
    store_byte(breakpoint);
    return nullptr;
}

bool guards_trap() noexcept { return patched != nullptr; }

}  // namespace recorder
