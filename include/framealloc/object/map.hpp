// A growable hash map in frame, pool or heap memory.
//
//   fa::frame_map<id, hit> nearest = frame.map<id, hit>();
//   nearest.insert({key, h});
//   if (auto it = nearest.find(key); it != nearest.end()) use(it->second);
//
// Members as in std::unordered_map, and its guarantees: what throws while one element is inserted leaves the map as it
// was. Entries are side by side, so that growth invalidates pointers and references too, and keys and values have to be
// movable; an entry whose move may throw is copied, and one that can only be moved then is lost with those before it.
// In m[i] = m[j] the reference on the right is dangling when m[i] makes the map grow: use insert_or_assign(i, m.at(j)),
// which takes it.
// Strings are found by std::string_view. A hash function that is not noexcept has its results kept, 8 bytes an entry.
//
// The order is that in which entries were inserted, the same in every run; one that comes after an erasure takes the
// place of what was erased last. A copy and growth leave out such places, and when all were erased the order begins
// anew. What constructs, destroys, hashes or compares the keys and values of a map must not change that map.
// Where an entry is looked for depends on a number drawn for the process, so that nobody can choose keys that collide.
// A program whose cost has to repeat too gives the map fa::map_seed(n). Nothing helps against keys of which the hash
// function itself makes the same number; that of strings, unless another is given, is seeded for the process as well.
// On exhaustion: x() asks the exhaustion handler, which frees memory or ends the program, and never returns without
// success; its twin try_x() returns false or an empty map. try_emplace() is std's and has no twin: it asks.
// Threads: as std::unordered_map's; the map grows on the thread of its frame alone (FA430).
// Cost: find, insert and erase take constant time on average; iteration time in proportion to the entries and to what
// was erased, 8 places at once; clear() to capacity().
#pragma once

#include <initializer_list>

#include <framealloc/detail/object/map_access.hpp>
#include <framealloc/detail/object/map_bulk.hpp>

namespace framealloc::inline v1 {

template <class K, class V, class Source, class Hash = object::default_hash<K>, class Equal = object::default_equal<K>,
          class Policy = active_policy>
class basic_map : public object::map_access<K, V, Source, Hash, Equal, Policy>,
                  public object::map_bulk<basic_map<K, V, Source, Hash, Equal, Policy>, K, V, Source, Hash, Equal> {
    using access = object::map_access<K, V, Source, Hash, Equal, Policy>;
    using store = object::map_store<K, V, Source, Hash, Equal, Policy>;
    using bulk = object::map_bulk<basic_map, K, V, Source, Hash, Equal>;  // members for several entries
    friend bulk;
    template <class, class, class, class, class, class>
    friend class basic_map;  // merge()
    static constexpr bool copyable = std::is_copy_constructible_v<K> && std::is_copy_constructible_v<V>;
    template <class L>
    static constexpr bool looks_up = access::template looks_up<L>;
    template <class L>
    static constexpr bool makes_key = looks_up<L> &&
                                      (std::is_constructible_v<K, L&&> || std::is_constructible_v<K, Source, L&&>);
    template <class L>
    static constexpr bool is_key = std::is_same_v<std::remove_cvref_t<L>, K> || makes_key<L>;
    template <class P>
    static constexpr bool is_pair = requires {
        requires std::tuple_size<std::remove_cvref_t<P>>::value == 2;
        requires is_key<decltype(std::get<0>(std::declval<P>()))>;
    };

public:
    using typename access::const_iterator;
    using typename access::iterator;
    using typename access::value_type;
    using access::begin;
    using access::end;
    using store::reserve;
    using store::size;

