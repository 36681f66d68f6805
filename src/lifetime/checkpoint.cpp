#include <framealloc/lifetime/checkpoint.hpp>

#include <cstring>

#include <framealloc/lifetime/modules.hpp>
#include <framealloc/probe/guarded.hpp>

namespace framealloc::inline v1 {

using namespace memory;

namespace {

bool younger(std::uint64_t mark, std::uint64_t serial) noexcept { return mark >= serial; }

void make_room_for_mark(thread_context& c) noexcept {
    while (c.mark_count == c.mark_capacity) {
        const std::uint32_t wanted = c.mark_capacity == 0 ? 32 : c.mark_capacity * 2;
        exhaustion_reason why{};
        auto* wider = c.owner->meta.allocate_array<frame_mark>(wanted, why);
        if (wider == nullptr) {
            c.owner->exhausted_metadata(why, wanted * sizeof(frame_mark), 8);
            continue;  // its handler may have made room
        }
        if (c.mark_count != 0) std::memcpy(wider, c.marks, c.mark_count * sizeof(frame_mark));
        c.owner->meta.deallocate(c.marks, c.mark_capacity * sizeof(frame_mark));
        c.marks = wider;
        c.mark_capacity = wanted;
    }
}

frame_mark* find_mark(thread_context& c, std::uint64_t key, std::uint64_t serial, std::uint32_t index) noexcept {
    if (key != c.key || index >= c.mark_count || serial == 0) return nullptr;
    frame_mark& m = c.marks[index];
    const bool same_frame = m.depth == c.top->depth && m.generation == c.top->generation;
    return m.serial == serial && same_frame ? &m : nullptr;
}

void free_younger_blocks(thread_context& c, std::uint32_t depth, std::uint64_t serial) noexcept {
    for (outer_block* b = blocks_at(c, depth); b != nullptr;) {
        outer_block* next = b->next;
        if (younger(b->mark, serial)) outer_free(c, pointer_at<char>(address_of(b) + outer_header_bytes));
        b = next;
    }
}

// What was born since the checkpoint has ended; what is born from now on has not.
void note_rolled_births(thread_context& c, std::uint32_t depth, std::uint64_t serial) noexcept {
    ++c.mark_serial;
    while (c.rolled_count != 0 && c.rolled[c.rolled_count - 1].depth == depth &&
           younger(c.rolled[c.rolled_count - 1].from, serial))
        --c.rolled_count;
    if (c.rolled_count == most_rolled_births) {
        c.rolled[0].to = c.rolled[1].to;
        c.rolled[0].mixed = true;
        std::memmove(c.rolled + 1, c.rolled + 2, (most_rolled_births - 2) * sizeof(rolled_births));
        --c.rolled_count;
    }
    c.rolled[c.rolled_count++] = {depth, serial, c.mark_serial, false};
}

// Of an inner frame that ended after the checkpoint: somebody reads what would be taken back.
const held_frame* younger_hold(const thread_context& c, std::uint32_t depth, std::uint64_t serial) noexcept {
    for (const held_frame* h = c.flight->held; h != nullptr && h->depth == depth; h = h->next) {
        const bool held = __atomic_load_n(&h->holds, __ATOMIC_ACQUIRE) != 0;  // pairs: frame_hold::release
        if (h->handed_up && held && younger(h->mark, serial)) return h;
    }
    return nullptr;
}

}  // namespace

frame_checkpoint take_checkpoint(thread_context& c) noexcept {
    settle(c);
    make_room_for_mark(c);
    ++c.mark_serial;
    frame_record* r = c.top;
    c.marks[c.mark_count] = {r->cursor, r->generation, c.mark_serial, r->depth, c.log.size()};
    add_pending(*r, pending_marks);
    frame_checkpoint cp;
    cp.key_ = c.key;
    cp.serial_ = c.mark_serial;
    cp.index_ = c.mark_count++;
    return cp;
}

bool roll_back(thread_context& c, const frame_checkpoint& cp) noexcept {
    frame_mark* m = find_mark(c, cp.key_, cp.serial_, cp.index_);
    if (m == nullptr) {
        c.owner->raise(code::FA427, "nothing was rolled back", nullptr, 0, c.probes.place());
        return false;
    }
    frame_record* r = c.top;
    if (const held_frame* h = younger_hold(c, r->depth, m->serial)) {
        c.owner->raise(
            code::FA438,
            h->holder == nullptr ? "nothing was rolled back: an inner frame that ended since is held" : h->holder,
            nullptr, 0, c.probes.place());
        return false;
    }
    if (r->finalisers != nullptr) {
        lifetime::look_for_released(c);
        const activity_scope theirs(&c, activity::none);
        while (r->finalisers != nullptr && younger(r->finalisers->mark, m->serial)) {
            finaliser* f = r->finalisers;
            lifetime::remove_finaliser(f);
            lifetime::run_finaliser(c, f);
        }
    }
    settle(c);
    m = &c.marks[cp.index_];  // a destructor may have taken a checkpoint of its own
    free_younger_blocks(c, r->depth, m->serial);
    take_back_log(c, r->depth, m->log_size);
    return_to(c, m->cursor);
    r->cursor = m->cursor;
    begin_segment(c, m->cursor);
    c.mark_count = cp.index_ + 1;
    note_rolled_births(c, r->depth, m->serial);
    refresh_limit(c);
    return true;
}

void close_guard(thread_context& c, const frame_checkpoint& cp, bool committed) noexcept {
    if (!belongs_to_caller(c))
        return c.owner->raise(code::FA430, "end of a checkpoint guard of another thread; nothing was rolled back");
    if (!committed) roll_back(c, cp);
    // It will not be used again: containers older than it may grow in the arena again.
    if (find_mark(c, cp.key_, cp.serial_, cp.index_) != nullptr) c.mark_count = cp.index_;
}

}  // namespace framealloc::inline v1
