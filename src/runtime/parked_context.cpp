// A thread's context that leaves its thread and continues on another.
#include <framealloc/runtime/parked_context.hpp>

#include <framealloc/detail/core/core.hpp>
#include <framealloc/detail/core/leave.hpp>

namespace framealloc::inline v1 {

parked_context::parked_context(const memory::core_ref& a) noexcept : owner_(a), context_(memory::park_caller(a)) {
    memory::retain_core(a);
}

bool parked_context::resume(const memory::core_ref& a) noexcept {
    const char* mistake = context_ == nullptr ? "resume of an empty context"
                          : owner_.id != a.id ? "resume of another allocator's context"
                                              : nullptr;
    if (mistake == nullptr && !memory::unpark(a, *context_)) mistake = "resume on a thread with an open frame or scope";
    if (mistake != nullptr) {
        a.owner->raise({.what = code::FA212, .detail = mistake});
        return false;
    }
    context_ = nullptr;
    memory::release_core(std::exchange(owner_, {}));  // not the last: `a` is one
    return true;
}

void parked_context::drop() noexcept {
    if (context_ == nullptr) return;
    memory::abandon_parked(*std::exchange(context_, nullptr));
    memory::release_core(std::exchange(owner_, {}));
}

}  // namespace framealloc::inline v1
