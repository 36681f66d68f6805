#include <framealloc/lifetime/hold.hpp>

#include <utility>

namespace framealloc::inline FRAMEALLOC_ABI {

using namespace memory;

frame_hold::frame_hold(thread_context& c, const char* name) noexcept : slot_(c.flight), owner_{c.owner, c.owner->id} {
    __atomic_fetch_add(&slot_->holds, 1U, __ATOMIC_RELAXED);  // relaxed: the frame's own thread looks next
    slot_->holder = name;
    add_pending(c.records[1], pending_always);
    retain_core(owner_);
}

frame_hold::frame_hold(frame_hold&& other) noexcept
    : slot_(std::exchange(other.slot_, nullptr)), owner_(std::exchange(other.owner_, {})) {}

frame_hold& frame_hold::operator=(frame_hold&& other) noexcept {
    if (this != &other) {
        release();
        slot_ = std::exchange(other.slot_, nullptr);
        owner_ = std::exchange(other.owner_, {});
    }
    return *this;
}

void frame_hold::release() noexcept {
    if (slot_ == nullptr) return;
    __atomic_fetch_sub(&slot_->holds, 1U, __ATOMIC_RELEASE);  // pairs: holds() in frame.cpp
    slot_ = nullptr;
    release_core(std::exchange(owner_, {}));
}

}  // namespace framealloc::inline FRAMEALLOC_ABI
