// Large blocks: cut from regions, joined with their neighbours when they are freed.
#include <framealloc/detail/memory/large_heap.hpp>

#include <bit>
#include <new>

#include <framealloc/detail/base/align.hpp>
#include <framealloc/detail/guard/annotate.hpp>
#include <framealloc/detail/memory/heap_cache.hpp>
#include <framealloc/detail/sync/glimpse.hpp>

namespace framealloc::inline v1::memory {

constinit const heap_shelf no_shelf{};

struct heap_region {
    heap_region* next;
    std::size_t bytes;            // reserved, this header included
    std::uintptr_t committed;     // end of the accessible part
    std::uintptr_t top;           // end of the carved part
    heap_block* last;             // the block that ends at top
    std::uint64_t blocks;         // carved blocks in use
    std::uintptr_t written;       // nobody has written from here on
    std::size_t idle;             // bytes of it that idle_ counts
};

namespace {
constexpr std::size_t unit = 64;
constexpr std::size_t region_bytes = std::size_t{1} << 20;
constexpr std::size_t commit_step = 65536;
constexpr std::size_t smallest_block = 2 * unit;
static_assert(sizeof(heap_region) <= unit);
// What empty regions keep for the next block, beside a sixteenth of everything; and what the last of them may be alone.
constexpr std::size_t idle_floor = std::size_t{1} << 20;
constexpr std::size_t widest_kept = std::size_t{8} << 20;

std::size_t size_of(std::size_t bytes) noexcept { return heap_bin_bytes(heap_bin_for(bytes)); }
std::size_t committed_in(const heap_region& r) noexcept { return r.committed - address_of(&r); }
std::uintptr_t end_of(const heap_block* b) noexcept { return address_of(b) + b->bytes; }
heap_block* above(heap_block* b) noexcept {
    return end_of(b) == b->region->top ? nullptr : pointer_at<heap_block>(end_of(b));
}
}  // namespace

void large_heap::insert(heap_block* b) noexcept {
    const unsigned bin = heap_bin_floor(b->bytes);
    b->free = true;
    b->zero = false;  // it may have taken in what somebody wrote to
    b->previous_free = nullptr;
    b->next_free = bins_[bin];
    if (b->next_free != nullptr) b->next_free->previous_free = b;
    bins_[bin] = b;
    bits_[bin / 64] |= std::uint64_t{1} << (bin % 64);
}

void large_heap::remove(heap_block* b) noexcept {
    const unsigned bin = heap_bin_floor(b->bytes);
    if (b->next_free != nullptr) b->next_free->previous_free = b->previous_free;
    (b->previous_free != nullptr ? b->previous_free->next_free : bins_[bin]) = b->next_free;
    if (bins_[bin] == nullptr) bits_[bin / 64] &= ~(std::uint64_t{1} << (bin % 64));
    b->free = false;
}

const heap_block* large_heap::find(const void* p, heap_block& copy) noexcept {
    const sync::lock_guard guard(lock_);
    for (heap_region* r = regions_; r != nullptr; r = r->next) {
        if (address_of(p) <= address_of(r) || address_of(p) >= r->top) continue;
        for (heap_block* b = r->last; b != nullptr; b = b->below) {
            if (address_of(p) < address_of(b + 1)) continue;
            // The thread that has the block writes these without the lock
            copy.requested = sync::glimpse(b->requested);
            copy.tag_index = sync::glimpse(b->tag_index);
            copy.charged = sync::glimpse(b->charged);
            copy.free = b->free;
            return b;
        }
    }
    return nullptr;
}

heap_block* large_heap::take_free(std::size_t bytes) noexcept {
    const unsigned first = heap_bin_ceiling(bytes);
    for (unsigned word = first / 64; word < sizeof bits_ / sizeof bits_[0]; ++word) {
        std::uint64_t w = bits_[word];
        if (word == first / 64) w &= ~std::uint64_t{0} << (first % 64);
        if (w == 0) continue;
        heap_block* b = bins_[word * 64 + static_cast<unsigned>(std::countr_zero(w))];
        remove(b);
        return b;
    }
    return nullptr;
}

void large_heap::split(heap_block* b, std::size_t bytes) noexcept {
    if (b->bytes - bytes < smallest_block) return;
    heap_block* next = above(b);
    auto* rest = ::new (pointer_at(address_of(b) + bytes)) heap_block{};
    rest->bytes = b->bytes - bytes;
    rest->below = b;
    rest->region = b->region;
    b->bytes = bytes;
    if (next != nullptr) next->below = rest;
    else b->region->last = rest;
    put_back(rest);
}

bool large_heap::ensure_committed(heap_region& r, std::uintptr_t end, exhaustion_reason& why) noexcept {
    if (end <= r.committed) return true;
    const std::uintptr_t limit = address_of(&r) + r.bytes;
    const std::size_t step = pages_.granularity() > commit_step ? pages_.granularity() : commit_step;
    std::uintptr_t wanted = align_up(end, step);
    if (wanted > limit) wanted = limit;
    if (!pages_.commit(pointer_at(r.committed), wanted - r.committed, why)) return false;
    r.committed = wanted;
    return true;
}

// For many blocks, unless this one is more: a quarter of what there is, so that regions are few however much they have.
// Fixed memory is not to be set aside for one purpose.
std::size_t large_heap::region_for(std::size_t needed) const noexcept {
    std::size_t wanted = region_bytes;
    if (!pages_.is_fixed() && reserved_ / 4 > wanted) wanted = reserved_ / 4;
    return align_up(needed > wanted ? needed : wanted, pages_.granularity());
}

heap_region* large_heap::add_region(std::size_t bytes, exhaustion_reason& why) noexcept {
    const std::size_t needed = bytes + unit;
    const std::size_t wanted = region_for(needed);
    void* p = pages_.reserve(wanted, pages_.granularity(), why);
    // A region for many is a convenience: in little memory one for this block alone will do.
    const std::size_t least = align_up(needed, pages_.granularity());
    const std::size_t size = p == nullptr ? least : wanted;
    if (p == nullptr && least < wanted) p = pages_.reserve(least, pages_.granularity(), why);
    if (p == nullptr) return nullptr;
    const std::size_t first = pages_.granularity();
    if (!pages_.commit(p, first, why)) {
        pages_.release(p, size, 0);
        return nullptr;
    }
    auto* r = ::new (p)
        heap_region{regions_, size, address_of(p) + first, address_of(p) + unit, nullptr, 0, address_of(p) + unit, 0};
    regions_ = r;
    reserved_ += size;
    return r;
}

void large_heap::drop(heap_region* r) noexcept {
    heap_region** link = &regions_;
    while (*link != r) link = &(*link)->next;
    *link = r->next;
    give_up(r);
}

// Requires: it is in no list.
void large_heap::give_up(heap_region* r) noexcept {
    idle_ -= r->idle;
    reserved_ -= r->bytes;
    pages_.release(r, r->bytes, committed_in(*r));
}

heap_block* large_heap::carve(heap_region& r, std::size_t bytes, exhaustion_reason& why) noexcept {
    if (address_of(&r) + r.bytes - r.top < bytes) return nullptr;
    if (!ensure_committed(r, r.top + bytes, why)) return nullptr;
    auto* b = ::new (pointer_at(r.top)) heap_block{};
    b->bytes = bytes;
    b->below = r.last;
    b->region = &r;
    b->zero = r.top >= r.written;
    r.last = b;
    r.top += bytes;
    if (r.written < r.top) r.written = r.top;
    return b;
}

heap_block* large_heap::allocate(std::size_t bytes, std::size_t align, exhaustion_reason& why) noexcept {
    // Sizes are whole bins, so that a freed block serves its like. Wide alignment is found inside a wider block.
    const std::size_t slack = align > unit ? align + unit : 0;
    const std::size_t size = size_of(bytes + slack);
    const sync::lock_guard guard(lock_);
    heap_block* b = take_free(size);
    for (heap_region* r = regions_; b == nullptr && r != nullptr; r = r->next) b = carve(*r, size, why);
    if (b == nullptr) {
        heap_region* r = add_region(size, why);
        b = r == nullptr ? nullptr : carve(*r, size, why);
        if (b == nullptr && r != nullptr) drop(r);  // otherwise every refused request would leave one behind
        if (b == nullptr) return nullptr;
    }
    if (slack != 0) {
        std::uintptr_t at = align_up(address_of(payload_of(b)), align) - unit;
        if (at - address_of(b) == unit) at += align;
        if (at != address_of(b)) {
            heap_block* front = b;
            heap_block* next = above(front);
            b = ::new (pointer_at(at)) heap_block{};
            b->bytes = end_of(front) - at;
            b->below = front;
            b->region = front->region;
            b->zero = front->zero;
            front->bytes = at - address_of(front);
            if (next != nullptr) next->below = b;
            else b->region->last = b;
            put_back(front);
        }
    }
    split(b, align_up(bytes + unit, unit) > size - slack ? align_up(bytes + unit, unit) : size - slack);
    b->bin = heap_bin_of(b->bytes);
    ++b->region->blocks;
    idle_ -= b->region->idle;
    b->region->idle = 0;
    return b;
}

std::size_t large_heap::usable(std::size_t bytes) noexcept { return size_of(bytes) - unit; }

bool large_heap::extend(heap_block* b, std::size_t bytes) noexcept {
    heap_region& r = *b->region;
    exhaustion_reason why{};
    if (heap_block* next = above(b)) {
        if (!next->free || b->bytes + next->bytes < bytes) return false;
        remove(next);
        b->bytes += next->bytes;
        if (heap_block* beyond = above(b)) beyond->below = b;
        else r.last = b;
        return true;
    }
    if (address_of(&r) + r.bytes - address_of(b) < bytes || !ensure_committed(r, address_of(b) + bytes, why))
        return false;
    b->bytes = bytes;
    r.top = end_of(b);
    if (r.written < r.top) r.written = r.top;
    return true;
}

bool large_heap::resize(heap_block* b, std::size_t bytes) noexcept {
    const std::size_t wanted = size_of(bytes), least = align_up(bytes + unit, unit);
    const sync::lock_guard guard(lock_);
    if (wanted > b->bytes && !extend(b, wanted) && (least > b->bytes && !extend(b, least))) return false;
    if (b->bytes > wanted) split(b, wanted);
    b->bin = heap_bin_of(b->bytes);
    return true;
}

heap_block* large_heap::move(heap_block* b, std::size_t bytes) noexcept {
    const sync::lock_guard guard(lock_);
    heap_region* r = b->region;
    if (r->blocks != 1 || r->last != b || address_of(b) != address_of(r) + unit) return nullptr;
    heap_region** link = &regions_;
    while (*link != r) link = &(*link)->next;
    const std::size_t size = size_of(bytes);
    const std::size_t whole = align_up(size + unit, pages_.granularity());
    if (whole <= r->bytes) return nullptr;
    void* moved = pages_.move(r, r->bytes, committed_in(*r), whole);
    if (moved == nullptr) return nullptr;
    r = static_cast<heap_region*>(moved);
    *link = r;
    b = pointer_at<heap_block>(address_of(r) + unit);
    b->bytes = size;
    b->bin = heap_bin_of(size);
    b->region = r;
    reserved_ += whole - r->bytes;
    r->bytes = whole;
    r->committed = address_of(r) + whole;
    r->top = r->written = address_of(b) + size;
    r->last = b;
    return b;
}

// Coalesces with both neighbours; what ends at the top of its region becomes virgin again.
void large_heap::put_back(heap_block* b) noexcept {
    if (heap_block* next = above(b); next != nullptr && next->free) {
        remove(next);
        b->bytes += next->bytes;
        if (end_of(b) == b->region->top) b->region->last = b;
    }
    if (heap_block* below = b->below; below != nullptr && below->free) {
        remove(below);
        below->bytes += b->bytes;
        if (b->region->last == b) b->region->last = below;
        b = below;
    }
    if (end_of(b) == b->region->top) {
        b->region->top = address_of(b);
        b->region->last = b->below;
        return;
    }
    pointer_at<heap_block>(end_of(b))->below = b;
    insert(b);
}

void large_heap::deallocate(heap_block* b) noexcept {
    const sync::lock_guard guard(lock_);
    heap_region& r = *b->region;
    put_back(b);
    if (--r.blocks == 0) release_idle(r);
}

// A region without a block in use stays for the next one, as far as these are few.
void large_heap::release_idle(heap_region& r) noexcept {
    r.idle = committed_in(r);
    idle_ += r.idle;
    while (!pages_.sealed() && idle_ > idle_floor + pages_.committed() / 16) {
        heap_region* oldest = nullptr;
        for (heap_region* i = regions_; i != nullptr; i = i->next) {
            if (i->idle != 0 && i != &r) oldest = i;
        }
        if (oldest == nullptr && idle_ <= widest_kept) return;
        drop(oldest == nullptr ? &r : oldest);
    }
}

void large_heap::release_empty_regions() noexcept {
    const sync::lock_guard guard(lock_);
    for (heap_region** link = &regions_; *link != nullptr;) {
        heap_region* r = *link;
        if (r->blocks == 0) {
            *link = r->next;
            give_up(r);
            continue;
        }
        const std::uintptr_t keep = align_up(r->top, pages_.granularity());
        if (keep < r->committed) {
            guard::allow(keep, r->committed);  // it is the page source's
            pages_.decommit(pointer_at(keep), r->committed - keep);
            r->committed = keep;
        }
        link = &r->next;
    }
}

void large_heap::release_all() noexcept {
    while (regions_ != nullptr) {
        heap_region* r = regions_;
        regions_ = r->next;
        give_up(r);
    }
    for (auto& w : bits_) w = 0;
    for (auto& b : bins_) b = nullptr;
}

}  // namespace framealloc::inline v1::memory
