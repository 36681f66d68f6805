// The contexts that the calling thread has, found by the id of their allocator: a few in its slot, more in a table.
#pragma once

#include <framealloc/detail/core/record.hpp>

namespace framealloc::inline v1::memory {

struct core;

// The context, if its entry is where it is looked for first. Otherwise null.
FRAMEALLOC_INLINE thread_context* known_at_home(std::uint64_t id) noexcept {
    known_contexts* table = t_slot.known;
    if (table == nullptr) [[unlikely]]
        return nullptr;
    const known_contexts::entry& home = table->at(table->home_of(id));
    return home.id == id ? home.context : nullptr;
}
// Null when there is none. Takes no lock: what a signal handler may ask.
thread_context* known_context_of(std::uint64_t id) noexcept;
// False without memory for it. Requires: there is none with this id.
bool remember_context(std::uint64_t id, thread_context* c) noexcept;
// The slot no longer finds it either.
void forget_context(std::uint64_t id) noexcept;
// What the thread has of allocators that live, in no order. Requires: within live_cores_lock.
void visit_known(void (*f)(core&, thread_context&, void*), void* state) noexcept;
template <class F>
void for_each_known(F&& f) noexcept {
    visit_known([](core& a, thread_context& c, void* state) { (*static_cast<F*>(state))(a, c); }, &f);
}
// The thread ends: the slot is as it was before the first context.
void forget_all_contexts() noexcept;

}  // namespace framealloc::inline v1::memory
