// How a map is walked and asked.
#pragma once

#include <framealloc/detail/object/map_iterator.hpp>
#include <framealloc/detail/object/map_store.hpp>
#include <framealloc/object/ranges.hpp>

namespace framealloc::inline v1::object {

template <class K, class V, class Source, class Hash, class Equal, class Policy>
class map_access : public map_store<K, V, Source, Hash, Equal, Policy> {
    using store = map_store<K, V, Source, Hash, Equal, Policy>;

public:
    using key_type = K;
    using mapped_type = V;
    using value_type = std::pair<const K, V>;
    using source_type = Source;
    using hasher = Hash;
    using key_equal = Equal;
    using size_type = std::size_t;
    using difference_type = std::ptrdiff_t;
    using reference = value_type&;
    using const_reference = const value_type&;
    using pointer = value_type*;
    using const_pointer = const value_type*;

    using iterator = object::map_iterator<value_type, map_access>;
    using const_iterator = object::map_iterator<const value_type, map_access>;

protected:
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

public:
    using store::size;
    // As std::unordered_map's. Debug: begin() after the frame has ended is FA002. Cost: O(1), and of begin()
    // O(erased places before the first entry), 8 at once; from begin() to end(), O(capacity()).
    iterator begin() noexcept FRAMEALLOC_LIFETIMEBOUND {
        check_open();
        return size() == 0 ? end() : settled(table_.first);
    }
    iterator end() noexcept FRAMEALLOC_LIFETIMEBOUND { return {}; }
    const_iterator begin() const noexcept FRAMEALLOC_LIFETIMEBOUND { return const_cast<map_access*>(this)->begin(); }
    const_iterator end() const noexcept FRAMEALLOC_LIFETIMEBOUND { return const_cast<map_access*>(this)->end(); }
    const_iterator cbegin() const noexcept FRAMEALLOC_LIFETIMEBOUND { return begin(); }
    const_iterator cend() const noexcept FRAMEALLOC_LIFETIMEBOUND { return end(); }

    // --- lookup ---
    // As std::unordered_map's. Debug: after the frame has ended FA002, and nothing is found. Cost: O(1) on average,
    // of equal_range() also O(erased places in a row behind the entry), 8 at once.
    FRAMEALLOC_INLINE iterator find(const K& key) FRAMEALLOC_LIFETIMEBOUND { return at_place(locate(key)); }
    FRAMEALLOC_INLINE const_iterator find(const K& key) const FRAMEALLOC_LIFETIMEBOUND {
        return const_cast<map_access*>(this)->find(key);
    }
    FRAMEALLOC_INLINE bool contains(const K& key) const { return locate(key) != none; }
    std::size_t count(const K& key) const { return contains(key) ? 1 : 0; }
    std::pair<iterator, iterator> equal_range(const K& key) FRAMEALLOC_LIFETIMEBOUND { return range_at(locate(key)); }
    std::pair<const_iterator, const_iterator> equal_range(const K& key) const FRAMEALLOC_LIFETIMEBOUND {
        return const_cast<map_access*>(this)->equal_range(key);
    }
    // Returns: the value of the key. Throws std::out_of_range where the key is not in the map; without exceptions
    // FA439, and the program ends. Cost: O(1) on average.
    template <class Value = V>
        requires(!object::view<Value>)
    V& at(const K& key) FRAMEALLOC_LIFETIMEBOUND {
        return value_at(locate(key));
    }
    template <class Value = V>
        requires object::view<Value>
    V& at(const K& key) {
        return value_at(locate(key));
    }
    template <class Value = V>
        requires(!object::view<Value>)
    const V& at(const K& key) const FRAMEALLOC_LIFETIMEBOUND {
        return const_cast<map_access*>(this)->at(key);
    }
    template <class Value = V>
        requires object::view<Value>
    const V& at(const K& key) const {
        return const_cast<map_access*>(this)->at(key);
    }

    // As the members above, for what is no key but hashes and compares as one: a std::string_view where keys are
    // strings. Cost: O(1) on average.
    template <class L>
        requires looks_up<L>
    iterator find(const L& key) FRAMEALLOC_LIFETIMEBOUND {
        return at_place(locate(key));
    }
    template <class L>
        requires looks_up<L>
    const_iterator find(const L& key) const FRAMEALLOC_LIFETIMEBOUND {
        return const_cast<map_access*>(this)->find(key);
    }
    template <class L>
        requires looks_up<L>
    bool contains(const L& key) const {
        return locate(key) != none;
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
    template <class L, class Value = V>
        requires looks_up<L> && (!object::view<Value>)
    V& at(const L& key) FRAMEALLOC_LIFETIMEBOUND {
        return value_at(locate(key));
    }
    template <class L, class Value = V>
        requires looks_up<L> && object::view<Value>
    V& at(const L& key) {
        return value_at(locate(key));
    }
    template <class L, class Value = V>
        requires looks_up<L> && (!object::view<Value>)
    const V& at(const L& key) const FRAMEALLOC_LIFETIMEBOUND {
        return const_cast<map_access*>(this)->at(key);
    }
    template <class L, class Value = V>
        requires looks_up<L> && object::view<Value>
    const V& at(const L& key) const {
        return const_cast<map_access*>(this)->at(key);
    }

protected:
    template <class, class>
    friend class map_iterator;
    static constexpr bool looks_at_ends = Policy::checks;

    map_access() = default;
    map_access(const Source& s, const Hash& hash, const Equal& equal) : store(s, hash, equal) {}

    using store::hash_of;
    using store::none;
    using store::source_;
    using store::table_;

    void check_open() const noexcept { object::check_open<Policy>(source_); }
    iterator at_place(std::size_t i) noexcept {
        if (i == none) return {};
        if (table_.cells == nullptr) __builtin_unreachable();
        return {table_.cells + i, table_.marks + i};
    }
    iterator settled(std::size_t i) noexcept {
        iterator it = at_place(i);
        it.settle();
        return it;
    }
    // Of the end: behind all.
    std::size_t place_of(const_iterator at) const noexcept {
        return at == const_iterator() ? table_.filled : static_cast<std::size_t>(at.mark_ - table_.marks);
    }
    std::pair<iterator, iterator> range_at(std::size_t i) noexcept {
        return {at_place(i), i == none ? end() : settled(i + 1)};
    }
    V& value_at(std::size_t i) {
        if (i == none) [[unlikely]]
            object::throw_missing_key(object::allocator_of(source_), size());
        return table_.at(i).second;
    }
    // The entry of the key, or `none`.
    template <class L>
    FRAMEALLOC_INLINE std::size_t locate(const L& key) const {
        check_open();
        return size() == 0 ? none : store::locate_hashed(key, hash_of(key));
    }
    template <class L>
    std::size_t remove(const L& key) {
        check_open();
        if (size() == 0) return 0;
        const std::size_t hash = hash_of(key), i = store::locate_hashed(key, hash);
        return i == none ? 0 : store::erase_at(i, hash);
    }
};

}  // namespace framealloc::inline v1::object
