// Runs work in its own process.
#pragma once

#include <string>

#include <sys/wait.h>
#include <unistd.h>

namespace test {

// How a process ended: its exit code, or minus the signal that ended it.
inline int end_of_child(pid_t child) {
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

// The status with which a child ends. 99: the work returned.
template <class Work>
int status_of_child(Work work) {
    const pid_t child = fork();
    if (child == 0) {
        work();
        _exit(99);
    }
    return end_of_child(child);
}

struct ended_child {
    int status = 0;
    std::string said;  // on standard error
};

// The same, with the child's output. It exits with 0 when the work returns, and is killed after this many seconds.
template <class Work>
ended_child in_child(unsigned seconds, Work work) {
    ended_child ended;
    int channel[2];
    if (pipe(channel) != 0) return {1, "no pipe"};
    const pid_t child = fork();
    if (child == 0) {
        dup2(channel[1], 2);
        close(channel[0]);
        alarm(seconds);
        work();
        _exit(0);
    }
    close(channel[1]);
    char part[4096];
    for (ssize_t k = 0; (k = read(channel[0], part, sizeof part)) > 0;)
        ended.said.append(part, static_cast<std::size_t>(k));
    close(channel[0]);
    ended.status = end_of_child(child);
    return ended;
}

}  // namespace test
