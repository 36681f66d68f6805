// Plugins: what frames would still have to destroy with the code of a library that is about to be unloaded.
#pragma once

#include <framealloc/detail/core/allocator.hpp>
#include <framealloc/detail/lifetime/finaliser.hpp>
#include <framealloc/detail/lifetime/state.hpp>

namespace framealloc::inline v1::lifetime {

// Runs the caller's finalisers whose code is in the module, newest first, and has other threads refuse theirs: FA214,
// which names it. Returns how many ran.
std::size_t release_module(memory::core_ref a, void* handle) noexcept;
// Takes finalisers of unloaded modules off the lists of `c`. Requires: c is the caller's.
FRAMEALLOC_COLD void refuse_released(memory::thread_context& c) noexcept;

// FA428: a destructor has left frames open above `top`; they end.
FRAMEALLOC_COLD void close_left_open(memory::thread_context& c, const memory::frame_record* top) noexcept;

// Every finaliser runs through here; it is off its list. Its destructor may open frames, and has to close them.
void run_finaliser(memory::thread_context& c, finaliser* f) noexcept;
// All of a list, newest first, those that their destructors add as well.
void run_each(memory::thread_context& c, finaliser*& list) noexcept;
FRAMEALLOC_INLINE void run_finalisers(memory::thread_context& c, finaliser*& list) noexcept {
    if (list != nullptr) run_each(c, list);
}

// Before a list of finalisers is run.
inline void look_for_released(memory::thread_context& c) noexcept {
    if (state_of(c).modules_seen.load_relaxed() != state_of(owner_of(c)).modules_released.load_acquire())
        refuse_released(c);  // pairs: release_module(). relaxed: its own
}
// A thread that begins knows of every module that was released.
void note_released(memory::thread_context& c) noexcept;

}  // namespace framealloc::inline v1::lifetime
