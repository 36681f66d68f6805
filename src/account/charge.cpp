// Peaks as they rise, what other threads give back, and the log of what frames were charged for, as it grows.
#include <framealloc/detail/account/charge.hpp>

#include <algorithm>
#include <cstring>

namespace framealloc::inline v1::account {

namespace {

bool beyond(const high_water& w, std::uint64_t bytes, std::size_t tolerance) noexcept {
    return static_cast<std::int64_t>(bytes) > static_cast<std::int64_t>(w.certain.get() + tolerance);
}

// It is known that nothing has come back unnoticed.
FRAMEALLOC_INLINE void raise_certain(high_water& w, std::uint64_t now) noexcept {
    if (w.is_below(now)) w.reported.set(now);
    else if (!beyond(w, now, 0)) return;
    w.certain.set(now);
}

// Asks only where a peak may turn out too high: each time either it rises by more than the tolerance, or more than that
// came back. Returns: whether it is certain now.
bool raise(high_water& w, const sync::owner_counter& live, std::uint64_t bytes, late_returns* late) noexcept {
    if (late != nullptr && !beyond(w, live.get() + bytes, late->tolerance)) {
        if (w.is_below(live.get() + bytes)) w.reported.set(live.get() + bytes);
        return false;
    }
    if (late != nullptr) late->notice(*late);
    raise_certain(w, live.get() + bytes);
    return true;
}

// Seldom is there any: the exchange would cost each parent's line.
void take_off(sync::owner_counter& live, sync::atomic<std::uint64_t>& away) noexcept {
    if (away.load_relaxed() != 0) live.subtract(away.exchange_acquire(0));  // pairs: none; a statistic
}

std::int64_t less(const sync::owner_counter& live, const sync::atomic<std::uint64_t>& away) noexcept {
    const std::uint64_t gone = away.load_relaxed();  // relaxed: a statistic
    return static_cast<std::int64_t>(live.get() - gone);
}

}  // namespace

void charge_entry::refund_elsewhere(std::uint64_t bytes) noexcept {
    if (late != nullptr) late->returns_elsewhere.store_relaxed(true);  // relaxed: a statistic, here and below
    heap_refunded.add_relaxed(bytes);  // relaxed: as above
    away.add_relaxed(bytes);  // relaxed: as above
    for (charge_entry* e = this; e != nullptr; e = e->parent) e->tree_away.add_relaxed(bytes);  // relaxed: as above
}

std::uint64_t charge_entry::room_below_peaks() const noexcept {
    auto room = static_cast<std::int64_t>(peak.get() - live.get());
    for (const charge_entry* e = this; e != nullptr; e = e->parent)
        room = std::min(room, static_cast<std::int64_t>(e->tree_peak.get() - e->tree_live.get()));
    return room > 0 ? static_cast<std::uint64_t>(room) : 0;
}

void charge_entry::reset_peaks() noexcept {
    peak.begin(less(live, away));
    tree_peak.begin(less(tree_live, tree_away));
}

void charge_entry::rise(std::uint64_t bytes) noexcept {
    take_off(live, away);
    bool certain = raise(peak, live, bytes, late);
    charge_entry* e = this;
    for (; e != nullptr && !certain; e = e->parent) {
        take_off(e->tree_live, e->tree_away);
        certain = raise(e->tree_peak, e->tree_live, bytes, late);
    }
    for (; e != nullptr; e = e->parent) {
        take_off(e->tree_live, e->tree_away);
        raise_certain(e->tree_peak, e->tree_live.get() + bytes);
    }
}

void charge_entry::add_above(charge_entry* from, std::uint64_t bytes) noexcept {
    take_off(live, away);
    bool certain = raise(peak, live, 0, late);
    for (charge_entry* e = this; e != from; e = e->parent) {
        take_off(e->tree_live, e->tree_away);
        certain = raise(e->tree_peak, e->tree_live, 0, certain ? nullptr : late) || certain;
    }
    charge_entry* e = from;
    const bool plain = late != nullptr && !late->returns_elsewhere.load_relaxed();  // relaxed: a statistic
    for (; e != nullptr && !(certain && plain); e = e->parent) {
        e->tree_live.add(bytes);
        take_off(e->tree_live, e->tree_away);
        certain = raise(e->tree_peak, e->tree_live, 0, certain ? nullptr : late) || certain;
    }
    for (; e != nullptr; e = e->parent) {
        const std::uint64_t now = e->tree_live.get() + bytes;
        e->tree_live.set(now);
        raise_certain(e->tree_peak, now);
    }
}

bool charge_log::grow(os::metadata& memory, exhaustion_reason& why) noexcept {
    const std::uint32_t wanted = capacity_ == 0 ? 64 : capacity_ * 2;
    auto* wider = memory.allocate_array<charge_record>(wanted, why);
    if (wider == nullptr) return false;
    if (size_ != 0) std::memcpy(wider, records_, size_ * sizeof(charge_record));
    memory.deallocate(records_, capacity_ * sizeof(charge_record));
    records_ = wider;
    capacity_ = wanted;
    return true;
}

}  // namespace framealloc::inline v1::account
