// What the tables of guarded allocators know of an address, whichever allocator's block it is.
#pragma once

#include <framealloc/detail/core/allocator.hpp>

namespace framealloc::inline v1::memory {

// Whether any allocator of this process ever was guarded.
extern sync::atomic<bool> any_guarded;

// Whether any has options::heap. Its blocks may lie inside those of another allocator.
extern sync::atomic<bool> any_resource;
// Whether this is an allocator that lives, and has it.
bool takes_from_resource(const core* a) noexcept;

struct known_block {
    core* owner = nullptr;  // pinned: to be released
    guard::block_record record;
    bool all_guarded = true;  // every allocator has a table
};

// The block in that state at `p`, or around it.
known_block look_for(std::uintptr_t p, bool around, guard::block_state state) noexcept;

// The size of the block there, 0 when it is none. False when an allocator that is not guarded may know better.
bool find_size(const void* p, std::size_t& bytes) noexcept;

}  // namespace framealloc::inline v1::memory
