// Statistics, faults and exhaustion as text.
#include <framealloc/insight/print.hpp>

#include <algorithm>
#include <cstdio>

#include <framealloc/detail/base/fault_text.hpp>

namespace framealloc::inline v1 {

namespace {

unsigned long long n(std::uint64_t v) noexcept { return v; }

// What snprintf wrote, cut off at the buffer's end.
template <class... Args>
std::string_view line(std::span<char> buffer, const char* format, Args... args) noexcept {
    if (buffer.empty()) return {};
    const int length = std::snprintf(buffer.data(), buffer.size(), format, args...);
    return {buffer.data(), std::min(buffer.size() - 1, static_cast<std::size_t>(std::max(length, 0)))};
}

// A part for each kind, one after the other.
class kinds_text {
public:
    template <class... Args>
    void add(const char* separator, const char* format, Args... args) noexcept {
        if (used_ != 0) used_ += line(rest(), "%s", separator).size();
        used_ += line(rest(), format, args...).size();
    }
    const char* text() const noexcept { return text_; }

private:
    std::span<char> rest() noexcept { return std::span(text_ + used_, sizeof text_ - used_); }

    char text_[kind_count * 96] = {};
    std::size_t used_ = 0;
};

// "frame 10, pool 0, heap 64": the bytes of each kind.
template <class Stats, class Field>
kinds_text bytes_by_kind(const Stats& s, Field field) noexcept {
    kinds_text all;
    for (unsigned k = 0; k < kind_count; ++k) all.add(", ", "%s %zu", traits_of(kind_at(k)).name, s.*field(kind_at(k)));
    return all;
}

int width(std::string_view s) noexcept { return static_cast<int>(std::min<std::size_t>(s.size(), 4096)); }

}  // namespace

std::string_view to_text(const fault& f, std::span<char> buffer) noexcept {
    if (buffer.empty()) return {};
    return {buffer.data(), base::write_text(f, buffer.data(), buffer.size())};
}

std::string_view to_text(const exhaustion& e, std::span<char> buffer) noexcept {
    if (buffer.empty()) return {};
    return {buffer.data(), base::write_text(e, buffer.data(), buffer.size())};
}

std::string_view to_text(const alloc_stats& s, std::span<char> buffer) noexcept {
    return line(buffer,
                "%zu bytes in use (%s), at most %zu; %llu allocations, %llu frees, %llu of "
                "them on other threads; "
                "%zu bytes committed, at most %zu, of %zu reserved; %llu page requests, %llu pages set up",
                s.total_allocated, bytes_by_kind(s, allocated_of).text(), s.peak_allocated, n(s.allocation_count),
                n(s.deallocation_count), n(s.deferred_free_count), s.committed, s.peak_committed, s.reserved,
                n(s.page_requests), n(s.slab_refill_count));
}

std::string_view to_text(const frame_stats& s, std::span<char> buffer) noexcept {
    return line(buffer,
                "frame %llu: %llu bytes allocated, %zu in use, at most %zu; %llu allocations counted; growth: %llu "
                "through outer frames, %llu oversize, "
                "%llu chunks; suggested capacity %zu bytes",
                n(s.frame_number), n(s.bytes_allocated), s.bytes_in_use, s.peak_bytes, n(s.allocation_count),
                n(s.outer_growth), n(s.oversize), n(s.arena_growth), s.suggested_capacity);
}

std::string_view to_text(const tag_bytes& s, std::span<char> buffer) noexcept {
    return line(buffer, "%zu bytes (%s), at most %zu; %zu in the last frame", s.total_bytes,
                bytes_by_kind(s, bytes_of).text(), s.peak_bytes, s.last_frame_bytes);
}

std::string_view to_text(const tag_stats& s, std::span<char> buffer) noexcept {
    char own[256], all[256];
    const std::string_view a = to_text(static_cast<const tag_bytes&>(s), own), b = to_text(s.with_children, all);
    return line(buffer, "%.*s; with children %.*s%s", width(a), a.data(), width(b), b.data(),
                s.borrows ? "; some of its pool blocks are counted for a parent" : "");
}

std::string_view to_text(const phase_stats& s, std::span<char> buffer) noexcept {
    return line(buffer, "phase \"%.*s\": %llu bytes, %llu allocations", width(s.name), s.name.data(), n(s.bytes),
                n(s.allocations));
}

std::string_view to_text(const budget_stats& s, std::span<char> buffer) noexcept {
    kinds_text used, exceeded;
    for (unsigned k = 0; k < kind_count; ++k) {
        const kind_traits kind = traits_of(kind_at(k));
        if (kind.budget == budget_base::none) continue;
        const budget_fields fields = budget_fields_of(kind_at(k));
        used.add(", ", "%s %zu of %zu bytes", kind.name, s.*fields.used, s.*fields.budget);
        exceeded.add(" and ", "%llu", n(s.*fields.exceeded));
    }
    return line(buffer, "%s (a budget of 0: none); exceeded %s times, %llu warnings", used.text(), exceeded.text(),
                n(s.warnings));
}

std::string_view to_text(const deferred_stats& s, std::span<char> buffer) noexcept {
    return line(buffer,
                "%llu blocks queued, %llu taken back (%llu bytes), %llu waiting, at most %llu; queue full %llu times, "
                "%llu timed out",
                n(s.total_queued), n(s.total_processed), n(s.processed_bytes), n(s.current_depth), n(s.peak_depth),
                n(s.full_count), n(s.blocked_count));
}

std::string_view to_text(const transfer_stats& s, std::span<char> buffer) noexcept {
    return line(buffer, "%llu transfers of %llu bytes: %llu received, %llu dropped, %llu in transit", n(s.initiated),
                n(s.bytes), n(s.completed), n(s.dropped), n(s.in_flight()));
}

std::string_view to_text(const thread_frame_stats& s, std::span<char> buffer) noexcept {
    return line(buffer,
                "thread %llu%s: %llu frames begun, %llu ended; %llu bytes of frame memory, at most %zu in use; %llu "
                "frees of other threads' blocks",
                n(s.thread), s.running ? "" : " (ended)", n(s.frames_started), n(s.frames_completed),
                n(s.total_allocated), s.peak_memory, n(s.cross_thread_frees));
}

}  // namespace framealloc::inline v1
