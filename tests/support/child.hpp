// Work in a process of its own.
#pragma once

#include <sys/wait.h>
#include <unistd.h>

namespace test {

// What a child of this process ends with; its signal as a negative number. 99: the work returned.
template <class Work>
int status_of_child(Work work) {
    const pid_t child = fork();
    if (child == 0) {
        work();
        _exit(99);
    }
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

}  // namespace test
