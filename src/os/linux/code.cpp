// The names of instructions, and which of them called the library.
#include <framealloc/detail/os/code.hpp>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstring>

#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <unwind.h>

#include <framealloc/detail/base/align.hpp>
#include <framealloc/detail/sync/lock.hpp>

namespace framealloc::inline v1::os {

void name_code(const void* instruction, char* buffer, std::size_t size) noexcept {
    buffer[0] = '\0';
    Dl_info info;
    if (instruction == nullptr || dladdr(instruction, &info) == 0 || info.dli_fname == nullptr) return;
    const char* slash = std::strrchr(info.dli_fname, '/');
    std::snprintf(buffer, size, "%s+0x%zx", slash == nullptr ? info.dli_fname : slash + 1,
                  static_cast<std::size_t>(address_of(instruction) - address_of(info.dli_fbase)));
}

namespace {

bool starts_with(const char* name, const char* start) noexcept {
    return std::strncmp(name, start, std::strlen(start)) == 0;
}

// The outermost scope of a mangled name, "10framealloc…" or "St…", also of what is local to a function: after nesting
// and the qualifiers of members. Null where the name is not mangled.
const char* scope_of(const char* name) noexcept {
    if (!starts_with(name, "_Z")) return nullptr;
    name += 2 + std::strspn(name + 2, "Z");
    return *name == 'N' ? name + 1 + std::strspn(name + 1, "rVKRO") : name;
}

// St is std; Sa, Sb, Ss, Si, So and Sd are members of it.
bool in_standard_library(const char* scope) noexcept {
    return (scope[0] == 'S' && scope[1] != '\0' && std::strchr("tabsiod", scope[1]) != nullptr) ||
           starts_with(scope, "9__gnu_cxx");
}

// The C interface; and what runs before main and after it, which is not the program's call.
bool is_c_library_name(const char* name) noexcept {
    for (const char* own : {"_start",           "__do_global_dtors_aux",
                            "fa_create",        "fa_destroy",
                            "fa_frame_begin",   "fa_frame_end",
                            "fa_frame_alloc",   "fa_pool_alloc",
                            "fa_pool_free",     "fa_heap_alloc",
                            "fa_heap_free",     "fa_tag_begin",
                            "fa_tag_end",       "fa_hook_create",
                            "fa_hook_destroy",  "fa_malloc",
                            "fa_calloc",        "fa_realloc",
                            "fa_aligned_alloc", "fa_free",
                            "fa_usable_size",   "fa_good_size",
                            "fa_get_stats",     "fa_get_tag_stats",
                            "fa_describe",      "fa_check",
                            "fa_trim"}) {
        const std::size_t n = std::strlen(own);
        if (std::strncmp(name, own, n) == 0 && (name[n] == '\0' || name[n] == '.')) return true;  // "fa_check.cold"
    }
    return false;
}

// Whether a template argument, mangled, is a type of the program's: the library's own and std's are substitutions here.
bool is_own_type(const char* argument) noexcept {
    return !starts_with(argument, "NS") && !in_standard_library(argument) && !starts_with(argument, "N10framealloc");
}

// This library's functions that do nothing but call the program's, and may contain that, inlined: what a callback
// holds, and the destructor that a frame's end runs.
bool only_calls_the_program(const char* scope) noexcept {
    if (starts_with(scope, "10framealloc2v18callbackI")) return true;
    const char* lambda = std::strstr(scope, "ENUlP");  // of one pointer: in these, what a frame's end calls
    if (lambda == nullptr || !starts_with(scope, "10framealloc2v16object")) return false;
    for (const char* makes : {"10make_boxedI", "16make_boxed_arrayI", "10make_arrayI"}) {
        const char* found = std::strstr(scope, makes);
        if (found != nullptr && found < lambda) return is_own_type(found + std::strlen(makes));
    }
    return false;
}

// Whether a function of that name is not the program's own. A function of the standard library that calls what it was
// given may contain it, inlined: a lambda's name, or that of what calls any function, is taken for the program's.
bool is_library_name(const char* name) noexcept {
    const char* scope = scope_of(name);
    if (scope == nullptr) return is_c_library_name(name);
    if (starts_with(scope, "10framealloc")) return !only_calls_the_program(scope);
    if (!in_standard_library(scope)) return false;
    for (const char* calls : {"EUl", "NUl", "MUl", "$_", "_Function_handler", "__invoke", "_State_impl"}) {
        if (std::strstr(name, calls) != nullptr) return false;
    }
    return true;
}

// The system's libraries, which come without the names of their functions, what tools put in their place, and this
// library.
bool is_system_library(const char* path) noexcept {
    const char* slash = std::strrchr(path, '/');
    const char* name = slash == nullptr ? path : slash + 1;
    for (const char* system : {"libc.so", "libc-2", "libm.so", "libm-2", "libpthread", "libstdc++.so", "libc++",
                               "libgcc_s.so", "libunwind.so", "ld-linux", "ld-musl", "libasan.so", "libtsan.so",
                               "libubsan.so", "vgpreload_", "libframealloc.so"}) {
        if (starts_with(name, system)) return true;
    }
    return false;
}

// A file's bytes, as long as this lives.
class mapped_file {
public:
    explicit mapped_file(const char* path) noexcept {
        const int file = open(path, O_RDONLY | O_CLOEXEC);
        if (file < 0) return;
        struct stat about{};
        if (fstat(file, &about) == 0 && about.st_size > 0) {
            void* p = mmap(nullptr, static_cast<std::size_t>(about.st_size), PROT_READ, MAP_PRIVATE, file, 0);
            if (p != MAP_FAILED) {
                begin_ = static_cast<const char*>(p);
                size_ = static_cast<std::size_t>(about.st_size);
            }
        }
        close(file);
    }
    ~mapped_file() {
        if (begin_ != nullptr) munmap(const_cast<char*>(begin_), size_);
    }
    mapped_file(const mapped_file&) = delete;
    mapped_file& operator=(const mapped_file&) = delete;

