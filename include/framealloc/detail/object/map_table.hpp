// The slots of a hash map: open addressing with linear probing, one byte of marks a slot, at most three quarters taken.
//
// A slot is empty, erased, or full; the mark of a full one has seven bits of the hash, so that a key is rarely compared
// in vain. Erasing moves nothing; insertion takes erased slots again, and sweeps them up when they are half of what is
// taken.
#pragma once

#include <cstdint>
#include <cstring>
#include <tuple>

#include <framealloc/base/size.hpp>
#include <framealloc/detail/object/construct.hpp>
#include <framealloc/detail/object/storage.hpp>

namespace framealloc::inline v1::object {

// Drawn once for the process; kept secret.
FRAMEALLOC_COLD std::uint64_t map_secret() noexcept;

// 2^64 divided by the golden ratio, whose multiples are far apart (Knuth 6.4).
inline constexpr std::uint64_t golden = 0x9e3779b97f4a7c15U;

// Both halves of the product, one over the other: every bit of x changes bits everywhere.
FRAMEALLOC_INLINE std::uint64_t spread(std::uint64_t x) noexcept {
    __extension__ typedef unsigned __int128 wide;
    const wide p = static_cast<wide>(x) * golden;
    return static_cast<std::uint64_t>(p) ^ static_cast<std::uint64_t>(p >> 64);
}

template <class K, class V>
inline constexpr bool relocates_bytes = std::is_trivially_copyable_v<K> && std::is_trivially_copyable_v<V>;
template <class K, class V>
inline constexpr bool relocation_is_nothrow = relocates_bytes<K, V> || (std::is_nothrow_move_constructible_v<K> &&
                                                                        std::is_nothrow_move_constructible_v<V>);
// As std::vector does: what might throw when moved is copied, if it can be, so that the old content survives.
template <class K, class V>
inline constexpr bool relocation_copies = !relocation_is_nothrow<K, V> && std::is_copy_constructible_v<K> &&
                                          std::is_copy_constructible_v<V>;

inline constexpr unsigned char full_slot = 0x80;  // and the marks above it

// `KeepsHashes`: each slot has its key's hash too, for a hash function that may throw or was not declared noexcept.
template <class K, class V, bool KeepsHashes, class Policy>
struct map_table {
    using entry = std::pair<const K, V>;
    static constexpr unsigned char empty = 0, erased = 1, full = full_slot;
    static constexpr std::size_t fewest = 8;  // slots
    static constexpr std::size_t slot_bytes = sizeof(entry) + (KeepsHashes ? sizeof(std::size_t) : 0) + 1;
    static constexpr std::size_t most = std::size_t{1} << 60;
    static constexpr std::size_t alignment = KeepsHashes && alignof(entry) < alignof(std::size_t) ? alignof(std::size_t)
                                                                                                  : alignof(entry);

    struct home {
        std::size_t slot;
        unsigned char mark;
    };

    entry* entries = nullptr;
    unsigned char* used = nullptr;  // one mark per slot, after the entries and the hashes
    std::size_t slot_count = 0;  // a power of two, or zero
    std::size_t size = 0;
    std::size_t room = 0;  // empty slots that may be filled yet
    std::size_t first = 0;  // no slot before this one is full
    std::uint64_t seed = 0;  // of this table; 0: none drawn yet
    unsigned shift = 64;

    static constexpr std::size_t capacity_of(std::size_t slot_count) noexcept { return slot_count / 4 * 3; }
    // Returns `most`, for which there is no memory, where n elements cannot be held.
    static constexpr std::size_t slots_for(std::size_t n) noexcept {
        std::size_t slot_count = fewest;
        while (slot_count < most && capacity_of(slot_count) < n) slot_count *= 2;
        return slot_count;
    }
    static constexpr std::size_t bytes_for(std::size_t slot_count) noexcept {
        return slot_count >= most ? impossible_size : checked_product(slot_count, slot_bytes);
    }

    std::size_t capacity() const noexcept { return capacity_of(slot_count); }
    std::size_t next(std::size_t i) const noexcept { return (i + 1) & (slot_count - 1); }
    std::size_t previous(std::size_t i) const noexcept { return (i - 1) & (slot_count - 1); }
    bool is_full(std::size_t i) const noexcept { return used[i] >= full; }
    std::size_t* hashes() const noexcept { return reinterpret_cast<std::size_t*>(entries + slot_count); }

