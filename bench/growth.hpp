// Scenarios for counting by size: what must not cost more for each element as there are more of them.
#pragma once

#include <framealloc/framealloc.hpp>

#include <memory>
#include <string>
#include <vector>

#include "counted.hpp"

namespace growth {

namespace fa = framealloc;
using namespace fa::literals;
using bench::counted;
using bench::hide;
using bench::keep;

struct object {
    long words[8];
};
static_assert(sizeof(object) == 64);

// "scenario@n", which the script takes apart.
std::string label(const char* scenario, long n);
template <class F>
void at(const char* scenario, long n, long turns, F f, long operations_a_turn = 1) {
    counted(label(scenario, n).c_str(), turns, f, operations_a_turn);
}

void allocators(bool further);
void tags(bool further);
void frames(bool further);
void finalisers(bool further);
void containers(bool further);
void maps(bool further);
void blocks(bool further);
void threads(bool further);

}  // namespace growth
