// The calling thread's context in an allocator: in the thread's slot, known to it, or obtained now.
#pragma once

#include <framealloc/detail/core/record.hpp>

namespace framealloc::inline v1::memory {

struct core;

// The handle's two words: an allocator, and the id that distinguishes it from earlier ones at the same address.
struct core_ref {
    core* owner = nullptr;
    std::uint64_t id = 0;
};

// Finds or makes the calling thread's context. `attach` asks the exhaustion handler; `try_attach` may return null.
// Allocators that a thread uses in turns come here each time, so that it is not cold.
[[gnu::__noinline__]] thread_context* attach(const core_ref& a) noexcept;
FRAMEALLOC_COLD thread_context* try_attach(const core_ref& a) noexcept;

FRAMEALLOC_INLINE thread_context* context_of(const core_ref& a) noexcept {
    if (FRAMEALLOC_SLOT.id == a.id) [[likely]]
        return FRAMEALLOC_SLOT.context;
    return attach(a);
}

FRAMEALLOC_INLINE thread_context* try_context_of(const core_ref& a) noexcept {
    if (FRAMEALLOC_SLOT.id == a.id) [[likely]]
        return FRAMEALLOC_SLOT.context;
    return try_attach(a);
}

// The caller's context if it has one: for calls that may not allocate.
FRAMEALLOC_COLD thread_context* context_met(const core_ref& a) noexcept;

// The same. Changes nothing and takes no lock: what a signal handler may ask.
FRAMEALLOC_COLD const thread_context* known_to_caller(std::uint64_t id) noexcept;
inline const thread_context* peek_context(const core_ref& a) noexcept {
    if (FRAMEALLOC_SLOT.id == a.id) return FRAMEALLOC_SLOT.context;
    return known_to_caller(a.id);
}

// The slot finds it from now on. Requires: it is known to the thread.
void enter_context(core_ref a, thread_context* c) noexcept;
// The same of one that no thread has.
void take_possession(core_ref a, thread_context& c) noexcept;

}  // namespace framealloc::inline v1::memory
