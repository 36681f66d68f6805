// Abseil's containers that take an allocator: hash maps flat and by node, a B-tree, inlined vectors. (A Cord takes
// none.)
#include "clients/client.hpp"

#include <absl/container/btree_map.h>
#include <absl/container/flat_hash_map.h>
#include <absl/container/inlined_vector.h>
#include <absl/container/node_hash_map.h>

#include <memory>
#include <new>
#include <string>
#include <vector>

namespace clients {

namespace {

const fa::hook* memory = nullptr;
const fa::hook& current() { return *memory; }

template <class T>
using bound = fa::bound_allocator<T, current>;

template <template <class> class Allocator>
struct containers {
    template <class T>
    using pair_with = Allocator<std::pair<const std::uint64_t, T>>;
    using string = std::basic_string<char, std::char_traits<char>, Allocator<char>>;
    using list = absl::InlinedVector<std::uint64_t, 4, Allocator<std::uint64_t>>;
    template <class T>
    using flat = absl::flat_hash_map<std::uint64_t, T, absl::Hash<std::uint64_t>, std::equal_to<>, pair_with<T>>;
    template <class T>
    using node = absl::node_hash_map<std::uint64_t, T, absl::Hash<std::uint64_t>, std::equal_to<>, pair_with<T>>;
    template <class T>
    using tree = absl::btree_map<std::uint64_t, T, std::less<>, pair_with<T>>;
    using lists = std::vector<list, Allocator<list>>;
};

// The order of a hash map differs in each process.
template <class Map, class Value>
digest sum(const Map& m, Value value) {
    digest d = m.size();
    for (const auto& [k, v] : m) d += mix(k, value(v));
    return d;
}

template <template <class> class Allocator>
digest run(const Allocator<char>& a, unsigned tenths, const while_full& full) {
    using c = containers<Allocator>;
    const std::uint64_t n = 20'000 * tenths;
    typename c::template flat<std::uint64_t> flat(a);
    typename c::template node<typename c::string> node(a);
    typename c::template tree<std::uint64_t> tree(a);
    typename c::lists lists(a);
    for (int i = 0; i < 1000; ++i) lists.emplace_back(a);
    digest d = 1;
    for (std::uint64_t i = 0; i < n; ++i) {
        const std::uint64_t k = mix(0, i) % (2 * n);
        flat[k] += i;
        if (i % 2 == 0) node.try_emplace(k, typename c::string(1 + i % 70, static_cast<char>('a' + i % 26), a));
        if (i % 3 == 0) tree[k / 3] += i;
        lists[k % 1000].push_back(i);
        if (i % 5 == 0) d += flat.erase(mix(0, i / 2) % (2 * n));
        if (i % 7 == 0) node.erase(mix(0, i / 3) % (2 * n));
    }
    full(flat.size() * 16 + node.size() * sizeof(typename c::string) + tree.size() * 16 + n * 8);
    const auto copy = tree;
    auto moved = std::move(node);
    tree.erase(tree.begin(), tree.lower_bound(n / 4));
    flat.rehash(0);
    d = mix(d, sum(flat, [](std::uint64_t v) { return v; }));
    d = mix(d, sum(moved, [](const auto& s) { return s.size() + static_cast<std::uint64_t>(s[0]); }));
    for (const auto& [k, v] : tree) d = mix(d, k + v);
    for (const auto& [k, v] : copy) d = mix(d, k + v);
    for (const auto& l : lists) d = mix(d, l.size() + l.back());
    return d;
}

// Without its hash maps: raw_hash_set::resize() sets the new capacity before it allocates, so that a map whose growth
// throws keeps a wrong size (20220623; its destruction reports FA418).
bool says_exhausted(const fa::hook& hook) {
    memory = &hook;
    containers<bound>::tree<std::uint64_t> tree;
    containers<bound>::list list;
    int told = 0;
    try {
        for (std::uint64_t i = 0;; ++i) tree[i] = i;
    } catch (const std::bad_alloc&) { ++told; }
    for (const auto& [k, v] : tree) told += k == v ? 0 : 100;
    tree.erase(tree.begin(), tree.lower_bound(tree.size() / 2));
    try {
        for (;;) list.push_back(list.size());
    } catch (const std::bad_alloc&) { ++told; }
    for (std::size_t i = 0; i < list.size(); ++i) told += list[i] == i ? 0 : 100;
    return told == 2;
}

}  // namespace

const client abseil{"abseil", [](unsigned tenths) { return run<std::allocator>({}, tenths, [](std::size_t) {}); },
                    [](const fa::hook& h, unsigned tenths, const while_full& full) {
                        memory = &h;
                        return run<bound>({}, tenths, full);
                    },
                    says_exhausted,
                    [](const fa::heap_allocator<char>& a, unsigned tenths) {
                        return run<fa::heap_allocator>(a, tenths, [](std::size_t) {});
                    }};

}  // namespace clients
