// Probes observe a thread's allocations: guarded blocks, sampled blocks, an observer. What the allocator's own code
// sees of them is here: which are on, and one table of functions that the probes fill in.
//
//   if (c.probes.any()) [[unlikely]]
//       block = c.probes.hooks->begin_block(c, page, block, bytes);
//
// Cost: nothing on the fast paths, which a probed thread never takes; one compare on the slow ones.
#pragma once

#include <cstddef>
#include <cstdint>

#include <framealloc/base/callback.hpp>
#include <framealloc/base/fault.hpp>
#include <framealloc/base/kind.hpp>
#include <framealloc/base/site.hpp>
#include <framealloc/detail/base/align.hpp>
#include <framealloc/detail/guard/annotate.hpp>
#include <framealloc/detail/guard/block_table.hpp>
#include <framealloc/detail/guard/pattern.hpp>
#include <framealloc/detail/memory/slot_layout.hpp>
#include <framealloc/detail/sync/atomic.hpp>

namespace framealloc::inline v1 {
struct frame_event;  // base/observer.hpp, which costs the hot headers a <string_view>
}

namespace framealloc::inline v1::guard {
class frame_log;
}

namespace framealloc::inline v1::memory {

struct arena_chunk;
struct core;
struct core_ref;
struct frame_arena;
struct outer_block;
struct thread_guard;  // detail/probe/guarded.hpp
class sampled_blocks;  // detail/probe/sampled.hpp
struct watch;  // detail/probe/watch.hpp

// What a guarded thread is doing in its allocator. Only signal handlers of that thread look at it.
enum class activity : std::uint8_t {
    none,
    changing,  // a call comes from a signal handler, or from a page source that uses the allocator it serves
    reporting,  // a call comes from a fault handler
};

// What the composition calls where a probe is on. Requires, of all that take a context: its structures are whole.
struct probe_hooks {
    // --- an allocator ---
    void (*open)(core& a, bool checks, exhaustion_reason& why) noexcept;
    void (*close)(core& a) noexcept;  // while its threads' contexts are there
    void (*release)(core& a) noexcept;  // when its threads' contexts no longer exist
    sync::lock& (*lock_of_samples)(core& a) noexcept;
    bool (*report_leaks)(core& a) noexcept;  // by the place of the allocation; false when nothing is known of them

    // --- a thread's context ---
    bool (*open_thread)(thread_context& c) noexcept;
    void (*close_thread)(thread_context& c) noexcept;
    arena_chunk* (*revoked_chunks)(thread_context& c) noexcept;  // they go with it
    void (*thread_came)(thread_context& c) noexcept;  // another thread has taken it over
    void (*thread_vanished)(thread_context& c) noexcept;  // in a forked child
    void (*follow_observer)(thread_context& c) noexcept;  // at a boundary
    std::size_t (*quarantined)(const thread_context& c) noexcept;  // freed blocks that wait
    bool (*empty_quarantine)(thread_context& c) noexcept;  // frees them; whether there were any

    // --- blocks in pages ---
    // Of a slot in a page's free list: its link was written; whether it is as it was, otherwise FA433.
    void (*seal_link)(const core& a, void* slot) noexcept;
    bool (*check_link)(core& a, const pool_page& p, void* slot) noexcept;
    // Makes a free slot a block of `bytes`. Null, the slot being free again, without memory for its record.
    void* (*begin_block)(thread_context& c, pool_page& p, void* slot, std::size_t bytes) noexcept;
    // Ends a block's life. Returns its slot, or null after a fault that leaves it as it is.
    void* (*end_block)(core& a, void* block) noexcept;
    void (*quarantine_slot)(thread_context& c, pool_page& p, void* slot) noexcept;  // before it is used again
    void (*forget_page_blocks)(core& a, pool_page& p, std::uint32_t first) noexcept;  // before it serves another class
    void (*name_as_pool)(core& a, void* block) noexcept;  // the heap serves a pool request
    void (*adopted)(thread_context& c, std::uint64_t blocks, std::uint64_t bytes) noexcept;  // returned

    // --- blocks beyond pages: the front zone is the unused end of their header ---
    bool (*begin_large)(thread_context& c, void* block, std::size_t bytes, std::size_t align, memory_kind k) noexcept;
    bool (*end_large)(core& a, void* block) noexcept;  // false after a fault that leaves it as it is
    bool (*quarantine_large)(thread_context& c, void* block) noexcept;  // false: it is to be freed at once
    // Makes a live block smaller where it is, as its record then says. False when it is none.
    bool (*shorten_block)(core& a, void* block, std::size_t bytes, guard::block_record& r) noexcept;

    // --- any block ---
    void (*free)(core_ref a, memory_kind k, void* p, std::size_t bytes, std::size_t align, const site& where) noexcept;

    // --- frame memory ---
    void* (*allocate_frame)(thread_context& c, std::size_t bytes, std::size_t align, std::size_t most,
                            bool& out_of_line, exhaustion_reason& why) noexcept;
    // The newest blocks end, as far as they are in this range.
    void (*end_frame_blocks)(thread_context& c, frame_arena& s, std::uintptr_t from, std::uintptr_t to) noexcept;
    // The bytes before an out-of-line block that its header leaves over.
    void (*begin_outer_block)(thread_context& c, const void* raw, void* block) noexcept;
    bool (*may_free_outer)(core& a, const void* block) noexcept;  // false: a mistake, which was reported
    void (*end_outer_block)(thread_context& c, const outer_block& b, void* block) noexcept;
    // Of a frame that ended: nobody can access it until this many others have ended after it.
    void (*revoke_chunk)(thread_context& c, arena_chunk* k) noexcept;
    // Rather than none: the oldest that is large enough. Null when there is none.
    arena_chunk* (*unrevoke_chunk)(thread_context& c, std::size_t bytes) noexcept;

