// Runs every mistake with many sizes, each in a forked child, in debug mode. usage: faults_test [NAME]
#include "fault_case.hpp"

#include <framealloc/detail/os/code.hpp>

#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace faults {

std::vector<fault_case>& cases() {
    static std::vector<fault_case> all;
    return all;
}

namespace {

constexpr std::size_t sizes[] = {1,  2,  7,   8,   9,    15,   16,   17,   24,   48,
                                 63, 64, 100, 256, 1000, 1024, 4000, 4096, 5000, 10000};

enum verdict : int { caught = 0, missed = 3, wrong = 4, too_many = 5 };

// Where a call records no line, the report names an instruction: returns its line by addr2line, the expected one if it
// is among the inlined calls.
int line_of(const void* instruction, int wanted) {
    char place[128], command[256], line[1024];
    fa::os::name_code(instruction, place, sizeof place);
    const char* offset = std::strrchr(place, '+');
    if (offset == nullptr) return -1;
    std::snprintf(command, sizeof command, "addr2line -i -e /proc/%d/exe %#lx", static_cast<int>(getpid()),
                  std::strtoul(offset + 1, nullptr, 16));
    std::FILE* out = popen(command, "r");
    int found = -1;
    while (out != nullptr && std::fgets(line, sizeof line, out) != nullptr) {
        const char* colon = std::strrchr(line, ':');
        const bool ours = std::strstr(line, "/faults/cases/") != nullptr;
        if (ours && colon != nullptr && (found == -1 || std::atoi(colon + 1) == wanted)) found = std::atoi(colon + 1);
    }
    if (out != nullptr) pclose(out);
    return found;
}

struct judge {
    run* program;
    std::size_t heard = 0;
    bool right = false;

    void operator()(const fa::fault& f) const { const_cast<judge*>(this)->hear(f); }
    void hear(const fa::fault& f) {
        ++heard;
        const expectation& e = program->expected;
        const auto line = [](const fa::site& s, int wanted) {
            return s.caller != nullptr && wanted != 0 ? line_of(s.caller, wanted) : s.line;
        };
        const int where = line(f.where, e.where), born = line(f.born, e.born), died = line(f.died, e.died);
        if (f.what == e.what && where == e.where && born == e.born && died == e.died &&
            (e.tag == nullptr || std::strcmp(f.tag, e.tag) == 0)) {
            right = true;
            if (e.dies) _exit(caught);
            return;
        }
        if (f.what == e.what || !right) {
            std::fprintf(
                stderr,
                "  said: FA%03u at %d, born %d, died %d, tag \"%s\"; expected: FA%03u at %d, born %d, died %d\n",
                static_cast<unsigned>(f.what), where, born, died, f.tag, static_cast<unsigned>(e.what), e.where, e.born,
                e.died);
            fa::print_fault(f);
        }
    }
};

int run_case(const fault_case& c, std::size_t size) {
    const pid_t child = fork();
    if (child == 0) {
        alarm(20);
        run program{.size = size, .options = {}, .expected = {}};
        judge j{&program};
        program.options = {.name = "faults", .frame_capacity = 64_KiB, .on_fault = j};
        c.program(program);
        if (j.heard == 0) _exit(missed);
        if (!j.right) _exit(wrong);
        _exit(program.expected.count == 0 || j.heard == program.expected.count ? caught : too_many);
    }
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 100 + WTERMSIG(status);
}

}  // namespace
}  // namespace faults

int main(int argc, char** argv) {
    using namespace faults;
    std::size_t programs = 0, runs = 0, failures = 0;
    for (const fault_case& c : cases()) {
        if (argc > 1 && std::strstr(c.name, argv[1]) == nullptr) continue;
        ++programs;
        for (std::size_t size : sizes) {
            ++runs;
            const int v = run_case(c, size);
            if (v == caught) continue;
            ++failures;
            std::printf("FAILED %s, %zu bytes: %s\n", c.name, size,
                        v == missed     ? "nothing was said"
                        : v == wrong    ? "something else was said"
                        : v == too_many ? "too much was said"
                                        : "it died");
        }
    }
    std::printf("%zu mistakes x %zu sizes: %zu of %zu caught with code and place\n", programs,
                programs == 0 ? 0 : runs / programs, runs - failures, runs);
    return programs == 0 || failures != 0 ? 1 : 0;
}
