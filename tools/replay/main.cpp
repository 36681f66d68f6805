// framealloc-replay: replays a recorded program's allocations with several allocators, interleaved, and verifies the
// contents of every block.
#include <CLI/CLI.hpp>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <iostream>

#include "advise/options.hpp"
#include "player.hpp"

namespace {

struct rival {
    const char* name;
    const char* preload;  // a library; empty: none
    replay::with with;
};
constexpr rival rivals[] = {
    {"glibc", "", replay::with::malloc},
    {"mimalloc", "libmimalloc.so.2", replay::with::malloc},
    {"jemalloc", "libjemalloc.so.2", replay::with::malloc},
    {"tcmalloc", "libtcmalloc_minimal.so.4", replay::with::malloc},
    {"tbb", "libtbbmalloc_proxy.so.2", replay::with::malloc},
    {"framealloc", "", replay::with::framealloc},
    {"intent", "", replay::with::intent},
};

struct choices {
    std::string trace, with;
    bool intent = false, threads = false, exact = false;
    unsigned rounds = 5;
    advise::study_options study;
};

[[noreturn]] void fail(const std::string& line) {
    std::cerr << "framealloc-replay: " << line << '\n';
    std::exit(2);
}

bool is_installed(const rival& r) {
    if (*r.preload == 0) return true;
    for (const char* folder : {"/usr/lib/x86_64-linux-gnu/", "/usr/lib64/", "/usr/lib/", "/usr/local/lib/"}) {
        if (std::filesystem::exists(std::string(folder) + r.preload)) return true;
    }
    return false;
}

std::vector<rival> chosen_rivals(const choices& c) {
    std::vector<rival> list;
    if (c.with.empty()) {
        for (const rival& r : rivals) {
            if (r.with == replay::with::intent) continue;
            if (is_installed(r)) list.push_back(r);
            else std::cerr << "framealloc-replay: " << r.name << " is skipped: " << r.preload << " is not installed\n";
        }
    }
    for (std::size_t at = 0; at < c.with.size();) {
        const std::size_t end = std::min(c.with.find_first_of(",|", at), c.with.size());
        const std::string name = c.with.substr(at, end - at);
        const auto* r = std::find_if(std::begin(rivals), std::end(rivals),
                                     [&](const rival& x) { return name == x.name && x.with != replay::with::intent; });
        if (r == std::end(rivals))
            fail("--with: '" + name + "' is not one of glibc, mimalloc, jemalloc, tcmalloc, tbb, framealloc");
        if (!is_installed(*r)) fail(name + ": " + r->preload + " is not installed");
        list.push_back(*r);
        at = end + 1;
    }
    if (c.intent)
        list.push_back(*std::find_if(std::begin(rivals), std::end(rivals),
                                     [](const rival& r) { return r.with == replay::with::intent; }));
    return list;
}

// A program in memory that other processes map.
int share(const replay::program& p) {
    const int fd = memfd_create("replay", 0);
    if (fd < 0) fail(std::string("memfd_create: ") + std::strerror(errno));
    const char* at = reinterpret_cast<const char*>(p.operations.data());
    for (std::size_t left = p.operations.size() * sizeof(replay::operation); left != 0;) {
        const ssize_t n = write(fd, at, left);
        if (n <= 0) fail(std::string("the program does not fit into memory: ") + std::strerror(errno));
        at += n;
        left -= static_cast<std::size_t>(n);
    }
    return fd;
}

// Each allocator runs in its own process and serves that whole process, as it does for its users.
class contender {
public:
    contender(const rival& r, const replay::program& p, int program_fd, const choices& c,
              const replay::frame_options& frames)
        : r_(r) {
        int in[2], out[2];
        if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0)
            fail(std::strerror(errno));  // no contender holds the ends of another
        child_ = fork();
        if (child_ < 0) fail(std::strerror(errno));
        if (child_ == 0) {
            dup2(in[0], 0);
            dup2(out[1], 1);
            if (*r.preload != 0) setenv("LD_PRELOAD", r.preload, 1);
            const replay::order o = !c.threads ? replay::order::one_thread
                                    : c.exact  ? replay::order::exact
                                               : replay::order::free;
            std::vector<std::string> words = {"framealloc-replay", "--serve"};
            for (const std::uint64_t n :
                 {static_cast<std::uint64_t>(program_fd), static_cast<std::uint64_t>(p.operations.size()), p.slots,
                  std::uint64_t{p.threads}, static_cast<std::uint64_t>(r.with), static_cast<std::uint64_t>(o),
                  static_cast<std::uint64_t>(frames.capacity), std::uint64_t{frames.in_flight}})
                words.push_back(std::to_string(n));
            std::vector<char*> arguments;
            for (std::string& w : words) arguments.push_back(w.data());
            arguments.push_back(nullptr);
            execv("/proc/self/exe", arguments.data());
            _exit(2);
        }
        close(in[0]);
        close(out[1]);
        to_ = fdopen(in[1], "w");
        from_ = fdopen(out[0], "r");
    }
    ~contender() {
        std::fclose(to_);
        std::fclose(from_);
        waitpid(child_, nullptr, 0);
    }
    contender(const contender&) = delete;
    contender& operator=(const contender&) = delete;