    // --- samples ---
    // Counts an event. While armed: the chosen allocation's memory; null for the others, which are served as always.
    void* (*sample_block)(thread_context& c, memory_kind k, std::size_t class_bytes, std::size_t bytes) noexcept;
    bool (*chooses_frame_block)(thread_context& c, std::size_t bytes, std::size_t align) noexcept;
    void (*sampled_free)(core& a, void* block) noexcept;
    std::size_t (*sampled_size)(const core& a, const void* block) noexcept;  // 0: it is not alive
    // How far into a sampled block that is alive; 0: at its start, or in none.
    std::size_t (*sampled_depth)(const core& a, const void* p) noexcept;

    // --- an observer ---
    void (*notify)(thread_context& c, frame_event e) noexcept;
    void (*notify_allocation)(thread_context& c, memory_kind k, std::size_t bytes) noexcept;
    void (*notify_release)(thread_context& c, memory_kind k, std::size_t bytes) noexcept;
    void (*notify_adopted)(thread_context& c) noexcept;
};

inline constexpr std::size_t large_back_zone = 64;  // after a guarded block beyond the pages

// The probes of one allocator. The data are the room probe's; all others call.
struct allocator_probes {
    const probe_hooks* hooks = nullptr;
    guard::block_table blocks;  // while guarded
    std::uint64_t canary_key = 0;
    bool guards = false;  // blocks are between zones
    bool withholds = false;  // and ended frames are not accessible
    sampled_blocks* sampled = nullptr;  // while options::guard_sample is set and it is not guarded wholly
    sync::atomic<bool> counting{false};
    sync::atomic<bool> watching{false};  // written under core::lock
    callback<void(const frame_event&)> observer;  // written while `watching` is off and nobody reads it
    std::uint64_t observers = 0;  // that were set so far; guarded by core::lock

    bool guarded() const noexcept { return guards; }
    bool revokes() const noexcept { return withholds; }
    bool samples() const noexcept { return sampled != nullptr; }
    bool is_watching() const noexcept { return watching.load_relaxed(); }  // relaxed: a recent value
    void count_frame_blocks(bool on) noexcept { counting.store_relaxed(on); }  // relaxed: a switch
    // What is known of the block that begins there, while guarded.
    bool find(std::uintptr_t address, guard::block_record& out) const noexcept {
        return guards && blocks.find(address, out);
    }

    sync::lock& blocks_lock() const noexcept { return blocks.lock(); }  // for fork alone
    // The range is to be written by the library, or by the next owner of these addresses.
    void allow(std::uintptr_t begin, std::uintptr_t end) const noexcept {
        if (guards) guard::allow(begin, end);
    }

    // Of pages' blocks.
    slot_layout layout() const noexcept { return {guards ? static_cast<std::uint32_t>(guard::zone) : 0}; }
};

// The probes of one thread in one allocator. The data are the room probe's; all others call.
struct thread_probes {
    const probe_hooks* hooks = nullptr;
    thread_guard* guard = nullptr;  // null: blocks have no zones
    sync::atomic<watch*> made_watch;  // made when an observer first asks; written under core::lock
    std::uint64_t segment_padding = 0;  // bytes of zones below the open segment
    std::uint8_t on = 0;  // which of the bits below
    bool observed = false;  // every frame allocation takes the slow path
    bool counts = false;
    activity active = activity::none;  // while guarded
    bool samples = false;
    std::uint32_t sample_wait = 0;  // events until it is armed
    std::uint32_t sample_skip = 0;  // while armed: allocations until the chosen one, which is 1; otherwise 0
    std::uint64_t sample_random = 0;
    site noted;  // the call that is being served; empty when it does not say

    static constexpr std::uint8_t guard_bit = 1, watch_bit = 2, armed_bit = 4, revoke_bit = 8;

    bool any() const noexcept { return on != 0; }
    bool guarded() const noexcept { return (on & guard_bit) != 0; }
    bool revokes() const noexcept { return (on & revoke_bit) != 0; }
    bool watched() const noexcept { return (on & watch_bit) != 0; }
    bool armed() const noexcept { return (on & armed_bit) != 0; }
    // Whether the fast paths are closed to the thread.
    bool diverted() const noexcept { return (on & (guard_bit | watch_bit)) != 0; }
    bool sampling() const noexcept { return samples; }
    // Of `padding`, bytes of zones so far, those in the open segment.
    std::uint64_t padding_since(std::uint64_t padding) const noexcept { return padding - segment_padding; }
    void begin_segment(std::uint64_t padding) noexcept { segment_padding = padding; }
    void set(std::uint8_t bit, bool to) noexcept { on = static_cast<std::uint8_t>(to ? on | bit : on & ~bit); }

    // Whether every frame allocation is to be seen, as of the last boundary.
    bool counting() const noexcept { return counts; }
    void follow(const allocator_probes& a) noexcept {
        counts = observed || watched() || a.counting.load_relaxed();  // relaxed: reaches a thread at a boundary
    }

    watch* watcher() const noexcept { return made_watch.load_relaxed(); }  // relaxed: the thread's own
    activity doing() const noexcept { return active; }
    void set_doing(activity a) noexcept {
        sync::order_for_signals();
        active = a;
        sync::order_for_signals();
    }

    const site& place() const noexcept { return noted; }
    bool has_place() const noexcept { return noted.file != nullptr || noted.caller != nullptr; }
    void note_place(const site& s) noexcept { noted = s; }
    void forget_place() noexcept { noted = {}; }
    site take_place() noexcept {
        const site was = noted;
        noted = {};
        return was;
    }
};

}  // namespace framealloc::inline v1::memory
