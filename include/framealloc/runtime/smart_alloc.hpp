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
// at most 26 (bench/instructions reproduces them).
#pragma once

#include <string_view>

#include <framealloc/base/capability.hpp>
#include <framealloc/insight/print.hpp>
#include <framealloc/lifetime/barrier.hpp>
#include <framealloc/lifetime/checkpoint.hpp>
#include <framealloc/lifetime/modules.hpp>
#include <framealloc/object/shared.hpp>
#include <framealloc/object/transfer.hpp>
#include <framealloc/probe/front.hpp>
#include <framealloc/runtime/context_scope.hpp>
#include <framealloc/runtime/frame_names.hpp>
#include <framealloc/runtime/heap_names.hpp>
#include <framealloc/runtime/options.hpp>
#include <framealloc/runtime/parked_context.hpp>
#include <framealloc/runtime/pool_names.hpp>
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
    template <class T = runtime::deduced, class... Args>
    auto frame_box_for_transfer(Args&&... args) const {
        return transfer_handle<runtime::boxed_type_t<T, Args...>>::make(owner_, must, std::forward<Args>(args)...);
    }
    template <class T = runtime::deduced, class... Args>
    [[nodiscard]] auto try_frame_box_for_transfer(Args&&... args) const {
        return transfer_handle<runtime::boxed_type_t<T, Args...>>::make(owner_, may_fail, std::forward<Args>(args)...);
    }
    // The value of an existing box is moved out of its frame, as a T. An empty box gives an empty handle.
    template <class T>
    transfer_handle<T> frame_box_for_transfer(basic_frame_box<T, Policy>&& box) const {
        static_assert(!std::is_array_v<T>, "use frame_span_for_transfer, and move the elements into its span");
        if (!box) return {};
        auto h = transfer_handle<T>::make(owner_, must, std::move(*box));
        box = {};
        return h;
    }
    // n value-initialised elements, to be filled and sent.
    template <class T>
    transfer_span<T> frame_span_for_transfer(std::size_t n) const {
        return transfer_span<T>::make(owner_, n, must);
    }
    template <class T>
    [[nodiscard]] transfer_span<T> try_frame_span_for_transfer(std::size_t n) const {
        return transfer_span<T>::make(owner_, n, may_fail);
    }
    transfer_stats transfers() const noexcept { return object::transfer_stats_of(*owner_.owner); }

    // --- blocks freed on other threads; see memory/deferred.hpp ---
    // For blocks of the calling thread. What only asks or gives back takes no memory, here and below: a thread that has
    // not met the allocator has nothing of it, and no limits of its own.
    void set_deferred(const deferred_config& d) const noexcept { memory::set_deferred(*memory::context_of(owner_), d); }
    deferred_stats deferred() const noexcept { return memory::stats_of_deferred(owner_); }
    // Takes back at least `max` blocks of the calling thread, if as many wait (whole pages: it may be more), and hands
    // over what it freed itself. Returns how many came back.
    std::size_t process_deferred_frees(std::size_t max = memory::all_blocks) const noexcept {
        return memory::process_deferred(owner_, max);
    }

    // --- budgets of the calling thread; bytes, 0: none; see account/budget.hpp ---
    void set_thread_frame_budget(std::size_t bytes) const noexcept {
        memory::set_budget(*memory::context_of(owner_), memory_kind::frame, bytes);
    }
    void set_thread_pool_budget(std::size_t bytes) const noexcept {
        memory::set_budget(*memory::context_of(owner_), memory_kind::pool, bytes);
    }
    // The handler also hears of warnings, at `warn_percent` of a budget. It is kept as fa::callback says, until the
    // next call or the thread's end.
    void on_budget_exceeded(budget_policy policy, budget_handler handler = {},
                            unsigned warn_percent = 80) const noexcept {
        memory::set_budget_policy(*memory::context_of(owner_), policy, warn_percent, handler);
    }
    // Bytes until frame_limit or the frame budget is reached; the largest size_t when there is neither.
    std::size_t frame_remaining() const noexcept { return memory::frame_remaining(owner_); }
    budget_stats thread_budget() const noexcept { return memory::budget_stats_of(owner_); }

    // --- tags: `name` is a fa::tag or a name below the current tag; calls f(alloc), or f() ---
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
    // "solver"; empty when no tag is open. The text lives as long as the allocator.
    std::string_view current_tag() const noexcept {
        const memory::thread_context* c = memory::peek_context(owner_);
        return c == nullptr ? std::string_view{} : std::string_view{c->tag()->node->name(), c->tag()->node->length};
    }
    // "physics::solver"
    std::string_view tag_path() const noexcept {
        const memory::thread_context* c = memory::peek_context(owner_);
        return c == nullptr ? std::string_view{} : path_of(c->tag());
    }
    // Zero for a tag nobody opened. A name is a path from the root, "physics::solver".
    framealloc::tag_stats tag_stats(std::string_view path) const noexcept {
        return insight::tag_stats_of(owner_, path);
    }
    framealloc::tag_stats tag_stats(const tag& t) const noexcept { return insight::tag_stats_of(owner_, t); }

    // The calling thread's tag, phase and budgets, for a job on another thread; see runtime/context_scope.hpp.
    alloc_context context() const noexcept { return alloc_context(*memory::context_of(owner_)); }

    // The calling thread's frames, tags and arena, for another thread; see runtime/parked_context.hpp.
    [[nodiscard]] parked_context park() const noexcept { return parked_context(owner_); }
    // Returns false, and leaves the context parked, after FA212.
    bool resume(parked_context&& p) const noexcept { return p.resume(owner_); }

    // --- phases ---
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
    std::string_view current_phase() const noexcept {
        const memory::thread_context* c = memory::peek_context(owner_);
        return c == nullptr ? std::string_view{} : path_of(c->phase());
    }
    // Of this thread's last finished outermost frame; valid until its next one ends.
    std::span<const framealloc::phase_stats> phase_stats() const noexcept { return insight::phase_stats_of(owner_); }

    // --- checkpoints ---
    [[nodiscard]] framealloc::frame_checkpoint frame_checkpoint() const noexcept {
        return take_checkpoint(*memory::context_of(owner_));
    }
    // Returns false, after FA427, when the checkpoint is stale or of another frame.
    bool rollback_to(const framealloc::frame_checkpoint& cp, site_type s = site_type::here()) const noexcept {
        const runtime::located<site_type> call(owner_, s);
        return roll_back(*memory::context_of(owner_), cp);
    }
    [[nodiscard]] framealloc::checkpoint_guard checkpoint_guard() const noexcept {
        return framealloc::checkpoint_guard(*memory::context_of(owner_));
    }
    // Calls f(), or f(alloc). Rolls back when its result is false (a bool, an optional, a pointer) or when it throws,
    // and returns the result; a void f commits.
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
    alloc_stats stats() const noexcept { return insight::stats_of(owner_); }
    void reset_stats() const noexcept { insight::reset_stats(owner_); }
    framealloc::frame_stats frame_stats() const noexcept { return insight::frame_stats_of(owner_); }
    // Counts frame allocations, on other threads from their next outermost frame on: they take the slow path meanwhile.
    void count_allocations(bool on) const noexcept { insight::count_allocations(owner_, on); }
    // What happens, event by event; see insight/lifecycle.hpp.
    framealloc::lifecycle lifecycle() const noexcept { return framealloc::lifecycle(owner_); }

    // Looks at every guarded block and at what was freed lately, and raises what is wrong. Returns how many faults; 0
    // where nothing is guarded. Threads: other threads must not write to pool and heap blocks meanwhile, nor free or
    // resize any.
    std::size_t check() const noexcept { return memory::check_everything(owner_); }

    // --- memory ---
    // Returns what this thread, ended threads and the allocator itself do not use to the page source.
    void trim() const noexcept { memory::trim(*owner_.owner); }
    // Before dlclose(): destroys what this thread's frames hold of the module's types, newest first, and returns how
    // many; what other threads' frames hold of them is not destroyed when they end: FA214 names the module. Tag names
    // stay.
    std::size_t release_module(void* handle) const noexcept { return lifetime::release_module(owner_, handle); }
    // From now on a page request is exhaustion.
    void seal() const noexcept { ledger_of(*owner_.owner).seal(); }

    // --- for scopes, allocators and own containers ---
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
