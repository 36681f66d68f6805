// Which addresses lie in pages of blocks, of whatever allocator: a bit for each 64 KiB, in tables that come as they are
// needed.
// A pointer that says nothing of its size is told by it: a page has its header where the address is rounded down to,
// and any other block of ours has one right before it. That one may be in such a page too, inside a block of another
// allocator whose resource is options::heap.
#pragma once

#include <cstddef>
#include <cstdint>

#include <framealloc/detail/base/align.hpp>
#include <framealloc/detail/sync/atomic.hpp>

namespace framealloc::inline v1::os {

class page_map {
public:
    // False without memory for a table, and for addresses that no program has (2^48 and more). Requires: 64 KiB
    // alignment.
    static bool add(std::uintptr_t begin, std::size_t bytes) noexcept;
    static void remove(std::uintptr_t begin, std::size_t bytes) noexcept;
    // Threads: any; the answer lasts while the block at the address does.
    static bool contains(const void* p) noexcept {
        const std::uintptr_t unit = address_of(p) >> unit_bits;
        if (unit >> (table_bits + root_bits) != 0) return false;
        const table* t = root[unit >> table_bits].load_acquire();  // pairs: table_for()
        // relaxed: a block comes from the thread that set this
        return t != nullptr && (t->words[unit % table_units / 64].load_relaxed() >> (unit % 64) & 1) != 0;
    }

private:
    static constexpr unsigned unit_bits = 16, table_bits = 19, root_bits = 13;
    static constexpr std::uintptr_t table_units = std::uintptr_t{1} << table_bits;
    struct table {
        sync::atomic<std::uint64_t> words[table_units / 64];
    };
    static table* table_for(std::uintptr_t unit) noexcept;
    static constinit sync::atomic<table*> root[std::size_t{1} << root_bits];
};

}  // namespace framealloc::inline v1::os
