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
// Every worker has a frame in an arena of its own. What a job takes from frames is given back when the job ends; its
// results live in the worker's frame until on_frame_end(). A worker resets its arena at its next safe point after that,
// the begin of a job or on_worker_exit(), never inside a job: a late one keeps its memory. One that leaves while the
// frame is open keeps its results, and one whose thread ends leaves them to the frame: their destructors run when
// another thread takes over what it left, or when the allocator goes.
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
    template <class Alloc>
    explicit worker_frames(const Alloc& alloc) noexcept : worker_frames(alloc.owner()) {}
    worker_frames(const worker_frames&) = delete;
    worker_frames& operator=(const worker_frames&) = delete;
    // Ends the frame, if one is open. Requires: no job runs.
    ~worker_frames();

    void on_frame_begin() noexcept;  // FA428 when one is open
    void on_frame_end() noexcept;  // FA428 when none is
    void on_worker_enter() noexcept { follow(*memory::context_of(owner_)); }
    void on_worker_exit() noexcept { follow(*memory::context_of(owner_)); }

    bool in_frame() const noexcept { return (state_.load_acquire() & 1U) != 0; }  // pairs: turn()
    std::uint64_t frame_number() const noexcept {
        return (state_.load_acquire() + 1) / 2;
    }  // pairs: turn(); frames begun
    // What jobs submitted by the caller shall charge to.
    alloc_context context() const noexcept { return alloc_context(*memory::context_of(owner_)); }
    const memory::core_ref& owner() const noexcept FRAMEALLOC_LIFETIMEBOUND { return owner_; }

private:
    friend class job_scope;
    friend void runtime::leave_frames(memory::thread_context& c) noexcept;
    struct left_frame;  // of a thread that has ended
    explicit worker_frames(const memory::core_ref& a) noexcept;
    void turn(std::uint64_t expected, const char* mistake) noexcept;
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
    [[nodiscard]] job_scope(worker_frames& frames, const alloc_context& ctx, job_memory m = job_memory::rewind) noexcept
        : job_scope(begin(frames), frames, ctx, m) {}
    job_scope(const job_scope&) = delete;
    job_scope& operator=(const job_scope&) = delete;
    ~job_scope();

    // The worker's frame, for containers: fa::frame_vec<hit> hits(job.results()). Out of line where the job rewinds.
    frame_source results() const noexcept { return frame_source(record()); }
    // n elements, not initialised, until on_frame_end().
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
