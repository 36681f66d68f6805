// A growable hash map in frame memory.
//
//   fa::frame_map<id, hit> nearest = frame.map<id, hit>();
//   nearest.insert({key, h});
//   if (auto it = nearest.find(key); it != nearest.end()) use(it->second);
//
// Members as in std::unordered_map, and its guarantees: what throws while one element is inserted leaves the map as it
// was. Entries lie side by side, so that growth invalidates pointers and references too, and keys and values have to be
// movable; an entry whose move may throw is copied, and one that can only be moved then is lost with those before it.
// In m[i] = m[j] the reference on the right is gone when m[i] makes the map grow: use insert_or_assign(i, m.at(j)),
// which takes it.
// Strings are found by std::string_view. A hash function that is not noexcept has its results kept, 8 bytes a slot.
//
// The order differs from run to run: positions depend on a number drawn for the process, so that nobody can choose keys
// that collide. Where a run has to be repeated, give the map fa::map_seed(n). Nothing helps against keys of which the
// hash function itself makes the same number.
// Cost: find, insert and erase take constant time on average, iteration and clear() time in proportion to capacity().
#pragma once

#include <framealloc/object/map_bulk.hpp>
#include <framealloc/object/map_iterator.hpp>
#include <framealloc/object/map_keys.hpp>
#include <framealloc/object/map_table.hpp>
#include <framealloc/object/vec.hpp>

namespace framealloc::inline v1 {

template <class K, class V, class Hash = object::default_hash<K>, class Equal = object::default_equal<K>,
          class Policy = active_policy>
class basic_frame_map : object::frame_hook<basic_frame_map<K, V, Hash, Equal, Policy>,
                                           !std::is_trivially_destructible_v<std::pair<const K, V>>>,
                        public object::map_bulk<basic_frame_map<K, V, Hash, Equal, Policy>, K, V, Hash, Equal> {
    using hook = object::frame_hook<basic_frame_map, !std::is_trivially_destructible_v<std::pair<const K, V>>>;
    friend hook;
    using bulk = object::map_bulk<basic_frame_map, K, V, Hash, Equal>;  // members for several entries
    friend bulk;
    static constexpr bool hash_is_nothrow = noexcept(std::declval<const Hash&>()(std::declval<const K&>()));
    static constexpr bool copyable = std::is_copy_constructible_v<K> && std::is_copy_constructible_v<V>;
    using table = object::map_table<K, V, !hash_is_nothrow, Policy>;

public:
    using key_type = K;
    using mapped_type = V;
    using value_type = std::pair<const K, V>;
    using source_type = frame_source;
    using hasher = Hash;
    using key_equal = Equal;
    using size_type = std::size_t;
    using difference_type = std::ptrdiff_t;
    using reference = value_type&;
    using const_reference = const value_type&;
    using pointer = value_type*;
    using const_pointer = const value_type*;

