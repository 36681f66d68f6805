// How much memory is lost to rounding, and to memory made accessible in advance.
#include <doctest/doctest.h>

#include <support/recorder.hpp>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

using namespace framealloc::literals;
namespace fa = framealloc;

namespace {

// Bytes that a heap block of n takes of its page or region, its header included.
std::size_t taken_by(std::size_t n) {
    using namespace fa::memory;
    const unsigned k = class_for(n, 16);
    return k != no_class ? class_size(k) : heap_bin_bytes(heap_bin_ceiling(fa::align_up(n + 64, 64)));
}

}  // namespace

TEST_CASE("rounding sizes up wastes at most an eighth beyond 256 bytes, and 8 % in the mean of 1 to 32 KiB") {
    double sum = 0, worst = 0;
    constexpr std::size_t most = 32_KiB;
    for (std::size_t n = 1; n <= most; ++n) {
        const double waste = static_cast<double>(taken_by(n) - n) / static_cast<double>(taken_by(n));
        sum += waste;
        if (n > 256) worst = std::max(worst, waste);
        if (n <= 256) CHECK(taken_by(n) - n < 16);
    }
    MESSAGE("mean " << 100 * sum / most << " %, worst beyond 256 bytes " << 100 * worst << " %");
    CHECK(sum / most <= 0.08);
    CHECK(worst <= 0.125);
}

FOR_EACH_POLICY("an arena makes at most a tenth more accessible than its blocks take, from 1 MiB or 32 pages on") {
    if (test::guarded<P>) return;  // guard zones
    const std::size_t first = std::max<std::size_t>(
        1_MiB, 32 * fa::os::system_pages{}.granularity());  // below, whole pages count
    for (const std::size_t capacity : {1_MiB, 64_MiB}) {
        fa::basic_smart_alloc<P> alloc{fa::options{.frame_capacity = capacity}};
        const auto frame = alloc.frame_scope();
        const std::size_t before = alloc.stats().committed;
        std::mt19937 random(301);
        const auto below = [&](std::size_t n) { return random() % n; };
        constexpr std::size_t blocks = 500'000;
        std::size_t bytes = 0;
        double worst = 0;
        for (std::size_t i = 0; i < blocks; ++i) {  // the mix of LevelDB's arena_test
            std::size_t n = i % (blocks / 10) == 0 ? i
                            : below(4000) == 0     ? below(6000)
                            : below(10) == 0       ? below(100)
                                                   : below(20);
            if (n == 0) n = 1;
            static_cast<void>(frame.alloc_bytes(n, 8));
            bytes += fa::align_up(n, 8);
            if (bytes < first || i % 1000 != 0) continue;  // the query itself takes a line of the account
            worst = std::max(worst, static_cast<double>(alloc.stats().committed - before) / static_cast<double>(bytes));
        }
        MESSAGE(capacity << " a chunk, " << bytes << " bytes, at most " << worst << " times as many accessible");
        CHECK(worst <= 1.10);
    }
}

namespace {

// Counts what is made accessible, and how much of that is not whole huge pages of a range that has room for some.
class watched_pages final : public fa::page_source {
public:
    static constexpr std::size_t huge = 2_MiB;
    int commits = 0, parts = 0;

    void* reserve(std::size_t n, std::size_t a) noexcept override {
        void* p = n < huge ? nullptr : system_.reserve(n, a < huge ? huge : a);
        if (p == nullptr) return system_.reserve(n, a);  // also where the system aligns to no more
        ranges_.push_back({fa::address_of(p), n});
        return p;
    }
    bool commit(void* p, std::size_t n) noexcept override {
        ++commits;
        for (const range& r : ranges_) {
            const std::uintptr_t from = fa::address_of(p) - r.begin;
            if (from < r.bytes && (from % huge != 0 || (n % huge != 0 && from + n != r.bytes))) ++parts;
        }
        return system_.commit(p, n);
    }
    void decommit(void* p, std::size_t n) noexcept override { system_.decommit(p, n); }
    void release(void* p, std::size_t n) noexcept override {
        std::erase_if(ranges_, [&](const range& r) { return r.begin == fa::address_of(p); });
        system_.release(p, n);
    }
    std::size_t granularity() const noexcept override { return system_.granularity(); }

private:
    struct range {
        std::uintptr_t begin;
        std::size_t bytes;
    };
    fa::os::system_pages system_;
    std::vector<range> ranges_;
};

}  // namespace

FOR_EACH_POLICY("the more blocks there are the more pages become accessible at once, a tenth of them in vain at most") {
    if (test::guarded<P>) return;  // guard zones
    watched_pages pages;
    fa::basic_smart_alloc<P> alloc{fa::options{.pages = &pages}};
    constexpr std::size_t block = 64, some = 4_MiB / block, many = 64_MiB / block;
    std::vector<void*> blocks;
    const auto take = [&](std::size_t n) {
        while (blocks.size() < n) blocks.push_back(alloc.pool_alloc_bytes(block));
    };
    take(some);
    const std::size_t before = alloc.stats().committed;
    CHECK(before <= (4_MiB + 1_MiB) * 11 / 10);  // beside the arena and the library's own
    const int commits = pages.commits;
    take(many);
    CHECK(pages.commits - commits < 400);  // 15,000 if each page of the system's were asked for
    CHECK(alloc.stats().committed - before <= 60_MiB * 11 / 10);
    for (void* p : blocks) alloc.pool_free_bytes(p, block);
    alloc.trim();
    CHECK(alloc.stats().committed <= 1_MiB);
}

FOR_EACH_POLICY("where huge pages are asked for nothing becomes accessible that would keep one from being made") {
    if (test::guarded<P>) return;  // guard zones, and ended frames become inaccessible
    watched_pages pages;
    fa::options o = fa::options::high_performance();
    o.pages = &pages;
    fa::basic_smart_alloc<P> alloc{o};
    {
        const auto frame = alloc.frame_scope();
        for (std::size_t i = 0; i < 9; ++i) static_cast<void>(frame.alloc_bytes(1_MiB, 8));
        std::vector<void*> blocks;
        for (std::size_t i = 0; i < 100'000; ++i) blocks.push_back(alloc.pool_alloc_bytes(64));
        for (void* p : blocks) alloc.pool_free_bytes(p, 64);
    }
    CHECK(pages.commits > 0);
    CHECK(pages.parts == 0);
}

FOR_EACH_POLICY("tags that have few blocks of each size make no more accessible than those need") {
    constexpr unsigned tags = 100, sizes = 16;
    fa::basic_smart_alloc<P> alloc;
    const std::size_t granularity = fa::os::system_pages{}.granularity();
    if (test::guarded<P> || granularity > 4_KiB) return;  // guard zones; and whole pages
    std::vector<void*> blocks;
    const std::size_t before = alloc.stats().committed;
    for (unsigned t = 0; t < tags; ++t) {
        const fa::tag_scope scope(alloc, "tag " + std::to_string(t));
        for (std::size_t n = 1; n <= sizes; ++n) blocks.push_back(alloc.pool_alloc_bytes(n * 16));
    }
    CHECK(alloc.stats().committed - before <= tags * (sizes * 4_KiB + 16_KiB));  // and what a tag is known by
    for (unsigned i = 0; i < blocks.size(); ++i) alloc.pool_free_bytes(blocks[i], (i % sizes + 1) * 16);
}
