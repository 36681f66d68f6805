// A frame as a container sees it: allocation, growth and release through whatever frame is open on top of it.
#include <framealloc/detail/lifetime/frame_ref.hpp>

#include <framealloc/detail/lifetime/flights.hpp>
#include <framealloc/detail/probe/guarded_frames.hpp>

namespace framealloc::inline v1::lifetime {

using memory::allocation_apart;
using memory::arena_chunk;
using memory::cursor_granularity;
using memory::refuse_without_source;

namespace {

bool in_arena(const thread_context& c, const void* p) noexcept {
    const std::uintptr_t at = address_of(p);
    const flight* s = &current_flight(c);  // memory taken outside a frame may be in another one's
    do {
        if (s->contains(at)) return true;
        s = &s->following();
    } while (s != &current_flight(c));
    return false;
}

FRAMEALLOC_INLINE bool is_on_top(const frame_record* r, std::uint64_t mark) noexcept {
    const thread_context& c = *r->context;
    return r == top_of(c) && !state_of(c).marks.younger_than(r->depth, mark);
}

}  // namespace

bool frame_ref::on_top() const noexcept { return is_on_top(record_, mark_); }

bool frame_ref::rolled_back() const noexcept {
    const thread_state& s = state_of(*record_->context);
    return s.marks.rolled(record_->depth, mark_) || s.rolled.contain(record_->depth, mark_);
}

void frame_ref::raise_ended(const char* what) const noexcept {
    if (record_ == nullptr) broken_invariant("a frame container without a frame");
    owner_of(*record_->context).raise({.what = code::FA002, .detail = what});
}

void* frame_ref::allocate_slow(std::size_t bytes, std::size_t align, on_failure f) const noexcept {
    if (record_ == nullptr) {
        if (f == on_failure::ask_handler)
            refuse_without_source("allocation through a source that was made without a frame");
        return nullptr;
    }
    if (!alive()) {
        raise_ended("allocation in a frame that has ended");
        return lifetime::allocate(top_of(*record_->context), bytes, align, f);
    }
    if (is_on_top(record_, mark_) || bytes > largest_request) return lifetime::allocate(record_, bytes, align, f);
    if (!belongs_to_caller(*record_->context) && config_of(*record_->context).reports)
        owner_of(*record_->context)
            .raise({.what = code::FA430, .detail = "growth in a frame of another thread", .bytes = bytes});
    return outer_allocate(record_, bytes == 0 ? 1 : bytes, align, mark_, f);
}

void* frame_ref::allocate_apart(std::size_t bytes, std::size_t align, on_failure f) const noexcept {
    if (void* p = take(bytes, align)) [[likely]]  // not while ended frames are revoked
        return p;
    thread_context* c = record_ == nullptr ? nullptr : record_->context;
    if (c == nullptr || !c->probes.revokes() || !belongs_to_caller(*c)) return allocate(bytes, align, f);
    const allocation_apart apart(*c);
    return allocate(bytes, align, f);
}

bool frame_ref::may_free(const void* p) const noexcept {
    const thread_context& c = *record_->context;
    if (!c.probes.guarded() || belongs_to_caller(c)) return true;
    owner_of(c).raise({.what = code::FA211,
                       .detail = "memory of a frame of another thread, freed when that frame ends",
                       .address = p});
    return false;
}

namespace {

// may_free(), without a call where nothing is guarded.
bool refuses_to_free(const frame_ref& f, const frame_record* r, const void* p) noexcept {
    return r->context->probes.guarded() && !f.may_free(p);
}

}  // namespace

void frame_ref::abandon(void* p) const noexcept {
    if (p == nullptr || !alive() || in_newest_chunk(p) || refuses_to_free(*this, record_, p) ||
        in_arena(*record_->context, p) || rolled_back() || !memory::may_free_outer(*record_->context, p))
        return;
    outer_free(*record_->context, p);
    refresh_limit(*record_->context);
}

void frame_ref::outgrow(void* p, std::size_t bytes) const noexcept {
    if (p == nullptr || !alive() || in_newest_chunk(p)) return;
    if (!in_arena(*record_->context, p)) return abandon(p);
    if (record_->context->probes.guarded() && may_free(p) && !rolled_back())
        leave_frame_block(*record_->context, address_of(p), bytes);
}

void frame_ref::deallocate_slow(void* p, std::size_t bytes) const noexcept {
    if (p == nullptr || !alive() || refuses_to_free(*this, record_, p)) return;
    if (in_arena(*record_->context, p)) shrink(p, bytes, 0);
    else abandon(p);
}

bool frame_ref::try_grow_last(void* p, std::size_t old_bytes, std::size_t new_bytes) const noexcept {
    if (undisturbed() && is_recent(p)) {
        const std::uintptr_t end = address_of(p) + align_up(old_bytes, cursor_granularity);
        const std::size_t room = record_->limit - address_of(p);
        if (end == record_->cursor && end <= record_->limit && new_bytes <= room) [[likely]] {
            record_->cursor = address_of(p) + align_up(new_bytes, cursor_granularity);
            return true;
        }
    }
    if (p == nullptr || !alive() || !on_top() || new_bytes > largest_request || rolled_back()) return false;
    frame_record* r = record_;
    if (r->context->probes.guarded()) return belongs_to_caller(*r->context) && try_grow_top(*r->context, p, new_bytes);
    const std::uintptr_t end = address_of(p) + align_up(old_bytes, cursor_granularity);
    if (end != r->cursor || !in_arena(*r->context, p)) return false;
    const std::size_t more = align_up(new_bytes, cursor_granularity) - align_up(old_bytes, cursor_granularity);
    const thread_context& c = *r->context;
    if (r->limit >= r->cursor && more <= r->limit - r->cursor) {
        r->cursor += more;
        return true;
    }
    // Only while the block can stay where it is: never sampled, out of line, or in the next chunk.
    const arena_chunk& newest = arena_of(c).newest();
    if (newest.usable_end() - r->cursor < more || address_of(p) < newest.begin) return false;
    if (more == 0) return true;
    return extend_top(*r->context, end, more);
}

std::size_t frame_ref::shrink(void* p, std::size_t old_bytes, std::size_t new_bytes) const noexcept {
    if (p == nullptr || !alive() || !on_top() || rolled_back()) return old_bytes;
    frame_record* r = record_;
    if (r->context->probes.guarded())
        return may_free(p) && shrink_top(*r->context, p, new_bytes) ? new_bytes : old_bytes;
    const std::uintptr_t end = address_of(p) + align_up(old_bytes, cursor_granularity);
    if (end != r->cursor || !in_arena(*r->context, p)) return old_bytes;
    const std::uintptr_t wanted = address_of(p) + align_up(new_bytes, cursor_granularity);
    // Never below the last accounting boundary: what was charged stays charged.
    const std::uintptr_t boundary = boundary_of(*r->context);
    if (wanted < boundary && boundary <= end) {
        r->cursor = boundary;
        return boundary == end ? old_bytes : boundary - address_of(p);
    }
    r->cursor = wanted;
    return new_bytes;
}

}  // namespace framealloc::inline v1::lifetime