    // Effects: allocates nothing. Without a source the map has to be assigned to before it grows (FA440); as the
    // element of another container it takes that one's source. Cost: O(1).
    basic_map() noexcept(std::is_nothrow_default_constructible_v<Hash> &&
                         std::is_nothrow_default_constructible_v<Equal>)
        requires(std::is_default_constructible_v<Hash> && std::is_default_constructible_v<Equal>)
    {}
    explicit basic_map(Source s, const Hash& hash = Hash(), const Equal& equal = Equal()) : access(s, hash, equal) {}
    // Effects: room for n entries, a seed of its own, or the entries of a list or range. On exhaustion: asks the
    // exhaustion handler; try_make() does not. Cost: O(capacity() + entries) on average; nothing is allocated for a
    // seed alone.
    basic_map(Source s, framealloc::capacity n, const Hash& hash = Hash(), const Equal& equal = Equal())
        : basic_map(s, hash, equal) {
        reserve(n.n);
    }
    basic_map(Source s, map_seed seed, const Hash& hash = Hash(), const Equal& equal = Equal())
        : basic_map(s, hash, equal) {
        table_.seed = seed.n ^ 0x6a09e667f3bcc909U;
    }
    basic_map(Source s, std::initializer_list<value_type> l, const Hash& hash = Hash(), const Equal& equal = Equal())
        : basic_map(s, hash, equal) {
        insert(l);
    }
    template <object::iterator It>
    basic_map(Source s, It first, It last, const Hash& hash = Hash(), const Equal& equal = Equal())
        : basic_map(s, hash, equal) {
        insert(first, last);
    }
    template <object::range R>
    basic_map(Source s, R&& items, const Hash& hash = Hash(), const Equal& equal = Equal())
        : basic_map(s, hash, equal) {
        this->insert_range(std::forward<R>(items));
    }
    // Effects: takes the table where it is, and the source; other is empty then. Cost: O(1).
    basic_map(basic_map&& other) noexcept(std::is_nothrow_copy_constructible_v<Hash> &&
                                          std::is_nothrow_copy_constructible_v<Equal>)
        : access(other.source_, other.hash_, other.equal_) {
        steal(other);
    }
    // Effects: copies the entries into memory of the same source. On exhaustion: asks the exhaustion handler. Cost:
    // O(other.capacity()), one allocation.
    basic_map(const basic_map& other)
        requires copyable
        : basic_map(other.source_, other.hash_, other.equal_) {
        copy(other);
    }
    // Effects: takes the table where it is, the functions, and the source if other has one; its own entries are
    // destroyed, other is empty then. Cost: O(capacity()) for the destructors, otherwise O(1).
    basic_map& operator=(basic_map&& other) noexcept(std::is_nothrow_copy_assignable_v<Hash> &&
                                                     std::is_nothrow_copy_assignable_v<Equal> &&
                                                     std::is_nothrow_move_constructible_v<basic_map>) {
        if (this == &other) return *this;
        basic_map taken(std::move(other));  // first: it may be in a value of this map
        drop();
        take_functions(taken);
        if (object::has_source(taken.source_)) source_ = taken.source_;
        steal(taken);
        return *this;
    }
    // Effects: replaces the entries by copies, in memory of its own source; without one it takes that of other. On
    // exhaustion: asks the exhaustion handler. Cost: O(capacity() of both).
    basic_map& operator=(const basic_map& other)
        requires copyable
    {
        if (this == &other) return *this;
        clear();
        take_functions(other);
        if (!object::has_source(source_)) source_ = other.source_;
        copy(other);
        return *this;
    }
    basic_map& operator=(std::initializer_list<value_type> l) { return this->assign(l), *this; }
    ~basic_map() { drop(); }

    // As std::unordered_map's; a key of another type that finds one also makes one. On exhaustion: asks the exhaustion
    // handler. Cost: O(1) on average, amortised.
    template <class Value = V>
        requires(!object::view<Value>)
    V& operator[](const K& key) FRAMEALLOC_LIFETIMEBOUND {
        return value_of(key);
    }
    template <class Value = V>
        requires object::view<Value>
    V& operator[](const K& key) {
        return value_of(key);
    }
    template <class Value = V>
        requires(!object::view<Value>)
    V& operator[](K&& key) FRAMEALLOC_LIFETIMEBOUND {
        return value_of(std::move(key));
    }
    template <class Value = V>
        requires object::view<Value>
    V& operator[](K&& key) {
        return value_of(std::move(key));
    }
    template <class L, class Value = V>
        requires makes_key<L> && (!object::view<Value>)
    V& operator[](L&& key) FRAMEALLOC_LIFETIMEBOUND {
        return value_of(std::forward<L>(key));
    }
    template <class L, class Value = V>
        requires makes_key<L> && object::view<Value>
    V& operator[](L&& key) {
        return value_of(std::forward<L>(key));
    }

    // --- insertion; arguments may be keys or values of this map; FA440 without a source, and the program ends ---
    using bulk::insert;
    using bulk::try_insert;

