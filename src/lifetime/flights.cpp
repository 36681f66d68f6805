// What outermost frames leave behind when they are kept, and the choice of the memory that the next one uses.
#include <framealloc/detail/lifetime/flights.hpp>

#include <algorithm>
#include <cstdio>
#include <new>
#include <utility>

#include <framealloc/detail/core/zones.hpp>
#include <framealloc/detail/lifetime/finaliser.hpp>
#include <framealloc/detail/os/thread.hpp>
#include <framealloc/detail/probe/guarded_frames.hpp>
#include <framealloc/lifetime/modules.hpp>

namespace framealloc::inline v1::lifetime {

using memory::arena_chunk;
using memory::busy_policy;
using memory::core_config;
using memory::frame_record;
using memory::outer_block;
using memory::thread_context;

memory::frame_arena* make_flight(void* memory) noexcept { return ::new (memory) flight{}; }

const held_frame* flight::find_hold(std::uint32_t least_depth) const noexcept {
    const held_frame* h = held;
    while (h != nullptr && h->depth >= least_depth && !h->is_held()) h = h->next;
    return h != nullptr && h->depth >= least_depth ? h : nullptr;
}

namespace {

void drop_released_of(thread_context& c, flight& s, std::uint32_t depth) noexcept {
    for (held_frame** link = &s.held; *link != nullptr && (*link)->depth >= depth;) {
        held_frame* h = *link;
        if (h->is_held()) {
            link = &h->next;
            continue;
        }
        *link = h->next;
        const std::size_t bytes = h->kept_bytes.load_relaxed();  // relaxed: written by this thread
        if (bytes != 0) s.revocable = false;
        if (h->revoked)
            static_cast<void>(
                system_of(owner_of(c))
                    .commit(pointer_at(h->kept->begin), std::min(bytes, h->kept->committed - h->kept->begin)));
        metadata_of(c).deallocate(h, sizeof(held_frame));
    }
}

// Debug: the release of the hold may revoke what the ended frame has, if that is one chunk and nothing has to be
// destroyed in it.
void offer_to_revoke(thread_context& c, flight& s) noexcept {
    held_frame* h = s.held;
    const arena_chunk* k = &s.newest();
    const bool alone = h != nullptr && h->next == nullptr && !h->moved_to_outer && k->depth == 1 &&
                       k->previous != nullptr && k->previous->depth == 0;
    if (!alone || s.finalisers != nullptr || !c.probes.revokes() || guard::tool_active()) return;
    if (config_of(c).frames_in_flight > 1 || !has_system_pages(owner_of(c))) return;
    h->kept = k;
    s.revocable = true;
    h->kept_bytes.store_release(k->committed - k->begin);  // pairs: revoke() in hold.cpp
}

// The kept content is due: what the end of its frame would have done.
void clear(thread_context& c, flight& s) noexcept {
    if (s.finalisers != nullptr) {
        s.clearing = true;  // a destructor may open a frame, which needs another flight
        run_finalisers(c, s.finalisers);
        s.clearing = false;
    }
    free_blocks(c, s.blocks);
    drop_released_of(c, s, 0);
    if (!c.probes.guarded()) return;
    memory::end_frame_blocks(c, s, 0, ~std::uintptr_t{0});
    s.newest().padding = 0;  // as in the log
}

// The flight's memory is the next outermost frame's.
void reuse(thread_context& c, flight& s) noexcept {
    clear(c, s);
    s.content_kept = false;
    s.recall(std::exchange(s.forgotten, 0));
    use_arena(c, s);
    ground_of(c).cursor = s.newest().begin;
    memory::return_to(c, s.start());
    memory::merge_chunks(c);
    memory::retain_arena(c);
    ground_of(c).cursor = s.start();
    memory::begin_segment(c, s.start());
}

bool due(const thread_context& c, const flight& s) noexcept {
    return !s.clearing && !s.is_held() && s.due <= state_of(c).turn;
}

flight* add_flight(thread_context& c, exhaustion_reason& why) noexcept {
    void* memory = metadata_of(c).allocate(sizeof(flight), why);
    if (memory == nullptr) return nullptr;
    auto* s = ::new (memory) flight{};
    if (!memory::open_arena(c, *s, why)) {
        metadata_of(c).deallocate(memory, sizeof(flight));
        return nullptr;
    }
    add_arena(c, *s);
    return s;
}

// Of the first that fits, beginning after the current one: with the oldest.
template <class F>
flight* find_flight(const thread_context& c, F&& fits) noexcept {
    flight* s = &current_flight(c).following();
    for (std::uint32_t i = 0; i < arena_count(c); ++i, s = &s->following()) {
        if (fits(*s)) return s;
    }
    return nullptr;
}

flight* find_due(const thread_context& c) noexcept {
    return find_flight(c, [&](const flight& s) { return due(c, s); });
}

// A held frame of this thread; those that ended threads left are no mistake.
const flight* find_held(const thread_context& c) noexcept {
    return find_flight(c, [](const flight& s) { return !s.left && s.is_held(); });
}

// All flights are taken by frames that somebody holds.
flight* flight_despite_holds(thread_context& c) noexcept {
    const core_config& o = config_of(c);
    if (find_held(c) == nullptr) return find_due(c);
    if (o.on_busy == busy_policy::wait) {
        const std::uint64_t deadline = os::monotonic_microseconds() + o.busy_wait_us;
        while (os::monotonic_microseconds() < deadline) {
            if (flight* s = find_due(c)) return s;
            os::sleep_microseconds(50);
        }
    }
    const flight* busy = o.on_busy == busy_policy::grow ? nullptr : find_held(c);
    const held_frame* h = busy == nullptr ? nullptr : busy->find_hold();
    if (h != nullptr) {
        char detail[128];
        std::snprintf(detail, sizeof detail, "frame %llu is held by \"%s\"",
                      static_cast<unsigned long long>(busy->frame), h->holder == nullptr ? "" : h->holder);
        owner_of(c).raise({.what = code::FA438, .detail = detail});
    }
    return nullptr;
}

// Whether the current flight has memory that was taken outside a frame since its frame ended.
bool ground_taken(const thread_context& c) noexcept {
    const flight& s = current_flight(c);
    return ground_of(c).cursor != (s.content_kept ? s.end : s.start());
}

void clear_what_is_due(thread_context& c) noexcept {
    const flight* const last = &current_flight(c);  // a destructor may open a frame elsewhere
    for (flight* s = &last->following();; s = &s->following()) {
        if (due(c, *s)) clear(c, *s);
        if (s == last) return;
    }
}

flight& choose_flight(thread_context& c) noexcept {
    const core_config& o = config_of(c);
    exhaustion_reason why{};
    flight* s = arena_count(c) < o.frames_in_flight ? add_flight(c, why) : nullptr;
    if (s == nullptr) s = find_due(c);
    if (s == nullptr) s = flight_despite_holds(c);
    while (s == nullptr) {
        s = add_flight(c, why);
        if (s == nullptr) owner_of(c).exhausted(why, memory_kind::frame, o.frame_capacity, memory::page_bytes);
    }
    return *s;
}

void clear_all(thread_context& c) noexcept {
    flight* s = &current_flight(c);
    for (std::uint32_t i = 0; i < arena_count(c); ++i) {
        s = &s->following();  // the oldest first
        if (s->is_held()) {
            s->left = true;  // until its hold is released and the next owner of the context opens a frame, or the
                             // allocator goes
        } else if (s != &current_flight(c)) {
            clear(c, *s);
            s->frame = s->due = 0;
        } else {
            reuse(c, *s);
        }
    }
}

// What frames left that destructors have opened meanwhile.
bool any_to_clear(const thread_context& c) noexcept {
    return find_flight(c, [](const flight& s) {
               return !s.is_held() && (s.finalisers != nullptr || s.blocks != nullptr);
           }) != nullptr;
}

void move_to_outer(frame_record& from, frame_record& to) noexcept {
    memory::finaliser* newest = from.finalisers;
    if (newest == nullptr) return;
    memory::finaliser* oldest = newest;
    while (oldest->next != nullptr) oldest = oldest->next;
    oldest->next = to.finalisers;
    if (oldest->next != nullptr) oldest->next->link = &oldest->next;
    to.finalisers = newest;
    newest->link = &to.finalisers;
    from.finalisers = nullptr;
}

void move_to_outer(outer_block*& from, outer_block*& to) noexcept {
    while (outer_block* b = from) {
        from = b->next;
        b->next = to;
        b->link = &to;
        if (b->next != nullptr) b->next->link = &b->next;
        to = b;
    }
}

}  // namespace

void drop_released_holds(thread_context& c, std::uint32_t depth) noexcept {
    drop_released_of(c, current_flight(c), depth);
}

void move_to_outer(thread_context& c, frame_record* r) noexcept {
    frame_record* outer = memory::outer_of(r);
    forget_place(c);
    flight& s = current_flight(c);
    move_to_outer(*r, *outer);
    move_to_outer(memory::blocks_at(c, r->depth), memory::blocks_at(c, outer->depth));
    for (held_frame* h = s.held; h != nullptr && h->depth >= r->depth; h = h->next) {
        h->depth = outer->depth;
        h->mark = epoch_of(c);
        h->moved_to_outer = true;
    }
    for (arena_chunk* k = &s.newest(); k != nullptr && k->depth >= r->depth; k = k->previous) k->depth = outer->depth;
    log_of(c).move_to_outer(r->depth);
    outer->cursor = r->cursor;
    memory::add_pending(*outer,
                        memory::pending_always | (r->pending_bits & (memory::pending_chunks | memory::pending_log)));
}

void park(thread_context& c, frame_record* r) noexcept {
    flight& s = current_flight(c);
    memory::note_peak(c);
    s.forgotten = s.used(r->cursor, memory::guard_padding(c));
    s.forget(s.forgotten);
    forget_place(c);
    s.finalisers = r->finalisers;
    if (s.finalisers != nullptr) s.finalisers->link = &s.finalisers;
    r->finalisers = nullptr;
    outer_block*& blocks = memory::blocks_at(c, r->depth);
    s.blocks = blocks;
    if (s.blocks != nullptr) s.blocks->link = &s.blocks;
    blocks = nullptr;
    memory::end_outer_blocks(c, s.blocks);
    s.frame = r->generation;
    s.due = state_of(c).turn + config_of(c).frames_in_flight;
    s.content_kept = true;
    s.left = false;
    s.end = r->cursor;
    ground_of(c).cursor = r->cursor;  // memory taken outside a frame meanwhile is after what is kept
    ground_of(c).gate.on(memory::gate_own);
    offer_to_revoke(c, s);
}

bool rotate(thread_context& c) noexcept {
    thread_state& t = state_of(c);
    if (t.ending == nullptr) ++t.turn;
    if (ground_taken(c)) {  // what is outside frames lives as long as this one
        flight& s = current_flight(c);
        s.frame = outermost_of(c).generation + 1;
        s.due = t.turn + config_of(c).frames_in_flight;
    }
    clear_what_is_due(c);
    flight& s = choose_flight(c);
    reuse(c, s);
    memory::refresh_limit(c);
    bool calm = config_of(c).frames_in_flight == 1;
    for (const flight* other = &s.following(); other != &s; other = &other->following())
        calm = calm && !other->has_content();
    return calm;
}

void clear_flights(thread_context& c) noexcept {
    do clear_all(c);
    while (any_to_clear(c));
}

}  // namespace framealloc::inline v1::lifetime
