// The allocators of this process.
#pragma once

#include <framealloc/detail/core/life.hpp>

namespace framealloc::inline v1::memory {

void register_core(core* c) noexcept;
// For callers that may not take a lock: the list may be slightly out of date.
core* first_live_core() noexcept;
// While it lives, allocators neither come nor go.
class live_cores_lock {
public:
    live_cores_lock() noexcept;
    ~live_cores_lock();
    live_cores_lock(const live_cores_lock&) = delete;
    live_cores_lock& operator=(const live_cores_lock&) = delete;
};
// The one with this id, null when it lives no more. Requires: within live_cores_lock.
core* live_core(std::uint64_t id) noexcept;
// Every allocator that lives, each with its lock held.
void visit_cores(void (*f)(core&, void*), void* state) noexcept;
template <class F>
void for_each_core(F&& f) noexcept {
    visit_cores([](core& c, void* state) { (*static_cast<F*>(state))(c); }, &f);
}
// The same of those that the address can belong to: the one whose pages it is in, or none; but all where one's pages
// lie inside another's. `f` is told whether it is that one.
void visit_owners(const void* p, void (*f)(core&, bool owns, void*), void* state) noexcept;
template <class F>
void for_each_owner(const void* p, F&& f) noexcept {
    visit_owners(p, [](core& c, bool owns, void* state) { (*static_cast<F*>(state))(c, owns); }, &f);
}
// Returns false when somebody holds the allocator after all.
bool unregister_core(core* c, std::uint64_t seen) noexcept;

}  // namespace framealloc::inline v1::memory
