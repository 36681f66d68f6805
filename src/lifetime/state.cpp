// Checkpoints and rollbacks of a thread's open frames, and the order of what they destroy.
#include <framealloc/detail/lifetime/finaliser.hpp>
#include <framealloc/detail/lifetime/state.hpp>

#include <algorithm>
#include <cstddef>
#include <cstring>

namespace framealloc::inline v1::lifetime {

bool mark_stack::widen(os::metadata& meta, exhaustion_reason& why) noexcept {
    auto* wider = static_cast<frame_mark*>(meta.allocate(bytes_wanted(), why));
    if (wider == nullptr) return false;
    const std::size_t wanted = bytes_wanted() / sizeof(frame_mark);
    if (first_ != end_) std::memcpy(wider, first_, size() * sizeof(frame_mark));
    meta.deallocate(first_, capacity() * sizeof(frame_mark));
    end_ = wider + size();
    first_ = wider;
    limit_ = wider + wanted;
    return true;
}

frame_mark* mark_stack::past(std::uint64_t serial) const noexcept {
    return std::upper_bound(first_, end_, serial, [](std::uint64_t s, const frame_mark& m) { return s < m.serial; });
}

frame_mark* mark_stack::find(std::uint64_t serial) noexcept {
    frame_mark* m = past(serial);
    return m != first_ && m[-1].serial == serial ? m - 1 : nullptr;
}

bool rolled_births::find(std::uint32_t depth, std::uint64_t birth) const noexcept {
    for (std::uint32_t i = 0; i < count_; ++i) {
        const range& r = at(i);
        if (r.depth != depth && !(r.mixed && r.depth < depth)) continue;
        if (birth >= r.from && birth < r.to) return true;
    }
    return false;
}

namespace {

// The one whose `next` this is.
finaliser* before(finaliser** link) noexcept { return reinterpret_cast<finaliser*>(link); }
static_assert(offsetof(finaliser, next) == 0);

}  // namespace

finaliser** place_behind_younger(frame_record* r, std::uint64_t mark) noexcept {
    finaliser_place& known = state_of(*r->context).behind;
    finaliser** at = &r->finalisers;
    if (known.node.link != nullptr && known.record == r) {
        at = known.node.mark > mark ? &known.node.next : known.node.link;
        while (at != &r->finalisers && before(at)->mark <= mark) at = before(at)->link;
    }
    while (*at != nullptr && (*at)->mark > mark) at = &(*at)->next;
    if (at == &known.node.next) return at;
    forget_place(*r->context);
    known.node = {*at, at, nullptr, mark + 1};
    known.record = r;
    if (known.node.next != nullptr) known.node.next->link = &known.node.next;
    return &(*at = &known.node)->next;
}

void forget_place(thread_context& c) noexcept {
    finaliser& node = state_of(c).behind.node;
    if (node.link == nullptr) return;
    remove_finaliser(&node);
    node.link = nullptr;
}

}  // namespace framealloc::inline v1::lifetime
