// What threads did since they came, and who is notified.
#include <framealloc/insight/lifecycle.hpp>

#include <algorithm>
#include <cstdarg>
#include <cstdio>

#include <framealloc/detail/core/walk.hpp>
#include <framealloc/detail/probe/watch.hpp>

namespace framealloc::inline v1 {

using memory::core;
using memory::thread_context;
using memory::watch;

namespace {

// Requires: core::lock is held.
template <class F>
void for_each_watch(const core& a, F&& f) {
    for_each_context(a, [&](thread_context& c) {
        if (c.probes.watcher() != nullptr) f(c, *c.probes.watcher());
    });
}

thread_frame_stats stats_of(const thread_context& c, const watch& w) noexcept {
    return {.thread = thread_of(c),
            .running = has_thread(c),
            .frames_started = w.begun.get() - std::max(w.came.begun, w.reset.begun),
            .frames_completed = w.ended.get() - std::max(w.came.ended, w.reset.ended),
            .current_frame = current_frame(c),
            .total_allocated = w.allocated.get() - std::max(w.came.allocated, w.reset.allocated),
            .peak_memory = static_cast<std::size_t>(w.peak.get()),
            .cross_thread_frees = w.remote_frees() - std::max(w.came.remote_frees, w.reset.remote_frees)};
}

void append(std::span<char> buffer, std::size_t& used, const char* format, ...) noexcept {
    if (used >= buffer.size()) return;
    std::va_list arguments;
    va_start(arguments, format);
    const int n = std::vsnprintf(buffer.data() + used, buffer.size() - used, format, arguments);
    va_end(arguments);
    if (n > 0) used += std::min(static_cast<std::size_t>(n), buffer.size() - used - 1);
}

}  // namespace

void lifecycle::enable(frame_event_handler handler) const noexcept { observe(owner_, handler); }

void lifecycle::disable() const noexcept { stop_observing(owner_); }

bool lifecycle::is_enabled() const noexcept { return owner_.owner->probes.is_watching(); }  // relaxed: a recent value

std::size_t lifecycle::thread_stats(std::span<thread_frame_stats> out) const noexcept {
    std::size_t n = 0;
    const sync::lock_guard guard(lock_of(*owner_.owner));
    for_each_watch(*owner_.owner, [&](const thread_context& c, const watch& w) {
        if (n < out.size()) out[n] = stats_of(c, w);
        ++n;
    });
    return n;
}

thread_frame_stats lifecycle::thread_stats() const noexcept {
    const thread_context* c = try_context_of(owner_);
    if (c == nullptr || c->probes.watcher() == nullptr) return {};
    const sync::lock_guard guard(lock_of(*owner_.owner));
    return stats_of(*c, *c->probes.watcher());
}

lifecycle_summary lifecycle::summary() const noexcept {
    lifecycle_summary s;
    const sync::lock_guard guard(lock_of(*owner_.owner));
    for_each_watch(*owner_.owner, [&](const thread_context&, const watch& w) {
        const watch::base now = w.now();
        ++s.thread_count;
        s.total_frames += now.ended - w.reset.ended;
        s.total_allocated += now.allocated - w.reset.allocated;
        s.peak_memory = std::max(
            {s.peak_memory, static_cast<std::size_t>(w.peak.get()), static_cast<std::size_t>(w.former_peak.get())});
        s.cross_thread_frees += now.remote_frees - w.reset.remote_frees;
        for (std::size_t i = 0; i < frame_event_kinds; ++i) s.events[i] += now.reported[i] - w.reset.reported[i];
    });
    return s;
}

void lifecycle::reset_stats() const noexcept {
    const sync::lock_guard guard(lock_of(*owner_.owner));
    for_each_watch(*owner_.owner, [](thread_context&, watch& w) {
        w.reset = w.now();
        w.peak.set(0);
        w.former_peak.set(0);
    });
}

std::string_view lifecycle_summary::text(std::span<char> buffer) const noexcept {
    static constexpr const char* names[frame_event_kinds] = {
        "frame_begin",      "frame_end",          "allocation",         "release",
        "remote_free",      "deferred_processed", "transfer_initiated", "transfer_completed",
        "transfer_dropped", "memory_pressure",    "budget_exceeded"};
    std::size_t used = 0;
    const auto number = [](std::uint64_t n) { return static_cast<unsigned long long>(n); };
    append(buffer, used,
           "%llu threads, %llu frames, %llu bytes of frame memory, at most %llu in use, %llu frees on other threads\n",
           number(thread_count), number(total_frames), number(total_allocated), number(peak_memory),
           number(cross_thread_frees));
    for (std::size_t i = 0; i < frame_event_kinds; ++i) {
        if (events[i] != 0) append(buffer, used, "%s %llu\n", names[i], number(events[i]));
    }
    return {buffer.data(), used};
}

}  // namespace framealloc::inline v1
