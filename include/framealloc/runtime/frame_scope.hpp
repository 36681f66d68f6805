// A frame for the length of a block: the fastest way to allocate, with no thread-local lookup per call.
//
//   fa::frame_scope frame{alloc};                     // or: auto frame = alloc.frame_scope();
//   contact* c = frame.alloc<contact>();              // uninitialised
//   widget* w = frame.make<widget>(1, "x");           // constructed, destroyed when the frame ends
//   auto hits = frame.vec<hit>();                     // growable
//
// Cost: alloc<T> takes 5 instructions from cursor load to cursor store. Every x() has a try_x() that returns null,
// empty or false instead of asking the exhaustion handler. All words: detail/runtime/arena_front.hpp.
// Threads: a scope belongs to its thread. Its memory may be read and written by any thread while it is open.
#pragma once

#include <framealloc/base/capability.hpp>
#include <framealloc/detail/runtime/arena_front.hpp>
#include <framealloc/detail/runtime/frame_words.hpp>
#include <framealloc/lifetime/hold.hpp>

namespace framealloc::inline v1 {

template <class Policy>
class basic_smart_alloc;

template <class Policy>
class FRAMEALLOC_ANALYSED(scoped_lockable) basic_frame_scope : public arena_front<runtime::frame_words<Policy>> {
    using words = arena_front<runtime::frame_words<Policy>>;
    using site_type = typename Policy::site_type;

public:
    // Effects: begins a frame on the calling thread, which the destructor ends; the same as alloc.frame_scope(). On
    // exhaustion: asks the exhaustion handler, where the thread has no arena yet. Threads: the scope belongs to its
    // thread. Cost: at most 34 instructions, its end included.
    [[nodiscard]] FRAMEALLOC_INLINE explicit basic_frame_scope(const memory::core_ref& a,
                                                               site_type s = site_type::here()) noexcept
        : words(open(a, s)) {}
    template <class P>
    [[nodiscard]] FRAMEALLOC_INLINE explicit basic_frame_scope(const basic_smart_alloc<P>& alloc,
                                                               site_type s = site_type::here()) noexcept
        FRAMEALLOC_ANALYSED(acquire_capability(FRAMEALLOC_FRAME_AND_ANY(alloc.frame)))
            FRAMEALLOC_ANALYSED(no_thread_safety_analysis)
        : words(open(alloc.owner(), s)) {}
    basic_frame_scope(const basic_frame_scope&) = delete;  // one scope ends a frame: pass it by reference
    basic_frame_scope& operator=(const basic_frame_scope&) = delete;  // a scope stays with the frame it opened
    FRAMEALLOC_INLINE ~basic_frame_scope() FRAMEALLOC_ANALYSED(release_capability())
        FRAMEALLOC_ANALYSED(no_thread_safety_analysis) {
        lifetime::close_frame(record());
    }

    // Effects: keeps this frame's memory beyond its end, until the hold is released; of an inner frame too. Returns:
    // the hold. On exhaustion: asks the exhaustion handler. Threads: the hold may be released on any thread. Cost:
    // O(1), once a frame.
    [[nodiscard]] frame_hold hold(const char* name) const { return frame_hold(*record(), name); }

private:
    FRAMEALLOC_INLINE static memory::frame_record* open(const memory::core_ref& a, const site_type& s) noexcept {
        const runtime::located<site_type> call(a, s);
        return lifetime::open_frame(memory::top_record(a));
    }
    FRAMEALLOC_INLINE memory::frame_record* record() const noexcept {
        return words::record(memory::on_failure::ask_handler);
    }
};

// Effects: basic_frame_scope frame{alloc} has the policy of its allocator.
template <class Policy>
explicit basic_frame_scope(const basic_smart_alloc<Policy>&) -> basic_frame_scope<Policy>;

using frame_scope = basic_frame_scope<active_policy>;

}  // namespace framealloc::inline v1
