// Time against peers, in one process: every round runs each contestant for a fraction of a millisecond, in rotated
// order; what counts is the median of the rounds' ratios. Figures below a nanosecond move with code alignment: trust
// the ratio and the instruction counts (bench/instructions.cpp).
//
// Debian's mimalloc is loaded with dlopen: linked, it would replace malloc for the whole process. A --check fails on a
// ratio beyond its limit; it is run by hand, never in the tests.
#include <dlfcn.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <memory_resource>
#include <string_view>
#include <vector>

#include <framealloc/framealloc.hpp>

namespace fa = framealloc;
using namespace fa::literals;

namespace {

constexpr int rounds = 61;
constexpr int objects = 1000;
constexpr int repeats = 100;  // 100,000 operations per round
constexpr int live_blocks = 100;

struct object {
    long words[8];
};

inline void keep(void* p) { __asm__ volatile("" : : "r"(p) : "memory"); }
inline void* hide(void* p) {
    __asm__ volatile("" : "+r"(p) : : "memory");
    return p;
}

// --- the lower bound: a hand-written bump ---
struct hand_written {
    char* cursor;
    char* end;
    [[gnu::noinline, gnu::cold]] void* refuse() { return nullptr; }
    inline void* allocate() {
        char* p = cursor;
        char* q = p + sizeof(object);
        if (q > end) [[unlikely]]
            return refuse();
        cursor = q;
        return p;
    }
};

fa::smart_alloc& allocator() {
    static fa::smart_alloc alloc{fa::options{.frame_capacity = 4_MiB, .prefault = true}};
    return alloc;
}
std::vector<std::byte>& scratch() {
    static std::vector<std::byte> bytes(4_MiB, std::byte{1});
    return bytes;
}

[[gnu::noinline]] void bump_hand() {
    static hand_written h{reinterpret_cast<char*>(scratch().data()),
                          reinterpret_cast<char*>(scratch().data()) + scratch().size()};
    for (int r = 0; r < repeats; ++r) {
        h.cursor = reinterpret_cast<char*>(scratch().data());
        for (int i = 0; i < objects; ++i) keep(h.allocate());
    }
}
[[gnu::noinline]] void bump_scope() {
    for (int r = 0; r < repeats; ++r) {
        const auto frame = allocator().frame_scope();
        for (int i = 0; i < objects; ++i) keep(frame.alloc<object>());
    }
}
[[gnu::noinline]] void bump_smart() {
    const fa::smart_alloc& alloc = allocator();
    for (int r = 0; r < repeats; ++r) {
        alloc.begin_frame();
        for (int i = 0; i < objects; ++i) keep(alloc.frame_alloc<object>());
        alloc.end_frame();
    }
}
[[gnu::noinline]] void bump_monotonic() {
    for (int r = 0; r < repeats; ++r) {
        std::pmr::monotonic_buffer_resource m(scratch().data(), scratch().size(), std::pmr::null_memory_resource());
        for (int i = 0; i < objects; ++i) keep(m.allocate(sizeof(object), alignof(object)));
    }
}

// --- pool pairs, a hundred blocks live ---
object* resident_blocks[live_blocks];

[[gnu::noinline]] void pool_ours() {
    const fa::smart_alloc& alloc = allocator();
    if (resident_blocks[0] == nullptr) {
        for (object*& p : resident_blocks) p = alloc.pool_alloc<object>();
    }
    for (int i = 0; i < objects * repeats; ++i) alloc.pool_free(static_cast<object*>(hide(alloc.pool_alloc<object>())));
}
[[gnu::noinline]] void pool_pmr() {
    static std::pmr::unsynchronized_pool_resource pool;
    static void* resident[live_blocks];
    if (resident[0] == nullptr) {
        for (void*& p : resident) p = pool.allocate(sizeof(object), alignof(object));
    }
    for (int i = 0; i < objects * repeats; ++i)
        pool.deallocate(hide(pool.allocate(sizeof(object), alignof(object))), sizeof(object), alignof(object));
}

struct mimalloc {
    void* (*allocate)(std::size_t) = nullptr;
    void (*free)(void*) = nullptr;
    mimalloc() {
        void* library = dlopen("libmimalloc.so.2", RTLD_NOW | RTLD_LOCAL);
        if (library == nullptr) return;
        allocate = reinterpret_cast<void* (*)(std::size_t)>(dlsym(library, "mi_malloc"));
        free = reinterpret_cast<void (*)(void*)>(dlsym(library, "mi_free"));
    }
};
const mimalloc& peer() {
    static const mimalloc m;
    return m;
}
[[gnu::noinline]] void pool_mimalloc() {
    const mimalloc& m = peer();
    static void* resident[live_blocks];
    if (resident[0] == nullptr) {
        for (void*& p : resident) p = m.allocate(sizeof(object));
    }
    for (int i = 0; i < objects * repeats; ++i) m.free(hide(m.allocate(sizeof(object))));
}

// --- the same with both sides behind a function pointer and a size that the compiler does not know ---
const fa::smart_alloc* indirect_allocator = nullptr;
[[gnu::noinline]] void* call_ours(std::size_t n) { return indirect_allocator->pool_alloc_bytes(n, 16); }
[[gnu::noinline]] void call_ours_free(void* p, std::size_t n) { indirect_allocator->pool_free_bytes(p, n, 16); }
void* (*volatile indirect_allocate)(std::size_t) = call_ours;
void (*volatile indirect_free)(void*, std::size_t) = call_ours_free;
volatile std::size_t indirect_size = sizeof(object);

[[gnu::noinline]] void indirect_ours() {
    indirect_allocator = &allocator();
    for (int i = 0; i < objects * repeats; ++i) {
        const std::size_t n = indirect_size;
        indirect_free(hide(indirect_allocate(n)), n);
    }
}
[[gnu::noinline]] void indirect_mimalloc() {
    const mimalloc& m = peer();
    void* (*const volatile allocate)(std::size_t) = m.allocate;
    void (*const volatile free)(void*) = m.free;
    for (int i = 0; i < objects * repeats; ++i) free(hide(allocate(indirect_size)));
}

struct contestant {
    const char* name;
    void (*run)();

