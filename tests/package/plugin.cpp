// Linked against the shared library, loaded with dlopen by host.cpp.
#include <framealloc/framealloc.hpp>

#include <thread>

extern "C" int plugin_run() {
    framealloc::smart_alloc alloc;
    int wrong = 0;
    auto work = [&] {
        for (int n = 0; n < 100; ++n) {
            auto frame = alloc.frame_scope();
            auto v = frame.vec<int>();
            for (int i = 0; i < 1000; ++i) v.push_back(i);
            wrong += v[999] == 999 ? 0 : 1;
            auto box = alloc.pool_box<int>(n);
            wrong += *box == n ? 0 : 1;
        }
    };
    std::thread other(work);
    work();
    other.join();
    return wrong;
}
