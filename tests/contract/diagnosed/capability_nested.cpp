// flags: -Wall -Wthread-safety -DFRAMEALLOC_FRAME_CAPABILITY=2
// compilers: clang++-22
// Frames inside frames, and frames of two allocators: clang 21 and later count them.
#include <framealloc/framealloc.hpp>

namespace fa = framealloc;

void use(void*);

void inner_never_ended(const fa::smart_alloc& a) {
    a.begin_frame();
    a.begin_frame();
    use(a.frame_alloc<int>());
    a.end_frame();
}  // expected-warning {{frame 'a.frame' is still held at the end of function}} expected-warning {{frame 'any_frame' is still held at the end of function}}
void after_both(const fa::smart_alloc& a) {
    {
        const fa::frame_scope outer{a};
        const fa::frame_scope inner{a};
    }
    use(a.frame_alloc<int>());  // expected-warning {{requires holding frame 'a.frame'}}
}

// Correct.
void begun_twice_and_ended_twice(const fa::smart_alloc& a) {
    a.begin_frame();
    a.begin_frame();
    use(a.frame_alloc<int>());
    a.end_frame();
    use(a.frame_alloc<int>());
    a.end_frame();
}
void scope_in_a_frame(const fa::smart_alloc& a) {
    a.begin_frame();
    {
        const fa::frame_scope inner{a};
        use(inner.alloc<int>());
    }
    use(a.frame_alloc<int>());
    a.end_frame();
}
void scope_in_a_loop(const fa::smart_alloc& a) {
    auto outer = a.frame_scope();
    for (int i = 0; i < 3; ++i) {
        auto inner = a.frame_scope();
        use(inner.alloc<int>());
    }
    use(outer.alloc<int>());
}
void helper(const fa::smart_alloc& a) FRAMEALLOC_REQUIRES_FRAME(a);
void helper(const fa::smart_alloc& a) {
    const fa::frame_scope inner{a};
    use(inner.alloc<int>());
}
void two_allocators(const fa::smart_alloc& a, const fa::smart_alloc& b) {
    const fa::frame_scope one{a};
    const fa::frame_scope two{b};
    helper(a);
    helper(b);
}