    using iterator = object::map_iterator<value_type, basic_frame_map>;
    using const_iterator = object::map_iterator<const value_type, basic_frame_map>;

private:
    // Keys of other types are looked up where hash and equality take them.
    template <class L>
    static constexpr bool looks_up =
        requires {
            typename Hash::is_transparent;
            typename Equal::is_transparent;
        } && !std::is_convertible_v<L&&, const_iterator> && !std::is_same_v<std::remove_cvref_t<L>, K> &&
        requires(const Hash& h, const Equal& e, const K& k, const std::remove_cvref_t<L>& l) {
            h(l);
            e(k, l);
        };
    template <class L>
    static constexpr bool makes_key = looks_up<L> && (std::is_constructible_v<K, L&&> ||
                                                      std::is_constructible_v<K, frame_source, L&&>);
    template <class L>
    static constexpr bool is_key = std::is_same_v<std::remove_cvref_t<L>, K> || makes_key<L>;
    template <class P>
    static constexpr bool is_pair = requires {
        requires std::tuple_size<std::remove_cvref_t<P>>::value == 2;
        requires is_key<decltype(std::get<0>(std::declval<P>()))>;
    };

public:
    // Without a source: it has to be assigned to before it grows (FA440). As the element of another container it takes
    // that one's source.
    basic_frame_map() noexcept(std::is_nothrow_default_constructible_v<Hash> &&
                               std::is_nothrow_default_constructible_v<Equal>)
        requires(std::is_default_constructible_v<Hash> && std::is_default_constructible_v<Equal>)
    {}
    explicit basic_frame_map(frame_source s, const Hash& hash = Hash(), const Equal& equal = Equal())
        : source_(s), hash_(hash), equal_(equal) {}
    basic_frame_map(frame_source s, framealloc::capacity n, const Hash& hash = Hash(), const Equal& equal = Equal())
        : basic_frame_map(s, hash, equal) {
        reserve(n.n);
    }
    basic_frame_map(frame_source s, map_seed seed, const Hash& hash = Hash(), const Equal& equal = Equal())
        : basic_frame_map(s, hash, equal) {
        table_.seed = seed.n ^ 0x6a09e667f3bcc909U;
    }
    basic_frame_map(frame_source s, std::initializer_list<value_type> l, const Hash& hash = Hash(),
                    const Equal& equal = Equal())
        : basic_frame_map(s, hash, equal) {
        insert(l);
    }
    template <object::iterator It>
    basic_frame_map(frame_source s, It first, It last, const Hash& hash = Hash(), const Equal& equal = Equal())
        : basic_frame_map(s, hash, equal) {
        insert(first, last);
    }
    template <object::range R>
    basic_frame_map(frame_source s, R&& items, const Hash& hash = Hash(), const Equal& equal = Equal())
        : basic_frame_map(s, hash, equal) {
        this->insert_range(std::forward<R>(items));
    }
    basic_frame_map(basic_frame_map&& other) noexcept(std::is_nothrow_copy_constructible_v<Hash> &&
                                                      std::is_nothrow_copy_constructible_v<Equal>)
        : source_(other.source_), hash_(other.hash_), equal_(other.equal_) {
        steal(other);
    }
    // In the memory of the same source.
    basic_frame_map(const basic_frame_map& other)
        requires copyable
        : basic_frame_map(other.source_, other.hash_, other.equal_) {
        copy(other);
    }
    basic_frame_map& operator=(basic_frame_map&& other) noexcept(
        std::is_nothrow_copy_assignable_v<Hash> && std::is_nothrow_copy_assignable_v<Equal> &&
        std::is_nothrow_move_constructible_v<basic_frame_map>) {
        if (this == &other) return *this;
        basic_frame_map taken(std::move(other));  // first: it may lie in a value of this map
        drop();
        take_functions(taken);
        if (object::has_source(taken.source_)) source_ = taken.source_;
        steal(taken);
        return *this;
    }
    basic_frame_map& operator=(const basic_frame_map& other)
        requires copyable
    {
        if (this == &other) return *this;
        clear();
        take_functions(other);
        if (!object::has_source(source_)) source_ = other.source_;
        copy(other);
        return *this;
    }
    basic_frame_map& operator=(std::initializer_list<value_type> l) { return this->assign(l), *this; }
    ~basic_frame_map() { drop(); }

    std::size_t size() const noexcept { return table_.size; }
    bool empty() const noexcept { return table_.size == 0; }
    std::size_t capacity() const noexcept { return table_.capacity(); }
    static constexpr std::size_t max_size() noexcept { return largest_request / table::slot_bytes / 2; }
    std::size_t bucket_count() const noexcept { return table_.slots; }
    float load_factor() const noexcept {
        return empty() ? 0.0F : static_cast<float>(size()) / static_cast<float>(table_.slots);
    }
    // At most three quarters of the slots are taken, whatever is wished: as std allows, the wish is a hint.
    float max_load_factor() const noexcept { return 0.75F; }
    void max_load_factor(float) noexcept {}
    Hash hash_function() const { return hash_; }
    Equal key_eq() const { return equal_; }
    const frame_source& source() const noexcept FRAMEALLOC_LIFETIMEBOUND { return source_; }
    // Takes the source of the container that it is an element of; nothing where it has one.
    void adopt(const frame_source& s) noexcept {
        if (!object::has_source(source_)) source_ = s;
    }
    iterator begin() noexcept FRAMEALLOC_LIFETIMEBOUND {
        check();
        return settled(table_.first);
    }
    iterator end() noexcept FRAMEALLOC_LIFETIMEBOUND { return at_slot(table_.slots); }
    const_iterator begin() const noexcept FRAMEALLOC_LIFETIMEBOUND {
        return const_cast<basic_frame_map*>(this)->begin();
    }
    const_iterator end() const noexcept FRAMEALLOC_LIFETIMEBOUND { return const_cast<basic_frame_map*>(this)->end(); }
    const_iterator cbegin() const noexcept FRAMEALLOC_LIFETIMEBOUND { return begin(); }
    const_iterator cend() const noexcept FRAMEALLOC_LIFETIMEBOUND { return end(); }

