// Allocates known numbers of blocks, which heaptrack.py expects. usage: heaptrack_test
#include <framealloc/framealloc.hpp>

namespace fa = framealloc;

namespace {

using allocator = fa::basic_smart_alloc<fa::policy::standard>;

// A number of rounds that no compiler knows: of a loop that it unrolls, every round would be a place of its own.
int rounds(int n) {
    volatile int kept = n;
    return kept;
}

[[gnu::noinline]] void take_frames(const allocator& a) {
    for (int i = rounds(10); i > 0; --i) {
        const auto frame = a.frame_scope();
        for (int k = rounds(100); k > 0; --k) static_cast<void>(frame.alloc_bytes(64));
    }
}
[[gnu::noinline]] void take_pool(const allocator& a) {
    for (int i = rounds(2000); i > 0; --i) a.pool_free_bytes(a.pool_alloc_bytes(100), 100);
}
[[gnu::noinline]] void take_heap(const allocator& a) {
    for (int i = rounds(30); i > 0; --i) a.heap_free_bytes(a.heap_alloc_bytes(50'000), 50'000);
}
[[gnu::noinline]] void leak(const allocator& a) {
    for (int i = rounds(7); i > 0; --i) static_cast<void>(a.heap_alloc_bytes(1234));
}

}  // namespace

int main() {
    const allocator a{{.guard = fa::guard_level::fill, .on_fault = [](const fa::fault&) {}}};
    take_frames(a);
    take_pool(a);
    take_heap(a);
    leak(a);
    return 0;
}
