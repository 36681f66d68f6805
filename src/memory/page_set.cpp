// Pages on their way: set up, carved, listed, empty.
#include <framealloc/detail/memory/page_set.hpp>

namespace framealloc::inline v1::memory {

constinit const pool_page nothing_installed{};

void set_up(pool_page& p, std::uint64_t key, const page_view& what, unsigned size_class, slot_layout layout) noexcept {
    p.set_key(key);
    p.free = nullptr;
    p.came_home = nullptr;
    p.set_view(what);
    const std::uint32_t slot = layout.slot_bytes(what.block);
    p.carved = layout.first_slot(what.block);
    p.end = p.carved + (static_cast<std::uint32_t>(page_bytes) - p.carved) / slot * slot;
    p.size_class = static_cast<std::uint8_t>(size_class);
    p.listed = false;
    p.next = nullptr;
}

std::uint32_t next_step(const pool_page& p, slot_layout layout) noexcept {
    const std::uint32_t slot = layout.slot_bytes(p.block);
    std::uint32_t last = p.carved + first_step / slot * slot;
    if (last == p.carved) last = p.carved + slot;
    return last > p.end ? p.end : last;
}

bool make_accessible(pool_page& p, std::uint32_t last, os::page_ledger& ledger, exhaustion_reason& why) noexcept {
    if (last <= p.accessible) return true;
    // Doubling keeps the requests few; the last page of a slab of its own is all there is to waste.
    std::uint32_t wanted = p.accessible * 2;
    if (wanted < last) wanted = static_cast<std::uint32_t>(align_up(last, step_bytes(ledger)));
    if (wanted > page_bytes) wanted = static_cast<std::uint32_t>(page_bytes);
    if (!ledger.commit(pointer_at(address_of(&p) + p.accessible), wanted - p.accessible, why)) return false;
    p.accessible = wanted;
    return true;
}

std::uint32_t carve(pool_page& p, std::uint32_t last, slot_layout layout) noexcept {
    const std::uintptr_t base = address_of(&p);
    const std::uint32_t slot = layout.slot_bytes(p.block);
    void* next = p.free;
    for (std::uint32_t at = last; at > p.carved; at -= slot) {
        void* block = pointer_at(base + at - slot);
        *static_cast<void**>(block) = next;
        next = block;
    }
    p.free = next;
    const std::uint32_t first = p.carved;
    p.carved = last;
    return first;
}

void page_lists::make_current(pool_page& p) noexcept {
    owner_increment(p.allocations);  // the page itself counts as one block, so that it is never empty while current
    owner_increment(p.charged);
    sync::store_relaxed(p.current, true);  // relaxed: see used()
    current_[p.size_class] = &p;
}

void page_lists::leave_current(pool_page& p) noexcept {
    sync::store_relaxed(p.current, false);  // relaxed: see used()
    owner_increment(p.frees);
    current_[p.size_class] = nullptr;
    p.set_key(closed_key);
}

void page_lists::list(pool_page& p, std::uint64_t key) noexcept {
    p.set_key(key);
    p.listed = true;
    p.next = room_[p.size_class];
    room_[p.size_class] = &p;
}

void page_lists::unlist(pool_page& p) noexcept {
    pool_page** link = &room_[p.size_class];
    while (*link != &p) link = &(*link)->next;
    *link = p.next;
    p.listed = false;
}

pool_page* page_lists::take_listed(unsigned size_class) noexcept {
    pool_page* p = room_[size_class];
    if (p == nullptr) return nullptr;
    room_[size_class] = p->next;
    p->listed = false;
    return p;
}

void page_set::open() noexcept {
    for (auto& kind : installed_) {
        for (pool_page*& p : kind) p = no_page();
    }
}

void page_set::uninstall(const pool_page& p) noexcept {
    const unsigned kind = index_of(p.kind);
    for (std::uint64_t set = classes_[kind]; set != 0; set &= set - 1) {
        const int size_class = std::countr_zero(set);
        if (installed_[kind][size_class] != &p) continue;
        installed_[kind][size_class] = no_page();
        classes_[kind] &= ~(std::uint64_t{1} << size_class);
    }
}

void page_set::link(pool_page& p) noexcept {
    p.next_all = all_;
    p.link_all = &all_;
    if (all_ != nullptr) all_->link_all = &p.next_all;
    all_ = &p;
}

void page_set::unlink(pool_page& p) noexcept {
    if (p.link_all == nullptr) return;
    *p.link_all = p.next_all;
    if (p.next_all != nullptr) p.next_all->link_all = p.link_all;
    p.link_all = nullptr;
}

pool_page* page_set::take_empty() noexcept {
    pool_page* p = empty_;
    if (p == nullptr) return nullptr;
    empty_ = p->next;
    --empty_count_;
    return p;
}

void page_set::put_empty(pool_page& p) noexcept {
    p.next = empty_;
    empty_ = &p;
    ++empty_count_;
}

}  // namespace framealloc::inline v1::memory
