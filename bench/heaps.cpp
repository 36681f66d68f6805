// Blocks of any size from the heap.
#include "sources.hpp"

#include <algorithm>

namespace bench {

namespace {

// A block is allocated, its first byte written, and freed.
template <class S, std::size_t N>
class large_pair final : public runner {
public:
    large_pair() = default;
    large_pair(const functions& f)
        requires std::is_constructible_v<S, const functions&>
        : source_(f) {}
    double pass() override {
        for (int i = 0; i < 100; ++i) {
            void* p = source_.template allocate<N>();
            *static_cast<volatile char*>(p) = 1;
            source_.template free<N>(hide(p));
        }
        return 100.0 * N;
    }

private:
    S source_{};
};

// 16 blocks from Least to Most bytes live, spread evenly over the doublings; one is freed, another allocated.
template <class S, std::size_t Least, std::size_t Most>
class large_mix final : public runner {
public:
    large_mix() { fill(); }
    large_mix(const functions& f)
        requires std::is_constructible_v<S, const functions&>
        : source_(f) {
        fill();
    }
    ~large_mix() override {
        for (const block& b : live_) source_.free(b.p, b.bytes);
    }
    double pass() override {
        double sum = 0;
        for (const step& s : steps_) {
            block& b = live_[s.slot];
            source_.free(b.p, b.bytes);
            b = made(s.bytes);
            sum += static_cast<double>(s.bytes);
        }
        return sum;
    }

private:
    struct block {
        void* p = nullptr;
        std::size_t bytes = 0;
    };
    struct step {
        std::size_t slot, bytes;
    };
    block made(std::size_t n) {
        void* p = source_.allocate(n);
        *static_cast<volatile char*>(p) = 1;
        return {p, n};
    }
    static std::size_t size(sequence& s) {
        std::size_t n = Least;
        while (n * 2 < Most && (s.next() & 1024) != 0) n *= 2;
        return std::min(Most, n + s.below(n));
    }
    void fill() {
        sequence s(23);
        for (block& b : live_) b = made(size(s));
        for (step& t : steps_) t = {s.below(16), size(s)};
    }
    S source_{};
    block live_[16];
    std::vector<step> steps_ = std::vector<step>(256);
};

template <template <class> class W>
void add(workloads& all, workload w, bool resources) {
    w.group = "heap";
    w.contestants = {entry<W<our_heap>>(ours_name), entry<W<by_pointer<our_heap>>>("framealloc, by pointer")};
    if (resources) {
        w.contestants.push_back(entry<W<by_resource<std::pmr::unsynchronized_pool_resource>>>("pmr::unsynchronized"));
        w.contestants.push_back(entry<W<by_resource<std::pmr::synchronized_pool_resource>>>("pmr::synchronized"));
    }
    add_mallocs<W<by_malloc>>(w);
    all.push_back(std::move(w));
}

template <class S>
using pair_64 = large_pair<S, 64>;
template <class S>
using pair_64k = large_pair<S, 64 * 1024>;
template <class S>
using pair_1m = large_pair<S, 1024 * 1024>;
template <class S>
using mix_small = large_mix<S, 64 * 1024, 4096 * 1024>;
template <class S>
using mix_large = large_mix<S, 256 * 1024, 4096 * 1024>;

}  // namespace

void add_heaps(workloads& all) {
    workload w;
    w.name = "heap pair 64 B";
    w.sentence = "A block of 64 bytes is allocated from the heap, written to and freed; time of all.";
    w.operations = 100;
    add<pair_64>(all, w, true);
    w.name = "heap pair 64 KiB";
    w.sentence = "A block of 64 KiB is allocated, its first byte written, and freed; time of all.";
    w.gates = row("heap pair, 64 KiB", {{"tcmalloc", 1.2}, {"rpmalloc", 0.8}, {"glibc", 0.5}});
    add<pair_64k>(all, w, true);
    w.name = "heap pair 1 MiB";
    w.sentence = "A block of 1 MiB is allocated, its first byte written, and freed; time of all.";
    w.gates = {{best_malloc, 1.0}};
    add<pair_1m>(all, w, false);
    w.name = "heap mix 64 KiB-4 MiB";
    w.sentence =
        "16 blocks of 64 KiB to 4 MiB live; one of them is freed, another one of another size is allocated and its "
        "first byte written; time of both.";
    w.operations = 256;
    w.gates = {{"tcmalloc", 0.5}};
    add<mix_small>(all, w, false);
    w.name = "heap mix 256 KiB-4 MiB";
    w.sentence =
        "16 blocks of 256 KiB to 4 MiB live; one of them is freed, another one of another size is allocated and its "
        "first byte written; time of both.";
    w.gates = row("heap, 256 KiB to 4 MiB", {{best_malloc, 1.0}});
    add<mix_large>(all, w, false);
}

}  // namespace bench
