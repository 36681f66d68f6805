// Statistics, faults and exhaustion as a line of text.
//
//   std::cout << alloc.stats() << '\n' << alloc.tag_stats("physics") << '\n' << fa::describe(p) << '\n';
//   char buffer[200];
//   log(fa::to_text(alloc.frame_stats(), buffer));    // a std::string_view of the buffer, cut off at its end
//
// To any stream that takes a std::string_view, so that no stream header is included here.
#pragma once

#include <span>
#include <string_view>

#include <framealloc/account/budget.hpp>
#include <framealloc/base/fault.hpp>
#include <framealloc/insight/describe.hpp>
#include <framealloc/insight/lifecycle.hpp>
#include <framealloc/insight/stats.hpp>
#include <framealloc/memory/deferred.hpp>
#include <framealloc/object/transfer.hpp>

namespace framealloc::inline v1 {

// Effects: writes one line, or for a lifecycle_summary several, cut off at the buffer's end. Returns: what was written.
// Threads: any. Cost: O(its length), no allocation.
std::string_view to_text(const alloc_stats& s, std::span<char> buffer FRAMEALLOC_LIFETIMEBOUND) noexcept;
std::string_view to_text(const frame_stats& s, std::span<char> buffer FRAMEALLOC_LIFETIMEBOUND) noexcept;
std::string_view to_text(const tag_bytes& s, std::span<char> buffer FRAMEALLOC_LIFETIMEBOUND) noexcept;
std::string_view to_text(const tag_stats& s, std::span<char> buffer FRAMEALLOC_LIFETIMEBOUND) noexcept;
std::string_view to_text(const phase_stats& s, std::span<char> buffer FRAMEALLOC_LIFETIMEBOUND) noexcept;
std::string_view to_text(const budget_stats& s, std::span<char> buffer FRAMEALLOC_LIFETIMEBOUND) noexcept;
std::string_view to_text(const deferred_stats& s, std::span<char> buffer FRAMEALLOC_LIFETIMEBOUND) noexcept;
std::string_view to_text(const transfer_stats& s, std::span<char> buffer FRAMEALLOC_LIFETIMEBOUND) noexcept;
std::string_view to_text(const thread_frame_stats& s, std::span<char> buffer FRAMEALLOC_LIFETIMEBOUND) noexcept;
inline std::string_view to_text(const lifecycle_summary& s, std::span<char> buffer FRAMEALLOC_LIFETIMEBOUND) noexcept {
    return s.text(buffer);
}
inline std::string_view to_text(const pointer_info& s, std::span<char> buffer FRAMEALLOC_LIFETIMEBOUND) noexcept {
    return s.text(buffer);
}
// Effects: writes what print_fault() and print_exhaustion() print, without the line's end, cut off at the buffer's end.
// Returns: what was written. Threads: any. Cost: O(its length), no allocation.
std::string_view to_text(const fault& f, std::span<char> buffer FRAMEALLOC_LIFETIMEBOUND) noexcept;
std::string_view to_text(const exhaustion& e, std::span<char> buffer FRAMEALLOC_LIFETIMEBOUND) noexcept;

// Effects: writes to_text(s), cut off after 1,023 characters. Cost: the stream's.
template <class Stream, class Stats>
    requires requires(Stream& to, std::string_view text, const Stats& s, std::span<char> buffer) {
        to_text(s, buffer);
        to << text;
    }
Stream& operator<<(Stream& to, const Stats& s) {
    char buffer[1024];
    to << to_text(s, buffer);
    return to;
}

}  // namespace framealloc::inline v1
