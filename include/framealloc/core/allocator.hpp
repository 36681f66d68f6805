// One allocator: its page source and limits, its tags, the contexts of its threads, and what they share.
#pragma once

#include <cstddef>
#include <cstdint>

#include <framealloc/account/tag.hpp>
#include <framealloc/account/tag_tree.hpp>
#include <framealloc/base/callback.hpp>
#include <framealloc/base/fault.hpp>
#include <framealloc/base/size.hpp>
#include <framealloc/core/calls.hpp>
#include <framealloc/core/context.hpp>
#include <framealloc/core/threads.hpp>
#include <framealloc/memory/large_heap.hpp>
#include <framealloc/os/fixed_pages.hpp>
#include <framealloc/os/metadata.hpp>
#include <framealloc/os/page_ledger.hpp>
#include <framealloc/sync/lock.hpp>

namespace framealloc::inline v1 {}  // namespace framealloc::inline v1

namespace framealloc::inline v1::memory {

enum class busy_policy : std::uint8_t { grow, wait, fault };
// What a fault or a warning does to the program; see options::strict.
enum class strictness : std::uint8_t { automatic, warn, abort_on_error, abort_on_warning };
// How a frame's and a block's memory is guarded; see options::guard.
enum class guard_level : std::uint8_t { automatic, off, fill, revoke };

// options, without their defaults and presets.
struct core_config {
    const char* name = "";
    std::size_t frame_capacity = 0;
    std::size_t frame_limit = 0;
    std::uint32_t frames_in_flight = 1;
    busy_policy on_busy = busy_policy::grow;
    std::uint32_t busy_wait_us = 0;
    retain_policy retain = retain_policy::all;
    std::size_t retain_amount = 0;  // frames or bytes
    const std::size_t* size_classes = nullptr;
    std::size_t size_class_count = 0;
    std::size_t slab_bytes = 0;
    std::size_t pool_max = 0;
    std::size_t global_limit = 0;
    deferred_config deferred;
    void* fixed_data = nullptr;
    std::size_t fixed_bytes = 0;
    bool huge_pages = false;
    bool prefault = false;
    std::uintptr_t base_address = 0;
    page_source* pages = nullptr;
    std::pmr::memory_resource* heap = nullptr;
    exhaustion_handler on_exhaustion;
    fault_handler on_fault;
    guard_level guard = guard_level::automatic;
    strictness strict = strictness::automatic;
    std::uint32_t guard_sample = 0;
    std::uint64_t guard_seed = 0;
    const floor_calls* above = nullptr;  // the floors above; never null in an allocator
    const probe_hooks* probes = nullptr;  // probe/hooks.hpp
    bool checks = false;   // debug
    bool reports = true;   // standard and debug
};

struct slab;

// Who keeps an allocator alive. When none does, one thread closes it; blocks that are still out may be freed meanwhile,
// and whoever frees one holds a handle as long as that takes. So the closing thread looks again when the word changed.
class handle_count {
public:
    // Requires: a handle is held, or a block that is out, or the list of live allocators is locked.
    void add() noexcept { word_.add_relaxed(held_once + 1); }  // relaxed: what keeps it alive meanwhile orders it
    // True for the one thread that has to close the allocator; otherwise nothing of it may be touched any more.
    bool release() noexcept {
        std::uint64_t now = word_.load_relaxed();  // relaxed: looked at again below
        for (;;) {
            const bool closes = (now & count_mask) == 1 && (now & closing) == 0;
            if (word_.compare_exchange_acq_rel(now, (now - 1) | (closes ? closing : 0)))
                return closes;  // pairs: itself, the last sees all
        }
    }
    // For the closing thread: what is to be as it was at the end.
    std::uint64_t look() const noexcept { return word_.load_acquire(); }  // pairs: release()
    bool is_as(std::uint64_t seen) const noexcept { return (seen & count_mask) == 0 && look() == seen; }
    // Nobody closes any more. False when the word changed: somebody holds a handle, or has held one since.
    bool stop_closing(std::uint64_t seen) noexcept {
        return word_.compare_exchange_acq_rel(seen, seen & ~closing);
    }  // pairs: release()
    static bool any(std::uint64_t seen) noexcept { return (seen & count_mask) != 0; }

private:
    static constexpr std::uint64_t closing = std::uint64_t{1} << 31, count_mask = closing - 1,
                                   held_once = std::uint64_t{1} << 32;
    sync::atomic<std::uint64_t> word_{1};
};

using core_slots = floor_slots<16, 48, 16, 8>;

struct core {
    explicit core(const core_config& c) noexcept : config(c) {}

