// Calls that interrupt another one of their thread.
#include <framealloc/core/calls.hpp>

#include <framealloc/core/allocator.hpp>

namespace framealloc::inline v1::memory {

site calling_code() noexcept { return site::of_caller(__builtin_return_address(0)); }

bool may_interrupt(thread_context& c, const site& where) noexcept {
    const bool interrupts = c.probes.doing() == activity::changing;
    const char* detail = interrupts ? "the call interrupts another one of this thread; it is refused"
                                    : "in a fault handler of the same allocator";
    c.owner->raise(code::FA436, detail, nullptr, 0, where);
    return !interrupts;
}

}  // namespace framealloc::inline v1::memory
