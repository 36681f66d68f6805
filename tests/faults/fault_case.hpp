// A mistake as a tiny program: what it does, and what must be reported. Each runs in its own child process.
#pragma once

#include <framealloc/framealloc.hpp>

#include <cstddef>
#include <vector>

namespace faults {

namespace fa = framealloc;
using namespace fa::literals;
using allocator = fa::basic_smart_alloc<fa::policy::debug>;

// The report that the program expects; lines of its own file, 0: none.
struct expectation {
    fa::code what{};
    int where = 0;
    int born = 0;
    int died = 0;
    const char* tag = nullptr;  // null: any
    bool dies = false;          // the access itself is trapped, and repeated when the report returns
    std::size_t count = 1;      // faults in total, this one included; 0: any, since continuing has no defined result
};

struct run {
    std::size_t size;  // bytes, 1 to 10,000
    fa::options options;
    expectation expected;

    void* volatile kept = nullptr;  // hidden from the compiler
    // Flips one bit, so that flipping twice changes nothing.
    void write(std::ptrdiff_t at) const {
        volatile char* p = static_cast<volatile char*>(kept) + at;
        *p = static_cast<char>(*p ^ 1);
    }
};

struct fault_case {
    const char* name;
    void (*program)(run&);
};

std::vector<fault_case>& cases();
struct register_case {
    register_case(const char* name, void (*program)(run&)) { cases().push_back({name, program}); }
};

// On the line of the call that the report must name; OFFENCE before it.
#define BORN(r) ((r).expected.born = __LINE__)
#define DIED(r) ((r).expected.died = __LINE__)
#define OFFENCE(r) ((r).expected.where = __LINE__)

}  // namespace faults
