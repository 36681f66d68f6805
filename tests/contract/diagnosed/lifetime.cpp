// flags: -Wall -Wextra
// compilers: clang++-14 clang++-19
// Memory of a frame that leaves its scope: what stock clang reports without any special flag.
#include <framealloc/framealloc.hpp>

namespace fa = framealloc;
fa::smart_alloc& game();

struct view {
    int* p;
};

int* returned() {
    auto frame = game().frame_scope();
    return frame.alloc<int>();  // expected-warning {{address of stack memory associated with local variable 'frame' returned}}
}
int* returned_data() {
    auto frame = game().frame_scope();
    auto v = frame.vec<int>();
    return v.data();  // expected-warning {{address of stack memory associated with local variable 'v' returned}}
}
int& returned_element() {
    auto frame = game().frame_scope();
    auto v = frame.vec<int>();
    return v[0];  // expected-warning {{reference to stack memory associated with local variable 'v' returned}}
}
const char* returned_text() {
    auto frame = game().frame_scope();
    auto s = frame.string("x");
    return s.c_str();  // expected-warning {{address of stack memory associated with local variable 's' returned}}
}
int of_a_temporary_scope() {
    int* p = game().frame_scope().alloc<int>();  // expected-warning {{temporary whose address is used as value of local variable 'p' will be destroyed at the end of the full-expression}}
    return *p;
}
int dropped() {
    game().frame_scope();  // expected-warning {{ignoring return value of function declared with 'nodiscard' attribute}}
    return 0;
}

// Correct.
int used_inside() {
    auto frame = game().frame_scope();
    int* p = frame.alloc<int>();
    *p = 3;
    auto v = frame.vec<int>();
    v.push_back(*p);
    const view seen{v.data()};
    return *seen.p + v[0];
}
int copied_out() {
    auto frame = game().frame_scope();
    auto s = frame.string("x");
    return s[0];
}
