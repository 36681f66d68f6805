// Checkpoints taken and rolled back to.
#include <framealloc/lifetime/checkpoint.hpp>

#include <framealloc/detail/core/zones.hpp>
#include <framealloc/detail/lifetime/flights.hpp>
#include <framealloc/lifetime/modules.hpp>

namespace framealloc::inline v1 {

using memory::finaliser;
using memory::frame_record;
using memory::outer_block;
using memory::pending_marks;
using memory::thread_context;
using lifetime::frame_mark;
using lifetime::held_frame;
using lifetime::state_of;

namespace {

bool younger(std::uint64_t mark, std::uint64_t serial) noexcept { return mark >= serial; }

FRAMEALLOC_COLD void make_room_for_mark(thread_context& c) noexcept {
    lifetime::mark_stack& marks = state_of(c).marks;
    for (exhaustion_reason why{}; !marks.has_room() && !marks.widen(metadata_of(c), why);)
        owner_of(c).exhausted_metadata(why, marks.bytes_wanted(),
                                       alignof(frame_mark));  // its handler may have made room
}

// Marks end with their frames: one that is there is of a frame that is open.
bool is_of_top(const thread_context& c, const frame_mark* m) noexcept {
    return m != nullptr && m->depth == top_of(c)->depth;
}
frame_mark* find_mark(thread_context& c, std::uint64_t key, std::uint64_t serial) noexcept {
    frame_mark* m = key == key_of(c) ? state_of(c).marks.find(serial) : nullptr;
    return is_of_top(c, m) ? m : nullptr;
}

void free_younger_blocks(thread_context& c, std::uint32_t depth, std::uint64_t serial) noexcept {
    for (outer_block* b = blocks_at(c, depth); b != nullptr;) {
        outer_block* next = b->next;
        if (younger(b->mark, serial)) outer_free(c, begin_of(*b));
        b = next;
    }
}

// Of an inner frame that ended after the checkpoint: somebody reads what would be taken back.
const held_frame* younger_hold(const thread_context& c, std::uint32_t depth, std::uint64_t serial) noexcept {
    for (const held_frame* h = lifetime::current_flight(c).held; h != nullptr && h->depth == depth; h = h->next) {
        if (h->moved_to_outer && h->is_held() && younger(h->mark, serial)) return h;
    }
    return nullptr;
}

FRAMEALLOC_COLD void destroy_younger(thread_context& c, frame_record* r, std::uint64_t serial) noexcept {
    lifetime::look_for_released(c);
    while (r->finalisers != nullptr && younger(r->finalisers->mark, serial)) {
        finaliser* f = r->finalisers;
        lifetime::remove_finaliser(f);
        lifetime::run_finaliser(c, f);
    }
}

// Whether only the cursor has to go back: nothing was charged since, and nothing is out of line, held or to destroy.
FRAMEALLOC_INLINE bool nothing_but_bytes(const thread_context& c, const frame_record& r, const frame_mark& m) noexcept {
    constexpr unsigned more = memory::pending_blocks | memory::pending_chunks | memory::pending_ground |
                              memory::pending_always;
    return (r.pending_bits & more) == 0 && r.finalisers == nullptr && lifetime::current_flight(c).held == nullptr &&
           boundary_of(c) == m.cursor && log_of(c).size() == m.log_size;
}

// What was born since the checkpoint has ended; what is born from now on has not.
FRAMEALLOC_INLINE bool end_births(thread_context& c, frame_mark& m) noexcept {
    m.rolled_to = begin_epoch(c);
    return true;
}

// Returns false.
FRAMEALLOC_COLD bool refuse_unknown(thread_context& c) noexcept {
    memory::raise(c, {.what = code::FA427, .detail = "nothing was rolled back"});
    return false;
}
FRAMEALLOC_COLD bool refuse_for(thread_context& c, const held_frame& h) noexcept {
    const char* unnamed = "nothing was rolled back: an inner frame that ended since is held";
    memory::raise(c, {.what = code::FA438, .detail = h.holder == nullptr ? unnamed : h.holder});
    return false;
}

void take_back(thread_context& c, frame_record* r, const frame_mark& m) noexcept {
    settle(c);
    free_younger_blocks(c, r->depth, m.serial);
    take_back_log(c, r->depth, m.log_size);
    return_to(c, m.cursor);
    r->cursor = m.cursor;
    begin_segment(c, m.cursor);
    refresh_limit(c);
}

[[gnu::noinline]] bool roll_back_slow(thread_context& c, std::uint64_t key, std::uint64_t serial) noexcept {
    frame_mark* m = find_mark(c, key, serial);
    if (m == nullptr) return refuse_unknown(c);
    frame_record* r = top_of(c);
    if (const held_frame* h = younger_hold(c, r->depth, serial)) return refuse_for(c, *h);
    if (r->finalisers != nullptr) {
        destroy_younger(c, r, serial);
        m = find_mark(c, key, serial);  // a destructor may have taken a checkpoint of its own
    }
    take_back(c, r, *m);
    state_of(c).marks.drop_younger(*m);
    return end_births(c, *m);
}

// Requires: room for the mark, and that no bytes are unsettled. Returns its serial.
FRAMEALLOC_INLINE std::uint64_t mark_top(thread_context& c) noexcept {
    frame_record& r = *top_of(c);
    add_pending(r, pending_marks);
    const std::uint64_t serial = begin_epoch(c);
    state_of(c).marks.push({r.cursor, serial, 0, r.depth, log_of(c).close()});
    return serial;
}

[[gnu::noinline]] std::uint64_t settle_and_mark_top(thread_context& c) noexcept {
    if (!settled_at_top(c)) settle(c);
    if (!state_of(c).marks.has_room()) make_room_for_mark(c);
    return mark_top(c);
}

}  // namespace

frame_checkpoint take_checkpoint(thread_context& c) noexcept {
    frame_checkpoint cp;
    cp.key_ = key_of(c);
    if (!settled_at_top(c) || !state_of(c).marks.has_room()) [[unlikely]] {
        cp.serial_ = settle_and_mark_top(c);
        return cp;
    }
    cp.serial_ = mark_top(c);
    return cp;
}

bool roll_back(thread_context& c, frame_checkpoint cp) noexcept {
    frame_mark* m = state_of(c).marks.find_newest(cp.serial_);
    frame_record* r = top_of(c);
    if (cp.key_ != key_of(c) || !is_of_top(c, m) || !nothing_but_bytes(c, *r, *m)) [[unlikely]]
        return roll_back_slow(c, cp.key_, cp.serial_);
    if (r->cursor != m->cursor) {
        end_unsettled(c, r->cursor - m->cursor, r->cursor);
        r->cursor = m->cursor;
    }
    return end_births(c, *m);
}

void close_guard(thread_context& c, frame_checkpoint cp, bool committed) noexcept {
    if (!belongs_to_caller(c))
        return owner_of(c).raise(
            {.what = code::FA430, .detail = "end of a checkpoint guard of another thread; nothing was rolled back"});
    if (!committed) roll_back(c, cp);
    frame_mark* m = state_of(c).marks.find_newest(cp.serial_);
    if (m == nullptr) m = state_of(c).marks.find(cp.serial_);
    if (cp.key_ != key_of(c) || !is_of_top(c, m)) return;
    // It will not be used again: containers older than it may grow in the arena again.
    state_of(c).marks.drop(*m, [&c](const frame_mark& gone) {
        if (gone.rolled_to != 0) state_of(c).rolled.add(gone.depth, gone.serial, gone.rolled_to);
    });
}

}  // namespace framealloc::inline v1
