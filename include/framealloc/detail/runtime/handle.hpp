// How the words of a kind know their allocator: by reference while a smart_alloc forwards to them, by value in a view.
#pragma once

#include <framealloc/detail/core/context.hpp>

namespace framealloc::inline v1::runtime {

// Costs nothing: what the handle has is read where it is.
class borrowed_handle {
public:
    FRAMEALLOC_INLINE explicit borrowed_handle(const memory::core_ref& a) noexcept : owner_(a) {}
    FRAMEALLOC_INLINE const memory::core_ref& ref() const noexcept { return owner_; }
    FRAMEALLOC_INLINE memory::thread_context* context() const noexcept { return memory::context_of(owner_); }

private:
    const memory::core_ref& owner_;
};

// Two words that stay in registers: g++ 12 keeps the parts of a class there, but not a class that is copied as one.
class carried_handle {
public:
    FRAMEALLOC_INLINE explicit carried_handle(const memory::core_ref& a) noexcept : owner_(a.owner), id_(a.id) {}
    FRAMEALLOC_INLINE memory::core_ref ref() const noexcept { return {owner_, id_}; }
    FRAMEALLOC_INLINE memory::thread_context* context() const noexcept {
        if (FRAMEALLOC_SLOT.id == id_) [[likely]]
            return FRAMEALLOC_SLOT.context;
        return memory::attach(ref());
    }

private:
    memory::core* owner_;
    std::uint64_t id_;
};

}  // namespace framealloc::inline v1::runtime
