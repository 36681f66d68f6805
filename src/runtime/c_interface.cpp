// framealloc.h: the C functions, over the parts that smart_alloc is made of.
#include <framealloc/framealloc.h>

#include <cstring>
#include <new>

#include <framealloc/detail/core/blocks.hpp>
#include <framealloc/insight/describe.hpp>
#include <framealloc/runtime/smart_alloc.hpp>

namespace fa = framealloc;
using namespace framealloc;

// In the allocator's own metadata, and freed with it.
struct fa_allocator {
    memory::core_ref owner;
    void (*on_fault)(void*, const fa_fault*);
    void* user;

    void operator()(const fault& f) const {
        const fa_fault said{.code = static_cast<int>(f.what),
                            .text = f.text,
                            .detail = f.detail,
                            .place = f.code_place,
                            .allocator = f.allocator,
                            .address = f.address,
                            .bytes = f.bytes};
        on_fault(user, &said);
    }
};

// Named as the library, so that a report looks for the place of a call beyond them.
namespace framealloc::inline v1::c_interface {
namespace {

constexpr bool checks = active_policy::checks;
constexpr auto may_fail = memory::on_failure::return_null;
static_assert(sizeof(tag_scope) <= sizeof(fa_tag) && alignof(tag_scope) <= alignof(fa_tag));

std::size_t aligned(std::size_t alignment) { return alignment == 0 ? alignof(std::max_align_t) : alignment; }

// The caller's context, with the place of its call as long as this lives.
class called {
    using site_type = active_policy::site_type;

public:
    called(memory::thread_context* c, const void* from) noexcept : context_(c), place_(c, site_of<site_type>(from)) {}
    called(const memory::core_ref& a, const void* from) noexcept : called(memory::try_context_of(a), from) {}
    operator memory::thread_context*() const noexcept { return context_; }

private:
    template <class Site>
    static Site site_of([[maybe_unused]] const void* from) noexcept {
        if constexpr (std::is_same_v<Site, site>) return site::of_caller(from);
        else return {};
    }
    memory::thread_context* context_;
    [[no_unique_address]] runtime::noted<site_type> place_;
};

fa::options options_of(const fa_options& o) {
    fa::options out;
    const auto set = [](auto& to, auto from) {
        if (from != 0) to = from;
    };
    if (o.name != nullptr) out.name = o.name;
    set(out.frame_capacity, o.frame_capacity);
    set(out.frame_limit, o.frame_limit);
    set(out.global_limit, o.global_limit);
    set(out.slab_page_size, o.slab_page_size);
    set(out.pool_max, o.pool_max);
    set(out.frames_in_flight, o.frames_in_flight);
    out.fixed_memory.data = o.fixed_memory;
    out.fixed_memory.bytes = o.fixed_bytes;
    return out;
}

void free_block(const memory::core_ref& a, memory_kind kind, void* p, std::size_t size, std::size_t alignment,
                const void* from) {
    if constexpr (checks) memory::guarded_free(a, kind, p, size, aligned(alignment), site::of_caller(from));
    else memory::free_plain(a, kind, p, size, aligned(alignment));
}

// fa_kind has the kinds whose blocks are freed singly, with the values of memory_kind.
constexpr bool is_in_c(memory_kind k) noexcept { return index_of(k) == FA_POOL || index_of(k) == FA_HEAP; }
static_assert(FA_POOL == index_of(memory_kind::pool) && FA_HEAP == index_of(memory_kind::heap));
static_assert(base::holds_for_each_kind([](memory_kind k) { return is_in_c(k) == traits_of(k).freed_singly; }),
              "fa_kind does not have a kind whose blocks are freed singly");

// Where the bytes of a kind are.
constexpr std::size_t fa_stats::* c_bytes_of(memory_kind k) noexcept {
    switch (k) {
        case memory_kind::frame: return &fa_stats::frame_bytes;
        case memory_kind::pool: return &fa_stats::pool_bytes;
        case memory_kind::heap: break;
    }
    return &fa_stats::heap_bytes;
}
static_assert(base::differs_by_kind(c_bytes_of), "c_bytes_of() has no field for a kind");

// `field`: where the bytes of a kind are counted.
template <class Stats, class Field>
fa_stats in_c(const Stats& s, Field field) noexcept {
    fa_stats all{};
    for (unsigned k = 0; k < kind_count; ++k) all.*c_bytes_of(kind_at(k)) = s.*field(kind_at(k));
    return all;
}

}  // namespace
}  // namespace framealloc::inline v1::c_interface

using namespace framealloc::c_interface;

#define CALLER __builtin_return_address(0)

fa_allocator* fa_create(const fa_options* o) {
    const fa::options wanted = o == nullptr ? fa::options{} : options_of(*o);
    exhaustion_reason why{};
    memory::core* made = memory::make_core(runtime::to_config(wanted, checks), why);
    if (made == nullptr) return nullptr;
    const memory::core_ref owner = reference_to(*made);
    void* p = metadata_of(*made).allocate(sizeof(fa_allocator), why);
    if (p == nullptr) {
        memory::release_core(owner);
        return nullptr;
    }
    auto* a = ::new (p) fa_allocator{owner, nullptr, nullptr};
    if (o != nullptr && o->on_fault != nullptr) {
        a->on_fault = o->on_fault;
        a->user = o->user;
        set_fault_handler(*made, *a);
    }
    return a;
}

void fa_destroy(fa_allocator* a) {
    if (a != nullptr) memory::release_core(memory::core_ref(a->owner));
}

