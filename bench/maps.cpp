// Hash maps: 64-bit numbers, pointers and hostile keys, each with its map's own hash function.
#include "map_sources.hpp"

#include <algorithm>

#if FRAMEALLOC_BENCH_ABSEIL
#include <absl/container/flat_hash_map.h>
#endif

namespace bench {

namespace {

#if FRAMEALLOC_BENCH_ABSEIL
template <class K>
using absl_map = standing_map<absl::flat_hash_map<K, long>>;
#endif

enum class keys { random, hostile, pointers };
enum class doing { inserting, finding, missing, iterating, erasing };

// 2^64 divided by the golden ratio, times this, is 1: its multiples fall into one slot of a map that multiplies by it.
constexpr std::uint64_t one_slot = [] {
    constexpr std::uint64_t golden = 0x9e3779b97f4a7c15U;
    std::uint64_t x = golden;
    for (int i = 0; i < 6; ++i) x *= 2 - golden * x;
    return x;
}();

template <class K>
std::vector<K> made_keys(keys kind, std::size_t n, std::uint64_t seed) {
    static const std::vector<long> objects(1 << 18);
    std::vector<K> all;
    sequence s(seed);
    for (std::size_t i = 0; i < n; ++i) {
        if constexpr (std::is_pointer_v<K>) all.push_back(&objects[(i * 2 + (seed & 1)) % objects.size()]);
        else
            all.push_back(kind == keys::hostile ? (i * 2 + (seed & 1)) * one_slot
                                                : (s.next() & ~std::uint64_t{1}) | (seed & 1));
    }
    for (std::size_t i = n; i > 1; --i) std::swap(all[i - 1], all[s.below(i)]);
    return all;
}

template <template <class> class M, class K, keys Kind, std::size_t N, doing What>
class asked final : public runner {
public:
    asked() {
        if (What != doing::inserting) fill();
    }
    double pass() override {
        if constexpr (What == doing::inserting) {
            map_.clear();
            fill();
            return static_cast<double>(map_.map().size());
        } else if constexpr (What == doing::finding) {
            return found(order_);
        } else if constexpr (What == doing::missing) {
            return found(absent_);
        } else if constexpr (What == doing::iterating) {
            double sum = 0;
            for (const auto& [k, v] : map_.map()) sum += static_cast<double>(v);
            return sum;
        } else {
            return replaced();
        }
    }

private:
    void fill() {
        for (std::size_t i = 0; i < N; ++i) map_.map().insert({inserted_[i], static_cast<long>(i)});
    }
    double found(const std::vector<K>& keys_asked) {
        auto& m = map_.map();
        long sum = 0;
        for (const K& k : keys_asked) {
            const auto i = m.find(k);
            if (i != m.end()) sum += i->second;
        }
        return static_cast<double>(sum);
    }
    // A key goes, another comes, then back.
    double replaced() {
        auto& m = map_.map();
        for (std::size_t i = 0; i < N / 2; ++i) {
            m.erase(inserted_[i]);
            m.insert({absent_[i], 1});
        }
        for (std::size_t i = 0; i < N / 2; ++i) {
            m.erase(absent_[i]);
            m.insert({inserted_[i], static_cast<long>(i)});
        }
        return static_cast<double>(m.size());
    }
    std::vector<K> inserted_ = made_keys<K>(Kind, N, 2), absent_ = made_keys<K>(Kind, N, 3),
                   order_ = shuffled(inserted_);
    static std::vector<K> shuffled(std::vector<K> v) {
        sequence s(5);
        for (std::size_t i = v.size(); i > 1; --i) std::swap(v[i - 1], v[s.below(i)]);
        return v;
    }
    M<K> map_;
};

template <class K, keys Kind, std::size_t N, doing What>
void add(workloads& all, const char* name, const char* sentence, std::vector<gate> gates) {
    workload w{.group = "maps", .name = name, .sentence = sentence, .operations = N};
    w.most_rounds = 21;
    w.contestants = {entry<asked<our_map, K, Kind, N, What>>(ours_name),
                     entry<asked<std_map, K, Kind, N, What>>("std::unordered_map")};
#if FRAMEALLOC_BENCH_BOOST_MAP
    w.contestants.push_back(entry<asked<boost_map, K, Kind, N, What>>("boost flat"));
#else
    w.contestants.push_back(not_here("boost flat", "install libboost1.81-dev"));
#endif
#if FRAMEALLOC_BENCH_ABSEIL
    w.contestants.push_back(entry<asked<absl_map, K, Kind, N, What>>("absl flat"));
#else
    w.contestants.push_back(not_here("absl flat", "install libabsl-dev"));
#endif
#if FRAMEALLOC_BENCH_ANKERL
    w.contestants.push_back(entry<asked<ankerl_map, K, Kind, N, What>>("ankerl"));
#else
    w.contestants.push_back(not_here("ankerl", "not packaged: -DFRAMEALLOC_BENCH_INCLUDE=DIR"));
#endif
    if constexpr (Kind == keys::hostile) {
        w.contestants.push_back(entry<asked<our_map, K, keys::random, N, What>>("framealloc, random keys"));
    }
    w.gates = std::move(gates);
    all.push_back(std::move(w));
}

using number = std::uint64_t;

}  // namespace

void add_maps(workloads& all) {
    add<number, keys::random, 1'000, doing::finding>(
        all, "map find, 1,000", "1,000 random numbers are found in a map of them; time of one.", {{"boost flat", 1.0}});
    add<number, keys::random, 100'000, doing::finding>(
        all, "map find, 100,000", "100,000 random numbers are found in a map of them, in another order; time of one.",
        row("frame_map, find among 100,000", {{"boost flat", 1.0}}));
    add<number, keys::random, 100'000, doing::missing>(
        all, "map miss, 100,000", "100,000 numbers are looked for in a map of as many others; time of one.",
        row("frame_map, miss among 100,000", {{"boost flat", 1.0}}));
    add<number, keys::random, 100'000, doing::iterating>(
        all, "map iterate, 100,000", "A map of 100,000 numbers is gone through; time of one element.",
        row("frame_map, iterate", {{"ankerl", 1.1}}));
    add<number, keys::random, 100'000, doing::inserting>(
        all, "map insert, 100,000", "100,000 random numbers are inserted into an empty map without room; time of one.",
        {{"boost flat", 1.0}});
    add<number, keys::random, 100'000, doing::erasing>(
        all, "map erase, 100,000", "In a map of 100,000 numbers one is erased and another inserted; time of both.", {});
    add<const long*, keys::pointers, 100'000, doing::finding>(
        all, "map find, pointers", "100,000 pointers are found in a map of them; time of one.",
        row("frame_map, find with pointer keys", {{"std::unordered_map", 1.0}}));
    add<number, keys::hostile, 2'000, doing::inserting>(
        all, "map insert, hostile keys",
        "2,000 multiples of a number that a multiplying hash takes for one slot are inserted; time of one.",
        row("frame_map, insert of 2,000 hostile keys", {{"framealloc, random keys", 3.0}}));
    add<number, keys::hostile, 2'000, doing::finding>(
        all, "map find, hostile keys",
        "2,000 multiples of a number that a multiplying hash takes for one slot are found; time of one.",
        row("frame_map, find of 2,000 hostile keys", {{"framealloc, random keys", 3.0}}));
}

}  // namespace bench
