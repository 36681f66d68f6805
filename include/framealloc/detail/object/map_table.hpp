// The entries of a hash map, one behind the other as they came, and the groups of slots that say where a key's is.
//
// Erasing moves nothing, and leaves a hole that the next insertion fills: while size < capacity no entry ever moves.
// An erased entry's slot is vacant at once. That a key went past a full group is known there until all are erased that
// did: where entries come and go in a full map, a search for what is missing looks at a few more groups, and no longer
// ever more.
#pragma once

#include <cstdint>
#include <cstring>
#include <tuple>

#include <framealloc/base/size.hpp>
#include <framealloc/detail/object/construct.hpp>
#include <framealloc/detail/object/map_group.hpp>
#include <framealloc/detail/object/storage.hpp>
#include <framealloc/detail/object/text_hash.hpp>

namespace framealloc::inline v1::object {

template <class K, class V>
inline constexpr bool relocates_bytes = std::is_trivially_copyable_v<K> && std::is_trivially_copyable_v<V>;
template <class K, class V>
inline constexpr bool relocation_is_nothrow = relocates_bytes<K, V> || (std::is_nothrow_move_constructible_v<K> &&
                                                                        std::is_nothrow_move_constructible_v<V>);
// As std::vector does: what might throw when moved is copied, if it can be, so that the old content survives.
template <class K, class V>
inline constexpr bool relocation_copies = !relocation_is_nothrow<K, V> && std::is_copy_constructible_v<K> &&
                                          std::is_copy_constructible_v<V>;

// Of each entry's place: nothing is there, as it was erased; an entry is; nothing was yet, nor behind it.
enum class occupancy : unsigned char { hole, full, unused };

// Memory of an entry, which while it is erased has the number of the one that was erased before it.
template <class Entry>
union map_cell {
    Entry entry;
    std::size_t older;
};

// `KeepsHashes`: each entry has its key's hash too, for a hash function that may throw or was not declared noexcept.
// `Place`: what the groups keep of an entry's number; of more entries they keep the rest apart.
template <class K, class V, bool KeepsHashes, class Policy, class Place = std::uint32_t>
struct map_table {
    using entry = std::pair<const K, V>;
    using cell = map_cell<entry>;
    using group = map_group<Place>;
    static constexpr std::size_t none = ~std::size_t{0};
    static constexpr std::size_t fewest = slots_in_group / 2;  // slots
    static constexpr std::size_t most = fewest << 55;
    static constexpr std::size_t entry_bytes = sizeof(cell) + (KeepsHashes ? sizeof(std::size_t) : 0) + 1;
    static constexpr std::size_t marks_read = sizeof(std::uint64_t);  // at once
    static constexpr std::size_t alignment = alignof(cell) > group_bytes ? alignof(cell) : group_bytes;
    static_assert(sizeof(group) == group_bytes);

    group* groups = const_cast<group*>(&no_group);
    cell* cells = nullptr;
    occupancy* marks = nullptr;  // after the entries, their hashes and the rests; 8 more than entries
    std::size_t mask = 0;  // of a group's offset in bytes
    std::size_t slot_count = 0;
    std::size_t size = 0;
    std::size_t filled = 0;  // entries and holes
    std::size_t newest_hole = none;
    std::size_t first = 0;  // no entry before this one
    std::uint64_t seed = 0;  // 0: none drawn yet

    // Three quarters.
    static constexpr std::size_t capacity_of(std::size_t slot_count) noexcept {
        return slot_count - (slot_count + 3) / 4;
    }
    // Returns `most`, for which there is no memory, where n elements cannot be held.
    static constexpr std::size_t slots_for(std::size_t n) noexcept {
        std::size_t slot_count = fewest;
        while (slot_count < most && capacity_of(slot_count) < n) slot_count *= 2;
        return slot_count;
    }
    static constexpr std::size_t groups_of(std::size_t slot_count) noexcept {
        return slot_count <= slots_in_group ? 1 : slot_count / slots_in_group;
    }
    static constexpr std::size_t bytes_of_groups(std::size_t slot_count) noexcept {
        return (groups_of(slot_count) * group_bytes + alignof(cell) - 1) / alignof(cell) * alignof(cell);
    }
    static constexpr std::size_t bytes_of_rests(std::size_t slot_count) noexcept {
        return has_rests(mask_of(slot_count)) ? slot_count * sizeof(std::uint16_t) : 0;
    }
    static constexpr std::size_t bytes_for(std::size_t slot_count) noexcept {
        if (slot_count >= most) return impossible_size;
        const std::size_t entries = checked_product(capacity_of(slot_count), entry_bytes);
        return checked_sum(entries, bytes_of_groups(slot_count) + bytes_of_rests(slot_count) + marks_read);
    }

    static constexpr std::size_t mask_of(std::size_t slot_count) noexcept {
        return (groups_of(slot_count) - 1) * group_bytes;
    }

