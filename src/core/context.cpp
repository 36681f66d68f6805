// A context, made with everything it needs before its first operation.
#include <framealloc/detail/core/context.hpp>
#include <framealloc/detail/core/identity.hpp>

#include <new>

#include <framealloc/detail/core/accounts.hpp>
#include <framealloc/detail/core/frame_arena.hpp>
#include <framealloc/detail/core/pool.hpp>
#include <framealloc/detail/core/registry.hpp>
#include <framealloc/detail/core/remote.hpp>
#include <framealloc/detail/core/zones.hpp>
#include <framealloc/detail/sync/glimpse.hpp>

namespace framealloc::inline v1::memory {

namespace {

void set_up_records(thread_context& c) noexcept {
    for (frame_record& r : c.segments.of(0).records) r.cursor = c.arenas.current().start();
    c.stack.ground().gate.on(gate_own);  // the first frame introduces itself
    c.stack.ground().pending_bits = pending_ground;
    begin_segment(c, c.arenas.current().start());
}

}  // namespace

namespace {

// The record below the top one rests. What is read while frames open, close or grow a chunk may not belong together:
// then nothing is said, and the next boundary shows it. The first record of a segment opens after a boundary.
std::size_t open_bytes_seen(const thread_context& c) noexcept {
    const frame_record* top = c.stack.top_seen();
    const std::uintptr_t segment = c.charges.segment_seen();
    const bool grown = (sync::glimpse(top->pending_bits) & pending_chunks) != 0;
    if (sync::glimpse(top->depth) % records_per_segment == 0 || grown) return 0;
    const std::uintptr_t cursor = sync::glimpse((top - 1)->cursor);
    const bool together = c.stack.top_seen() == top && c.charges.segment_seen() == segment && cursor > segment;
    return together ? cursor - segment : 0;
}

}  // namespace

open_share open_share_of(const thread_context& c) noexcept {
    const thread_charges::past_frame past = c.charges.past_seen();
    return {.tag = c.charges.tag_seen(),
            .bytes = open_bytes_seen(c),
            .last_frame = past.frame == finished_frame(c) ? past.bytes : 0};
}

thread_context* make_context(core& a, refused_request& r) noexcept {
    auto take = [&](std::size_t bytes) {
        void* p = a.meta.allocate(bytes, r.why);
        if (p == nullptr && r.bytes == 0) r.bytes = bytes;
        return p;
    };
    void* memory = take(sizeof(thread_context));
    record_segment* records = nullptr;
    void* flight = take(a.config.above->flight_bytes);
    auto give_up = [&]() -> thread_context* {
        a.meta.deallocate(memory, sizeof(thread_context));
        a.meta.deallocate(records, sizeof(record_segment));
        a.meta.deallocate(flight, a.config.above->flight_bytes);
        return nullptr;
    };
    if (memory == nullptr || flight == nullptr) return give_up();
    auto& c = *::new (memory) thread_context{};
    c.owner = &a;
    c.life.set_key(fresh_id());
    c.arenas.open(*a.config.above->make_flight(flight));
    a.config.above->open_context(c);
    c.probes.hooks = a.probes.hooks;
    if (!c.probes.hooks->open_thread(c)) return give_up();
    r.bytes = sizeof(record_segment);
    records = add_segment(c, 0, r.why);
    if (records == nullptr) {
        c.probes.hooks->close_thread(c);
        return give_up();
    }
    c.stack.open(*records);
    c.pages.open();
    c.heap.open();
    r = {r.why, a.config.frame_capacity, true};
    if (!open_arena(c, c.arenas.current(), r.why)) {
        c.probes.hooks->close_thread(c);
        return give_up();
    }
    watch_returns(c);
    r = {r.why, sizeof(tag_account)};
    tag_account* root = c.charges.accounts().open(a.meta, a.tags.root(), r.why);
    if (root == nullptr) {
        close_arena(c, c.arenas.current());
        c.probes.hooks->close_thread(c);
        return give_up();
    }
    c.scopes.open(c, c.charges, root);
    set_up_records(c);
    set_deferred(c, a.config.deferred);
    refresh_limit(c);
    return &c;
}

record_segment* add_segment(thread_context& c, std::uint32_t depth, exhaustion_reason& why) noexcept {
    void* memory = c.owner->meta.allocate(sizeof(record_segment), why);
    if (memory == nullptr) return nullptr;
    auto* s = ::new (memory) record_segment{};
    for (frame_record& r : s->records) {
        r.context = &c;
        r.depth = depth++;
        r.open_mask = r.depth == 0 ? 0 : ~std::uintptr_t{0};
        r.cursor = c.arenas.current().start();
        if (c.probes.guarded()) r.gate.on(gate_guard);
        if (c.probes.watched()) r.gate.on(gate_watch);
        if (c.probes.guarded()) r.pending_bits = pending_always;
    }
    // Neither what is below the first record nor what is above the last one is beside it.
    s->records[0].pending_bits = pending_always;
    s->records[records_per_segment - 1].gate.on(gate_own);
    c.segments.add(s->records[0].depth, s);
    return s;
}

}  // namespace framealloc::inline v1::memory