fa_frame* fa_frame_begin(fa_allocator* a) {
    const called call(a->owner, CALLER);
    memory::thread_context* c = call;
    if (c == nullptr) return nullptr;
    return reinterpret_cast<fa_frame*>(lifetime::open_frame(top_of(*c)));
}

void fa_frame_end(fa_frame* frame) {
    if (frame == nullptr) return;
    auto* r = reinterpret_cast<memory::frame_record*>(frame);
    [[maybe_unused]] const called call(r->context, CALLER);
    lifetime::close_frame(r);
}

void* fa_frame_alloc(fa_frame* frame, std::size_t size, std::size_t alignment) {
    auto* r = reinterpret_cast<memory::frame_record*>(frame);
    if (r == nullptr || size == 0) return nullptr;
    [[maybe_unused]] const called call(r->context, CALLER);
    return lifetime::allocate(r, size, aligned(alignment), may_fail);
}

void* fa_pool_alloc(fa_allocator* a, std::size_t size, std::size_t alignment) {
    if (size == 0) return nullptr;
    const called call(a->owner, CALLER);
    if (call == nullptr) return nullptr;
    return memory::pool_allocate_bytes(a->owner, size, aligned(alignment), may_fail);
}

void fa_pool_free(fa_allocator* a, void* p, std::size_t size, std::size_t alignment) {
    free_block(a->owner, memory_kind::pool, p, size, alignment, CALLER);
}

void* fa_heap_alloc(fa_allocator* a, std::size_t size, std::size_t alignment) {
    if (size == 0) return nullptr;
    const called call(a->owner, CALLER);
    if (call == nullptr) return nullptr;
    return memory::heap_allocate(a->owner, size, aligned(alignment), may_fail);
}

void fa_heap_free(fa_allocator* a, void* p, std::size_t size, std::size_t alignment) {
    free_block(a->owner, memory_kind::heap, p, size, alignment, CALLER);
}

// In the allocator's metadata.
struct fa_hook {
    memory::block_source source;
};

fa_hook* fa_hook_create(fa_allocator* a, fa_kind kind, const char* tag) {
    const memory_kind k = kind_at(kind < kind_count ? static_cast<unsigned>(kind)
                                                    : kind_count);  // no larger number fits
    if (!memory::has_single_blocks(a->owner, k)) return nullptr;
    exhaustion_reason why{};
    void* p = metadata_of(*a->owner.owner).allocate(sizeof(fa_hook), why);
    if (p == nullptr) return nullptr;
    memory::retain_core(a->owner);
    return ::new (p)
        fa_hook{memory::make_source(a->owner, k, {tag == nullptr ? "" : tag, tag == nullptr ? 0 : std::strlen(tag)})};
}

void fa_hook_destroy(fa_hook* h) {
    if (h == nullptr) return;
    const memory::core_ref owner = h->source.owner;
    metadata_of(*owner.owner).deallocate(h, sizeof(fa_hook));
    memory::release_core(owner);
}

void* fa_malloc(fa_hook* h, std::size_t size) { return memory::allocate_block(h->source, size, aligned(0)); }

void* fa_calloc(fa_hook* h, std::size_t count, std::size_t size) {
    std::size_t bytes = 0;
    return __builtin_mul_overflow(count, size, &bytes) ? nullptr
                                                       : memory::allocate_zeroed_block(h->source, bytes, aligned(0));
}

void* fa_aligned_alloc(fa_hook* h, std::size_t alignment, std::size_t size) {
    return memory::allocate_block(h->source, size, aligned(alignment));
}

void* fa_realloc(fa_hook* h, void* block, std::size_t size) {
    if (size != 0) return memory::resize_block(h->source, block, size, aligned(0));
    memory::free_block(h->source, block);
    return nullptr;
}

void fa_free(fa_hook* h, void* block) { memory::free_block(h->source, block); }
std::size_t fa_usable_size(const void* block) { return memory::usable_size(block); }
std::size_t fa_good_size(fa_hook* h, std::size_t size) { return memory::good_size(h->source, size, aligned(0)); }

namespace {

// What tag_scope asks of an allocator.
struct owner_of {
    const memory::core_ref& ref;
    const memory::core_ref& owner() const { return ref; }
};

}  // namespace

void fa_tag_begin(fa_tag* tag, fa_allocator* a, const char* name) {
    ::new (tag->state) tag_scope(owner_of{a->owner}, std::string_view(name));
}

void fa_tag_end(fa_tag* tag) { std::launder(reinterpret_cast<tag_scope*>(tag->state))->~tag_scope(); }

fa_stats fa_get_stats(fa_allocator* a) {
    const alloc_stats s = insight::stats_of(a->owner);
    fa_stats all = in_c(s, allocated_of);
    all.total_bytes = s.total_allocated;
    all.peak_bytes = s.peak_allocated;
    all.committed_bytes = s.committed;
    return all;
}

fa_stats fa_get_tag_stats(fa_allocator* a, const char* path) {
    const tag_bytes s = insight::tag_stats_of(a->owner, path).with_children;
    fa_stats all = in_c(s, bytes_of);
    all.total_bytes = s.total_bytes;
    all.peak_bytes = s.peak_bytes;
    return all;
}

std::size_t fa_describe(const void* p, char* text, std::size_t size) {
    if (size == 0) return 0;
    text[0] = '\0';
    return fa::describe(p).text({text, size}).size();
}

std::size_t fa_check(fa_allocator* a) {
    const called call(memory::context_met(a->owner), CALLER);
    static_cast<void>(call);
    return memory::check_everything(a->owner);
}

void fa_trim(fa_allocator* a) { memory::trim(*a->owner.owner); }
