// Where a page's blocks are: one after another, or each between two zones that nobody may write to.
#pragma once

#include <framealloc/detail/memory/page.hpp>
#include <framealloc/detail/memory/size_class.hpp>

namespace framealloc::inline v1::memory {

struct slot_layout {
    std::uint32_t zone = 0;  // bytes before each block, and at least as many after it

    // Zone, block, zone. A block, not its slot, is aligned as one without zones.
    constexpr std::uint32_t slot_bytes(std::size_t block) const noexcept {
        const std::size_t zones = zone != 0 ? align_up(zone + block + zone, natural_alignment(block)) : block;
        return static_cast<std::uint32_t>(zones);
    }
    constexpr std::uint32_t first_slot(std::size_t block) const noexcept {
        return static_cast<std::uint32_t>(align_up(page_header_bytes + zone, natural_alignment(block))) - zone;
    }
    // How many a page has.
    constexpr std::uint32_t slots_in_page(std::size_t block) const noexcept {
        return (static_cast<std::uint32_t>(page_bytes) - first_slot(block)) / slot_bytes(block);
    }
    // What the page's links may use of a free slot.
    constexpr std::size_t link_bytes(std::size_t block) const noexcept { return zone != 0 ? zone : block; }
};

}  // namespace framealloc::inline v1::memory
