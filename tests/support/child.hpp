// A piece of program in a child process, for what ends one.
#pragma once

#include <string>

#include <sys/wait.h>
#include <unistd.h>

namespace test {

struct ended_child {
    int status = 0;    // exit code, or minus the signal that ended it
    std::string said;  // on standard error
};

// `program` runs in a child, which exits with 0 when it returns and is ended after so many seconds.
template <class F>
ended_child in_child(unsigned seconds, F&& program) {
    ended_child ended;
    int channel[2];
    if (pipe(channel) != 0) return {1, "no pipe"};
    const pid_t child = fork();
    if (child == 0) {
        dup2(channel[1], 2);
        close(channel[0]);
        alarm(seconds);
        program();
        _exit(0);
    }
    close(channel[1]);
    char part[4096];
    for (ssize_t k = 0; (k = read(channel[0], part, sizeof part)) > 0;) ended.said.append(part, static_cast<std::size_t>(k));
    close(channel[0]);
    int status = 0;
    waitpid(child, &status, 0);
    ended.status = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    return ended;
}

}  // namespace test
