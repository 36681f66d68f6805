// Memory that nobody has touched yet, and how much of it is needed: each contestant in a process of its own.
#include <unistd.h>

#include <cstdio>

#include "sources.hpp"

namespace bench {

namespace {

constexpr std::size_t million = 1'000'000;

double resident_bytes() {
    std::FILE* f = std::fopen("/proc/self/statm", "r");
    long all = 0, resident = 0;
    if (f != nullptr && std::fscanf(f, "%ld %ld", &all, &resident) != 2) resident = 0;
    if (f != nullptr) std::fclose(f);
    return static_cast<double>(resident) * static_cast<double>(sysconf(_SC_PAGESIZE));
}

fa::smart_alloc with_huge_pages() {
    fa::options o;
    o.huge_pages = true;
    o.slab_page_size = std::size_t{2} << 20;
    return fa::smart_alloc(o);
}
struct our_huge_pool : our_pool {
    our_huge_pool() : our_pool{with_huge_pages()} {}
};

// The first million blocks of 64 bytes, each written to.
template <class S>
class first_fill final : public runner {
public:
    first_fill() = default;
    first_fill(const functions& f)
        requires std::is_constructible_v<S, const functions&>
        : source_(f) {}
    double pass() override {
        for (void*& p : held_) {
            p = source_.template allocate<64>();
            *static_cast<std::uint64_t*>(p) = 1;
        }
        return 64.0 * million;
    }

private:
    S source_{};
    std::vector<void*> held_ = std::vector<void*>(million);
};

enum class when { live, freed, trimmed };

// Resident bytes a block while a million of 64 bytes live; resident MiB after all were freed.
template <class S, when When>
class resident final : public runner {
public:
    resident() = default;
    resident(const functions& f)
        requires std::is_constructible_v<S, const functions&>
        : source_(f) {}
    double pass() override {
        source_.template free<64>(source_.template allocate<64>());
        const double before = resident_bytes();
        for (void*& p : held_) {
            p = source_.template allocate<64>();
            *static_cast<std::uint64_t*>(p) = 1;
        }
        if (When == when::live) return (resident_bytes() - before) / million;
        for (std::size_t i = 0; i < million; ++i) source_.template free<64>(held_[i * 7919 % million]);
        if constexpr (When == when::trimmed && requires { source_.trim(); }) source_.trim();
        return (resident_bytes() - before) / 1048576;
    }

private:
    S source_{};
    std::vector<void*> held_ = std::vector<void*>(million, nullptr);
};
template <class S>
using resident_live = resident<S, when::live>;
template <class S>
using resident_freed = resident<S, when::freed>;

// Resident MiB that a frame of a million blocks of 8 bytes adds, with or without an empty inner frame behind each.
contestant frame_growth(const char* name, bool inner_frames) {
    const auto measured = [inner_frames] {
        const fa::smart_alloc alloc;
        const double before = resident_bytes();
        alloc.begin_frame();
        for (std::size_t i = 0; i < million; ++i) {
            auto* p = alloc.frame_alloc<long>();
            *p = 1;
            if (!inner_frames) continue;
            alloc.begin_frame();
            alloc.end_frame();
        }
        const double grown = resident_bytes() - before;
        alloc.end_frame();
        return grown / 1048576;
    };
    return {.name = name, .make = [measured] { return run(measured); }};
}

}  // namespace

void add_fresh(workloads& all) {
    workload w{.group = "memory", .name = "first fill", .what = measure::fresh_time};
    w.sentence =
        "In a new process, the first 1,000,000 blocks of 64 bytes are allocated and written to; time of one block.";
    w.operations = million;
    w.contestants = {entry<first_fill<our_pool>>(ours_name), entry<first_fill<our_huge_pool>>("framealloc, huge pages"),
                     entry<first_fill<by_resource<std::pmr::unsynchronized_pool_resource>>>("pmr::unsynchronized")};
    add_mallocs<first_fill<by_malloc>>(w);
    w.gates = row("first fill of 1,000,000 times 64 bytes", {{"mimalloc", 1.0}});
    w.add(row("first fill, with huge pages", {{"mimalloc", 0.6, "framealloc, huge pages"}}));
    all.push_back(std::move(w));

    w = {.group = "memory", .name = "bytes a block", .what = measure::figure, .unit = "bytes"};
    w.sentence = "In a new process, 1,000,000 blocks of 64 bytes are allocated and written to; resident bytes of one.";
    w.contestants = {entry<resident_live<our_pool>>(ours_name),
                     entry<resident_live<by_resource<std::pmr::unsynchronized_pool_resource>>>("pmr::unsynchronized")};
    add_mallocs<resident_live<by_malloc>>(w);
    w.gates = {{"mimalloc", 1.02}, {"glibc", 0.83}};
    all.push_back(std::move(w));

    w = {.group = "memory", .name = "after all were freed", .what = measure::figure, .unit = "MiB"};
    w.sentence =
        "In a new process, 1,000,000 blocks of 64 bytes are allocated, written to and freed in a scattered order; "
        "resident MiB that are left of 61.";
    w.contestants = {entry<resident<our_pool, when::trimmed>>("framealloc, trim()"),
                     entry<resident_freed<our_pool>>(ours_name),
                     entry<resident_freed<by_resource<std::pmr::unsynchronized_pool_resource>>>("pmr::unsynchronized")};
    add_mallocs<resident_freed<by_malloc>>(w);
    w.gates = {{"tbbmalloc", 0.1, "framealloc, trim()"}};
    all.push_back(std::move(w));

    w = {.group = "memory", .name = "a million inner frames", .what = measure::figure, .unit = "MiB"};
    w.sentence =
        "In a new process, a frame of 1,000,000 blocks of 8 bytes with an empty inner frame behind each; resident MiB "
        "at its "
        "end. The same without inner frames is its content.";
    w.contestants = {frame_growth(ours_name, true), frame_growth("framealloc, no inner frames", false)};
    w.gates = {{"framealloc, no inner frames", 1.1}};
    all.push_back(std::move(w));
}

}  // namespace bench
