// What notifies a container that its memory ends, with a frame, and what lets containers of every kind share one body.
//
// Of a source that ends_at_once, end_of(source) is what a container asks and tells, as lifetime::frame_ref answers:
//
//   given(), alive()            whether there was one, and whether it has not ended
//   owner(), open_now()         the allocator; what a source is made of that starts anew
//   enlist(finaliser, run)      `run` is called when it ends
//   allocate_apart(bytes, align, f), abandon(p), outgrow(p, bytes), raise_ended(what)
//   shrink(p, old, new)         makes the block shorter where it can; how many bytes it has then
#pragma once

#include <framealloc/base/policy.hpp>
#include <framealloc/detail/guard/annotate.hpp>
#include <framealloc/detail/guard/pattern.hpp>
#include <framealloc/detail/lifetime/finaliser.hpp>
#include <framealloc/object/sources.hpp>

namespace framealloc::inline v1::object {

// Registers a container with what its memory ends with, for content that needs destruction; nothing at all otherwise.
// `Owner` has end_of_frame(), which destroys the content and leaves it empty.
template <class Owner, bool Needed>
class frame_hook {
public:
    template <class Source>
    void enlist(const Source&) noexcept {}
    void delist() noexcept {}
    void take_over(frame_hook&) noexcept {}
};

template <class Owner>
class frame_hook<Owner, true> : lifetime::finaliser {
public:
    frame_hook() noexcept : finaliser{} {}

