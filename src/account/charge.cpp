// Peaks as they rise, what other threads give back, and the log of what frames were charged for, as it grows.
#include <framealloc/detail/account/charge.hpp>

#include <cstring>

namespace framealloc::inline v1::account {

namespace {

bool beyond(const high_water& w, std::uint64_t bytes, std::size_t tolerance) noexcept {
    return static_cast<std::int64_t>(bytes) > static_cast<std::int64_t>(w.certain.get() + tolerance);
}

void raise(high_water& w, std::uint64_t bytes, bool certain) noexcept {
    if (w.is_below(bytes)) w.reported.set(bytes);
    if (certain && beyond(w, bytes, 0)) w.certain.set(bytes);
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
    heap_refunded.add_relaxed(bytes);  // relaxed: a statistic, here and below
    away.add_relaxed(bytes);  // relaxed: as above
    for (charge_entry* e = this; e != nullptr; e = e->parent) e->tree_away.add_relaxed(bytes);  // relaxed: as above
}

void charge_entry::reset_peaks() noexcept {
    peak.begin(less(live, away));
    tree_peak.begin(less(tree_live, tree_away));
}

void charge_entry::take_off_away() noexcept {
    take_off(live, away);
    for (charge_entry* e = this; e != nullptr; e = e->parent) take_off(e->tree_live, e->tree_away);
}

// The rest of what add_live() began.
void charge_entry::add_above(charge_entry* from, std::uint64_t bytes) noexcept {
    for (charge_entry* e = from; e != nullptr; e = e->parent) e->tree_live.add(bytes);
    raise_peak(0);
}

// Asks only where the peak may turn out too high: each time either it rises by more than the tolerance, or more than
// that came back.
void charge_entry::raise_peak(std::uint64_t bytes) noexcept {
    take_off_away();
    bool certain = late == nullptr;
    if (!certain) {
        bool asks = beyond(peak, live.get() + bytes, late->tolerance);
        for (const charge_entry* e = this; e != nullptr; e = e->parent)
            asks |= beyond(e->tree_peak, e->tree_live.get() + bytes, late->tolerance);
        if (asks) late->notice(*late);
        certain = asks;
    }
    raise(peak, live.get() + bytes, certain);
    for (charge_entry* e = this; e != nullptr; e = e->parent) raise(e->tree_peak, e->tree_live.get() + bytes, certain);
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
