// What hints are worth: workloads that could gain from FRAMEALLOC_PREFETCH, and those that pay for it. Built with and
// without by scripts/measure_prefetch.py, which runs the two in turns in one process.
#include <framealloc/framealloc.hpp>

#include <algorithm>
#include <cstring>
#include <ctime>
#include <vector>

namespace fa = framealloc;
using namespace fa::literals;

namespace {

volatile std::uint64_t result_of_work;

inline void keep(void* p) { __asm__ volatile("" : : "r"(p) : "memory"); }

// Nanoseconds of this thread that f takes, of one of so many operations.
template <class F>
double timed(std::size_t operations, F f) {
    const auto now = [] {
        timespec t{};
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
        return static_cast<double>(t.tv_sec) * 1e9 + static_cast<double>(t.tv_nsec);
    };
    const double start = now();
    f();
    return (now() - start) / static_cast<double>(operations);
}

// Dependent multiplications, four cycles each.
[[gnu::noinline]] void work(std::uint64_t x, int steps) {
    for (int i = 0; i < steps; ++i) x = x * 6364136223846793005U + 1442695040888963407U;
    result_of_work = x;
}

template <std::size_t N>
struct alignas(8) block {
    char bytes[N];
};
enum class written { not_at_all, first_word, whole };
template <written W, std::size_t N>
void use(block<N>* p, std::size_t i) {
    if constexpr (W == written::first_word) std::memcpy(p->bytes, &i, sizeof i);
    if constexpr (W == written::whole) std::memset(p->bytes, static_cast<int>(i & 255), N);
    keep(p);
}

fa::smart_alloc made() { return fa::smart_alloc{fa::options{.frame_capacity = 256_MiB}}; }

template <std::size_t N, written W>
[[gnu::noinline]] void fill(const fa::frame_scope& frame, std::size_t blocks, int steps = 0) {
    for (std::size_t i = 0; i < blocks; ++i) {
        use<W>(frame.alloc<block<N>>(), i);
        if (steps != 0) work(i, steps);
    }
}
// Frames of so many bytes, again and again; together at least 16 MiB.
template <std::size_t N, written W>
double frames(std::size_t bytes, int steps = 0) {
    static const fa::smart_alloc alloc = made();
    const std::size_t count = std::max<std::size_t>(1, 16_MiB / bytes), blocks = bytes / N;
    return timed(count * blocks, [&] {
        for (std::size_t i = 0; i < count; ++i) fill<N, W>(alloc.frame_scope(), blocks, steps);
    });
}
template <std::size_t N>
double first_fill() {
    const fa::smart_alloc alloc = made();
    const auto frame = alloc.frame_scope();
    return timed(64_MiB / N, [&] { fill<N, written::whole>(frame, 64_MiB / N); });
}

// So many live blocks of a pool; a share of them is freed in a random order and allocated again, which is timed.
template <std::size_t N>
class pool {
public:
    explicit pool(std::size_t blocks) : held_(blocks), order_(blocks) {
        std::uint64_t x = 88172645463325252U;
        for (std::size_t i = 0; i < blocks; ++i) {
            held_[i] = alloc_.pool_alloc<block<N>>();
            order_[i] = i;
            x ^= x << 13, x ^= x >> 7, x ^= x << 17;
            std::swap(order_[i], order_[x % (i + 1)]);
        }
    }
    pool(const pool&) = delete;
    pool& operator=(const pool&) = delete;
    ~pool() {
        for (auto* p : held_) alloc_.pool_free(p);
    }
    void free(std::size_t share) {
        for (std::size_t i = 0; i < held_.size() / share; ++i) alloc_.pool_free(held_[order_[i]]);
    }
    template <written W>
    double refill(std::size_t share, int steps) {
        const std::size_t blocks = held_.size() / share;
        return timed(blocks, [&] {
            for (std::size_t i = 0; i < blocks; ++i) {
                use<W>(held_[order_[i]] = alloc_.pool_alloc<block<N>>(), i);
                if (steps != 0) work(i, steps);
            }
        });
    }
    double pairs() {
        return timed(200'000, [&] {
            for (int i = 0; i < 200'000; ++i) {
                auto* p = alloc_.pool_alloc<block<N>>();
                keep(p);
                alloc_.pool_free(p);
            }
        });
    }

private:
    fa::smart_alloc alloc_;
    std::vector<block<N>*> held_;
    std::vector<std::size_t> order_;
};

