// A plugin whose objects are in frames when it is unloaded: they are destroyed before, or their destructors are refused
#include <framealloc/framealloc.hpp>

#include <atomic>
#include <cstdio>
#include <cstring>
#include <string>
#include <thread>

#include <dlfcn.h>

namespace fa = framealloc;

namespace {

int failures = 0;
void check(bool ok, const char* what) {
    if (ok) return;
    ++failures;
    std::fprintf(stderr, "FAILED: %s\n", what);
}

using fill_type = void* (*)(const fa::smart_alloc&, int*, int);

struct module {
    const char* path;
    void* handle;
    fill_type fill;
    explicit module(const char* p)
        : path(p),
          handle(dlopen(p, RTLD_NOW | RTLD_LOCAL)),
          fill(handle == nullptr ? nullptr : reinterpret_cast<fill_type>(dlsym(handle, "plugin_fill"))) {
        if (fill != nullptr) return;
        std::fprintf(stderr, "reload_test: %s\n", dlerror());
        std::exit(1);
    }
    void unload() {
        dlclose(handle);
        check(dlopen(path, RTLD_NOW | RTLD_NOLOAD) == nullptr, "the module is gone");
    }
};

std::atomic<int> refused{0}, others{0};
std::atomic<bool> named{false};
void on_fault(const fa::fault& f) {
    if (f.what != fa::code::FA214) {
        ++others;
        return;
    }
    ++refused;
    if (std::strstr(f.detail, "reload_plugin") != nullptr) named = true;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 2) return 2;
    fa::smart_alloc alloc{fa::options{.on_fault = on_fault}};
    const char* tag = nullptr;
    for (int round = 0; round < 100; ++round) {
        module m(argv[1]);
        int destroyed = 0;
        alloc.begin_frame();
        void* block = m.fill(alloc, &destroyed, 3);
        alloc.begin_frame();
        alloc.pool_free_bytes(m.fill(alloc, &destroyed, 2), 64);
        check(alloc.release_module(m.handle) == 5, "all of its objects are destroyed");
        check(destroyed == 5, "each once");
        m.unload();
        alloc.end_frame();
        alloc.end_frame();
        check(destroyed == 5, "and not again");
        if (round == 0) tag = "plugin::work";
        check(alloc.tag_stats(tag).pool_bytes == 64, "its tag goes on");
        alloc.pool_free_bytes(block, 64);
        std::string names;
        fa::tag_scope scope{alloc, "plugin"};
        check(alloc.tag_path() == "plugin", "its name survives");
    }
    check(refused == 0, "nothing was refused");

    // Objects in a frame of another thread, which only that thread may destroy.
    module m(argv[1]);
    std::atomic<int> stage{0};
    int destroyed = 0;
    std::thread other([&] {
        auto frame = alloc.frame_scope();
        void* block = m.fill(alloc, &destroyed, 4);
        stage = 1;
        while (stage < 2) std::this_thread::yield();
        alloc.pool_free_bytes(block, 64);
    });
    while (stage < 1) std::this_thread::yield();
    check(alloc.release_module(m.handle) == 0, "nothing of this thread");
    m.unload();
    stage = 2;
    other.join();
    check(destroyed == 0, "no code of the module ran");
    check(refused == 1 && named, "the fault names the module");

    {  // loaded again: new objects are destroyed as usual
        module again(argv[1]);
        int n = 0;
        std::thread([&] {
            auto frame = alloc.frame_scope();
            alloc.pool_free_bytes(again.fill(alloc, &n, 4), 64);
        }).join();
        check(n == 4, "destroyed after a reload");
        check(alloc.release_module(again.handle) == 0, "nothing is left");
        const std::size_t committed = alloc.stats().committed;
        for (int i = 0; i < 5000; ++i) alloc.release_module(again.handle);
        check(alloc.stats().committed <= committed + 65536, "modules that every thread knows of are forgotten");
        again.unload();
    }
    check(alloc.release_module(nullptr) == 0 && refused == 2, "no handle");

    // release_module was forgotten: in debug mode the destructor's code is looked up before it runs.
    if (std::is_same_v<fa::active_policy, fa::policy::debug>) {
        module forgotten(argv[1]);
        int n = 0;
        alloc.begin_frame();
        alloc.pool_free_bytes(forgotten.fill(alloc, &n, 2), 64);
        forgotten.unload();
        alloc.end_frame();
        check(n == 0 && refused == 4, "two destructors without code");
    }
    check(others == 0, "no other fault");
    check(alloc.stats().total_allocated == 0, "nothing is left");
    std::printf("reload: %s\n", failures == 0 ? "ok" : "failed");
    return failures == 0 ? 0 : 1;
}
