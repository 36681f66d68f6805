// What a report says of a block, whatever kind of memory it is in.
#pragma once

#include <framealloc/detail/core/core.hpp>
#include <framealloc/detail/guard/block_table.hpp>
#include <framealloc/detail/guard/frame_log.hpp>
#include <framealloc/detail/guard/pattern.hpp>
#include <framealloc/detail/os/trap.hpp>

namespace framealloc::inline v1::memory {

struct reported_block {
    const char* kind;
    std::uintptr_t begin, end;
    const account::tag_node* tag;  // or null
    site born, died;
    std::uint64_t frame;
};

reported_block report_of(const guard::block_record& b) noexcept;
reported_block report_of(const guard::frame_block& b) noexcept;
// What ended frame memory of that outermost frame and depth: "after its frame, number 7, ended".
void say_end(char (&text)[80], const thread_context& c, std::uint64_t frame, std::uint32_t depth) noexcept;
const char* access_name(os::access_kind k) noexcept;  // "read", "write" or "access"

// A fault about a block, with all that is known of it.
fault fault_about(code what, const reported_block& b, const char* detail, const void* address,
                  const site& where) noexcept;
void raise_about(core& a, code what, const reported_block& b, const char* detail, const void* address,
                 const site& where = {}) noexcept;
// Whether nobody wrote to the zones from `front` to `begin` (of the block, or of what is before it) and from its end
// to `back`; otherwise FA412 or FA413.
bool check_zones(core& a, const reported_block& b, std::uintptr_t front, std::uintptr_t begin, std::uintptr_t back,
                 const site& where = {}, const char* when = "") noexcept;

// Whose pointer it is, if it is no block of this allocator: FA414, FA415 or FA417.
void raise_not_a_block(core& a, const void* p, const site& where) noexcept;
void raise_double_free(core& a, const guard::block_record& b, const void* p, const site& where) noexcept;

}  // namespace framealloc::inline v1::memory
