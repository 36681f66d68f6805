// Faults and exhaustion, as an allocator describes them to the handlers in options::on_fault and
// options::on_exhaustion.
//
// Three kinds of failure and no fourth: exhaustion is a value (try_x() is null; x() asks the exhaustion handler),
// misuse is a coded fault, and a broken invariant ends the program.
#pragma once

#include <cstddef>
#include <cstdint>

#include <framealloc/base/callback.hpp>
#include <framealloc/base/site.hpp>

namespace framealloc::inline v1 {

enum class code : std::uint16_t {
#define FRAMEALLOC_CODE(name, number, text) name = number,
#include <framealloc/base/codes.def>
#undef FRAMEALLOC_CODE
};

// Returns: the code's text, one clause without the number, of static storage duration; "unknown code" for another
// number.
const char* code_text(code c) noexcept;

// A mistake of the program.
struct fault {
    code what{};
    const char* text = "";  // code_text(what)
    const char* detail = "";  // what is known beyond the code; valid during the call only
    site where{};  // the program's call: its line in debug, where it says it, otherwise an instruction
    const char* code_place = "";  // where.caller as "program+0x1234", for addr2line; valid during the call only
    const char* allocator = "";  // options::name
    const void* address = nullptr;
    std::size_t bytes = 0;  // meaning depends on the code: a size, or bytes still out
    site born{};  // of the block: where it was allocated, as far as that was recorded
    site died{};  // where it was freed before, or its frame ended
    const char* born_place = "";  // as code_place, where allocation and free do not say their line
    const char* died_place = "";
    const char* tag = "";  // that paid for it
    std::uint64_t frame = 0;  // outermost frame in which it was allocated; 0: none, or not known
};

// Why a request could not be served.
enum class exhaustion_reason : std::uint8_t {
    system_refused,  // the page source gave nothing
    frame_limit,  // options::frame_limit
    thread_budget,  // set_thread_frame_budget() or set_thread_pool_budget()
    global_limit,  // options::global_limit
    fixed_memory,  // options::fixed_memory is used up
    sealed,  // a page was needed after seal()
    size_overflow,  // count * size does not fit, or the request is absurd
};

struct exhaustion {
    exhaustion_reason reason{};
    const char* kind = "";  // "frame", "pool", "heap" or "metadata"
    std::size_t requested = 0;  // bytes
    std::size_t alignment = 0;  // bytes
    std::size_t in_use = 0;  // bytes committed by the allocator
    std::size_t limit = 0;  // bytes; 0 where no limit was set
    const char* allocator = "";
    const char* tag = "";  // path of the caller's current tag; valid during the call only
    site where{};  // the call that asked, as in fault
    const char* code_place = "";  // as in fault
};

using fault_handler = callback<void(const fault&)>;
using exhaustion_handler = callback<bool(const exhaustion&)>;  // true: try again

// Effects: writes one line, "file.cpp:7: framealloc: FA001 …", to standard error, without allocating. Threads: any.
void print_fault(const fault& f) noexcept;
void print_exhaustion(const exhaustion& e) noexcept;

// Effects: reports a broken invariant of this library (FA991) and ends the program. Threads: any.
[[noreturn]] void broken_invariant(const char* what, site where = site::here()) noexcept;

}  // namespace framealloc::inline v1
