// How an allocator is set up. An aggregate for designated initialisers; what is left out has a sensible default.
//
//   fa::smart_alloc alloc{{.name = "game", .frame_capacity = 8_MiB, .frames_in_flight = 2}};
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <framealloc/detail/core/allocator.hpp>

namespace framealloc::inline v1 {

// Memory taken once, from which everything of the allocator comes, thread contexts and tables included.
struct fixed_memory {
    void* data = nullptr;   // null: `bytes` are taken from the system when the allocator is made
    std::size_t bytes = 0;  // 0: not fixed

    // Effects: none, n bytes of the system's, or these bytes, which have to outlive the allocator. Cost: none.
    constexpr fixed_memory() noexcept = default;
    constexpr fixed_memory(std::size_t n) noexcept : bytes(n) {}
    constexpr fixed_memory(std::span<std::byte> memory) noexcept : data(memory.data()), bytes(memory.size()) {}
};

// How much arena memory a thread keeps between frames.
struct retain {
    memory::retain_policy policy = memory::retain_policy::all;
    std::size_t amount = 0;

    // Returns: a rule: all memory stays; what the largest of the last `frames` outermost frames used; at most n bytes.
    // Cost: none.
    static constexpr retain all() noexcept { return {}; }
    static constexpr retain high_water(std::size_t frames) noexcept {
        return {memory::retain_policy::high_water, frames};
    }
    static constexpr retain bytes(std::size_t n) noexcept { return {memory::retain_policy::bytes, n}; }
};

// What an outermost frame does whose memory a frame_hold still keeps.
struct on_frame_busy {
    memory::busy_policy policy = memory::busy_policy::grow;
    std::uint32_t microseconds = 0;

    // Returns: a rule: another arena, silently; the holder is waited for, after `us` microseconds FA438 and another
    // arena; FA438 at once, and another arena. Cost: none.
    static constexpr on_frame_busy grow() noexcept { return {}; }
    static constexpr on_frame_busy wait(std::uint32_t us) noexcept { return {memory::busy_policy::wait, us}; }
    static constexpr on_frame_busy fault() noexcept { return {memory::busy_policy::fault, 0}; }
};

// How mistakes with memory are made visible: off; fill: zones around every block, ended and freed memory filled and
// watched; revoke: and the OS pages of ended frames inaccessible, where the memory is the system's. Cost: nothing when
// off; otherwise every allocation takes a slow path, and with revoke every frame that allocates makes three system
// calls.
using memory::guard_level;

// After a fault or a warning was reported: warn continues; abort_on_error ends the program after a fault,
// abort_on_warning also after a warning (a budget, say), on_fault or not. FRAMEALLOC_STRICT=warn|error|warning in the
// environment overrides it.
using memory::strictness;

// Whether misuse that is detected on the way is reported where memory is served all the same: frames that nobody opened
// or closed (FA001, FA428), a bad alignment (FA431), a size that does not match (FA418), a scope that outlives its
// frame (FA429), a budget (FA311).
enum class reporting : std::uint8_t { automatic, on, off };

struct options {
    // The allocator's name in reports and snapshots; copied. Empty: none.
    const char* name = "";
    // Bytes of a thread's first chunk of frame memory, and the step in which it grows. Rounded up to 4 KiB; 0: 4 KiB.
    std::size_t frame_capacity = 1_MiB;
    // Bytes that frames of one thread may allocate, padding and out-of-line blocks included. 0: no limit.
    std::size_t frame_limit = 0;
    // Number of outermost frames whose bytes stay intact, the current one included. A thread takes frame_capacity for
    // each as its first frames begin; begin_frame() has no try_ twin and asks on_exhaustion when that is refused. 0: as
    // 1.
    std::uint32_t frames_in_flight = 1;
    // What an outermost frame does whose memory a frame_hold still keeps: grow, as by default, wait, or fault.
    framealloc::on_frame_busy on_frame_busy{};
    // How much frame memory a thread keeps between frames: all, as by default, what the last frames used, or a number
    // of bytes.
    framealloc::retain retain{};
    // Block sizes of pool and small heap blocks, in bytes. Read when the allocator is made. Empty: the 48 built-in
    // ones.
    std::span<const std::size_t> size_classes{};
    // Bytes asked for at once for pool and small heap blocks, rounded up to a multiple of the fixed 64 KiB page. 0: one
    // page.
    std::size_t slab_page_size = 256_KiB;
    // Bytes of the largest block that counts as pool; larger ones come from the heap and count as heap. 0: every block
    // does; above 4 KiB: as 4 KiB.
    std::size_t pool_max = 4_KiB;
    // Bytes that the allocator may have committed, all threads and kinds together. 0: no limit.
    std::size_t global_limit = 0;
    // How blocks that other threads freed return: what threads begin with; see smart_alloc::set_deferred().
    deferred_config deferred{};
    // Memory taken once, from which everything of the allocator comes. 0 bytes: as much as is needed, from `pages`. It
    // has to hold frame_capacity for each thread that uses the allocator, whatever kind it asks for: a thread's first
    // call takes its first chunk of frame memory, address range and all, and is exhaustion (FA003) where that does not
    // fit. Pool blocks take pages of 64 KiB of it, one for each size class and tag on a thread.
    framealloc::fixed_memory fixed_memory{};
    // Whether transparent huge pages are asked for where address ranges are large enough.
    bool huge_pages = false;
    // Whether first chunks and pool pages are touched when they are made, so that no first access has a page fault.
    bool prefault = false;
    // Address where address ranges should begin, for runs that are repeated exactly. 0: anywhere.
    std::uintptr_t base_address = 0;
    // Where OS pages come from; has to outlive the allocator. Null: the operating system.
    page_source* pages = nullptr;
    // Where heap blocks come from; has to outlive the allocator. Null: this library's heap.
    std::pmr::memory_resource* heap = nullptr;
    // How mistakes with memory are made visible; automatic: revoke in debug mode, off otherwise; see docs/mistakes.md.
    guard_level guard = guard_level::automatic;
    // Number of events between guarded samples, on average, in programs that guard nothing else; see docs/mistakes.md.
    // 0: no samples.
    std::uint32_t guard_sample = 0;
    // What the choice of samples begins with: the same number, the same samples in every run. 0: others in every
    // process.
    std::uint64_t guard_seed = 0;
    // What follows a fault or a warning; automatic: a fault ends a debug program that has no on_fault.
    strictness strict = strictness::automatic;
    // Whether misuse is reported where memory is served all the same; automatic: off where the library was built in
    // minimal mode.
    reporting reports = reporting::automatic;
    // Called when memory is exhausted: true tries again, otherwise a report ends the program. Null: as false.
    exhaustion_handler on_exhaustion{};
    // Called with each fault. Null: one line on standard error, and in debug mode the end of the program.
    fault_handler on_fault{};

    // Returns: options for little memory: 64 KiB chunks and slabs, and of frame memory what the last 60 frames used.
    // minimal() is the same; high_performance() is for large frames: 64 MiB chunks, 2 MiB slabs, huge pages. Cost:
    // none.
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
