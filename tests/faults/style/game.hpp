// The small game that the programs share.
#pragma once

#include "program.hpp"

#include <cstddef>

namespace style {

struct vec3 {
    float x, y, z;
};
struct contact {
    float depth;
    int a, b;
};
struct particle {
    vec3 position, velocity;
    float life;
};
struct npc {
    int health = 100;
    const vec3* goal = nullptr;
    npc* target = nullptr;
};

// Uses a value, which has been read by then.
template <class T>
[[gnu::noinline]] void show(T value) {
    [[maybe_unused]] volatile T seen = value;
}

// A value that the compiler cannot follow.
template <class T>
[[gnu::noinline]] T* hidden(T* p) {
    __asm__ volatile("" : "+r"(p));
    return p;
}

}  // namespace style
