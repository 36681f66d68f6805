// The objects that a program passes to a plugin with its own copy of the library.
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