    // --- lookup ---
    iterator find(const K& key) FRAMEALLOC_LIFETIMEBOUND { return at_slot(locate(key)); }
    const_iterator find(const K& key) const FRAMEALLOC_LIFETIMEBOUND {
        return const_cast<basic_frame_map*>(this)->find(key);
    }
    bool contains(const K& key) const { return locate(key) != table_.slots; }
    std::size_t count(const K& key) const { return contains(key) ? 1 : 0; }
    std::pair<iterator, iterator> equal_range(const K& key) FRAMEALLOC_LIFETIMEBOUND { return range_at(locate(key)); }
    std::pair<const_iterator, const_iterator> equal_range(const K& key) const FRAMEALLOC_LIFETIMEBOUND {
        return const_cast<basic_frame_map*>(this)->equal_range(key);
    }
    // Throws std::out_of_range; without exceptions FA439, and the program ends.
    V& at(const K& key) FRAMEALLOC_LIFETIMEBOUND
        requires(!object::view<V>)
    {
        return value_at(locate(key));
    }
    V& at(const K& key)
        requires object::view<V>
    {
        return value_at(locate(key));
    }
    const V& at(const K& key) const FRAMEALLOC_LIFETIMEBOUND
        requires(!object::view<V>)
    {
        return const_cast<basic_frame_map*>(this)->at(key);
    }
    const V& at(const K& key) const
        requires object::view<V>
    {
        return const_cast<basic_frame_map*>(this)->at(key);
    }
    V& operator[](const K& key) FRAMEALLOC_LIFETIMEBOUND
        requires(!object::view<V>)
    {
        return value_of(key);
    }
    V& operator[](const K& key)
        requires object::view<V>
    {
        return value_of(key);
    }
    V& operator[](K&& key) FRAMEALLOC_LIFETIMEBOUND
        requires(!object::view<V>)
    {
        return value_of(std::move(key));
    }
    V& operator[](K&& key)
        requires object::view<V>
    {
        return value_of(std::move(key));
    }

    template <class L>
        requires looks_up<L>
    iterator find(const L& key) FRAMEALLOC_LIFETIMEBOUND {
        return at_slot(locate(key));
    }
    template <class L>
        requires looks_up<L>
    const_iterator find(const L& key) const FRAMEALLOC_LIFETIMEBOUND {
        return const_cast<basic_frame_map*>(this)->find(key);
    }
    template <class L>
        requires looks_up<L>
    bool contains(const L& key) const {
        return locate(key) != table_.slots;
    }
    template <class L>
        requires looks_up<L>
    std::size_t count(const L& key) const {
        return contains(key) ? 1 : 0;
    }
    template <class L>
        requires looks_up<L>
    std::pair<iterator, iterator> equal_range(const L& key) FRAMEALLOC_LIFETIMEBOUND {
        return range_at(locate(key));
    }
    template <class L>
        requires looks_up<L>
    V& at(const L& key) FRAMEALLOC_LIFETIMEBOUND
        requires(!object::view<V>)
    {
        return value_at(locate(key));
    }
    template <class L>
        requires looks_up<L>
    V& at(const L& key)
        requires object::view<V>
    {
        return value_at(locate(key));
    }
    template <class L>
        requires looks_up<L>
    const V& at(const L& key) const FRAMEALLOC_LIFETIMEBOUND
        requires(!object::view<V>)
    {
        return const_cast<basic_frame_map*>(this)->at(key);
    }
    template <class L>
        requires looks_up<L>
    const V& at(const L& key) const
        requires object::view<V>
    {
        return const_cast<basic_frame_map*>(this)->at(key);
    }
    template <class L>
        requires makes_key<L>
    V& operator[](L&& key) FRAMEALLOC_LIFETIMEBOUND
        requires(!object::view<V>)
    {
        return value_of(std::forward<L>(key));
    }
    template <class L>
        requires makes_key<L>
    V& operator[](L&& key)
        requires object::view<V>
    {
        return value_of(std::forward<L>(key));
    }

