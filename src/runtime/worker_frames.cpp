#include <framealloc/runtime/worker_frames.hpp>

#include <framealloc/memory/registry.hpp>

namespace framealloc::inline FRAMEALLOC_ABI {

using namespace memory;

worker_frames::worker_frames(const core_ref& a) noexcept : owner_(a), id_(fresh_id()) { retain_core(owner_); }

worker_frames::~worker_frames() {
    if (in_frame()) on_frame_end();
    release_core(owner_);
}

// The driving thread has one of the workers' frames: it does jobs while it waits.
void worker_frames::turn(std::uint64_t expected, const char* mistake) noexcept {
    const std::uint64_t state = state_.load_relaxed();  // relaxed: its own
    if ((state & 1U) != expected) return owner_.owner->raise(code::FA428, mistake);
    state_.store_release(state + 1);  // pairs: follow()
    follow(*context_of(owner_));
}

void worker_frames::on_frame_begin() noexcept { turn(0, "on_frame_begin while the workers' frame is open"); }
void worker_frames::on_frame_end() noexcept { turn(1, "on_frame_end without on_frame_begin"); }

void worker_frames::follow(thread_context& c) noexcept {
    driven_frame& d = c.driven;
    const std::uint64_t state = state_.load_acquire();  // pairs: turn()
    if ((d.driver == id_ && d.state == state) || d.jobs != 0) return;
    if (d.record != nullptr) lifetime::close_frame(d.record);
    d.driver = id_;
    d.state = state;
    frame_record* r = (state & 1U) != 0 ? lifetime::open_frame(c.top) : nullptr;
    __atomic_store_n(&d.record, r, __ATOMIC_RELAXED);  // relaxed: see left_open()
}

thread_context& job_scope::begin(worker_frames& frames) noexcept {
    thread_context& c = *context_of(frames.owner_);
    frames.follow(c);
    ++c.driven.jobs;
    return c;
}

job_scope::job_scope(thread_context& c, worker_frames& frames, const alloc_context& ctx, job_memory m) noexcept
    : thread_(c), context_(frames, ctx), temporary_(m == job_memory::rewind ? lifetime::open_frame(c.top) : nullptr) {}

job_scope::~job_scope() {
    if (temporary_ != nullptr) lifetime::close_frame(temporary_);
    --thread_.driven.jobs;
}

frame_record* job_scope::record() const noexcept { return thread_.driven.record != nullptr ? thread_.driven.record : thread_.top; }

}  // namespace framealloc::inline FRAMEALLOC_ABI
