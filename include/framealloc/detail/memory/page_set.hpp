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

// An account's pages of one kind: by class the one it allocates from, and those that have room.
class page_lists {
public:
    pool_page* current(unsigned size_class) const noexcept { return current_[size_class]; }
    void make_current(pool_page& p) noexcept;
    // Its free blocks are used up. Requires: it is not installed.
    void leave_current(pool_page& p) noexcept;
    void list(pool_page& p, std::uint64_t key) noexcept;
    void unlist(pool_page& p) noexcept;
    pool_page* take_listed(unsigned size_class) noexcept;

private:
    pool_page* current_[class_count];
    pool_page* room_[class_count];  // pages with free blocks, not current
};

class page_set {
public:
    // --- what serves the next allocations ---
    FRAMEALLOC_INLINE pool_page* at(memory_kind k, unsigned size_class) const noexcept {
        return installed_[index_of(k)][size_class];
    }
    void open() noexcept;
    void install(pool_page& p, unsigned size_class) noexcept {
        classes_[index_of(p.kind)] |= std::uint64_t{1} << size_class;
        installed_[index_of(p.kind)][size_class] = &p;
    }
    void uninstall(const pool_page& p) noexcept;  // wherever it is
    // Each, after which none is.
    template <class F>
    FRAMEALLOC_INLINE void take_installed(F&& f) noexcept {
        for_each_kind([&](unsigned kind) {
            for (std::uint64_t set = std::exchange(classes_[kind], 0); set != 0; set &= set - 1)
                f(*std::exchange(installed_[kind][std::countr_zero(set)], no_page()));
        });
    }
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
