// Blocks as malloc's callers know them: freed by address alone, resized, asked for their size. For the hooks of
// libraries that do not keep sizes; see runtime/hook.hpp.
#pragma once

#include <framealloc/detail/core/pool.hpp>
#include <framealloc/detail/os/page_map.hpp>

namespace framealloc::inline v1::memory {

// Where blocks come from, and who is charged.
struct block_source {
    core_ref owner;
    memory_kind kind;  // one whose blocks are freed singly: pool or heap
    account::tag_node* payer;  // null: the tag that is open
    bool paged;  // small blocks come from pages, and not from options::heap
    bool plain;  // not guarded, and without options::heap: what the page map says of a block is so
};
// Whether blocks of the kind are freed singly; FA445 otherwise.
bool has_single_blocks(core_ref a, memory_kind k) noexcept;
// Of another kind, a source that allocates nothing.
block_source make_source(core_ref a, memory_kind k, account::name_view payer) noexcept;

// Bytes that a block of at least `bytes` can hold, and what a block that is out can hold: in debug exactly what was
// asked for. usable_size: 0 for null, and in debug for what is no block. Requires: a pool or heap block of this
// library. Threads: any that may free the block. Cost: a look at the page map and one at the page's or the block's
// header; where an address is inside another block, as those of options::heap may be, a search among the allocators.
std::size_t good_size(const block_source& s, std::size_t bytes, std::size_t align) noexcept;
std::size_t usable_size(const void* p) noexcept;

// Null when exhausted, the exhaustion handler is not asked. A request for 0 bytes gets a block of the smallest size.
void* allocate_block(const block_source& s, std::size_t bytes, std::size_t align) noexcept;
// Memory that comes fresh from the page source is not touched.
void* allocate_zeroed_block(const block_source& s, std::size_t bytes, std::size_t align) noexcept;
inline constexpr std::size_t any_size = ~std::size_t{0};  // a free that does not say the size
void free_block(const block_source& s, void* p) noexcept;
void free_sized_block(const block_source& s, void* p, std::size_t bytes, std::size_t align) noexcept;
// What is freed as a kind's own functions do it.
void free_plain(core_ref a, memory_kind k, void* p, std::size_t bytes, std::size_t align) noexcept;
// Where it is; false when it would have to move. Guarded blocks always move, so that an access through a
// pointer to the old place is reported.
bool resize_in_place(core_ref a, void* p, std::size_t bytes, std::size_t align) noexcept;
// In place, else by moving pages (a block with a region of its own, as those have that are beyond 1 MiB and a quarter
// of the large heap), else by copying. Null when exhausted: the block is as it was; a smaller size is had all the same,
// where the block is. Requires: bytes != 0.
void* resize_block(const block_source& s, void* p, std::size_t bytes, std::size_t align) noexcept;

}  // namespace framealloc::inline v1::memory