    void play(bool verify) {
        unsigned long long ns = 0, wrong = 0, refused = 0;
        unsigned long kib = 0;
        std::fputs(verify ? "verify\n" : "time\n", to_);
        std::fflush(to_);
        if (std::fscanf(from_, "%llu %llu %llu %lu", &ns, &wrong, &refused, &kib) != 4)
            fail(std::string(r_.name) + " ended before its replay did");
        if (!verify) times_.push_back(static_cast<double>(ns));
        wrong_ += wrong;
        refused_ += refused;
        peak_kib_ = std::max(peak_kib_, kib);
    }
    const rival& which() const { return r_; }
    double median() const {
        std::vector<double> t = times_;
        std::nth_element(t.begin(), t.begin() + static_cast<std::ptrdiff_t>(t.size() / 2), t.end());
        return t[t.size() / 2];
    }
    double fastest() const { return *std::min_element(times_.begin(), times_.end()); }
    std::uint64_t wrong() const { return wrong_; }
    std::uint64_t refused() const { return refused_; }
    unsigned long peak_kib() const { return peak_kib_; }

private:
    rival r_;
    pid_t child_ = -1;
    std::FILE* to_ = nullptr;
    std::FILE* from_ = nullptr;
    std::vector<double> times_;
    std::uint64_t wrong_ = 0, refused_ = 0;
    unsigned long peak_kib_ = 0;
};

// Returns how many stamps were wrong.
std::uint64_t compare(const char* title, const replay::program& p, const std::vector<rival>& list, const choices& c,
                      const replay::frame_options& frames) {
    if (p.calls == 0) {
        std::printf("%s: nothing to replay\n", title);
        return 0;
    }
    const auto memory = static_cast<std::uint64_t>(sysconf(_SC_PHYS_PAGES)) *
                        static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
    if (p.touched > memory / 2)
        fail("the trace has up to " + std::to_string(p.touched) +
             " bytes in use at once, more than half of this machine's memory");
    const int fd = share(p);
    std::vector<std::unique_ptr<contender>> contenders;
    for (const rival& r : list) contenders.push_back(std::make_unique<contender>(r, p, fd, c, frames));
    close(fd);
    for (auto& x : contenders) x->play(true);
    for (unsigned round = 0; round < c.rounds; ++round) {
        for (auto& x : contenders) x->play(false);
    }
    double best_rival = 0;
    for (const auto& x : contenders) {
        if (x->which().with == replay::with::malloc && (best_rival == 0 || x->median() < best_rival))
            best_rival = x->median();
    }
    std::printf(
        "%s: %llu calls, %llu blocks, %llu frames, %.1f MiB live at most; verified once, timed in %u rounds, "
        "interleaved\n",
        title, static_cast<unsigned long long>(p.calls), static_cast<unsigned long long>(p.blocks),
        static_cast<unsigned long long>(p.frames), static_cast<double>(p.peak_bytes) / 1048576, c.rounds);
    std::printf("  %-11s %12s %12s %14s %12s %14s %8s\n", "allocator", "ns, median", "ns, fastest", "to best rival",
                "peak MiB", "peak to live", "wrong");
    if (p.beyond != 0)
        std::printf(
            "  %llu blocks of places advised for frames are used beyond their frame; they are replayed in the pool\n",
            static_cast<unsigned long long>(p.beyond));
    std::uint64_t wrong = 0;
    for (const auto& x : contenders) {
        const double calls = static_cast<double>(p.calls);
        char ratio[32] = "-";
        if (best_rival != 0) std::snprintf(ratio, sizeof ratio, "%.2f", x->median() / best_rival);
        std::printf(
            "  %-11s %12.1f %12.1f %14s %12.1f %14.2f %8llu\n", x->which().name, x->median() / calls,
            x->fastest() / calls, ratio, static_cast<double>(x->peak_kib()) / 1024,
            static_cast<double>(x->peak_kib()) * 1024 / static_cast<double>(std::max<std::uint64_t>(p.peak_bytes, 1)),
            static_cast<unsigned long long>(x->wrong()));
        if (x->refused() != 0)
            std::printf("  %-11s refused %llu requests\n", x->which().name,
                        static_cast<unsigned long long>(x->refused()));
        wrong += x->wrong();
    }
    return wrong;
}

