// Maps of keys and values with one property each, in every operation, each throwing at every step.
#include <doctest/doctest.h>

#include <vector>

#include "support/elements.hpp"
#include "support/recorder.hpp"

using namespace test;

namespace {

// A hash function and an equality that throw when the fuse reaches zero.
template <class K>
struct throwing_hash {
    std::size_t operator()(const K& k) const {
        element_watch::step();
        return static_cast<std::size_t>(number_of(k));
    }
};
template <class K>
struct throwing_equal {
    bool operator()(const K& a, const K& b) const {
        element_watch::step();
        return number_of(a) == number_of(b);
    }
};
template <class K>
struct calm_hash {
    std::size_t operator()(const K& k) const noexcept { return static_cast<std::size_t>(number_of(k)); }
};
template <class K>
struct calm_equal {
    bool operator()(const K& a, const K& b) const noexcept { return number_of(a) == number_of(b); }
};

struct tally {
    int combinations = 0, operations = 0, throws = 0, lost = 0;
};

template <class Map>
void fill(Map& m, int n) {
    using K = typename Map::key_type;
    using V = typename Map::mapped_type;
    for (int i = 0; i < n; ++i) m.try_emplace(make<K>(i), make<V>(i + 1000));
}

template <class Map>
bool holds(const Map& m, int n) {
    int found = 0;
    for (const auto& [k, v] : m) {
        const int key = number_of(k);
        if (key < 0 || key >= n || number_of(v) != key + 1000) return false;
        ++found;
    }
    return found == n && m.size() == static_cast<std::size_t>(n);
}

// Moves of move-only types may throw while the map grows: std::unordered_map's guarantee does not hold then.
template <class Map>
constexpr bool strong = fa::object::relocation_is_nothrow<typename Map::key_type, typename Map::mapped_type> ||
                        fa::object::relocation_copies<typename Map::key_type, typename Map::mapped_type>;

// Out of the templates: they are compiled for forty maps.
[[gnu::noinline]] void expect(bool right, const char* what) {
    if (!right) FAIL(what);
}

template <class Source, class Alloc, class Frame>
Source source_in(const Alloc& alloc, const Frame& frame) {
    if constexpr (std::is_same_v<Source, fa::frame_source>) return frame.source();
    else return alloc.template source<Source>();
}

// Runs `work` on a map of n entries, throwing at each step, and checks the state that it left.
template <class Map, class Alloc>
void try_each(tally& t, const Alloc& alloc, int n, bool single, void (*work)(Map&, int)) {
    ++t.operations;
    for (int k = 1;; ++k) {
        auto frame = alloc.frame_scope();
        bool thrown_now = false;
        {
            Map m(source_in<typename Map::source_type>(alloc, frame));
            fill(m, n);
            expect(holds(m, n), "a map holds what was put into it");
            element_watch::fuse = k;
            try {
                work(m, n);
            } catch (const thrown&) { thrown_now = true; }
            element_watch::fuse = 0;
            if (thrown_now && single && strong<Map>) expect(holds(m, n), "an insertion that throws changes nothing");
            if (thrown_now && !strong<Map>) ++t.lost;
            for (const auto& [key, v] : m) expect(number_of(v) >= element::moved_from, "what is left are values");
            fill(m, n + 3);  // it is still usable
            if (!single || strong<Map>) m.clear();
            fill(m, 3);
            expect(m.find(make<typename Map::key_type>(2)) != m.end(), "a map can be used after a throw");
        }
        expect(element_watch::live.empty(), "nothing leaks");
        expect(element_watch::mistakes == 0, "nothing is constructed or destroyed twice");
        if (!thrown_now) return;
        ++t.throws;
    }
}

template <class Map, class Alloc>
void every_operation(tally& t, const Alloc& alloc) {
    using K = typename Map::key_type;
    using V = typename Map::mapped_type;
    ++t.combinations;
    struct operation {
        bool single;  // an insertion: all or nothing
        void (*work)(Map&, int);
    };
    std::vector<operation> all{
        {true, [](Map& m, int n) { m.try_emplace(make<K>(n), make<V>(n + 1000)); }},
        {true, [](Map& m, int n) { m.emplace(make<K>(n), make<V>(n + 1000)); }},
        {true, [](Map& m, int n) { m.insert(std::pair<K, V>(make<K>(n), make<V>(n + 1000))); }},
        {true, [](Map& m, int n) { static_cast<void>(m.try_insert(make<K>(n), make<V>(n + 1000))); }},
        {true, [](Map& m, int) { m.reserve(100); }},
        {true, [](Map& m, int) { static_cast<void>(m.contains(make<K>(2))); }},
        {false, [](Map& m, int) { m.erase(make<K>(2)); }},
        {false,
         [](Map& m, int) {
             if (!m.empty()) m.erase(m.begin());
         }},
        {false, [](Map& m, int) { m.erase_if([](const auto& e) { return number_of(e.first) % 2 == 0; }); }},
        {false,
         [](Map& m, int) {
             Map other(std::move(m));
             m = std::move(other);
             swap(m, other);
         }},
        {false, [](Map& m, int) {  // the room of what is erased is used again
             for (int i = 0; i < 12; ++i) {
                 m.try_emplace(make<K>(i + 50), make<V>(i));
                 m.erase(make<K>(i + 50));
             }
         }}};
    if constexpr (std::is_default_constructible_v<V>) all.push_back({true, [](Map& m, int n) { m[make<K>(n)]; }});
    if constexpr (std::is_move_assignable_v<V>)
        all.push_back({false, [](Map& m, int) { m.insert_or_assign(make<K>(1), make<V>(7)); }});
    if constexpr (std::is_copy_constructible_v<K> && std::is_copy_constructible_v<V>) {
        all.push_back({true, [](Map& m, int) { expect(Map(m).size() == m.size(), "a copy is as large"); }});
        all.push_back({false, [](Map& m, int) {
                           Map other(m.source());
                           fill(other, 9);
                           m = other;
                       }});
        all.push_back({true, [](Map& m, int n) {
                           if (n != 0) m.try_emplace(make<K>(n), m.begin()->second);
                       }});
    }
    for (const int n : {0, 4, 6}) {  // the first and the fifth make it grow
        for (const operation& o : all) try_each<Map>(t, alloc, n, o.single, o.work);
    }
}

template <class P>
void run_map_matrix() {
    fa::basic_smart_alloc<P> alloc;
    element_watch::live.clear();
    element_watch::mistakes = 0;
    tally t;
    for_each_element([&]<class T>() {
        every_operation<fa::basic_frame_map<int, T, std::hash<int>, fa::object::equal_to, P>>(t, alloc);
        if constexpr (!std::is_same_v<T, int>)
            every_operation<fa::basic_frame_map<T, int, calm_hash<T>, calm_equal<T>, P>>(t, alloc);
    });
    every_operation<
        fa::basic_map<int, element::throwing_copy, fa::pool_source, std::hash<int>, fa::object::equal_to, P>>(t, alloc);
    every_operation<fa::basic_map<element::throwing_move, int, fa::heap_source, calm_hash<element::throwing_move>,
                                  calm_equal<element::throwing_move>, P>>(t, alloc);
    every_operation<fa::basic_frame_map<int, int, throwing_hash<int>, throwing_equal<int>, P>>(t, alloc);
    every_operation<
        fa::basic_frame_map<element::throwing_copy, element::throwing_move, throwing_hash<element::throwing_copy>,
                            throwing_equal<element::throwing_copy>, P>>(t, alloc);
    every_operation<fa::basic_frame_map<element::move_only, element::throwing_move_only,
                                        throwing_hash<element::move_only>, throwing_equal<element::move_only>, P>>(
        t, alloc);
    MESSAGE(t.combinations << " maps, " << t.operations << " operations on them, " << t.throws << " throws, " << t.lost
                           << " of them with entries that can only be moved");
    CHECK(t.throws > 1000);
}

}  // namespace

TEST_CASE("keys and values of every kind, throwing at every step of every operation of a map") {
    run_map_matrix<fa::policy::standard>();
}
TEST_CASE("keys and values of every kind, throwing at every step of every operation of a map, in debug") {
    run_map_matrix<fa::policy::debug>();
}
