// flags: -Wall -Wthread-safety -DFRAMEALLOC_FRAME_CAPABILITY=1
// compilers: clang++-19 clang++-22
// A frame is a capability.
#include <framealloc/framealloc.hpp>

namespace fa = framealloc;

void use(void*);
bool coin();
fa::thread_role render_thread;

void allocation_without_a_frame(const fa::smart_alloc& a) {
    use(a.frame_alloc<int>());  // expected-warning {{calling function 'frame_alloc<int>' requires holding frame 'a.frame'}}
}
void container_without_a_frame(const fa::smart_alloc& a) {
    auto v = a.frame_vec<int>();  // expected-warning {{requires holding frame 'a.frame'}}
    use(&v);
}
void begin_without_end(const fa::smart_alloc& a) {
    a.begin_frame();
}  // expected-warning {{frame 'a.frame' is still held at the end of function}}
void end_missing_on_a_path(const fa::smart_alloc& a) {
    a.begin_frame();
    if (coin()) return;
    a.end_frame();
}  // expected-warning {{frame 'a.frame' is not held on every path through here}}
void end_missing_in_a_loop(const fa::smart_alloc& a) {
    for (int i = 0; i < 3; ++i) {  // expected-warning {{expecting frame 'a.frame' to be held at start of each loop}}
        a.begin_frame();
        if (coin()) continue;
        a.end_frame();
    }
}
void ended_twice(const fa::smart_alloc& a) {
    a.begin_frame();
    a.end_frame();
    a.end_frame();  // expected-warning {{releasing frame 'a.frame' that was not held}}
}
void begun_twice(const fa::smart_alloc& a) {
    a.begin_frame();
    a.begin_frame();  // clang19-warning {{acquiring frame 'a.frame' that is already held}}
    a.end_frame();
}  // clang22-warning {{frame 'a.frame' is still held at the end of function}}
void wrapper_that_does_not_say_so(const fa::smart_alloc& a) {
    a.begin_frame();
}  // expected-warning {{frame 'a.frame' is still held at the end of function}}
void copy_of_a_handle(const fa::smart_alloc& a) {
    const fa::smart_alloc copy = a;
    a.begin_frame();
    use(copy.frame_alloc<int>());  // expected-warning {{requires holding frame 'copy.frame'}} expected-note {{found near match 'a.frame'}}
    a.end_frame();
}
void after_the_end(const fa::smart_alloc& a) {
    a.begin_frame();
    a.end_frame();
    use(a.frame_alloc<int>());  // expected-warning {{requires holding frame 'a.frame'}}
}
void after_the_scope(const fa::smart_alloc& a) {
    {
        auto frame = a.frame_scope();
        use(a.frame_alloc<int>());
    }
    use(a.frame_alloc<int>());  // expected-warning {{requires holding frame 'a.frame'}}
}
void wrong_allocator(const fa::smart_alloc& a, const fa::smart_alloc& b) {
    a.begin_frame();
    use(b.frame_alloc<int>());  // expected-warning {{requires holding frame 'b.frame'}} expected-note {{found near match 'a.frame'}}
    a.end_frame();
}
void helper(const fa::smart_alloc& a) FRAMEALLOC_REQUIRES_FRAME(a);
void helper(const fa::smart_alloc& a) { use(a.frame_alloc<int>()); }
void helper_without_a_frame(const fa::smart_alloc& a) {
    helper(a);  // expected-warning {{calling function 'helper' requires holding frame 'a.frame'}}
}
struct system_of_a_game {
    fa::smart_alloc alloc;
    void update() { use(alloc.frame_alloc<int>()); }  // expected-warning {{requires holding frame 'alloc.frame'}}
};
void submit() FRAMEALLOC_REQUIRES_ROLE(render_thread);
void submit_from_anywhere() {
    submit();  // expected-warning {{calling function 'submit' requires holding role 'render_thread'}}
}

