// flags: -Wall -Xclang -fexperimental-lifetime-safety -Wexperimental-lifetime-safety -Wno-return-stack-address -Wno-dangling
// compilers: clang++-22
// The same through locals, views and assignments: what the flow analysis of clang 22 adds.
#include <framealloc/framealloc.hpp>

namespace fa = framealloc;
fa::smart_alloc& game();

int* through_a_local() {
    auto frame = game().frame_scope();
    int* p = frame.alloc<int>();  // expected-warning {{address of stack memory is returned later}}
    return p;
}
std::span<int> through_a_span() {
    auto frame = game().frame_scope();
    std::span<int> s = frame.batch<int>(4);  // expected-warning {{address of stack memory is returned later}}
    return s;
}
std::string_view through_a_view() {
    auto frame = game().frame_scope();
    auto s = frame.string("x");
    return s;  // expected-warning {{address of stack memory is returned later}}
}
int after_the_block() {
    int* p;
    {
        auto frame = game().frame_scope();
        p = frame.alloc<int>();  // expected-warning {{object whose reference is captured does not live long enough}}
    }
    return *p;
}
int span_after_the_block() {
    std::span<int> s;
    {
        auto frame = game().frame_scope();
        s = frame.batch<int>(4);  // expected-warning {{object whose reference is captured does not live long enough}}
    }
    return s[0];
}
int text_after_the_block() {
    const char* p;
    {
        auto frame = game().frame_scope();
        auto s = frame.string("x");
        p = s.c_str();  // expected-warning {{object whose reference is captured does not live long enough}}
    }
    return *p;
}
int from_the_last_round() {
    int* last = nullptr;
    int sum = 0;
    for (int i = 0; i < 3; ++i) {
        auto frame = game().frame_scope();
        if (last != nullptr) sum += *last;
        last = frame.alloc<int>();  // expected-warning {{object whose reference is captured may not live long enough}}
    }
    return sum;
}
int box_after_the_block() {
    int* p;
    {
        auto box = game().pool_box<int>(1);
        p = box.get();  // expected-warning {{object whose reference is captured does not live long enough}}
    }
    return *p;
}
int elements_after_the_block() {
    std::span<int> s;
    {
        auto box = game().heap_box<int[]>(4);
        s = box.span();  // expected-warning {{object whose reference is captured does not live long enough}}
    }
    return s[0];
}

// Correct.
int box_as_long_as_its_pointer() {
    auto box = game().pool_box<int>(1);
    int* p = nullptr;
    {
        p = box.get();
    }
    return *p;
}
int inside() {
    auto frame = game().frame_scope();
    int* p = frame.alloc<int>();
    *p = 1;
    std::span<int> s = frame.batch<int>(4);
    s[0] = *p;
    return s[0];
}
int each_round_its_own() {
    int sum = 0;
    for (int i = 0; i < 3; ++i) {
        auto frame = game().frame_scope();
        int* p = frame.alloc<int>();
        *p = i;
        sum += *p;
    }
    return sum;
}
