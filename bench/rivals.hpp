// The general-purpose allocators that stand beside framealloc: each behind two function pointers, glibc's too, so that
// no compiler sees through one of them.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "bench.hpp"

namespace bench {

struct functions {
    void* (*allocate)(std::size_t) = nullptr;
    void (*free)(void*) = nullptr;
    void* (*reallocate)(void*, std::size_t) = nullptr;
    void (*enter_thread)() = nullptr;  // called first on each further thread; null: not needed
    void (*leave_thread)() = nullptr;
};

struct malloc_rival {
    std::string name;
    std::string file;  // as dlopen takes it
    std::string package;  // Debian's; empty: not packaged
    functions calls{};
    std::string missing{};  // why it is not here; empty: it is
    std::string version{};
};

// Starts the program again with more room for the thread-local variables of libraries that are loaded while it runs:
// jemalloc's need it. Returns when there is room, or when none can be had.
void make_room_for_libraries(char** arguments);
// Loads "NAME=library.so" beside those of the distribution; "@VERSION" behind it is what reports say. Returns what is
// wrong, or nothing.
std::string take_rival(const std::string& argument);
// Opens every library, once.
const std::vector<malloc_rival>& malloc_rivals();

// Adds a contestant for each: a W made of its functions, or why it is not here.
template <class W>
void add_mallocs(workload& w, const std::string& against = ours_name) {
    for (const malloc_rival& r : malloc_rivals()) {
        contestant c{.name = r.name, .missing = r.missing, .against = against};
        if (r.missing.empty()) c.make = [calls = r.calls] { return std::make_unique<W>(calls); };
        w.contestants.push_back(std::move(c));
    }
}

}  // namespace bench