    // As std::unordered_map's; where std takes the arguments of a pair, a key and the arguments of a value will do too.
    // On exhaustion: asks the exhaustion handler and never returns without the entry. Cost: O(1) on average, amortised.
    template <class... Args>
    std::pair<iterator, bool> try_emplace(const K& key, Args&&... args) FRAMEALLOC_LIFETIMEBOUND {
        return add(key, std::forward<Args>(args)...);
    }
    template <class... Args>
    std::pair<iterator, bool> try_emplace(K&& key, Args&&... args) FRAMEALLOC_LIFETIMEBOUND {
        return add(std::move(key), std::forward<Args>(args)...);
    }
    template <class L, class... Args>
        requires makes_key<L>
    std::pair<iterator, bool> try_emplace(L&& key, Args&&... args) FRAMEALLOC_LIFETIMEBOUND {
        return add(std::forward<L>(key), std::forward<Args>(args)...);
    }
    std::pair<iterator, bool> emplace() FRAMEALLOC_LIFETIMEBOUND { return add_pair(std::pair<K, V>()); }
    template <class P>
    std::pair<iterator, bool> emplace(P&& v) FRAMEALLOC_LIFETIMEBOUND {
        if constexpr (is_key<P>) return add(std::forward<P>(v));
        else return add_pair(std::forward<P>(v));
    }
    template <class L, class M, class... Args>
    std::pair<iterator, bool> emplace(L&& a, M&& b, Args&&... more) FRAMEALLOC_LIFETIMEBOUND {
        constexpr bool of_pair = std::is_constructible_v<value_type, L, M, Args...>;
        if constexpr (is_key<L> && (sizeof...(Args) == 0 || !of_pair))
            return add(std::forward<L>(a), std::forward<M>(b), std::forward<Args>(more)...);
        else if constexpr (of_pair)
            return add_pair(std::pair<K, V>(std::forward<L>(a), std::forward<M>(b), std::forward<Args>(more)...));
        else return add(K(std::forward<L>(a)), std::forward<M>(b), std::forward<Args>(more)...);
    }
    template <class... Args>
    iterator emplace_hint(const_iterator, Args&&... args) FRAMEALLOC_LIFETIMEBOUND {
        return emplace(std::forward<Args>(args)...).first;
    }
    std::pair<iterator, bool> insert(const value_type& v) FRAMEALLOC_LIFETIMEBOUND { return add(v.first, v.second); }
    std::pair<iterator, bool> insert(value_type&& v) FRAMEALLOC_LIFETIMEBOUND {
        return add(v.first, std::move(v.second));
    }
    template <class P>
        requires(std::is_constructible_v<value_type, P &&> && !std::is_same_v<std::remove_cvref_t<P>, value_type>)
    std::pair<iterator, bool> insert(P&& v) FRAMEALLOC_LIFETIMEBOUND {
        return add_pair(std::forward<P>(v));
    }
    iterator insert(const_iterator, const value_type& v) FRAMEALLOC_LIFETIMEBOUND { return insert(v).first; }
    iterator insert(const_iterator, value_type&& v) FRAMEALLOC_LIFETIMEBOUND { return insert(std::move(v)).first; }
    template <class P>
        requires(std::is_constructible_v<value_type, P &&> && !std::is_same_v<std::remove_cvref_t<P>, value_type>)
    iterator insert(const_iterator, P&& v) FRAMEALLOC_LIFETIMEBOUND {
        return insert(std::forward<P>(v)).first;
    }
    template <class M>
    std::pair<iterator, bool> insert_or_assign(const K& key, M&& value) FRAMEALLOC_LIFETIMEBOUND {
        return put(key, std::forward<M>(value));
    }
    template <class M>
    std::pair<iterator, bool> insert_or_assign(K&& key, M&& value) FRAMEALLOC_LIFETIMEBOUND {
        return put(std::move(key), std::forward<M>(value));
    }
    template <class L, class M>
        requires makes_key<L>
    std::pair<iterator, bool> insert_or_assign(L&& key, M&& value) FRAMEALLOC_LIFETIMEBOUND {
        return put(std::forward<L>(key), std::forward<M>(value));
    }
    // Returns: whether the key is in the map; an entry that was there keeps its value, but for try_insert_or_assign().
    // On exhaustion: false, with nothing changed. Cost: O(1) on average, amortised.
    [[nodiscard]] bool try_insert(const K& key, V value) {
        return store::template add_entry<false>(key, std::move(value)).first != none;
    }
    [[nodiscard]] bool try_insert(K&& key, V value) {
        return store::template add_entry<false>(std::move(key), std::move(value)).first != none;
    }
    template <class L>
        requires makes_key<L>
    [[nodiscard]] bool try_insert(L&& key, V value) {
        return store::template add_entry<false>(std::forward<L>(key), std::move(value)).first != none;
    }
    [[nodiscard]] bool try_insert(const value_type& v) {
        return store::template add_entry<false>(v.first, v.second).first != none;
    }
    [[nodiscard]] bool try_insert(value_type&& v) {
        return store::template add_entry<false>(v.first, std::move(v.second)).first != none;
    }
    template <class M>
    [[nodiscard]] bool try_insert_or_assign(const K& key, M&& value) FRAMEALLOC_LIFETIMEBOUND {
        return try_put(key, std::forward<M>(value));
    }
    template <class M>
    [[nodiscard]] bool try_insert_or_assign(K&& key, M&& value) FRAMEALLOC_LIFETIMEBOUND {
        return try_put(std::move(key), std::forward<M>(value));
    }
    template <class L, class M>
        requires makes_key<L>
    [[nodiscard]] bool try_insert_or_assign(L&& key, M&& value) FRAMEALLOC_LIFETIMEBOUND {
        return try_put(std::forward<L>(key), std::forward<M>(value));
    }