    // Where an entry may be constructed.
    entry* vacancy(std::size_t i) const noexcept {
        open_spare<Policy>(entries + i, entries + i + 1);
        return entries + i;
    }
    // Takes `memory`. A seed of its own for every number of slots: two tables of different size never have the same
    // order, in which one could not be copied into the other without collisions.
    void open(void* memory, std::size_t n, std::uint64_t from) noexcept {
        entries = static_cast<entry*>(memory);
        slot_count = n;
        used = reinterpret_cast<unsigned char*>(entries + n) + (KeepsHashes ? n * sizeof(std::size_t) : 0);
        std::memset(used, empty, n);
        close_spare<Policy>(entries, entries + n);
        size = 0;
        room = capacity();
        first = 0;
        seed = spread(((from == 0 ? map_secret() : from) ^ n) + 0x2545f4914f6cdd1dU);
        shift = 64;
        while ((std::size_t{1} << (64 - shift)) < n) --shift;
    }

    home home_of(std::size_t hash) const noexcept {
        const std::uint64_t mixed = spread(hash ^ seed);
        return {(mixed * golden) >> shift, static_cast<unsigned char>(mixed | full)};
    }
    std::size_t vacant(std::size_t i) const noexcept {
        while (is_full(i)) i = next(i);
        return i;
    }
    void fill(std::size_t i, unsigned char mark, [[maybe_unused]] std::size_t hash) noexcept {
        if (used[i] == empty) --room;
        used[i] = mark;
        if constexpr (KeepsHashes) hashes()[i] = hash;
        ++size;
        if (i < first) first = i;
    }
    // Of a slot whose entry was destroyed, or moved away. Nothing looks past an empty slot: what was erased before one
    // is empty too.
    void vacate(std::size_t i) noexcept {
        leave<Policy>(entries + i, entries + i + 1);
        --size;
        if (i == first) ++first;
        used[i] = erased;
        if (used[next(i)] != empty) return;
        for (; used[i] == erased; i = previous(i)) {
            used[i] = empty;
            ++room;
        }
    }
    // After slot i was vacated, of which the next full one is known: draining from the front looks at no slot twice.
    void pass_empty(std::size_t i, std::size_t next_full) noexcept {
        while (first < i && !is_full(first)) ++first;
        if (first >= i) first = next_full;
    }
    // Before the memory is filled or given back as one.
    entry* open_all() const noexcept {
        open_spare<Policy>(entries, entries + slot_count);
        return entries;
    }
    void forget() noexcept {
        const std::uint64_t kept = seed;
        *this = {};
        seed = kept;
    }
    void destroy_entries() noexcept {
        if constexpr (!std::is_trivially_destructible_v<entry>) {
            for (std::size_t i = slot_count; i != 0; --i) {
                if (is_full(i - 1)) entries[i - 1].~entry();
            }
        }
    }
    void clear() noexcept {
        if (room == capacity()) return;
        destroy_entries();
        leave<Policy>(open_all(), entries + slot_count);
        std::memset(used, empty, slot_count);
        size = 0;
        room = capacity();
        first = 0;
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

    // Makes erased slots empty, where they are: what a probe reaches after one moves up.
    template <class HashAt>
    void sweep(HashAt hash_at) noexcept {
        for (std::size_t i = 0; i != slot_count; ++i) {
            if (used[i] == erased) close_gap(i, hash_at);
        }
        first = 0;
    }
    template <class HashAt>
    void close_gap(std::size_t gap, HashAt hash_at) noexcept {
        used[gap] = empty;
        ++room;
        for (std::size_t i = next(gap); used[i] != empty; i = next(i)) {
            if (used[i] == erased) continue;
            const std::size_t hash = hash_at(i);
            if (((i - home_of(hash).slot) & (slot_count - 1)) < ((i - gap) & (slot_count - 1))) continue;
            relocate(entries + i, vacancy(gap));
            leave<Policy>(entries + i, entries + i + 1);
            if constexpr (KeepsHashes) hashes()[gap] = hash;
            used[gap] = std::exchange(used[i], empty);
            gap = i;
        }
    }
};

}  // namespace framealloc::inline v1::object
