// A C++ library that a C program loads with RTLD_LOCAL, and that uses operator new in every way.
#include <cstdlib>
#include <memory>
#include <new>
#include <string>
#include <vector>

extern "C" int plugin_run(int too_much) {
    if (too_much != 0) {
        volatile std::size_t most = ~std::size_t{0} / 4;
        if (::operator new(most, std::nothrow) != nullptr ||
            ::operator new(most, std::align_val_t{64}, std::nothrow) != nullptr)
            return -1;
        try {
            return *static_cast<char*>(::operator new(most));
        } catch (const std::bad_alloc&) { return 7; }
    }
    std::vector<std::string> v;
    for (int i = 0; i < 100; ++i) v.push_back(std::string(50, 'x'));
    const auto p = std::make_unique<int[]>(10);
    struct alignas(64) wide {
        char bytes[64];
    };
    const auto w = std::make_unique<wide>();
    return static_cast<int>(v.size()) + p[3] + static_cast<int>(reinterpret_cast<std::uintptr_t>(w.get()) % 64);
}