    // --- insertion. Arguments may be keys or values of this map. ---
    using bulk::insert;
    using bulk::try_insert;
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
    // The arguments of a pair; a key and the arguments of a value will do too.
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
    // Returns whether the key is in the map afterwards; false only when memory is exhausted.
    [[nodiscard]] bool try_insert(const K& key, V value) {
        return add_slot<false>(key, std::move(value)).first != no_slot;
    }
    [[nodiscard]] bool try_insert(K&& key, V value) {
        return add_slot<false>(std::move(key), std::move(value)).first != no_slot;
    }
    template <class L>
        requires makes_key<L>
    [[nodiscard]] bool try_insert(L&& key, V value) {
        return add_slot<false>(std::forward<L>(key), std::move(value)).first != no_slot;
    }
    [[nodiscard]] bool try_insert(const value_type& v) { return add_slot<false>(v.first, v.second).first != no_slot; }
    [[nodiscard]] bool try_insert(value_type&& v) {
        return add_slot<false>(v.first, std::move(v.second)).first != no_slot;
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
    std::size_t erase(const K& key) { return erase_at(locate(key)); }
    template <class L>
        requires looks_up<L>
    std::size_t erase(L&& key) {
        return erase_at(locate(key));
    }
    // Returns the iterator behind it.
    iterator erase(const_iterator at) noexcept FRAMEALLOC_LIFETIMEBOUND {
        const std::size_t i = static_cast<std::size_t>(at.used_ - table_.used);
        if constexpr (Policy::checks) {
            if (is_gone()) return end();
            if (i >= table_.slots || !table_.is_full(i)) {
                object::raise_out_of_range(object::allocator_of(source_), "slot", i, size());
                return end();
            }
        }
        erase_at(i);
        const iterator behind = settled(i + 1);
        table_.pass_empty(i, static_cast<std::size_t>(behind.used_ - table_.used));
        return behind;
    }
    iterator erase(iterator at) noexcept FRAMEALLOC_LIFETIMEBOUND { return erase(const_iterator(at)); }
    iterator erase(const_iterator first, const_iterator last) noexcept FRAMEALLOC_LIFETIMEBOUND {
        while (first != last) first = erase(first);
        return at_slot(static_cast<std::size_t>(last.used_ - table_.used));
    }
    // Removes the entries for which pred(entry) or pred(key, value) is true. Returns how many.
    template <class F>
    std::size_t erase_if(F&& pred) {
        const std::size_t before = size();
        for (iterator i = begin(); i != end();) i = call(pred, *i) ? erase(i) : ++i;
        return before - size();
    }
    // Keeps those, and removes the others.
    template <class F>
    std::size_t retain(F&& pred) {
        return erase_if([&](value_type& v) { return !call(pred, v); });
    }
    template <class F>
    friend std::size_t erase_if(basic_frame_map& m, F pred) {
        return m.erase_if(pred);
    }
    void clear() noexcept {
        if (!is_gone()) table_.clear();
    }

    void reserve(std::size_t n) { static_cast<void>(make_room<true>(n)); }
    [[nodiscard]] bool try_reserve(std::size_t n) { return make_room<false>(n); }
    // At least n slots.
    void rehash(std::size_t n) { reserve(n > table::most ? n : table::capacity_of(n + 3)); }
    void swap(basic_frame_map& other) noexcept(std::is_nothrow_move_constructible_v<basic_frame_map> &&
                                               std::is_nothrow_move_assignable_v<basic_frame_map>) {
        if (this == &other) return;
        basic_frame_map t(std::move(other));
        other = std::move(*this);
        *this = std::move(t);
    }
    friend void swap(basic_frame_map& a, basic_frame_map& b) noexcept(noexcept(a.swap(b))) { a.swap(b); }
    friend bool operator==(const basic_frame_map& a, const basic_frame_map& b) {
        if (a.size() != b.size()) return false;
        for (const value_type& v : a) {
            const std::size_t i = b.locate(v.first);
            if (i == b.table_.slots || !(b.table_.entries[i].second == v.second)) return false;
        }
        return true;
    }

private:
    static constexpr std::size_t no_slot = ~std::size_t{0};
    struct place {
        std::size_t slot;
        std::size_t hash;
        unsigned char mark;
        bool found;
    };
    void check() const noexcept { object::check_open<Policy>(source_); }
    iterator at_slot(std::size_t i) noexcept {
        return {table_.used + i, table_.used + table_.slots, table_.entries + i};
    }
    iterator settled(std::size_t i) noexcept {
        iterator it = at_slot(i);
        it.settle();
        return it;
    }
    std::pair<iterator, iterator> range_at(std::size_t i) noexcept {
        return {at_slot(i), i == table_.slots ? end() : settled(i + 1)};
    }
    V& value_at(std::size_t i) {
        if (i == table_.slots) [[unlikely]]
            object::throw_missing_key(object::allocator_of(source_), size());
        return table_.entries[i].second;
    }
    template <class F>
    static bool call(F& pred, value_type& v) {
        if constexpr (std::is_invocable_v<F&, value_type&>) return static_cast<bool>(pred(v));
        else return static_cast<bool>(pred(v.first, v.second));
    }
    template <class L>
    std::size_t hash_of(const L& key) const {
        return static_cast<std::size_t>(hash_(key));
    }
    std::size_t hash_at(const table& t, std::size_t i) const noexcept {
        if constexpr (hash_is_nothrow) return hash_of(t.entries[i].first);
        else return t.hashes()[i];
    }
    template <class L>
    bool is_at(std::size_t i, unsigned char wanted, [[maybe_unused]] std::size_t hash, const L& key) const {
        if (table_.used[i] != wanted) return false;
        if constexpr (!hash_is_nothrow)
            if (table_.hashes()[i] != hash) return false;
        return static_cast<bool>(equal_(table_.entries[i].first, key));
    }
    // The slot of the key, or the number of slots.
    template <class L>
    std::size_t locate(const L& key) const {
        check();
        if (table_.slots == 0) return 0;
        if (object::has_ended<Policy>(source_)) return table_.slots;
        const std::size_t hash = hash_of(key);
        const auto home = table_.home_of(hash);
        for (std::size_t i = home.slot;; i = table_.next(i)) {
            if (is_at(i, home.mark, hash, key)) [[likely]]
                return i;
            if (table_.used[i] == table::empty) return table_.slots;
        }
    }
    // The slot of the key, or the one to put it in.
    template <class L>
    place locate_for_insertion(const L& key) const {
        const std::size_t hash = hash_of(key);
        if (table_.slots == 0 || object::has_ended<Policy>(source_)) return {no_slot, hash, 0, false};
        const auto home = table_.home_of(hash);
        std::size_t vacant = no_slot;
        for (std::size_t i = home.slot;; i = table_.next(i)) {
            if (is_at(i, home.mark, hash, key)) return {i, hash, home.mark, true};
            if (table_.used[i] == table::erased && vacant == no_slot) vacant = i;
            if (table_.used[i] != table::empty) continue;
            if (vacant == no_slot && table_.room != 0) vacant = i;
            return {vacant, hash, home.mark, false};
        }
    }

    // --- entries are built where they stay, from arguments that may lie in the old table ---
    template <class L>
    auto key_arguments(L&& key) const {
        if constexpr (std::is_constructible_v<K, L&&>) return std::forward_as_tuple(std::forward<L>(key));
        else return std::tuple<const frame_source&, L&&>(source_, std::forward<L>(key));
    }
    // A value that is a frame container takes the map's source.
    template <class... Args>
    auto value_arguments(Args&&... args) const {
        if constexpr (object::takes_frame<V> && (sizeof...(Args) == 0 || !std::is_constructible_v<V, Args&&...>))
            return std::tuple<const frame_source&, Args&&...>(source_, std::forward<Args>(args)...);
        else if constexpr (std::is_constructible_v<V, Args&&...>)
            return std::forward_as_tuple(std::forward<Args>(args)...);
        else return std::tuple<V>(V{std::forward<Args>(args)...});
    }
    template <class L, class... Args>
    void construct(value_type* at, L&& key, Args&&... args) const {
        ::new (static_cast<void*>(at)) value_type(std::piecewise_construct, key_arguments(std::forward<L>(key)),
                                                  value_arguments(std::forward<Args>(args)...));
        object::adopt(__builtin_addressof(at->second), __builtin_addressof(at->second) + 1, source_);
    }
    template <bool Must, class L, class... Args>
    std::pair<std::size_t, bool> add_slot(L&& key, Args&&... args) {
        const place p = locate_for_insertion(key);
        if (p.found) return {p.slot, false};
        if (p.slot == no_slot) [[unlikely]]
            return {grow_and_add<Must>(p.hash, std::forward<L>(key), std::forward<Args>(args)...), true};
        construct(table_.vacancy(p.slot), std::forward<L>(key), std::forward<Args>(args)...);
        table_.fill(p.slot, p.mark, p.hash);
        return {p.slot, true};
    }
    template <class L, class... Args>
    std::pair<iterator, bool> add(L&& key, Args&&... args) {
        const auto [slot, added] = add_slot<true>(std::forward<L>(key), std::forward<Args>(args)...);
        return {at_slot(slot), added};
    }
    template <class P>
    std::pair<iterator, bool> add_pair(P&& v) {
        if constexpr (is_pair<P>) return add(std::get<0>(std::forward<P>(v)), std::get<1>(std::forward<P>(v)));
        else return add_pair(std::pair<K, V>(std::forward<P>(v)));
    }
    template <class L>
    V& value_of(L&& key) {
        const std::size_t slot =
            add_slot<true>(std::forward<L>(key)).first;  // first: the table may be another one then
        return table_.entries[slot].second;
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
            return add_slot<false>(std::get<0>(std::forward<P>(v)), std::get<1>(std::forward<P>(v))).first != no_slot;
        else return try_add(std::pair<K, V>(std::forward<P>(v)));
    }
    template <class L, class M>
    bool try_put(L&& key, M&& value) {
        const auto [slot, added] = add_slot<false>(std::forward<L>(key), std::forward<M>(value));
        if (slot == no_slot) return false;
        if (!added) table_.entries[slot].second = std::forward<M>(value);  // nothing was made of it
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
        basic_frame_map fresh(source_, hash_, equal_);
        fresh.table_.seed = table_.seed;
        if (!fill(fresh)) return false;
        swap(fresh);
        return true;
    }
    template <bool Must, class Other>
    bool merge_from(Other& other) {
        for (auto it = other.begin(); it != other.end();) {
            const auto [slot, added] = add_slot<Must>(std::move_if_noexcept(const_cast<K&>(it->first)),
                                                      std::move_if_noexcept(it->second));
            if (slot == no_slot) return false;
            if (added) it = other.erase(it);
            else ++it;
        }
        return true;
    }
    std::size_t erase_at(std::size_t i) noexcept {
        if (i == table_.slots) return 0;
        table_.entries[i].~value_type();
        table_.vacate(i);
        return 1;
    }

    // --- growth ---
    static constexpr bool can_sweep = object::relocation_is_nothrow<K, V>;
    bool half_erased() const noexcept { return table_.slots != 0 && size() <= capacity() / 2; }
    std::size_t slots_to_grow_to() const noexcept {
        return table_.slots == 0 ? table::fewest : half_erased() ? table_.slots : table_.slots * 2;
    }
    template <bool Must, class L, class... Args>
    FRAMEALLOC_COLD std::size_t grow_and_add(std::size_t hash, L&& key, Args&&... args) {
        revive_if_ended();
        if constexpr (can_sweep) {
            if (half_erased()) return sweep_and_add(hash, std::forward<L>(key), std::forward<Args>(args)...);
        }
        std::size_t slot = no_slot;
        static_cast<void>(rebuild<Must>(slots_to_grow_to(), [&](table& fresh) {
            const auto home = fresh.home_of(hash);
            construct(fresh.vacancy(home.slot), std::forward<L>(key), std::forward<Args>(args)...);
            fresh.fill(slot = home.slot, home.mark, hash);
        }));
        return slot;
    }
    // The new entry waits beside the table, as the arguments may be entries that move.
    template <class L, class... Args>
    std::size_t sweep_and_add(std::size_t hash, L&& key, Args&&... args) {
        alignas(value_type) unsigned char kept[sizeof(value_type)];
        auto* made = reinterpret_cast<value_type*>(kept);
        construct(made, std::forward<L>(key), std::forward<Args>(args)...);
        table_.sweep([this](std::size_t i) { return hash_at(table_, i); });
        const auto home = table_.home_of(hash);
        const std::size_t slot = table_.vacant(home.slot);
        table::relocate(made, table_.vacancy(slot));
        table_.fill(slot, home.mark, hash);
        return slot;
    }
    template <bool Must>
    bool make_room(std::size_t n) {
        if (n <= size() + table_.room) return true;
        if constexpr (can_sweep) {
            if (n <= capacity()) {
                table_.sweep([this](std::size_t i) { return hash_at(table_, i); });
                return true;
            }
        }
        return grow<Must>(table::slots_for(n));
    }
    template <bool Must>
    FRAMEALLOC_COLD bool grow(std::size_t slots) {
        revive_if_ended();
        return rebuild<Must>(slots, [](table&) {});
    }
    // Moves into a new table, in which add(table) puts its entry first. What throws leaves the old one as it was.
    template <bool Must, class Add>
    bool rebuild(std::size_t slots, Add add) {
        if (!object::has_source(source_)) {
            object::raise_no_source(Must);
            return false;
        }
        const std::size_t bytes = table::bytes_for(slots);
        void* p = object::acquire<Must>(source_, bytes, table::alignment);
        if (p == nullptr) return false;
        table fresh;
        fresh.open(p, slots, table_.seed);
        object::undo cleanup{[&] {
            fresh.destroy_entries();
            source_.frame().abandon(p);
        }};
        add(fresh);
        move_to(fresh);
        cleanup.armed = false;
        table old = std::exchange(table_, fresh);
        if constexpr (object::relocation_copies<K, V>) old.destroy_entries();
        source_.frame().outgrow(old.open_all(), table::bytes_for(old.slots));
        this->enlist(source_);
        return true;
    }
    void move_to(table& fresh) {
        for (std::size_t i = 0; i != table_.slots; ++i) {
            if (!table_.is_full(i)) continue;
            const std::size_t hash = hash_at(table_, i);
            const auto home = fresh.home_of(hash);
            const std::size_t to = fresh.vacant(home.slot);
            if constexpr (object::relocation_copies<K, V>) {
                construct(fresh.vacancy(to), std::as_const(table_.entries[i].first),
                          std::as_const(table_.entries[i].second));
            } else if constexpr (can_sweep) {
                table::relocate(table_.entries + i, fresh.vacancy(to));
            } else {
                object::undo lost{[&] { erase_at(i); }};
                table::relocate(table_.entries + i, fresh.vacancy(to));
                lost.armed = false;
                table_.vacate(i);
            }
            fresh.fill(to, home.mark, hash);
        }
    }
    void copy(const basic_frame_map& other) {
        if (table_.slots == 0) table_.seed = other.table_.seed;
        reserve(other.size());
        for (std::size_t i = 0; i != other.table_.slots; ++i) {
            if (!other.table_.is_full(i)) continue;
            const std::size_t hash = other.hash_at(other.table_, i);
            const auto home = table_.home_of(hash);
            const std::size_t to = table_.vacant(home.slot);
            construct(table_.vacancy(to), other.table_.entries[i].first, other.table_.entries[i].second);
            table_.fill(to, home.mark, hash);
        }
    }
    // The frame is over, and with it the content: after the fault the map starts anew in the frame that is open now.
    bool revive_if_ended(const char* what = "a map grew") noexcept {
        if (!object::has_source(source_) || source_.frame().alive()) return false;
        source_.frame().raise_ended(what);
        table_.forget();
        source_ = frame_source(source_.frame().record()->context->top);
        return true;
    }
    FRAMEALLOC_INLINE bool is_gone() noexcept {
        return object::has_ended<Policy>(source_) && revive_if_ended("an entry was removed");
    }
    void take_functions(const basic_frame_map& other) {
        object::take_function(hash_, other.hash_);
        object::take_function(equal_, other.equal_);
    }
    void steal(basic_frame_map& other) noexcept {
        table_ = other.table_;
        other.table_.forget();
        this->take_over(other);
    }
    void drop() noexcept {
        this->delist();
        if (table_.entries == nullptr) return;
        table_.destroy_entries();
        source_.frame().abandon(table_.entries);
        table_.forget();
    }
    void end_of_frame() noexcept {
        table_.destroy_entries();
        table_.forget();
    }

    table table_;
    frame_source source_;
    [[no_unique_address]] Hash hash_{};
    [[no_unique_address]] Equal equal_{};
};

template <class K, class V, class Hash = object::default_hash<K>, class Equal = object::default_equal<K>>
using frame_map = basic_frame_map<K, V, Hash, Equal>;

}  // namespace framealloc::inline v1
