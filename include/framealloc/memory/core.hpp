// One allocator: its page source and limits, its tags, the contexts of its threads, and what they share.
#pragma once

#include <cstddef>
#include <cstdint>

#include <framealloc/account/tag.hpp>
#include <framealloc/account/tag_tree.hpp>
#include <framealloc/base/callback.hpp>
#include <framealloc/base/fault.hpp>
#include <framealloc/base/size.hpp>
#include <framealloc/guard/block_table.hpp>
#include <framealloc/memory/context.hpp>
#include <framealloc/memory/large_heap.hpp>
#include <framealloc/os/fixed_pages.hpp>
#include <framealloc/os/metadata.hpp>
#include <framealloc/os/module.hpp>
#include <framealloc/os/page_ledger.hpp>
#include <framealloc/sync/lock.hpp>

namespace framealloc::inline v1 {
struct frame_event;  // base/observer.hpp, which costs the hot headers a <string_view>
class worker_frames;
}  // namespace framealloc::inline v1

namespace framealloc::inline v1::memory {

enum class busy_policy : std::uint8_t { grow, wait, fault };
// What a fault or a warning does to the program; see options::strict.
enum class strictness : std::uint8_t { automatic, warn, abort_on_error, abort_on_warning };
// How a frame's and a block's memory is guarded; see options::guard.
enum class guard_level : std::uint8_t { automatic, off, fill, revoke };
enum class retain_policy : std::uint8_t { all, high_water, bytes };

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
    void (*close_frames)(thread_context&) noexcept = nullptr;  // lifetime::close_all
    bool checks = false;   // debug
    bool reports = true;   // standard and debug
};

struct slab;
class sampled_blocks;

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

// An unloaded library; see lifetime/modules.hpp.
struct released_module {
    os::module_range range;
    std::uint32_t number;
    released_module* next;
};

// Values handed from thread to thread; see object/transfer.hpp.
struct transfer_counters {
    sync::atomic<std::uint64_t> initiated{0}, completed{0}, dropped{0}, bytes{0};
};

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
    thread_context* contexts = nullptr;
    thread_context* idle = nullptr;  // of ended threads, the longest first
    thread_context** idle_end = &idle;
    pool_page* depot = nullptr;  // empty pages, first step accessible
    slab* slabs = nullptr;
    std::uintptr_t fresh_begin = 0;  // the part of the newest slab that was never handed out
    std::uintptr_t fresh_end = 0;
    large_heap large{pages};
    guard::block_table blocks;  // while guarded
    std::uint64_t canary_key = 0;
    bool guarded = false;  // blocks lie between zones; see memory/guarded.hpp
    bool revokes = false;  // and ended frames are not accessible
    sampled_blocks* sampled = nullptr;  // while options::guard_sample is set and it is not guarded wholly
    unsigned char serving[class_count] = {};  // class -> class that serves it
    sync::atomic<bool> counting{false};
    sync::atomic<bool> watching{false};  // written under `lock`; see memory/watch.hpp
    callback<void(const frame_event&)> observer;  // written while `watching` is off and nobody reads it
    std::uint64_t observers = 0;  // that were set so far; guarded by `lock`
    bool bereft = false;  // in a forked child: threads are gone whose contexts may be in any state
    sync::atomic<bool> orphaned{false};  // the last handle is gone, blocks are still out
    transfer_counters transfers;
    sync::atomic<std::uint64_t> returns{0};  // pages, large blocks and contexts that threads gave to all
    arena_chunk* chunks = nullptr;  // all of them; `lock` guards the list
    worker_frames* drivers = nullptr;  // those that live; `lock` guards it
    released_module* modules = nullptr;  // those that a thread may not know of yet
    sync::atomic<std::uint32_t> modules_released{0};
    core* next_live = nullptr;  // process-wide list
    core* previous_live = nullptr;
    std::uint64_t stats_base_allocations = 0;  // reset_stats(); `lock` guards both
    std::uint64_t stats_base_frees = 0;
    sync::owner_counter refunds;  // of refund_unattached(); `lock` owns it
    void* resources[2] = {};  // std::pmr faces, made when first asked for

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

// FA440, for the process: there is no allocator that could be told. The program ends.
[[noreturn]] FRAMEALLOC_COLD void refuse_without_source(const char* what) noexcept;

