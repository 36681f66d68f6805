// Loaded and unloaded a hundred times by reload_test.
#include <framealloc/framealloc.hpp>

#include <string>

namespace fa = framealloc;

namespace {

constexpr fa::tag plugin{"plugin"}, work{plugin, "work"};

struct thing {
    int* destroyed;
    std::string text;
    thing(int* d, int n) : destroyed(d), text(100, static_cast<char>('a' + n % 26)) {}
    ~thing() { *destroyed += text.size() == 100 ? 1 : 1000; }
};

}  // namespace

// Makes `n` objects in the caller's frame, and one block of 64 bytes.
extern "C" void* plugin_fill(const fa::smart_alloc& alloc, int* destroyed, int n) {
    fa::tag_scope tag{alloc, work};
    for (int i = 0; i < n; ++i) alloc.frame_make<thing>(destroyed, i);
    return alloc.pool_alloc_bytes(64);
}
