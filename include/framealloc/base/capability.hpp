// Frames as capabilities, for clang's -Wthread-safety: allocation without a frame, a begin without its end on some
// path, an end without its start, the wrong allocator, the wrong thread's code. Opt-in, for clang 17 and later:
//
//   c++ -DFRAMEALLOC_FRAME_CAPABILITY=1 -Wthread-safety-analysis …
//
//   void draw(const fa::smart_alloc& a) FRAMEALLOC_REQUIRES_FRAME(a);    // a helper that allocates in its caller's
//   frame
//   fa::thread_role render_thread;
//   void submit() FRAMEALLOC_REQUIRES_ROLE(render_thread);
//
// The analysis looks at one function at a time and compares names: what must be declared for nested frames, copies
// of a handle and wrappers is in docs/mistakes.md.
// With FRAMEALLOC_FRAME_CAPABILITY=2 an open frame is also `fa::any_frame`, which an awaitable excludes: then a
// co_await with a frame open is reported. It costs nothing at run time, whatever it is set to.
#pragma once

#include <framealloc/detail/base/compiler.hpp>

// A function that is called with a frame of `a` open.
#define FRAMEALLOC_REQUIRES_FRAME(a) FRAMEALLOC_ANALYSED(requires_capability((a).frame))
// A function that begins a frame of `a` for its caller, and one that ends it.
#define FRAMEALLOC_BEGINS_FRAME(a) FRAMEALLOC_ANALYSED(acquire_capability(FRAMEALLOC_FRAME_AND_ANY((a).frame)))
#define FRAMEALLOC_ENDS_FRAME(a) FRAMEALLOC_ANALYSED(release_capability(FRAMEALLOC_FRAME_AND_ANY((a).frame)))
// A function that must not be called with any frame open: await_ready() of an awaitable, say.
#define FRAMEALLOC_EXCLUDES_FRAMES FRAMEALLOC_ANALYSED(locks_excluded(::framealloc::any_frame))
#define FRAMEALLOC_REQUIRES_ROLE(r) FRAMEALLOC_ANALYSED(requires_capability(r))

namespace framealloc::inline v1 {

class FRAMEALLOC_COUNTED_CAPABILITY("frame") frame_capability {};

inline constexpr frame_capability any_frame{};

// Effects: none at run time. From here to the end of the function the analysis takes a frame of `alloc` for open, where
// it cannot see it: begun through a copy of the handle, or by a caller that cannot say so.
template <class Alloc>
void assume_frame([[maybe_unused]] const Alloc& alloc) noexcept FRAMEALLOC_ANALYSED(assert_capability(alloc.frame)) {}

// What the code of one thread may do.
class FRAMEALLOC_ANALYSED(capability("role")) thread_role {
public:
    // Effects: none at run time. From here to the end of the function the analysis takes the calling thread for this
    // one.
    void assume() const noexcept FRAMEALLOC_ANALYSED(assert_capability(this)) {}
};

}  // namespace framealloc::inline v1