// Returns null when even the first pages were refused, with `why` set.
core* make_core(const core_config& c, exhaustion_reason& why) noexcept;
// Called when the last handle goes.
void close_core(core* c) noexcept;
void trim(core& c) noexcept;

// A handle to the allocator with this id, to be released, if it still lives.
core* pin_core(std::uint64_t id) noexcept;
inline void retain_core(core_ref a) noexcept { a.owner->handles.add(); }
inline void release_core(core_ref a) noexcept {
    if (a.owner != nullptr && a.owner->handles.release()) close_core(a.owner);
}

// --- accounts (src/memory/accounts.cpp) ---
FRAMEALLOC_COLD tag_account* account_for(thread_context& c, account::tag_node* node, exhaustion_reason& why) noexcept;
FRAMEALLOC_COLD tag_account* account_for(thread_context& c, const tag& t, exhaustion_reason& why) noexcept;
FRAMEALLOC_COLD tag_account* account_for(thread_context& c, tag_account* parent, account::name_view path,
                                         exhaustion_reason& why) noexcept;
void charge_pages(thread_context& c) noexcept;  // the installed ones
// Charges the open segment and the installed pages to the current tag and phase.
FRAMEALLOC_COLD void settle(thread_context& c) noexcept;
// Tells the page's tag how many of its blocks are out.
void observe_page(pool_page& page) noexcept;
// The same, and charges what was handed out since the last time to the current phase.
void charge_page(thread_context& c, pool_page& page) noexcept;
void charge_handed(thread_context& c, std::uint64_t bytes) noexcept;
void take_back_log(thread_context& c, std::uint32_t depth, std::uint32_t floor) noexcept;

FRAMEALLOC_INLINE bool unsettled(const thread_context& c) noexcept { return c.top->cursor != c.settled; }

// --- budgets (src/memory/budgets.cpp) ---
enum class admission : std::uint8_t {
    granted,
    refused,
    elsewhere
};  // elsewhere: not from memory that the budget counts
// Whether `more` bytes on top of `used` may be had.
admission admit(thread_context& c, memory_kind kind, std::size_t used, std::size_t more) noexcept;
void set_budget(thread_context& c, memory_kind kind, std::size_t bytes) noexcept;
// The limits of another thread, or of another time; what was used stays this thread's.
void take_limits(thread_context& c, const account::thread_budget& from) noexcept;
void set_budget_policy(thread_context& c, budget_policy policy, unsigned warn_percent, budget_handler handler) noexcept;
std::size_t frame_remaining(core_ref a) noexcept;  // of the caller, and so below where there is no context
budget_stats budget_stats_of(core_ref a) noexcept;

// --- arena (src/memory/arena.cpp) ---
enum class on_failure : bool { return_null, ask_handler };
// Trims if that can help; whether it did. A request that may fail looks once a frame, and when the thread has given
// pages or large blocks back: a trim walks over all pages. Requires: no change of the calling thread's memory is going
// on.
bool make_room(core& c, exhaustion_reason why, on_failure f) noexcept;
// Hands the record back beside the block: a caller in a loop then need not keep it across this call, and its hot path
// does not reload it from the stack.
struct slow_allocation {
    void* block;
    frame_record* record;
};
FRAMEALLOC_COLD slow_allocation frame_allocate_slow(frame_record* r, std::size_t bytes, std::size_t align,
                                                    on_failure f) noexcept;
// Out of line, owned by `r`; `mark`: birth of its owner, so that a rollback spares what is older.
FRAMEALLOC_COLD void* outer_allocate(frame_record* r, std::size_t bytes, std::size_t align, std::uint64_t mark,
                                     on_failure f) noexcept;
void outer_free(thread_context& c, void* block) noexcept;
// The frame of these has ended, what they hold is kept: they count for no open frame.
void end_outer_blocks(thread_context& c, outer_block* first) noexcept;
// Moves the top cursor from `end` by `more`: the newest block becomes longer where it is, or nothing happens.
FRAMEALLOC_COLD bool extend_top(thread_context& c, std::uintptr_t end, std::size_t more) noexcept;
void refresh_limit(thread_context& c) noexcept;
bool open_arena(thread_context& c, flight_slot& s, exhaustion_reason& why) noexcept;
void close_arena(thread_context& c, flight_slot& s) noexcept;
void return_to(thread_context& c, std::uintptr_t cursor) noexcept;  // drops chunks above the one holding `cursor`
void merge_chunks(thread_context& c) noexcept;
void retain_arena(thread_context& c) noexcept;
std::size_t frame_bytes_in_use(const thread_context& c) noexcept;