    std::size_t capacity() const noexcept { return capacity_of(slot_count); }
    bool is_full(std::size_t i) const noexcept { return marks[i] == occupancy::full; }
    std::size_t* hashes() const noexcept { return reinterpret_cast<std::size_t*>(cells + capacity()); }
    entry& at(std::size_t i) const noexcept { return cells[i].entry; }

    // Takes `memory`.
    void open(void* memory, std::size_t n, std::uint64_t from) noexcept {
        groups = static_cast<group*>(memory);
        slot_count = n;
        mask = mask_of(n);
        auto* p = static_cast<unsigned char*>(memory);
        std::memset(p, 0, groups_of(n) * group_bytes);
        cells = static_cast<cell*>(static_cast<void*>(p + bytes_of_groups(n)));
        marks = reinterpret_cast<occupancy*>(reinterpret_cast<unsigned char*>(rests()) + bytes_of_rests(n));
        std::memset(marks, static_cast<int>(occupancy::unused), capacity() + marks_read);
        close_spare<Policy>(cells, cells + capacity());
        seed = from == 0 ? secret_of_process() : from;
    }

    std::uint64_t mixed(std::size_t hash) const noexcept { return spread(hash ^ seed); }

    // The entry of that mixed hash for which is_key(i) is true, or `none`. Nearly all are in the group that it names.
    template <class IsKey>
    FRAMEALLOC_INLINE std::size_t find(std::uint64_t hash, IsKey is_key) const {
        if (!has_rests(mask)) [[likely]] {
            const group& g = group_at(hash & mask);
            for (auto found = g.with(tag_of(hash)); !found.empty(); found.drop_first()) {
                const std::size_t i = g.places[found.first()];
                if (is_key(i)) [[likely]]
                    return i;
            }
            if (!g.has_past(kind_of(hash))) [[likely]]
                return none;
        }
        return find_further(hash, is_key);
    }
    // Where an entry may be constructed: fill() makes it one, give_up() leaves a hole.
    std::size_t take() noexcept {
        if (newest_hole == none) {
            open_spare<Policy>(cells + filled, cells + filled + 1);
            return filled++;
        }
        const std::size_t i = newest_hole;
        if constexpr (Policy::checks || guard::under_tool)
            guard::allow(address_of(cells + i), address_of(cells + i + 1));  // Valgrind: it was written
        newest_hole = cells[i].older;
        open_spare<Policy>(cells + i, cells + i + 1);
        return i;
    }
    void give_up(std::size_t i) noexcept {
        open_spare<Policy>(cells + i, cells + i + 1);
        ::new (static_cast<void*>(cells + i)) std::size_t(newest_hole);
        close_spare<Policy>(cells + i, cells + i + 1);
        newest_hole = i;
        marks[i] = occupancy::hole;
    }
    void fill(std::size_t i, std::uint64_t hash, [[maybe_unused]] std::size_t kept) noexcept {
        std::size_t at = hash & mask, step = 0;
        for (;;) {
            group& g = group_at(at);
            if (const auto vacant = g.with(group::vacant); !vacant.empty()) [[likely]] {
                put(g, vacant.first(), tag_of(hash), i);
                break;
            }
            g.pass(kind_of(hash));
            at = (at + (step += group_bytes)) & mask;
        }
        if constexpr (KeepsHashes) hashes()[i] = kept;
        marks[i] = occupancy::full;
        ++size;
        if (i < first) first = i;
    }
    // Nobody finds the entry from here on.
    void unlink(std::size_t i, std::uint64_t hash) noexcept {
        if (!take_out(group_at(hash & mask), i, tag_of(hash))) [[unlikely]]
            unlink_further(i, hash);
    }
    // Of an entry that is unlinked, and was destroyed or moved away.
    void vacate(std::size_t i) noexcept {
        leave<Policy>(cells + i, cells + i + 1);
        give_up(i);
        if (i == first) ++first;
        if (--size == 0) start_anew();
    }
    // After entry i was erased, of which the next one is known: draining from the front looks at no hole twice.
    void pass_holes(std::size_t i, std::size_t next) noexcept {
        while (first < i && !is_full(first)) ++first;
        if (first >= i) first = next;
    }
    void* memory() const noexcept { return cells == nullptr ? nullptr : groups; }
    // Before the memory is filled or given back as one.
    cell* open_all() const noexcept {
        open_spare<Policy>(cells, cells + capacity());
        return cells;
    }
    void forget() noexcept {
        const std::uint64_t kept = seed;
        *this = {};
        seed = kept;
    }
    void destroy_entries() noexcept {
        if constexpr (!std::is_trivially_destructible_v<entry>) {
            for (std::size_t i = filled; i != 0; --i) {
                if (is_full(i - 1)) at(i - 1).~entry();
            }
        }
    }
    void clear() noexcept {
        if (filled == 0) return;
        destroy_entries();
        leave<Policy>(open_all(), cells + capacity());
        std::memset(static_cast<void*>(groups), 0, groups_of(slot_count) * group_bytes);
        size = 0;
        start_anew();
    }

