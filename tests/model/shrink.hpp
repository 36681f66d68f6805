// Shortens a failing sequence of steps: delta debugging (Zeller, Hildebrandt, 2002), each attempt in its own child
// process.
#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <vector>

namespace test {

using steps = std::vector<std::uint64_t>;

// Whether f throws, crashes or takes longer than a minute.
template <class F>
bool fails_in_child(F&& f) {
    std::fflush(stdout);
    const pid_t child = fork();
    if (child == 0) {
        alarm(60);
        std::freopen("/dev/null", "w", stdout) == nullptr ? _exit(2) : static_cast<void>(0);
        std::freopen("/dev/null", "w", stderr) == nullptr ? _exit(2) : static_cast<void>(0);
        try {
            f();
        } catch (...) { _exit(1); }
        _exit(0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    return !WIFEXITED(status) || WEXITSTATUS(status) != 0;
}

// The shortest sequence found by removing ever smaller runs of steps. Requires: fails(program).
template <class Fails>
steps shrink(steps program, Fails&& fails) {
    for (std::size_t run = program.size() / 2; run != 0;) {
        bool shorter = false;
        for (std::size_t at = 0; at < program.size();) {
            steps some = program;
            const auto from = some.begin() + static_cast<std::ptrdiff_t>(at);
            some.erase(from, static_cast<std::size_t>(some.end() - from) > run ? from + static_cast<std::ptrdiff_t>(run)
                                                                               : some.end());
            if (some.size() < program.size() && fails(some)) {
                program = some;
                shorter = true;
            } else {
                at += run;
            }
        }
        if (!shorter || run > program.size()) run /= 2;
    }
    return program;
}

}  // namespace test
