// The front door: one handle to frames, pools, the heap, tags, phases, checkpoints and statistics.
//
//   fa::smart_alloc alloc;
//   alloc.begin_frame();
//   auto hits = alloc.frame_vec<hit>();
//   alloc.end_frame();
//
// Copying the handle shares the allocator; two smart_allocs made separately share nothing. All members are const, so
// that a captured copy can open frames. Every x() has a try_x() that never calls the exhaustion handler.
// Threads: any number may use copies of one handle. Frames, scopes and frame containers belong to the thread that made
// them; pool and heap blocks may be freed on any thread.
// Cost: frame_alloc<T> takes at most 10 instructions, begin_frame with end_frame at most 36, pool_alloc with pool_free
// at most 26 (bench/instructions.cpp reproduces them).
#pragma once

#include <string_view>

#include <framealloc/base/capability.hpp>
#include <framealloc/detail/probe/front.hpp>
#include <framealloc/detail/runtime/frame_names.hpp>
#include <framealloc/detail/runtime/heap_names.hpp>
#include <framealloc/detail/runtime/pool_names.hpp>
#include <framealloc/insight/print.hpp>
#include <framealloc/lifetime/barrier.hpp>
#include <framealloc/lifetime/checkpoint.hpp>
#include <framealloc/lifetime/modules.hpp>
#include <framealloc/object/shared.hpp>
#include <framealloc/object/transfer.hpp>
#include <framealloc/runtime/context_scope.hpp>
#include <framealloc/runtime/options.hpp>
#include <framealloc/runtime/parked_context.hpp>
#include <framealloc/runtime/tag_scope.hpp>

