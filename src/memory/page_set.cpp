// Pages on their way: set up, carved, listed, empty.
#include <framealloc/detail/memory/page_set.hpp>

#include <framealloc/detail/memory/remote_blocks.hpp>

namespace framealloc::inline v1::memory {

constinit const pool_page nothing_installed{};

void set_up(pool_page& p, std::uint64_t key, const page_view& what, unsigned size_class, slot_layout layout) noexcept {
    p.set_key(key);
    p.free = nullptr;
    p.came_home = nullptr;
    p.set_view(what);
    const std::uint32_t slot = layout.slot_bytes(what.block);
    p.carved = layout.first_slot(what.block);
    p.end = p.carved + layout.slots_in_page(what.block) * slot;
    p.size_class = static_cast<std::uint8_t>(size_class);
    p.listed = false;
    p.missing = 0;
}

std::uint32_t next_step(const pool_page& p, slot_layout layout) noexcept {
    const std::uint32_t slot = layout.slot_bytes(p.block);
    std::uint32_t last = p.carved + first_step / slot * slot;
    // What is accessible first, behind the header say, where that holds any.
    if (last > p.accessible && p.accessible >= p.carved + slot)
        last = p.carved + (p.accessible - p.carved) / slot * slot;
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

// What add_to() reads changes: until the end it finds the version odd, and then another one. What is stored meanwhile
// is a release, so that nobody sees it before.
FRAMEALLOC_INLINE void page_lists::begin_change() noexcept {
    version_.store_relaxed(version_.load_relaxed() + 1);  // relaxed: see above; only the owner writes
}
FRAMEALLOC_INLINE void page_lists::end_change() noexcept {
    version_.store_release(version_.load_relaxed() + 1);  // pairs: changed_since(); relaxed: as above
}

bool page_lists::changed_since(std::uint32_t version) const noexcept {
    return version_.load_acquire() != version;  // pairs: end_change()
}

void page_lists::make_current(pool_page& p) noexcept {
    begin_change();
    sync::store_release(classes_, classes_ | std::uint64_t{1} << p.size_class);  // pairs: add_to()
    sync::store_release(pages_[p.size_class], pages_[p.size_class] + 1);  // pairs: as above
    become_current(p, p.size_class);
    end_change();
}

FRAMEALLOC_INLINE void page_lists::become_current(pool_page& p, unsigned size_class) noexcept {
    owner_increment(p.allocations);  // the page itself counts as one block, so that it is never empty while current
    owner_increment(p.charged);
    sync::store_release(p.current, true);  // pairs: pool_page::used()
    sync::store_release(current_[size_class], &p);  // pairs: add_to()
}

void page_lists::leave_current(pool_page& p, std::uint32_t missing) noexcept {
    begin_change();
    if (missing != 0) [[unlikely]]
        set_missing(p, missing);
    sync::store_release(p.current, false);  // pairs: pool_page::used()
    owner_increment(p.frees);
    sync::store_release(current_[p.size_class], nullptr);  // pairs: add_to()
    p.set_key(closed_key);
    end_change();
}

void page_lists::list(pool_page& p, std::uint64_t key) noexcept {
    if (p.missing != 0) [[unlikely]]
        return list_incomplete(p, key);
    begin_change();
    put_first(p, key);
    end_change();
}

void page_lists::list_incomplete(pool_page& p, std::uint64_t key) noexcept {
    begin_change();
    set_missing(p, 0);
    put_first(p, key);
    end_change();
}

FRAMEALLOC_INLINE void page_lists::put_first(pool_page& p, std::uint64_t key) noexcept {
    p.set_key(key);
    p.listed = true;
    pool_page* const next = room_[p.size_class];
    if (next != nullptr) next->before = number_of(p);
    sync::store_release(p.next, next);  // pairs: add_to()
    sync::store_release(room_[p.size_class], &p);  // pairs: as above
}

pool_page* page_lists::take_listed(unsigned size_class) noexcept {
    pool_page* const p = room_[size_class];
    if (p == nullptr) return nullptr;
    begin_change();
    pool_page* const next = p->next;
    if (next != nullptr) next->before = 0;
    sync::store_release(room_[size_class], next);  // pairs: add_to()
    p->listed = false;
    become_current(*p, size_class);
    end_change();
    return p;
}

void page_lists::take_off(pool_page& p) noexcept {
    pool_page* const next = p.next;
    if (next != nullptr) next->before = p.before;
    sync::store_release(p.before == 0 ? room_[p.size_class] : page_numbered(p.before).next, next);  // pairs: add_to()
    p.before = 0;  // which is also: none is missing
    p.listed = false;
}

void page_lists::drop(pool_page& p) noexcept {
    begin_change();
    if (p.listed) take_off(p);
    else if (p.missing != 0) set_missing(p, 0);
    sync::store_release(pages_[p.size_class], pages_[p.size_class] - 1);  // pairs: add_to()
    end_change();
}

void page_lists::set_missing(pool_page& p, std::uint32_t blocks) noexcept {
    const std::int64_t more = std::int64_t{blocks} - p.missing;
    p.missing = blocks;
    sync::store_release(missing_, missing_ + static_cast<std::uint64_t>(more));  // pairs: add_to()
    sync::store_release(missing_bytes_,
                        missing_bytes_ + static_cast<std::uint64_t>(more * p.block));  // pairs: as above
}

void page_lists::note_freed(pool_page& p) noexcept {
    if (p.current || p.listed) return owner_increment(p.frees);
    begin_change();
    owner_increment(p.frees);
    set_missing(p, p.missing + 1);
    end_change();
}

std::uint32_t page_lists::take_back(pool_page& p) noexcept {
    begin_change();
    const std::uint32_t count = collect(p);
    if (!p.current && !p.listed) set_missing(p, p.missing + count);
    handed_over_.subtract_acq_rel(count);  // pairs: add_to()
    handed_over_bytes_.subtract_acq_rel(std::uint64_t{count} * p.block);  // pairs: as above
    end_change();
    return count;
}

bool page_lists::add_to(page_use& sum, slot_layout layout) const noexcept {
    const std::uint32_t version = version_.load_acquire();  // pairs: end_change()
    if (version % 2 != 0) return false;
    // First: what is counted here is among the blocks below until it is taken back.
    std::uint64_t blocks = 0 - handed_over_.load_acquire() - sync::load_acquire(missing_);  // pairs: take_back()
    std::uint64_t bytes = 0 - handed_over_bytes_.load_acquire() -
                          sync::load_acquire(missing_bytes_);  // pairs: as above
    std::uint64_t uncharged = 0;
    for (std::uint64_t left = sync::load_acquire(classes_); left != 0; left &= left - 1) {  // pairs: make_current()
        const auto k = static_cast<unsigned>(std::countr_zero(left));
        std::uint64_t closed = sync::load_acquire(pages_[k]), out = 0;  // pairs: make_current(), drop()
        const auto look_at = [&](const pool_page& p) {
            --closed;
            out += static_cast<std::uint64_t>(static_cast<std::int32_t>(p.used()));  // below zero for a moment
            uncharged += p.uncharged();
        };
        if (const pool_page* p = sync::load_acquire(current_[k])) look_at(*p);  // pairs: become_current()
        const pool_page* p = sync::load_acquire(room_[k]);  // pairs: list()
        while (p != nullptr) {
            if (changed_since(version)) return false;  // it may be in another list by now
            look_at(*p);
            p = sync::load_acquire(p->next);  // pairs: list()
        }
        out += closed * layout.slots_in_page(class_size(k));
        blocks += out;
        bytes += out * class_size(k);
    }
    if (changed_since(version)) return false;
    sum.blocks += static_cast<std::int64_t>(blocks) > 0 ? blocks : 0;
    sum.bytes += static_cast<std::int64_t>(bytes) > 0 ? bytes : 0;
    sum.uncharged += uncharged;
    return true;
}

void page_set::open() noexcept {
    for (auto& kind : installed_) {
        for (pool_page*& p : kind) p = no_page();
    }
}

void page_set::uninstall(const pool_page& p, std::uint64_t classes) noexcept {
    const unsigned kind = index_of(p.kind);
    for (std::uint64_t set = classes_[kind] & classes; set != 0; set &= set - 1) {
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
    sync::store_relaxed(p.next, empty_);  // relaxed: page_lists::add_to() takes nothing of it
    empty_ = &p;
    ++empty_count_;
}

}  // namespace framealloc::inline v1::memory
