#include <framealloc/insight/describe.hpp>

#include <algorithm>
#include <cstdio>
#include <cstring>

#include <framealloc/memory/depot.hpp>
#include <framealloc/memory/guarded.hpp>
#include <framealloc/memory/registry.hpp>
#include <framealloc/memory/sampled.hpp>

namespace framealloc::inline FRAMEALLOC_ABI {

using namespace memory;

namespace {

std::ptrdiff_t distance(std::uintptr_t from, std::uintptr_t to) noexcept { return static_cast<std::ptrdiff_t>(to - from); }

void name_tag(pointer_info& out, const account::tag_node* n) noexcept {
    if (n != nullptr) out.tag = n->path;
}

void copy_block(pointer_info& out, const guard::frame_block& b, std::uintptr_t p) noexcept {
    out.begin = b.begin;
    out.bytes = b.end - b.begin;
    out.offset = distance(b.begin, p);
    out.born = b.born;
    out.frame = b.frame;
    name_tag(out, static_cast<const account::tag_node*>(b.tag));
}

// Of a guarded thread, block by block.
void in_log(const thread_context& c, const flight_slot& s, std::uintptr_t p, pointer_info& out) noexcept {
    if (const guard::frame_block* b = s.log->containing(p)) {
        copy_block(out, *b, p);
        out.depth = b->depth;
        return;
    }
    out.depth = 0;
    out.tag = "";
    if (out.state != pointer_state::held) out.state = pointer_state::unused;  // a zone, or memory above the cursor
    if (const guard::frame_block* b = c.guarded_by->ended.containing(p)) {
        copy_block(out, *b, p);
        out.state = pointer_state::ended;
    }
}

bool in_revoked(const thread_context& c, std::uintptr_t p, pointer_info& out) noexcept {
    for (const arena_chunk* k = guarded(c) ? c.guarded_by->revoked : nullptr; k != nullptr; k = k->previous) {
        if (p < k->begin || p >= k->end) continue;
        out.kind = memory_kind::frame;
        out.frame = k->frame;
        in_log(c, *c.flight, p, out);
        out.state = pointer_state::ended;
        return true;
    }
    return false;
}

// Who was charged for the byte that the arena of the newest frame handed out as its `offset`-th.
const account::charge_entry* payer_of(const thread_context& c, std::uint64_t offset) noexcept {
    std::uint64_t end = 0;
    for (std::uint32_t i = 0; i < c.log.size(); ++i) {
        end += c.log.at(i).bytes;
        if (offset < end) return c.log.at(i).who;
    }
    return c.tag();  // not settled yet
}

std::uint32_t depth_of(const thread_context& c, std::uintptr_t p) noexcept {
    std::uint32_t depth = c.top->depth;
    while (depth != 0 && record_at(c, depth - 1).cursor > p) --depth;  // cursors of outer frames end where inner ones begin
    return depth;
}

bool in_arena(const thread_context& c, std::uintptr_t p, pointer_info& out) noexcept {
    const flight_slot* s = c.flight;
    for (std::uint32_t n = 0; n < c.flight_count; ++n, s = s->next) {
        std::uint64_t below = s->earlier;
        for (const arena_chunk* k = s->chunk; k != nullptr; below = k->earlier, k = k->previous) {
            if (p < k->begin || p >= k->end) continue;
            const bool current = s == c.flight && !s->parked, newest = k == s->chunk;
            out.kind = memory_kind::frame;
            out.frame = current ? frames_begun(c) : s->frame;
            if (s->parked) {
                out.state = pointer_state::held;
            } else if (current && (!newest || p < c.top->cursor) && c.top->cursor != s->start) {
                out.state = pointer_state::in_use;
                out.depth = newest && s->chunk->previous == nullptr ? depth_of(c, p) : c.top->depth;
                name_tag(out, payer_of(c, below + (p - k->begin))->node);
            } else {
                out.state = p < k->committed ? pointer_state::ended : pointer_state::unused;
            }
            if (guarded(c)) in_log(c, *s, p, out);
            return true;
        }
    }
    return in_revoked(c, p, out);
}

// An out-of-line block of frame memory: alive as long as a frame has it on its list.
void describe_outer(const thread_context& c, pointer_info& out) noexcept {
    out.kind = memory_kind::frame;
    out.state = pointer_state::ended;
    const auto look = [&](const outer_block* b, pointer_state state, std::uint32_t depth, std::uint64_t frame) {
        for (; b != nullptr; b = b->next) {
            if (address_of(b->raw) != out.begin) continue;
            out.state = state;
            out.depth = depth;
            out.frame = frame;
            out.offset -= distance(out.begin, address_of(b) + outer_header_bytes);
            out.begin = address_of(b) + outer_header_bytes;
            out.bytes = static_cast<std::size_t>(b->bytes);
            name_tag(out, b->who->node);
            return;
        }
    };
    for (std::uint32_t depth = 0; depth <= c.top->depth; ++depth) look(blocks_at(c, depth), pointer_state::in_use, depth, frames_begun(c));
    const flight_slot* s = c.flight;
    for (std::uint32_t n = 0; n < c.flight_count; ++n, s = s->next) look(s->blocks, pointer_state::held, 0, s->frame);
}

bool in_pages(core& a, const void* p, pointer_info& out) noexcept {
    const found_block f = find_in_pages(a, p);
    if (f.page == nullptr) return false;
    guard::block_record known;
    if (a.guarded && a.blocks.find(f.begin, known)) out.born = known.born;
    out.begin = f.begin;
    out.bytes = f.bytes;
    out.offset = f.begin == 0 ? 0 : distance(f.begin, address_of(p));
    out.state = f.state == found_block::out ? pointer_state::in_use : f.state == found_block::free ? pointer_state::ended : pointer_state::unused;
    out.kind = f.page->kind == block_kind::pool ? memory_kind::pool : memory_kind::heap;
    if (f.page->owner == nullptr || f.page->account == nullptr) return true;
    out.thread = thread_of(*f.page->owner);
    if (f.page->kind == block_kind::outer) describe_outer(*f.page->owner, out);
    else name_tag(out, f.page->account->node);
    return true;
}

bool in_sampled(core& a, std::uintptr_t p, pointer_info& out) noexcept {
    const sampled_slot* s = a.sampled == nullptr ? nullptr : a.sampled->beside(p);
    if (s == nullptr) return false;
    out.state = s->live ? pointer_state::in_use : pointer_state::ended;
    if (p - s->begin >= s->bytes) {  // beside it
        out.state = pointer_state::unused;
    } else {
        out.begin = s->begin;
        out.bytes = s->bytes;
        out.offset = distance(s->begin, p);
    }
    out.kind = s->kind == block_kind::pool ? memory_kind::pool : s->kind == block_kind::heap ? memory_kind::heap : memory_kind::frame;
    out.frame = s->frame;
    out.born = s->born;
    out.thread = s->thread;
    name_tag(out, s->tag);
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
    if (a.guarded && a.blocks.find(out.begin, known)) out.born = known.born;
    if (!copy.charged && out.state == pointer_state::in_use) {
        for (const thread_context* c = a.contexts; c != nullptr && out.kind == memory_kind::heap; c = c->next) {
            pointer_info outer = out;
            describe_outer(*c, outer);
            if (outer.state == pointer_state::ended) continue;
            out = outer;
            out.thread = thread_of(*c);
        }
        return true;
    }
    if (out.state == pointer_state::in_use) name_tag(out, a.tags.at(copy.tag_index));
    return true;
}

}  // namespace

pointer_info describe(const void* p) noexcept {
    pointer_info out;
    for_each_core([&](core& a) {
        if (out.state != pointer_state::unknown) return;
        bool found = in_pages(a, p, out) || in_sampled(a, address_of(p), out) || in_large_heap(a, p, out);
        for (const thread_context* c = a.contexts; c != nullptr && !found; c = c->next) {
            found = in_arena(*c, address_of(p), out);
            if (found) out.thread = thread_of(*c);
        }
        if (found) out.allocator = a.name;
    });
    return out;
}

std::string_view pointer_info::text(std::span<char> buffer) const noexcept {
    static constexpr const char* kinds[] = {"frame", "pool", "heap"};
    static constexpr const char* states[] = {"not of framealloc", "in use", "held", "ended", "never handed out"};
    if (buffer.empty()) return {};
    const char* what = state == pointer_state::ended && kind != memory_kind::frame ? "freed" : states[static_cast<unsigned>(state)];
    int n = 0;
    const auto number = [](std::uint64_t v) { return static_cast<unsigned long long>(v); };
    const auto room = [&] { return buffer.size() - static_cast<std::size_t>(n); };
    const auto add = [&](auto... arguments) {
        const int more = std::snprintf(buffer.data() + n, room(), arguments...);
        n = static_cast<int>(std::min(buffer.size() - 1, static_cast<std::size_t>(n) + static_cast<std::size_t>(std::max(more, 0))));
    };
    if (state == pointer_state::unknown) {
        add("%s", what);
        return {buffer.data(), static_cast<std::size_t>(n)};
    }
    add("allocator \"%s\": %s memory, %s", allocator, kinds[static_cast<unsigned>(kind)], what);
    if (bytes != 0) add(", block of %zu bytes at %+td", bytes, offset);
    if (kind == memory_kind::frame && frame != 0) add(", frame %llu", number(frame));
    if (depth > 1) add(", %u deep", static_cast<unsigned>(depth));
    if (tag[0] != '\0') add(", tag \"%s\"", tag);
    if (born.file != nullptr) add(", allocated at %s:%d", born.file, born.line);
    if (thread != 0) add(", thread %llu", number(thread));
    return {buffer.data(), static_cast<std::size_t>(n)};
}

}  // namespace framealloc::inline FRAMEALLOC_ABI
