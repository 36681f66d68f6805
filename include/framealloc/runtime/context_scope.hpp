// The caller's tag, phase and budgets, carried into a job on another thread.
//
//   const fa::alloc_context ctx = alloc.context();                  // cheap to copy, like a pointer
//   pool.submit([alloc, ctx] {
//       fa::context_scope scope{alloc, ctx};                        // charges to the submitter's tag and phase
//       …
//   });
//
// A context is valid as long as its allocator lives. With that of another allocator the scope changes nothing: FA429.
// Cost: opening looks two accounts up by index; nothing per allocation. Threads: a context may be copied to any thread;
// a scope belongs to its thread. Scopes that close out of order: see runtime/tag_scope.hpp.
#pragma once

#include <framealloc/detail/core/context_parts.hpp>
#include <framealloc/runtime/tag_scope.hpp>

namespace framealloc::inline v1 {

class alloc_context {
public:
    alloc_context() noexcept = default;
    // Returns: the paths of the tag and the phase, empty where none was open, and the budgets in bytes, 0 where there
    // is none. Threads: any. Cost: O(1).
    std::string_view tag_path() const noexcept { return text(tag_); }
    std::string_view phase() const noexcept { return text(phase_); }
    std::size_t frame_budget() const noexcept { return budget_.of(memory_kind::frame).limit; }
    std::size_t pool_budget() const noexcept { return budget_.of(memory_kind::pool).limit; }

private:
    template <class>
    friend class basic_smart_alloc;
    friend class context_scope;
    friend class worker_frames;

    explicit alloc_context(const memory::thread_context& c) noexcept;
    static std::string_view text(const account::tag_node* n) noexcept {
        return n == nullptr ? std::string_view{} : std::string_view{n->path, n->path_length};
    }

    std::uint64_t allocator_ = 0;
    account::tag_node* tag_ = nullptr;
    account::tag_node* phase_ = nullptr;
    account::thread_budget budget_{};  // the limits and the policy; what was used is each thread's own
};

class [[nodiscard]] context_scope {
public:
    // Requires: the allocator of the context lives; with a context of another one FA429, and nothing changes. Effects:
    // charges the calling thread to the context's tag, phase and budgets until the scope ends. On exhaustion: asks the
    // exhaustion handler. Threads: the scope belongs to its thread. Cost: two look-ups by index.
    template <class Alloc>
    [[nodiscard]] context_scope(const Alloc& alloc, const alloc_context& ctx,
                                runtime::site_of_t<Alloc> s = runtime::site_of_t<Alloc>::here()) noexcept
        : context_scope(*memory::context_of(alloc.owner()), ctx) {
        if constexpr (std::is_same_v<runtime::site_of_t<Alloc>, site>) note(s);
    }
    context_scope(const context_scope&) = delete;
    context_scope& operator=(const context_scope&) = delete;
    ~context_scope();

private:
    context_scope(memory::thread_context& c, const alloc_context& ctx) noexcept;
    FRAMEALLOC_COLD void open_slow(memory::thread_context& c, const alloc_context& ctx) noexcept;
    void note(const site& where) noexcept;

    memory::context_parts parts_;  // none with a context of another allocator
};

}  // namespace framealloc::inline v1
