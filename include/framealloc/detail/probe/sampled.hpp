// Sampling: now and then an allocation of a release build is on an OS page of its own, between OS pages that are not
// accessible, and becomes inaccessible when it is freed or its frame ends. An overrun, an underrun or a use after the
// end is then trapped at the access, and the report names the block. As GWP-ASan does for malloc (Serebryany et al.,
// 2023), here for frames too.
//
// The paths that allocate memory do not know of it. After a number of events (ends of outermost frames, slow paths) the
// thread is armed: its limit is zero and no page is installed, so that every allocation takes this path, until one of
// the next allocations is chosen.
#pragma once

#include <framealloc/detail/core/core.hpp>
#include <framealloc/detail/os/trap.hpp>

namespace framealloc::inline v1::memory {

struct sampled_slot {
    std::uintptr_t begin = 0;  // 0: never used
    std::size_t bytes = 0;  // from there
    std::size_t lead = 0;  // of these, before the program's block: the header of frame memory
    const account::tag_node* tag = nullptr;
    memory::tag_account* payer = nullptr;  // of blocks that are freed singly
    site born{}, died{};
    std::uint64_t frame = 0;
    std::uint64_t thread = 0;
    memory_kind kind{};
    bool live = false;
};

// The blocks of one allocator. Threads: any; allocate and free take a lock.
class sampled_blocks {
public:
    static constexpr std::uint32_t most = 112;  // blocks, alive or quarantined: 448 KiB at most, in 1 MiB of addresses
    static constexpr std::size_t largest = 4096;
    static constexpr std::size_t os_page = 4096;  // bytes of an OS page
    // Of a 64 KiB unit's 16 OS pages: header, then barrier and block in turn
    static constexpr std::uint32_t slots_per_unit = 7;

    // Null when all are in use, or without memory.
    void* allocate(core& a, sampled_slot what, std::size_t align) noexcept;
    // Requires: in_sampled(block). Returns false, after FA411, when it is not alive.
    bool free(core& a, void* block, const site& where, sampled_slot& was) noexcept;
    // The slot whose OS page, or one of those beside it, contains `p`. Takes no lock: for signal handlers.
    const sampled_slot* beside(std::uintptr_t p) const noexcept;
    // The same where locks can be taken.
    bool find(std::uintptr_t p, sampled_slot& out) noexcept;
    // Whether the address is where sampled blocks are, or will be. Takes no lock.
    bool contains(std::uintptr_t p) const noexcept;
    void release() noexcept;
    sync::lock& lock() noexcept { return lock_; }  // for fork alone

private:
    bool add_unit(core& a) noexcept;
    std::uint32_t index_of(std::uintptr_t p) const noexcept;
    bool was_reported(const site& born) const noexcept;

    mutable sync::lock lock_;
    std::uintptr_t begin_ = 0;
    std::uint32_t units_ = 0;
    std::uint32_t fresh_ = 0;  // slots used at least once
    std::uint32_t resting_[most] = {};  // ring, the longest freed first
    std::uint32_t resting_first_ = 0, resting_count_ = 0;
    sampled_slot slots_[most];
    // Where blocks were allocated whose damage was reported: each place once, and when the table is full none any more.
    static constexpr std::uint32_t most_told = 64;
    site told_[most_told];
    std::uint32_t told_count_ = 0;
};

// Counts an event; arms the thread when it is time.
void sample_event(thread_context& c) noexcept;
// The sampled block whose OS page, or one of those beside it, contains `p`. False: none.
bool find_sample(core& a, std::uintptr_t p, sampled_slot& out) noexcept;
// Whether the address is where the allocator's sampled blocks are, or will be.
bool among_samples(const core& a, std::uintptr_t p) noexcept;

// What these do is said where probe_hooks names them.
void* sample_block(thread_context& c, memory_kind k, std::size_t class_bytes, std::size_t bytes) noexcept;
bool chooses_frame_block(thread_context& c, std::size_t bytes, std::size_t align) noexcept;
void sampled_free(core& a, void* block) noexcept;
std::size_t sampled_size(const core& a, const void* block) noexcept;
std::size_t sampled_depth(const core& a, const void* p) noexcept;

// Whether an access to `p` is explained; for the trap.
bool explain_sampled(core& a, std::uintptr_t p, const void* instruction, os::access_kind access) noexcept;
void begin_sampling(thread_context& c) noexcept;

}  // namespace framealloc::inline v1::memory
