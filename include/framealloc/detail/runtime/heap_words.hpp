// The words in heap memory: blocks of any size, freed on any thread.
//
//   fa::heap_view heap = alloc.heap();
//   auto levels = heap.vec<level>();
//   std::span<float> field = heap.batch<float>(n); heap.free(field);
//
// Requires: the allocator outlives the view; what is allocated through it does not need it.
// Threads: any number may use one view, and free what another took.
#pragma once

#include <framealloc/detail/runtime/block_view.hpp>
#include <framealloc/detail/runtime/handle.hpp>

namespace framealloc::inline v1 {

namespace runtime {

template <class Handle>
class heap_kind {
public:
    using source_type = heap_source;
    template <class T, class Policy>
    using box_type = basic_heap_box<T, Policy>;

    FRAMEALLOC_INLINE explicit heap_kind(const memory::core_ref& a) noexcept : handle_(a) {}

protected:
    template <class T>
    static constexpr void check_object() noexcept {
        static_assert(object::implicit_lifetime<T>,
                      "this type needs construction: use heap_box, or box or make of heap()");
    }
    template <class T>
    static constexpr bool has_own_path = false;
    template <class T>
    void give_object(T* p) const noexcept {
        give_block(p, sizeof(T), alignof(T));
    }
    FRAMEALLOC_ANY_SIZE_BEGIN
    FRAMEALLOC_INLINE void* take_block(std::size_t bytes, std::size_t align, on_failure f) const noexcept {
        return memory::heap_allocate(handle_.ref(), bytes, align, f);
    }
    FRAMEALLOC_ANY_SIZE_END
    FRAMEALLOC_INLINE void give_block(void* p, std::size_t bytes, std::size_t align) const noexcept {
        memory::heap_free(handle_.ref(), p, bytes, align);
    }
    static std::pmr::memory_resource* resource_of(const memory::core_ref& a) noexcept {
        return object::heap_resource(a);
    }

    Handle handle_;
};

template <class Handle, class Policy>
using heap_words = block_words<heap_kind<Handle>, Policy>;

}  // namespace runtime

}  // namespace framealloc::inline v1
