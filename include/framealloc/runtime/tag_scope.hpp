// Tags and phases for the length of a block.
//
//   fa::tag_scope t{alloc, physics};         // charges frame, pool and heap bytes to "physics"
//   fa::phase_scope p{alloc, "broadphase"};  // and counts what the phase hands out
//
// Cost: with a constexpr tag at most 40 instructions to open and close, whatever the number of tags.
// Threads: a scope belongs to its thread; closing it elsewhere or out of order is FA429.
#pragma once

#include <string_view>

#include <framealloc/memory/core.hpp>

namespace framealloc::inline FRAMEALLOC_ABI {

namespace runtime {

using memory::core_ref;
using memory::tag_account;
using memory::thread_context;

FRAMEALLOC_COLD tag_account* find_account(thread_context& c, const tag& t) noexcept;
FRAMEALLOC_COLD tag_account* find_account(thread_context& c, tag_account* parent, std::string_view path) noexcept;
FRAMEALLOC_COLD void settle_for_tag(thread_context& c) noexcept;
FRAMEALLOC_COLD void close_scope_elsewhere(thread_context& c, memory::frame_record* opened_in) noexcept;

FRAMEALLOC_INLINE tag_account* account_of(thread_context& c, const tag& t) noexcept {
    const std::uint32_t id = t.id();
    if (id < c.tag_ids) [[likely]] {
        if (tag_account* a = c.by_tag_id[id]) [[likely]] return a;
    }
    return find_account(c, t);
}

// The place of the thread that is charged, and what to put back. `Slot` is &thread_context::tag or ::phase.
template <tag_account* thread_context::*Slot>
class charge_scope {
public:
    charge_scope(const charge_scope&) = delete;
    charge_scope& operator=(const charge_scope&) = delete;

protected:
    FRAMEALLOC_INLINE charge_scope(thread_context& c, tag_account* a) noexcept : context_(&c), record_(c.top) {
        if (memory::unsettled(c)) [[unlikely]] settle_for_tag(c);
        previous_ = c.*Slot;
        c.*Slot = a;
        memory::enter_scope(*record_);
    }
    FRAMEALLOC_INLINE ~charge_scope() {
        thread_context& c = *context_;
        if (memory::unsettled(c)) [[unlikely]] settle_for_tag(c);
        if (c.top != record_) [[unlikely]] close_scope_elsewhere(c, record_);
        else memory::leave_scope(*record_);
        c.*Slot = previous_;
    }

private:
    thread_context* context_;
    memory::frame_record* record_;
    tag_account* previous_;
};

}  // namespace runtime

class [[nodiscard]] tag_scope : runtime::charge_scope<&memory::thread_context::tag> {
    using base = runtime::charge_scope<&memory::thread_context::tag>;

public:
    template <class Alloc>
    [[nodiscard]] FRAMEALLOC_INLINE tag_scope(const Alloc& alloc, const tag& t) noexcept : tag_scope(*memory::context_of(alloc.owner()), t) {}
    template <class Alloc>
    [[nodiscard]] tag_scope(const Alloc& alloc, std::string_view name) noexcept : tag_scope(*memory::context_of(alloc.owner()), name) {}

private:
    FRAMEALLOC_INLINE tag_scope(memory::thread_context& c, const tag& t) noexcept : base(c, runtime::account_of(c, t)) {}
    tag_scope(memory::thread_context& c, std::string_view name) noexcept : base(c, runtime::find_account(c, c.tag, name)) {}
};

class [[nodiscard]] phase_scope : runtime::charge_scope<&memory::thread_context::phase> {
    using base = runtime::charge_scope<&memory::thread_context::phase>;

public:
    template <class Alloc>
    [[nodiscard]] FRAMEALLOC_INLINE phase_scope(const Alloc& alloc, const tag& name) noexcept : phase_scope(*memory::context_of(alloc.owner()), name) {}
    template <class Alloc>
    [[nodiscard]] phase_scope(const Alloc& alloc, std::string_view name) noexcept : phase_scope(*memory::context_of(alloc.owner()), name) {}

private:
    FRAMEALLOC_INLINE phase_scope(memory::thread_context& c, const tag& t) noexcept : base(c, runtime::account_of(c, t)) {}
    phase_scope(memory::thread_context& c, std::string_view name) noexcept : base(c, runtime::find_account(c, c.root_tag, name)) {}
};

}  // namespace framealloc::inline FRAMEALLOC_ABI
