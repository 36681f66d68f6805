// The open segment of a thread's frame memory: what was allocated since the last boundary. Zones of guarded blocks are
// in it and are not charged.
#pragma once

#include <framealloc/detail/core/allocator.hpp>
#include <framealloc/detail/guard/frame_log.hpp>

namespace framealloc::inline v1::memory {

// Bytes of zones in the arena below the cursor.
inline std::uint64_t guard_padding(const thread_context& c) noexcept {
    return c.arenas.current().log == nullptr ? 0 : c.arenas.current().log->padding();
}
// Of open frames.
inline std::size_t frame_bytes_in_use(const thread_context& c) noexcept {
    return c.arenas.bytes_in_use(c.stack.top()->cursor, guard_padding(c));
}
// Frames had so much in use, at a time.
inline void note_frame_peak(thread_context& c, std::size_t used) noexcept {
    c.counters.raise_to(counter::frame_peak, used);
    c.arenas.kept().note_use(used);
}
// Bytes allocated since the last boundary.
inline std::uint64_t open_bytes(const thread_context& c) noexcept {
    const std::uint64_t all = c.stack.top()->cursor - c.charges.segment();
    return c.probes.guarded() ? all - c.probes.padding_since(guard_padding(c)) : all;
}
// After a change of the segment or of what is installed: frame memory taken out of line does not follow the tag.
inline void note_settled(thread_context& c) noexcept { c.charges.note_settled(c.pages.any_charged_singly()); }
inline void begin_segment(thread_context& c, std::uintptr_t cursor) noexcept {
    c.charges.begin_segment(cursor);
    c.charges.set_quiet_bytes(0);
    note_settled(c);
    if (c.probes.guarded()) c.probes.begin_segment(guard_padding(c));
}

}  // namespace framealloc::inline v1::memory
