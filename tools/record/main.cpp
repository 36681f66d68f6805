// framealloc-record: runs a program with the recorder preloaded, and summarises the trace.
#include <CLI/CLI.hpp>

#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cctype>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include "trace/reader.hpp"

namespace fs = std::filesystem;

namespace {

struct choices {
    std::vector<std::string> command;
    std::string frame, output;
    double every_ms = 0;
    bool frame_env = false, children = false;
    std::uint64_t limit = 0;
    std::uint32_t sample = 1, depth = 5;
};

[[noreturn]] void fail(const std::string& line) {
    std::cerr << "framealloc-record: " << line << '\n';
    std::exit(2);
}

// Looks beside this program, in the build tree and in the installed layout.
fs::path recorder_library() {
    const fs::path here = fs::read_symlink("/proc/self/exe").parent_path();
    for (const fs::path& p : {here / RECORDER_FILE, here / RECORDER_INSTALLED}) {
        if (fs::exists(p)) return fs::canonical(p);
    }
    fail(std::string(RECORDER_FILE) + " was not found beside this program; build or install it");
}

void set(const char* name, const std::string& value) {
    setenv((std::string("FRAMEALLOC_RECORD_") + name).c_str(), value.c_str(), 1);
}

constexpr double shortest_ms = 0.1, longest_ms = 4'000'000;

// FRAMEALLOC_FRAME is a function's name, or a number of milliseconds.
void read_frame_from_environment(choices& c) {
    const char* value = std::getenv("FRAMEALLOC_FRAME");
    if (value == nullptr || *value == 0)
        fail("--frame-env: FRAMEALLOC_FRAME is not set; it is a function's name or a number of milliseconds");
    char* end = nullptr;
    c.every_ms = std::isdigit(static_cast<unsigned char>(*value)) != 0 ? std::strtod(value, &end) : 0;
    if (end == nullptr) c.frame = value;
    else if (*end != 0)
        fail(std::string("--frame-env: FRAMEALLOC_FRAME=") + value + " is not a number of milliseconds");
}

std::string ending(int status) {
    if (WIFSIGNALED(status)) return std::string("was killed by ") + strsignal(WTERMSIG(status));
    return "exited with " + std::to_string(WEXITSTATUS(status));
}

double seconds(const timeval& t) { return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6; }

std::string grouped(std::uint64_t n) {
    std::string s = std::to_string(n);
    for (auto i = static_cast<std::ptrdiff_t>(s.size()) - 3; i > 0; i -= 3)
        s.insert(static_cast<std::size_t>(i), 1, ',');
    return s;
}

// 1 frame, 2,000 frames.
std::string counted(std::uint64_t n, const char* what) { return grouped(n) + " " + what + (n == 1 ? "" : "s"); }

void summarise(const std::string& path, const std::string& how) {
    const trace::recording r(path);
    char size[64];
    std::snprintf(size, sizeof size, "%.1f MB, %.1f bytes per event", static_cast<double>(r.bytes()) / 1e6,
                  r.events() == 0 ? 0.0 : static_cast<double>(r.bytes()) / static_cast<double>(r.events()));
    std::string frames = counted(r.marks(), "frame");
    if (r.header().frames == trace::frame_source::time) {
        char ms[32];
        std::snprintf(ms, sizeof ms, "%g", r.header().every_us / 1000.0);
        frames = counted(r.marks(), "slice") + " of " + ms + " ms";
    }
    std::cerr << "framealloc-record: " << path << ": " << counted(r.events(), "event") << " of "
              << counted(r.threads(), "thread") << ", " << frames << ", "
              << counted(r.stack_count() == 0 ? 0 : r.stack_count() - 1, "call stack") << "; " << size
              << "; the program " << how << '\n';
    if (r.header().unrecorded != 0)
        std::cerr << "framealloc-record: recording ended before the program did: " << r.why_stopped() << '\n';
    if (r.marks() == 0) std::cerr << "framealloc-record: no frame was marked; see --frame and --frame-every\n";
}

choices read_choices(int argc, char** argv) {
    choices c;
    CLI::App app("Records every allocation of a program, frame by frame, for framealloc-advise and framealloc-replay");
    app.add_option("--frame", c.frame,
                   "a function that the program calls once per frame: Game::update, main_loop, nanosleep");
    app.add_option("--frame-every", c.every_ms, "time slices of this many milliseconds instead of frames");
    app.add_flag("--frame-env", c.frame_env,
                 "take the function or the milliseconds from FRAMEALLOC_FRAME in the environment");
    app.add_option("-o,--output", c.output, "the trace file; PROGRAM.fatrace by default");
    app.add_option("--limit", c.limit,
                   "maximum size of the trace, such as 500MB; recording ends there, the program continues")
        ->transform(CLI::AsSizeValue(true));
    app.add_option("--sample", c.sample, "record one block in this many, chosen by address")
        ->check(CLI::Range(1U, 1'000'000U))
        ->capture_default_str();
    app.add_option("--depth", c.depth, "return addresses to record per call stack")
        ->check(CLI::Range(0U, static_cast<unsigned>(trace::deepest_stack)))
        ->capture_default_str();
    app.add_flag("--children", c.children, "also record the programs that it starts, each in OUTPUT.PID");
    app.add_option("program", c.command, "the program and its arguments, after --")->required();
    app.positionals_at_end();
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& e) {
        if (e.get_exit_code() == 0) std::exit(app.exit(e));
        fail(e.what());
    }
    bool by_time = app.count("--frame-every") != 0;
    if (c.frame_env) {
        read_frame_from_environment(c);
        by_time = by_time || c.frame.empty();
    }
    if (by_time && !(c.every_ms >= shortest_ms && c.every_ms <= longest_ms))
        fail("--frame-every: a slice is 0.1 to 4000000 milliseconds long");
    if (!c.frame.empty() && c.every_ms > 0) fail("a frame is marked by a function or by time, not by both");
    if (c.frame.size() > 255) fail("the function's name is longer than 255 characters");
    if (c.limit != 0 && c.limit < 1'000'000) fail("--limit: at least 1MB");
    if (c.output.empty()) c.output = fs::path(c.command[0]).filename().string() + ".fatrace";
    c.output = fs::absolute(c.output).string();  // the program may change its directory
    if (c.output.size() > 1000) fail("the path of the trace is too long");
    return c;
}

