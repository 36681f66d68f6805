// The same for every client: what it computes on our memory is what it computes on malloc's, its tag pays for all of it, it gives
// everything back, no fault is told, and where memory ends its own error comes out.
#include <doctest/doctest.h>

#include <atomic>

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

const clients::digest& expected() {
    static const clients::digest d = FRAMEALLOC_CLIENT.on_malloc();
    return d;
}

}  // namespace

FOR_EACH_POLICY("a client computes the same as on malloc, and its tag pays for it") {
    REQUIRE(expected() != 0);
    for (const fa::memory_kind kind : {fa::memory_kind::heap, fa::memory_kind::pool}) {
        recorder seen;
        fa::basic_smart_alloc<P> alloc{seen.options()};
        const fa::hook hook{alloc, kind, "engine::client"};
        std::atomic<int> full{0}, wrong{0};
        CHECK(FRAMEALLOC_CLIENT.on_hook(hook, [&](std::size_t own_count) {
            ++full;
            const auto paid = alloc.tag_stats("engine::client").total_bytes;
            if (paid < own_count || alloc.tag_stats("").total_bytes != 0) ++wrong;
        }) == expected());
        CHECK(full > 0);
        CHECK(wrong == 0);
        CHECK(in_use(alloc) == 0);
        CHECK(seen.faults.empty());
    }
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
