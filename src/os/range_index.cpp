// Ranges of pages in a treap: a tree by begin, and a heap by a number that is drawn from it (Seidel, Aragon, 1996).
#include <framealloc/detail/os/range_index.hpp>

#include <cstring>
#include <iterator>

#include <framealloc/detail/base/align.hpp>
#include <framealloc/os/pages.hpp>

namespace framealloc::inline v1::os {

namespace {

using number = std::uint32_t;  // of a node; 0: none

struct page_range {
    std::uintptr_t begin, end;
    void* holder;
    number left, right;  // begin below, above; a node that is not in use has the next such one as its left

    std::uint64_t priority() const noexcept { return (begin >> 12) * 0x9e3779b97f4a7c15U; }
    bool contains(std::uintptr_t p) const noexcept { return p >= begin && p < end; }
};

// The first ones are the library's own: memory that the program gave is served without the system.
constinit page_range own[128] = {};
constinit page_range* nodes = own;
constinit number capacity = std::size(own);
constinit number fresh = 1;  // the first that was never in use
constinit number spare = 0;
constinit number root = 0;
constinit std::size_t count = 0;
constinit bool is_nested = false;  // some range was added inside another, or around it
constinit bool is_incomplete = false;  // some range was not added
constinit sync::lock table_lock;

bool widen() noexcept {
    system_pages system;
    const std::size_t bytes = align_up(std::size_t{2} * capacity * sizeof(page_range), system.granularity());
    void* p = system.reserve(bytes, system.granularity());
    if (p == nullptr) return false;
    if (!system.commit(p, bytes)) {
        system.release(p, bytes);
        return false;
    }
    std::memcpy(p, nodes, fresh * sizeof(page_range));
    if (nodes != own) system.release(nodes, align_up(capacity * sizeof(page_range), system.granularity()));
    nodes = static_cast<page_range*>(p);
    capacity *= 2;
    return true;
}

number take_node() noexcept {
    if (spare != 0) {
        const number n = spare;
        spare = nodes[n].left;
        return n;
    }
    return fresh < capacity || widen() ? fresh++ : 0;
}

// The nearest range that begins there or below, and above.
number at_or_below(std::uintptr_t p) noexcept {
    number found = 0;
    for (number n = root; n != 0; n = nodes[n].begin <= p ? nodes[found = n].right : nodes[n].left) {}
    return found;
}
number above(std::uintptr_t p) noexcept {
    number found = 0;
    for (number n = root; n != 0; n = nodes[n].begin > p ? nodes[found = n].left : nodes[n].right) {}
    return found;
}

void insert(number n) noexcept {
    page_range& r = nodes[n];
    number* link = &root;
    while (*link != 0 && nodes[*link].priority() > r.priority())
        link = nodes[*link].begin <= r.begin ? &nodes[*link].right : &nodes[*link].left;
    number split = *link;
    *link = n;
    number *below = &r.left, *beyond = &r.right;
    while (split != 0) {
        number*& side = nodes[split].begin <= r.begin ? below : beyond;
        *side = split;
        side = &side == &below ? &nodes[split].right : &nodes[split].left;
        split = *side;
    }
    *below = *beyond = 0;
}

// In place of a node: its two sides as one.
void join(number* link, number left, number right) noexcept {
    while (left != 0 && right != 0) {
        const bool left_first = nodes[left].priority() > nodes[right].priority();
        *link = left_first ? left : right;
        link = left_first ? &nodes[left].right : &nodes[right].left;
        (left_first ? left : right) = *link;
    }
    *link = left != 0 ? left : right;
}

}  // namespace

sync::lock& range_index::lock() noexcept { return table_lock; }

std::size_t range_index::size() noexcept {
    const locked guard;
    return count;
}

void range_index::add(const void* p, std::size_t bytes, void* holder) noexcept {
    const std::uintptr_t begin = address_of(p), end = begin + bytes;
    const locked guard;
    const number n = take_node();
    if (n == 0) {
        is_incomplete = true;
        return;
    }
    const number before = at_or_below(begin), after = above(begin);
    if ((before != 0 && nodes[before].end > begin) || (after != 0 && nodes[after].begin < end)) is_nested = true;
    nodes[n] = {begin, end, holder, 0, 0};
    insert(n);
    ++count;
}

void range_index::remove(const void* p) noexcept {
    const locked guard;
    number* link = &root;
    while (*link != 0 && nodes[*link].begin != address_of(p))
        link = nodes[*link].begin < address_of(p) ? &nodes[*link].right : &nodes[*link].left;
    const number n = *link;
    if (n == 0) return;  // was not added
    join(link, nodes[n].left, nodes[n].right);
    nodes[n].left = spare;
    spare = n;
    if (--count == 0) is_nested = is_incomplete = false;
}

bool range_index::decides() noexcept { return !is_nested && !is_incomplete; }

void* range_index::holder_of(const void* p) noexcept {
    const number n = at_or_below(address_of(p));
    return n != 0 && nodes[n].contains(address_of(p)) ? nodes[n].holder : nullptr;
}

}  // namespace framealloc::inline v1::os