// Finds a program in PATH, as execvp() does.
fs::path found(const std::string& program) {
    if (program.find('/') != std::string::npos) return program;
    const char* path = std::getenv("PATH");
    std::stringstream all(path == nullptr ? "/bin:/usr/bin" : path);
    for (std::string folder; std::getline(all, folder, ':');) {
        const fs::path p = fs::path(folder.empty() ? "." : folder) / program;
        if (access(p.c_str(), X_OK) == 0 && !fs::is_directory(p)) return p;
    }
    return {};
}

bool has_interpreter(std::istream& file, const ElfW(Ehdr) & h) {
    for (unsigned i = 0; i < h.e_phnum; ++i) {
        ElfW(Phdr) part{};
        file.seekg(static_cast<std::streamoff>(h.e_phoff + i * sizeof part));
        file.read(reinterpret_cast<char*>(&part), sizeof part);
        if (file && part.p_type == PT_INTERP) return true;
    }
    return false;
}

// Why the program did not load the libraries in LD_PRELOAD, as far as its file shows.
std::string why_not_loaded(const fs::path& program, int depth = 0) {
    struct stat s{};
    if (stat(program.c_str(), &s) == 0 && (s.st_mode & (S_ISUID | S_ISGID)) != 0)
        return program.string() + " is setuid or setgid, and the loader preloads nothing into such programs";
    std::ifstream file(program, std::ios::binary);
    ElfW(Ehdr) h{};
    file.read(reinterpret_cast<char*>(&h), sizeof h);
    const std::string start(reinterpret_cast<const char*>(&h), 2);
    if (start == "#!" && depth < 4) {
        file.clear();
        file.seekg(2);
        std::string interpreter;
        file >> interpreter;
        return why_not_loaded(interpreter, depth + 1);
    }
    if (!file || std::memcmp(h.e_ident, ELFMAG, SELFMAG) != 0)
        return program.string() + " is not a program that can be recorded, or could not be read";
    if (h.e_ident[EI_CLASS] != ELFCLASS64 || h.e_machine != EM_X86_64)
        return program.string() + " is not for 64-bit x86";
    if (!has_interpreter(file, h)) return program.string() + " is linked statically: it loads no libraries";
    return program.string() + " ended before its libraries were initialised, or its loader is not glibc's";
}

