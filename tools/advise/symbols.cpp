// Runs eu-addr2line and reads what it prints.
#include "symbols.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>

extern char** environ;

namespace advise {
namespace {

// A file that only this process sees, deleted when it is closed.
class scratch_file {
public:
    scratch_file() : file_(std::tmpfile()) {}
    ~scratch_file() {
        if (file_ != nullptr) std::fclose(file_);
    }
    scratch_file(const scratch_file&) = delete;
    scratch_file& operator=(const scratch_file&) = delete;
    std::FILE* get() const { return file_; }
    int descriptor() const { return fileno(file_); }

private:
    std::FILE* file_;
};

// Runs eu-addr2line on a module; null when it cannot be run.
std::unique_ptr<scratch_file> look_up(const std::string& path, const std::vector<std::uint64_t>& offsets) {
    scratch_file in;
    auto out = std::make_unique<scratch_file>();
    if (in.get() == nullptr || out->get() == nullptr) return nullptr;
    for (const std::uint64_t at : offsets) std::fprintf(in.get(), "0x%" PRIx64 "\n", at);
    std::fflush(in.get());
    lseek(in.descriptor(), 0, SEEK_SET);
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, in.descriptor(), 0);
    posix_spawn_file_actions_adddup2(&files, out->descriptor(), 1);
    posix_spawn_file_actions_addopen(&files, 2, "/dev/null", O_WRONLY, 0);
    std::string words[] = {"eu-addr2line", "-a", "-f", "-i", "-C", "-s", "-e", path};
    std::vector<char*> arguments;
    for (std::string& w : words) arguments.push_back(w.data());
    arguments.push_back(nullptr);
    pid_t child = 0;
    const int wrong = posix_spawnp(&child, arguments[0], &files, nullptr, arguments.data(), environ);
    posix_spawn_file_actions_destroy(&files);
    if (wrong != 0) return nullptr;
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {}
    std::rewind(out->get());
    return out;
}

std::string read_line(std::FILE* f) {
    std::string line;
    for (int c = std::fgetc(f); c != EOF && c != '\n'; c = std::fgetc(f)) line += static_cast<char>(c);
    return line;
}

}  // namespace

std::map<std::uint64_t, std::string> names_of(const trace::recording& r, const std::vector<std::uint64_t>& addresses) {
    std::map<const trace::module*, std::vector<std::uint64_t>> by_module;
    std::map<std::uint64_t, std::string> names;
    for (const std::uint64_t a : addresses) {
        char plain[32];
        std::snprintf(plain, sizeof plain, "0x%" PRIx64, a);
        names[a] = plain;
        for (const trace::module& m : r.modules()) {
            if (a - 1 < m.begin || a - 1 >= m.end) continue;
            std::snprintf(plain, sizeof plain, "+0x%" PRIx64, a - m.bias);
            names[a] = std::filesystem::path(m.path).filename().string() + plain;
            by_module[&m].push_back(a);
            break;
        }
    }
    for (const auto& [m, list] : by_module) {
        std::vector<std::uint64_t> offsets;
        for (const std::uint64_t a : list) offsets.push_back(a - 1 - m->bias);
        const auto out = look_up(m->path, offsets);
        if (out == nullptr) break;
        std::size_t at = 0;  // an address line comes first, then pairs of function and place
        std::string line = read_line(out->get());
        while (at < list.size() && line.starts_with("0x")) {
            std::string name;
            for (line = read_line(out->get()); !line.empty() && !line.starts_with("0x"); line = read_line(out->get())) {
                const std::string place = read_line(out->get());
                if (line == "??") continue;
                if (!name.empty()) name += " < ";
                name += line.substr(0, line.find(" inlined at"));
                if (!place.starts_with("??"))
                    name += " (" +
                            place.substr(0,
                                         place.rfind(':') == place.find(':') ? std::string::npos : place.rfind(':')) +
                            ")";
            }
            if (!name.empty()) names[list[at]] = name;
            ++at;
        }
    }
    return names;
}

std::string module_of(const trace::recording& r, std::uint64_t address) {
    for (const trace::module& m : r.modules()) {
        if (address - 1 >= m.begin && address - 1 < m.end) return std::filesystem::path(m.path).filename().string();
    }
    return {};
}

std::vector<std::string> inlined(const std::string& name) {
    std::vector<std::string> functions;
    std::size_t begin = 0;
    for (std::size_t end = name.find(" < "); end != std::string::npos; end = name.find(" < ", begin)) {
        functions.push_back(name.substr(begin, end - begin));
        begin = end + 3;
    }
    functions.push_back(name.substr(begin));
    return functions;
}

std::string plain_name(const std::string& name) {
    std::string plain;
    int depth = 0;
    for (std::size_t i = 0; i < name.size(); ++i) {
        const char c = name[i];
        if (c == '<' && i != 0 && name[i - 1] == ' ') break;  // its caller, inlined into it
        if (c == '<') ++depth;
        else if (c == '>') depth -= depth > 0 ? 1 : 0;
        else if (c == '(' && depth == 0) break;
        else if (depth == 0) plain += c;
    }
    while (!plain.empty() && plain.back() == ' ') plain.pop_back();
    return plain;
}

}  // namespace advise
