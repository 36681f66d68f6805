// The pages of one owner: which of them serve its next allocations, which are empty, and all of them.
//
//   page_set pages;
//   pages.open();
//   set_up(*p, key, {memory_kind::pool, 64, &account}, class_of(64), layout);  // an empty page
//   lists.make_current(*p);           // the page that its account allocates from
//   pages.install(*p, class_of(64));  // at(kind, class)->free is the next block
//
// Knows pages and whose account they are charged to; where pages come from, and when blocks are charged, is the
// owner's business. Cost: at() is two loads.
#pragma once

#include <bit>
#include <utility>

#include <framealloc/base/fault.hpp>
#include <framealloc/detail/memory/slot_layout.hpp>
#include <framealloc/detail/os/page_ledger.hpp>

namespace framealloc::inline v1::memory {

// Always empty: its allocations take the slow path. One for all threads, so that nobody may write to it.
extern const pool_page nothing_installed;

// Before the page serves blocks of a class. Requires: no block of it is out.
void set_up(pool_page& p, std::uint64_t key, const page_view& what, unsigned size_class, slot_layout layout) noexcept;
// How far virgin slots are made free at once: about a page of memory's worth, so that untouched memory stays untouched.
std::uint32_t next_step(const pool_page& p, slot_layout layout) noexcept;
// The slots up to `last` can be written to. Returns false with `why` set.
bool make_accessible(pool_page& p, std::uint32_t last, os::page_ledger& ledger, exhaustion_reason& why) noexcept;
// They become the newest free ones. Returns the offset of the first. Requires: accessible.
std::uint32_t carve(pool_page& p, std::uint32_t last, slot_layout layout) noexcept;
inline constexpr std::uint32_t first_step = 4096;
// Bytes by which a page is made accessible as it is carved.
inline std::uint32_t step_bytes(const os::page_ledger& ledger) noexcept {
    return static_cast<std::uint32_t>(ledger.granularity() > first_step ? ledger.granularity() : first_step);
}

// Blocks that are out of pages, and those of them that no tag and phase is charged for yet.
struct page_use {
    std::uint64_t blocks = 0, bytes = 0, uncharged = 0;
};

// An account's pages of one kind: by class the one it allocates from, and those that have room. One that is neither is
// closed: all its blocks are out but those that are missing, so that statistics look at the others alone.
class page_lists {
public:
    pool_page* current(unsigned size_class) const noexcept { return current_[size_class]; }
    // The one that take_listed() takes, or null: the newest, so that what is nearly full is filled, and others empty.
    const pool_page* listed(unsigned size_class) const noexcept { return room_[size_class]; }
    // Requires: the page is set up for this account, and empty.
    void make_current(pool_page& p) noexcept;
    // It is closed; `missing`: of its blocks, so many are neither out nor free. Requires: it is not installed, and no
    // block of it is free.
    void leave_current(pool_page& p, std::uint32_t missing) noexcept;
    // A closed page has room.
    void list(pool_page& p, std::uint64_t key) noexcept;
    // One that has room becomes the current one. Null where there is none. Requires: there is no current one.
    pool_page* take_listed(unsigned size_class) noexcept;
    // No block of it is out, and it serves nobody. Requires: it is not current.
    void drop(pool_page& p) noexcept;
    // A block of it came back, and does not make it one that has room.
    void note_freed(pool_page& p) noexcept;
    // Blocks are on their way back: they count as out no longer. Threads: any but the owner's.
    void note_handed_over(const pool_page& p, std::uint32_t blocks) noexcept {
        handed_over_.add_relaxed(blocks);  // relaxed: a statistic
        handed_over_bytes_.add_relaxed(std::uint64_t{blocks} * p.block);  // relaxed: as above
    }
    // They are here; see collect(). Returns how many.
    std::uint32_t take_back(pool_page& p) noexcept;

    // For statistics. False, with nothing added, while the owner moves pages. Requires: none of the pages goes to
    // another owner meanwhile. Threads: any. Cost: linear in the pages that are not closed.
    bool add_to(page_use& sum, slot_layout layout) const noexcept;

private:
    void begin_change() noexcept;
    void end_change() noexcept;
    void become_current(pool_page& p, unsigned size_class) noexcept;
    void put_first(pool_page& p, std::uint64_t key) noexcept;
    void list_incomplete(pool_page& p, std::uint64_t key) noexcept;
    void take_off(pool_page& p) noexcept;
    void set_missing(pool_page& p, std::uint32_t blocks) noexcept;
    bool changed_since(std::uint32_t version) const noexcept;