// Whether the file is as create_trace() left it, so the recorder was not loaded. A truncated trace is empty too, but
// has a later time.
bool is_untouched(const std::string& path) {
    struct stat s{};
    return stat(path.c_str(), &s) == 0 && s.st_size == 0 && s.st_mtime == 0;
}

// Returns this program's exit status: that of the recorded program, if it ran.
int explain_nothing(const choices& c, const std::string& path, int status) {
    if (is_untouched(path)) {
        unlink(path.c_str());
        if (WIFEXITED(status) && WEXITSTATUS(status) == 127 && access(found(c.command[0]).c_str(), X_OK) != 0)
            return 2;  // become() has printed why
        fail("nothing was recorded: " + why_not_loaded(found(c.command[0])) + "; the program " + ending(status));
    }
    std::error_code ignored;
    if (fs::exists(path, ignored))
        std::cerr << "framealloc-record: " << path << " was truncated during the run; the program " << ending(status)
                  << '\n';
    else if (!WIFEXITED(status) || WEXITSTATUS(status) != 2)
        std::cerr << "framealloc-record: there is no trace: " << path << " was removed; the program " << ending(status)
                  << '\n';
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

// Creates the trace, so that a wrong path is reported before the program starts.
void create_trace(const std::string& path) {
    std::error_code ignored;
    if (fs::is_regular_file(path, ignored)) fs::remove(path, ignored);
    const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd < 0) fail(path + ": " + std::strerror(errno));
    constexpr timespec never[2] = {{0, 0}, {0, 0}};
    futimens(fd, never);
    close(fd);
}

// Becomes the program; if that fails, exits with 127.
[[noreturn]] void become(choices& c) {
    const std::string library = recorder_library().string();
    if (c.children) create_trace(c.output + "." + std::to_string(getpid()));
    const char* others = std::getenv("LD_PRELOAD");
    set("TRACE", c.output);
    set("LIMIT", std::to_string(c.limit));
    set("SAMPLE", std::to_string(c.sample));
    set("DEPTH", std::to_string(c.depth));
    set("EVERY_US", std::to_string(static_cast<std::uint64_t>(c.every_ms * 1000)));
    set("FRAME", c.frame);
    set("CHILDREN", c.children ? "1" : "0");
    const std::string preload = others == nullptr || *others == 0 ? library : library + ":" + others;
    setenv("LD_PRELOAD", preload.c_str(), 1);
    set("PID", std::to_string(getpid()));
    std::vector<char*> arguments;
    for (std::string& s : c.command) arguments.push_back(s.data());
    arguments.push_back(nullptr);
    execvp(arguments[0], arguments.data());
    std::cerr << "framealloc-record: " << c.command[0] << ": " << std::strerror(errno) << '\n';
    _exit(127);
}

}  // namespace

int main(int argc, char** argv) {
    choices c = read_choices(argc, argv);
    const std::string library = recorder_library().string();  // if it is missing, fails before the program starts
    if (library.find_first_of(" :") != std::string::npos)
        fail(library + ": LD_PRELOAD cannot name a path with a space or a colon; install the tools elsewhere");
    if (!c.children) create_trace(c.output);
    const pid_t child = fork();
    if (child < 0) fail(std::strerror(errno));
    if (child == 0) become(c);
    std::signal(SIGINT, SIG_IGN);  // the terminal also sends it to the program, whose trace is still summarised
    int status = 0;
    rusage used{};
    while (wait4(child, &status, 0, &used) < 0 && errno == EINTR) {}
    const std::string path = c.children ? c.output + "." + std::to_string(child) : c.output;
    if (std::error_code ignored; fs::file_size(path, ignored) == 0 || ignored) return explain_nothing(c, path, status);
    try {
        char cpu[64];
        std::snprintf(cpu, sizeof cpu, " after %.2f s of CPU time", seconds(used.ru_utime) + seconds(used.ru_stime));
        summarise(path, ending(status) + cpu);
    } catch (const trace::error& e) {
        std::cerr << "framealloc-record: " << e.what() << "; the program " << ending(status) << '\n';
    }
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
