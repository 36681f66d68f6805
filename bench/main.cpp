// framealloc-bench: framealloc and its rivals, workload by workload, in one process and in turns.
//
//   framealloc-bench                     everything; some minutes
//   framealloc-bench --filter pool       what has "pool" in its name or group
//   framealloc-bench --json out.json --html out.html
//   framealloc-bench --rival "mimalloc 3=/tmp/mi3/libmimalloc.so"
//
// Ends with 0, with 1 when --check finds a gate that is missed or whose rival is not here, with 2 when it was called
// wrongly.
#include <CLI/CLI.hpp>

#include <sched.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <set>

#include "report.hpp"
#include "rivals.hpp"
#include "traces.hpp"

namespace {

struct choices {
    std::vector<std::string> filters, rivals, traces;
    std::string json, html, alone;
    std::size_t alone_contestant = 0;
    bool list = false, check = false, quick = false;
    int cpu = -1;
    bench::settings settings;
};

[[noreturn]] void fail(const std::string& line) {
    std::cerr << "framealloc-bench: " << line << '\n';
    std::exit(2);
}

choices read(int argc, char** argv) {
    choices c;
    CLI::App app("Times framealloc and its rivals on the same work, in turns; prints medians, spreads and ratios");
    app.add_option("--filter", c.filters, "only workloads whose group or name contains one of these")
        ->type_name("TEXT");
    app.add_option("--rival", c.rivals,
                   "a malloc from a library, \"mimalloc 3=/tmp/libmimalloc.so\" say; @VERSION behind it is for reports")
        ->type_name("NAME=FILE");
    app.add_option("--trace", c.traces, "a recording of framealloc-record to replay: NAME=FILE")
        ->type_name("NAME=FILE");
    app.add_option("--alone", c.alone, "")->group("");
    app.add_option("--alone-contestant", c.alone_contestant, "")->group("");
    app.add_option("--json", c.json, "writes everything to a file")->type_name("FILE");
    app.add_option("--html", c.html, "writes a page with charts")->type_name("FILE");
    app.add_flag("--list", c.list, "prints the workloads and their sentences");
    app.add_flag("--check", c.check, "ends with 1 when a gate is missed or its rival is not here");
    app.add_flag("--quick", c.quick, "few and short rounds: does it run? The figures mean little");
    app.add_option("--rounds", c.settings.rounds, "rounds of each workload")
        ->check(CLI::Range(3U, 1001U))
        ->capture_default_str();
    app.add_option("--slice", c.settings.slice_us, "microseconds of one contestant in a round")
        ->check(CLI::Range(1.0, 1e6))
        ->capture_default_str();
    app.add_option("--cpu", c.cpu, "runs on this processor alone")->check(CLI::Range(0, CPU_SETSIZE - 1));
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& e) {
        if (e.get_exit_code() == 0) std::exit(app.exit(e));
        fail(e.what());
    }
    if (c.quick) {
        c.settings.rounds = 3;
        c.settings.slice_us = 20;
    }
    c.settings.arguments.assign(argv, argv + argc);
    return c;
}

void prepare(const choices& c) {
    for (const std::string& r : c.rivals) {
        if (const std::string wrong = bench::take_rival(r); !wrong.empty()) fail(wrong);
    }
    for (const std::string& t : c.alone.empty() ? c.traces : std::vector<std::string>{}) {
        if (const std::string wrong = bench::take_trace(t); !wrong.empty()) fail(wrong);
    }
    if (c.cpu < 0) return;
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(c.cpu, &set);
    if (sched_setaffinity(0, sizeof set, &set) != 0) fail("--cpu: there is no processor " + std::to_string(c.cpu));
}

bool has(const bench::workload& w, const std::string& text) {
    return (w.group + "/" + w.name).find(text) != std::string::npos;
}
bool is_chosen(const bench::workload& w, const std::vector<std::string>& filters) {
    return filters.empty() ||
           std::any_of(filters.begin(), filters.end(), [&](const std::string& f) { return has(w, f); });
}

