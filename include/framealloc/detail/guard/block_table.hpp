// The life of every pool, heap and out-of-line block of one allocator, apart from the blocks themselves: a stray write
// cannot change it. Keyed by address; an entry outlives its block until the address is used again.
#pragma once

#include <cstddef>
#include <cstdint>

#include <framealloc/base/kind.hpp>
#include <framealloc/base/site.hpp>
#include <framealloc/detail/guard/own_memory.hpp>
#include <framealloc/detail/sync/lock.hpp>

namespace framealloc::inline v1::account {
struct tag_node;
}

namespace framealloc::inline v1::guard {

enum class block_state : std::uint8_t {
    live,
    freed,  // its memory is quarantined, filled with dead_byte
    reused, // its memory serves something else
};

struct block_record {
    std::uintptr_t address = 0;
    std::size_t bytes = 0;         // as asked for
    std::size_t lead = 0;          // of these, before the program's block: the header of out-of-line frame memory
    std::size_t align = 0;
    const account::tag_node* tag = nullptr;  // the one that is charged
    std::uint64_t frame = 0;       // open when it was allocated; 0: none
    std::uint64_t thread = 0;      // that made it
    site born{}, died{};
    std::uint64_t died_in = 0;     // frame, or 0
    std::uint64_t died_on = 0;     // thread
    block_state state = block_state::live;
    memory_kind kind{};
    bool large = false;            // from the large heap or a backend, not from a page
};

// Threads: any; every call takes the lock for a short time. Cost: constant.
class block_table {
public:
    // Where the search for an address begins: these bits of its product, modulo the table (Fibonacci hashing, Knuth
    // 6.4).
    static constexpr std::uint64_t hash_multiplier = 0x9E3779B97F4A7C15U;
    static constexpr unsigned hash_low_bits = 4, hash_shift = 20;

    // Enters a block, in place of an older one of the same address. Returns false without memory for it.
    bool enter(const block_record& r) noexcept;
    bool find(std::uintptr_t address, block_record& out) const noexcept;
    // The memory of a freed block serves something else from now on.
    void mark_reused(std::uintptr_t address) noexcept;
    // Marks a live block freed. Returns false when there is none; `before` is how it was, with state live if it could
    // be freed.
    bool kill(std::uintptr_t address, const site& where, std::uint64_t frame, std::uint64_t thread,
              block_record& before) noexcept;
    template <class F>
    void for_each_live(F&& f) const {
        const sync::lock_guard guard(lock_);
        for (std::size_t i = 0; i < slots_.size(); ++i) {
            if (slots_[i].address != 0 && slots_[i].state == block_state::live) f(slots_[i]);
        }
    }
    // The live or freed block that contains `p`.
    bool containing(std::uintptr_t p, block_record& out) const noexcept;
    void release() noexcept { slots_.release(); }
    sync::lock& lock() const noexcept { return lock_; }  // for fork alone

private:
    std::size_t slot_of(std::uintptr_t address) const noexcept;  // its own, or the empty one that would be
    bool make_room() noexcept;

    mutable sync::lock lock_;
    own_array<block_record> slots_;  // open addressing, a power of two
    std::size_t used_ = 0;
};

}  // namespace framealloc::inline v1::guard
