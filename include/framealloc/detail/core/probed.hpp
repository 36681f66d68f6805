// What becomes of blocks and of frame memory, as far as a probe may have a say in it: each of these asks once whether
// one is on, and calls its hook. Where none is, they cost that compare.
#pragma once

#include <framealloc/detail/core/allocator.hpp>

namespace framealloc::inline v1::memory {

// --- blocks in pages ---
// The link of a free slot was written; before it is followed: whether nobody else has written to it.
inline void link_written(const core& a, void* slot) noexcept {
    if (a.probes.guarded()) [[unlikely]]
        a.probes.hooks->seal_link(a, slot);
}
inline bool link_holds(core& a, const pool_page& p, void* slot) noexcept {
    return !a.probes.guarded() || a.probes.hooks->check_link(a, p, slot);
}
// Before a page without a block in use serves another class.
inline void page_retired(thread_context& c, pool_page& p, std::uint32_t first) noexcept {
    if (c.probes.guarded()) [[unlikely]]
        c.probes.hooks->forget_page_blocks(*c.owner, p, first);
}
inline void served_as_pool(thread_context& c, void* block) noexcept {
    if (c.probes.guarded() && block != nullptr) [[unlikely]]
        c.probes.hooks->name_as_pool(*c.owner, block);
}
inline void blocks_adopted(thread_context& c, std::uint64_t blocks, std::uint64_t bytes) noexcept {
    if (c.probes.watched()) [[unlikely]]
        c.probes.hooks->adopted(c, blocks, bytes);
}
// Frees what is quarantined. Whether there was anything.
inline bool quarantine_emptied(thread_context& c) noexcept {
    return c.probes.guarded() && c.probes.hooks->empty_quarantine(c);
}

// --- blocks beyond pages ---
// The zone that is requested after such a block.
inline std::size_t back_zone(const thread_context& c) noexcept { return c.probes.guarded() ? large_back_zone : 0; }
// False without memory for its record.
inline bool large_born(thread_context& c, void* block, std::size_t bytes, std::size_t align, memory_kind k) noexcept {
    return !c.probes.guarded() || c.probes.hooks->begin_large(c, block, bytes, align, k);
}
// False after a fault that leaves it as it is.
inline bool large_freed(core& a, void* block) noexcept {
    return !a.probes.guarded() || a.probes.hooks->end_large(a, block);
}
// Whether its memory is withheld for a while.
inline bool large_rests(thread_context* c, void* block) noexcept {
    return c != nullptr && c->probes.guarded() && c->probes.hooks->quarantine_large(*c, block);
}

// --- frame memory ---
inline void outer_born(thread_context& c, const void* raw, void* block) noexcept {
    if (c.probes.guarded()) [[unlikely]]
        c.probes.hooks->begin_outer_block(c, raw, block);
}
// Whether it is a program's to free; otherwise it is reported.
inline bool may_free_outer(thread_context& c, const void* block) noexcept {
    return !c.probes.guarded() || c.probes.hooks->may_free_outer(*c.owner, block);
}
inline void outer_freed(thread_context& c, const outer_block& b, void* block) noexcept {
    if (c.probes.guarded()) [[unlikely]]
        c.probes.hooks->end_outer_block(c, b, block);
}
inline void frame_blocks_ended(thread_context& c, frame_arena& s, std::uintptr_t from, std::uintptr_t to) noexcept {
    if (c.probes.guarded()) [[unlikely]]
        c.probes.hooks->end_frame_blocks(c, s, from, to);
}

// --- what an observer is notified of ---
inline void show_allocation(thread_context& c, memory_kind k, std::size_t bytes) noexcept {
    if (c.probes.watched()) [[unlikely]]
        c.probes.hooks->notify_allocation(c, k, bytes);
}
inline void show_release(thread_context& c, memory_kind k, std::size_t bytes) noexcept {
    if (c.probes.watched()) [[unlikely]]
        c.probes.hooks->notify_release(c, k, bytes);
}
inline void show_adopted(thread_context& c) noexcept {
    if (c.probes.watched()) [[unlikely]]
        c.probes.hooks->notify_adopted(c);
}

}  // namespace framealloc::inline v1::memory
