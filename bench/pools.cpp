// Blocks of one size or of many, most of them small: pool memory, and heap memory that does the same.
#include "mix.hpp"

#include <algorithm>
#include <array>

#if __has_include(<boost/pool/pool.hpp>)
#include <boost/pool/pool.hpp>
#define FRAMEALLOC_BENCH_BOOST_POOL 1
#else
#define FRAMEALLOC_BENCH_BOOST_POOL 0
#endif
#if __has_include(<foonathan/memory/memory_pool.hpp>)
#include <foonathan/memory/memory_pool.hpp>
#define FRAMEALLOC_BENCH_FOONATHAN 1
#else
#define FRAMEALLOC_BENCH_FOONATHAN 0
#endif

namespace bench {

namespace {

#if FRAMEALLOC_BENCH_FOONATHAN
struct foonathan_pool {
    template <std::size_t N>
    void* allocate() const {
        return pool_->allocate_node();
    }
    template <std::size_t N>
    void free(void* p) const {
        pool_->deallocate_node(p);
    }

private:
    using pool = foonathan::memory::memory_pool<>;
    std::unique_ptr<pool> pool_ = std::make_unique<pool>(64, pool::min_block_size(64, 1000));
};
#endif

#if FRAMEALLOC_BENCH_BOOST_POOL
struct boost_pool {
    template <std::size_t N>
    void* allocate() const {
        return pool_->malloc();
    }
    template <std::size_t N>
    void free(void* p) const {
        pool_->free(p);
    }

private:
    std::unique_ptr<boost::pool<>> pool_ = std::make_unique<boost::pool<>>(64);
};
#endif

// An allocation and a free, while a hundred blocks live.
template <class S>
class pairs final : public runner {
public:
    pairs() { fill(); }
    pairs(const functions& f)
        requires std::is_constructible_v<S, const functions&>
        : source_(f) {
        fill();
    }
    ~pairs() override {
        for (void* p : resident_) source_.template free<64>(p);
    }
    double pass() override {
        for (int i = 0; i < 1000; ++i) source_.template free<64>(hide(source_.template allocate<64>()));
        return 64'000;
    }

private:
    void fill() {
        for (void*& p : resident_) p = source_.template allocate<64>();
    }
    S source_{};
    std::array<void*, 100> resident_{};
};

// A hundred allocations, then their frees, the newest first.
template <class S>
class last_in_first_out final : public runner {
public:
    last_in_first_out() = default;
    last_in_first_out(const functions& f)
        requires std::is_constructible_v<S, const functions&>
        : source_(f) {}
    double pass() override {
        std::array<void*, 100> held;
        for (int turn = 0; turn < 10; ++turn) {
            for (void*& p : held) keep(p = source_.template allocate<64>());
            for (std::size_t i = held.size(); i-- != 0;) source_.template free<64>(held[i]);
        }
        return 64'000;
    }

private:
    S source_{};
};

// Blocks are allocated and written to, then freed in a random order, the same for every contestant.
template <class S>
class scattered : public runner {
protected:
    explicit scattered(std::size_t blocks) : held_(blocks), order_(blocks) { shuffle(); }
    scattered(std::size_t blocks, const functions& f) : source_(f), held_(blocks), order_(blocks) { shuffle(); }
    ~scattered() override { free_all(); }