    // n values at an offset of the file; null when they are not in it.
    template <class T>
    const T* at(std::uint64_t offset, std::uint64_t n = 1) const noexcept {
        const bool inside = begin_ != nullptr && offset <= size_ && n <= (size_ - offset) / sizeof(T) &&
                            offset % alignof(T) == 0;
        return inside ? reinterpret_cast<const T*>(begin_ + offset) : nullptr;
    }
    std::size_t size() const noexcept { return size_; }

private:
    const char* begin_ = nullptr;
    std::size_t size_ = 0;
};

struct code_range {
    std::uintptr_t begin, end;  // offsets from where the module is loaded
};

// Whose an instruction is. Unknown: of a file without a symbol table.
enum class owner_of_code : unsigned char { unknown, program, library };

// The functions of a loaded file that are not the program's own.
struct module_code {
    const link_map* map = nullptr;
    const void* dynamic = nullptr;
    code_range* ranges = nullptr;
    std::size_t count = 0, bytes = 0;
    owner_of_code others = owner_of_code::unknown;  // what is in none of them
};

struct symbols {
    const ElfW(Sym) * first = nullptr;
    std::size_t count = 0;
    const char* names = nullptr;
    std::size_t names_bytes = 0;
};

symbols symbols_of(const mapped_file& file, ElfW(Word) type) noexcept {
    const auto* header = file.at<ElfW(Ehdr)>(0);
    if (header == nullptr || std::memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 ||
        header->e_shentsize != sizeof(ElfW(Shdr)))
        return {};
    const auto* sections = file.at<ElfW(Shdr)>(header->e_shoff, header->e_shnum);
    for (unsigned i = 0; sections != nullptr && i < header->e_shnum; ++i) {
        const auto& table = sections[i];
        if (table.sh_type != type || table.sh_link >= header->e_shnum) continue;
        const auto& names = sections[table.sh_link];
        const std::size_t n = table.sh_size / sizeof(ElfW(Sym));
        const symbols found{file.at<ElfW(Sym)>(table.sh_offset, n), n, file.at<char>(names.sh_offset, names.sh_size),
                            names.sh_size};
        const bool ends = found.names != nullptr && names.sh_size != 0 && found.names[names.sh_size - 1] == '\0';
        if (found.first != nullptr && ends) return found;
    }
    return {};
}

template <class F>
void for_each_library_function(const symbols& s, F&& f) noexcept {
    for (std::size_t i = 0; i < s.count; ++i) {
        const auto& symbol = s.first[i];
        const bool function = (symbol.st_info & 0xFU) == STT_FUNC && symbol.st_size != 0 &&
                              symbol.st_shndx != SHN_UNDEF;
        if (function && symbol.st_name < s.names_bytes && is_library_name(s.names + symbol.st_name))
            f(code_range{symbol.st_value, symbol.st_value + symbol.st_size});
    }
}

void read_ranges(module_code& m) noexcept {
    if (is_system_library(m.map->l_name)) return static_cast<void>(m.others = owner_of_code::library);
    const mapped_file file(m.map->l_name[0] == '\0' ? "/proc/self/exe" : m.map->l_name);
    const symbols all = symbols_of(file, SHT_SYMTAB);
    if (all.first == nullptr) return;
    std::size_t n = 0;
    for_each_library_function(all, [&](const code_range&) { ++n; });
    if (n == 0) return static_cast<void>(m.others = owner_of_code::program);
    m.bytes = n * sizeof(code_range);
    void* p = mmap(nullptr, m.bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) return;
    m.ranges = static_cast<code_range*>(p);
    m.others = owner_of_code::program;
    for_each_library_function(all, [&](const code_range& r) { m.ranges[m.count++] = r; });
    std::sort(m.ranges, m.ranges + m.count, [](const code_range& a, const code_range& b) { return a.begin < b.begin; });
}

constinit sync::lock modules_lock;
constexpr std::size_t most_modules = 256;  // the oldest gives way
constinit module_code modules[most_modules];
constinit std::size_t next_module = 0;

module_code& module_of(const link_map* map) noexcept {
    for (module_code& m : modules) {
        if (m.map == map && m.dynamic == map->l_ld) return m;
    }
    module_code& m = modules[next_module++ % most_modules];
    if (m.ranges != nullptr) munmap(m.ranges, m.bytes);
    m = {.map = map, .dynamic = map->l_ld};
    read_ranges(m);
    return m;
}

// Null where there is none.
const link_map* loaded_at(std::uintptr_t p) noexcept {
#if defined(DLFO_STRUCT_HAS_EH_DBASE)  // glibc 2.35: takes no lock, searches no symbols
    dl_find_object found;
    return _dl_find_object(pointer_at(p), &found) == 0 ? found.dlfo_link_map : nullptr;
#else
    Dl_info info;
    void* found = nullptr;
    return dladdr1(pointer_at(p), &info, &found, RTLD_DL_LINKMAP) == 0 ? nullptr : static_cast<const link_map*>(found);
#endif
}

owner_of_code owner_of(std::uintptr_t p) noexcept {
    const link_map* map = loaded_at(p);
    if (map == nullptr) return owner_of_code::program;  // compiled while it runs
    const std::uintptr_t offset = p - map->l_addr;
    modules_lock.acquire_uncounted();  // a walk has any number of steps
    const module_code& m = module_of(map);
    const code_range* after = std::upper_bound(m.ranges, m.ranges + m.count, offset,
                                               [](std::uintptr_t at, const code_range& r) { return at < r.begin; });
    const bool inside = after != m.ranges && offset < after[-1].end;
    const owner_of_code others = m.others;
    modules_lock.release();
    return inside ? owner_of_code::library : others;
}

struct walk {
    std::uintptr_t from = 0;  // the instruction that is known to be in a library
    std::uintptr_t first = 0;  // the newest of the program's own
    std::uintptr_t behind = 0;  // the newest of those older than `from`
    bool reached = false;
    int steps = 0;
};

// Past code of which nobody knows whose it is, there is nothing to be found.
_Unwind_Reason_Code visit(_Unwind_Context* context, void* data) {
    walk& w = *static_cast<walk*>(data);
    int at_instruction = 0;
    std::uintptr_t p = _Unwind_GetIPInfo(context, &at_instruction);
    if (p == 0 || ++w.steps > 64) return _URC_END_OF_STACK;
    if (at_instruction == 0) --p;  // of the call, not after it
    if (p == w.from) w.reached = true;
    if (w.first != 0 && !w.reached) return _URC_NO_REASON;
    const owner_of_code owner = owner_of(p);
    if (owner == owner_of_code::library) return _URC_NO_REASON;
    if (owner == owner_of_code::unknown) return _URC_END_OF_STACK;
    if (w.first == 0) w.first = p;
    if (!w.reached) return _URC_NO_REASON;
    w.behind = p;
    return _URC_END_OF_STACK;
}

}  // namespace

sync::lock& code_lock() noexcept { return modules_lock; }

site own_call(const site& s) noexcept {
    if (s.file != nullptr || (s.caller != nullptr && owner_of(address_of(s.caller)) != owner_of_code::library))
        return s;
    walk w{.from = address_of(s.caller)};
    if (s.caller == nullptr) w.reached = true;
    _Unwind_Backtrace(visit, &w);
    const std::uintptr_t found = w.behind != 0 ? w.behind : w.first;
    return site{nullptr, 0, found == 0 ? nullptr : pointer_at(found)};
}

}  // namespace framealloc::inline v1::os