    // --- removal: nothing moves, other iterators and references stay valid ---
    // As std::unordered_map's. Debug: an iterator that refers to no entry is FA439, and nothing is removed. Cost: O(1)
    // on average, by an iterator O(erased places in a row behind the entry), 8 at once; memory stays.
    std::size_t erase(const K& key) { return access::remove(key); }
    template <class L>
        requires looks_up<L>
    std::size_t erase(L&& key) {
        return access::remove(key);
    }
    iterator erase(const_iterator at) noexcept FRAMEALLOC_LIFETIMEBOUND {
        const std::size_t i = place_of(at);
        if constexpr (Policy::checks) {
            if (is_gone()) return end();
            if (i >= table_.filled || !table_.is_full(i)) {
                object::raise_no_entry(object::allocator_of(source_),
                                       at == end()         ? "removal of the end of a map, which refers to no entry"
                                       : i < table_.filled ? "removal of an entry that was erased before"
                                                           : "removal by an iterator of another map, or from before "
                                                             "the map grew");
                return end();
            }
        }
        return erase_known(i, hash_at(table_, i));
    }
    iterator erase(iterator at) noexcept FRAMEALLOC_LIFETIMEBOUND { return erase(const_iterator(at)); }
    iterator erase(const_iterator first, const_iterator last) noexcept FRAMEALLOC_LIFETIMEBOUND {
        while (first != last) first = erase(first);
        return last == const_iterator() ? end() : at_place(place_of(last));
    }
    // Effects: removes the entries for which pred(entry) or pred(key, value) returns true. Returns: how many were
    // removed. Cost: O(capacity()).
    template <class F>
    std::size_t erase_if(F&& pred) {
        const std::size_t before = size();
        for (iterator i = begin(); i != end();) i = call(pred, *i) ? erase(i) : ++i;
        return before - size();
    }
    // Effects: removes the others. Returns: how many were removed. Cost: O(capacity()).
    template <class F>
    std::size_t retain(F&& pred) {
        return erase_if([&](value_type& v) { return !call(pred, v); });
    }
    // As std::erase_if of a std::unordered_map. Cost: O(capacity()).
    template <class F>
    friend std::size_t erase_if(basic_map& m, F pred) {
        return m.erase_if(pred);
    }
    // As std::unordered_map's: capacity stays. Cost: O(capacity()), or O(1) when the map is empty.
    void clear() noexcept {
        if (!is_gone()) table_.clear();
    }
    // Effects: exchanges the tables where they are, the functions, and the sources where both have one. Cost: O(1).
    void swap(basic_map& other) noexcept(std::is_nothrow_move_constructible_v<basic_map> &&
                                         std::is_nothrow_move_assignable_v<basic_map>) {
        if (this == &other) return;
        basic_map t(std::move(other));
        other = std::move(*this);
        *this = std::move(t);
    }
    friend void swap(basic_map& a, basic_map& b) noexcept(noexcept(a.swap(b))) { a.swap(b); }
    friend bool operator==(const basic_map& a, const basic_map& b) {
        if (a.size() != b.size()) return false;
        for (const value_type& v : a) {
            const std::size_t i = b.locate(v.first);
            if (i == none || !(b.table_.at(i).second == v.second)) return false;
        }
        return true;
    }

private:
    using access::at_place;
    using access::locate;
    using access::settled;
    using access::place_of;
    using store::copy;
    using store::drop;
    using store::equal_;
    using store::erase_at;
    using store::hash_;
    using store::hash_at;
    using store::is_gone;
    using store::none;
    using store::source_;
    using store::steal;
    using store::table_;
    using store::take_functions;