namespace framealloc::inline v1 {

namespace runtime {

void begin_phase(memory::thread_context& c, tag_account* phase) noexcept;
void end_phase(memory::thread_context& c) noexcept;

}  // namespace runtime

template <class Policy>
class basic_smart_alloc : public frame_names<basic_smart_alloc<Policy>, Policy>,
                          public pool_names<basic_smart_alloc<Policy>, Policy>,
                          public heap_names<basic_smart_alloc<Policy>, Policy> {
    using site_type = typename Policy::site_type;
    static constexpr auto must = memory::on_failure::ask_handler;
    static constexpr auto may_fail = memory::on_failure::return_null;

public:
    using policy_type = Policy;

    // Effects: makes an allocator of its own, with default options or with these; a copy shares the allocator of the
    // original. When the last handle is destroyed, blocks that are still allocated are reported, and the allocator is
    // freed with the last of them. On exhaustion: asks the exhaustion handler. Threads: any number may copy and use
    // handles of one allocator. Cost: a constructor some microseconds, a copy one shared count.
    basic_smart_alloc() noexcept : basic_smart_alloc(options{}) {}
    explicit basic_smart_alloc(const options& o) noexcept
        : owner_(runtime::open(runtime::to_config(o, Policy::checks))) {}
    basic_smart_alloc(const basic_smart_alloc& other) noexcept : owner_(other.owner_) { memory::retain_core(owner_); }
    basic_smart_alloc& operator=(const basic_smart_alloc& other) noexcept {
        memory::retain_core(other.owner_);
        memory::release_core(owner_);
        owner_ = other.owner_;
        return *this;
    }
    ~basic_smart_alloc() { memory::release_core(owner_); }
    friend bool operator==(const basic_smart_alloc& a, const basic_smart_alloc& b) noexcept {
        return a.owner_.id == b.owner_.id;
    }

    // --- transfer: results for other threads; see object/transfer.hpp ---
    // Requires: T keeps nothing in a frame; a static_assert says so. Effects: constructs a T, moves out the value of a
    // box (an empty one gives an empty handle), or value-initialises n elements to be filled. Returns: a handle that
    // another thread receives. On exhaustion: asks the exhaustion handler; a try_x() returns an empty handle. Threads:
    // the handle may be moved to any thread; one at a time has it. Cost: a pool block, and the construction.
    template <class T = runtime::deduced, class... Args>
    auto frame_box_for_transfer(Args&&... args) const {
        return transfer_handle<runtime::boxed_type_t<T, Args...>>::make(owner_, must, std::forward<Args>(args)...);
    }
    template <class T = runtime::deduced, class... Args>
    [[nodiscard]] auto try_frame_box_for_transfer(Args&&... args) const {
        return transfer_handle<runtime::boxed_type_t<T, Args...>>::make(owner_, may_fail, std::forward<Args>(args)...);
    }
    template <class T>
    transfer_handle<T> frame_box_for_transfer(basic_frame_box<T, Policy>&& box) const {
        static_assert(!std::is_array_v<T>, "use frame_span_for_transfer, and move the elements into its span");
        if (!box) return {};
        auto h = transfer_handle<T>::make(owner_, must, std::move(*box));
        box = {};
        return h;
    }
    template <class T>
    transfer_span<T> frame_span_for_transfer(std::size_t n) const {
        return transfer_span<T>::make(owner_, n, must);
    }
    template <class T>
    [[nodiscard]] transfer_span<T> try_frame_span_for_transfer(std::size_t n) const {
        return transfer_span<T>::make(owner_, n, may_fail);
    }
    // Returns: transfers begun, received and dropped, each in numbers and bytes. Threads: any, and in a signal handler.
    // Cost: O(1).
    transfer_stats transfers() const noexcept { return object::transfer_stats_of(*owner_.owner); }

    // --- blocks freed on other threads; see memory/deferred.hpp ---
    // Effects: says how many blocks the calling thread takes back at once. What only asks or gives back takes no
    // memory, here and below: a thread that has not met the allocator has nothing of it, and no limits of its own. On
    // exhaustion: set_deferred() asks the exhaustion handler, where the thread has not met the allocator. Threads: for
    // blocks of the calling thread. Cost: O(1).
    void set_deferred(const deferred_config& d) const noexcept { memory::set_deferred(*memory::context_of(owner_), d); }
    // Returns: blocks that wait for the calling thread, and those that came back. Threads: of the calling thread. Cost:
    // O(1).
    deferred_stats deferred() const noexcept { return memory::stats_of_deferred(owner_); }
    // Effects: takes back at least `max` blocks of the calling thread, if as many wait (whole pages: it may be more),
    // and hands over what it freed itself. Returns: how many came back. Threads: of the calling thread. Cost:
    // O(blocks).
    std::size_t process_deferred_frees(std::size_t max = memory::all_blocks) const noexcept {
        return memory::process_deferred(owner_, max);
    }

    // --- budgets of the calling thread; bytes, 0: none; see account/budget.hpp ---
    // Effects: limits what the calling thread may have of a kind, in bytes; 0: no limit. On exhaustion: asks the
    // exhaustion handler, where the thread has not met the allocator. Threads: of the calling thread alone. Cost: O(1);
    // of pool memory linear in the thread's pages.
    void set_thread_frame_budget(std::size_t bytes) const noexcept {
        memory::set_budget(*memory::context_of(owner_), memory_kind::frame, bytes);
    }
    void set_thread_pool_budget(std::size_t bytes) const noexcept {
        memory::set_budget(*memory::context_of(owner_), memory_kind::pool, bytes);
    }
    // Effects: says what happens when a budget of the calling thread is exceeded. The handler is also called for
    // warnings, at `warn_percent` of a budget. It is kept as fa::callback says, until the next call or the thread's
    // end. On exhaustion: as set_thread_frame_budget(). Threads: of the calling thread alone; the handler runs there,
    // with no lock held. Cost: O(1).
    void on_budget_exceeded(budget_policy policy, budget_handler handler = {},
                            unsigned warn_percent = 80) const noexcept {
        memory::set_budget_policy(*memory::context_of(owner_), policy, warn_percent, handler);
    }
    // Returns: bytes until frame_limit or the frame budget is reached; the largest size_t when there is neither.
    // Threads: of the calling thread. Cost: O(1).
    std::size_t frame_remaining() const noexcept { return memory::frame_remaining(owner_); }
    // Returns: the calling thread's budgets, and what it has of them, in bytes. Threads: of the calling thread. Cost:
    // linear in the thread's pages of blocks.
    budget_stats thread_budget() const noexcept { return memory::budget_stats_of(owner_); }

    // --- tags ---
    // Effects: calls f(alloc), or f(), with a tag open: a fa::tag, or a name below the current tag. Returns: what f
    // does. On exhaustion: asks the exhaustion handler, for a name that is new. Threads: the tag is the calling
    // thread's. Cost: as tag_scope's.
    template <class F>
    FRAMEALLOC_INLINE decltype(auto) with_tag(const tag& name, F&& f) const {
        const tag_scope scope(*this, name);
        if constexpr (std::is_invocable_v<F, const basic_smart_alloc&>) return static_cast<F&&>(f)(*this);
        else return static_cast<F&&>(f)();
    }
    template <class F>
    FRAMEALLOC_INLINE decltype(auto) with_tag(std::string_view name, F&& f) const {
        const tag_scope scope(*this, name);
        if constexpr (std::is_invocable_v<F, const basic_smart_alloc&>) return static_cast<F&&>(f)(*this);
        else return static_cast<F&&>(f)();
    }
    // Returns: the name of the open tag, "solver", and its path, "physics::solver"; empty when no tag is open. The text
    // lives as long as the allocator. Threads: of the calling thread, and in a signal handler. Cost: O(1).
    std::string_view current_tag() const noexcept {
        const memory::thread_context* c = memory::peek_context(owner_);
        return c == nullptr ? std::string_view{} : std::string_view{c->tag()->node->name(), c->tag()->node->length};
    }
    std::string_view tag_path() const noexcept {
        const memory::thread_context* c = memory::peek_context(owner_);
        return c == nullptr ? std::string_view{} : path_of(c->tag());
    }
    // Returns: bytes of a tag, zero for one that nobody opened. A name is a path from the root, "physics::solver".
    // Threads: any; exact for the calling thread, for others as of their last boundary. Cost: linear in the threads, in
    // the tags below this one, and in those of their pages of blocks that have room.
    framealloc::tag_stats tag_stats(std::string_view path) const noexcept {
        return insight::tag_stats_of(owner_, path);
    }
    framealloc::tag_stats tag_stats(const tag& t) const noexcept { return insight::tag_stats_of(owner_, t); }

    // Returns: the calling thread's tag, phase and budgets, for a job on another thread; see runtime/context_scope.hpp.
    // On exhaustion: asks the exhaustion handler, where the thread has not met the allocator. Cost: O(1).
    alloc_context context() const noexcept { return alloc_context(*memory::context_of(owner_)); }

    // Effects: takes the calling thread's frames, tags and arena away, for another thread. Returns: them; see
    // runtime/parked_context.hpp. Cost: some hundred instructions and a lock.
    [[nodiscard]] parked_context park() const noexcept { return parked_context(owner_); }
    // Requires: the calling thread has no frame and no scope open here. Effects: gives it what was parked. Returns:
    // false, and leaves the context parked, after FA212. Threads: any, one at a time. Cost: as park().
    bool resume(parked_context&& p) const noexcept { return p.resume(owner_); }

    // --- phases ---
    // Effects: opens a phase, a fa::tag or a path from the root, and closes the newest one that begin_phase() opened;
    // end_phase() without one is FA429. On exhaustion: begin_phase() asks the exhaustion handler, for a name that is
    // new. Threads: of the calling thread. Cost: as phase_scope's.
    void begin_phase(const tag& name, site_type s = site_type::here()) const noexcept {
        const runtime::located<site_type> call(owner_, s);
        memory::thread_context& c = *memory::context_of(owner_);
        runtime::begin_phase(c, runtime::account_of(c, name));
    }
    void begin_phase(std::string_view name, site_type s = site_type::here()) const noexcept {
        const runtime::located<site_type> call(owner_, s);
        memory::thread_context& c = *memory::context_of(owner_);
        runtime::begin_phase(c, runtime::find_account(c, root_account(c), name));
    }
    void end_phase(site_type s = site_type::here()) const noexcept {
        const runtime::located<site_type> call(owner_, s);
        runtime::end_phase(*memory::context_of(owner_));
    }
    // Returns: the path of the open phase; empty when none is. The text lives as long as the allocator. Threads: of the
    // calling thread, and in a signal handler. Cost: O(1).
    std::string_view current_phase() const noexcept {
        const memory::thread_context* c = memory::peek_context(owner_);
        return c == nullptr ? std::string_view{} : path_of(c->phase());
    }
    // Returns: what each phase allocated during the calling thread's last finished outermost frame, in bytes; valid
    // until its next one ends. Cost: linear in the tags and phases that the thread has met.
    std::span<const framealloc::phase_stats> phase_stats() const noexcept { return insight::phase_stats_of(owner_); }

    // --- checkpoints ---
    // Returns: how far the newest frame is, to go back to. On exhaustion: asks the exhaustion handler, where the thread
    // has not met the allocator. Threads: of the calling thread. Cost: O(1).
    [[nodiscard]] framealloc::frame_checkpoint frame_checkpoint() const noexcept {
        return take_checkpoint(*memory::context_of(owner_));
    }
    // Effects: destroys what was made in the frame after the checkpoint, newest first; what is older stays as it is.
    // Returns: false, after FA427, when the checkpoint is stale or of another frame. Threads: of the calling thread.
    // Cost: the destructors.
    bool rollback_to(const framealloc::frame_checkpoint& cp, site_type s = site_type::here()) const noexcept {
        const runtime::located<site_type> call(owner_, s);
        return roll_back(*memory::context_of(owner_), cp);
    }
    // Returns: a guard that rolls back at its end, unless commit() was called. On exhaustion: as frame_checkpoint().
    // Threads: the guard belongs to its thread. Cost: as rollback_to().
    [[nodiscard]] framealloc::checkpoint_guard checkpoint_guard() const noexcept {
        return framealloc::checkpoint_guard(*memory::context_of(owner_));
    }
    // Effects: calls f(), or f(alloc); rolls back when its result is false (a bool, an optional, a pointer) or when it
    // throws; a void f commits. Returns: the result. On exhaustion: as frame_checkpoint(). Threads: of the calling
    // thread. Cost: as rollback_to().
    template <class F>
    FRAMEALLOC_INLINE auto speculative(F&& f) const {
        framealloc::checkpoint_guard guard(*memory::context_of(owner_));
        auto call = [&]() -> decltype(auto) {
            if constexpr (std::is_invocable_v<F&, const basic_smart_alloc&>) return f(*this);
            else return f();
        };
        if constexpr (std::is_void_v<decltype(call())>) {
            call();
            guard.commit();
        } else {
            auto result = call();
            if (static_cast<bool>(result)) guard.commit();
            return result;
        }
    }

    // --- seeing ---
    // Returns: what the allocator has and did, all threads together. Threads: any; exact for the calling thread, for
    // others as of their last boundary. Cost: linear in the tags and phases that each thread has met, and in the pages
    // of blocks that have room.
    alloc_stats stats() const noexcept { return insight::stats_of(owner_); }
    // Effects: peaks begin anew from what is in use, counts at zero. Threads: any; other threads join at their next
    // boundary, until which their peaks are what they have in use. Cost: as stats(), and linear in the pages of the
    // calling thread and of those that have ended.
    void reset_stats() const noexcept { insight::reset_stats(owner_); }
    // Returns: what the calling thread's frames hold and did, in bytes and numbers. Threads: of the calling thread.
    // Cost: O(1).
    framealloc::frame_stats frame_stats() const noexcept { return insight::frame_stats_of(owner_); }
    // Effects: counts frame allocations from now on, or no longer; on other threads from their next outermost frame.
    // Threads: any. Cost: O(threads); while it is on, every frame allocation takes the slow path.
    void count_allocations(bool on) const noexcept { insight::count_allocations(owner_, on); }
    // Returns: what reports frames, tags and threads event by event; see insight/lifecycle.hpp. Threads: any. Cost:
    // O(1).
    framealloc::lifecycle lifecycle() const noexcept { return framealloc::lifecycle(owner_); }

    // Requires: other threads do not write to pool and heap blocks meanwhile, nor free or resize any. Effects: looks at
    // every guarded pool and heap block, and at the calling thread's frame blocks and what it freed lately, and raises
    // what is wrong. Returns: how many faults; 0 where nothing is guarded. Cost: O(blocks).
    std::size_t(check)() const noexcept { return memory::check_everything(owner_); }

    // --- memory ---
    // Effects: gives back to the page source what this thread, ended threads and the allocator itself do not use, and
    // what other threads keep of freed blocks beyond 4 KiB.
    // Threads: any. Cost: O(pages), and the system calls.
    void trim() const noexcept { memory::trim(*owner_.owner); }
    // Requires: a handle of dlopen(), before dlclose(). Effects: destroys what this thread's frames hold of the
    // module's types, newest first; what other threads' frames hold of them is not destroyed when they end: FA214 names
    // the module. Tag names stay. Returns: how many it destroyed. Cost: O(objects with destructors).
    std::size_t release_module(void* handle) const noexcept { return lifetime::release_module(owner_, handle); }
    // Effects: from now on a page request is exhaustion. Threads: any. Cost: O(1).
    void seal() const noexcept { ledger_of(*owner_.owner).seal(); }

    // --- for scopes, allocators and own containers ---
    // Returns: the allocator, and where it takes memory of a kind, the newest frame's for a frame_source; for scopes,
    // allocators and own containers. On exhaustion: source() of a frame asks the exhaustion handler, where the thread
    // has not met the allocator. Cost: O(1).
    const memory::core_ref& owner() const noexcept FRAMEALLOC_LIFETIMEBOUND { return owner_; }
    template <class Source>
    FRAMEALLOC_INLINE Source source() const noexcept {
        if constexpr (std::is_same_v<Source, framealloc::frame_source>) return Source(memory::top_record(owner_));
        else return Source(owner_);
    }

private:
    static std::string_view path_of(const memory::tag_account* a) noexcept {
        return {a->node->path, a->node->path_length};
    }

    memory::core_ref owner_;
};

using smart_alloc = basic_smart_alloc<active_policy>;

}  // namespace framealloc::inline v1
