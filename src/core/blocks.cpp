// Blocks by kind and size, as hooks and handles ask for them.
#include <framealloc/detail/core/blocks.hpp>
#include <framealloc/detail/core/core.hpp>

#include <algorithm>
#include <cstdio>
#include <cstring>

#include <framealloc/detail/core/known_block.hpp>
#include <framealloc/detail/core/registry.hpp>
#include <framealloc/detail/core/scopes.hpp>
#include <framealloc/detail/core/zones.hpp>
#include <framealloc/detail/guard/annotate.hpp>

namespace framealloc::inline v1::memory {

namespace {

// What is allocated meanwhile is charged to another tag: a scope without a node of its own, as there is no memory to
// fail for.
class charged_elsewhere {
public:
    charged_elsewhere(thread_context& c, tag_account* who) noexcept : context_(c) {
        settle_for_scope<scope_kind::tag>(c);
        scope_ = c.charges.newest(scope_kind::tag);
        was_ = scope_->account;
        scope_->charge_to(who);
    }
    ~charged_elsewhere() {
        leave_tag_charged(context_);
        scope_->charge_to(was_);
    }
    charged_elsewhere(const charged_elsewhere&) = delete;
    charged_elsewhere& operator=(const charged_elsewhere&) = delete;

private:
    thread_context& context_;
    open_scope* scope_;
    tag_account* was_;
};

std::size_t sampled_size(const pool_page& page, const void* p) noexcept {
    const core& a = owner_of_sampled(page);
    return a.probes.hooks->sampled_size(a, p);
}

// How far into the block of its page an address is; 0 where none that is alive contains it.
std::size_t depth_in_block(const void* p) noexcept {
    const pool_page& page = *page_of(p);
    if (page.size_class == sampled_class) {
        const core& a = owner_of_sampled(page);
        return a.probes.hooks->sampled_depth(a, p);
    }
    const slot_layout layout = page.owner->owner->probes.layout();
    const std::size_t first = layout.first_slot(page.block) + layout.zone, offset = address_of(p) - address_of(&page);
    return offset < first ? 0 : (offset - first) % layout.slot_bytes(page.block);
}

// Where options::heap is another allocator's resource, a block lies inside one of its blocks, behind a header.
bool may_be_inside(const void* p) noexcept { return depth_in_block(p) >= sizeof(heap_block); }

// Whether a block of `a` is in one of its pages: not if it is inside a block of another allocator's page.
bool is_in_page(const core& a, const void* p) noexcept {
    if (!os::page_map::contains(p)) return false;
    const bool inside = a.config.heap != nullptr && may_be_inside(p) && block_of(const_cast<void*>(p))->taker == &a;
    return !inside;
}
// The same of any allocator's block.
bool is_in_page(const void* p) noexcept {
    if (!os::page_map::contains(p)) return false;
    if (!any_resource.load_relaxed()) return true;  // relaxed: a thread that has a block of a resource has seen it
    return !may_be_inside(p) || !takes_from_resource(block_of(const_cast<void*>(p))->taker);
}

std::size_t guarded_size(core& a, const void* p) noexcept {
    guard::block_record b;
    return a.probes.find(address_of(p), b) && b.state == guard::block_state::live ? b.bytes : 0;
}

std::size_t size_in_page(const void* p) noexcept {
    const pool_page& page = *page_of(p);
    if (page.size_class == sampled_class) return sampled_size(page, p);
    return page.owner->owner->probes.guarded() ? guarded_size(*page.owner->owner, p) : page.block;
}

std::size_t size_by_header(const void* p) noexcept {
    std::size_t bytes = 0;
    if (any_guarded.load_relaxed() && find_size(p, bytes))
        return bytes;  // relaxed: a thread that has a guarded block has seen it
    const heap_block& b = *block_of(const_cast<void*>(p));
    const core& a = *b.who->owner->owner;
    return a.config.heap != nullptr ? b.requested : b.bytes - sizeof(heap_block);
}

// Whether the two functions that decide between kinds know one: each whose blocks are freed singly.
constexpr bool is_served(memory_kind k) noexcept { return k == memory_kind::pool || k == memory_kind::heap; }
constexpr bool all_served() noexcept {
    for (unsigned k = 0; k < kind_count; ++k) {
        if (traits_of(kind_at(k)).freed_singly != is_served(kind_at(k))) return false;
    }
    return true;
}
static_assert(all_served(), "allocate_plain() and free_plain() have to know a kind whose blocks are freed singly");

void* allocate_plain(const block_source& s, std::size_t bytes, std::size_t align) noexcept {
    switch (s.kind) {
        case memory_kind::pool: return pool_allocate_bytes(s.owner, bytes, align, on_failure::return_null);
        case memory_kind::heap: return heap_allocate(s.owner, bytes, align, on_failure::return_null);
        default: break;  // all_served(); FA445 was raised when the source was made
    }
    return nullptr;
}

// The page's newest blocks are charged at the next boundary, as those of installed pages.
FRAMEALLOC_COLD void set_aside(thread_context& c, tag_account& who, memory_kind k, unsigned size_class) noexcept {
    c.charges.set_aside(who);
    who.aside[index_of(k)] |= std::uint64_t{1} << size_class;
    note_settled(c);
    add_pending(c.stack.outermost(), pending_pages);
}

// From the page that another tag allocates from, without installing it. Null when that is not so simple.
void* take_aside(thread_context& c, tag_account& who, memory_kind k, unsigned requested) noexcept {
    const page_lists* lists = who.pages[index_of(k)];
    if (lists == nullptr || c.probes.any()) return nullptr;
    const unsigned size_class = c.owner->classes.serving(requested);
    pool_page* p = lists->current(size_class);
    if (p == nullptr || p->free == nullptr) return nullptr;
    if ((who.aside[index_of(k)] >> size_class & 1) == 0) [[unlikely]]
        set_aside(c, who, k, size_class);
    void* block = p->free;
    p->free = *static_cast<void**>(block);
    owner_increment(p->allocations);
    return block;
}

// Null when the thread has not met it.
tag_account* payer_of(const thread_context& c, const block_source& s) noexcept {
    if (s.payer == nullptr) return c.tag();
    return c.charges.accounts().at(s.payer->index);
}

FRAMEALLOC_COLD void* allocate_slow(thread_context& c, const block_source& s, std::size_t bytes,
                                    std::size_t align) noexcept {
    exhaustion_reason why{};
    tag_account* who = s.payer == nullptr ? c.tag() : account_for(c, s.payer, why);
    if (who == nullptr) return nullptr;
    if (who == c.tag()) return allocate_plain(s, bytes, align);
    const unsigned k = s.paged && is_power_of_two(align) ? class_for(bytes, align) : no_class;
    if (void* p = k == no_class ? nullptr : take_aside(c, *who, s.kind, k)) return p;
    const charged_elsewhere charged(c, who);
    return allocate_plain(s, bytes, align);
}

void* allocate(const block_source& s, std::size_t bytes, std::size_t align) noexcept {
    thread_context* c = try_context_of(s.owner);
    if (c == nullptr) [[unlikely]]
        return nullptr;
    if (bytes - 1 < 256 && align <= 16 && is_power_of_two(align) && s.paged) [[likely]] {
        const auto k = static_cast<unsigned>((bytes - 1) / 16);
        tag_account* who = payer_of(*c, s);
        void* p = who == c->tag()  ? pool_try_pop(*c, s.kind, k)
                  : who != nullptr ? take_aside(*c, *who, s.kind, k)
                                   : nullptr;
        if (p != nullptr) [[likely]]
            return p;
    }
    return allocate_slow(*c, s, bytes, align);
}

void note_resize(thread_context& c, heap_block& b, std::size_t bytes) noexcept {
    const std::uint64_t before = b.requested;
    b.requested = bytes;
    b.who = recharge_heap(c, *b.who, before, bytes);
    show_release(c, memory_kind::heap, before);
    show_allocation(c, memory_kind::heap, bytes);
}

// The pages of a block with a region to itself may move: `b` is then another.
bool resize_large(heap_block*& b, std::size_t bytes, std::size_t align, bool may_move) noexcept {
    core& a = *b->who->owner->owner;
    if (a.config.heap != nullptr || class_for(bytes, align) != no_class || bytes > largest_block) return false;
    thread_context* c = try_context_of({&a, a.id});
    if (c == nullptr) return false;
    if (!a.large.resize(b, bytes)) {
        heap_block* moved = may_move && bytes > b->requested ? a.large.move(b, bytes) : nullptr;
        if (moved == nullptr) return false;
        b = moved;
    }
    note_resize(*c, *b, bytes);
    return true;
}

bool shrink_large(heap_block& b, std::size_t bytes) noexcept {
    core& a = *b.who->owner->owner;
    thread_context* c = try_context_of({&a, a.id});
    const bool own = a.config.heap == nullptr;  // a resource is given back what it gave
    if (c == nullptr || (own && !a.large.resize(&b, bytes))) return false;
    note_resize(*c, b, bytes);
    return true;
}

// Its zone begins earlier then. Of a large block that stays as it is: the header's own size is for the allocator behind
// it.
bool shrink_guarded(core& a, void* p, std::size_t bytes) noexcept {
    thread_context* c = try_context_of({&a, a.id});
    guard::block_record r;
    if (c == nullptr || !a.probes.hooks->shorten_block(a, p, bytes, r)) return false;
    if (r.large) note_resize(*c, *block_of(p), bytes);
    return true;
}

// A size that the page's class serves, or one that would waste less than half of the block.
bool fits_in_page(const core& a, const pool_page& p, std::size_t bytes, std::size_t align) noexcept {
    const unsigned k = class_for(bytes, align);
    return k != no_class && (a.classes.serving(k) == p.size_class || (bytes <= p.block && 2 * bytes > p.block));
}

}  // namespace

bool has_single_blocks(core_ref a, memory_kind k) noexcept {
    const bool is_kind = index_of(k) < kind_count;
    if (is_kind && traits_of(k).freed_singly) return true;
    char detail[120];
    std::snprintf(detail, sizeof detail,
                  "of %s memory; it allocates nothing: take memory_kind::pool or memory_kind::heap",
                  is_kind ? traits_of(k).name : "no kind of");
    a.owner->raise({.what = code::FA445, .detail = detail});
    return false;
}

block_source make_source(core_ref a, memory_kind k, account::name_view payer) noexcept {
    const bool own_heap = a.owner->config.heap == nullptr;
    const bool paged = is_served(k) && (k == memory_kind::pool || own_heap);  // others get nothing: FA445
    block_source s{a, k, nullptr, paged, own_heap && !a.owner->probes.guarded()};
    thread_context* c = payer.size == 0 ? nullptr : try_context_of(a);
    if (c == nullptr) return s;
    exhaustion_reason why{};
    if (const tag_account* who = account_for(*c, c->charges.accounts().root(), payer, why)) s.payer = who->node;
    return s;
}

std::size_t good_size(const block_source& s, std::size_t bytes, std::size_t align) noexcept {
    const core& a = *s.owner.owner;
    if (bytes > largest_block || align > largest_block || !is_power_of_two(align)) return bytes;
    if (a.probes.guarded() || (s.kind == memory_kind::heap && a.config.heap != nullptr)) return bytes == 0 ? 1 : bytes;
    const unsigned k = class_for(bytes, align);
    if (k != no_class) return class_size(a.classes.serving(k));
    return a.config.heap != nullptr ? bytes : large_heap::usable(bytes);
}

std::size_t usable_size(const void* p) noexcept {
    if (p == nullptr) return 0;
    return is_in_page(p) ? size_in_page(p) : size_by_header(p);
}

void* allocate_block(const block_source& s, std::size_t bytes, std::size_t align) noexcept {
    return allocate(s, bytes == 0 ? 1 : bytes, align);
}

void* allocate_zeroed_block(const block_source& s, std::size_t bytes, std::size_t align) noexcept {
    void* p = allocate_block(s, bytes, align);
    if (p == nullptr) return nullptr;
    const core& a = *s.owner.owner;
    const bool is_zero = !a.probes.guarded() && a.config.heap == nullptr && !os::page_map::contains(p) &&
                         block_of(p)->zero;
    if (!is_zero) std::memset(p, 0, bytes);
    return p;
}

void free_plain(core_ref a, memory_kind k, void* p, std::size_t bytes, std::size_t align) noexcept {
    switch (k) {
        case memory_kind::pool: return pool_free_bytes(a, p, bytes, align);
        case memory_kind::heap: return heap_free(a, p, bytes, align);
        default: break;  // as above
    }
}

namespace {

// Of an allocator that is guarded, or whose heap is a resource.
FRAMEALLOC_COLD void free_looked_at(const block_source& s, void* p, std::size_t bytes, std::size_t align,
                                    const site& where) noexcept {
    core& a = *s.owner.owner;
    if (a.probes.guarded()) return a.probes.hooks->free(s.owner, s.kind, p, bytes, align, where);
    if (is_in_page(a, p)) return pool_free(p);
    if (bytes == any_size || (class_for(bytes, align) != no_class && s.paged)) return heap_free_large(p);
    heap_free(s.owner, p, bytes, align);
}

}  // namespace

void free_block(const block_source& s, void* p) noexcept {
    if (p == nullptr) return;
    if (!s.plain) [[unlikely]]
        return free_looked_at(s, p, any_size, 1, site::of_caller(__builtin_return_address(0)));
    if (os::page_map::contains(p)) return pool_free(p);
    heap_free_large(p);
}

void free_sized_block(const block_source& s, void* p, std::size_t bytes, std::size_t align) noexcept {
    if (p == nullptr) return;
    const std::size_t size = bytes == 0 ? 1 : bytes;
    if (!s.plain) [[unlikely]]
        return free_looked_at(s, p, size, align, site::of_caller(__builtin_return_address(0)));
    if (os::page_map::contains(p)) return pool_free(p);
    if (class_for(size, align) != no_class) return heap_free_large(p);  // shrunk where it was
    heap_free(s.owner, p, size, align);
}

namespace {

// Without moving, or by moving pages; null when neither can be.
void* resize_cheaply(const core& a, void* p, std::size_t bytes, std::size_t align, bool may_move) noexcept {
    if (bytes == 0 || !is_power_of_two(align) || address_of(p) % align != 0) return nullptr;
    if (is_in_page(a, p)) {
        const pool_page& page = *page_of(p);  // a sampled block's zone begins where it ends
        return page.size_class != sampled_class && fits_in_page(*page.owner->owner, page, bytes, align) ? p : nullptr;
    }
    heap_block* b = block_of(p);
    return resize_large(b, bytes, align, may_move) ? payload_of(b) : nullptr;
}

// Rather than none: a smaller block stays in the larger one where there is no memory for its like.
bool shrinks(core& a, void* p, std::size_t content, std::size_t bytes, std::size_t align) noexcept {
    if (bytes == 0 || bytes > content || !is_power_of_two(align) || address_of(p) % align != 0) return false;
    if (a.probes.guarded()) return shrink_guarded(a, p, bytes);
    return is_in_page(a, p) || shrink_large(*block_of(p), bytes);
}

}  // namespace

bool resize_in_place(core_ref owner, void* p, std::size_t bytes, std::size_t align) noexcept {
    return !owner.owner->probes.guarded() && resize_cheaply(*owner.owner, p, bytes, align, false) != nullptr;
}

void* resize_block(const block_source& s, void* p, std::size_t bytes, std::size_t align) noexcept {
    if (p == nullptr) return allocate_block(s, bytes, align);
    core& a = *s.owner.owner;
    if (void* same = a.probes.guarded() ? nullptr : resize_cheaply(a, p, bytes, align, true)) return same;
    const std::size_t content = a.probes.guarded() ? guarded_size(a, p)
                                : is_in_page(a, p) ? size_in_page(p)
                                                   : size_by_header(p);
    if (content == 0) {
        free_block(s, p);  // says what it is
        return nullptr;
    }
    void* moved = allocate_block(s, bytes, align);
    if (moved == nullptr) return shrinks(a, p, content, bytes, align) ? p : nullptr;
    a.probes.allow(address_of(p), address_of(p) + content);  // its user may have forbidden parts of it
    std::memcpy(moved, p, std::min(content, bytes));
    free_block(s, p);
    return moved;
}

}  // namespace framealloc::inline v1::memory