    std::vector<double> times{};
};
struct comparison {
    const char* title;
    std::size_t ours;
    std::size_t theirs;
    double limit;
};

double median(std::vector<double> v) {
    std::sort(v.begin(), v.end());
    return v[v.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
    const bool check = argc > 1 && std::string_view(argv[1]) == "--check";
    struct release {
        ~release() {
            for (object*& p : resident_blocks) allocator().pool_free(p);
        }
    } const release_at_exit;
    std::vector<contestant> all{{"bump by hand", bump_hand},
                                {"frame_scope::alloc", bump_scope},
                                {"smart_alloc::frame_alloc", bump_smart},
                                {"pmr::monotonic_buffer_resource", bump_monotonic},
                                {"pool pair", pool_ours},
                                {"pmr::unsynchronized_pool_resource pair", pool_pmr},
                                {"pool pair, indirect", indirect_ours}};
    std::vector<comparison> pairs{{"64-byte bump / by hand", 1, 0, 1.15},
                                  {"64-byte bump / pmr::monotonic", 1, 3, 0.40},
                                  {"pool pair / pmr::unsynchronized_pool", 4, 5, 0.15}};
    if (peer().allocate != nullptr) {
        all.push_back({"mimalloc pair", pool_mimalloc});
        all.push_back({"mimalloc pair, indirect", indirect_mimalloc});
        pairs.push_back({"pool pair / mimalloc", 4, 7, 0.60});
        pairs.push_back({"pool pair / mimalloc, both indirect", 6, 8, 0.60});
    } else {
        std::printf("libmimalloc.so.2 is not installed: its rows are left out\n");
    }
    for (int round = 0; round < rounds; ++round) {
        for (std::size_t i = 0; i < all.size(); ++i) {
            contestant& c = all[(i + static_cast<std::size_t>(round)) % all.size()];
            const auto start = std::chrono::steady_clock::now();
            c.run();
            const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - start;
            if (round != 0) c.times.push_back(took.count() / (objects * repeats));
        }
    }
    std::printf("%-42s %10s\n", "", "ns, median");
    for (const contestant& c : all) std::printf("%-42s %10.2f\n", c.name, median(c.times));
    std::printf("\n%-42s %10s %8s\n", "ratio, median of rounds", "", "limit");
    int failed = 0;
    for (const comparison& p : pairs) {
        std::vector<double> ratios;
        for (std::size_t i = 0; i < all[p.ours].times.size(); ++i)
            ratios.push_back(all[p.ours].times[i] / all[p.theirs].times[i]);
        const double ratio = median(ratios);
        std::printf("%-42s %10.3f %8.2f%s\n", p.title, ratio, p.limit, ratio > p.limit ? "  beyond" : "");
        failed += ratio > p.limit ? 1 : 0;
    }
    return check && failed != 0 ? 1 : 0;
}
