// Random numbers that are the same on every system, for tests that repeat a sequence by its seed.
#pragma once

#include <cstdint>

namespace test {

struct splitmix {  // Steele, Lea, Flood, 2014
    std::uint64_t state;
    std::uint64_t operator()() {
        std::uint64_t z = state += 0x9E3779B97F4A7C15U;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
        return z ^ (z >> 31);
    }
};

}  // namespace test
