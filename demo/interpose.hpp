// Counts the program's own malloc calls, those outside Box2D. The replaced functions are in interpose.cpp; under a
// sanitizer, which replaces them itself, not_interposed.cpp takes its place and nothing is counted.
#pragma once

#include <cstddef>
#include <cstdint>

namespace demo {

struct malloc_counts {
    std::uint64_t calls = 0;  // malloc, calloc, realloc, aligned forms and operator new
    std::size_t live_bytes = 0;  // of the counted calls
    std::size_t peak_bytes = 0;
};

bool mallocs_are_counted() noexcept;
malloc_counts own_mallocs() noexcept;
void reset_own_mallocs() noexcept;

// Calls inside belong to Box2D.
class inside_physics {
public:
    inside_physics() noexcept;
    ~inside_physics();
};

// A callback from Box2D into our code: calls inside are our own again.
class inside_callback {
public:
    inside_callback() noexcept;
    ~inside_callback();
};

}  // namespace demo
