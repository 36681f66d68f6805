// The words in pool memory: constant time, blocks by size class, freed on any thread.
//
//   fa::pool_view pool = alloc.pool();                // two words, to pass to a subsystem
//   node* n = pool.make<node>(1); pool.destroy(n);    // constructed, and destroyed when you say so
//   auto names = pool.map<id, fa::pool_string>();
//
// Requires: the allocator outlives the view; what is allocated through it does not need it.
// Threads: any number may use one view, and free what another took.
// Cost: alloc<T> and free take at most 26 instructions together.
#pragma once

#include <framealloc/detail/core/pool.hpp>
#include <framealloc/detail/runtime/block_view.hpp>
#include <framealloc/detail/runtime/handle.hpp>
#include <framealloc/object/shared.hpp>

namespace framealloc::inline v1 {

namespace runtime {

template <class Handle>
class pool_kind {
public:
    using source_type = pool_source;
    template <class T, class Policy>
    using box_type = basic_pool_box<T, Policy>;

    FRAMEALLOC_INLINE explicit pool_kind(const memory::core_ref& a) noexcept : handle_(a) {}

protected:
    template <class T>
    static constexpr void check_object() noexcept {
        static_assert(object::implicit_lifetime<T>,
                      "this type needs construction: use pool_box, or box or make of pool()");
    }
    // Its size class is known here; larger blocks are the heap's.
    template <class T>
    static constexpr bool has_own_path = memory::class_for(sizeof(T), alignof(T)) != memory::no_class;
    template <class T>
    FRAMEALLOC_INLINE static void* take_object(memory::thread_context& c) noexcept {
        return memory::pool_allocate(c, memory::class_for(sizeof(T), alignof(T)), sizeof(T));
    }
    template <class T>
    FRAMEALLOC_INLINE void give_object(T* p) const noexcept {
        if constexpr (!has_own_path<T>) memory::heap_free(handle_.ref(), p, sizeof(T), alignof(T));
        else if (p != nullptr) memory::pool_free(p);
    }
    FRAMEALLOC_INLINE void* take_block(std::size_t bytes, std::size_t align, on_failure f) const noexcept {
        return memory::pool_allocate_bytes(handle_.ref(), bytes, align, f);
    }
    FRAMEALLOC_INLINE void give_block(void* p, std::size_t bytes, std::size_t align) const noexcept {
        memory::pool_free_bytes(handle_.ref(), p, bytes, align);
    }
    static std::pmr::memory_resource* resource_of(const memory::core_ref& a) noexcept {
        return object::pool_resource(a);
    }

    Handle handle_;
};

template <class Handle, class Policy>
using pool_words = block_words<pool_kind<Handle>, Policy>;

}  // namespace runtime

// What pools have beside the words of every kind whose blocks are given back one by one.
template <class Words>
class pool_block_view : public block_view<Words> {
    template <class T, class... Args>
    using shared_for = basic_pool_shared<runtime::boxed_type_t<T, Args...>, typename Words::policy_type>;

public:
    using block_view<Words>::block_view;

    // Effects: constructs a T in place. Returns: a pool_shared that owns it with its copies; see object/shared.hpp. On
    // exhaustion: asks the exhaustion handler; try_shared() returns an empty one. Cost: as make(), and two counts
    // beside the object.
    template <class T = runtime::deduced, class... Args>
    FRAMEALLOC_INLINE auto shared(Args&&... args) const {
        return this->template build_box<shared_for<T, Args...>>(memory::on_failure::ask_handler,
                                                                std::forward<Args>(args)...);
    }
    template <class T = runtime::deduced, class... Args>
    [[nodiscard]] FRAMEALLOC_INLINE auto try_shared(Args&&... args) const {
        return this->template build_box<shared_for<T, Args...>>(memory::on_failure::return_null,
                                                                std::forward<Args>(args)...);
    }
};

}  // namespace framealloc::inline v1
