// Where in the source a call was made. In debug a call carries it; elsewhere the same parameter is an empty type.
//
//   void* allocate(std::size_t n, site s = site::here());
#pragma once

#include <framealloc/config.hpp>

namespace framealloc::inline v1 {

struct site {
    const char* file = nullptr;
    int line = 0;
    const void* caller = nullptr;  // an instruction of the call, where it cannot say its line

    // For a function that is not inlined: its caller, named by the instruction before the one it returns to.
    static site of_caller(const void* returns_to) noexcept {
        return {nullptr, 0, static_cast<const char*>(returns_to) - 1};
    }

    // std::source_location as a default argument costs 4 instructions even when unused; this costs none.
    static constexpr site here(const char* f = __builtin_FILE(), int l = __builtin_LINE()) noexcept {
        return {f, l, nullptr};
    }
};

struct no_site {
    static constexpr no_site here() noexcept { return {}; }
};

}  // namespace framealloc::inline v1
