// The numbers and sentences of the report, the page and the JSON.
#pragma once

#include "sites.hpp"

#include <cstdio>

namespace advise {

template <class... A>
std::string text(const char* format, A... arguments) {
    char buffer[512];
    std::snprintf(buffer, sizeof buffer, format, arguments...);
    return buffer;
}

std::string grouped(std::uint64_t n);   // 12,345
std::string bytes(std::uint64_t n);     // 9,999 B, 12.1 KiB
std::string sizes(const site& s);       // 16 to 48 B
std::string unit_of(const advice& a);   // frame, or slice

// A share in percent, rounded down: 0.99996 is 99, or 99.9 if `tenths` is 10.
std::string floored(double share, std::uint64_t tenths = 1);

// The parts to one decimal, each rounded up or down so that the printed parts add up to the printed total. Requires:
// the parts add up to the total.
std::vector<std::string> adding_up(const std::vector<double>& parts, double total);

// What to do with a place, and why.
std::string advised(const advice& a, const site& s);

}  // namespace advise
