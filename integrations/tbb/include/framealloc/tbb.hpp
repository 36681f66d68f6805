// framealloc on oneTBB: every worker of an arena has its own frame memory, jobs carry their spawner's tag, phase and
// budgets.
//
//   fa::tbb::job_system jobs{alloc};                      // link framealloc::tbb
//   {
//       fa::tbb::frame_guard frame{jobs};                 // begins and ends the frame of every worker
//       fa::tag_scope tag{alloc, "physics"};
//       jobs.parallel_for(0, n, [&](int i) { … });        // charged to physics; temporary frame memory is rewound per
//       piece
//   }
//
// Any other algorithm or graph node: wrap what it calls with job(f), and run it inside execute().
// Cost: a job_scope per piece of work. Threads: a job_system is driven by one thread; the jobs may use everything but
// begin_frame.
#pragma once

#include <utility>

#include <oneapi/tbb/blocked_range.h>
#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/task_arena.h>
#include <oneapi/tbb/task_group.h>
#include <oneapi/tbb/task_scheduler_observer.h>

#include <framealloc/runtime/worker_frames.hpp>

namespace framealloc::inline v1::tbb {

namespace one = ::oneapi::tbb;

class job_system {
public:
    // `threads` includes the driving one.
    template <class Alloc>
    explicit job_system(const Alloc& alloc, int threads = one::task_arena::automatic)
        : frames_(alloc), arena_(threads), workers_(arena_, frames_) {}
    job_system(const job_system&) = delete;
    job_system& operator=(const job_system&) = delete;

    void begin_frame() noexcept { frames_.on_frame_begin(); }
    // Requires: all jobs have ended.
    void end_frame() noexcept { frames_.on_frame_end(); }
    worker_frames& frames() noexcept { return frames_; }
    one::task_arena& arena() noexcept { return arena_; }

    // Runs f() in the arena; what it spawns is served by the arena's workers.
    template <class F>
    decltype(auto) execute(F&& f) {
        return arena_.execute(std::forward<F>(f));
    }

    // f as a job: charged as the caller of job() is now, f(job_scope&, args…) or f(args…). May be copied, and called on
    // any thread while the job_system lives.
    template <class F>
    auto job(F f, job_memory m = job_memory::rewind) {
        return [this, ctx = frames_.context(), f = std::move(f), m](auto&&... args) -> decltype(auto) {
            job_scope scope(frames_, ctx, m);
            if constexpr (std::is_invocable_v<const F&, job_scope&, decltype(args)...>)
                return f(scope, std::forward<decltype(args)>(args)...);
            else return f(std::forward<decltype(args)>(args)...);
        };
    }

    // f(i), or f(job_scope&, i), for first <= i < last; a job per piece of the range.
    template <class Index, class F>
    void parallel_for(Index first, Index last, const F& f, job_memory m = job_memory::rewind) {
        auto piece = job(
            [&f](job_scope& scope, const one::blocked_range<Index>& r) {
                for (Index i = r.begin(); i != r.end(); ++i) {
                    if constexpr (std::is_invocable_v<const F&, job_scope&, Index>) f(scope, i);
                    else f(i);
                }
            },
            m);
        execute([&] { one::parallel_for(one::blocked_range<Index>(first, last), piece); });
    }

private:
    class observer : public one::task_scheduler_observer {
    public:
        observer(one::task_arena& arena, worker_frames& frames) : task_scheduler_observer(arena), frames_(frames) {
            observe(true);
        }
        ~observer() override { observe(false); }  // before the arena and the frames go
        void on_scheduler_entry(bool) override { frames_.on_worker_enter(); }
        void on_scheduler_exit(bool) override { frames_.on_worker_exit(); }

    private:
        worker_frames& frames_;
    };

    worker_frames frames_;
    one::task_arena arena_;
    observer workers_;
};

class [[nodiscard]] frame_guard {
public:
    [[nodiscard]] explicit frame_guard(job_system& jobs) noexcept : jobs_(jobs) { jobs_.begin_frame(); }
    ~frame_guard() { jobs_.end_frame(); }
    frame_guard(const frame_guard&) = delete;
    frame_guard& operator=(const frame_guard&) = delete;

private:
    job_system& jobs_;
};

// one::task_group whose tasks are jobs. Waits in the destructor if nobody has.
class task_group {
public:
    explicit task_group(job_system& jobs) : jobs_(jobs) {}
    ~task_group() { wait(); }
    template <class F>
    void run(F f, job_memory m = job_memory::rewind) {
        jobs_.execute([&, task = jobs_.job(std::move(f), m)] { group_.run(task); });
    }
    void wait() {
        jobs_.execute([&] { group_.wait(); });
    }

private:
    job_system& jobs_;
    one::task_group group_;
};

}  // namespace framealloc::inline v1::tbb
