// Guarding: every block is between canary zones, is known to a table apart from it, stays in quarantine when it is
// freed, and is filled when it is allocated and when it is freed.
//
// A guarded allocator allocates nothing on the fast paths: its threads have no page installed, no key and no arena
// limit. One that is not guarded executes nothing for it. Pages and accounts are the same for both: the page's links
// are in the zone before a block, and zones are not charged.
#pragma once

#include <framealloc/detail/core/core.hpp>
#include <framealloc/detail/guard/guard.hpp>

namespace framealloc::inline v1::memory {

struct thread_guard {
    guard::quarantine quarantined;
    guard::frame_history ended;
    bool apart = false;  // the allocation under way is a container's
    site free_site{};  // of the free that is under way, if it says
    arena_chunk* revoked = nullptr;  // ended frames' memory that is not accessible, the oldest first
    arena_chunk* revoked_last = nullptr;
    std::size_t revoked_bytes = 0;
    std::size_t revoked_count = 0;
};

bool open_guard(thread_context& c) noexcept;
void close_guard(thread_context& c) noexcept;

// What these do is said where probe_hooks names them.
void seal_link(const core& a, void* slot) noexcept;
bool check_link(core& a, const pool_page& p, void* slot) noexcept;
void* begin_block(thread_context& c, pool_page& p, void* slot, std::size_t bytes) noexcept;
void* end_block(core& a, void* block) noexcept;
void quarantine_slot(thread_context& c, pool_page& p, void* slot) noexcept;
void forget_page_blocks(core& a, pool_page& p, std::uint32_t first) noexcept;
void name_as_pool(core& a, void* block) noexcept;
bool begin_large(thread_context& c, void* block, std::size_t bytes, std::size_t align, memory_kind k) noexcept;
bool end_large(core& a, void* block) noexcept;
bool quarantine_large(thread_context& c, void* block) noexcept;
bool shorten_block(core& a, void* block, std::size_t bytes, guard::block_record& r) noexcept;
std::size_t quarantined(const thread_context& c) noexcept;
bool empty_quarantine(thread_context& c) noexcept;
void begin_outer_block(thread_context& c, const void* raw, void* block) noexcept;
bool may_free_outer(core& a, const void* block) noexcept;
void end_outer_block(thread_context& c, const outer_block& b, void* block) noexcept;

// Marks the block freed, if it can be; checks its zones. Otherwise a fault says what it is.
bool mark_freed(core& a, const void* p, guard::block_record& before) noexcept;
// Looks at every live block's zones, and at what is quarantined on a thread and its free lists. Returns how many faults
// were raised.
std::size_t check_live_blocks(core& a) noexcept;
std::size_t check_pages(thread_context& c) noexcept;

}  // namespace framealloc::inline v1::memory
