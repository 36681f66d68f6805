// What is counted and reported when values go from thread to thread.
#include <framealloc/object/transfer.hpp>

#include <framealloc/detail/core/registry.hpp>
#include <framealloc/detail/core/report.hpp>
#include <framealloc/detail/object/state.hpp>
#include <framealloc/detail/probe/watch.hpp>

namespace framealloc::inline v1::object {

void raise_received_twice(memory::core_ref a) noexcept {
    constexpr const char* detail = "receive() on a handle that holds nothing";
    memory::core* owner = a.owner == nullptr ? nullptr : memory::pin_core(a.id);
    if (owner == nullptr) return memory::raise_for_process({.what = code::FA434, .detail = detail});
    owner->raise({.what = code::FA434, .detail = detail});
    memory::release_core(a);
}

namespace {

void count_for(memory::core_ref a, transfer_step step, std::size_t bytes) noexcept {
    transfer_counters& n = state_of(*a.owner).transfers;
    frame_event e{.bytes = bytes};
    switch (step) {
        case transfer_step::initiated:
            n.initiated.add_relaxed(1);  // relaxed: a statistic
            n.bytes.add_relaxed(bytes);  // relaxed: a statistic
            e.kind = frame_event_kind::transfer_initiated;
            break;
        case transfer_step::completed:
            n.completed.add_relaxed(1);  // relaxed: a statistic
            e.kind = frame_event_kind::transfer_completed;
            break;
        case transfer_step::dropped:
            n.dropped.add_relaxed(1);  // relaxed: a statistic
            e.kind = frame_event_kind::transfer_dropped;
            break;
    }
    if (!a.owner->probes.is_watching()) return;  // relaxed: a switch
    memory::thread_context* c = memory::try_context_of(a);
    if (c != nullptr && c->probes.watched()) memory::notify(*c, e);
}

}  // namespace

// Without a block, nothing keeps the allocator alive.
void count_transfer(memory::core_ref a, transfer_step step, std::size_t bytes) noexcept {
    if (bytes != 0) return count_for(a, step, bytes);
    memory::core* owner = memory::pin_core(a.id);
    if (owner == nullptr) return;
    count_for(a, step, bytes);
    memory::release_core(a);
}

transfer_stats transfer_stats_of(const memory::core& c) noexcept {
    const transfer_counters& n = state_of(c).transfers;
    return {.initiated = n.initiated.load_relaxed(),   // relaxed: a statistic
            .completed = n.completed.load_relaxed(),   // relaxed: a statistic
            .dropped = n.dropped.load_relaxed(),       // relaxed: a statistic
            .bytes = n.bytes.load_relaxed()};          // relaxed: a statistic
}

}  // namespace framealloc::inline v1::object
