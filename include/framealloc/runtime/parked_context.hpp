// A thread's frames, tags and arena on their way to another thread: for fibers and coroutines that change threads with
// a frame open.
//
//   auto parked = alloc.park();                  // on the thread that suspends the fiber; it goes on with a context of
//   its own
//   …                                            // the scheduler moves the fiber
//   alloc.resume(std::move(parked));             // on the thread that goes on with it: frames, scopes and memory are
//   as they were
//
// What is parked belongs to nobody: allocating from its frames or ending them meanwhile is FA212 (in minimal too, since
// it would race). A context that is dropped ends its frames: FA428 when there were any.
// Cost: some hundred instructions and the lock of the idle contexts. Threads: any may resume; one at a time has it.
#pragma once

#include <utility>

#include <framealloc/detail/core/context.hpp>

namespace framealloc::inline v1 {

class [[nodiscard]] parked_context {
public:
    // Effects: takes over what the other has parked; what the target had is dropped. Threads: one at a time. Cost:
    // O(1), and the destructors of what is dropped.
    parked_context() noexcept = default;
    parked_context(parked_context&& other) noexcept
        : owner_(std::exchange(other.owner_, {})), context_(std::exchange(other.context_, nullptr)) {}
    parked_context& operator=(parked_context&& other) noexcept {
        if (this == &other) return *this;
        drop();
        owner_ = std::exchange(other.owner_, {});
        context_ = std::exchange(other.context_, nullptr);
        return *this;
    }
    ~parked_context() { drop(); }

    // Returns: whether something is parked. Cost: O(1).
    explicit operator bool() const noexcept { return context_ != nullptr; }

private:
    template <class>
    friend class basic_smart_alloc;
    explicit parked_context(const memory::core_ref& a) noexcept;
    bool resume(const memory::core_ref& a) noexcept;
    void drop() noexcept;

    memory::core_ref owner_{};  // a handle
    memory::thread_context* context_ = nullptr;
};

}  // namespace framealloc::inline v1
