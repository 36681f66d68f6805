// A library that takes malloc's functions, and a workload for it: the same on the library's own memory and on a hook.
#pragma once

#include <cstdint>
#include <functional>

#include <framealloc/framealloc.hpp>

namespace clients {

namespace fa = framealloc;

using digest = std::uint64_t;                         // of all results; it does not depend on addresses
using while_full =
    std::function<void(std::size_t)>;  // called where a workload holds most, with the bytes the library counts itself

struct client {
    const char* name;
    digest (*on_malloc)(unsigned tenths);  // of the whole workload, 1 to 10
    digest (*on_hook)(const fa::hook&, unsigned tenths, const while_full&);  // everything is given back when it returns
    bool (*says_exhausted)(const fa::hook&);  // takes memory until the library's own error comes out; null: it has none
    digest (*on_heap)(const fa::heap_allocator<char>&,
                      unsigned) = nullptr;  // by allocators with a state, for libraries that take them
};

extern const client lua, sqlite, imgui, json, abseil;

constexpr digest mix(digest d, std::uint64_t x) { return (d ^ x) * 0x9E3779B97F4A7C15U + (d >> 29U); }

}  // namespace clients
