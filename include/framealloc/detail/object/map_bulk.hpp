// What a map does with several entries at once: it is made of them, takes them in, is replaced by them, merges.
#pragma once

#include <initializer_list>

#include <framealloc/object/map_keys.hpp>
#include <framealloc/object/ranges.hpp>

namespace framealloc::inline v1::object {

// What std::get takes apart into a key and a value.
template <class P>
concept pair_like = requires { requires std::tuple_size<std::remove_cvref_t<P>>::value == 2; };

// Other maps with entries of the same type, however they hash and compare.
template <class Other, class Map>
concept same_entries = std::is_same_v<typename std::remove_reference_t<Other>::value_type, typename Map::value_type> &&
                       requires { typename std::remove_reference_t<Other>::hasher; };

template <class Map, class K, class V, class Source, class Hash, class Equal>
class map_bulk {
    using value_type = std::pair<const K, V>;

public:
    // As the constructors of the same arguments. On exhaustion: returns an empty map. Cost: as theirs.
    [[nodiscard]] static Map try_make(Source s, const Hash& hash = Hash(), const Equal& equal = Equal()) {
        return Map(s, hash, equal);
    }
    [[nodiscard]] static Map try_make(Source s, framealloc::capacity n, const Hash& hash = Hash(),
                                      const Equal& equal = Equal()) {
        Map m(s, hash, equal);
        static_cast<void>(m.try_reserve(n.n));
        return m;
    }
    [[nodiscard]] static Map try_make(Source s, map_seed seed, const Hash& hash = Hash(),
                                      const Equal& equal = Equal()) {
        return Map(s, seed, hash, equal);
    }
    [[nodiscard]] static Map try_make(Source s, std::initializer_list<value_type> l, const Hash& hash = Hash(),
                                      const Equal& equal = Equal()) {
        return try_make(s, l.begin(), l.end(), hash, equal);
    }
    template <object::iterator It>
    [[nodiscard]] static Map try_make(Source s, It first, It last, const Hash& hash = Hash(),
                                      const Equal& equal = Equal()) {
        Map m(s, hash, equal);
        if (!m.insert_all(first, last)) m.clear();
        return m;
    }
    template <object::range R>
    [[nodiscard]] static Map try_make(Source s, R&& items, const Hash& hash = Hash(), const Equal& equal = Equal()) {
        Map m(s, hash, equal);
        if (!m.try_insert_range(std::forward<R>(items))) m.clear();
        return m;
    }

    // --- several entries ---
    // As std::unordered_map's; insert_range() as C++23's, and extend() is another name for it. On exhaustion: asks the
    // exhaustion handler; what was inserted stays. Cost: O(entries inserted) on average.
    void insert(std::initializer_list<value_type> l) { insert(l.begin(), l.end()); }
    template <object::iterator It>
    void insert(It first, It last) {
        for (; first != last; ++first) self().emplace(*first);
    }
    template <object::range R>
    void insert_range(R&& items) {
        for (auto&& item : items) self().emplace(std::forward<decltype(item)>(item));
    }
    template <object::range R>
    void extend(R&& items) {
        insert_range(std::forward<R>(items));
    }
    // Returns: whether all keys are in the map. On exhaustion: false; what was inserted before stays. Cost: O(entries
    // inserted) on average.
    [[nodiscard]] bool try_insert(std::initializer_list<value_type> l) { return self().insert_all(l.begin(), l.end()); }
    template <object::iterator It>
        requires pair_like<decltype(*std::declval<It&>())>
    [[nodiscard]] bool try_insert(It first, It last) {
        return self().insert_all(first, last);
    }
    template <object::range R>
    [[nodiscard]] bool try_insert_range(R&& items) {
        for (auto&& item : items) {
            if (!self().try_add(std::forward<decltype(item)>(item))) return false;
        }
        return true;
    }
    template <object::range R>
    [[nodiscard]] bool try_extend(R&& items) {
        return try_insert_range(std::forward<R>(items));
    }

    // Effects: moves in the entries whose keys are not here; the others stay where they are. What throws leaves each
    // entry in one of the two maps; an entry whose move may throw is copied. Returns: try_merge(), whether all keys are
    // here. On exhaustion: merge() asks the exhaustion handler, try_merge() returns false, with each entry in one of
    // the two maps. Cost: O(other.capacity()) on average.
    template <class Other>
        requires same_entries<Other, Map>
    void merge(Other&& other) {
        static_cast<void>(self().template merge_from<true>(other));
    }
    template <class Other>
        requires same_entries<Other, Map>
    [[nodiscard]] bool try_merge(Other&& other) {
        return self().template merge_from<false>(other);
    }

    // Effects: replaces all entries. On exhaustion: asks the exhaustion handler. Cost: O(capacity() + entries) on
    // average.
    template <object::iterator It>
    void assign(It first, It last) {
        self().clear();
        insert(first, last);
    }
    void assign(std::initializer_list<value_type> l) { assign(l.begin(), l.end()); }
    template <object::range R>
    void assign(R&& items) {
        if constexpr (std::is_same_v<std::remove_cvref_t<R>, Map>) {
            if (__builtin_addressof(items) == __builtin_addressof(self())) return;
        }
        self().clear();
        insert_range(std::forward<R>(items));
    }
    // Returns: whether the entries were replaced; the old ones and the new ones have memory at the same time. On
    // exhaustion: false, with nothing changed. Cost: O(capacity() + entries) on average.
    template <object::iterator It>
    [[nodiscard]] bool try_assign(It first, It last) {
        return self().replace_all([&](Map& fresh) { return fresh.insert_all(first, last); });
    }
    [[nodiscard]] bool try_assign(std::initializer_list<value_type> l) { return try_assign(l.begin(), l.end()); }
    template <object::range R>
    [[nodiscard]] bool try_assign(R&& items) {
        return self().replace_all([&](Map& fresh) { return fresh.try_insert_range(std::forward<R>(items)); });
    }

private:
    Map& self() noexcept { return static_cast<Map&>(*this); }
};

}  // namespace framealloc::inline v1::object
