// Pool and heap memory as values of their own: two words, to hand to a subsystem that shall use one kind alone.
//
//   void load(fa::pool_view pool) { auto meshes = pool.vec<mesh>(); … }
//   load(alloc.pool());
//
// A view keeps no handle: the allocator must outlive it.
#pragma once

#include <framealloc/detail/runtime/heap_words.hpp>
#include <framealloc/detail/runtime/pool_words.hpp>

namespace framealloc::inline v1 {

template <class Policy>
class basic_pool_view : public pool_block_view<runtime::pool_words<runtime::carried_handle, Policy>> {
    using base = pool_block_view<runtime::pool_words<runtime::carried_handle, Policy>>;

public:
    // Effects: the same as alloc.pool(), and changes nothing. Cost: O(1).
    template <class Alloc>
        requires requires(const Alloc& a) { memory::core_ref(a.owner()); }
    explicit basic_pool_view(const Alloc& alloc) noexcept : base(alloc.owner()) {}
    FRAMEALLOC_INLINE explicit basic_pool_view(const memory::core_ref& a) noexcept : base(a) {}
};

using pool_view = basic_pool_view<active_policy>;

template <class Policy>
class basic_heap_view : public block_view<runtime::heap_words<runtime::carried_handle, Policy>> {
    using base = block_view<runtime::heap_words<runtime::carried_handle, Policy>>;

public:
    // Effects: the same as alloc.heap(), and changes nothing. Cost: O(1).
    template <class Alloc>
        requires requires(const Alloc& a) { memory::core_ref(a.owner()); }
    explicit basic_heap_view(const Alloc& alloc) noexcept : base(alloc.owner()) {}
    FRAMEALLOC_INLINE explicit basic_heap_view(const memory::core_ref& a) noexcept : base(a) {}
};

using heap_view = basic_heap_view<active_policy>;

}  // namespace framealloc::inline v1
