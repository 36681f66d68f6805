// Guarded frame memory in arenas.
#include <framealloc/detail/probe/guarded_frames.hpp>

#include <cstdio>
#include <utility>

#include <framealloc/detail/core/zones.hpp>
#include <framealloc/detail/os/code.hpp>
#include <framealloc/detail/probe/block_report.hpp>

namespace framealloc::inline v1::memory {

using guard::damage;
using guard::frame_block;

namespace {

bool check_zones(core& a, const frame_block& b) noexcept {
    return check_zones(a, report_of(b), b.front, b.begin, b.cursor);
}

// What ended must not change until it is allocated again.
void check_dead(thread_context& c, std::uintptr_t begin, std::uintptr_t end) noexcept {
    if (begin >= end) return;
    const damage d = guard::check_fill(begin, end, guard::dead_byte);
    if (!d) return;
    char detail[160];
    const frame_block* b = c.probes.guard->ended.containing(d.first);
    if (b == nullptr) {
        std::snprintf(detail, sizeof detail, "%zu bytes of frame memory were changed after they had ended",
                      static_cast<std::size_t>(d.last - d.first + 1));
        return c.owner->raise({.what = code::FA002, .detail = detail, .address = pointer_at(d.first)});
    }
    const frame_block copy = *b;
    char ending[80];
    say_end(ending, c, copy.frame, copy.depth);
    std::snprintf(detail, sizeof detail, "frame memory of %zu bytes was changed at +%zu %s",
                  static_cast<std::size_t>(copy.end - copy.begin), static_cast<std::size_t>(d.first - copy.begin),
                  ending);
    raise_about(*c.owner, code::FA002, report_of(copy), detail, pointer_at(d.first));
}

// Enters a block of the arena; `charged` of its bytes up to the new cursor are not padding. False without memory for
// it.
bool begin_frame_block(thread_context& c, std::uintptr_t block, std::size_t bytes, std::uintptr_t cursor,
                       std::size_t charged, bool apart) noexcept {
    arena_chunk& k = c.arenas.current().newest();
    const std::uintptr_t front = c.stack.top()->cursor;
    check_dead(c, front, cursor < k.touched ? cursor : k.touched);
    const frame_block b{.front = front,
                        .begin = block,
                        .end = block + bytes,
                        .cursor = cursor,
                        .tag = c.tag()->node,
                        .born = os::own_call(c.probes.place()),
                        .frame = current_frame(c),
                        .depth = c.stack.depth(),
                        .apart = apart};
    if (!c.arenas.current().log->push(b, cursor - front - charged)) return false;
    c.probes.forget_place();
    if (k.touched < cursor) k.touched = cursor;
    guard::allow(front, cursor);
    guard::write_canary(front, b.begin, c.owner->probes.canary_key);
    guard::fill(b.begin, b.end, guard::fresh_byte);
    guard::write_canary(b.end, cursor, c.owner->probes.canary_key);
    guard::forbid(front, b.begin);
    guard::forbid(b.end, cursor);
    guard::allow_unwritten(b.begin, b.end);
    guard::block(b.begin, bytes);
    return true;
}

struct guarded_place {
    std::uintptr_t block, cursor;
    std::size_t charged;
};

// Half of a chunk, if it is no small one, is for blocks that are on OS pages of their own; the rest is as it comes.
constexpr std::size_t least_for_pages = std::size_t{256} << 10;

}  // namespace

// Zones are around the block, and are not charged. What the cursor would be without them says what alignment costs.
void* allocate_frame(thread_context& c, std::size_t bytes, std::size_t align, std::size_t most, bool& out_of_line,
                     exhaustion_reason& why) noexcept {
    bool apart = std::exchange(c.probes.guard->apart, false) && !guard::tool_active();
    const auto place = [&] {
        const std::uintptr_t plain = c.stack.top()->cursor -
                                     static_cast<std::uintptr_t>(guard_padding(c) -
                                                                 c.arenas.current().newest().padding);
        const std::size_t page = apart ? c.owner->pages.granularity() : 1;
        const std::uintptr_t block = align_up(c.stack.top()->cursor + guard::zone, align > page ? align : page);
        return guarded_place{block, align_up(align_up(block + bytes, cursor_granularity) + guard::zone, page),
                             align_up(plain, align) + align_up(bytes, cursor_granularity) - plain};
    };
    const auto fits_in_pages = [&](const guarded_place& at) {
        const arena_chunk& k = c.arenas.current().newest();
        return k.end - k.begin >= least_for_pages && at.cursor <= k.begin + (k.end - k.begin) / 2;
    };
    const bool own = !c.probes.revokes() || c.arenas.current().newest().depth == c.stack.depth();
    const admission a = admit_frame(c, place().charged, why);  // its handler may allocate
    out_of_line = a == admission::elsewhere;
    if (a != admission::granted) return nullptr;
    guarded_place at = place();
    if (!own || at.cursor > c.arenas.current().newest().usable_end()) {
        apart = apart && !own;
        at = place();
        if ((!own || at.cursor > c.arenas.current().newest().usable_end()) &&
            !grow_arena(c, most + 3 * guard::zone, why))
            return nullptr;
        at = place();
    }
    if (apart && (!fits_in_pages(at) || !commit_to(c, c.arenas.current().newest(), at.cursor, why))) {
        apart = false;
        at = place();
    }
    if (!commit_to(c, c.arenas.current().newest(), at.cursor, why) ||
        !begin_frame_block(c, at.block, bytes, at.cursor, at.charged, apart))
        return nullptr;
    c.stack.top()->cursor = at.cursor;
    return pointer_at(at.block);
}

namespace {

// Each may split a mapping in three, of which Linux lets a process have 65,530 (vm.max_map_count).
constexpr std::uint32_t most_revoked_blocks = 8192;
constinit sync::atomic<std::uint32_t> revoked_blocks{0};  // of all allocators

bool revoke(core& a, const frame_block& b) noexcept {
    const bool may = b.apart && a.home.is_system() &&
                     revoked_blocks.add_relaxed(1) < most_revoked_blocks;  // relaxed: a count
    if (may && check_zones(a, b) && a.home.system().withdraw(pointer_at(b.begin), b.cursor - b.begin)) return true;
    if (b.apart && a.home.is_system()) revoked_blocks.add_relaxed(~std::uint32_t{0});  // relaxed: a count
    return false;
}

void allow_again(core& a, const frame_block& b) noexcept {
    static_cast<void>(a.home.system().commit(pointer_at(b.begin), b.cursor - b.begin));
    revoked_blocks.add_relaxed(~std::uint32_t{0});  // relaxed: a count
}

constexpr std::size_t newest_looked_at = 4096;  // blocks: a container that is left was mostly made lately

// What a container has grown out of must not change; reported once.
bool check_left(core& a, const frame_block& b) noexcept {
    const damage d = guard::check_fill(b.begin, b.end, guard::dead_byte);
    if (!d) return true;
    char detail[160];
    std::snprintf(detail, sizeof detail,
                  "frame memory of %zu bytes was changed at +%zu to +%zu after its container had grown out of it",
                  static_cast<std::size_t>(b.end - b.begin), static_cast<std::size_t>(d.first - b.begin),
                  static_cast<std::size_t>(d.last - b.begin));
    raise_about(a, code::FA419, report_of(b), detail, pointer_at(d.first));
    guard::allow(d.first, d.last + 1);
    guard::fill(d.first, d.last + 1, guard::dead_byte);
    guard::forbid(d.first, d.last + 1);
    return false;
}

bool check_block(core& a, const frame_block& b) noexcept {
    if (b.revoked) return true;
    const bool whole = !b.left || check_left(a, b);
    return check_zones(a, b) && whole;
}

}  // namespace

void leave_frame_block(thread_context& c, std::uintptr_t begin, std::size_t bytes) noexcept {
    guard::fill(begin, begin + bytes, guard::dead_byte);
    guard::forbid(begin, begin + bytes);
    frame_block* b = belongs_to_caller(c) ? c.arenas.current().log->find(begin, newest_looked_at) : nullptr;
    if (b == nullptr || b->end != begin + bytes) return;
    b->died = os::own_call(c.probes.place());
    b->left = true;
    b->revoked = revoke(*c.owner, *b);
}

std::size_t check_frames(thread_context& c) noexcept {
    std::size_t faults = 0;
    if (c.arenas.current().revocable) return 0;  // another thread may be revoking it
    for (std::size_t i = 0; i < c.arenas.current().log->height(); ++i) {
        const frame_block b = c.arenas.current().log->at(i);
        if (!check_block(*c.owner, b)) ++faults;
    }
    return faults;
}

void end_frame_blocks(thread_context& c, frame_arena& s, std::uintptr_t from, std::uintptr_t to) noexcept {
    site died;
    while (s.log->height() != 0 && s.log->top().front >= from && s.log->top().front < to) {
        frame_block b = s.log->top();
        if (died.file == nullptr && died.caller == nullptr) died = os::own_call(c.probes.place());
        if (!b.left) b.died = died;
        s.log->pop();
        guard::block_ended(b.begin);
        if (b.revoked) allow_again(*c.owner, b);
        else check_block(*c.owner, b);
        guard::allow(b.front, b.cursor);
        guard::fill(b.front, b.cursor, guard::dead_byte);
        guard::forbid(b.front, b.cursor);
        c.probes.guard->ended.put(b);
    }
}

namespace {

// The cursor after the log's newest block if it had this many bytes.
std::uintptr_t resized_cursor(const thread_context& c, std::size_t bytes) noexcept {
    const frame_block& b = c.arenas.current().log->top();
    return align_up(align_up(b.begin + bytes, cursor_granularity) + guard::zone,
                    b.apart ? c.owner->pages.granularity() : 1);
}

void resize_top_block(thread_context& c, std::size_t bytes, std::uintptr_t cursor) noexcept {
    frame_block& b = c.arenas.current().log->top();
    const std::uintptr_t block = b.begin, old = b.cursor, end = block + bytes;
    check_zones(*c.owner, b);
    if (cursor > old)
        check_dead(c, old, cursor < c.arenas.current().newest().touched ? cursor : c.arenas.current().newest().touched);
    const std::uintptr_t widest = cursor > old ? cursor : old;
    guard::allow(block, widest);
    if (end > b.end) guard::fill(b.end, end, guard::fresh_byte);
    guard::write_canary(end, cursor, c.owner->probes.canary_key);
    guard::fill(cursor, widest, guard::dead_byte);
    guard::forbid(end, widest);
    if (c.arenas.current().newest().touched < cursor) c.arenas.current().newest().touched = cursor;
    const std::uintptr_t charged = align_up(end, cursor_granularity) - align_up(b.end, cursor_granularity);
    b.padding += cursor - old - charged;  // either may be less than nothing
    b.end = end;
    b.cursor = cursor;
    c.stack.top()->cursor = cursor;
}

}  // namespace

bool try_grow_top(thread_context& c, void* p, std::size_t bytes) noexcept {
    const guard::frame_log& log = *c.arenas.current().log;
    const auto newest = [&] {
        return log.height() != 0 && log.top().begin == address_of(p) && log.top().cursor == c.stack.top()->cursor;
    };
    if (!newest()) return false;
    if (address_of(p) + bytes <= log.top().end)
        return true;  // a shrink below an accounting boundary left it its length
    const std::uintptr_t cursor = resized_cursor(c, bytes);
    const std::size_t more = align_up(address_of(p) + bytes, cursor_granularity) -
                             align_up(log.top().end, cursor_granularity);
    exhaustion_reason why{};
    if (cursor > c.arenas.current().newest().usable_end() || admit_frame(c, more, why) != admission::granted)
        return false;
    if (!newest() || !commit_to(c, c.arenas.current().newest(), cursor, why))
        return false;  // the budget's handler may have allocated
    resize_top_block(c, bytes, cursor);
    if (more != 0) note_growth(c, more);
    return true;
}

// Does not go below the last accounting boundary, as without zones: then the block keeps its length.
bool shrink_top(thread_context& c, void* p, std::size_t bytes) noexcept {
    guard::frame_log& log = *c.arenas.current().log;
    if (log.height() == 0 || log.top().begin != address_of(p) || log.top().cursor != c.stack.top()->cursor)
        return false;
    if (log.top().front < c.charges.segment()) return false;
    if (bytes != 0) {
        resize_top_block(c, bytes, resized_cursor(c, bytes));
        return true;
    }
    const std::uintptr_t front = log.top().front;
    end_frame_blocks(c, c.arenas.current(), front, c.stack.top()->cursor);
    c.stack.top()->cursor = front;
    return true;
}

}  // namespace framealloc::inline v1::memory
