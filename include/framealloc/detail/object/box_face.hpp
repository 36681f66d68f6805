// What every box has in common with std::unique_ptr: comparison with its like and with nullptr, swap, hash and <<;
// which box converts to which; what the boxes of arrays offer; and what is said of a box that holds nothing.
#pragma once

#include <compare>
#include <span>
#include <string_view>

#include <framealloc/detail/object/construct.hpp>
#include <framealloc/detail/object/storage.hpp>
#include <framealloc/detail/probe/front.hpp>

namespace framealloc::inline v1 {

namespace object {

// FA444, and the program ends: there is nothing that a reference could refer to. `a`: where it is known; may be null.
[[noreturn]] FRAMEALLOC_COLD void refuse_empty(memory::core_ref a, const char* what) noexcept;

// Debug: FA444 where p is null, and the program ends.
template <class Policy>
FRAMEALLOC_INLINE void check_filled([[maybe_unused]] const void* p, [[maybe_unused]] memory::core_ref a,
                                    [[maybe_unused]] const char* what) noexcept {
    if constexpr (Policy::checks) {
        if (p == nullptr) [[unlikely]]
            refuse_empty(a, what);
    }
}

// --- conversion, as std::unique_ptr does it ---

// An object of T may be one of a derived class.
template <class T>
inline constexpr bool may_be_derived = std::has_virtual_destructor_v<T> && !std::is_final_v<T>;

// Where the object begins that *p is a part of: the block, whichever base T is.
template <class T>
FRAMEALLOC_INLINE void* whole_object(T* p) noexcept {
    if constexpr (may_be_derived<T>) return const_cast<void*>(dynamic_cast<const volatile void*>(p));  // needs no RTTI
    else return const_cast<std::remove_cv_t<T>*>(p);
}

template <class From, class To>
concept points_to = std::is_convertible_v<From*, To*>;
template <class From, class To>
concept same_object = std::is_same_v<std::remove_cv_t<From>, std::remove_cv_t<To>>;
// Destroying a From as a To destroys all of it. What does not, std::unique_ptr accepts and leaves undefined.
template <class From, class To>
concept destroyed_as = same_object<From, To> || std::has_virtual_destructor_v<To>;
// The same, and the pool finds its block again: both are in its pages, or both are too large for them.
template <class From, class To>
concept pooled_as = same_object<From, To> ||
                    (destroyed_as<From, To> && (memory::class_for(sizeof(From), alignof(From)) == memory::no_class) ==
                                                   (memory::class_for(sizeof(To), alignof(To)) == memory::no_class));
// In a frame, what has nothing to destroy may also be pointed to by a base without a virtual destructor.
template <class From, class To>
concept framed_as = destroyed_as<From, To> || std::is_trivially_destructible_v<From>;
// Arrays convert between qualifications alone.
template <class From, class To>
concept array_of = std::is_convertible_v<From (*)[], To (*)[]>;

// --- boxes of arrays ---

template <class Self, class T, class Policy>
class array_face {
public:
    using element_type = T;
    using pointer = T*;

    // As std::span's; all elements of the box, none where it is empty. Cost: O(1).
    std::span<T> span() const noexcept FRAMEALLOC_LIFETIMEBOUND { return {data(), self().size()}; }
    T* data() const noexcept FRAMEALLOC_LIFETIMEBOUND { return self().get(); }
    bool empty() const noexcept { return self().size() == 0; }
    T* begin() const noexcept FRAMEALLOC_LIFETIMEBOUND { return data(); }
    T* end() const noexcept FRAMEALLOC_LIFETIMEBOUND { return data() + self().size(); }
    // Requires: i < size(). Debug: FA439 otherwise, and the program ends. Cost: O(1).
    FRAMEALLOC_INLINE T& operator[](std::size_t i) const noexcept FRAMEALLOC_LIFETIMEBOUND {
        if constexpr (Policy::checks) {
            if (i >= self().size()) [[unlikely]]
                refuse_index(self().where(), i, self().size());
        }
        return data()[i];
    }

private:
    const Self& self() const noexcept { return static_cast<const Self&>(*this); }
};

// Debug: a destructor does not run on memory that was freed.
template <class Policy, class T>
FRAMEALLOC_INLINE bool may_destroy([[maybe_unused]] const T* p) noexcept {
    if constexpr (Policy::checks && !std::is_trivially_destructible_v<T>) return memory::may_destroy(p);
    else return true;
}

// Value-initialises n elements; destroys them again when one throws.
template <class T>
T* construct_array(void* p, std::size_t n) {
    construct_values(static_cast<T*>(p), n);
    return std::launder(static_cast<T*>(p));
}

// Two boxes of one kind of memory; `box_kind` is how a box says which.
template <class A, class B>
concept like_boxes = std::is_same_v<typename A::box_kind, typename B::box_kind>;

template <class Box>
struct box_hash {
    std::size_t operator()(const Box& box) const noexcept { return std::hash<typename Box::pointer>{}(box.get()); }
};

}  // namespace object

template <class A, class B>
    requires object::like_boxes<A, B>
bool operator==(const A& a, const B& b) noexcept {
    return a.get() == b.get();
}
template <class A, class B>
    requires object::like_boxes<A, B>
auto operator<=>(const A& a, const B& b) noexcept {
    return std::compare_three_way{}(a.get(), b.get());
}
template <class A>
    requires object::like_boxes<A, A>
bool operator==(const A& a, std::nullptr_t) noexcept {
    return !static_cast<bool>(a);
}
template <class A>
    requires object::like_boxes<A, A>
std::strong_ordering operator<=>(const A& a, std::nullptr_t) noexcept {
    return static_cast<bool>(a) <=> false;
}
// Effects: as the member. Cost: O(1).
template <class A>
    requires object::like_boxes<A, A>
void swap(A& a, A& b) noexcept {
    a.swap(b);
}
// Effects: writes the address, to any stream that takes one, so that <ostream> need not be included. Cost: the
// stream's.
template <class Stream, class A>
    requires object::like_boxes<A, A> && requires(Stream& to, const void* p) { to << p; }
Stream& operator<<(Stream& to, const A& box) {
    to << const_cast<const void*>(static_cast<const volatile void*>(box.get()));
    return to;
}

}  // namespace framealloc::inline v1
