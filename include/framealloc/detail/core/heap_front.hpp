// Heap blocks as programs ask for them: small ones come from the thread's pages as a pool's do, inline.
//
//   void* p = memory::heap_allocate(a, n, 16, on_failure::ask_handler);
//   memory::heap_free(a, p, n, 16);
//
// Cost: that of a pool block and 5 instructions a pair, where a class holds the size; see detail/core/pool.hpp.
#pragma once

#include <framealloc/detail/core/pool.hpp>

namespace framealloc::inline v1::memory {

FRAMEALLOC_ANY_SIZE_BEGIN
[[gnu::alloc_size(2)]] inline void* heap_allocate(const core_ref& a, std::size_t bytes, std::size_t align,
                                                  on_failure f) noexcept {
    if (FRAMEALLOC_SLOT.id == a.id) [[likely]] {
        thread_context& c = *FRAMEALLOC_SLOT.context;
        const unsigned k = class_asked(bytes, align);
        void* block = nullptr;
        if (k == no_class) block = heap_cache::fits(align) ? take_kept(c, bytes) : nullptr;
        else if (a.owner->classes.sizes_tell()) block = pool_try_pop(c, memory_kind::heap, k);
        if (block != nullptr) [[likely]]
            return block;
    }
    return heap_allocate_any(a, bytes, align, f);
}
FRAMEALLOC_ANY_SIZE_END

// Requires: null, or a heap block of this size and alignment. Threads: any.
inline void heap_free(const core_ref& a, void* p, std::size_t bytes, std::size_t align) noexcept {
    if (p == nullptr) return;
    if (any_class_for(bytes, align)) {
        if (a.owner->classes.sizes_tell()) [[likely]]
            return pool_free(p);
    } else if (FRAMEALLOC_SLOT.id == a.id && keep_block(*FRAMEALLOC_SLOT.context, p, bytes)) [[likely]] {
        return;
    }
    heap_free_any(a, p, bytes, align);
}

}  // namespace framealloc::inline v1::memory
