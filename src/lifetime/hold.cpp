// Holds of frames: counted by frame, released on any thread.
#include <framealloc/lifetime/hold.hpp>

#include <framealloc/detail/lifetime/flights.hpp>

#include <new>
#include <utility>

namespace framealloc::inline v1 {

using memory::core;
using memory::frame_record;
using memory::on_failure;
using memory::pending_always;
using memory::thread_context;
using lifetime::held_frame;

namespace {

// The counter of this opening of the frame. The list begins with the innermost frame; deeper ones have none.
held_frame* counter_of(thread_context& c, const frame_record& r, on_failure f) noexcept {
    held_frame** link = &lifetime::current_flight(c).held;
    while (*link != nullptr && (*link)->depth > r.depth) link = &(*link)->next;
    for (held_frame* h = *link; h != nullptr && h->depth == r.depth; h = h->next) {
        if (!h->moved_to_outer) return h;
    }
    exhaustion_reason why{};
    void* memory = nullptr;
    while ((memory = metadata_of(c).allocate(sizeof(held_frame), why)) == nullptr) {
        if (f == on_failure::return_null) return nullptr;
        owner_of(c).exhausted_metadata(why, sizeof(held_frame), alignof(held_frame));
    }
    auto* h = ::new (memory) held_frame{};
    h->depth = r.depth;
    h->next = *link;
    *link = h;
    return h;
}

const char* reason_to_refuse(const thread_context& c, const frame_record& r) noexcept {
    if (!belongs_to_caller(c))
        return "the frame is another thread's; take the hold on that thread and move it to the reader";
    return r.depth == 0 || r.depth > top_of(c)->depth ? "the frame is not open; take the hold before it ends" : nullptr;
}

}  // namespace

frame_hold::frame_hold(frame_record& r, const char* name, on_failure f) noexcept {
    thread_context& c = *r.context;
    if (const char* mistake = reason_to_refuse(c, r); mistake != nullptr) {
        memory::raise(c, {.what = code::FA441, .detail = mistake, .bytes = r.depth});
        return;
    }
    frame_ = counter_of(c, r, f);
    if (frame_ == nullptr) return;
    frame_->holder = name;
    frame_->holds.add_relaxed(1);  // relaxed: the frame's own thread looks next
    owner_ = reference_to(owner_of(c));
    add_pending(r, pending_always);
    retain_core(owner_);
}

frame_hold::frame_hold(frame_hold&& other) noexcept
    : frame_(std::exchange(other.frame_, nullptr)), owner_(std::exchange(other.owner_, {})) {}

frame_hold& frame_hold::operator=(frame_hold&& other) noexcept {
    if (this != &other) {
        release();
        frame_ = std::exchange(other.frame_, nullptr);
        owner_ = std::exchange(other.owner_, {});
    }
    return *this;
}

namespace {

// Debug: the frame has ended, and this was the last that held it. Its thread touches nothing of it before it sees the
// hold released.
void revoke(core& a, held_frame& h) noexcept {
    const std::size_t bytes = h.kept_bytes.load_acquire();  // pairs: offer_to_revoke()
    if (bytes == 0 || h.holds.load_acquire() != 1) return;  // pairs: another release()
    h.revoked = system_of(a).withdraw(pointer_at(h.kept->begin), bytes);
}

}  // namespace

void frame_hold::release() noexcept {
    if (frame_ == nullptr) return;
    revoke(*owner_.owner, *frame_);
    std::exchange(frame_, nullptr)->holds.subtract_acq_rel(1);  // pairs: held_frame::is_held(), after which it is freed
    release_core(std::exchange(owner_, {}));
}

}  // namespace framealloc::inline v1
