// Frames of a job system's workers, begun and ended by one thread. Any scheduler plugs in with four calls and one
// scope:
//
//   fa::worker_frames frames{alloc};
//
//   // the driving thread                    // a worker                      // a job
//   frames.on_frame_begin();                 frames.on_worker_enter();        fa::job_scope job{frames, ctx};
//   const auto ctx = frames.context();       … jobs …                         auto temporary = alloc.frame_vec<int>();
//   … submit jobs, wait for all …            frames.on_worker_exit();         auto result = job.result_batch<hit>(n);
//   frames.on_frame_end();
//
// Every worker has a frame in an arena of its own. What a job takes from frames is freed when the job ends. Its results
// live in the worker's frame until on_frame_end(). After that a worker resets its arena at its next safe point: the
// start of a job, or on_worker_exit(). It never does so inside a job, so that a late job keeps its memory.
// A worker that leaves while the frame is open keeps its results. A worker whose thread ends leaves them to the frame:
// their destructors run when another thread takes over what it left, or when the allocator is destroyed.
// Jobs charge to the tag, phase and budgets of the context they are given. Jobs may nest, as when a waiting worker
// steals.
// Cost: a job takes a frame, a context_scope and an atomic load. Threads: the first and last call belong to one thread,
// with no job running; entering, leaving and job_scope to any thread.
#pragma once

#include <framealloc/object/sources.hpp>
#include <framealloc/runtime/context_scope.hpp>
#include <framealloc/runtime/frame_scope.hpp>

namespace framealloc::inline v1 {

namespace runtime {

// The thread or the allocator ends: what a job system's open frame holds stays until the driver ends it.
void leave_frames(memory::thread_context& c) noexcept;

}  // namespace runtime

class worker_frames {
public:
    // Effects: makes a driver of frames for the workers of a job system. Threads: begin, end and destruction belong to
    // one thread. Cost: O(1), a lock.
    template <class Alloc>
    explicit worker_frames(const Alloc& alloc) noexcept : worker_frames(alloc.owner()) {}
    worker_frames(const worker_frames&) = delete;
    worker_frames& operator=(const worker_frames&) = delete;
    // Ends the frame, if one is open. Requires: no job runs.
    ~worker_frames();

    // Requires: on the driving thread, no job runs; a frame that is open already, or none to end, is FA428. Effects:
    // begins and ends the frame of all workers; each follows at its next safe point. Threads: the driving thread. Cost:
    // an atomic store.
    void on_frame_begin() noexcept;
    void on_frame_end() noexcept;
    // Effects: the calling thread follows the driver: it begins a frame of its own, or ends it. On exhaustion: asks the
    // exhaustion handler. Threads: any, outside of jobs. Cost: an atomic load, and a frame where the driver has moved
    // on.
    void on_worker_enter() noexcept { follow(*memory::context_of(owner_)); }
    void on_worker_exit() noexcept { follow(*memory::context_of(owner_)); }

    // Returns: whether the driver's frame is open, and how many it has begun. Threads: any. Cost: an atomic load.
    bool in_frame() const noexcept { return (state_.load_acquire() & 1U) != 0; }  // pairs: change_state()
    std::uint64_t frame_number() const noexcept {
        return (state_.load_acquire() + 1) / 2;
    }  // pairs: change_state(); frames begun
    // Returns: what jobs that the caller submits shall charge to. On exhaustion: asks the exhaustion handler, where the
    // thread has not met the allocator. Threads: any. Cost: O(1).
    alloc_context context() const noexcept { return alloc_context(*memory::context_of(owner_)); }
    // Returns: the allocator. Cost: O(1).
    const memory::core_ref& owner() const noexcept FRAMEALLOC_LIFETIMEBOUND { return owner_; }

private:
    friend class job_scope;
    friend void runtime::leave_frames(memory::thread_context& c) noexcept;
    struct left_frame;  // of a thread that has ended
    explicit worker_frames(const memory::core_ref& a) noexcept;
    void change_state(std::uint64_t expected, const char* mistake) noexcept;
    void follow(memory::thread_context& c) noexcept;
    void release_left() noexcept;
    static void release(memory::core& a, left_frame* f) noexcept;
    static void leave(memory::thread_context& c, memory::frame_record& r) noexcept;

    memory::core_ref owner_;
    worker_frames* next_ = nullptr;  // driver of the same allocator
    sync::atomic<left_frame*> left_{nullptr};  // the allocator's lock guards it
    std::uint64_t id_;  // never reused
    sync::atomic<std::uint64_t> state_{0};  // frames begun and ended; odd while one is open
};

enum class job_memory : std::uint8_t {
    rewind,  // frame memory of the job is given back when it ends
    keep,  // it stays in the worker's frame; inside another job that rewinds, only results do
};

class [[nodiscard]] job_scope {
public:
    // Effects: runs a job on the calling thread: charges to ctx, and gives back at its end what it took from frames,
    // unless m keeps it. On exhaustion: asks the exhaustion handler. Threads: the scope belongs to its thread. Cost: a
    // frame, a context_scope and an atomic load.
    [[nodiscard]] job_scope(worker_frames& frames, const alloc_context& ctx, job_memory m = job_memory::rewind) noexcept
        : job_scope(begin(frames), frames, ctx, m) {}
    job_scope(const job_scope&) = delete;
    job_scope& operator=(const job_scope&) = delete;
    ~job_scope();

    // Requires: the worker's frame is open; without on_frame_begin() it is FA001, and results end with the job.
    // Returns: the worker's frame, for containers: fa::frame_vec<hit> hits(job.results()). Threads: the job's. Cost:
    // O(1); memory from it is out of line where the job rewinds.
    frame_source results() const noexcept { return frame_source(record()); }
    // Requires: T is an implicit-lifetime type; as results(). Returns: n elements, not initialised, until
    // on_frame_end(). On exhaustion: asks the exhaustion handler. Threads: the job's. Cost: as frame memory out of
    // line.
    template <class T>
    [[nodiscard]] std::span<T> result_batch(std::size_t n) const noexcept {
        static_assert(object::implicit_lifetime<T>, "this type needs construction: use a container with results()");
        return {static_cast<T*>(results().allocate(checked_product(n, sizeof(T)), alignof(T))), n};
    }

private:
    static memory::thread_context& begin(worker_frames& frames) noexcept;
    job_scope(memory::thread_context& c, worker_frames& frames, const alloc_context& ctx, job_memory m) noexcept;
    memory::frame_record* record() const noexcept;

    memory::thread_context& thread_;
    context_scope context_;
    memory::frame_record* temporary_;
};

}  // namespace framealloc::inline v1
