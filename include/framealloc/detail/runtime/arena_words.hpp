// What the words of arena_front.hpp mean in memory that is allocated by moving a cursor and given back as one.
//
// `Reach` says which record such a kind allocates from; `Policy` whether calls carry their place. A new kind of arena
// writes a Reach: record(f), which is null only where `f` allows it.
#pragma once

#include <framealloc/detail/object/array.hpp>
#include <framealloc/detail/runtime/call.hpp>
#include <framealloc/object/allocators.hpp>
#include <framealloc/object/box.hpp>
#include <framealloc/object/fixed_span.hpp>
#include <framealloc/object/map.hpp>
#include <framealloc/object/string.hpp>
#include <framealloc/object/vec.hpp>

namespace framealloc::inline v1::runtime {

template <class Reach, class Policy>
class arena_words : protected Reach {
public:
    using policy_type = Policy;
    using site_type = typename Policy::site_type;
    using source_type = frame_source;
    template <class T>
    using box_type = basic_frame_box<T, Policy>;
    template <class T>
    using vec_type = basic_vec<T, frame_source, Policy>;
    template <class K, class V, class Hash, class Equal>
    using map_type = basic_map<K, V, frame_source, Hash, Equal, Policy>;
    using string_type = basic_string<frame_source, Policy>;

    using Reach::Reach;

protected:
    // --- raw memory; null when exhausted, where `f` allows it ---
    template <class T>
    FRAMEALLOC_INLINE T* take(on_failure f, const site_type& s) const noexcept {
        static_assert(object::implicit_lifetime<T>,
                      "this type needs construction: use frame_make (frame.make), frame_box or frame_vec");
        return static_cast<T*>(take_fixed<sizeof(T), alignof(T)>(f, s));
    }
    template <class T, std::size_t N>
    FRAMEALLOC_INLINE T* take_n(on_failure f, const site_type& s) const noexcept {
        static_assert(object::implicit_lifetime<T> && N > 0,
                      "for types that need construction use frame_slice; in a scope, use slice");
        return static_cast<T*>(take_fixed<bytes_of_n<T, N>(), alignof(T)>(f, s));
    }
    FRAMEALLOC_INLINE void* take_bytes(std::size_t bytes, std::size_t align, on_failure f,
                                       const site_type& s) const noexcept {
        if (bytes == 0) return nullptr;
        auto&& r = this->record(f);
        [[maybe_unused]] const noted<site_type> call = note(r, s);
        return absent(r, f) ? nullptr : lifetime::allocate(r, bytes, align, f);
    }
    template <class T>
    FRAMEALLOC_INLINE std::span<T> take_batch(std::size_t n, on_failure f, const site_type& s) const noexcept {
        static_assert(object::implicit_lifetime<T>,
                      "this type needs construction: use frame_slice (frame.slice) or frame_vec");
        void* p = take_bytes(checked_product(n, sizeof(T)), alignof(T), f, s);
        return p == nullptr ? std::span<T>{} : std::span<T>(static_cast<T*>(p), n);
    }

    // --- objects, destroyed with the arena; inlined into the user's code, where their place is ---
    template <class T, class... Args>
    FRAMEALLOC_INLINE T* build(on_failure f, Args&&... args) const {
        auto&& r = this->record(f);
        [[maybe_unused]] const noted<site_type> call = note_caller(r);
        return absent(r, f) ? nullptr : object::make_in_frame<T>(r, f, std::forward<Args>(args)...);
    }
    template <class Box, class... Args>
    FRAMEALLOC_INLINE Box build_box(on_failure f, Args&&... args) const {
        auto&& r = this->record(f);
        [[maybe_unused]] const noted<site_type> call = note_caller(r);
        if (absent(r, f)) return Box{};
        return Box::make(r, f, std::forward<Args>(args)...);
    }
    template <class T>
    std::span<T> build_slice(std::size_t n, on_failure f, const site_type& s) const {
        auto&& r = this->record(f);
        [[maybe_unused]] const noted<site_type> call = note(r, s);
        return absent(r, f) ? std::span<T>{} : object::make_array<T>(r, n, f);
    }

    // --- containers ---
    template <class C, class... Args>
    C contain(Args&&... args) const {
        return C(own_source(), std::forward<Args>(args)...);
    }
    // Empty when memory is exhausted.
    template <class C, class... Args>
    C try_contain(Args&&... args) const {
        auto&& r = this->record(on_failure::return_null);
        if (absent(r, on_failure::return_null)) return {};
        return C::try_make(frame_source(r), std::forward<Args>(args)...);
    }
    FRAMEALLOC_INLINE frame_source own_source() const noexcept {
        return frame_source(this->record(on_failure::ask_handler));
    }
    std::pmr::memory_resource* own_resource() const {
        return object::frame_resource(this->record(on_failure::ask_handler));
    }

private:
    template <std::size_t Size, std::size_t Align>
    FRAMEALLOC_INLINE void* take_fixed(on_failure f, const site_type& s) const noexcept {
        auto&& r = this->record(f);  // the kind's own, so that the slow path can hand it back; see slow_allocation
        [[maybe_unused]] const noted<site_type> call = note(r, s);
        return absent(r, f) ? nullptr : lifetime::allocate_from<Size, Align>(r, f);
    }
    FRAMEALLOC_INLINE static bool absent(const memory::frame_record* r, on_failure f) noexcept {
        return Reach::may_be_absent && f == on_failure::return_null && r == nullptr;
    }
    FRAMEALLOC_INLINE static noted<site_type> note(const memory::frame_record* r, const site_type& s) noexcept {
        if constexpr (Policy::checks) return noted<site_type>(r == nullptr ? nullptr : r->context, s);
        else return noted<site_type>(nullptr, s);
    }
    // For members that are inlined into the user's code and do not know their line.
    FRAMEALLOC_INLINE static noted<site_type> note_caller(const memory::frame_record* r) noexcept {
        if constexpr (Policy::checks) return note(r, memory::calling_code());
        else return note(r, site_type{});
    }
};

}  // namespace framealloc::inline v1::runtime
