// Recorded programs, replayed: the allocations of one thread in their order, as framealloc-replay plays them, but with
// all rivals in one process.
#pragma once

#include <string>

#include "bench.hpp"

namespace bench {

// Loads "NAME=file". Returns what is wrong, or nothing.
std::string take_trace(const std::string& argument);
void add_traces(workloads& all);

}  // namespace bench
