// Sampled allocations behave as others do, but for where they are.
#include <doctest/doctest.h>

#include <support/recorder.hpp>

#include <algorithm>
#include <cstring>
#include <random>
#include <thread>
#include <vector>

using namespace framealloc::literals;
namespace fa = framealloc;
using test::recorder;

namespace {

struct held {
    unsigned char* p;
    std::size_t n;
    bool pool;
};

}  // namespace

TEST_CASE("sampling changes nothing that a right program sees, on any thread") {
    for (std::uint32_t rate : {1U, 7U}) {
        CAPTURE(rate);
        recorder r;
        fa::basic_smart_alloc<fa::policy::standard> alloc{
            r.options({.frame_capacity = 64_KiB, .guard_sample = rate, .guard_seed = 11})};
        std::mt19937 random(rate);
        std::vector<held> out;
        for (int i = 0; i < 500; ++i) {
            auto frame = alloc.frame_scope();
            fa::tag_scope tag{alloc, "game"};
            for (int k = 0; k < 40; ++k) {
                const std::size_t n = 1 + random() % (random() % 8 == 0 ? 6000 : 200);
                const auto byte = static_cast<unsigned char>(n);
                if (random() % 2 == 0) {
                    auto* p = static_cast<unsigned char*>(frame.alloc_bytes(n, std::size_t{1} << random() % 7));
                    std::memset(p, byte, n);
                    continue;
                }
                const bool pool = random() % 2 == 0;
                auto* p = static_cast<unsigned char*>(pool ? alloc.pool_alloc_bytes(n) : alloc.heap_alloc_bytes(n));
                REQUIRE(reinterpret_cast<std::uintptr_t>(p) % 16 == 0);
                REQUIRE(fa::describe(p).state == fa::pointer_state::in_use);
                std::memset(p, byte, n);
                out.push_back({p, n, pool});
            }
            const auto give = [&](std::size_t until) {
                while (out.size() > until) {
                    const held h = out.back();
                    out.pop_back();
                    REQUIRE(h.p[0] == static_cast<unsigned char>(h.n));
                    REQUIRE(h.p[h.n - 1] == static_cast<unsigned char>(h.n));
                    if (h.pool) alloc.pool_free_bytes(h.p, h.n);
                    else alloc.heap_free_bytes(h.p, h.n);
                }
            };
            if (i % 25 == 0) std::thread([&] { give(20); }).join();
            else if (out.size() > 300) give(100);
            if (i == 499) give(0);
        }
        alloc.process_deferred_frees();
        const auto s = alloc.stats();
        CHECK(s.total_allocated == 0);
        CHECK(alloc.tag_stats("game").total_bytes == 0);
        CHECK(r.faults.empty());
    }
}

FOR_EACH_POLICY("a vec that grew while allocations were sampled and the batch after it share no byte") {
    recorder r;
    fa::options o{.guard_sample = 20, .guard_seed = 11};
    o.guard = fa::guard_level::off;
    const fa::basic_smart_alloc<P> alloc{r.options(o)};
    int overlapping = 0, changed = 0;
    for (int n = 0; n < 20'000; ++n) {
        const auto frame = alloc.frame_scope();
        auto v = frame.template vec<long>();
        for (long i = 0; i < 100; ++i) v.push_back(i);
        const auto batch = frame.template batch<long>(200);
        std::fill(batch.begin(), batch.end(), -1L);
        overlapping += v.data() + v.capacity() > batch.data() && v.data() < batch.data() + batch.size() ? 1 : 0;
        for (long i = 0; i < 100; ++i) changed += v[static_cast<std::size_t>(i)] != i ? 1 : 0;
    }
    CHECK(overlapping == 0);
    CHECK(changed == 0);
    CHECK(r.faults.empty());
}

FOR_EACH_POLICY("a sampled pool block has the bytes that were asked for: a pool_vec moves out of it") {
    recorder r;
    fa::options o{.guard_sample = 1, .guard_seed = 11};
    o.guard = fa::guard_level::off;
    const fa::basic_smart_alloc<P> alloc{r.options(o)};
    for (int n = 0; n < 3'000; ++n) {
        auto v = alloc.template pool_vec<int>(fa::capacity(5));
        v.reserve(7);  // of the same class
        for (int i = 0; i < 7; ++i) v.push_back(i);
        for (int i = 0; i < 7; ++i) REQUIRE(v[static_cast<std::size_t>(i)] == i);
    }
    CHECK(r.faults.empty());
    CHECK(alloc.stats().total_allocated == 0);
}

TEST_CASE("a sampled block is described, charged to its tag, counted as a leak, and outlives its allocator") {
    if (fa::guard::under_tool || fa::os::system_pages{}.granularity() != 4096) return;  // there nothing is sampled
    recorder r;
    void* p = nullptr;
    {
        fa::basic_smart_alloc<fa::policy::standard> alloc{
            r.options({.name = "game", .guard_sample = 1, .guard_seed = 11})};
        fa::tag_scope tag{alloc, "ai"};
        const auto is_sampled = [](const void* q) {
            return fa::describe(q).bytes == 40;
        };  // for other pages only the size class is known
        for (int i = 0; i < 100'000 && (p == nullptr || !is_sampled(p)); ++i) {
            if (p != nullptr) alloc.pool_free_bytes(p, 40);
            const auto frame = alloc.frame_scope();
            p = alloc.pool_alloc_bytes(40);
        }
        REQUIRE(is_sampled(p));
        const auto d = fa::describe(static_cast<char*>(p) + 3);
        CHECK(d.state == fa::pointer_state::in_use);
        CHECK(d.kind == fa::memory_kind::pool);
        CHECK(d.offset == 3);
        CHECK(std::string_view(d.tag) == "ai");
        CHECK(fa::describe(static_cast<char*>(p) + 40).state == fa::pointer_state::unused);
        CHECK(alloc.stats().heap_allocated == 40);
        CHECK(alloc.tag_stats("ai").heap_bytes == 40);
    }
    CHECK(r.count(fa::code::FA424) == 1);
    std::memset(p, 1, 40);
    fa::memory::pool_free(p);
}
