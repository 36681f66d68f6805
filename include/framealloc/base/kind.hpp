// The kinds of memory, and what differs from kind to kind: a row each. Nothing else asks which kind it is to find a
// word, a statistic or a rule; who adds a kind adds a row.
#pragma once

#include <cstdint>

#include <framealloc/detail/base/compiler.hpp>

namespace framealloc::inline v1 {

enum class memory_kind : std::uint8_t { frame, pool, heap };
inline constexpr unsigned kind_count = 3;
// Requires: index < kind_count. Returns: the kind's place in tables, from 0 on; the kind in that place.
constexpr unsigned index_of(memory_kind k) noexcept { return static_cast<unsigned>(k); }
constexpr memory_kind kind_at(unsigned index) noexcept { return static_cast<memory_kind>(index); }

// What a thread's budget of a kind counts.
enum class budget_base : std::uint8_t {
    none,  // there is none
    arena,  // what the arena and blocks beside it hold for open frames
    pages,  // blocks carved in pages, free ones included
};

struct kind_traits {
    const char* name;  // in reports and statistics
    bool freed_singly;  // its blocks are counted, charged and freed one by one; otherwise with what they belong to
    bool of_frames;  // and that is a frame
    budget_base budget;
    std::uint8_t page_header;  // bytes before the program's part of a block in a page
};

// Returns: the kind's row. A function and no object: an inline variable is a unique symbol, which keeps a plugin from
// being unloaded.
FRAMEALLOC_INLINE constexpr kind_traits traits_of(memory_kind k) noexcept {
    switch (k) {
        case memory_kind::frame:
            return {.name = "frame",
                    .freed_singly = false,
                    .of_frames = true,
                    .budget = budget_base::arena,
                    .page_header = 64};
        case memory_kind::pool:
            return {.name = "pool",
                    .freed_singly = true,
                    .of_frames = false,
                    .budget = budget_base::pages,
                    .page_header = 0};
        case memory_kind::heap: break;
    }
    return {.name = "heap", .freed_singly = true, .of_frames = false, .budget = budget_base::none, .page_header = 0};
}

}  // namespace framealloc::inline v1
