// What every table with a row a kind is checked with, where it stands: who adds a kind and forgets a table is stopped
// by the compiler, at that table.
//
//   constexpr std::size_t alloc_stats::* allocated_of(memory_kind k) noexcept { switch (k) … }
//   static_assert(base::differs_by_kind(allocated_of), "allocated_of() has no row for a kind");
#pragma once

#include <framealloc/base/kind.hpp>

namespace framealloc::inline v1::base {

template <class F>
constexpr bool holds_for_each_kind(F f) noexcept {
    for (unsigned k = 0; k < kind_count; ++k) {
        if (!f(kind_at(k))) return false;
    }
    return true;
}

// Whether each kind of which `has_row` is true has a row of its own in the table, and the others null. A kind that was
// forgotten has null, or another's row.
template <class Row, class HasRow>
constexpr bool differs_by_kind(Row row, HasRow has_row) noexcept {
    return holds_for_each_kind([&](memory_kind k) {
        if ((row(k) != nullptr) != has_row(k)) return false;
        for (unsigned other = 0; other < index_of(k); ++other) {
            if (row(k) != nullptr && row(kind_at(other)) == row(k)) return false;
        }
        return true;
    });
}
template <class Row>
constexpr bool differs_by_kind(Row row) noexcept {
    return differs_by_kind(row, [](memory_kind) { return true; });
}

// The first table: a kind without a row has the name of another.
static_assert(holds_for_each_kind([](memory_kind k) {
                  for (unsigned other = 0; other < index_of(k); ++other) {
                      if (__builtin_strcmp(traits_of(kind_at(other)).name, traits_of(k).name) == 0) return false;
                  }
                  return true;
              }),
              "traits_of() has no row for a kind");

}  // namespace framealloc::inline v1::base
