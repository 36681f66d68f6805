// Which allocators live in this process, and what happens to their contexts when threads come and go. Internal to
// memory.
#pragma once

#include <framealloc/core/life.hpp>

namespace framealloc::inline v1::memory {

// Of allocators and contexts; never zero, and never one that another copy of the library in this process has.
std::uint64_t fresh_id() noexcept;
std::uint64_t number_of(std::uint64_t id) noexcept;  // 2, 3, 4 … in the order of fresh_id(), the same in every run
// Ends the program with FA103 when another copy made the allocator with this id: it has its own threads' contexts and
// its own list.
FRAMEALLOC_COLD void require_own(std::uint64_t id) noexcept;

// --- contexts that change threads; see runtime/parked_context.hpp ---
// The caller's context, which is nobody's from now on.
thread_context* park_caller(core_ref a) noexcept;
// Makes it the caller's. Returns false when the one that the caller has is in use: frames, scopes, jobs.
bool unpark(core_ref a, thread_context& c) noexcept;
void abandon_parked(thread_context& c) noexcept;
void register_core(core* c) noexcept;
// For who may not take a lock: a list that is about right.
core* first_live_core() noexcept;
// While it lives, allocators neither come nor go.
class live_cores_lock {
public:
    live_cores_lock() noexcept;
    ~live_cores_lock();
    live_cores_lock(const live_cores_lock&) = delete;
    live_cores_lock& operator=(const live_cores_lock&) = delete;
};
// Every allocator that lives, each with its lock held.
void visit_cores(void (*f)(core&, void*), void* state) noexcept;
template <class F>
void for_each_core(F&& f) noexcept {
    visit_cores([](core& c, void* state) { (*static_cast<F*>(state))(c); }, &f);
}
// Returns false when somebody holds the allocator after all.
bool unregister_core(core* c, std::uint64_t seen) noexcept;
// Ends what the calling thread has open in `c` and forgets its context.
void detach_caller(core& c) noexcept;
// Frames of ended threads that were held: what waited for the end of the hold is destroyed by the caller.
void close_kept_frames(core& c) noexcept;
// From now on every free into this allocator takes the slow path.
void orphan_pages(core& c) noexcept;
// The user's heap backend. It may throw: that is exhaustion.
void* backend_allocate(std::pmr::memory_resource& r, std::size_t bytes, std::size_t align) noexcept;
void backend_deallocate(std::pmr::memory_resource& r, void* p, std::size_t bytes, std::size_t align) noexcept;
void trim_pages(thread_context& c) noexcept;
std::size_t idle_in_arena(const thread_context& c) noexcept;  // bytes that trim_arena() would give back
void trim_arena(thread_context& c) noexcept;
void trim_idle(core& c) noexcept;
// Brings the pages of ended threads that have come empty since to the depot.
void reclaim_idle(core& c) noexcept;

}  // namespace framealloc::inline v1::memory