// Rivals and traces have names of the user's, by which gates find them.
void refuse_ambiguous(const bench::workloads& all) {
    std::set<std::string> names;
    for (const bench::workload& w : all) {
        if (!names.insert(w.name).second) fail("two workloads are called '" + w.name + "'");
        std::set<std::string> contestants;
        for (const bench::contestant& c : w.contestants) {
            if (!contestants.insert(c.name).second)
                fail("--rival: another contestant of '" + w.name + "' is called '" + c.name + "'");
        }
    }
}

bench::workloads chosen(const choices& c) {
    bench::workloads all;
    bench::add_frames(all);
    bench::add_scopes(all);
    bench::add_pools(all);
    bench::add_heaps(all);
    bench::add_fresh(all);
    bench::add_threads(all);
    bench::add_containers(all);
    bench::add_maps(all);
    bench::add_original_frames(all);
    bench::add_original_blocks(all);
    bench::add_traces(all);
    refuse_ambiguous(all);
    for (const std::string& f : c.filters) {
        if (std::none_of(all.begin(), all.end(), [&](const bench::workload& w) { return has(w, f); }))
            fail("no workload has '" + f + "' in its name; --list prints them");
    }
    std::erase_if(all, [&](const bench::workload& w) { return !is_chosen(w, c.filters); });
    return all;
}

// Writes the figure of one contestant, as it is in memory, to whoever started this process for it.
int measure_alone(const choices& c, const bench::workloads& list) {
    for (const bench::workload& w : list) {
        if (w.name != c.alone) continue;
        const double figure = bench::measure_alone(w, c.alone_contestant);
        const bool written = std::fwrite(&figure, sizeof figure, 1, stdout) == 1 && std::fflush(stdout) == 0;
        std::_Exit(written ? 0 : 1);
    }
    return 1;
}

// Opened before anything is measured, so that a wrong name is told at once.
std::ofstream opened(const std::string& file) {
    std::ofstream out;
    if (file.empty()) return out;
    out.open(file, std::ios::binary);
    if (!out) fail("cannot write " + file);
    return out;
}
void close(std::ofstream& out, const std::string& file) {
    if (!file.empty() && !out.flush()) fail("cannot write " + file);
}

int measure_all(const choices& c, const bench::workloads& list) {
    if (!c.json.empty() && c.json == c.html) fail("--json and --html name one file");
    std::ofstream json = opened(c.json), html = opened(c.html);
    nlohmann::ordered_json everything{{"surroundings", bench::surroundings(c.settings)}};
    const auto& s = everything["surroundings"];
    std::printf("%s, %d processors, %s, %s\n", s["processor"].get<std::string>().c_str(), s["processors"].get<int>(),
                s["compiler"].get<std::string>().c_str(), s["kernel"].get<std::string>().c_str());
    everything["workloads"] = nlohmann::ordered_json::array();
    int missed = 0, absent = 0, met = 0;
    for (const bench::workload& w : list) {
        const bench::outcome o = bench::measure_one(w, c.settings);
        bench::print_text(o);
        everything["workloads"].push_back(bench::as_json(o));
        for (const bench::verdict& v : o.verdicts) ++(!v.ratio ? absent : v.met() ? met : missed);
    }
    std::printf("\n%d gates met, %d missed, %d whose rival is not here\n", met, missed, absent);
    json << bench::as_text(everything, 1) << '\n';
    close(json, c.json);
    bench::write_page(everything, html);
    close(html, c.html);
    return c.check && missed + absent != 0 ? 1 : 0;
}

}  // namespace

int main(int argc, char** argv) {
    bench::make_room_for_libraries(argv);
    const choices c = read(argc, argv);
    prepare(c);
    const bench::workloads list = chosen(c);
    if (!c.alone.empty()) return measure_alone(c, list);
    if (c.list) {
        for (const bench::workload& w : list)
            std::printf("%s/%s\n    %s\n", w.group.c_str(), w.name.c_str(), w.sentence.c_str());
        return 0;
    }
    try {
        return measure_all(c, list);
    } catch (const std::exception& e) { fail(e.what()); }
}
