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
    // As std::unordered_map's; capacity() is how many entries fit without growth. Cost: O(1).
    std::size_t size() const noexcept { return table_.size; }
    bool empty() const noexcept { return table_.size == 0; }
    std::size_t capacity() const noexcept { return table_.capacity(); }
    static constexpr std::size_t max_size() noexcept { return largest_request / table::slot_bytes / 2; }
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
    // O(capacity()) where the table grows or is swept, otherwise O(1).
    void reserve(std::size_t n) { static_cast<void>(make_room<true>(n)); }
    [[nodiscard]] bool try_reserve(std::size_t n) { return make_room<false>(n); }
    void rehash(std::size_t n) { reserve(n > table::most ? n : table::capacity_of(n + 3)); }

protected:
    map_store() = default;
    map_store(const Source& s, const Hash& hash, const Equal& equal) : source_(s), hash_(hash), equal_(equal) {}
    map_store(const map_store&) = delete;
    map_store& operator=(const map_store&) = delete;

    static constexpr std::size_t no_slot = ~std::size_t{0};
    struct place {
        std::size_t slot;
        std::size_t hash;
        unsigned char mark;
        bool found;
    };
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
    // The slot of the key, or the one to put it in.
    template <class L>
    place locate_for_insertion(const L& key) const {
        const std::size_t hash = hash_of(key);
        if (table_.slot_count == 0 || object::has_ended<Policy>(source_)) return {no_slot, hash, 0, false};
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
    std::size_t erase_at(std::size_t i) noexcept {
        if (i == table_.slot_count) return 0;
        table_.entries[i].~value_type();
        table_.vacate(i);
        return 1;
    }

    // --- growth ---
    static constexpr bool can_sweep = object::relocation_is_nothrow<K, V>;
    bool half_erased() const noexcept { return table_.slot_count != 0 && size() <= capacity() / 2; }
    std::size_t slots_to_grow_to() const noexcept {
        return table_.slot_count == 0 ? table::fewest : half_erased() ? table_.slot_count : table_.slot_count * 2;
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
        auto* made = static_cast<value_type*>(static_cast<void*>(kept));
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
    FRAMEALLOC_COLD bool grow(std::size_t slot_count) {
        revive_if_ended();
        return rebuild<Must>(slot_count, [](table&) {});
    }
    // Moves into a new table, in which add(table) puts its entry first. What throws leaves the old one as it was.
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
        object::undo cleanup{[&] {
            fresh.destroy_entries();
            give_back(fresh);
        }};
        add(fresh);
        move_to(fresh);
        cleanup.armed = false;
        table old = std::exchange(table_, fresh);
        if constexpr (object::relocation_copies<K, V>) old.destroy_entries();
        object::outgrow(source_, old.open_all(), table::bytes_for(old.slot_count), table::alignment);
        this->enlist(source_);
        return true;
    }
    void move_to(table& fresh) {
        for (std::size_t i = 0; i != table_.slot_count; ++i) {
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
    void copy(const map_store& other) {
        if (table_.slot_count == 0) table_.seed = other.table_.seed;
        reserve(other.size());
        for (std::size_t i = 0; i != other.table_.slot_count; ++i) {
            if (!other.table_.is_full(i)) continue;
            const std::size_t hash = other.hash_at(other.table_, i);
            const auto home = table_.home_of(hash);
            const std::size_t to = table_.vacant(home.slot);
            construct(table_.vacancy(to), other.table_.entries[i].first, other.table_.entries[i].second);
            table_.fill(to, home.mark, hash);
        }
    }
    // The frame is over, and with it the content: after the fault the map starts anew in the frame that is open now.
    bool revive_if_ended([[maybe_unused]] const char* what = "a map grew") noexcept {
        if constexpr (object::ends_at_once<Source>) {
            if (!object::has_source(source_) || end_of(source_).alive()) return false;
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
        if (table_.entries == nullptr) return;
        table_.destroy_entries();
        give_back(table_);
        table_.forget();
    }
    // Requires: its entries are destroyed.
    void give_back(const table& t) noexcept {
        if constexpr (!object::ends_at_once<Source>) static_cast<void>(t.open_all());
        object::abandon(source_, t.entries, table::bytes_for(t.slot_count), table::alignment);
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
