// What a pointer points at: looked for in pages, samples, large blocks and arenas.
#include <framealloc/insight/describe.hpp>

#include <algorithm>
#include <cstdio>
#include <cstring>

#include <framealloc/detail/core/depot.hpp>
#include <framealloc/detail/core/registry.hpp>
#include <framealloc/detail/core/walk.hpp>
#include <framealloc/detail/lifetime/flights.hpp>
#include <framealloc/detail/probe/guarded_frames.hpp>
#include <framealloc/detail/probe/sampled.hpp>
#include <framealloc/detail/sync/glimpse.hpp>

namespace framealloc::inline v1 {

using memory::arena_chunk;
using memory::core;
using memory::for_each_owner;
using memory::found_block;
using memory::heap_block;
using memory::outer_block;
using memory::page_view;
using memory::sampled_slot;
using memory::thread_context;

namespace {

std::ptrdiff_t distance(std::uintptr_t from, std::uintptr_t to) noexcept {
    return static_cast<std::ptrdiff_t>(to - from);
}

void name_tag(pointer_info& out, const account::tag_node* n) noexcept {
    if (n != nullptr) out.tag = n->path;
}

void copy_block(pointer_info& out, const guard::frame_block& b, std::uintptr_t p) noexcept {
    out.begin = b.begin;
    out.bytes = b.end - b.begin;
    out.offset = distance(b.begin, p);
    out.born = b.born;
    out.frame = b.frame;
    name_tag(out, b.tag);
}

// Of a guarded thread, block by block.
void in_log(const thread_context& c, const lifetime::flight& s, std::uintptr_t p, pointer_info& out) noexcept {
    if (const guard::frame_block* b = s.log->containing(p)) {
        copy_block(out, *b, p);
        out.depth = b->depth;
        if (const guard::frame_block* before = find_ended_block(c, p)) out.reused_from = before->frame;
        return;
    }
    out.depth = 0;
    out.tag = "";
    if (out.state != pointer_state::held) out.state = pointer_state::unused;  // a zone, or memory above the cursor
    if (const guard::frame_block* b = find_ended_block(c, p)) {
        copy_block(out, *b, p);
        out.state = pointer_state::ended;
    }
}

// Who was charged for the byte that the arena of the newest frame allocated as its `offset`-th.
const account::charge_entry* payer_of(const thread_context& c, std::uint64_t offset) noexcept {
    std::uint64_t end = 0;
    const account::charge_log& log = log_of(c);
    for (std::uint32_t i = 0; i < log.size(); ++i) {
        end += log.at(i).bytes;
        if (offset < end) return log.at(i).who;
    }
    return c.tag();  // not settled yet
}

std::uint32_t depth_of(const thread_context& c, std::uintptr_t p) noexcept {
    std::uint32_t depth = top_of(c)->depth;
    while (depth != 0 && record_at(c, depth - 1).cursor > p)
        --depth;  // cursors of outer frames end where inner ones begin
    return depth;
}

// Whether nothing of it changes meanwhile: the caller's own, or left by a thread that has ended. Requires: core::lock
// is held.
bool rests(const thread_context& c) noexcept { return is_idle(c) || &c == context_of_caller(owner_of(c)); }

// One of a flight's chunks, `below` bytes of it having been allocated in the chunks below.
void in_flight(const thread_context& c, const lifetime::flight& s, const arena_chunk& k, std::uint64_t below,
               std::uintptr_t p, pointer_info& out) noexcept {
    const bool current = &s == &lifetime::current_flight(c) && !s.content_kept, newest = &k == &s.newest();
    out.frame = current ? frames_begun(c) : s.frame;
    if (s.content_kept) {
        out.state = pointer_state::held;
    } else if (current && (!newest || p < top_of(c)->cursor) && top_of(c)->cursor != s.start()) {
        out.state = pointer_state::in_use;
        out.depth = newest && !s.has_grown() ? depth_of(c, p) : top_of(c)->depth;
        name_tag(out, payer_of(c, below + (p - k.begin))->node);
    } else {
        out.state = p < k.committed ? pointer_state::ended : pointer_state::unused;
    }
    if (c.probes.guarded()) in_log(c, s, p, out);
}

void in_chunk(const thread_context& c, const arena_chunk& k, std::uintptr_t p, pointer_info& out) noexcept {
    bool found = false;
    lifetime::for_each_flight(c, [&](const lifetime::flight& s) {
        found = found || s.find_chunk([&](const arena_chunk& other, std::size_t below) {
            if (&other == &k) in_flight(c, s, k, below, p, out);
            return &other == &k;
        });
    });
    if (found) return;
    out.frame = k.frame;
    if (k.revoked != 0) in_log(c, lifetime::current_flight(c), p, out);
    out.state = k.revoked == 0 && p >= k.committed ? pointer_state::unused : pointer_state::ended;  // spare, or revoked
}

// Of a thread that continues meanwhile: about now, by what can be read on the side.
void in_busy_chunk(const thread_context& c, const arena_chunk& k, std::uintptr_t p, pointer_info& out) noexcept {
    const std::uintptr_t cursor = sync::glimpse(recent_top(c)->cursor);  // about now
    const bool behind = cursor >= k.begin && cursor < k.end && p >= cursor;
    const bool revoked = sync::glimpse(k.revoked) != 0, virgin = !revoked && p >= sync::glimpse(k.committed);
    out.state = virgin                              ? pointer_state::unused
                : revoked || behind || !in_frame(c) ? pointer_state::ended
                                                    : pointer_state::in_use;
    out.frame = frames_begun(c);
}

// Of an arena that no frame has: handed out, as far as it is accessible. Where its cursor is, its owner alone knows.
void in_other_chunk(const arena_chunk& k, std::uintptr_t p, pointer_info& out) noexcept {
    out.state = p < sync::glimpse(k.committed) ? pointer_state::in_use : pointer_state::unused;
}

bool in_arenas(const core& a, std::uintptr_t p, pointer_info& out) noexcept {
    const arena_chunk* k = find_chunk(a, p);
    if (k == nullptr) return false;
    out.kind = k->kind;
    out.thread = thread_of(owner_of(*k));
    if (!traits_of(k->kind).of_frames) in_other_chunk(*k, p, out);
    else rests(owner_of(*k)) ? in_chunk(owner_of(*k), *k, p, out) : in_busy_chunk(owner_of(*k), *k, p, out);
    return true;
}

// An out-of-line block of frame memory: alive as long as a frame has it on its list. Of a thread that goes on
// meanwhile, as long as the block was not freed.
void describe_outer(const thread_context& c, pointer_info& out) noexcept {
    out.kind = memory_kind::frame;
    if (!rests(c)) return;
    out.state = pointer_state::ended;
    const auto look = [&](const outer_block* b, pointer_state state, std::uint32_t depth, std::uint64_t frame) {
        for (; b != nullptr; b = b->next) {
            if (address_of(b->raw) != out.begin) continue;
            out.state = state;
            out.depth = depth;
            out.frame = frame;
            out.offset -= distance(out.begin, address_of(begin_of(*b)));
            out.begin = address_of(begin_of(*b));
            out.bytes = static_cast<std::size_t>(b->bytes);
            name_tag(out, b->who->node);
            return;
        }
    };
    for (std::uint32_t depth = 0; depth <= top_of(c)->depth; ++depth)
        look(blocks_at(c, depth), pointer_state::in_use, depth, frames_begun(c));
    lifetime::for_each_flight(c, [&](const lifetime::flight& s) { look(s.blocks, pointer_state::held, 0, s.frame); });
}

bool in_pages(core& a, const void* p, bool own, pointer_info& out) noexcept {
    const found_block f = find_in_pages(a, p, own);
    if (f.page == nullptr) return false;
    guard::block_record known;
    if (a.probes.find(f.begin, known)) out.born = known.born;
    out.begin = f.begin;
    out.bytes = f.bytes;
    out.offset = f.begin == 0 ? 0 : distance(f.begin, address_of(p));
    out.state = f.state == found_block::out    ? pointer_state::in_use
                : f.state == found_block::free ? pointer_state::ended
                                               : pointer_state::unused;
    const page_view what = f.page->view();
    out.kind = what.kind;
    const thread_context* owner = sync::glimpse(f.page->owner);
    if (owner == nullptr || what.account == nullptr) return true;
    out.thread = thread_of(*owner);
    if (traits_of(what.kind).freed_singly) name_tag(out, what.account->node);
    else describe_outer(*owner, out);
    return true;
}

bool in_sampled(core& a, std::uintptr_t p, pointer_info& out) noexcept {
    sampled_slot s;
    if (!find_sample(a, p, s)) return false;
    out.state = s.live ? pointer_state::in_use : pointer_state::ended;
    const std::uintptr_t begin = s.begin + s.lead;
    const std::size_t bytes = s.bytes - s.lead;
    if (p - begin >= bytes) {  // beside it
        out.state = pointer_state::unused;
    } else {
        out.begin = begin;
        out.bytes = bytes;
        out.offset = distance(begin, p);
    }
    out.kind = s.kind;
    out.frame = s.frame;
    out.born = s.born;
    out.thread = s.thread;
    name_tag(out, s.tag);
    return true;
}

bool in_large_heap(core& a, const void* p, pointer_info& out) noexcept {
    heap_block copy{};
    const heap_block* b = a.large.find(p, copy);
    if (b == nullptr) return false;
    out.kind = memory_kind::heap;
    out.begin = address_of(b + 1);
    out.offset = distance(out.begin, address_of(p));
    out.state = copy.free || copy.requested == 0 ? pointer_state::ended : pointer_state::in_use;
    out.bytes = copy.requested;
    guard::block_record known;
    if (a.probes.find(out.begin, known)) out.born = known.born;
    if (!copy.charged && out.state == pointer_state::in_use) {
        out.kind = memory_kind::frame;
        find_context(a, [&](const thread_context& c) {
            pointer_info outer = out;
            describe_outer(c, outer);
            if (!rests(c) || outer.state == pointer_state::ended) return false;
            out = outer;
            out.thread = thread_of(c);
            return true;
        });
        return true;
    }
    if (out.state == pointer_state::in_use) name_tag(out, tags_of(a).at(copy.tag_index));
    return true;
}

}  // namespace

pointer_info describe(const void* p) noexcept {
    pointer_info out;
    for_each_owner(p, [&](core& a, bool own) {
        if (out.state != pointer_state::unknown) return;
        const std::uintptr_t address = address_of(p);
        const bool sampled = among_samples(a, address);
        if (sampled ? in_sampled(a, address, out)
                    : in_pages(a, p, own, out) || in_large_heap(a, p, out) || in_arenas(a, address, out))
            out.allocator = name_of(a);
    });
    return out;
}

std::string_view pointer_info::text(std::span<char> buffer) const noexcept {
    static constexpr const char* states[] = {"not framealloc memory", "in use", "held", "ended", "never allocated"};
    if (buffer.empty()) return {};
    const char* what = state == pointer_state::ended && traits_of(kind).freed_singly
                           ? "freed"
                           : states[static_cast<unsigned>(state)];
    int n = 0;
    const auto number = [](std::uint64_t v) { return static_cast<unsigned long long>(v); };
    const auto room = [&] { return buffer.size() - static_cast<std::size_t>(n); };
    const auto add = [&](auto... arguments) {
        const int more = std::snprintf(buffer.data() + n, room(), arguments...);
        n = static_cast<int>(
            std::min(buffer.size() - 1, static_cast<std::size_t>(n) + static_cast<std::size_t>(std::max(more, 0))));
    };
    if (state == pointer_state::unknown) {
        add("%s", what);
        return {buffer.data(), static_cast<std::size_t>(n)};
    }
    add("allocator \"%s\": %s memory, %s", allocator, traits_of(kind).name, what);
    if (bytes != 0) add(", block of %zu bytes at %+td", bytes, offset);
    if (!traits_of(kind).freed_singly && frame != 0) add(", frame %llu", number(frame));
    if (reused_from != 0) add(", reused since frame %llu, frame %llu's before", number(frame), number(reused_from));
    if (depth > 1) add(", %u deep", static_cast<unsigned>(depth));
    if (tag[0] != '\0') add(", tag \"%s\"", tag);
    if (born.file != nullptr) add(", allocated at %s:%d", born.file, born.line);
    if (thread != 0) add(", thread %llu", number(thread));
    return {buffer.data(), static_cast<std::size_t>(n)};
}

}  // namespace framealloc::inline v1
