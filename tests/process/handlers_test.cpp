// Plugins that each contain the library install an access fault handler before the existing one. Whatever the order in
// which three of them are unloaded, and however many are: a fault in the program's own code reaches the program's
// handler, also when the program has installed another one on top that forwards unknown faults.
#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <string>

#include <dlfcn.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

constexpr std::size_t copies = 3;
using order = std::array<std::size_t, copies>;

void on_fault(int) { _exit(42); }

struct sigaction below_top{};
void hand_on(int signal, siginfo_t* info, void* context) { below_top.sa_sigaction(signal, info, context); }
void put_on_top() {
    struct sigaction top{};
    top.sa_sigaction = hand_on;
    top.sa_flags = SA_SIGINFO | SA_NODEFER;
    sigaction(SIGSEGV, &top, &below_top);
}

[[noreturn]] void in_child(const std::array<std::string, copies>& paths, const order& unloaded, std::size_t n,
                           bool on_top) {
    std::signal(SIGSEGV, on_fault);
    std::array<void*, copies> plugins{};
    for (std::size_t i = 0; i < copies; ++i) {
        plugins[i] = dlopen(paths[i].c_str(), RTLD_NOW | RTLD_LOCAL);
        if (plugins[i] == nullptr) _exit(std::fprintf(stderr, "%s\n", dlerror()) > 0 ? 1 : 2);
        reinterpret_cast<int (*)(bool)>(dlsym(plugins[i], "plugin_work"))(true);
    }
    if (on_top) put_on_top();
    for (std::size_t i = 0; i < n; ++i) {
        dlclose(plugins[unloaded[i]]);
        if (dlopen(paths[unloaded[i]].c_str(), RTLD_NOW | RTLD_NOLOAD) != nullptr) _exit(3);
    }
    *static_cast<volatile int*>(nullptr) = 1;
    _exit(4);
}

int check(const std::array<std::string, copies>& paths, const order& unloaded, std::size_t n, bool on_top) {
    const pid_t child = fork();
    if (child == 0) in_child(paths, unloaded, n, on_top);
    int status = 0;
    waitpid(child, &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 42) return 0;
    std::fprintf(stderr, "FAILED: order %zu %zu %zu, %zu unloaded%s: status %x\n", unloaded[0], unloaded[1],
                 unloaded[2], n, on_top ? ", another handler on top" : "", static_cast<unsigned>(status));
    return 1;
}

}  // namespace

int main(int, char** arguments) {
    std::array<std::string, copies> paths;
    for (std::size_t i = 0; i < copies; ++i) {
        paths[i] = std::string(arguments[1]) + "." + std::to_string(getpid()) + "." + std::to_string(i);
        std::filesystem::copy_file(arguments[1], paths[i], std::filesystem::copy_options::overwrite_existing);
    }
    int failed = 0, checked = 0;
    order unloaded{0, 1, 2};
    do {
        for (std::size_t n = 0; n <= copies; ++n, ++checked) failed += check(paths, unloaded, n, false);
        const auto others = static_cast<std::size_t>(std::find(unloaded.begin(), unloaded.end(), copies - 1) -
                                                     unloaded.begin());
        for (std::size_t n = 0; n <= others; ++n, ++checked)
            failed += check(paths, unloaded, n, true);  // the newest stays: it is known
    } while (std::next_permutation(unloaded.begin(), unloaded.end()));
    for (const std::string& path : paths) std::filesystem::remove(path);
    std::printf("%d orders, %d failed\n", checked, failed);
    return failed == 0 ? 0 : 1;
}
