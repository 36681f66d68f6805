// Every lock-free type of the library under a model checker. First as it ships: no finding is allowed. Then with each
// memory order one step too weak: each time there must be a finding.
//
//   interleave_test [random interleavings, default 1000000]
#include <optional>

#include "model_atomics.hpp"

#include <framealloc/detail/sync/sync.hpp>

#include <cstdio>
#include <cstdlib>
#include <iostream>

namespace fa = framealloc;

namespace interleave {

alignas(65536) unsigned char memory[65536];

constexpr std::size_t block_stride = 1024;
static_assert(sizeof(block) <= block_stride);

block* block_at(unsigned i) { return reinterpret_cast<block*>(memory + (i + 1) * block_stride); }

// `Producers` threads push `Pushes` blocks each onto the list of one page, which is announced to its owner when the
// list was empty, as for pool pages. The owner drains `Drains` times meanwhile.
template <weaken Weak, unsigned Producers, unsigned Pushes, unsigned Drains>
struct returning_blocks : rl::test_suite<returning_blocks<Weak, Producers, Pushes, Drains>, Producers + 1> {
    using atomics = model_atomics<Weak>;
    struct page {
        fa::sync::basic_remote_list<atomics> returned;
        fa::sync::arrival_link<atomics, page> next_arrival;
    };
    static constexpr unsigned blocks = Producers * Pushes;

    std::optional<page> the_page;
    std::optional<fa::sync::arrivals<atomics, page, &page::next_arrival>> announced;
    unsigned seen[blocks] = {};

    void before() {
        for (unsigned i = 0; i < blocks; ++i) {
            ::new (static_cast<void*>(block_at(i))) block;
            seen[i] = 0;
        }
        the_page.emplace();
        announced.emplace();
    }
    void drain() {
        page* p = announced->take();
        while (p != nullptr) {
            page* next = p->next_arrival.get();
            const auto batch = p->returned.take(fa::address_of(memory));
            RL_ASSERT(batch.count != 0);
            unsigned n = 0;
            for (void* b = batch.head; b != nullptr; b = atomics::next_of(b), ++n) {
                const int i = static_cast<block*>(b)->payload($);
                ++seen[i];
            }
            RL_ASSERT(n == batch.count);
            p = next;
        }
    }
    void thread(unsigned index) {
        if (index == Producers) {
            for (unsigned i = 0; i < Drains; ++i) drain();
            return;
        }
        for (unsigned i = 0; i < Pushes; ++i) {
            block* b = block_at(index * Pushes + i);
            b->payload($) = static_cast<int>(index * Pushes + i);
            if (the_page->returned.push(fa::address_of(memory), b, b, 1)) announced->push(&*the_page);
        }
    }
    void after() {
        drain();
        for (unsigned n : seen) RL_ASSERT(n == 1);
        RL_ASSERT(announced->empty());
        announced.reset();
        the_page.reset();
        for (unsigned i = 0; i < blocks; ++i) block_at(i)->~block();
    }
};

// Two threads, one number, one lock.
template <weaken Weak>
struct locked_counter : rl::test_suite<locked_counter<Weak>, 2> {
    std::optional<fa::sync::basic_lock_word<model_atomics<Weak>>> lock;
    std::optional<rl::var<int>> number;

    void before() {
        lock.emplace();
        number.emplace();
        (*number)($) = 0;
    }
    void thread(unsigned) {
        while (!lock->try_acquire()) rl::yield(1, $);
        (*number)($) = (*number)($) + 1;
        lock->release();
    }
    void after() {
        RL_ASSERT((*number)($) == 2);
        number.reset();
        lock.reset();
    }
};

int failures = 0;

template <class Suite>
void run(const char* name, rl::scheduler_type_e search, unsigned bound, unsigned long iterations, bool sound) {
    std::ostream nowhere(nullptr);
    rl::test_params p;
    p.search_type = search;
    p.context_bound = bound;
    p.iteration_count = iterations;
    p.output_stream = sound ? &std::cout : &nowhere;
    p.progress_stream = &nowhere;
    p.execution_depth_limit = 4000;
    const bool passed = rl::simulate<Suite>(p);
    const bool good = passed == sound;
    std::printf("%-6s %-62s %10llu interleavings%s\n", good ? "ok" : "FAILED", name,
                static_cast<unsigned long long>(p.stop_iteration),
                sound    ? ""
                : passed ? ", not found"
                         : ", found");
    std::fflush(stdout);
    failures += good ? 0 : 1;
}

}  // namespace interleave

int main(int argc, char** argv) {
    using namespace interleave;
    const unsigned long random = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 1'000'000;
    constexpr auto full = rl::fair_full_search_scheduler_type;
    constexpr auto bounded = rl::fair_context_bound_scheduler_type;
    constexpr auto any = rl::random_scheduler_type;
    constexpr weaken none = weaken::nothing;
    run<returning_blocks<none, 2, 1, 2>>("returned blocks: 2 producers x 1, 2 drains, full search", full, 0,
                                         100'000'000, true);
    run<returning_blocks<none, 2, 2, 2>>("returned blocks: 2 producers x 2, 2 drains, 3 switches", bounded, 3,
                                         100'000'000, true);
    run<returning_blocks<none, 3, 2, 2>>("returned blocks: 3 producers x 2, 2 drains, random", any, 0, random, true);
    run<locked_counter<none>>("lock: 2 threads, full search", full, 0, 100'000'000, true);

    run<returning_blocks<weaken::compare_exchange_to_acquire, 2, 1, 2>>("remote_list::push acq_rel -> acquire", any, 0,
                                                                        random, false);
    run<returning_blocks<weaken::compare_exchange_to_release, 2, 1, 2>>("remote_list::push acq_rel -> release", any, 0,
                                                                        random, false);
    run<returning_blocks<weaken::exchange_to_acquire, 2, 1, 2>>("remote_list::take acq_rel -> acquire", any, 0, random,
                                                                false);
    run<returning_blocks<weaken::exchange_to_release, 2, 1, 2>>("remote_list::take acq_rel -> release", any, 0, random,
                                                                false);
    run<returning_blocks<weaken::compare_exchange_release, 2, 1, 2>>("arrivals::push release -> relaxed", any, 0,
                                                                     random, false);
    run<returning_blocks<weaken::exchange_acquire, 2, 1, 2>>("arrivals::take acquire -> relaxed", any, 0, random,
                                                             false);
    run<locked_counter<weaken::compare_exchange_acquire>>("lock_word::try_acquire acquire -> relaxed", any, 0, random,
                                                          false);
    run<locked_counter<weaken::store_release>>("lock_word::release release -> relaxed", any, 0, random, false);
    std::printf("%d unexpected\n", failures);
    return failures == 0 ? 0 : 1;
}
