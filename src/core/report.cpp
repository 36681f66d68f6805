// Faults and exhaustion, passed to the program's handlers or printed.
#include <framealloc/detail/core/report.hpp>

#include <cstdlib>

#include <framealloc/base/policy.hpp>
#include <framealloc/detail/core/environment.hpp>
#include <framealloc/detail/core/identity.hpp>
#include <framealloc/detail/core/life.hpp>

namespace framealloc::inline v1::memory {

// A handler is called for its own mistake; what it does wrong while it handles that one is printed.
void core::deliver(const fault& f) const noexcept {
    const user_code reporting(context_of_caller(*this), activity::reporting);
    if (!config.on_fault || !handler_scope::may_call()) return print_fault(f);
    const handler_scope in_handler;
    config.on_fault(f);
}

namespace {

bool ends_after_fault(const core_config& c) noexcept {
    return c.strict == strictness::automatic ? c.checks && !c.on_fault : c.strict != strictness::warn;
}

}  // namespace

void report_for_process(fault f) noexcept {
    f.text = code_text(f.what);
    f.where = os::own_call(f.where);
    place_text where;
    f.code_place = where.of(f.where);
    print_fault(f);
}

void raise_for_process(fault f) noexcept {
    report_for_process(f);
    core_config process;
    process.checks = active_policy::checks;
    heed_environment(process);
    if (ends_after_fault(process)) std::abort();
}

void refuse_without_source(const char* what) noexcept {
    report_for_process({.what = code::FA440, .detail = what});
    std::abort();
}

void core::report(fault f) const noexcept {
    require_own(id);
    f.text = code_text(f.what);
    f.allocator = config.name;
    f.where = os::own_call(f.where);
    place_text where, born, died;
    f.code_place = where.of(f.where);
    f.born_place = born.of(f.born);
    f.died_place = died.of(f.died);
    deliver(f);
}

void core::end_after_fault() const noexcept {
    if (ends_after_fault(config)) std::abort();
}

void core::raise(fault f) noexcept {
    report(f);
    end_after_fault();
}

void core::report_served(fault f) noexcept {
    f.text = code_text(f.what);
    f.allocator = config.name;
    f.where = os::own_call(f.where);
    place_text where;
    f.code_place = where.of(f.where);
    deliver(f);
    if (config.strict == strictness::abort_on_warning) std::abort();
}

void core::exhausted(exhaustion_reason why, memory_kind kind, std::size_t requested, std::size_t alignment) noexcept {
    const thread_context* c = context_of_caller(*this);
    const bool budget = c != nullptr && why == exhaustion_reason::thread_budget;
    ask_for_memory(why, traits_of(kind).name, requested, alignment, budget ? c->budget.of(kind).limit : 0);
}

void core::exhausted_metadata(exhaustion_reason why, std::size_t requested, std::size_t alignment) noexcept {
    if (make_room(*this, why, on_failure::ask_handler)) return;
    ask_for_memory(why, "metadata", requested, alignment, 0);
}

void core::ask_for_memory(exhaustion_reason why, const char* kind, std::size_t requested, std::size_t alignment,
                          std::size_t limit) noexcept {
    if (why == exhaustion_reason::frame_limit) limit = config.frame_limit;
    if (why == exhaustion_reason::global_limit) limit = config.global_limit;
    if (why == exhaustion_reason::fixed_memory) limit = config.fixed_bytes;
    const thread_context* c = context_of_caller(*this);
    place_text where;
    const site asked = os::own_call(c == nullptr ? site{} : c->probes.place());
    const exhaustion e{.reason = why,
                       .kind = kind,
                       .requested = requested,
                       .alignment = alignment,
                       .in_use = pages.committed(),
                       .limit = limit,
                       .allocator = config.name,
                       .tag = c == nullptr ? "" : c->tag()->node->path,
                       .where = asked,
                       .code_place = where.of(asked)};
    if (config.on_exhaustion && handler_scope::may_call()) {
        const user_code allowing(context_of_caller(*this));  // it may free what the allocator has
        const handler_scope in_handler;
        if (config.on_exhaustion(e)) return;
    }
    print_exhaustion(e);
    std::abort();
}

}  // namespace framealloc::inline v1::memory
