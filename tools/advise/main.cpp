// framealloc-advise: shows what framealloc would do for a recorded program.
#include <CLI/CLI.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <set>

#include "options.hpp"
#include "report.hpp"
#include "symbols.hpp"

namespace {

[[noreturn]] void fail(const std::string& line) {
    std::cerr << "framealloc-advise: " << line << '\n';
    std::exit(2);
}

bool is_plumbing(const std::string& name) {
    for (const char* p : {"std::", "__gnu_cxx::", "operator ", "new", "malloc", "calloc", "realloc", "void* std::"}) {
        if (name.starts_with(p)) return true;
    }
    return name.empty() || name == "operator";
}

// The file in "function (file:line)"; empty where it is unknown.
std::string file_of(const std::string& function) {
    const auto end = function.rfind(':'), begin = function.rfind('(');
    return begin == std::string::npos || end == std::string::npos || end < begin
               ? std::string()
               : function.substr(begin + 1, end - begin - 1);
}

// Inlined functions are named without their namespace: those of the standard library are recognised by its files and by
// reserved names.
bool is_standard(const std::string& plain, const std::string& file) {
    if (plain.starts_with("_M_") || plain.starts_with("__")) return true;
    for (const char* start : {"stl_", "std_", "new_allocator", "alloc_traits", "allocat", "invoke", "basic_string",
                              "unique_ptr", "shared_ptr", "hashtable"}) {
        if (file.starts_with(start)) return true;
    }
    return file.ends_with(".tcc");
}

// A lambda has no name of its own, so its file names it.
bool is_lambda(const std::string& plain, const std::string& file) {
    return plain == "operator" && (file.ends_with(".cpp") || file.ends_with(".cc") || file.ends_with(".cxx"));
}

// The scope of the innermost function outside the standard library; its module if it has no name or is a C function of
// a library.
std::string tag_of(const trace::recording& r, const advise::site& s) {
    if (advise::is_in_library(s)) return s.lies_in;
    const std::string program = std::filesystem::path(r.header().program).filename().string();
    for (std::size_t i = s.named; i < s.names.size(); ++i) {
        const std::string module = advise::module_of(r, s.addresses[i]);
        for (const std::string& function : advise::inlined(s.names[i])) {
            std::string plain = advise::plain_name(function);
            if (const auto space = plain.rfind(' '); space != std::string::npos && !plain.starts_with("operator"))
                plain = plain.substr(space + 1);
            const std::string file = file_of(function);
            if (is_lambda(plain, file)) return file;
            if (is_plumbing(plain) || (module == program && is_standard(plain, file))) continue;
            if (plain.find("+0x") != std::string::npos) return module;
            const auto scope = plain.rfind("::");
            if (scope != std::string::npos) return plain.substr(0, scope);
            return module == program || module.empty() ? plain : module;
        }
    }
    return "(unknown)";
}

// Looks up only the addresses that are printed or make a tag: one address of a large program can take a second.
void name(const trace::recording& r, advise::advice& a, std::size_t places) {
    const std::vector<advise::site*> chosen = advise::to_be_named(a, places);
    std::set<std::uint64_t> addresses;
    for (const advise::site* s : chosen) addresses.insert(s->addresses.begin(), s->addresses.end());
    const auto names = advise::names_of(r, {addresses.begin(), addresses.end()});
    for (advise::site& s : a.sites) s.tag = "(further places)";
    for (advise::site* s : chosen) {
        for (const std::uint64_t address : s->addresses) s->names.push_back(names.at(address));
        s->tag = tag_of(r, *s);
    }
}

template <class F>
void write_file(const std::string& path, F write) {
    std::ofstream out(path, std::ios::binary);
    write(out);
    if (!out.flush()) fail(path + ": cannot be written");
}

}  // namespace

int main(int argc, char** argv) {
    std::string trace, page, options, json;
    advise::study_options study;
    std::size_t places = 20;
    CLI::App app("Shows what framealloc would do for a program recorded by framealloc-record");
    app.add_option("trace", trace, "a file written by framealloc-record")->required();
    app.add_option("--html", page, "write a self-contained HTML page with charts");
    app.add_option("--options", options, "write the options as a C++ header");
    app.add_option("--json", json, "write everything as JSON");
    advise::add_options(app, study);
    app.add_option("--places", places, "places to show")->check(CLI::Range(1U, 10'000U))->capture_default_str();
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& e) {
        if (e.get_exit_code() == 0) return app.exit(e);
        fail(e.what());
    }
    try {
        const trace::recording r(trace);
        advise::advice a = advise::study(r, study);
        advise::skip_wrappers(a);
        const std::size_t on_page = std::max<std::size_t>(places, 60), in_json = std::max<std::size_t>(places, 1000);
        name(r, a, std::max({a.enough_frames ? places : 0, page.empty() ? 0 : on_page, json.empty() ? 0 : in_json}));
        if (a.enough_frames) advise::sum_tags(a, r, study.depth);
        advise::print_report(std::cout, a, places);
        if (!page.empty()) write_file(page, [&](std::ostream& out) { advise::write_page(out, a, on_page); });
        if (!json.empty()) write_file(json, [&](std::ostream& out) { advise::write_json(out, a, in_json); });
        if (!options.empty()) write_file(options, [&](std::ostream& out) { advise::write_options(out, a); });
    } catch (const trace::error& e) { fail(e.what()); }
    return std::cout.flush() ? 0 : 2;
}
