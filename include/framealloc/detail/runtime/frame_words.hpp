// The words in frame memory: of a scope, which knows its record, and of the frame that is open, which is looked up.
#pragma once

#include <framealloc/detail/runtime/arena_words.hpp>

namespace framealloc::inline v1::runtime {

// A frame_scope's.
class own_frame {
public:
    FRAMEALLOC_INLINE explicit own_frame(memory::frame_record* r) noexcept : record_(r) {}

protected:
    static constexpr bool may_be_absent = false;
    FRAMEALLOC_INLINE memory::frame_record*& record(on_failure) const noexcept { return record_; }

private:
    mutable memory::frame_record* record_;  // never another: see slow_allocation
};

// The newest of the calling thread.
class newest_frame {
public:
    FRAMEALLOC_INLINE explicit newest_frame(const memory::core_ref& a) noexcept : owner_(a) {}

protected:
    static constexpr bool may_be_absent = true;  // a thread that has not met the allocator, and no memory to meet it
    FRAMEALLOC_INLINE memory::frame_record* record(on_failure f) const noexcept {
        if (f == on_failure::ask_handler) return memory::top_record(owner_);
        memory::thread_context* c = memory::try_context_of(owner_);
        return c == nullptr ? nullptr : top_of(*c);
    }

private:
    const memory::core_ref& owner_;
};

template <class Policy>
using frame_words = arena_words<own_frame, Policy>;
template <class Policy>
using newest_frame_words = arena_words<newest_frame, Policy>;

}  // namespace framealloc::inline v1::runtime
