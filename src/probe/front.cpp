// The front door of a guarded allocator: frees, adoptions and destructions that are looked at first.
#include <framealloc/detail/probe/front.hpp>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include <framealloc/detail/core/blocks.hpp>
#include <framealloc/detail/core/known_block.hpp>
#include <framealloc/detail/os/code.hpp>
#include <framealloc/detail/probe/block_report.hpp>
#include <framealloc/detail/probe/guarded_frames.hpp>

namespace framealloc::inline v1::memory {

using guard::block_record;
using guard::block_state;

namespace {

void free_known(core_ref owner, thread_context* c, memory_kind k, void* p, std::size_t bytes, std::size_t align,
                const site& where) noexcept {
    core& a = *owner.owner;
    const activity_scope changing(c, activity::changing);
    block_record b;
    const bool known = a.probes.blocks.find(address_of(p), b);
    if (c != nullptr) c->probes.guard->free_site = where;
    if (!known || b.state != block_state::live) {  // mark_freed() says what it is
        static_cast<void>(mark_freed(a, p, b));
        return;
    }
    const bool moved_up = k == memory_kind::pool && b.kind == memory_kind::heap && b.large;  // beyond the classes
    char detail[96];
    if (b.kind != k && !moved_up) {
        std::snprintf(detail, sizeof detail, "a %s block freed as %s memory", traits_of(b.kind).name,
                      traits_of(k).name);
        raise_about(a, code::FA417, report_of(b), detail, p, where);
    } else if ((b.bytes != bytes && bytes != any_size) || !is_power_of_two(align) || address_of(p) % align != 0) {
        std::snprintf(detail, sizeof detail, "allocated with %zu bytes, freed with %zu aligned to %zu", b.bytes, bytes,
                      align);
        raise_about(a, code::FA418, report_of(b), detail, p, where);
    }
    if (b.large) heap_free_large(p);
    else pool_free(p);
}

}  // namespace

void guarded_free(core_ref owner, memory_kind k, void* p, std::size_t bytes, std::size_t align,
                  const site& where) noexcept {
    if (p == nullptr) return;
    core& a = *owner.owner;
    if (!a.probes.guarded()) return free_plain(owner, k, p, bytes, align);
    thread_context* c = try_attach(owner);
    if (c != nullptr && !may_call(*c, where)) return;
    retain_core(owner);  // until now the block kept it alive
    free_known(owner, c, k, p, bytes, align, where);
    release_core(owner);
}

namespace {

bool judge_adoption(core& a, const block_record& b, const void* p, std::size_t bytes) noexcept {
    if (b.state != block_state::live) return raise_double_free(a, b, p, {}), false;
    char detail[96];
    if (b.kind != memory_kind::pool && !(b.large && b.kind == memory_kind::heap)) {
        std::snprintf(detail, sizeof detail, "a %s block given to a pool_box", traits_of(b.kind).name);
        return raise_about(a, code::FA417, report_of(b), detail, p), false;
    }
    if (bytes == 0 || b.bytes == bytes) return true;
    std::snprintf(detail, sizeof detail, "allocated with %zu bytes, given to a pool_box of %zu bytes", b.bytes, bytes);
    return raise_about(a, code::FA418, report_of(b), detail, p), false;
}

}  // namespace

bool may_adopt(const void* p, std::size_t bytes) noexcept {
    if (p == nullptr) return true;
    known_block b = look_for(address_of(p), bytes == 0, block_state::live);
    if (b.owner == nullptr) b = look_for(address_of(p), bytes == 0, block_state::freed);
    if (b.owner != nullptr) {
        const bool may = judge_adoption(*b.owner, b.record, p, bytes);
        release_core({b.owner, b.owner->id});
        return may;
    }
    if (b.all_guarded) refuse_foreign(p, {});
    return !b.all_guarded;
}

bool may_destroy(const void* p) noexcept {
    if (p == nullptr) return true;
    const known_block b = look_for(address_of(p), false, block_state::freed);
    if (b.owner == nullptr) return true;  // whatever else it is, the free says it
    raise_double_free(*b.owner, b.record, p, os::own_call());
    release_core({b.owner, b.owner->id});
    return false;
}

// Another thread's quarantine and frames change whenever it allocates: it looks at them itself.
std::size_t check_everything(core_ref owner) noexcept {
    thread_context* c = context_met(owner);
    if (!owner.owner->probes.guarded()) return 0;
    const activity_scope changing(c, activity::changing);
    const std::size_t faults = check_live_blocks(*owner.owner);
    return c == nullptr ? faults : faults + check_pages(*c) + check_frames(*c);
}

namespace {

struct leak_group {
    block_record first;
    std::uint64_t blocks, bytes;
};

bool same_place(const block_record& a, const block_record& b) noexcept {
    return a.born.file == b.born.file && a.born.line == b.born.line && a.tag == b.tag && a.kind == b.kind;
}

}  // namespace

bool report_leaks_by_site(core& a) noexcept {
    constexpr std::size_t most_groups = 32, listed = 16;
    leak_group groups[most_groups];
    std::size_t n = 0;
    std::uint64_t others = 0;
    a.probes.blocks.for_each_live([&](const block_record& b) {
        if (!traits_of(b.kind).freed_singly) return;
        leak_group* g = std::find_if(groups, groups + n, [&](const leak_group& x) { return same_place(x.first, b); });
        if (g == groups + n && n == most_groups) return static_cast<void>(++others);
        if (g == groups + n) groups[n++] = {b, 0, 0};
        ++g->blocks;
        g->bytes += b.bytes;
    });
    std::sort(groups, groups + n, [](const leak_group& x, const leak_group& y) { return x.bytes > y.bytes; });
    for (std::size_t i = listed; i < n; ++i) others += groups[i].blocks;
    for (std::size_t i = 0; i < n && i < listed; ++i) {
        char detail[192];
        const int used = std::snprintf(
            detail, sizeof detail,
            groups[i].blocks == 1
                ? "%llu %s block of %llu bytes; it keeps the allocator alive; free it first"
                : "%llu %s blocks of %llu bytes in all; they keep the allocator alive; free them first",
            static_cast<unsigned long long>(groups[i].blocks), traits_of(groups[i].first.kind).name,
            static_cast<unsigned long long>(groups[i].bytes));
        if (i + 1 == listed && others != 0 && used > 0)
            std::snprintf(detail + used, sizeof detail - static_cast<std::size_t>(used),
                          others == 1 ? "; %llu more block from another place" : "; %llu more blocks from other places",
                          static_cast<unsigned long long>(others));
        reported_block first = report_of(groups[i].first);
        first.end = first.begin + groups[i].bytes;
        a.report(fault_about(code::FA424, first, detail, pointer_at(groups[i].first.address), {}));
    }
    if (n != 0) a.end_after_fault();
    return n != 0;
}

}  // namespace framealloc::inline v1::memory
