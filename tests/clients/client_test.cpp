// The same for every client: its results on a hook equal those on malloc, its tag is charged for everything, it frees
// everything, no fault is reported, and when memory runs out it reports its own error.
#include <doctest/doctest.h>

#include <atomic>
#include <map>

#include "clients/client.hpp"
#include "support/recorder.hpp"

using namespace test;
using clients::FRAMEALLOC_CLIENT;

namespace {

template <class P>
std::size_t in_use(const fa::basic_smart_alloc<P>& a) {
    a.process_deferred_frees();
    return a.stats().total_allocated;
}

// If every block is checked, only a part of the workload runs.
template <class P>
constexpr unsigned most = P::checks ? FRAMEALLOC_CLIENT_CHECKED_TENTHS : 10;

clients::digest expected(unsigned tenths) {
    static std::map<unsigned, clients::digest> known;
    if (!known.contains(tenths)) known[tenths] = FRAMEALLOC_CLIENT.on_malloc(tenths);
    return known[tenths];
}

}  // namespace

FOR_EACH_POLICY("a client computes the same as on malloc, and its tag pays for it") {
    for (const fa::memory_kind kind : {fa::memory_kind::heap, fa::memory_kind::pool}) {
        const unsigned tenths = kind == fa::memory_kind::heap ? most<P> : 1;
        REQUIRE(expected(tenths) != 0);
        recorder seen;
        fa::basic_smart_alloc<P> alloc{seen.options()};
        const fa::hook hook{alloc, kind, "engine::client"};
        std::atomic<int> full{0}, wrong{0};
        const auto while_full = [&](std::size_t own_count) {
            ++full;
            if (alloc.tag_stats("engine::client").total_bytes < own_count || alloc.tag_stats("").total_bytes != 0)
                ++wrong;
        };
        CHECK(FRAMEALLOC_CLIENT.on_hook(hook, tenths, while_full) == expected(tenths));
        CHECK(full > 0);
        CHECK(wrong == 0);
        CHECK(in_use(alloc) == 0);
        CHECK(seen.faults.empty());
    }
}

FOR_EACH_POLICY("a client with standard allocators computes the same, and the open tag pays for it") {
    if (FRAMEALLOC_CLIENT.on_heap == nullptr) return;
    recorder seen;
    fa::basic_smart_alloc<P> alloc{seen.options()};
    {
        const fa::tag_scope t{alloc, "client"};
        CHECK(FRAMEALLOC_CLIENT.on_heap(alloc, most<P>) == expected(most<P>));
    }
    CHECK(alloc.tag_stats("client").peak_bytes > 0);
    CHECK(in_use(alloc) == 0);
    CHECK(seen.faults.empty());
}

FOR_EACH_POLICY("a client without memory says so, and nothing is lost") {
    if (FRAMEALLOC_CLIENT.says_exhausted == nullptr) return;
    recorder seen;
    fa::basic_smart_alloc<P> alloc{seen.options({.global_limit = 24_MiB})};
    CHECK(FRAMEALLOC_CLIENT.says_exhausted(fa::hook{alloc, fa::memory_kind::heap, "client"}));
    CHECK(in_use(alloc) == 0);
    CHECK(alloc.tag_stats("client").total_bytes == 0);
    CHECK(seen.faults.empty());
}
