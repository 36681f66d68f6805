// Checkpoints and rollbacks of a thread's open frames.
#include <framealloc/detail/lifetime/state.hpp>

#include <cstring>

namespace framealloc::inline v1::lifetime {

bool mark_stack::widen(os::metadata& meta, exhaustion_reason& why) noexcept {
    auto* wider = static_cast<frame_mark*>(meta.allocate(bytes_wanted(), why));
    if (wider == nullptr) return false;
    const auto capacity = static_cast<std::uint32_t>(bytes_wanted() / sizeof(frame_mark));
    if (size_ != 0) std::memcpy(wider, marks_, size_ * sizeof(frame_mark));
    meta.deallocate(marks_, capacity_ * sizeof(frame_mark));
    marks_ = wider;
    capacity_ = capacity;
    return true;
}

void rolled_births::merge_oldest() noexcept {
    ranges_[0].to = ranges_[1].to;
    ranges_[0].mixed = true;
    std::memmove(ranges_ + 1, ranges_ + 2, (most - 2) * sizeof(range));
    --count_;
}

bool rolled_births::find(std::uint32_t depth, std::uint64_t birth) const noexcept {
    for (std::uint32_t i = 0; i < count_; ++i) {
        const range& r = ranges_[i];
        if (r.depth != depth && !(r.mixed && r.depth < depth)) continue;
        if (birth >= r.from && birth < r.to) return true;
    }
    return false;
}

}  // namespace framealloc::inline v1::lifetime
