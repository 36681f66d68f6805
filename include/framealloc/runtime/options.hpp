// How an allocator is set up. An aggregate for designated initialisers; what is left out has a sensible default.
//
//   fa::smart_alloc alloc{{.name = "game", .frame_capacity = 8_MiB, .frames_in_flight = 2}};
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <framealloc/core/core.hpp>

namespace framealloc::inline v1 {

// Memory taken once, from which everything of the allocator comes, thread contexts and tables included.
struct fixed_memory {
    void* data = nullptr;   // null: `bytes` are taken from the system when the allocator is made
    std::size_t bytes = 0;  // 0: not fixed

    constexpr fixed_memory() noexcept = default;
    constexpr fixed_memory(std::size_t n) noexcept : bytes(n) {}
    constexpr fixed_memory(std::span<std::byte> memory) noexcept : data(memory.data()), bytes(memory.size()) {}
};

// How much arena memory a thread keeps between frames.
struct retain {
    memory::retain_policy policy = memory::retain_policy::all;
    std::size_t amount = 0;

    static constexpr retain all() noexcept { return {}; }
    // What the largest of the last `frames` outermost frames used.
    static constexpr retain high_water(std::size_t frames) noexcept {
        return {memory::retain_policy::high_water, frames};
    }
    static constexpr retain bytes(std::size_t n) noexcept { return {memory::retain_policy::bytes, n}; }
};

// What an outermost frame does whose memory a frame_hold still keeps.
struct on_frame_busy {
    memory::busy_policy policy = memory::busy_policy::grow;
    std::uint32_t microseconds = 0;

    static constexpr on_frame_busy grow() noexcept { return {}; }
    // Waits for the holder; after the deadline FA438, and another arena.
    static constexpr on_frame_busy wait(std::uint32_t us) noexcept { return {memory::busy_policy::wait, us}; }
    // FA438 at once, and another arena.
    static constexpr on_frame_busy fault() noexcept { return {memory::busy_policy::fault, 0}; }
};

// How mistakes with memory are made visible: off; fill: zones around every block, ended and freed memory filled and
// watched; revoke: and the pages of ended frames inaccessible, where the memory is the system's. Cost: nothing when
// off; otherwise every allocation takes a slow path, and with revoke every frame that allocates makes three system
// calls.
using memory::guard_level;

// After a fault or a warning was reported: warn goes on; abort_on_error ends the program after a fault,
// abort_on_warning also after a warning (a budget, say), on_fault or not. FRAMEALLOC_STRICT=warn|error|warning in the
// environment overrides it.
using memory::strictness;

// Whether misuse that is found on the way is reported where memory is served all the same: frames that nobody opened or
// closed (FA001, FA428), a bad alignment (FA431), a size that does not match (FA418), a scope that outlives its frame
// (FA429), a budget (FA311).
enum class reporting : std::uint8_t { automatic, on, off };

struct options {
    const char* name = "";  // in reports; copied
    std::size_t frame_capacity = 1_MiB;  // bytes; a thread's first chunk, and the step in which it grows
    std::size_t frame_limit = 0;  // bytes handed out per thread, padding and out-of-line blocks included; 0: none
    // Outermost frames whose bytes stay intact, the current one included. A thread takes frame_capacity for each as its
    // first frames begin; begin_frame() has no try_ twin and asks on_exhaustion when that is refused.
    std::uint32_t frames_in_flight = 1;
    framealloc::on_frame_busy on_frame_busy{};
    framealloc::retain retain{};
    std::span<const std::size_t>
        size_classes{};  // block sizes in bytes; empty: the 48 built-in ones. Read when the allocator is made
    std::size_t slab_page_size = 256_KiB;  // bytes asked for at once, a multiple of the fixed 64 KiB page
    std::size_t pool_max = 4_KiB;  // bytes; larger pool blocks count as heap
    std::size_t global_limit = 0;  // bytes committed; 0: none
    deferred_config deferred{};  // what threads begin with; see smart_alloc::set_deferred()
    framealloc::fixed_memory fixed_memory{};
    bool huge_pages = false;  // transparent huge pages where ranges are large enough
    bool prefault = false;  // first chunks and pool pages are touched when made
    std::uintptr_t base_address = 0;  // where address ranges should begin; 0: anywhere
    page_source* pages = nullptr;  // must outlive the allocator; null: the operating system
    std::pmr::memory_resource* heap = nullptr;  // must outlive the allocator; null: this library's heap
    guard_level guard = guard_level::automatic;  // automatic: revoke in debug mode, off otherwise; see docs/mistakes.md
    std::uint32_t guard_sample = 0;  // events between samples, on average; 0: none; see docs/mistakes.md
    std::uint64_t guard_seed = 0;  // the same samples in every run; 0: others in every process
    strictness strict = strictness::automatic;  // automatic: a fault ends a debug program that has no on_fault
    reporting reports = reporting::automatic;  // automatic: off where the library was built in minimal mode
    exhaustion_handler on_exhaustion{};  // true: try again; otherwise a report ends the program
    fault_handler on_fault{};  // null: one line on standard error, and in debug mode the end

    static options small_footprint() noexcept {
        options o;
        o.frame_capacity = 64_KiB;
        o.slab_page_size = 64_KiB;
        o.retain = framealloc::retain::high_water(60);
        return o;
    }
    static options minimal() noexcept { return small_footprint(); }
    static options high_performance() noexcept {
        options o;
        o.frame_capacity = 64_MiB;
        o.slab_page_size = 2_MiB;
        o.huge_pages = true;
        return o;
    }
};

namespace runtime {

memory::core_config to_config(const options& o, bool checks) noexcept;
memory::core_ref open(const memory::core_config& c) noexcept;

}  // namespace runtime
}  // namespace framealloc::inline v1
