// What is still allocated when an allocator is destroyed.
#include <framealloc/detail/core/leaks.hpp>

#include <cstdio>

#include <framealloc/detail/core/walk.hpp>
#include <framealloc/detail/sync/glimpse.hpp>

namespace framealloc::inline v1::memory {

std::uint64_t blocks_out(core& c) noexcept {
    const sync::lock_guard guard(c.lock);
    std::uint64_t n = 0 - c.tally.refunds();
    for_each_context(c, [&](const thread_context& t) {
        for_each_block_page(t, [&](const pool_page& p, const page_view&) { n += p.used() - p.remote.count(); });
        n += t.counters.get(counter::heap_allocations) - t.counters.get(counter::heap_frees);
        n -= t.remote.batch_count();
    });
    return n;
}

namespace {

// What is in the context itself is only a place in the list.
bool destroys_anything(const thread_context& c, const frame_record& r) noexcept {
    const finaliser* newest = sync::glimpse(r.finalisers);
    const bool is_place = address_of(newest) - address_of(&c) < sizeof c;
    return (is_place ? sync::glimpse(newest->next) : newest) != nullptr;
}

// Somebody forgot to end a frame. That of a job system ends at its worker's next safe point; nothing is lost but what
// it would destroy.
bool left_open(const thread_context& c) noexcept {
    const frame_record* top = recent_top(c);
    return top != &ground_of(c) && (top != config_of(c).above->driven(c) || destroys_anything(c, *top));
}

// What is out under one tag of one thread.
std::uint64_t bytes_out(const thread_context& c, const tag_account& e) noexcept {
    std::uint64_t own = e.heap_balance();
    for (unsigned k = 0; k < kind_count; ++k)
        own += traits_of(kind_at(k)).freed_singly ? use_of(c, e, kind_at(k)).bytes : 0;
    return own;
}

}  // namespace

std::uint32_t open_frames(core& c) noexcept {
    std::uint32_t n = 0;
    const sync::lock_guard guard(c.lock);
    for_each_context(c, [&](const thread_context& t) { n += left_open(t) ? 1U : 0U; });
    return n;
}

void report_leaks(core& a, std::uint64_t blocks) noexcept {
    if (a.probes.guarded() && a.probes.hooks->report_leaks(a)) return;
    std::uint64_t bytes = 0;
    char worst[64] = "";
    std::int64_t most = 0;
    {
        const sync::lock_guard guard(a.lock);
        for_each_context(a, [&](thread_context& c) {
            for_each_account(c, [&](const tag_account& e) {
                const std::uint64_t own = bytes_out(c, e);
                bytes += own;
                if (static_cast<std::int64_t>(own) <= most) return;
                most = static_cast<std::int64_t>(own);
                std::snprintf(worst, sizeof worst, "%.*s", static_cast<int>(e.node->path_length), e.node->path);
            });
        });
    }
    char detail[192];
    std::snprintf(
        detail, sizeof detail,
        blocks == 1
            ? "%llu block of %llu bytes, under tag \"%s\"; it keeps the allocator alive; free it first"
            : "%llu blocks of %llu bytes, most under tag \"%s\"; they keep the allocator alive; free them first",
        static_cast<unsigned long long>(blocks), static_cast<unsigned long long>(bytes), worst);
    a.raise({.what = code::FA424, .detail = detail, .bytes = static_cast<std::size_t>(bytes)});
}

}  // namespace framealloc::inline v1::memory
