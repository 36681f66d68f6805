// Finds the rivals that are installed, by dlopen, and asks each for its version.
#include "rivals.hpp"

#include <dlfcn.h>
#include <gnu/libc-version.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

namespace bench {

namespace {

std::vector<malloc_rival>& list() {
    static std::vector<malloc_rival> all{
        {"glibc", "", "libc6", {std::malloc, std::free, std::realloc}, "", gnu_get_libc_version()},
        {"mimalloc", "libmimalloc.so.2", "libmimalloc2.0"},
        {"jemalloc", "libjemalloc.so.2", "libjemalloc2"},
        {"tcmalloc", "libtcmalloc_minimal.so.4", "libtcmalloc-minimal4"},
        {"tbbmalloc", "libtbbmalloc.so.2", "libtbbmalloc2"},
        {"mimalloc 3", "", ""},
        {"snmalloc", "", ""},
        {"rpmalloc", "", ""},
    };
    return all;
}

template <class F>
F* find(void* library, const char* name) {
    return reinterpret_cast<F*>(dlsym(library, name));
}

// The version that a library tells of itself.
std::string version_of(void* library, const std::string& file) {
    if (auto* f = find<int()>(library, "mi_version")) {
        const int v = f();
        if (v >= 10000)
            return std::to_string(v / 10000) + "." + std::to_string(v / 100 % 100) + "." + std::to_string(v % 100);
        return std::to_string(v / 100) + "." + std::to_string(v / 10 % 10) + "." + std::to_string(v % 10);
    }
    if (auto* f = find<const char*(int*, int*, const char**)>(library, "tc_version"))
        return f(nullptr, nullptr, nullptr);
    if (auto* f = find<int(const char*, void*, std::size_t*, void*, std::size_t)>(library, "mallctl")) {
        const char* text = nullptr;
        std::size_t size = sizeof text;
        if (f("version", &text, &size, nullptr, 0) == 0)
            return std::string(text).substr(0, std::string(text).find('-'));
    }
    return file.substr(file.rfind('/') + 1);
}

struct names {
    const char* allocate;
    const char* free;
    const char* reallocate;
};
constexpr names known[] = {
    {"mi_malloc", "mi_free", "mi_realloc"}, {"scalable_malloc", "scalable_free", "scalable_realloc"},
    {"tc_malloc", "tc_free", "tc_realloc"}, {"rpmalloc", "rpfree", "rprealloc"},
    {"sn_malloc", "sn_free", "sn_realloc"}, {"je_malloc", "je_free", "je_realloc"},
    {"malloc", "free", "realloc"}};

// Its symbols stay its own, and it uses its own: two copies of mimalloc live side by side.
void open(malloc_rival& r) {
    if (r.calls.allocate != nullptr) return;
    if (r.file.empty()) {
        r.missing = "not packaged: --rival '" + r.name + "=library.so'";
        return;
    }
    void* library = dlopen(r.file.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND);
    if (library == nullptr) {
        const std::string why = dlerror();
        const bool absent = why.find("No such file") != std::string::npos && !r.package.empty();
        r.missing = absent ? "install " + r.package : why;
        return;
    }
    if (auto* start = find<int(void*)>(library, "rpmalloc_initialize")) {
        start(nullptr);
        r.calls.enter_thread = find<void()>(library, "rpmalloc_thread_initialize");
        r.calls.leave_thread = find<void()>(library, "rpmalloc_thread_finalize");
    }
    for (const names& n : known) {
        r.calls.allocate = find<void*(std::size_t)>(library, n.allocate);
        r.calls.free = find<void(void*)>(library, n.free);
        r.calls.reallocate = find<void*(void*, std::size_t)>(library, n.reallocate);
        // dlsym also finds what the library depends on: its malloc may be libc's.
        if (r.calls.allocate != nullptr && r.calls.free != nullptr && r.calls.reallocate != nullptr &&
            r.calls.allocate != std::malloc)
            break;
        r.calls.allocate = nullptr;
    }
    if (r.calls.allocate == nullptr) r.missing = r.file + " has no function that allocates";
    r.version = version_of(library, r.file);
}

}  // namespace

void make_room_for_libraries(char** arguments) {
    if (std::getenv("GLIBC_TUNABLES") != nullptr) return;
    setenv("GLIBC_TUNABLES", "glibc.rtld.optional_static_tls=32768", 1);
    execv("/proc/self/exe", arguments);  // goes on without where that fails: some rivals are not here then
}

std::string take_rival(const std::string& argument) {
    const std::size_t equals = argument.find('=');
    if (equals == 0 || equals == std::string::npos || equals + 1 == argument.size())
        return "--rival takes NAME=library.so[@VERSION], not '" + argument + "'";
    const std::size_t end = std::min(argument.find('@', equals), argument.size());
    const std::string name = argument.substr(0, equals), file = argument.substr(equals + 1, end - equals - 1);
    auto r = std::find_if(list().begin(), list().end(), [&](const malloc_rival& x) { return x.name == name; });
    if (r == list().end()) r = list().insert(list().end(), {.name = name, .file = "", .package = ""});
    if (r->calls.allocate != nullptr) return "--rival: '" + name + "' is already here";
    r->file = file;
    r->package.clear();
    open(*r);
    if (r->calls.allocate == nullptr) return "--rival " + name + ": " + r->missing;
    if (end != argument.size()) r->version = argument.substr(end + 1);
    return {};
}

const std::vector<malloc_rival>& malloc_rivals() {
    static const bool opened = [] {
        for (malloc_rival& r : list()) open(r);
        return true;
    }();
    static_cast<void>(opened);
    return list();
}

}  // namespace bench