template <std::size_t N, written W>
double refilled(std::size_t blocks, std::size_t share, int steps, bool cold) {
    static pool<N> of_many(1'000'000 * 64 / N), of_few(10'000);
    pool<N>& p = blocks == 10'000 ? of_few : of_many;
    p.free(share);
    if (cold) {
        static std::vector<char> others(64_MiB);
        for (std::size_t i = 0; i < others.size(); i += 64) ++others[i];
    }
    return p.template refill<W>(share, steps);
}

struct workload {
    const char* name;
    double (*pass)();  // nanoseconds a block
};
using enum written;
const workload all[] = {
    {"frame of 64 MiB, first fill, 64 B", [] { return first_fill<64>(); }},
    {"frame of 64 MiB, first fill, 256 B", [] { return first_fill<256>(); }},
    {"frame of 64 KiB, 64 B, not written", [] { return frames<64, not_at_all>(64_KiB); }},
    {"frame of 256 KiB, 64 B written", [] { return frames<64, whole>(256_KiB); }},
    {"frame of 1 MiB, 64 B written", [] { return frames<64, whole>(1_MiB); }},
    {"frame of 4 MiB, 64 B written", [] { return frames<64, whole>(4_MiB); }},
    {"frame of 4 MiB, 24 B written", [] { return frames<24, whole>(4_MiB); }},
    {"frame of 16 MiB, 64 B written", [] { return frames<64, whole>(16_MiB); }},
    {"frame of 128 MiB, 64 B written", [] { return frames<64, whole>(128_MiB); }},
    {"frame of 128 MiB, 256 B written", [] { return frames<256, whole>(128_MiB); }},
    {"frame of 128 MiB, 256 B, a word written", [] { return frames<256, first_word>(128_MiB); }},
    {"the same, 100 multiplications between", [] { return frames<256, first_word>(128_MiB, 100); }},
    {"frame of 128 MiB, 1 KiB written", [] { return frames<1024, whole>(128_MiB); }},
    {"pool pair, 64 B",
     [] {
         static pool<64> p(100);
         return p.pairs();
     }},
    {"pool, 10,000 of 64 B freed at random", [] { return refilled<64, first_word>(10'000, 1, 0, false); }},
    {"pool, a third of 10,000 freed", [] { return refilled<64, first_word>(10'000, 3, 0, false); }},
    {"pool, 1,000,000 of 64 B freed at random", [] { return refilled<64, first_word>(1'000'000, 1, 0, false); }},
    {"pool, a third of 1,000,000 freed", [] { return refilled<64, first_word>(1'000'000, 3, 0, false); }},
    {"the same, 100 multiplications between", [] { return refilled<64, first_word>(1'000'000, 3, 100, false); }},
    {"pool, a third of 250,000 of 256 B freed, written", [] { return refilled<256, whole>(250'000, 3, 0, false); }},
    {"the same, 100 multiplications between", [] { return refilled<256, whole>(250'000, 3, 100, false); }},
    {"pool, a third of 10,000 freed, cache cold", [] { return refilled<64, first_word>(10'000, 3, 0, true); }},
    {"the same, 100 multiplications between", [] { return refilled<64, first_word>(10'000, 3, 100, true); }},
};

}  // namespace

extern "C" {

[[gnu::visibility("default")]] const char* workload_name(std::size_t i) {
    return i < std::size(all) ? all[i].name : nullptr;
}
[[gnu::visibility("default")]] double workload_pass(std::size_t i) { return all[i].pass(); }

}  // extern "C"
