// Heap blocks: small ones from the thread's pages, larger ones from a cache per thread in front of the large heap.
#pragma once

#include <framealloc/detail/core/allocator.hpp>

namespace framealloc::inline v1::memory {

// Of any size; detail/core/heap_front.hpp has what programs call.
[[gnu::alloc_size(2)]] void* heap_allocate_any(core_ref a, std::size_t bytes, std::size_t align, on_failure f) noexcept;
void heap_free_any(core_ref a, void* p, std::size_t bytes, std::size_t align) noexcept;
// A block of this size that the thread has kept; what no class holds, aligned as those are. Null where there is none,
// or where somebody has to look.
[[gnu::alloc_size(2)]] void* take_kept(thread_context& c, std::size_t bytes) noexcept;
// The same of one that comes back: false where it is not for the thread to keep, or somebody has to look.
bool keep_block(thread_context& c, void* p, std::size_t bytes) noexcept;
// Without the checks of guarded blocks. Requires: the block has this size and alignment.
void heap_free_known(core_ref a, void* p, std::size_t bytes, std::size_t align) noexcept;
// Of a block beyond the pages: it knows its owner, size and alignment, as a box of a base class does not.
inline core_ref owner_of_large(void* p) noexcept {
    core* owner = block_of(p)->who->owner->owner;
    return {owner, owner->id};
}
void heap_free_large(void* p) noexcept;
// To the current tag.
void charge_heap(thread_context& c, std::uint64_t bytes) noexcept;
// Null: the thread has no context, and there is no memory for one.
void refund_heap(core& a, thread_context* c, tag_account& payer, std::uint64_t bytes) noexcept;
// A block became longer or shorter where it is. Returns: who is charged now: of another thread's block, the caller.
tag_account* recharge_heap(thread_context& c, tag_account& payer, std::uint64_t before, std::uint64_t now) noexcept;
void* large_allocate(thread_context& c, std::size_t bytes, std::size_t align, bool charged,
                     exhaustion_reason& why) noexcept;
void large_free(thread_context& c, void* p) noexcept;
void large_release(core& a, thread_context* c, void* p) noexcept;  // without account

void flush_heap_cache(thread_context& c) noexcept;
// Gives back the largest cached blocks until at most `keep` bytes are left.
void shrink_heap_cache(thread_context& c, std::size_t keep) noexcept;
// Gives back what all threads have cached, and returns how much that is. Threads: any.
std::size_t seize_heap_caches(core& a) noexcept;
bool any_heap_cached(core& a) noexcept;
// Of pool_free_bytes(): what is guarded, or is beyond the pages.
FRAMEALLOC_COLD void pool_free_bytes_slow(core_ref a, void* p, std::size_t bytes, std::size_t align) noexcept;

}  // namespace framealloc::inline v1::memory
