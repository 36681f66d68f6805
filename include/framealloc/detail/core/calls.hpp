// The call that is being served: its place, for reports, and what its thread is doing meanwhile.
#pragma once

#include <framealloc/detail/core/context.hpp>

namespace framealloc::inline v1::memory {

// While the thread does this in its allocator. Only a guarded thread's is noted.
class activity_scope {
public:
    FRAMEALLOC_INLINE activity_scope(thread_context* c, activity a) noexcept {
        if (c == nullptr || !c->probes.guarded()) return;
        context_ = c;
        before_ = c->probes.doing();
        c->probes.set_doing(a);
    }
    activity_scope(const activity_scope&) = delete;
    activity_scope& operator=(const activity_scope&) = delete;
    FRAMEALLOC_INLINE ~activity_scope() {
        if (context_ != nullptr) context_->probes.set_doing(before_);
    }

private:
    thread_context* context_ = nullptr;
    activity before_ = activity::none;
};

// While code of the program runs inside a call: a handler, an observer, a finaliser. What it asks for are calls with
// places of their own; the interrupted call has its place back afterwards. Every callback is called under one.
class user_code {
public:
    FRAMEALLOC_INLINE explicit user_code(thread_context* c, activity a = activity::none) noexcept {
        if (c == nullptr || !c->probes.any()) return;
        begin(*c, a);
    }
    user_code(const user_code&) = delete;
    user_code& operator=(const user_code&) = delete;
    FRAMEALLOC_INLINE ~user_code() {
        if (context_ != nullptr) end();
    }

private:
    FRAMEALLOC_COLD void begin(thread_context& c, activity a) noexcept;
    FRAMEALLOC_COLD void end() noexcept;

    thread_context* context_ = nullptr;
    site place_;
    activity before_ = activity::none;
};

// While a handler of the program's runs. What it does may call a handler once more; what happens inside that one calls
// none.
class handler_scope {
public:
    handler_scope() noexcept { ++FRAMEALLOC_SLOT.handlers; }
    handler_scope(const handler_scope&) = delete;
    handler_scope& operator=(const handler_scope&) = delete;
    ~handler_scope() { --FRAMEALLOC_SLOT.handlers; }
    static bool may_call() noexcept { return FRAMEALLOC_SLOT.handlers < 2; }
};

// Where a call that cannot say its line is: the instruction that calls this. Requires: inlined into the user's code.
FRAMEALLOC_COLD site calling_code() noexcept;

// False after FA436, when the call interrupts another one of this thread.
FRAMEALLOC_COLD bool may_interrupt(thread_context& c, const site& where) noexcept;
inline bool may_call(thread_context& c, const site& where) noexcept {
    return c.probes.doing() == activity::none || may_interrupt(c, where);
}

// An allocation that took a slow path, while it is served. If it did not say its place, the instruction it returns to
// is noted where somebody will ask.
class served_call {
public:
    served_call(thread_context& c, const void* returns_to) noexcept {
        if (c.probes.any()) [[unlikely]]
            begin(c, returns_to);
    }
    ~served_call() {
        if (context_ != nullptr) context_->probes.forget_place();
    }
    served_call(const served_call&) = delete;
    served_call& operator=(const served_call&) = delete;
    // False after FA436: it is refused.
    bool admitted() const noexcept { return admitted_; }

private:
    FRAMEALLOC_COLD void begin(thread_context& c, const void* returns_to) noexcept;

    thread_context* context_ = nullptr;  // while blocks are guarded
    bool admitted_ = true;
};

// A mistake in the call that is being served: the fault has its place.
FRAMEALLOC_COLD void raise(thread_context& c, fault f) noexcept;

}  // namespace framealloc::inline v1::memory
