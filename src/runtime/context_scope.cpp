#include <framealloc/runtime/context_scope.hpp>

namespace framealloc::inline FRAMEALLOC_ABI {

namespace {

memory::tag_account* account_of(memory::thread_context& c, account::tag_node* node) noexcept {
    for (;;) {
        exhaustion_reason why = exhaustion_reason::system_refused;
        if (memory::tag_account* a = memory::account_for(c, node, why)) return a;
        c.owner->exhausted(why, "metadata", sizeof(memory::tag_account), alignof(memory::tag_account));
    }
}

bool of_this_allocator(memory::thread_context& c, std::uint64_t id) noexcept {
    if (id == c.owner->id) return true;
    c.owner->raise(code::FA429, "a context of another allocator; the scope changes nothing");
    return false;
}

// The limits of one thread, the history of another.
void take_limits(memory::thread_context& c, const account::thread_budget& from) noexcept {
    c.budget.frame.limit = from.frame.limit;
    c.budget.frame.threshold = from.frame.threshold;
    c.budget.pool.limit = from.pool.limit;
    c.budget.pool.threshold = from.pool.threshold;
    c.budget.policy = from.policy;
    c.budget.warn_percent = from.warn_percent;
    c.budget.handler = from.handler;
    memory::refresh_limit(c);
}

}  // namespace

alloc_context::alloc_context(const memory::thread_context& c) noexcept
    : allocator_(c.owner->id), tag_(c.tag->node), phase_(c.phase->node), budget_(c.budget) {}

context_scope::context_scope(memory::thread_context& c, const alloc_context& ctx) noexcept
    : context_scope(c, ctx, of_this_allocator(c, ctx.allocator_)) {}

context_scope::context_scope(memory::thread_context& c, const alloc_context& ctx, bool valid) noexcept
    : tag_base(c, valid ? account_of(c, ctx.tag_) : c.tag), phase_base(c, valid ? account_of(c, ctx.phase_) : c.phase), thread_(c), previous_(c.budget) {
    if (valid) take_limits(c, ctx.budget_);
}

context_scope::~context_scope() { take_limits(thread_, previous_); }

}  // namespace framealloc::inline FRAMEALLOC_ABI
