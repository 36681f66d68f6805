// Calls that interrupt another one of their thread.
#include <framealloc/detail/core/calls.hpp>

#include <framealloc/detail/core/allocator.hpp>

namespace framealloc::inline v1::memory {

site calling_code() noexcept { return site::of_caller(__builtin_return_address(0)); }

bool may_interrupt(thread_context& c, const site& where) noexcept {
    const bool interrupts = c.probes.doing() == activity::changing;
    const char* detail = interrupts ? "it interrupts another call on this thread and is refused"
                                    : "in a fault handler of the same allocator";
    c.owner->raise({.what = code::FA436, .detail = detail, .where = where});
    return !interrupts;
}

void user_code::begin(thread_context& c, activity a) noexcept {
    context_ = &c;
    place_ = c.probes.take_place();
    before_ = c.probes.doing();
    if (c.probes.guarded()) c.probes.set_doing(a);
}

void user_code::end() noexcept {
    context_->probes.note_place(place_);
    context_->probes.set_doing(before_);
}

void served_call::begin(thread_context& c, const void* returns_to) noexcept {
    if (!c.probes.guarded()) {
        if (c.probes.armed()) c.probes.note_place(site::of_caller(returns_to));
        return;
    }
    context_ = &c;
    if (!c.probes.has_place()) c.probes.note_place(site::of_caller(returns_to));
    admitted_ = !belongs_to_caller(c) || may_call(c, c.probes.place());
}

void raise(thread_context& c, fault f) noexcept {
    f.where = c.probes.place();
    c.owner->raise(f);
}

}  // namespace framealloc::inline v1::memory
