// Which modules are libraries, and which of their functions are only hooks of the program.
#include "libraries.hpp"

#include <filesystem>
#include <initializer_list>
#include <set>
#include <string_view>
#include <unordered_map>

namespace advise {
namespace {

enum class kind { program, own, foreign, system, transparent };

// The places that must go through a function before it counts as a library's hook: with fewer it may be a callback with
// another purpose.
constexpr std::size_t hooked = 4, hooked_by_own = 16;
constexpr std::size_t deepest_hook = 3;  // functions of the program between the library and malloc

bool starts_with_one(std::string_view s, std::initializer_list<const char*> list) {
    return std::any_of(list.begin(), list.end(), [&](const char* start) { return s.starts_with(start); });
}

std::string file_name(const std::string& path) { return std::filesystem::path(path).filename().string(); }

// "libm", "libm.so" and "libm.so.6" all mean libm.so.6.
bool is_called(const std::string& file, const std::string& name) {
    return file == name || file.starts_with(name + ".");
}

bool is_one_of(const std::string& file, const std::vector<std::string>& names) {
    return std::any_of(names.begin(), names.end(), [&](const std::string& n) { return is_called(file, n); });
}

class map_of_modules {
public:
    map_of_modules(const trace::recording& r, const study_options& o) : r_(r) {
        for (const trace::module& m : r.modules()) kinds_.push_back(kind_of(m, o));
        for (const auto* names : {&o.own, &o.foreign}) {
            for (const std::string& n : *names) require(n);
        }
    }
    // Index of a module; none for addresses in no file.
    static constexpr std::size_t none = ~std::size_t{0};
    std::size_t of(std::uint64_t address) {
        const auto [i, fresh] = known_.emplace(address, none);
        for (std::size_t m = 0; fresh && m < r_.modules().size(); ++m) {
            if (address - 1 >= r_.modules()[m].begin && address - 1 < r_.modules()[m].end) i->second = m;
        }
        return i->second;
    }
    kind kind_at(std::size_t module) const { return module == none ? kind::program : kinds_[module]; }
    std::string name(std::size_t module) const { return file_name(r_.modules()[module].path); }

private:
    kind kind_of(const trace::module& m, const study_options& o) const {
        const std::string program = r_.header().program, file = file_name(m.path);
        if (m.path == program) return kind::program;
        if (is_one_of(file, o.own)) return kind::own;
        if (is_one_of(file, o.foreign)) return kind::foreign;
        if (starts_with_one(file,
                            {"libstdc++.so", "libc++.so", "libc++abi.so", "libgcc_s.so", "libframealloc_recorder"}))
            return kind::transparent;
        if (starts_with_one(file, {"libc.so", "ld-linux", "ld-musl", "libpthread.so", "libm.so", "libdl.so", "librt.so",
                                   "linux-vdso"}))
            return kind::system;
        const bool beside = std::filesystem::path(m.path).parent_path() == std::filesystem::path(program).parent_path();
        return !beside && starts_with_one(m.path, {"/lib/", "/lib32/", "/lib64/", "/usr/lib", "/usr/local/lib"})
                   ? kind::foreign
                   : kind::own;
    }
    void require(const std::string& n) const {
        for (const trace::module& m : r_.modules()) {
            if (!n.empty() && is_called(file_name(m.path), n)) return;
        }
        throw trace::error("no place of the trace lies in a library called \"" + n + "\"");
    }

    const trace::recording& r_;
    std::vector<kind> kinds_;
    std::unordered_map<std::uint64_t, std::size_t> known_;
};

// Decided by the calls in the program that led to malloc, and by the library that led to those calls.
using candidates = std::map<std::pair<std::vector<std::uint64_t>, std::size_t>, std::vector<site*>>;

void look_at(site& s, map_of_modules& modules, candidates& hooks, std::set<std::string>& own) {
    std::size_t i = 0;
    while (i < s.addresses.size() && modules.kind_at(modules.of(s.addresses[i])) == kind::transparent) ++i;
    const std::size_t inner = i == s.addresses.size() ? map_of_modules::none : modules.of(s.addresses[i]);
    const kind k = modules.kind_at(inner);
    if (i != 0 && (i == s.addresses.size() || k == kind::system)) {  // the standard library's own blocks
        s.lies = ground::library;
        s.lies_in = modules.name(modules.of(s.addresses[0]));
        return;
    }
    if (i == s.addresses.size()) return;
    if (k != kind::program) s.lies_in = modules.name(inner);
    s.lies_at = i;
    if (k == kind::system) return static_cast<void>(s.lies = ground::system);
    if (k == kind::foreign) return static_cast<void>(s.lies = ground::library);
    if (k == kind::own) own.insert(s.lies_in);
    for (std::size_t n = i + 1; n < s.addresses.size() && n <= i + deepest_hook; ++n) {
        const std::size_t outer = modules.of(s.addresses[n]);
        if (outer == inner) continue;
        const kind caller = modules.kind_at(outer);
        if (caller != kind::foreign && (caller != kind::own || k == kind::own)) return;
        s.lies_at = n;
        const auto begin = s.addresses.begin();
        hooks[{{begin + static_cast<std::ptrdiff_t>(i), begin + static_cast<std::ptrdiff_t>(n)}, outer}].push_back(&s);
        return;
    }
}

}  // namespace

void find_libraries(advice& a, const trace::recording& r, const study_options& o) {
    map_of_modules modules(r, o);
    candidates hooks;
    std::set<std::string> own;
    for (site& s : a.sites) {
        if (s.born + s.startup != 0) look_at(s, modules, hooks, own);
    }
    for (const auto& [call, sites] : hooks) {
        const bool foreign = modules.kind_at(call.second) == kind::foreign;
        const bool named = is_one_of(modules.name(call.second), o.own);
        for (site* s : sites) {
            const bool is_hook = sites.size() >= (foreign ? hooked : hooked_by_own);
            if (named) continue;
            s->lies = is_hook ? ground::hook : ground::perhaps_hook;
            s->lies_in = modules.name(call.second);
        }
    }
    a.own_libraries.assign(own.begin(), own.end());
}

}  // namespace advise