    double allocate_all() {
        for (void*& p : held_) {
            p = source_.template allocate<64>();
            *static_cast<std::uint64_t*>(p) = 1;
        }
        return 64.0 * static_cast<double>(held_.size());
    }
    void free_all() {
        if (held_[0] == nullptr) return;
        for (const std::uint32_t i : order_) source_.template free<64>(held_[i]);
        held_[0] = nullptr;
    }

private:
    void shuffle() {
        sequence s(7);
        for (std::uint32_t i = 0; i < order_.size(); ++i) order_[i] = i;
        for (std::size_t i = order_.size(); i > 1; --i) std::swap(order_[i - 1], order_[s.below(i)]);
    }
    S source_{};
    std::vector<void*> held_;
    std::vector<std::uint32_t> order_;
};

template <class S>
class random_free final : public scattered<S> {
public:
    random_free() : scattered<S>(10'000) {}
    random_free(const functions& f)
        requires std::is_constructible_v<S, const functions&>
        : scattered<S>(10'000, f) {}
    double pass() override {
        const double sum = this->allocate_all();
        this->free_all();
        return sum;
    }
};
template <class S>
class refill final : public scattered<S> {
public:
    refill() : scattered<S>(1'000'000) {}
    refill(const functions& f)
        requires std::is_constructible_v<S, const functions&>
        : scattered<S>(1'000'000, f) {}
    void before() override { this->free_all(); }
    double pass() override { return this->allocate_all(); }
};

// One size: everyone can take part.
template <template <class> class W>
void add(workloads& all, workload w, bool hand = true) {
    w.group = "pool";
    w.contestants = {entry<W<our_pool>>(ours_name), entry<W<by_pointer<our_pool>>>("framealloc, by pointer"),
                     entry<W<our_heap>>("framealloc, heap")};
    if (hand) w.contestants.push_back(entry<W<by_hand<10'000>>>("by hand"));
#if FRAMEALLOC_BENCH_BOOST_POOL
    w.contestants.push_back(entry<W<boost_pool>>("Boost.Pool"));
#else
    w.contestants.push_back(not_here("Boost.Pool", "install libboost1.81-dev"));
#endif
#if FRAMEALLOC_BENCH_FOONATHAN
    w.contestants.push_back(entry<W<foonathan_pool>>("foonathan"));
#else
    w.contestants.push_back(not_here("foonathan", "install libfoonathan-memory-dev"));
#endif
    w.contestants.push_back(entry<W<by_resource<std::pmr::unsynchronized_pool_resource>>>("pmr::unsynchronized"));
    w.contestants.push_back(entry<W<by_resource<std::pmr::synchronized_pool_resource>>>("pmr::synchronized"));
    add_mallocs<W<by_malloc>>(w);
    all.push_back(std::move(w));
}

}  // namespace

void add_pools(workloads& all) {
    workload w;
    w.name = "pool pair";
    w.sentence = "A block of 64 bytes is allocated and freed while a hundred others live; time of both.";
    w.operations = 1000;
    w.gates = {{"mimalloc", 0.55}, {"mimalloc 3", 0.55},          {"snmalloc", 0.65},
               {"rpmalloc", 0.50}, {"pmr::unsynchronized", 0.12}, {"Boost.Pool", 2.0}};
    w.add(of("framealloc, by pointer", {{"mimalloc", 0.60}}));
    add<pairs>(all, w);

    w.name = "pool LIFO";
    w.sentence = "A hundred blocks of 64 bytes are allocated, then freed, the newest first; time of one of each.";
    w.gates = {{"mimalloc", 0.80}, {"snmalloc", 0.85}, {"Boost.Pool", 1.25}};
    add<last_in_first_out>(all, w);

    w.name = "pool random free";
    w.sentence =
        "10,000 blocks of 64 bytes are allocated and written to, then freed in a random order; time of one of each.";
    w.operations = 10'000;
    w.gates = {{"rpmalloc", 0.9}, {"mimalloc", 0.8}, {"Boost.Pool", 0.7}};
    add<random_free>(all, w);

    w.name = "pool refill";
    w.sentence =
        "1,000,000 blocks of 64 bytes were freed in a random order; as many are allocated again and written to; time "
        "of "
        "one allocation.";
    w.prepared = true;
    w.most_rounds = 7;
    w.operations = 1'000'000;
    w.gates = {{"mimalloc", 1.2}, {"snmalloc", 0.7}, {"Boost.Pool", 0.7}};
    add<refill>(all, w, false);

    w = {};
    w.group = "pool";
    w.name = "pool mix";
    w.sentence =
        "4,000 blocks of 16 to 1,024 bytes live; one of them is freed, another one of another size is allocated and "
        "written to; time of both. framealloc and the resources are told the size when they free, a malloc is not.";
    w.operations = 4096;
    w.contestants = {entry<mix<our_pool>>(ours_name), entry<mix<by_pointer<our_pool>>>("framealloc, by pointer"),
                     entry<mix<our_heap>>("framealloc, heap"),
                     entry<mix<by_resource<std::pmr::unsynchronized_pool_resource>>>("pmr::unsynchronized"),
                     entry<mix<by_resource<std::pmr::synchronized_pool_resource>>>("pmr::synchronized")};
    add_mallocs<mix<by_malloc>>(w);
    w.gates = row("pool mix of 16 to 1,024 bytes, 4,000 live",
                  {{"mimalloc 3", 0.95}, {"snmalloc", 0.95}, {"tcmalloc", 0.95}});
    w.add({{"mimalloc", 0.95}});
    w.add(row("heap small, 16 to 1,024 bytes",
              of("framealloc, heap", {{"tcmalloc", 1.0}, {"mimalloc", 0.9}, {"glibc", 0.5}})));
    all.push_back(std::move(w));
}

}  // namespace bench
