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

// A fault of the process, where no allocator can be asked: with the program's own place it is printed, and then
// whatever follows a fault of an allocator without on_fault, in the mode of this library and by FRAMEALLOC_STRICT.
// report_for_process() leaves the end to the caller.
FRAMEALLOC_COLD void raise_for_process(fault f) noexcept;
FRAMEALLOC_COLD void report_for_process(fault f) noexcept;

// FA440. The program ends.
[[noreturn]] FRAMEALLOC_COLD void refuse_without_source(const char* what) noexcept;

}  // namespace framealloc::inline v1::memory
