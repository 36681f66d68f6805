// framealloc-advise: what framealloc would do for a recorded program.
#include <CLI/CLI.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <set>

#include "report.hpp"
#include "symbols.hpp"

namespace {

[[noreturn]] void fail(const std::string& line) {
    std::cerr << "framealloc-advise: " << line << '\n';
    std::exit(2);
}

bool is_plumbing(const std::string& name) {
    for (const char* p : {"std::", "__gnu_cxx::", "operator new", "new", "malloc", "calloc", "realloc", "void* std::"}) {
        if (name.starts_with(p)) return true;
    }
    return name.empty();
}

// The scope of the innermost function that is not the standard library's; its module where it has no name, or is a library's function in C.
std::string tag_of(const trace::recording& r, const advise::site& s) {
    const std::string program = std::filesystem::path(r.header().program).filename().string();
    for (std::size_t i = s.named; i < s.names.size(); ++i) {
        std::string plain = advise::plain_name(s.names[i]);
        if (const auto space = plain.rfind(' '); space != std::string::npos && !plain.starts_with("operator")) plain = plain.substr(space + 1);
        if (is_plumbing(plain)) continue;
        const std::string module = advise::module_of(r, s.addresses[i]);
        if (plain.find("+0x") != std::string::npos) return module;
        const auto scope = plain.rfind("::");
        if (scope != std::string::npos) return plain.substr(0, scope);
        return module == program || module.empty() ? plain : module;
    }
    return "(unknown)";
}

// Only what is printed or makes a tag is looked up: an address of a large program can take a second.
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
    std::size_t depth = 5, places = 20;
    CLI::App app("Says what framealloc would do for a program that framealloc-record recorded");
    app.add_option("trace", trace, "what framealloc-record wrote")->required();
    app.add_option("--html", page, "write a page with charts, which needs nothing from elsewhere");
    app.add_option("--options", options, "write the options as a C++ header");
    app.add_option("--json", json, "write everything as JSON");
    app.add_option("--site-depth", depth, "return addresses that make a place")->check(CLI::Range(1U, static_cast<unsigned>(trace::deepest_stack)))->capture_default_str();
    app.add_option("--places", places, "places to show")->check(CLI::Range(1U, 10'000U))->capture_default_str();
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& e) {
        if (e.get_exit_code() == 0) return app.exit(e);
        fail(e.what());
    }
    try {
        const trace::recording r(trace);
        advise::advice a = advise::study(r, depth);
        advise::skip_wrappers(a);
        const std::size_t on_page = std::max<std::size_t>(places, 60), in_json = std::max<std::size_t>(places, 1000);
        name(r, a, std::max({a.enough_frames ? places : 0, page.empty() ? 0 : on_page, json.empty() ? 0 : in_json}));
        if (a.enough_frames) advise::sum_tags(a, r, depth);
        advise::print_report(std::cout, a, places);
        if (!page.empty()) write_file(page, [&](std::ostream& out) { advise::write_page(out, a, on_page); });
        if (!json.empty()) write_file(json, [&](std::ostream& out) { advise::write_json(out, a, in_json); });
        if (!options.empty()) write_file(options, [&](std::ostream& out) { advise::write_options(out, a); });
    } catch (const trace::error& e) {
        fail(e.what());
    }
    return std::cout.flush() ? 0 : 2;
}
