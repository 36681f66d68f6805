// Two threads and more. What one allocates another frees; and threads that keep to themselves, side by side.
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <thread>

#include "mix.hpp"

namespace bench {

namespace {

constexpr std::size_t blocks = 10'000, batch = 64, batches = 300;

struct object {
    std::uint64_t stamp;
    char bytes[56];
};

// A thread that waits, asleep, for its next turn.
class worker {
public:
    template <class Job>
    worker(const functions* f, Job job) : thread_([this, f, job]() mutable { loop(f, job); }) {}
    worker(const worker&) = delete;
    worker& operator=(const worker&) = delete;
    ~worker() {
        set(over);
        thread_.join();
    }
    void start() { set(busy); }
    void wait() {
        for (int s = state_.load(); s == busy; s = state_.load()) state_.wait(s);
    }

private:
    enum : int { idle, busy, over };
    template <class Job>
    void loop(const functions* f, Job& job) {
        if (f != nullptr && f->enter_thread != nullptr) f->enter_thread();
        for (int s = state_.load(); s != over; s = state_.load()) {
            if (s == idle) {
                state_.wait(idle);
                continue;
            }
            job();
            set(idle);
        }
        job.end();
        if (f != nullptr && f->leave_thread != nullptr) f->leave_thread();
    }
    void set(int s) {
        state_.store(s);
        state_.notify_all();
    }
    std::atomic<int> state_{idle};
    std::thread thread_;
};

void spin_until(const std::atomic<std::size_t>& turn, std::size_t least) {
    for (int i = 0; turn.load(std::memory_order_acquire) < least; ++i) {  // pairs: the other side's store
        if (i > 2000) std::this_thread::yield();
    }
}

// Blocks that one thread allocates and another frees: all of them, then all of them; or 64 at a time, concurrently.
// Stamped ones are written when made and read when freed, so that their cache lines travel.
template <class S, bool Stamped, std::size_t Objects, std::size_t Batch>
class handed_over final : public runner {
public:
    handed_over() : consumer_(nullptr, consuming{*this}) {}
    handed_over(const functions& f)
        requires std::is_constructible_v<S, const functions&>
        : source_(f), functions_(f), consumer_(&functions_, consuming{*this}) {}
    double pass() override {
        made_.store(0);
        taken_.store(0);
        consumer_.start();
        for (std::size_t i = 0; i < Objects; ++i) {
            if (i % Batch == 0 && i >= ring) spin_until(taken_, i - ring + Batch);
            auto* p = static_cast<object*>(source_.template allocate<sizeof(object)>());
            if constexpr (Stamped) p->stamp = i;
            objects_[i % ring] = p;
            if ((i + 1) % Batch == 0) made_.store(i + 1, std::memory_order_release);  // pairs: spin_until()
        }
        consumer_.wait();
        return 64.0 * Objects;
    }

private:
    static constexpr std::size_t ring = Batch == Objects ? Objects : 16 * Batch;
    struct consuming {
        handed_over& h;
        void operator()() { h.consume(); }
        void end() {}
    };
    void consume() {
        for (std::size_t i = 0; i < Objects; ++i) {
            if (i % Batch == 0) spin_until(made_, i + Batch);
            object* p = objects_[i % ring];
            if (Stamped && p->stamp != i) std::abort();
            source_.template free<sizeof(object)>(p);
            if ((i + 1) % Batch == 0) taken_.store(i + 1, std::memory_order_release);  // pairs: spin_until()
        }
    }
    S source_{};
    functions functions_{};
    std::vector<object*> objects_ = std::vector<object*>(ring);
    alignas(64) std::atomic<std::size_t> made_{0};
    alignas(64) std::atomic<std::size_t> taken_{0};
    worker consumer_;
};

template <class S>
using phased = handed_over<S, false, blocks, blocks>;
template <class S>
using phased_stamped = handed_over<S, true, blocks, blocks>;
template <class S>
using ringed = handed_over<S, false, batch * batches, batch>;
template <class S>
using ringed_stamped = handed_over<S, true, batch * batches, batch>;

template <template <class> class W>
void add_handed(workloads& all, const char* name, const char* sentence, double operations, std::vector<gate> gates) {
    workload w{.group = "threads", .name = name, .sentence = sentence, .operations = operations};
    w.has_threads = true;
    w.contestants = {entry<W<our_pool>>(ours_name), entry<W<our_heap>>("framealloc, heap"),
                     entry<W<by_resource<std::pmr::synchronized_pool_resource>>>("pmr::synchronized")};
    add_mallocs<W<by_malloc>>(w);
    w.gates = std::move(gates);
    all.push_back(std::move(w));
}

// The mix of pools.cpp on two threads at once, each with blocks of its own; 16 passes of both at a time.
template <class S>
class two_mixes final : public runner {
public:
    two_mixes() : other_(nullptr, mixing{.from = source_}) {}
    two_mixes(const functions& f)
        requires std::is_constructible_v<S, const functions&>
        : functions_(f), source_(f), other_(&functions_, mixing{.from = source_}) {}
    double pass() override {
        other_.start();
        double sum = 0;
        for (int i = 0; i < 16; ++i) sum += mine_.pass();
        other_.wait();
        return sum;
    }

private:
    struct mixing {
        S from;  // the allocator that both use
        std::shared_ptr<mix<S>> own{};
        void operator()() {
            if (!own) own = std::make_shared<mix<S>>(from);
            for (int i = 0; i < 16; ++i) own->pass();
        }
        void end() { own.reset(); }
    };
    functions functions_{};
    S source_{};
    mix<S> mine_{source_};
    worker other_;
};

void add_side_by_side(workloads& all) {
    workload w{.group = "threads", .name = "two threads, mix"};
    w.has_threads = true;
    w.sentence =
        "Two threads at once, each as in \"pool mix\" with 4,000 blocks of its own; time of an operation of one.";
    w.operations = 16.0 * mix<our_pool>::operations;
    w.contestants = {entry<two_mixes<our_pool>>(ours_name), entry<two_mixes<our_heap>>("framealloc, heap")};
    add_mallocs<two_mixes<by_malloc>>(w);
    w.gates = row("pool mix on 2 threads at once", {{"mimalloc", 0.95}, {"tcmalloc", 0.95}});
    w.add(row("heap small on 2 threads at once", of("framealloc, heap", {{"mimalloc", 1.0}, {"tcmalloc", 1.0}})));
    all.push_back(std::move(w));
}

// The same work divided among more and more threads, each with pool pairs of its own.
template <class S>
contestant divided(const char* name, std::size_t threads, S source = {}) {
    return {.name = name, .make = [=] {
                return run([=] {
                    constexpr std::size_t all = 64 * 4000;
                    const auto part = [=] {
                        for (std::size_t i = 0; i < all / threads; ++i)
                            source.template free<64>(hide(source.template allocate<64>()));
                    };
                    std::vector<std::thread> others;
                    for (std::size_t t = 1; t < threads; ++t) others.emplace_back(part);
                    part();
                    for (std::thread& t : others) t.join();
                    return all;
                });
            }};
}
void add_scaling(workloads& all) {
    const auto processors = static_cast<double>(sysconf(_SC_NPROCESSORS_ONLN));
    workload w{.group = "threads", .name = "1 to 64 threads"};
    w.has_threads = true;
    w.sentence =
        "256,000 pairs of an allocation and a free of 64 bytes, divided among as many new threads; time of one pair.";
    w.operations = 256'000;
    w.contestants = {divided<our_pool>(ours_name, 1),
                     divided<our_pool>("framealloc, 2", 2),
                     divided<our_pool>("framealloc, 8", 8),
                     divided<our_pool>("framealloc, 64", 64),
                     divided("glibc, 1", 1, by_malloc(malloc_rivals()[0].calls)),
                     divided("glibc, 64", 64, by_malloc(malloc_rivals()[0].calls))};
    if (processors >= 2) w.gates = {{ours_name, 0.65, "framealloc, 2"}, {"framealloc, 2", 2.0, "framealloc, 64"}};
    all.push_back(std::move(w));
}

}  // namespace

void add_threads(workloads& all) {
    add_handed<phased>(all, "phased",
                       "One thread allocates 10,000 blocks of 64 bytes, then another frees them; time of one.", blocks,
                       {{"mimalloc", 0.45}, {"snmalloc", 0.85}, {"rpmalloc", 0.45}, {"mimalloc 3", 0.51}});
    add_handed<phased_stamped>(
        all, "phased, stamped",
        "One thread allocates and writes 10,000 blocks of 64 bytes, then another reads and frees them; time of one.",
        blocks, {{"mimalloc", 0.55}});
    add_handed<ringed>(
        all, "ring",
        "One thread allocates blocks of 64 bytes while another frees them, 64 handed over at a time; time of one.",
        batch * batches, {{"mimalloc", 0.60}, {"rpmalloc", 0.45}, {"snmalloc", 1.5}, {"mimalloc 3", 0.55}});
    add_handed<ringed_stamped>(all, "ring, stamped",
                               "One thread allocates and writes blocks of 64 bytes while another reads and frees them, "
                               "64 at a time; time of one.",
                               batch * batches, {{"mimalloc", 0.55}});
    add_side_by_side(all);
    add_scaling(all);
}

}  // namespace bench