// Correct.
void loop(const fa::smart_alloc& a) {
    for (int i = 0; i < 3; ++i) {
        a.begin_frame();
        helper(a);
        auto v = a.frame_vec<int>();
        v.push_back(1);
        a.end_frame();
    }
}
void scope(const fa::smart_alloc& a) {
    auto frame = a.frame_scope();
    use(frame.alloc<int>());
    use(a.frame_alloc<int>());
    helper(a);
}
void early_return(const fa::smart_alloc& a) {
    auto frame = a.frame_scope();
    if (coin()) return;
    use(frame.alloc<int>());
}
void nested_in_a_function_of_its_own(const fa::smart_alloc& a) {
    const fa::frame_scope frame{a};
    early_return(a);
    [&] {
        const fa::frame_scope inner{a};
        use(inner.alloc<int>());
    }();
    use(a.frame_alloc<int>());
}
void copy_of_a_handle_that_says_so(const fa::smart_alloc& a) {
    const fa::smart_alloc copy = a;
    a.begin_frame();
    fa::assume_frame(copy);
    use(copy.frame_alloc<int>());
    a.end_frame();
}
void captured_copy(const fa::smart_alloc& a) {
    const fa::frame_scope frame{a};
    const auto job = [a] {
        fa::assume_frame(a);
        use(a.frame_alloc<int>());
    };
    job();
}
template <class F>
void with_frame(const fa::smart_alloc& a, const F& f) {
    a.begin_frame();
    f();
    a.end_frame();
}
void callback_in_a_frame(const fa::smart_alloc& a) {
    with_frame(a, [&] {
        fa::assume_frame(a);
        use(a.frame_alloc<int>());
    });
}
void begin(const fa::smart_alloc& a) FRAMEALLOC_BEGINS_FRAME(a);
void begin(const fa::smart_alloc& a) { a.begin_frame(); }
void end(const fa::smart_alloc& a) FRAMEALLOC_ENDS_FRAME(a);
void end(const fa::smart_alloc& a) { a.end_frame(); }
void wrappers_that_say_so(const fa::smart_alloc& a) {
    begin(a);
    use(a.frame_alloc<int>());
    end(a);
}
struct engine {
    fa::smart_alloc alloc;
    void begin_tick() FRAMEALLOC_BEGINS_FRAME(alloc) { alloc.begin_frame(); }
    void end_tick() FRAMEALLOC_ENDS_FRAME(alloc) { alloc.end_frame(); }
    void draw() FRAMEALLOC_REQUIRES_FRAME(alloc) { use(alloc.frame_alloc<int>()); }
};
void wrapper_members(engine& e) {
    e.begin_tick();
    e.draw();
    e.end_tick();
}
struct guard {
    fa::frame_scope frame;
    explicit guard(const fa::smart_alloc& a) : frame(a) {}
};
void scope_in_a_guard(const fa::smart_alloc& a) {
    const guard g(a);
    use(g.frame.alloc<int>());
}
[[nodiscard]] fa::frame_scope opened(const fa::smart_alloc& a) FRAMEALLOC_BEGINS_FRAME(a);
[[clang::no_thread_safety_analysis]] fa::frame_scope opened(const fa::smart_alloc& a) { return fa::frame_scope{a}; }
void scope_that_a_wrapper_returned(const fa::smart_alloc& a) {
    const auto frame = opened(a);
    use(a.frame_alloc<int>());
}
void two_allocators_begun(const fa::smart_alloc& a, const fa::smart_alloc& b) {
    a.begin_frame();
    b.begin_frame();
    use(a.frame_alloc<int>());
    use(b.frame_alloc<int>());
    b.end_frame();
    a.end_frame();
}
void two_allocators(const fa::smart_alloc& a, const fa::smart_alloc& b) {
    auto one = a.frame_scope();
    auto two = b.frame_scope();
    use(a.frame_alloc<int>());
    use(b.frame_alloc<int>());
}
void other_kinds_need_none(const fa::smart_alloc& a) {
    auto box = a.pool_box<int>(1);
    auto v = a.heap_vec<int>();
    use(&box);
    use(&v);
}
void in_a_lambda(const fa::smart_alloc& a) {
    auto frame = a.frame_scope();
    auto f = [&]() FRAMEALLOC_REQUIRES_FRAME(a) { use(a.frame_alloc<int>()); };
    f();
}
void render_loop() {
    render_thread.assume();
    submit();
}
