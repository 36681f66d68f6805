// Runs every mistake with many sizes, each in a forked child, in debug mode. usage: faults_test [NAME]
#include "fault_case.hpp"

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

constexpr std::size_t sizes[] = {1, 2, 7, 8, 9, 15, 16, 17, 24, 48, 63, 64, 100, 256, 1000, 1024, 4000, 4096, 5000, 10000};

enum verdict : int { caught = 0, missed = 3, wrong = 4, too_many = 5 };

struct judge {
    run* program;
    std::size_t heard = 0;
    bool right = false;

    void operator()(const fa::fault& f) const { const_cast<judge*>(this)->hear(f); }
    void hear(const fa::fault& f) {
        ++heard;
        const expectation& e = program->expected;
        if (f.what == e.what && f.where.line == e.where && f.born.line == e.born && f.died.line == e.died && (e.tag == nullptr || std::strcmp(f.tag, e.tag) == 0)) {
            right = true;
            return;
        }
        if (f.what == e.what || !right) {
            std::fprintf(stderr, "  said: FA%03u at %d, born %d, died %d, tag \"%s\"; expected: FA%03u at %d, born %d, died %d\n", static_cast<unsigned>(f.what), f.where.line,
                         f.born.line, f.died.line, f.tag, static_cast<unsigned>(e.what), e.where, e.born, e.died);
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
            std::printf("FAILED %s, %zu bytes: %s\n", c.name, size, v == missed ? "nothing was said" : v == wrong ? "something else was said" : v == too_many ? "too much was said" : "it died");
        }
    }
    std::printf("%zu mistakes x %zu sizes: %zu of %zu caught with code and place\n", programs, programs == 0 ? 0 : runs / programs, runs - failures, runs);
    return programs == 0 || failures != 0 ? 1 : 0;
}
