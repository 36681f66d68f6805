// What a program hands to a plugin that contains a library of its own.
#pragma once

#include <framealloc/framealloc.hpp>

namespace fa = framealloc;

struct foreign {
    const fa::smart_alloc& alloc;
    int* block;   // of its pool
    void* large;  // of 100,000 bytes
    const fa::smart_alloc& other;
    fa::parked_context& parked;  // of `other`
};
