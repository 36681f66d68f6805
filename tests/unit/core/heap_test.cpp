// The heap: sizes, cache, backend.
#include <doctest/doctest.h>

#include <atomic>
#include <cstring>
#include <map>
#include <memory_resource>
#include <random>
#include <semaphore>
#include <thread>

#include "support/recorder.hpp"

using namespace test;

TEST_CASE("heap bins hold what they promise and waste at most a ninth") {
    using namespace fa::memory;
    for (std::size_t n = 64; n < 100'000'000; n = n * 9 / 8 + 64) {
        const std::size_t size = heap_bin_bytes(heap_bin_ceiling(n));
        CHECK(size >= n);
        CHECK(static_cast<double>(size - n) / static_cast<double>(size) <= 0.1251);
        CHECK(heap_bin_bytes(heap_bin_floor(n)) <= n);
    }
}

FOR_EACH_POLICY("large blocks keep their contents through random churn, and coalesce" *
                doctest::skip(test::under_tsan)) {
    fa::basic_smart_alloc<P> alloc;
    struct block {
        unsigned char* p;
        std::size_t n;
        unsigned char stamp;
    };
    std::vector<block> live;
    std::mt19937 random(3);
    std::size_t bytes = 0;
    for (int i = 0; i < 20'000; ++i) {
        if (live.size() < 50 || (random() % 2 == 0 && live.size() < 200)) {
            const std::size_t n = 4097 + random() % (random() % 10 == 0 ? 2'000'000 : 60'000);
            block b{static_cast<unsigned char*>(alloc.heap_alloc_bytes(n)), n, static_cast<unsigned char>(random())};
            b.p[0] = b.p[n / 2] = b.p[n - 1] = b.stamp;
            bytes += n;
            live.push_back(b);
        } else {
            const std::size_t k = random() % live.size();
            const block b = live[k];
            live[k] = live.back();
            live.pop_back();
            REQUIRE(b.p[0] == b.stamp);
            REQUIRE(b.p[b.n / 2] == b.stamp);
            REQUIRE(b.p[b.n - 1] == b.stamp);
            bytes -= b.n;
            alloc.heap_free_bytes(b.p, b.n);
        }
    }
    CHECK(alloc.stats().heap_allocated == bytes);
    for (const block& b : live) alloc.heap_free_bytes(b.p, b.n);
    CHECK(alloc.stats().heap_allocated == 0);
    alloc.trim();
    CHECK(alloc.stats().committed < 1_MiB);
}

FOR_EACH_POLICY("typed heap and pool memory is counted, writable and given back") {
    fa::basic_smart_alloc<P> alloc;
    struct texture {
        unsigned char pixels[10'000];
    };
    auto* t = alloc.template heap_alloc<texture>();
    auto* n = alloc.template pool_alloc<texture>();  // too large for a page: from the heap
    REQUIRE(t != nullptr);
    REQUIRE(n != nullptr);
    t->pixels[9'999] = n->pixels[9'999] = 1;
    CHECK(alloc.stats().heap_allocated == 2 * sizeof(texture));
    alloc.heap_free(t);
    alloc.pool_free(n);
    auto* small = alloc.template heap_alloc<long>();
    *small = 1;
    CHECK(alloc.stats().heap_allocated == 16);
    alloc.heap_free(small);
    CHECK(alloc.stats().total_allocated == 0);
}

FOR_EACH_POLICY("a freed large block is served again without the lock or a page request") {
    fa::basic_smart_alloc<P> alloc;
    void* p = alloc.heap_alloc_bytes(1_MiB);
    alloc.heap_free_bytes(p, 1_MiB);
    const auto locks = fa::sync::lock_acquisitions();
    const auto requests = alloc.stats().page_requests;
    const auto locks_of_stats = fa::sync::lock_acquisitions() - locks;
    for (int i = 0; i < 100; ++i) {
        void* q = alloc.heap_alloc_bytes(1_MiB);
        if (!test::guarded<P>) CHECK(q == p);
        alloc.heap_free_bytes(q, 1_MiB);
    }
    if (test::guarded<P>) return;  // in debug mode it is quarantined first
    CHECK(fa::sync::lock_acquisitions() - locks == locks_of_stats);
    CHECK(alloc.stats().page_requests == requests);
}

FOR_EACH_POLICY("heap blocks may be freed on another thread, whose bytes stay charged to the tag that took them") {
    fa::basic_smart_alloc<P> alloc;
    std::vector<void*> blocks;
    {
        fa::tag_scope t(alloc, "loader");
        for (int i = 0; i < 20; ++i) blocks.push_back(alloc.heap_alloc_bytes(100'000));
        for (int i = 0; i < 20; ++i) blocks.push_back(alloc.heap_alloc_bytes(1000));
    }
    CHECK(alloc.tag_stats("loader").heap_bytes == 20 * 100'000 + 20 * 1024);
    std::thread([&] {
        for (int i = 0; i < 20; ++i) alloc.heap_free_bytes(blocks[static_cast<std::size_t>(i)], 100'000);
        for (int i = 20; i < 40; ++i) alloc.heap_free_bytes(blocks[static_cast<std::size_t>(i)], 1000);
    }).join();
    CHECK(alloc.tag_stats("loader").heap_bytes == 0);
    CHECK(alloc.stats().heap_allocated == 0);
}

class counting_resource final : public std::pmr::memory_resource {
public:
    int allocations = 0;
    int live = 0;
    bool refuse = false;

private:
    void* do_allocate(std::size_t n, std::size_t a) override {
        if (refuse) throw std::bad_alloc();
        ++allocations;
        ++live;
        return std::pmr::new_delete_resource()->allocate(n, a);
    }
    void do_deallocate(void* p, std::size_t n, std::size_t a) override {
        --live;
        std::pmr::new_delete_resource()->deallocate(p, n, a);
    }
    bool do_is_equal(const memory_resource& o) const noexcept override { return this == &o; }
};

FOR_EACH_POLICY("a heap backend serves all heap memory, and its refusal is exhaustion") {
    counting_resource backend;
    fa::options o;
    o.heap = &backend;
    {
        fa::basic_smart_alloc<P> alloc{o};
        auto small = alloc.template heap_box<int>(5);
        auto large = alloc.template heap_vec<char>(100'000);
        auto huge = alloc.template heap_box<overaligned_page>();
        CHECK(backend.live == 3);
        CHECK(aligned(huge.get(), 4096));
        CHECK(*small == 5);
        CHECK(alloc.stats().heap_allocated == sizeof(int) + 100'000 + sizeof(overaligned_page));
        backend.refuse = true;
        CHECK(alloc.template try_heap_alloc<int>() == nullptr);
        backend.refuse = false;
    }
    CHECK(backend.live == 0);
}

FOR_EACH_POLICY("large blocks of all sizes that come and go cause no page requests in the end, and reserve little" *
                doctest::skip(test::under_tsan)) {
    if (test::guarded<P>) return;  // quarantined first
    fa::basic_smart_alloc<P> alloc;
    struct block {
        void* p;
        std::size_t n;
    };
    std::vector<block> live(16);
    std::mt19937 random(11);
    const auto turn = [&](std::size_t which) {
        block& b = live[which];
        if (b.p != nullptr) alloc.heap_free_bytes(b.p, b.n);
        b.n = (256_KiB << random() % 4) + random() % 256_KiB;
        b.p = alloc.heap_alloc_bytes(b.n);
    };
    for (std::size_t i = 0; i < live.size(); ++i) turn(i);
    for (int i = 0; i < 8'000; ++i) turn(random() % live.size());
    const auto before = alloc.stats().page_requests;
    for (int i = 0; i < 4'000; ++i) turn(random() % live.size());
    const auto s = alloc.stats();
    CHECK(s.page_requests - before <= 40);  // one in a hundred
    CHECK(s.reserved <= s.committed / 4 * 5 + 8_MiB);
    for (const block& b : live) alloc.heap_free_bytes(b.p, b.n);
    alloc.trim();
    CHECK(alloc.stats().committed < 1_MiB);
}

FOR_EACH_POLICY("heap blocks come from the resource, also where pages serve pool requests in the heap's place") {
    counting_resource backend;
    fa::options o;
    o.heap = &backend;
    o.pool_max = 64;
    fa::basic_smart_alloc<P> alloc{o};
    void* promoted = alloc.pool_alloc_bytes(1000);
    void* again = alloc.pool_alloc_bytes(1000);
    const int before = backend.live;
    void* p = alloc.heap_alloc_bytes(1000);
    CHECK(backend.live == before + 1);
    alloc.heap_free_bytes(p, 1000);
    CHECK(backend.live == before);
    alloc.pool_free_bytes(promoted, 1000);
    alloc.pool_free_bytes(again, 1000);
    CHECK(backend.live == 0);
    CHECK(alloc.stats().total_allocated == 0);
}

FOR_EACH_POLICY("small heap blocks are served from pages without the lock, and charged to their tags") {
    fa::basic_smart_alloc<P> alloc;
    void* kept[48];
    for (std::size_t i = 0; i < 48; ++i) kept[i] = alloc.heap_alloc_bytes(80 * (i + 1));
    for (std::size_t i = 0; i < 48; i += 2) alloc.heap_free_bytes(kept[i], 80 * (i + 1));
    const auto locks = fa::sync::lock_acquisitions();
    for (std::size_t i = 0; i < 48; i += 2) kept[i] = alloc.heap_alloc_bytes(80 * (i + 1));
    if (!test::guarded<P>) CHECK(fa::sync::lock_acquisitions() == locks);
    const std::size_t before = alloc.stats().heap_allocated;
    {
        fa::tag_scope t(alloc, "loader");
        void* p = alloc.heap_alloc_bytes(80);
        void* q = alloc.heap_alloc_bytes(200, 64);  // rounded up to a class that is aligned so
        CHECK(aligned(q, 64));
        CHECK(alloc.tag_stats("loader").heap_bytes == 80 + 256);
        CHECK(alloc.stats().heap_allocated == before + 80 + 256);
        alloc.heap_free_bytes(p, 80);
        alloc.heap_free_bytes(q, 200, 64);
    }
    CHECK(alloc.tag_stats("loader").heap_bytes == 0);
    for (std::size_t i = 0; i < 48; ++i) alloc.heap_free_bytes(kept[i], 80 * (i + 1));
    CHECK(alloc.stats().total_allocated == 0);
}

FOR_EACH_POLICY("a heap free with another size is a coded fault") {
    recorder r;
    fa::basic_smart_alloc<P> alloc{r.options()};
    void* p = alloc.heap_alloc_bytes(10'000);
    alloc.heap_free_bytes(p, 9'000);
    CHECK(r.count(fa::code::FA418) == 1);
    CHECK(alloc.stats().heap_allocated == 0);
}

namespace {

// Threads that work one after another, and then live on without a request until this ends.
class sleepers {
public:
    template <class F>
    void add(F work) {
        threads_.emplace_back([this, work] {
            work();
            done_.release();
            end_.acquire();
        });
        done_.acquire();
    }
    ~sleepers() {
        end_.release(static_cast<std::ptrdiff_t>(threads_.size()));
        for (std::thread& t : threads_) t.join();
    }

private:
    std::counting_semaphore<> done_{0}, end_{0};
    std::vector<std::thread> threads_;
};

// Takes up to `most` blocks and frees them. Returns how many there were.
template <class Alloc>
std::size_t take_and_free(Alloc& alloc, std::size_t most, std::size_t bytes) {
    std::vector<void*> some;
    while (some.size() < most) {
        void* p = alloc.try_heap_alloc_bytes(bytes);
        if (p == nullptr) break;
        some.push_back(p);
    }
    for (void* p : some) alloc.heap_free_bytes(p, bytes);
    return some.size();
}

}  // namespace

// Where blocks are guarded, each thread withholds freed ones beside.
FOR_EACH_POLICY("what sleeping threads keep of large blocks does not grow with what the others keep" *
                doctest::skip(fa::guard::under_tool)) {
    fa::basic_smart_alloc<P> alloc{fa::options{.guard = fa::guard_level::off}};
    {
        sleepers all;
        for (int t = 0; t < 24; ++t) all.add([&] { CHECK(take_and_free(alloc, 100, 260'000) == 100); });
        CHECK(alloc.stats().heap_allocated == 0);
        CHECK(alloc.stats().committed < 80_MiB);  // 8 MiB for all, 1 MiB for each, the contexts
        alloc.trim();
        CHECK(alloc.stats().committed < 20_MiB);
    }
    alloc.trim();
    CHECK(alloc.stats().committed < 20_MiB);
}

FOR_EACH_POLICY("a request that is refused gets what other threads keep") {
    fa::basic_smart_alloc<P> alloc{fa::options{.global_limit = 64_MiB}};
    sleepers all;
    for (int t = 0; t < 12; ++t) all.add([&] { CHECK(take_and_free(alloc, 40, 1_MiB - 64) == 40); });
    for (const std::size_t bytes : {8_MiB, 16_MiB, 32_MiB, 40_MiB}) {
        void* p = alloc.try_heap_alloc_bytes(bytes);
        CHECK(p != nullptr);
        if (p != nullptr) alloc.heap_free_bytes(p, bytes);
    }
}

FOR_EACH_POLICY("what threads keep is taken while they use it") {
    fa::basic_smart_alloc<P> alloc{fa::options{.global_limit = 64_MiB}};
    std::atomic<bool> end{false};
    std::atomic<std::uint64_t> wrong{0};
    std::vector<std::thread> threads;
    for (unsigned t = 0; t < 3; ++t) {
        threads.emplace_back([&, t] {
            std::vector<unsigned char*> some;
            for (unsigned i = 0; !end.load(); ++i) {
                const std::size_t bytes = 20'000 + (i + t) % 5 * 30'000;
                auto* p = static_cast<unsigned char*>(alloc.try_heap_alloc_bytes(bytes));
                if (p == nullptr) continue;
                p[0] = p[bytes - 1] = static_cast<unsigned char>(t + 1);
                std::this_thread::yield();
                if (p[0] != t + 1 || p[bytes - 1] != t + 1) wrong.fetch_add(1);
                alloc.heap_free_bytes(p, bytes);
            }
        });
    }
    for (int i = 0; i < 200; ++i) {
        void* p = alloc.try_heap_alloc_bytes(63_MiB);  // more than there is: takes what they keep
        if (p != nullptr) alloc.heap_free_bytes(p, 63_MiB);
        alloc.trim();
    }
    end = true;
    for (std::thread& t : threads) t.join();
    CHECK(wrong.load() == 0);
    CHECK(alloc.stats().heap_allocated == 0);
}
