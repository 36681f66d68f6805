// A hash table of blocks, apart from the blocks.
#include <framealloc/detail/guard/block_table.hpp>

namespace framealloc::inline v1::guard {

namespace {
constexpr std::size_t first_slots = 1024;
}

std::size_t block_table::slot_of(std::uintptr_t address) const noexcept {
    const std::size_t mask = slots_.size() - 1;
    std::size_t i = static_cast<std::size_t>((address >> hash_low_bits) * hash_multiplier >> hash_shift) & mask;
    while (slots_[i].address != 0 && slots_[i].address != address) i = (i + 1) & mask;
    return i;
}

// At most two thirds are used. Freed blocks are dropped first: when it is half of all, the table need not grow.
bool block_table::make_room() noexcept {
    if (slots_.size() != 0 && (used_ + 1) * 3 <= slots_.size() * 2) return true;
    std::size_t live = 0;
    for (const block_record& r : slots_) live += r.address != 0 && r.state == block_state::live ? 1U : 0U;
    const bool crowded = live * 3 > slots_.size();
    block_table wider;
    if (!wider.slots_.make_zeroed(slots_.size() == 0 ? first_slots : crowded ? slots_.size() * 2 : slots_.size()))
        return false;
    for (const block_record& r : slots_) {
        if (r.address == 0 || (!crowded && r.state != block_state::live)) continue;
        wider.slots_[wider.slot_of(r.address)] = r;
        ++wider.used_;
    }
    slots_.release();
    slots_ = wider.slots_;
    used_ = wider.used_;
    return true;
}

bool block_table::enter(const block_record& r) noexcept {
    const sync::lock_guard guard(lock_);
    if (!make_room()) return false;
    block_record& slot = slots_[slot_of(r.address)];
    if (slot.address == 0) ++used_;
    slot = r;
    return true;
}

bool block_table::find(std::uintptr_t address, block_record& out) const noexcept {
    const sync::lock_guard guard(lock_);
    if (slots_.size() == 0) return false;
    out = slots_[slot_of(address)];
    return out.address != 0;
}

bool block_table::kill(std::uintptr_t address, const site& where, std::uint64_t frame, std::uint64_t thread,
                       block_record& before) noexcept {
    const sync::lock_guard guard(lock_);
    if (slots_.size() == 0) return false;
    block_record& r = slots_[slot_of(address)];
    before = r;
    if (r.address == 0) return false;
    if (r.state != block_state::live) return true;
    r.state = block_state::freed;
    r.died = where;
    r.died_in = frame;
    r.died_on = thread;
    return true;
}

void block_table::mark_reused(std::uintptr_t address) noexcept {
    const sync::lock_guard guard(lock_);
    if (slots_.size() == 0) return;
    block_record& r = slots_[slot_of(address)];
    if (r.address != 0 && r.state == block_state::freed) r.state = block_state::reused;
}

bool block_table::containing(std::uintptr_t p, block_record& out) const noexcept {
    const sync::lock_guard guard(lock_);
    for (std::size_t i = 0; i < slots_.size(); ++i) {
        const block_record& r = slots_[i];
        if (r.address == 0 || r.state == block_state::reused || p < r.address || p >= r.address + r.bytes) continue;
        if (out.address == 0 || r.state == block_state::live) out = r;
    }
    return out.address != 0;
}

}  // namespace framealloc::inline v1::guard