int serve_from(char** arguments) {
    std::uint64_t n[8];
    for (int i = 0; i < 8; ++i) n[i] = std::strtoull(arguments[i], nullptr, 10);
    return replay::serve(static_cast<int>(n[0]), n[1], n[2], static_cast<std::uint32_t>(n[3]),
                         static_cast<replay::with>(n[4]), static_cast<replay::order>(n[5]),
                         {.capacity = n[6], .in_flight = static_cast<std::uint32_t>(n[7])});
}

}  // namespace

int main(int argc, char** argv) {
    if (argc == 10 && std::strcmp(argv[1], "--serve") == 0) return serve_from(argv + 2);
    choices c;
    CLI::App app(
        "Replays the allocations of a recorded program with several allocators in turn, and verifies all contents");
    app.add_option("trace", c.trace, "a file written by framealloc-record")->required();
    app.add_option("--with", c.with,
                   "comma-separated: glibc, mimalloc, jemalloc, tcmalloc, tbb, framealloc; by default all installed");
    app.add_flag("--intent", c.intent,
                 "also replay with frame-shaped places in framealloc's frames, and those places alone");
    app.add_flag("--threads", c.threads, "replay with as many threads as were recorded; one by default");
    app.add_flag("--exact", c.exact, "with --threads: in the recorded order, one operation at a time");
    app.add_option("--rounds", c.rounds, "timed rounds per allocator")
        ->check(CLI::Range(1U, 1000U))
        ->capture_default_str();
    advise::add_options(app, c.study);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& e) {
        if (e.get_exit_code() == 0) return app.exit(e);
        fail(e.what());
    }
    if (c.exact && !c.threads) fail("--exact needs --threads");
    std::signal(SIGPIPE, SIG_IGN);  // a contender that has ended is reported by play()
    const std::vector<rival> list = chosen_rivals(c);
    std::uint64_t wrong = 0;
    try {
        const trace::recording r(c.trace);
        const advise::advice a = advise::study(r, c.study);
        const replay::frame_options frames{.capacity = std::max<std::size_t>(a.frame_capacity, 1 << 20),
                                           .in_flight = a.frames_in_flight};
        wrong += compare("everything", replay::build(r, a, c.study.depth, replay::part::all), list, c, frames);
        if (c.intent)
            wrong += compare("frame-shaped places", replay::build(r, a, c.study.depth, replay::part::frames), list, c,
                             frames);
    } catch (const trace::error& e) { fail(e.what()); }
    if (wrong != 0) std::cerr << "framealloc-replay: " << wrong << " stamps were wrong\n";
    return wrong == 0 ? 0 : 1;
}
