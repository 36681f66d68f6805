// Shared libraries that come and go.
#pragma once

#include <cstddef>
#include <cstdint>

#include <framealloc/config.hpp>

namespace framealloc::inline v1::os {

struct module_range {
    std::uintptr_t begin = 0;
    std::uintptr_t end = 0;
    char name[96] = {};  // path, its end when it is longer
    bool contains(std::uintptr_t p) const noexcept { return p >= begin && p < end; }
};

// Where the library that dlopen() gave `handle` for is. False where there are none, or it is not one.
bool find_module(void* handle, module_range& out) noexcept;
// Whether a loaded library or the program has code there; true where it is unknown.
bool is_code(std::uintptr_t p) noexcept;

}  // namespace framealloc::inline v1::os
