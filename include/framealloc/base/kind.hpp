// The kinds of memory, and what differs from kind to kind: a row each. Nothing else asks which kind it is to find a word, a
// statistic or a rule; who adds a kind adds a row.
#pragma once

#include <cstdint>

#include <framealloc/base/compiler.hpp>

namespace framealloc::inline v1 {

enum class memory_kind : std::uint8_t { frame, pool, heap };

// What a thread's budget of a kind counts.
enum class budget_base : std::uint8_t {
    none,   // there is none
    arena,  // what the arena and blocks beside it hold for open frames
    pages,  // blocks carved in pages, free ones included
};

struct kind_traits {
    memory_kind kind;
    const char* name;         // in reports and statistics
    bool freed_singly;        // its blocks are counted, charged and freed one by one; otherwise with the frame they belong to
    budget_base budget;
    std::uint8_t page_header; // bytes before the program's part of a block in a page
};

inline constexpr kind_traits kinds[] = {
    {.kind = memory_kind::frame, .name = "frame", .freed_singly = false, .budget = budget_base::arena, .page_header = 64},
    {.kind = memory_kind::pool, .name = "pool", .freed_singly = true, .budget = budget_base::pages, .page_header = 0},
    {.kind = memory_kind::heap, .name = "heap", .freed_singly = true, .budget = budget_base::none, .page_header = 0},
};
inline constexpr unsigned kind_count = sizeof kinds / sizeof kinds[0];

constexpr unsigned index_of(memory_kind k) noexcept { return static_cast<unsigned>(k); }
constexpr const kind_traits& traits_of(memory_kind k) noexcept { return kinds[index_of(k)]; }

static_assert([] {
    for (unsigned i = 0; i < kind_count; ++i) {
        if (index_of(kinds[i].kind) != i) return false;
    }
    return true;
}(), "a row for every kind, in the order of the enumeration");

}  // namespace framealloc::inline v1
