// Does not use framealloc itself: loads the plugin, runs it on two threads, unloads it.
#include <dlfcn.h>

#include <cstdio>
#include <thread>

int main(int argc, char** argv) {
    if (argc != 2) return 2;
    void* plugin = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
    if (plugin == nullptr) {
        std::fprintf(stderr, "%s\n", dlerror());
        return 1;
    }
    auto run = reinterpret_cast<int (*)()>(dlsym(plugin, "plugin_run"));
    int wrong = run();
    std::thread([&] { wrong += run(); }).join();
    std::printf("%d\n", wrong);
    return wrong;
}
