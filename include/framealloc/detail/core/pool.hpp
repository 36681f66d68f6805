// Pool blocks: constant time, owned by the thread that took them, freed from any thread.
//
//   void* p = memory::pool_allocate(*memory::context_of(a), memory::class_for(48, 16), 48);
//   memory::pool_free(p);
//
// Cost: 12 instructions to allocate, 12 to free on the owning thread.
#pragma once

#include <framealloc/detail/core/heap.hpp>
#include <framealloc/detail/core/remote.hpp>

namespace framealloc::inline v1::memory {

// Not cold: the first allocation after a scope has closed comes here.
[[gnu::__noinline__]] void* pool_allocate_slow(thread_context& c, unsigned size_class, std::size_t bytes,
                                               on_failure f) noexcept;
FRAMEALLOC_COLD void* pool_take_slow(thread_context& c, memory_kind k, unsigned size_class, std::size_t bytes,
                                     on_failure f) noexcept;
// Both require: the page is the calling thread's.
void pool_free_own(pool_page& p, void* block) noexcept;
void put_back_slot(pool_page& p, void* slot) noexcept;
FRAMEALLOC_COLD void page_emptied(pool_page* page) noexcept;
// Pages that are current, and without a block in use, become empty. Returns whether there were any.
bool retire_unused(thread_context& c) noexcept;
// Of those only what a budget counts.
bool give_up_unused(thread_context& c) noexcept;
// What a budget counts, without the pages that would be given up before it is asked. Cost: linear in the pages.
std::size_t budgeted_pool_bytes(const thread_context& c) noexcept;
inline constexpr std::size_t all_blocks = ~std::size_t{0};
// Takes back what other threads freed: at least `blocks`, if there are as many. Returns how many.
std::size_t adopt_returned(thread_context& c, std::size_t blocks) noexcept;
void release_empty_pages(thread_context& c, bool everything) noexcept;
// Takes back what other threads returned, then hands every empty page to the depot.
void trim_pages(thread_context& c) noexcept;

// Requires: some block is free.
FRAMEALLOC_INLINE void* pop(pool_page& page) noexcept {
    void* block = page.free;
    void* next = *static_cast<void**>(block);
    page.free = next;
    base::will_write(address_of(next));
    owner_increment(page.allocations);
    return block;
}

FRAMEALLOC_INLINE void* pool_try_pop(thread_context& c, memory_kind k, unsigned size_class) noexcept {
    pool_page* page = c.pages.at(k, size_class);
    return page->free != nullptr ? pop(*page) : nullptr;
}

// Requires: the class holds `bytes`.
FRAMEALLOC_INLINE void* pool_allocate(thread_context& c, unsigned size_class, std::size_t bytes,
                                      on_failure f = on_failure::ask_handler) noexcept {
    void* block = pool_try_pop(c, memory_kind::pool, size_class);
    return block != nullptr ? block : pool_allocate_slow(c, size_class, bytes, f);
}
// The same of any kind, inside a call.
inline void* pool_take(thread_context& c, memory_kind k, unsigned size_class, std::size_t bytes,
                       on_failure f) noexcept {
    void* block = pool_try_pop(c, k, size_class);
    return block != nullptr ? block : pool_take_slow(c, k, size_class, bytes, f);
}

// Threads: any. Requires: `block` came from pool_allocate.
FRAMEALLOC_INLINE void pool_free(void* block) noexcept {
    pool_page* page = page_of(block);
    if (page->current_key() != FRAMEALLOC_SLOT.key) [[unlikely]]
        return pool_free_slow(block);
    *static_cast<void**>(block) = page->free;
    page->free = block;
    owner_increment(page->frees);
    if (page->frees == page->allocations) [[unlikely]]
        page_emptied(page);
}

// A page whose blocks belong to no thread: sampled ones, each on an OS page of its own.
struct sampled_page {
    pool_page page;
    core* owner;
};
inline core& owner_of_sampled(const pool_page& p) noexcept { return *reinterpret_cast<const sampled_page&>(p).owner; }

// The allocator of a block that is in a page.
core_ref owner_of_pooled(const void* block) noexcept;

// FA414: the pointer is in no page of blocks. For the process where the thread has no allocator to report to.
void refuse_foreign(const void* block, site where) noexcept;

// By run-time size. Null for what has to be looked at: other sizes, an empty page, another allocator's turn.
inline void* pool_take_small(const core_ref& a, std::size_t bytes, std::size_t align) noexcept {
    if (bytes - 1 >= 256 || align > 16 || FRAMEALLOC_SLOT.id != a.id) return nullptr;
    return pool_try_pop(*FRAMEALLOC_SLOT.context, memory_kind::pool, static_cast<unsigned>((bytes - 1) / 16));
}

// By run-time size; what no class holds comes from the heap. Requires for free: the same size and alignment.
FRAMEALLOC_ANY_SIZE_BEGIN
inline void* pool_allocate_bytes(const core_ref& a, std::size_t bytes, std::size_t align, on_failure f) noexcept {
    const unsigned k = class_asked(bytes, align);
    if (k == no_class) return heap_allocate_any(a, bytes, align, f);
    thread_context* c = f == on_failure::ask_handler ? context_of(a) : try_context_of(a);
    return c == nullptr ? nullptr : pool_allocate(*c, k, bytes, f);
}
FRAMEALLOC_ANY_SIZE_END

inline void pool_free_bytes(const core_ref& a, void* p, std::size_t bytes, std::size_t align) noexcept {
    if (p == nullptr) return;
    // Where blocks are guarded, the size may be wrong, and then no page of ours begins before the block.
    if (a.owner->probes.guarded() || !any_class_for(bytes, align)) [[unlikely]]
        return pool_free_bytes_slow(a, p, bytes, align);
    pool_free(p);
}

}  // namespace framealloc::inline v1::memory