// --- pool (src/memory/pool.cpp) ---
FRAMEALLOC_COLD void* pool_allocate_slow(thread_context& c, memory_kind k, unsigned size_class, std::size_t bytes,
                                         on_failure f) noexcept;
FRAMEALLOC_COLD void* pool_take_slow(thread_context& c, memory_kind k, unsigned size_class, std::size_t bytes,
                                     on_failure f) noexcept;
// Before the tag changes: pages belong to a tag.
void uninstall_pages(thread_context& c) noexcept;
extern pool_page nothing_installed;  // always empty; its allocations take the slow path
FRAMEALLOC_COLD void pool_free_slow(void* block) noexcept;
FRAMEALLOC_COLD void pool_free_bytes_slow(core_ref a, void* p, std::size_t bytes, std::size_t align) noexcept;
// Both require: the page is the calling thread's.
void pool_free_own(pool_page& p, void* block) noexcept;
void put_back_slot(pool_page& p, void* slot) noexcept;
FRAMEALLOC_COLD void page_emptied(pool_page* page) noexcept;
bool retire_unused(thread_context& c) noexcept;
// Hands over what this thread freed for another; at most one batch waits.
void flush_batch(thread_context& c) noexcept;
inline constexpr std::size_t all_blocks = ~std::size_t{0};
// Takes back what other threads freed: at least `blocks`, if there are as many. Returns how many.
std::size_t adopt_returned(thread_context& c, std::size_t blocks) noexcept;
// Both.
std::size_t process_deferred(core_ref a, std::size_t blocks) noexcept;
void set_deferred(thread_context& c, const deferred_config& d) noexcept;
deferred_stats stats_of_deferred(core_ref a) noexcept;
void release_empty_pages(thread_context& c, bool everything) noexcept;

// --- heap (src/memory/heap.cpp) ---
[[gnu::alloc_size(2)]] void* heap_allocate(core_ref a, std::size_t bytes, std::size_t align, on_failure f) noexcept;
void heap_free(core_ref a, void* p, std::size_t bytes, std::size_t align) noexcept;
// Without the checks of guarded blocks. Requires: the block has this size and alignment.
void heap_free_known(core_ref a, void* p, std::size_t bytes, std::size_t align) noexcept;
// Of a block beyond the pages: it knows its owner, size and alignment, as a box of a base class does not.
inline core_ref owner_of_large(void* p) noexcept {
    core* owner = block_of(p)->owner;
    return {owner, owner->id};
}
void heap_free_large(void* p) noexcept;
void charge_heap(thread_context& c, std::uint64_t bytes) noexcept;
void refund_heap(thread_context& c, std::uint32_t tag_index, std::uint64_t bytes) noexcept;
// A block became longer or shorter where it is.
void recharge_heap(thread_context& c, std::uint32_t tag_index, std::uint64_t before, std::uint64_t now) noexcept;
void refund_unattached(core& a, std::uint32_t tag_index,
                       std::uint64_t bytes) noexcept;  // where there is no memory for a context
void* large_allocate(thread_context& c, std::size_t bytes, std::size_t align, bool charged,
                     exhaustion_reason& why) noexcept;
void large_free(thread_context& c, void* p) noexcept;
void large_release(core& a, thread_context* c, void* p) noexcept;  // without account

// --- guarded blocks (src/memory/guarded.cpp) ---
// The front door of frees where a call says what it frees, and where it is.
inline constexpr std::size_t any_size = ~std::size_t{0};  // it does not say the size
FRAMEALLOC_COLD void guarded_free(core_ref a, memory_kind k, void* p, std::size_t bytes, std::size_t align,
                                  const site& where) noexcept;
// Looks at every zone and at what rests on this thread. Returns how many faults were raised.
std::size_t check_everything(core_ref a) noexcept;
void flush_heap_cache(thread_context& c) noexcept;
// Gives back the largest cached blocks until at most `keep` bytes are left.
void shrink_heap_cache(thread_context& c, std::size_t keep) noexcept;

}  // namespace framealloc::inline v1::memory