    template <class F>
    static bool call(F& pred, value_type& v) {
        if constexpr (std::is_invocable_v<F&, value_type&>) return static_cast<bool>(pred(v));
        else return static_cast<bool>(pred(v.first, v.second));
    }
    template <class L, class... Args>
    std::pair<iterator, bool> add(L&& key, Args&&... args) {
        const auto [i, added] = store::template add_entry<true>(std::forward<L>(key), std::forward<Args>(args)...);
        return {at_place(i), added};
    }
    template <class P>
    std::pair<iterator, bool> add_pair(P&& v) {
        if constexpr (is_pair<P>) return add(std::get<0>(std::forward<P>(v)), std::get<1>(std::forward<P>(v)));
        else return add_pair(std::pair<K, V>(std::forward<P>(v)));
    }
    template <class L>
    V& value_of(L&& key) {
        const std::size_t i =
            store::template add_entry<true>(std::forward<L>(key)).first;  // first: the table may be another one then
        return table_.at(i).second;
    }
    template <class L, class M>
    std::pair<iterator, bool> put(L&& key, M&& value) {
        auto result = add(std::forward<L>(key), std::forward<M>(value));
        if (!result.second) result.first->second = std::forward<M>(value);  // nothing was made of it
        return result;
    }
    template <class P>
    bool try_add(P&& v) {
        if constexpr (is_pair<P>)
            return store::template add_entry<false>(std::get<0>(std::forward<P>(v)), std::get<1>(std::forward<P>(v)))
                       .first != none;
        else return try_add(std::pair<K, V>(std::forward<P>(v)));
    }
    template <class L, class M>
    bool try_put(L&& key, M&& value) {
        const auto [i, added] = store::template add_entry<false>(std::forward<L>(key), std::forward<M>(value));
        if (i == none) return false;
        if (!added) table_.at(i).second = std::forward<M>(value);  // nothing was made of it
        return true;
    }
    template <class It, class End>
    bool insert_all(It first, End last) {
        for (; first != last; ++first) {
            if (!try_add(*first)) return false;
        }
        return true;
    }
    template <class Fill>
    bool replace_all(Fill fill) {
        basic_map fresh(source_, hash_, equal_);
        fresh.table_.seed = table_.seed;
        if (!fill(fresh)) return false;
        swap(fresh);
        return true;
    }
    iterator erase_known(std::size_t i, std::size_t hash) noexcept {
        erase_at(i, hash);
        const iterator behind = settled(i + 1);
        table_.pass_holes(i, place_of(behind));
        return behind;
    }
    template <bool Must, class Other>
    bool merge_from(Other& other) {
        for (auto it = other.begin(); it != other.end();) {
            const std::size_t at = other.place_of(it),
                              hash = other.hash_at(other.table_, at);  // of a key not yet moved
            const auto [i, added] = store::template add_entry<Must>(std::move_if_noexcept(const_cast<K&>(it->first)),
                                                                    std::move_if_noexcept(it->second));
            if (i == none) return false;
            if (added) it = other.erase_known(at, hash);
            else ++it;
        }
        return true;
    }
};

template <class K, class V, class Hash = object::default_hash<K>, class Equal = object::default_equal<K>,
          class Policy = active_policy>
using basic_frame_map = basic_map<K, V, frame_source, Hash, Equal, Policy>;
template <class K, class V, class Hash = object::default_hash<K>, class Equal = object::default_equal<K>>
using frame_map = basic_map<K, V, frame_source, Hash, Equal>;
template <class K, class V, class Hash = object::default_hash<K>, class Equal = object::default_equal<K>>
using pool_map = basic_map<K, V, pool_source, Hash, Equal>;
template <class K, class V, class Hash = object::default_hash<K>, class Equal = object::default_equal<K>>
using heap_map = basic_map<K, V, heap_source, Hash, Equal>;

}  // namespace framealloc::inline v1
