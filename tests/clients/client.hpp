// A library that accepts malloc-style functions, and a workload that runs on its own memory and on a hook.
#pragma once

#include <cstdint>
#include <functional>

#include <framealloc/framealloc.hpp>

namespace clients {

namespace fa = framealloc;

using digest = std::uint64_t;                         // of all results; it does not depend on addresses
using while_full =
    std::function<void(std::size_t)>;  // called at the workload's peak, with the bytes that the library itself counts

struct client {
    const char* name;
    digest (*on_malloc)(unsigned tenths);  // of the whole workload, 1 to 10
    digest (*on_hook)(const fa::hook&, unsigned tenths, const while_full&);  // has freed everything when it returns
    bool (*says_exhausted)(const fa::hook&);  // allocates until the library reports its error; null: it has none
    digest (*on_heap)(const fa::heap_allocator<char>&,
                      unsigned) = nullptr;  // through stateful allocators, for libraries that accept them
};

extern const client lua, sqlite, imgui, json, abseil;

constexpr digest mix(digest d, std::uint64_t x) { return (d ^ x) * 0x9E3779B97F4A7C15U + (d >> 29U); }

}  // namespace clients