    static void relocate(entry* from, entry* to) noexcept(relocation_is_nothrow<K, V>) {
        static_assert(std::is_move_constructible_v<K> && std::is_move_constructible_v<V>,
                      "a map moves its entries when it grows: key and mapped type have to be movable");
        if constexpr (relocates_bytes<K, V>) {
            std::memcpy(static_cast<void*>(to), static_cast<const void*>(from), sizeof(entry));
        } else {
            ::new (static_cast<void*>(to))
                entry(std::piecewise_construct, std::forward_as_tuple(std::move(const_cast<K&>(from->first))),
                      std::forward_as_tuple(std::move(from->second)));
            from->~entry();
        }
    }

private:
    static constexpr group no_group{};  // of a map without memory

    // 1 to 255.
    static unsigned tag_of(std::uint64_t hash) noexcept {
        const auto tag = static_cast<unsigned>(hash >> 56);
        return tag + (tag == group::vacant);
    }
    static unsigned kind_of(std::uint64_t hash) noexcept { return (hash >> 48) & (group::kinds - 1); }
    group& group_at(std::size_t offset) const noexcept {
        return *static_cast<group*>(static_cast<void*>(reinterpret_cast<unsigned char*>(groups) + offset));
    }
    // Looks at every group where the entry may be.
    template <class IsKey>
    [[gnu::__noinline__]] std::size_t find_further(std::uint64_t hash, IsKey is_key) const {
        std::size_t at = hash & mask, step = 0;
        for (;;) {
            const group& g = group_at(at);
            for (auto found = g.with(tag_of(hash)); !found.empty(); found.drop_first()) {
                const std::size_t i = place_in(g, found.first());
                if (is_key(i)) return i;
            }
            if (!g.has_past(kind_of(hash)) || step == mask) return none;
            at = (at + (step += group_bytes)) & mask;
        }
    }

    // --- places, in two parts where there are more than a group tells apart ---
    static constexpr unsigned place_bits = sizeof(Place) * 8;
    static constexpr bool may_have_rests = sizeof(Place) < sizeof(std::size_t);
    static constexpr unsigned plain_mask_bits() noexcept {
        std::size_t slot_count = slots_in_group;
        while ((capacity_of(slot_count) - 1) >> place_bits == 0) slot_count *= 2;
        return static_cast<unsigned>(std::countr_zero(groups_of(slot_count) * group_bytes)) - 1;
    }
    static constexpr bool has_rests(std::size_t mask) noexcept {
        if constexpr (may_have_rests) return mask >> plain_mask_bits() != 0;
        else return false;
    }
    std::uint16_t* rests() const noexcept {
        return reinterpret_cast<std::uint16_t*>(hashes() + (KeepsHashes ? capacity() : 0));
    }
    std::uint16_t& rest_of(const group& g, unsigned slot) const noexcept {
        return rests()[static_cast<std::size_t>(&g - groups) * slots_in_group + slot];
    }
    std::size_t place_in(const group& g, unsigned slot) const noexcept {
        std::size_t i = g.places[slot];
        if constexpr (may_have_rests) {
            if (has_rests(mask)) [[unlikely]]
                i |= static_cast<std::size_t>(rest_of(g, slot)) << place_bits;
        }
        return i;
    }
    void put(group& g, unsigned slot, unsigned tag, std::size_t i) noexcept {
        g.tags[slot] = static_cast<unsigned char>(tag);
        g.places[slot] = static_cast<Place>(i);
        if constexpr (may_have_rests) {
            if (has_rests(mask)) [[unlikely]]
                rest_of(g, slot) = static_cast<std::uint16_t>(i >> place_bits);
        }
    }
    bool take_out(group& g, std::size_t i, unsigned tag) noexcept {
        for (auto found = g.with(tag); !found.empty(); found.drop_first()) {
            if (place_in(g, found.first()) != i) continue;
            g.tags[found.first()] = group::vacant;
            return true;
        }
        return false;
    }
    // From a group further on, which those before it sent its key to; from any group where the key is not what it was
    // when it was inserted, as it may have been moved away.
    [[gnu::__noinline__]] void unlink_further(std::size_t i, std::uint64_t hash) noexcept {
        std::size_t at = hash & mask, step = 0, passed = 0;
        for (std::size_t left = groups_of(slot_count); left != 0; --left, ++passed) {
            if (!take_out(group_at(at), i, tag_of(hash))) {
                at = (at + (step += group_bytes)) & mask;
                continue;
            }
            at = hash & mask;
            for (step = 0; passed != 0; --passed) {
                group_at(at).pass_back();
                at = (at + (step += group_bytes)) & mask;
            }
            return;
        }
        for (at = 0; at <= mask; at += group_bytes) {
            group& g = group_at(at);
            for (unsigned slot = 0; slot != slots_in_group; ++slot) {
                if (g.tags[slot] == group::vacant || place_in(g, slot) != i) continue;
                g.tags[slot] = group::vacant;
                return;
            }
        }
    }
    void start_anew() noexcept {
        std::memset(marks, static_cast<int>(occupancy::unused), filled);
        filled = first = 0;
        newest_hole = none;
    }
};

}  // namespace framealloc::inline v1::object
