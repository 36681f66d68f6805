// Runs programs in users' style, each in a forked child, and reads their output as a user would. Of the wrong ones at
// least 98 % must be reported with the right code at the user's line, the right ones must print nothing and return 0.
// usage: style_test FOLDER-OF-THE-SOURCES wrong|right [PART OF A NAME]
#include "program.hpp"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <string>

namespace style {

std::vector<program>& programs() {
    static std::vector<program> all;
    return all;
}

namespace {

constexpr std::size_t required_percent = 98;
constexpr unsigned seconds = 20;

struct outcome {
    std::string said;
    int status = 0;
};

struct mark {
    std::string code;  // or "born"
    int line;
};

// "hud.cpp:12", or "style_test+0x1234", which is resolved to a line later.
struct place {
    std::string text;
    int line = 0;
};

// The first report.
struct report {
    std::string code;
    place where, born, died;
};

struct judged {
    const program* p;
    outcome got;
    report first;
    std::vector<mark> expected;
};

outcome run(const program& p) {
    std::fflush(stdout);
    int ends[2];
    if (pipe(ends) != 0) std::abort();
    const pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        dup2(ends[1], STDOUT_FILENO);
        dup2(ends[1], STDERR_FILENO);
        close(ends[1]);
        const rlimit none{0, 0};
        setrlimit(RLIMIT_CORE, &none);
        alarm(seconds);
        p.run();
        std::exit(0);
    }
    close(ends[1]);
    outcome got;
    char text[4096];
    for (ssize_t n; (n = read(ends[0], text, sizeof text)) > 0;) got.said.append(text, static_cast<std::size_t>(n));
    close(ends[0]);
    waitpid(child, &got.status, 0);
    return got;
}

std::string place_behind(const std::string& line, const char* words) {
    const std::size_t at = line.find(words);
    if (at == std::string::npos) return {};
    const std::size_t begin = at + std::strlen(words);
    return line.substr(begin, line.find_first_of(" ;", begin) - begin);
}

// "place: framealloc: FA002 text: detail [name]; tag …; allocated at …"
report read_report(const std::string& said) {
    const std::size_t begin = said.find("framealloc: FA");
    if (begin == std::string::npos) return {};
    const std::string line = said.substr(begin, said.find('\n', begin) - begin);
    report r{.code = line.substr(std::strlen("framealloc: "), 5), .where = {}, .born = {}, .died = {}};
    for (const char* words : {"; allocated at ", "; opened at "}) r.born.text += place_behind(line, words);
    for (const char* words : {"; freed at ", "; ended at "}) r.died.text += place_behind(line, words);
    const std::size_t start = said.rfind('\n', begin) + 1;
    const std::string place = begin > start + 2 ? said.substr(start, begin - 2 - start) : "";
    if (place.find(':') != std::string::npos || place.find("+0x") != std::string::npos) r.where.text = place;
    return r;
}

const char* name_of(const char* file) {
    const char* slash = std::strrchr(file, '/');
    return slash == nullptr ? file : slash + 1;
}

std::vector<std::string> lines_of(const std::string& folder, const char* file) {
    std::vector<std::string> lines(1);  // counted from 1
    std::ifstream in(folder + "/" + name_of(file));
    if (!in) {
        std::fprintf(stderr, "no %s in %s\n", name_of(file), folder.c_str());
        std::exit(2);
    }
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    return lines;
}

bool ends_here(const std::string& line) { return line == "}" || line.starts_with("}  //"); }

// The marks of a program are between the end of the previous program and its own end.
std::vector<mark> marks_of(const program& p, const std::vector<std::string>& lines, std::size_t first) {
    std::vector<mark> marks;
    for (std::size_t i = first; i < lines.size(); ++i) {
        const std::size_t comment = lines[i].rfind("// ");
        const std::string said = comment == std::string::npos ? "" : lines[i].substr(comment);
        if (said.starts_with("// born")) marks.push_back({"born", static_cast<int>(i)});
        for (std::size_t at = 0; (at = said.find("FA", at)) != std::string::npos; at += 5) marks.push_back({said.substr(at, 5), static_cast<int>(i)});
        if (i > static_cast<std::size_t>(p.line) && ends_here(lines[i])) break;
    }
    return marks;
}

std::size_t end_of(const program& p, const std::vector<std::string>& lines) {
    std::size_t i = static_cast<std::size_t>(p.line);
    while (i < lines.size() && !ends_here(lines[i])) ++i;
    return i;
}

bool in_headers(const char* place) { return place[0] == '?' || std::strstr(place, "/include/") != nullptr || std::strncmp(place, "/usr/", 5) == 0; }

unsigned long offset_of(const place& p) {
    const std::size_t plus = p.text.rfind("+0x");
    return plus == std::string::npos ? 0 : std::strtoul(p.text.c_str() + plus + 1, nullptr, 16);
}

void find_line(place& p, const char* file, const std::map<unsigned long, std::string>& found) {
    if (offset_of(p) != 0) {
        const auto at = found.find(offset_of(p));
        p.text += " (" + (at == found.end() ? "no line" : at->second) + ")";
    }
    const std::size_t named = p.text.find(file);
    if (named != std::string::npos) p.line = std::atoi(p.text.c_str() + named + std::strlen(file) + 1);
}

// The first line outside headers of each instruction that a report names.
void find_lines(std::vector<judged>& all) {
    std::string command = "addr2line -a -i -e /proc/" + std::to_string(getpid()) + "/exe";
    char line[1024];
    for (const judged& j : all) {
        for (const place* p : {&j.first.where, &j.first.born, &j.first.died}) {
            std::snprintf(line, sizeof line, " %#lx", offset_of(*p));
            command += line;
        }
    }
    std::map<unsigned long, std::string> found;
    std::FILE* out = popen(command.c_str(), "r");
    for (unsigned long at = 0; out != nullptr && std::fgets(line, sizeof line, out) != nullptr;) {
        line[std::strcspn(line, "\n")] = '\0';
        if (std::strncmp(line, "0x", 2) == 0) at = std::strtoul(line, nullptr, 16);
        else if (!in_headers(line)) found.emplace(at, name_of(line));
    }
    if (out != nullptr) pclose(out);
    for (judged& j : all) {
        for (place* p : {&j.first.where, &j.first.born, &j.first.died}) find_line(*p, name_of(j.p->file), found);
    }
}

bool has_code(const judged& j) {
    return std::any_of(j.expected.begin(), j.expected.end(), [&](const mark& m) { return m.code == j.first.code; });
}
bool has_place(const judged& j) {
    const report& r = j.first;
    const bool of_a_block = r.code == "FA419" || r.code == "FA424" || r.code == "FA428";  // the place where it is detected says little
    const auto named = [&](const mark& m) { return m.line == r.where.line || (of_a_block && (m.line == r.born.line || m.line == r.died.line)); };
    const bool placed = std::any_of(j.expected.begin(), j.expected.end(), [&](const mark& m) { return m.code == r.code && named(m); });
    return placed && std::all_of(j.expected.begin(), j.expected.end(), [&](const mark& m) { return m.code != "born" || m.line == r.born.line; });
}

std::string group_of(const program& p) {
    const std::string file = name_of(p.file);
    return file.substr(0, file.find('.'));
}

void print_wrong(const judged& j) {
    std::string expected;
    for (const mark& m : j.expected) expected += (expected.empty() ? "" : " or ") + m.code + " at line " + std::to_string(m.line);
    std::printf("%s %s (%s:%d)\n  expected %s\n  said: %s", has_code(j) ? "PLACE" : "MISSED", j.p->name, name_of(j.p->file), j.p->line, expected.c_str(),
                j.got.said.empty() ? "nothing\n" : j.got.said.c_str());
    std::printf("  places: %s, born %s, died %s\n", j.first.where.text.c_str(), j.first.born.text.c_str(), j.first.died.text.c_str());
    if (WIFSIGNALED(j.got.status)) std::printf("  ended by signal %d%s\n", WTERMSIG(j.got.status), WTERMSIG(j.got.status) == SIGALRM ? ", out of time" : "");
    else std::printf("  returned %d\n", WEXITSTATUS(j.got.status));
}

struct tally {
    std::size_t programs = 0, caught = 0, placed = 0;
};

void print_table(const std::map<std::string, tally>& groups, const char* first, const char* second) {
    tally all;
    std::printf("%-24s%10s%10s%10s\n", "", "programs", first, second);
    for (const auto& [name, t] : groups) {
        std::printf("%-24s%10zu%10zu%10zu\n", name.c_str(), t.programs, t.caught, t.placed);
        all.programs += t.programs, all.caught += t.caught, all.placed += t.placed;
    }
    std::printf("%-24s%10zu%10zu%10zu\n", "all", all.programs, all.caught, all.placed);
}

bool chosen(const program& p, const char* part) { return part == nullptr || std::strstr(p.name, part) != nullptr || std::strstr(p.file, part) != nullptr; }

int run_wrong(const char* folder, const char* part) {
    std::map<std::string, std::vector<std::string>> files;
    std::map<std::string, std::size_t> begins;
    std::vector<judged> all;
    bool sound = true;
    for (const program& p : programs()) {
        if (p.is == kind::right) continue;
        auto& lines = files[p.file];
        if (lines.empty()) lines = lines_of(folder, p.file);
        auto& first = begins[p.file];
        auto marks = marks_of(p, lines, first);
        first = end_of(p, lines) + 1;
        if (!chosen(p, part)) continue;
        if (marks.empty() == (p.is == kind::wrong)) {
            std::printf("%s (%s:%d) has %s mark\n", p.name, p.file, p.line, marks.empty() ? "no" : "a");
            sound = false;
        }
        outcome got = run(p);
        report r = read_report(got.said);
        all.push_back({&p, std::move(got), std::move(r), std::move(marks)});
    }
    find_lines(all);
    std::map<std::string, tally> groups;
    tally sum;
    std::size_t documented = 0, reported = 0;
    for (const judged& j : all) {
        if (j.p->is == kind::documented) {
            ++documented, reported += !j.first.code.empty();
            std::printf("documented as not caught: %s: %s\n", j.p->name, j.first.code.empty() ? "nothing is said" : (j.first.code + " at " + j.first.where.text).c_str());
            continue;
        }
        if (!has_place(j)) print_wrong(j);
        for (tally* t : {&groups[group_of(*j.p)], &sum}) ++t->programs, t->caught += has_code(j), t->placed += has_place(j);
    }
    print_table(groups, "caught", "at line");
    std::printf("beside them %zu that the documentation calls not caught, of which %zu are\n", documented, reported);
    return !sound || sum.programs == 0 || sum.placed * 100 < sum.programs * required_percent;
}

int run_right(const char* part) {
    std::map<std::string, tally> groups;
    tally sum;
    for (const program& p : programs()) {
        if (p.is != kind::right || !chosen(p, part)) continue;
        const outcome got = run(p);
        const bool quiet = got.said.empty(), well = WIFEXITED(got.status) && WEXITSTATUS(got.status) == 0;
        for (tally* t : {&groups[group_of(p)], &sum}) ++t->programs, t->caught += quiet, t->placed += well;
        if (quiet && well) continue;
        std::printf("FAILED %s (%s:%d): status %#x\n%s", p.name, name_of(p.file), p.line, static_cast<unsigned>(got.status), got.said.c_str());
    }
    print_table(groups, "quiet", "return 0");
    return sum.programs == 0 || sum.caught != sum.programs || sum.placed != sum.programs;
}

}  // namespace
}  // namespace style

int main(int argc, char** argv) {
    const char* which = argc > 2 ? argv[2] : "";
    const char* part = argc > 3 ? argv[3] : nullptr;
    if (std::strcmp(which, "wrong") == 0) return style::run_wrong(argv[1], part);
    if (std::strcmp(which, "right") == 0) return style::run_right(part);
    std::fprintf(stderr, "usage: style_test FOLDER-OF-THE-SOURCES wrong|right [PART OF A NAME]\n");
    return 2;
}
