// What a map is made of: its table, how entries are built in it and how it grows, and to whom all that belongs. Lookup
// is map_access.hpp, the container itself map.hpp.
#pragma once

#include <framealloc/detail/object/map_table.hpp>
#include <framealloc/object/map_keys.hpp>

namespace framealloc::inline v1::object {

template <class K, class V, class Source, class Hash, class Equal, class Policy>
class map_store
    : frame_hook<map_store<K, V, Source, Hash, Equal, Policy>, needs_frame_end<std::pair<const K, V>, Source>()> {
    using hook = frame_hook<map_store, needs_frame_end<std::pair<const K, V>, Source>()>;
    friend hook;
    using value_type = std::pair<const K, V>;

protected:
    static constexpr bool hash_is_nothrow = noexcept(std::declval<const Hash&>()(std::declval<const K&>()));
    using table = map_table<K, V, !hash_is_nothrow, Policy>;

public:
    // As std::unordered_map's; capacity() is how many entries fit without growth; until then none moves. Cost: O(1).
    std::size_t size() const noexcept { return table_.size; }
    bool empty() const noexcept { return table_.size == 0; }
    std::size_t capacity() const noexcept { return table_.capacity(); }
    static constexpr std::size_t max_size() noexcept { return largest_request / table::entry_bytes / 4; }
    std::size_t bucket_count() const noexcept { return table_.slot_count; }
    float load_factor() const noexcept {
        return empty() ? 0.0F : static_cast<float>(size()) / static_cast<float>(table_.slot_count);
    }
    // As std::unordered_map's: at most three quarters of the slots are taken, and a number given is a hint, as std
    // allows. Cost: O(1).
    float max_load_factor() const noexcept { return 0.75F; }
    void max_load_factor(float) noexcept {}
    // As std::unordered_map's. Cost: O(1).
    Hash hash_function() const { return hash_; }
    Equal key_eq() const { return equal_; }
    // Returns: where the memory comes from. Cost: O(1).
    const Source& source() const noexcept FRAMEALLOC_LIFETIMEBOUND { return source_; }
    // Effects: takes the source of the container that this is an element of, unless it has one. Cost: O(1).
    void adopt(const Source& s) noexcept {
        if (!object::has_source(source_)) source_ = s;
    }

    // As std::unordered_map's. Requires: a source; without one FA440, and reserve() and rehash() end the program. On
    // exhaustion: they ask the exhaustion handler; try_reserve() returns false, with nothing changed. Cost:
    // O(capacity()) where the table grows, otherwise O(1).
    void reserve(std::size_t n) { static_cast<void>(make_room<true>(n)); }
    [[nodiscard]] bool try_reserve(std::size_t n) { return make_room<false>(n); }
    void rehash(std::size_t n) { reserve(n > table::most ? n : table::capacity_of(n)); }

protected:
    map_store() = default;
    map_store(const Source& s, const Hash& hash, const Equal& equal) : source_(s), hash_(hash), equal_(equal) {}
    map_store(const map_store&) = delete;
    map_store& operator=(const map_store&) = delete;

    static constexpr std::size_t none = table::none;
    template <class L>
    std::size_t hash_of(const L& key) const {
        return static_cast<std::size_t>(hash_(key));
    }
    std::size_t hash_at(const table& t, std::size_t i) const noexcept {
        if constexpr (hash_is_nothrow) return hash_of(t.at(i).first);
        else return t.hashes()[i];
    }
    // The entry of the key, or `none`.
    template <class L>
    FRAMEALLOC_INLINE std::size_t locate_hashed(const L& key, std::size_t hash) const {
        if (object::has_ended<Policy>(source_)) return none;
        return table_.find(table_.mixed(hash), [&](std::size_t i) {
            if constexpr (!hash_is_nothrow)
                if (table_.hashes()[i] != hash) return false;
            return static_cast<bool>(equal_(table_.at(i).first, key));
        });
    }

    // --- entries are built where they stay, from arguments that may be in the old table ---
    template <class L>
    auto key_arguments(L&& key) const {
        if constexpr (std::is_constructible_v<K, L&&>) return std::forward_as_tuple(std::forward<L>(key));
        else return std::tuple<const Source&, L&&>(source_, std::forward<L>(key));
    }
    // A value that is a container of this kind of memory takes the map's source.
    template <class... Args>
    auto value_arguments(Args&&... args) const {
        if constexpr (object::takes_source<V, Source> &&
                      (sizeof...(Args) == 0 || !std::is_constructible_v<V, Args&&...>))
            return std::tuple<const Source&, Args&&...>(source_, std::forward<Args>(args)...);
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
    // Puts an entry that make(where) constructs into t, which has room.
    template <class Make>
    static std::size_t fill(table& t, std::size_t hash, Make make) {
        const std::size_t i = t.take();
        object::undo vacant{[&] { t.give_up(i); }};
        make(__builtin_addressof(t.at(i)));
        vacant.armed = false;
        t.fill(i, t.mixed(hash), hash);
        return i;
    }
    template <bool Must, class L, class... Args>
    std::pair<std::size_t, bool> add_entry(L&& key, Args&&... args) {
        const std::size_t hash = hash_of(key);
        if (const std::size_t i = locate_hashed(key, hash); i != none) return {i, false};
        if (table_.size == table_.capacity() || object::has_ended<Policy>(source_)) [[unlikely]]
            return {grow_and_add<Must>(hash, std::forward<L>(key), std::forward<Args>(args)...), true};
        const auto make = [&](value_type* at) { construct(at, std::forward<L>(key), std::forward<Args>(args)...); };
        return {fill(table_, hash, make), true};
    }
    std::size_t erase_at(std::size_t i, std::size_t hash) noexcept {
        table_.unlink(i, table_.mixed(hash));
        table_.at(i).~value_type();
        table_.vacate(i);
        return 1;
    }

    // --- growth ---
    std::size_t slots_to_grow_to() const noexcept {
        return table_.slot_count == 0 ? table::fewest : table_.slot_count * 2;
    }
    template <bool Must, class L, class... Args>
    [[gnu::__noinline__]] std::size_t grow_and_add(std::size_t hash, L&& key, Args&&... args) {
        revive_if_ended();
        std::size_t i = none;
        const auto make = [&](value_type* at) { construct(at, std::forward<L>(key), std::forward<Args>(args)...); };
        static_cast<void>(rebuild<Must>(slots_to_grow_to(), [&](table& fresh) { i = fill(fresh, hash, make); }));
        return i;
    }
    template <bool Must>
    bool make_room(std::size_t n) {
        return n <= capacity() || grow<Must>(table::slots_for(n));
    }
    template <bool Must>
    [[gnu::__noinline__]] bool grow(std::size_t slot_count) {
        revive_if_ended();
        return rebuild<Must>(slot_count, [](table&) {});
    }
    // Moves into a new table, in which add(table) first puts its entry behind them. What throws leaves the old one as
    // it was.
    template <bool Must, class Add>
    bool rebuild(std::size_t slot_count, Add add) {
        if (!object::has_source(source_)) {
            object::raise_no_source(Must);
            return false;
        }
        const std::size_t bytes = table::bytes_for(slot_count);
        void* p = object::acquire<Must>(source_, bytes, table::alignment);
        if (p == nullptr) return false;
        table fresh;
        fresh.open(p, slot_count, table_.seed);
        fresh.filled = size();
        object::undo cleanup{[&] {
            fresh.destroy_entries();
            give_back(fresh);
        }};
        add(fresh);
        move_to(fresh);
        cleanup.armed = false;
        table old = std::exchange(table_, fresh);
        if constexpr (object::relocation_copies<K, V>) old.destroy_entries();
        static_cast<void>(old.open_all());
        object::outgrow(source_, old.memory(), table::bytes_for(old.slot_count), table::alignment);
        this->enlist(source_);
        return true;
    }
    void move_to(table& fresh) {
        for (std::size_t i = 0, to = 0; i < table_.filled; ++i) {  // the last to leave makes it zero
            if (!table_.is_full(i)) continue;
            const std::size_t hash = hash_at(table_, i);
            object::open_spare<Policy>(fresh.cells + to, fresh.cells + to + 1);
            move_entry(i, hash, __builtin_addressof(fresh.at(to)));
            fresh.fill(to++, fresh.mixed(hash), hash);
        }
    }
    void move_entry(std::size_t i, [[maybe_unused]] std::size_t hash, value_type* to) {
        if constexpr (object::relocation_copies<K, V>) {
            construct(to, std::as_const(table_.at(i).first), std::as_const(table_.at(i).second));
        } else if constexpr (object::relocation_is_nothrow<K, V>) {
            table::relocate(__builtin_addressof(table_.at(i)), to);
        } else {
            object::undo lost{[&] { erase_at(i, hash); }};
            table::relocate(__builtin_addressof(table_.at(i)), to);
            lost.armed = false;
            table_.unlink(i, table_.mixed(hash));
            table_.vacate(i);
        }
    }
    void copy(const map_store& other) {
        if (table_.slot_count == 0) table_.seed = other.table_.seed;
        reserve(other.size());
        for (std::size_t i = 0; i != other.table_.filled; ++i) {
            if (!other.table_.is_full(i)) continue;
            const value_type& from = other.table_.at(i);
            fill(table_, other.hash_at(other.table_, i),
                 [&](value_type* at) { construct(at, from.first, from.second); });
        }
    }
    // The frame is over, and with it the content: after the fault the map starts anew in the frame that is open now.
    bool revive_if_ended([[maybe_unused]] const char* what = "a map grew") noexcept {
        if constexpr (object::ends_at_once<Source>) {
            if (!object::has_source(source_) || !end_of(source_).ended()) return false;
            end_of(source_).raise_ended(what);
            table_.forget();
            source_ = Source(end_of(source_).open_now());
            return true;
        }
        return false;
    }
    FRAMEALLOC_INLINE bool is_gone() noexcept {
        return object::has_ended<Policy>(source_) && revive_if_ended("an entry was removed");
    }
    void take_functions(const map_store& other) {
        object::take_function(hash_, other.hash_);
        object::take_function(equal_, other.equal_);
    }
    void steal(map_store& other) noexcept {
        table_ = other.table_;
        other.table_.forget();
        this->take_over(other);
    }
    void drop() noexcept {
        this->delist();
        if (table_.cells == nullptr) return;
        table_.destroy_entries();
        give_back(table_);
        table_.forget();
    }
    // Requires: its entries are destroyed.
    void give_back(const table& t) noexcept {
        if constexpr (!object::ends_at_once<Source>) static_cast<void>(t.open_all());
        object::abandon(source_, t.memory(), table::bytes_for(t.slot_count), table::alignment);
    }
    void end_of_frame() noexcept {
        table_.destroy_entries();
        table_.forget();
    }

    table table_;
    Source source_;
    [[no_unique_address]] Hash hash_{};
    [[no_unique_address]] Equal equal_{};
};

}  // namespace framealloc::inline v1::object
