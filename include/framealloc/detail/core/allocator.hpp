// One allocator: its page source and limits, its tags, the contexts of its threads, and what they share.
#pragma once

#include <cstddef>
#include <cstdint>

#include <framealloc/account/tag.hpp>
#include <framealloc/base/callback.hpp>
#include <framealloc/base/fault.hpp>
#include <framealloc/base/size.hpp>
#include <framealloc/detail/account/tag_tree.hpp>
#include <framealloc/detail/core/calls.hpp>
#include <framealloc/detail/core/class_map.hpp>
#include <framealloc/detail/core/context.hpp>
#include <framealloc/detail/core/core_life.hpp>
#include <framealloc/detail/core/home.hpp>
#include <framealloc/detail/core/page_depot.hpp>
#include <framealloc/detail/core/threads.hpp>
#include <framealloc/detail/memory/large_heap.hpp>
#include <framealloc/detail/os/metadata.hpp>
#include <framealloc/detail/os/page_ledger.hpp>
#include <framealloc/detail/sync/lock.hpp>

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
    const probe_hooks* probes = nullptr;  // detail/probe/hooks.hpp
    bool checks = false;   // debug
    bool reports = true;   // standard and debug
};

struct slab;

using core_slots = floor_slots<16, 48, 16, 8>;

struct core {
    explicit core(const core_config& c) noexcept : config(c) {}

    core_config config;  // its name is stored after this object
    std::uint64_t id = 0;
    core_life life;
    page_home home;
    os::page_ledger pages;
    os::metadata meta{pages};
    account::tag_tree tags{meta};
    sync::lock lock;  // guards the lists below
    context_list threads;
    page_depot depot;
    large_heap large{pages};
    allocator_probes probes;
    class_map classes;
    return_tally tally;
    chunk_space chunks{pages, meta, lock};
    core_slots upper;  // of the floors above

    void raise(fault f) noexcept;  // completed with text and name
    // The two halves of raise(), for faults that come together: the program ends after the last.
    void report(fault f) const noexcept;
    void end_after_fault() const noexcept;
    void deliver(const fault& f) const noexcept;
    // The same for requests that are still served: never ends the program.
    void report_served(fault f) noexcept;
    // Asks the exhaustion handler. Returns to try again; ends the program when it refuses.
    void exhausted(exhaustion_reason why, memory_kind kind, std::size_t requested, std::size_t alignment) noexcept;
    // Of the library's own records; gives back what is idle before it asks.
    void exhausted_metadata(exhaustion_reason why, std::size_t requested, std::size_t alignment) noexcept;

private:
    void ask_for_memory(exhaustion_reason why, const char* kind, std::size_t requested, std::size_t alignment,
                        std::size_t limit) noexcept;
};

// --- what the floors above ask of an allocator ---

inline const core_config& config_of(const core& a) noexcept { return a.config; }
inline const core_config& config_of(const thread_context& c) noexcept { return c.owner->config; }
// Requires: nobody else has the allocator yet.
inline void set_fault_handler(core& a, const fault_handler& h) noexcept { a.config.on_fault = h; }
inline const char* name_of(const core& a) noexcept { return a.config.name; }
inline core_ref reference_to(core& a) noexcept { return {&a, a.id}; }
// Guards the lists of contexts and chunks, and what is in the slots of the floors above.
inline sync::lock& lock_of(core& a) noexcept { return a.lock; }
// Of the library's own records.
inline os::metadata& metadata_of(core& a) noexcept { return a.meta; }
inline os::metadata& metadata_of(const thread_context& c) noexcept { return c.owner->meta; }
inline os::page_ledger& ledger_of(core& a) noexcept { return a.pages; }
// Large blocks come from options::heap, and are not among the pages.
inline bool has_heap_resource(const core& a) noexcept { return a.config.heap != nullptr; }
inline account::tag_tree& tags_of(core& a) noexcept { return a.tags; }
inline bool has_system_pages(const core& a) noexcept { return a.home.is_system(); }
inline os::system_pages& system_of(core& a) noexcept { return a.home.system(); }
// Blocks freed where there was no memory for a context. Requires: the lock is held.
inline std::uint64_t refunds_of(const core& a) noexcept { return a.tally.refunds(); }

// Null when the calling thread has none: takes no lock.
inline thread_context* context_of_caller(const core& a) noexcept {
    return const_cast<thread_context*>(peek_context({const_cast<core*>(&a), a.id}));
}

}  // namespace framealloc::inline v1::memory