    pool_page* current_[class_count];
    pool_page* room_[class_count];  // pages with free blocks, not current
    std::uint64_t classes_;  // that have had a page, a bit each
    sync::atomic<std::uint32_t> version_;  // odd while pages move
    std::uint32_t pages_[class_count];  // of each class
    std::uint64_t missing_, missing_bytes_;  // of closed pages
    sync::atomic<std::uint64_t> handed_over_, handed_over_bytes_;  // not taken back yet; other threads write here
};
static_assert(sizeof(page_lists) <= 1024, "metadata rounds up to a power of two");

class page_set {
public:
    // --- what serves the next allocations ---
    FRAMEALLOC_INLINE pool_page* at(memory_kind k, unsigned size_class) const noexcept {
        return installed_[index_of(k)][size_class];
    }
    void open() noexcept;
    // Requires: it is the page's kind.
    FRAMEALLOC_INLINE void install(pool_page& p, memory_kind k, unsigned size_class) noexcept {
        classes_[index_of(k)] |= std::uint64_t{1} << size_class;
        installed_[index_of(k)][size_class] = &p;
    }
    void uninstall(const pool_page& p, std::uint64_t classes) noexcept;  // wherever it is among these, a bit each
    // Each, after which none is.
    template <class F>
    FRAMEALLOC_INLINE void take_installed(F&& f) noexcept {
        for_each_kind([&](unsigned kind) {
            for (std::uint64_t set = std::exchange(classes_[kind], 0); set != 0; set &= set - 1)
                f(*std::exchange(installed_[kind][std::countr_zero(set)], no_page()));
        });
    }
    // Those of a kind, until f(page) returns false; none where another kind has any. Whether that leaves none.
    template <class F>
    FRAMEALLOC_INLINE bool take_all_installed(memory_kind k, F&& f) noexcept {
        std::uint64_t others = 0, classes = classes_[index_of(k)];
        for (unsigned kind = 0; kind < kind_count; ++kind) others |= kind_at(kind) == k ? 0 : classes_[kind];
        if (others != 0) return false;
        for (; classes != 0; classes &= classes - 1) {
            pool_page*& at = installed_[index_of(k)][static_cast<unsigned>(std::countr_zero(classes))];
            if (!f(*at)) break;
            at = no_page();
        }
        classes_[index_of(k)] = classes;
        return classes == 0;
    }
    // Of a kind, those whose page is.
    std::uint64_t installed_classes(memory_kind k) const noexcept { return classes_[index_of(k)]; }
    bool any_installed(memory_kind k) const noexcept { return classes_[index_of(k)] != 0; }
    // Of a kind whose blocks are charged one by one.
    bool any_charged_singly() const noexcept {
        return [this]<unsigned... K>(std::integer_sequence<unsigned, K...>) {
            return ((traits_of(kind_at(K)).freed_singly ? classes_[K] : 0) | ...) != 0;
        }(std::make_integer_sequence<unsigned, kind_count>{});
    }
    bool any_installed() const noexcept {
        std::uint64_t any = 0;
        for (const std::uint64_t set : classes_) any |= set;
        return any != 0;
    }
    template <class F>
    void for_each_installed(F&& f) const noexcept {
        for_each_kind([&](unsigned kind) {
            for (std::uint64_t set = classes_[kind]; set != 0; set &= set - 1)
                f(*installed_[kind][std::countr_zero(set)]);
        });
    }

    // --- all of them; a change requires the lock under which others read ---
    pool_page* first() const noexcept { return all_; }
    void link(pool_page& p) noexcept;
    static void unlink(pool_page& p) noexcept;

    // --- those without a block in use; they stay linked, so that one which is set up anew needs no lock ---
    std::uint32_t empty_count() const noexcept { return empty_count_; }
    pool_page* take_empty() noexcept;
    void put_empty(pool_page& p) noexcept;

    // Bytes of blocks carved, of kinds whose budget counts them, in pages that are not empty: one that its account
    // allocates from counts, in use or not, until it is given up.
    std::size_t carved_bytes() const noexcept { return carved_bytes_; }
    void add_carved(std::size_t bytes) noexcept { carved_bytes_ += bytes; }
    void subtract_carved(std::size_t bytes) noexcept { carved_bytes_ -= bytes; }
    // Accounts that have pages of a kind.
    std::uint32_t owners(memory_kind k) const noexcept { return owners_[index_of(k)]; }
    void count_owner(memory_kind k) noexcept { ++owners_[index_of(k)]; }

private:
    // Of those that have a page installed. Unrolled: most have none.
    template <class F>
    FRAMEALLOC_INLINE void for_each_kind(F&& f) const noexcept {
        [&]<unsigned... K>(std::integer_sequence<unsigned, K...>) {
            ((classes_[K] != 0 ? f(K) : void()), ...);
        }(std::make_integer_sequence<unsigned, kind_count>{});
    }
    static pool_page* no_page() noexcept { return const_cast<pool_page*>(&nothing_installed); }

    std::uint64_t classes_[kind_count];  // whose page is installed below, a bit each
    pool_page* installed_[kind_count][class_count];  // nothing_installed where none is
    pool_page* all_;
    pool_page* empty_;
    std::uint32_t empty_count_;
    std::uint32_t owners_[kind_count];
    std::size_t carved_bytes_;
};

}  // namespace framealloc::inline v1::memory
