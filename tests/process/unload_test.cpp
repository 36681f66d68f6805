// A plugin that contains the library is unloaded: threads that it served continue and end, and a fault in the program's
// own code still reaches the program's handler.
#include <atomic>
#include <csignal>
#include <cstdio>
#include <thread>

#include <dlfcn.h>
#include <unistd.h>

namespace {

volatile std::sig_atomic_t on_purpose = 0;
void on_fault(int) { _exit(on_purpose != 0 ? 42 : 1); }

using work_type = int (*)(bool);

// Returns 0 if all is right.
int unload_under_a_thread(const char* path) {
    std::atomic<int> step{0};
    int sum = 0;
    void* plugin = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (plugin == nullptr) return std::fprintf(stderr, "%s\n", dlerror());
    const auto work = reinterpret_cast<work_type>(dlsym(plugin, "plugin_work"));
    std::thread thread([&] {
        sum = work(false);
        step = 1;
        while (step != 2) std::this_thread::yield();
    });
    while (step != 1) std::this_thread::yield();
    work(true);
    dlclose(plugin);
    const bool gone = dlopen(path, RTLD_NOW | RTLD_NOLOAD) == nullptr;
    step = 2;
    thread.join();
    return gone && sum == 100 ? 0 : std::fprintf(stderr, "FAILED: gone %d, sum %d\n", gone, sum);
}

// The plugin's static destructor is the first call of the unloading thread, which then ends.
int unload_by_a_stranger(const char* path) {
    void* plugin = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (plugin == nullptr) return std::fprintf(stderr, "%s\n", dlerror());
    const auto keep = reinterpret_cast<int (*)()>(dlsym(plugin, "plugin_keep"));
    int failed = 1;
    std::thread([&] { failed = keep(); }).join();
    std::thread([&] { dlclose(plugin); }).join();
    const bool gone = dlopen(path, RTLD_NOW | RTLD_NOLOAD) == nullptr;
    return gone && failed == 0 ? 0 : std::fprintf(stderr, "FAILED: gone %d, kept %d\n", gone, failed);
}

}  // namespace

int main(int, char** arguments) {
    std::signal(SIGSEGV, on_fault);
    for (int round = 0; round < 20; ++round) {
        if (unload_under_a_thread(arguments[1]) != 0 || unload_by_a_stranger(arguments[1]) != 0) return 1;
    }
    on_purpose = 1;
    *static_cast<volatile int*>(nullptr) = 1;
}
