// The tag, the phase and the budgets of one thread, taken over by another for a while.
#include <framealloc/runtime/context_scope.hpp>

namespace framealloc::inline v1 {

namespace {

memory::tag_account* account_of(memory::thread_context& c, account::tag_node* node) noexcept {
    for (;;) {
        exhaustion_reason why = exhaustion_reason::system_refused;
        if (memory::tag_account* a = memory::account_for(c, node, why)) return a;
        owner_of(c).exhausted_metadata(why, sizeof(memory::tag_account), alignof(memory::tag_account));
    }
}

bool of_this_allocator(memory::thread_context& c, std::uint64_t id) noexcept {
    if (id == owner_of(c).id) return true;
    owner_of(c).raise({.what = code::FA429, .detail = "a context of another allocator; the scope changes nothing"});
    return false;
}

}  // namespace

alloc_context::alloc_context(const memory::thread_context& c) noexcept
    : allocator_(owner_of(c).id), tag_(c.tag()->node), phase_(c.phase()->node), budget_(budget_of(c)) {}

context_scope::context_scope(memory::thread_context& c, const alloc_context& ctx) noexcept {
    const bool opened = ctx.allocator_ == owner_of(c).id &&
                        memory::open_together(c, *ctx.tag_, *ctx.phase_, ctx.budget_, parts_);
    if (!opened) [[unlikely]]
        open_slow(c, ctx);
}

void context_scope::open_slow(memory::thread_context& c, const alloc_context& ctx) noexcept {
    parts_ = {};
    if (!of_this_allocator(c, ctx.allocator_)) return;
    using memory::scope_kind;
    memory::tag_account* const tag = account_of(c, ctx.tag_);
    memory::tag_account* const phase = account_of(c, ctx.phase_);
    parts_.of(scope_kind::tag) = memory::open<scope_kind::tag>(c, tag);
    parts_.of(scope_kind::phase) = memory::open<scope_kind::phase>(c, phase);
    parts_.of(scope_kind::limits) = memory::open_limits(c, ctx.budget_);
    for (memory::open_scope* s : parts_.all) s->face = memory::scope_face::context_scope;
}

void context_scope::note(const site& where) noexcept {
    if (parts_.all[0] != nullptr) parts_.all[0]->opened = where;
}

context_scope::~context_scope() {
    if (parts_.all[0] != nullptr && !memory::close_together(parts_)) [[unlikely]]
        memory::close_scopes(parts_.all, memory::scope_kind_count);
}

}  // namespace framealloc::inline v1
