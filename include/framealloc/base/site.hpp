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

    // Requires: returns_to is where a function that is not inlined returns to. Returns: its caller, named by the
    // instruction before that.
    static site of_caller(const void* returns_to) noexcept {
        return {nullptr, 0, static_cast<const char*>(returns_to) - 1};
    }

    // Returns: the place of the call that has it as a default argument. Cost: none: a std::source_location in its place
    // takes 4 instructions even when unused.
    static constexpr site here(const char* f = __builtin_FILE(), int l = __builtin_LINE()) noexcept {
        return {f, l, nullptr};
    }
};

struct no_site {
    // Returns: nothing, in no instruction. Cost: none.
    static constexpr no_site here() noexcept { return {}; }
};

}  // namespace framealloc::inline v1