    core_config config;
    std::uint64_t id = 0;
    const char* name = "";  // its text lies behind this object
    handle_count handles;
    os::system_pages system{};
    alignas(os::fixed_pages) unsigned char fixed_storage[sizeof(os::fixed_pages)] = {};
    page_source* source = nullptr;
    void* own_fixed = nullptr;  // memory taken once for fixed_memory = bytes
    os::page_ledger pages;
    os::metadata meta{pages};
    account::tag_tree tags{meta};
    sync::lock lock;  // guards the lists below
    context_list threads;
    pool_page* depot = nullptr;  // empty pages, first step accessible
    slab* slabs = nullptr;
    std::uintptr_t fresh_begin = 0;  // the part of the newest slab that was never handed out
    std::uintptr_t fresh_end = 0;
    large_heap large{pages};
    allocator_probes probes;
    unsigned char serving[class_count] = {};  // class -> class that serves it
    bool bereft = false;  // in a forked child: threads are gone whose contexts may be in any state
    sync::atomic<bool> orphaned{false};  // the last handle is gone, blocks are still out
    sync::atomic<std::uint64_t> returns{0};  // pages, large blocks and contexts that threads gave to all
    chunk_space chunks{pages, meta, lock};
    core* next_live = nullptr;  // process-wide list
    core* previous_live = nullptr;
    sync::owner_counter refunds;  // of refund_unattached(); `lock` owns it
    core_slots slots;  // of the floors above

    void raise(code what, const char* detail, const void* address = nullptr, std::size_t bytes = 0,
               site where = {}) noexcept;
    void raise(fault f) noexcept;  // completed with text and name
    // The two halves of raise(), for faults that come together: the program ends after the last.
    void report(fault f) const noexcept;
    void end_after_fault() const noexcept;
    void deliver(const fault& f) const noexcept;
    // The same for what is served all the same: never ends the program.
    void warn(fault f) noexcept;
    // Asks the exhaustion handler. Returns to try again; ends the program when it says no.
    void exhausted(exhaustion_reason why, memory_kind kind, std::size_t requested, std::size_t alignment) noexcept;
    // Of the library's own records; gives back what lies idle before it asks.
    void exhausted_metadata(exhaustion_reason why, std::size_t requested, std::size_t alignment) noexcept;

private:
    void ask_for_memory(exhaustion_reason why, const char* kind, std::size_t requested, std::size_t alignment,
                        std::size_t limit) noexcept;
};

// --- what the floors above ask of an allocator ---

inline const core_config& config_of(const core& a) noexcept { return a.config; }
inline const core_config& config_of(const thread_context& c) noexcept { return c.owner->config; }
inline const char* name_of(const core& a) noexcept { return a.name; }
inline core_ref reference_to(core& a) noexcept { return {&a, a.id}; }
// Guards the lists of contexts and chunks, and what lies in the slots of the floors above.
inline sync::lock& lock_of(core& a) noexcept { return a.lock; }
// Of the library's own records.
inline os::metadata& metadata_of(core& a) noexcept { return a.meta; }
inline os::metadata& metadata_of(const thread_context& c) noexcept { return c.owner->meta; }
inline os::page_ledger& ledger_of(core& a) noexcept { return a.pages; }
inline account::tag_tree& tags_of(core& a) noexcept { return a.tags; }
inline bool has_system_pages(const core& a) noexcept { return a.source == &a.system; }
inline os::system_pages& system_of(core& a) noexcept { return a.system; }
// Blocks freed where there was no memory for a context. Requires: the lock is held.
inline std::uint64_t refunds_of(const core& a) noexcept { return a.refunds.get(); }

enum class on_failure : bool { return_null, ask_handler };

// Null when the calling thread has none: takes no lock.
inline thread_context* context_of_caller(const core& a) noexcept {
    return const_cast<thread_context*>(peek_context({const_cast<core*>(&a), a.id}));
}

// FA440, for the process: there is no allocator that could be told. The program ends.
[[noreturn]] FRAMEALLOC_COLD void refuse_without_source(const char* what) noexcept;

}  // namespace framealloc::inline v1::memory
