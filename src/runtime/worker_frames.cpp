// Frames of a job system's workers: begun and ended at their safe points, and kept when a thread ends meanwhile.
#include <framealloc/runtime/worker_frames.hpp>

#include <framealloc/detail/core/identity.hpp>
#include <framealloc/detail/core/registry.hpp>
#include <framealloc/detail/runtime/state.hpp>
#include <framealloc/lifetime/hold.hpp>

#include <new>
#include <utility>

namespace framealloc::inline v1 {

using memory::core;
using memory::core_ref;
using memory::frame_record;
using memory::fresh_id;
using memory::on_failure;
using memory::thread_context;

struct worker_frames::left_frame {
    frame_hold hold;
    left_frame* next = nullptr;
};

worker_frames::worker_frames(const core_ref& a) noexcept : owner_(a), id_(fresh_id()) {
    retain_core(owner_);
    const sync::lock_guard guard(lock_of(*a.owner));
    next_ = std::exchange(runtime::state_of(*a.owner).drivers, this);
}

worker_frames::~worker_frames() {
    if (in_frame()) on_frame_end();
    {
        const sync::lock_guard guard(lock_of(*owner_.owner));
        worker_frames** link = &runtime::state_of(*owner_.owner).drivers;
        while (*link != this) link = &(*link)->next_;
        *link = next_;
    }
    release_left();
    release_core(owner_);
}

// One that is left at the same moment waits for the next turn.
void worker_frames::release_left() noexcept {
    if (left_.load_acquire() == nullptr) return;  // pairs: leave_frames()
    core& a = *owner_.owner;
    left_frame* f = nullptr;
    {
        const sync::lock_guard guard(lock_of(a));
        f = left_.load_relaxed();  // relaxed: the lock
        left_.store_relaxed(nullptr);  // relaxed: the lock
    }
    release(a, f);
}

// Without memory to keep them, the results go: a thread can always end.
void worker_frames::leave(thread_context& c, frame_record& r) noexcept {
    core& a = owner_of(c);
    frame_hold hold(r, "worker_frames", on_failure::return_null);
    exhaustion_reason why{};
    void* memory = hold ? metadata_of(a).allocate(sizeof(left_frame), why) : nullptr;
    if (memory == nullptr) return;
    auto* f = ::new (memory) left_frame{.hold = std::move(hold)};
    {
        const sync::lock_guard guard(lock_of(a));
        worker_frames* driver = runtime::state_of(a).drivers;
        const runtime::driven_frame& d = runtime::driven_in(c);
        while (driver != nullptr && driver->id_ != d.driver) driver = driver->next_;
        if (driver != nullptr && driver->state_.load_acquire() == d.state) {  // pairs: change_state()
            f->next = driver->left_.load_relaxed();                                  // relaxed: the lock
            driver->left_.store_release(f);                                          // pairs: release_left()
            return;
        }
    }
    release(a, f);
}

void worker_frames::release(core& a, left_frame* f) noexcept {
    while (f != nullptr) {
        left_frame* next = f->next;
        f->~left_frame();
        metadata_of(a).deallocate(f, sizeof(left_frame));
        f = next;
    }
}

void runtime::leave_frames(thread_context& c) noexcept {
    frame_record* const driven = driven_in(c).record.load_relaxed();  // relaxed: its own
    if (driven != nullptr && belongs_to_caller(c)) worker_frames::leave(c, *driven);
    lifetime::close_all(c);
}

// The driving thread has one of the workers' frames: it does jobs while it waits.
void worker_frames::change_state(std::uint64_t expected, const char* mistake) noexcept {
    const std::uint64_t state = state_.load_relaxed();  // relaxed: its own
    if ((state & 1U) != expected) return owner_.owner->raise({.what = code::FA428, .detail = mistake});
    state_.store_release(state + 1);  // pairs: follow()
    release_left();
    follow(*context_of(owner_));
}

void worker_frames::on_frame_begin() noexcept { change_state(0, "on_frame_begin while the workers' frame is open"); }
void worker_frames::on_frame_end() noexcept { change_state(1, "on_frame_end without on_frame_begin"); }

void worker_frames::follow(thread_context& c) noexcept {
    runtime::driven_frame& d = runtime::driven_in(c);
    const std::uint64_t state = state_.load_acquire();  // pairs: change_state()
    if ((d.driver == id_ && d.state == state) || d.jobs != 0) return;
    if (frame_record* const open = d.record.load_relaxed()) lifetime::close_frame(open);  // relaxed: its own
    d.driver = id_;
    d.state = state;
    frame_record* r = (state & 1U) != 0 ? lifetime::open_frame(top_of(c)) : nullptr;
    d.record.store_relaxed(r);  // relaxed: see left_open() in life.cpp
}

thread_context& job_scope::begin(worker_frames& frames) noexcept {
    thread_context& c = *context_of(frames.owner_);
    frames.follow(c);
    ++runtime::driven_in(c).jobs;
    return c;
}

job_scope::job_scope(thread_context& c, worker_frames& frames, const alloc_context& ctx, job_memory m) noexcept
    : thread_(c),
      context_(frames, ctx),
      temporary_(m == job_memory::rewind ? lifetime::open_frame(top_of(c)) : nullptr) {}

job_scope::~job_scope() {
    if (temporary_ != nullptr) lifetime::close_frame(temporary_);
    --runtime::driven_in(thread_).jobs;
}

frame_record* job_scope::record() const noexcept {
    frame_record* const driven = runtime::driven_in(thread_).record.load_relaxed();  // relaxed: its own
    if (driven != nullptr) return driven;
    if (temporary_ != nullptr && config_of(thread_).reports)
        owner_of(thread_).raise(
            {.what = code::FA001, .detail = "results of a job without on_frame_begin(); they end with the job"});
    return top_of(thread_);
}

}  // namespace framealloc::inline v1
