// Faults and exhaustion, passed to the program's handlers or printed.
#pragma once

#include <framealloc/detail/core/allocator.hpp>
#include <framealloc/detail/os/code.hpp>

namespace framealloc::inline v1::memory {

// Room for the name of an instruction, where a place has no line.
struct place_text {
    char text[128] = {};
    const char* of(const site& s) noexcept {
        if (s.file == nullptr && s.caller != nullptr) os::name_code(s.caller, text, sizeof text);
        return text;
    }
};

// FA440, for the process: there is no allocator to report to. The program ends.
[[noreturn]] FRAMEALLOC_COLD void refuse_without_source(const char* what) noexcept;

}  // namespace framealloc::inline v1::memory