    template <ends_at_once Source>
    void enlist(const Source& s) noexcept {
        if (enlisted_ || !end_of(s).alive()) return;
        enlisted_ = true;
        end_of(s).enlist(this, [](lifetime::finaliser* f) noexcept {
            auto* hook = static_cast<frame_hook*>(f);
            hook->enlisted_ = false;
            static_cast<Owner*>(hook)->end_of_frame();
        });
    }
    void delist() noexcept {
        if (enlisted_) lifetime::remove_finaliser(this);
        enlisted_ = false;
    }
    void take_over(frame_hook& other) noexcept {
        if (other.enlisted_) lifetime::move_finaliser(&other, this);
        enlisted_ = other.enlisted_;
        other.enlisted_ = false;
    }

private:
    bool enlisted_ = false;
};

// Whether its elements have to be destroyed when the memory ends. T may be incomplete for other sources.
template <class T, class Source>
constexpr bool needs_frame_end() noexcept {
    if constexpr (ends_at_once<Source>) return !std::is_trivially_destructible_v<T>;
    else return false;
}

// Memory that a container may grow out of.
template <bool Must, class Source>
void* acquire(const Source& s, std::size_t bytes, std::size_t align) noexcept {
    if constexpr (ends_at_once<Source>)
        return end_of(s).allocate_apart(bytes, align,
                                        Must ? memory::on_failure::ask_handler : memory::on_failure::return_null);
    else return Must ? s.allocate(bytes, align) : s.try_allocate(bytes, align);
}

// Memory for n elements of `size` bytes, or where that is too much for `least`, which n is then. Null when there is
// neither; Must: then the exhaustion handler is asked for what is needed.
template <bool Must, class Source>
void* acquire_either(const Source& s, std::size_t& n, std::size_t least, std::size_t size, std::size_t align) noexcept {
    if (n != least) {
        if (void* p = acquire<false>(s, checked_product(n, size), align)) return p;
    }
    n = least;
    return acquire<Must>(s, checked_product(n, size), align);
}

// A destructor gives memory back; a frame takes only what is out of line, and never moves its cursor for it.
template <class Source>
void abandon(const Source& s, void* p, std::size_t bytes, std::size_t align) noexcept {
    if constexpr (ends_at_once<Source>) end_of(s).abandon(p);
    else if (p != nullptr) s.deallocate(p, bytes, align);
}
// The same of memory that the elements have left.
template <class Source>
void outgrow(const Source& s, void* p, std::size_t bytes, std::size_t align) noexcept {
    if constexpr (ends_at_once<Source>) end_of(s).outgrow(p, bytes);
    else abandon(s, p, bytes, align);
}

// Capacity that no element is in is an error to touch, for a sanitizer, in checked programs and in code that is built
// for it.
template <class Policy, class T>
FRAMEALLOC_INLINE void close_spare([[maybe_unused]] T* first, [[maybe_unused]] T* last) noexcept {
    if constexpr (Policy::checks || guard::under_tool) guard::forbid(address_of(first), address_of(last));
}
// Before elements are put there, and before the memory is given back.
template <class Policy, class T>
FRAMEALLOC_INLINE void open_spare([[maybe_unused]] T* first, [[maybe_unused]] T* last) noexcept {
    if constexpr (Policy::checks || guard::under_tool) guard::allow_unwritten(address_of(first), address_of(last));
}
// Destroyed elements read as freed memory does, in debug.
template <class Policy, class T>
FRAMEALLOC_INLINE void leave(T* first, T* last) noexcept {
    if constexpr (Policy::checks) guard::fill(address_of(first), address_of(last), guard::dead_byte);
    close_spare<Policy>(first, last);
}

// Whether the frame is over that a container took its memory from, where somebody looks: what is there now may be
// anybody's.
template <class Policy, class Source>
FRAMEALLOC_INLINE bool has_ended([[maybe_unused]] const Source& s) noexcept {
    if constexpr ((Policy::checks || guard::under_tool) && ends_at_once<Source>)
        return end_of(s).given() && end_of(s).ended();
    else return false;
}

// Debug: every access asks whether the frame is still open.
template <class Policy, class Source>
FRAMEALLOC_INLINE void check_open(const Source& s) noexcept {
    if constexpr (Policy::checks && ends_at_once<Source>) {
        if (end_of(s).given() && end_of(s).ended()) end_of(s).raise_ended("an element was accessed");
    }
}

// Capacity to grow to: double, at least what is needed.
constexpr std::size_t next_capacity(std::size_t now, std::size_t needed) noexcept {
    return now > needed / 2 ? now * 2 : needed;
}

// Elements that a container of nothing makes room for when they come one by one.
inline constexpr std::size_t first_capacity = 4;

// A sum that is too large to exist is a size that no request has.
constexpr std::size_t checked_sum(std::size_t a, std::size_t b) noexcept {
    return a > impossible_size - b ? impossible_size : a + b;
}

// --- mistakes, raised out of line (src/object/misuse.cpp); each names the call that is inlined around it ---

// The allocator behind a source; null where there is none, or it is not of ours.
template <class Source>
memory::core_ref allocator_of(const Source& s) noexcept {
    if constexpr (ends_at_once<Source>) return end_of(s).owner();
    else if constexpr (requires { s.owner(); }) return s.owner();
    else return {};
}

// A source that was never given.
template <class Source>
bool has_source(const Source& s) noexcept {
    if constexpr (ends_at_once<Source>) return end_of(s).given();
    else if constexpr (requires { s.owner(); }) return s.owner().owner != nullptr;
    else return true;
}

// FA439. Returns where the handler does: what is refused must then not happen.
FRAMEALLOC_COLD void raise_out_of_range(memory::core_ref a, const char* what, std::size_t index,
                                        std::size_t size) noexcept;
// The same in debug, where it is wrong; otherwise nothing is looked at. Whether it was raised.
template <class Policy, class Source>
FRAMEALLOC_INLINE bool refuses([[maybe_unused]] const Source& s, [[maybe_unused]] bool wrong,
                               [[maybe_unused]] const char* what, [[maybe_unused]] std::ptrdiff_t i,
                               [[maybe_unused]] std::size_t size) noexcept {
    if constexpr (Policy::checks) {
        if (wrong) [[unlikely]] {
            object::raise_out_of_range(object::allocator_of(s), what, static_cast<std::size_t>(i), size);
            return true;
        }
    }
    return false;
}
// FA439 of an iterator of a map, in words: its number tells nobody anything.
FRAMEALLOC_COLD void raise_no_entry(memory::core_ref a, const char* what) noexcept;
// FA439, and the program ends: there is nothing that a reference could refer to.
[[noreturn]] FRAMEALLOC_COLD void refuse_index(memory::core_ref a, std::size_t index, std::size_t size) noexcept;
// The same of a map's end, for the process: it knows of no map.
[[noreturn]] FRAMEALLOC_COLD void refuse_end() noexcept;
// Throws std::out_of_range; without exceptions FA439, and the program ends.
[[noreturn]] FRAMEALLOC_COLD void throw_out_of_range(memory::core_ref a, std::size_t index, std::size_t size);
// The same for a key.
[[noreturn]] FRAMEALLOC_COLD void throw_missing_key(memory::core_ref a, std::size_t size);
// FA440, for the process: there is no allocator to tell. `ends`: and the program ends, as no memory can be had.
FRAMEALLOC_COLD void raise_no_source(bool ends) noexcept;

}  // namespace framealloc::inline v1::object
