// What the words of front.hpp mean where each block is given back by itself.
//
// `Kind` says how one kind takes and gives blocks: source_type, the boxes, and take_block(), take_object<T>() and
// give_block(); see pool_words.hpp.
#pragma once

#include <framealloc/detail/core/heap_front.hpp>
#include <framealloc/detail/probe/front.hpp>
#include <framealloc/detail/runtime/call.hpp>
#include <framealloc/object/allocators.hpp>
#include <framealloc/object/box.hpp>
#include <framealloc/object/fixed_span.hpp>
#include <framealloc/object/map.hpp>
#include <framealloc/object/string.hpp>
#include <framealloc/object/vec.hpp>

namespace framealloc::inline v1::runtime {

template <class Kind, class Policy>
class block_words : protected Kind {
public:
    using policy_type = Policy;
    using site_type = typename Policy::site_type;
    using source_type = typename Kind::source_type;
    template <class T>
    using box_type = typename Kind::template box_type<T, Policy>;
    template <class T>
    using vec_type = basic_vec<T, source_type, Policy>;
    template <class K, class V, class Hash, class Equal>
    using map_type = basic_map<K, V, source_type, Hash, Equal, Policy>;
    using string_type = basic_string<source_type, Policy>;

    using Kind::Kind;

protected:
    // --- raw memory; null when exhausted, where `f` allows it ---
    template <class T>
    FRAMEALLOC_INLINE T* take(on_failure f, const site_type& s) const noexcept {
        Kind::template check_object<T>();
        if constexpr (Kind::template has_own_path<T>) {
            if (f == on_failure::ask_handler) {
                memory::thread_context* c = this->handle_.context();
                [[maybe_unused]] const noted<site_type> call(c, s);
                return static_cast<T*>(Kind::template take_object<T>(*c));
            }
        }
        [[maybe_unused]] const noted<site_type> call = note(s);
        return static_cast<T*>(this->take_block(sizeof(T), alignof(T), f));
    }
    template <class T, std::size_t N>
    T* take_n(on_failure f, const site_type& s) const noexcept {
        static_assert(object::implicit_lifetime<T> && N > 0, "for types that need construction use slice");
        return static_cast<T*>(take_bytes(bytes_of_n<T, N>(), alignof(T), f, s));
    }
    FRAMEALLOC_INLINE void* take_bytes(std::size_t bytes, std::size_t align, on_failure f,
                                       const site_type& s) const noexcept {
        if (bytes == 0) return nullptr;
        [[maybe_unused]] const noted<site_type> call = note(s);
        return this->take_block(bytes, align, f);
    }
    template <class T>
    std::span<T> take_batch(std::size_t n, on_failure f, const site_type& s) const noexcept {
        static_assert(object::implicit_lifetime<T>, "this type needs construction: use slice or vec");
        void* p = take_bytes(checked_product(n, sizeof(T)), alignof(T), f, s);
        return p == nullptr ? std::span<T>{} : std::span<T>(static_cast<T*>(p), n);
    }
    template <class T>
    FRAMEALLOC_INLINE void give(T* p, [[maybe_unused]] const site_type& s) const noexcept {
        if constexpr (Policy::checks) give_bytes(p, sizeof(T), alignof(T), s);
        else this->give_object(p);
    }
    FRAMEALLOC_INLINE void give_bytes(void* p, std::size_t bytes, std::size_t align,
                                      [[maybe_unused]] const site_type& s) const noexcept {
        if constexpr (Policy::checks) memory::guarded_free(this->handle_.ref(), source_type::kind, p, bytes, align, s);
        else this->give_block(p, bytes, align);
    }

    // --- objects; inlined into the user's code, where their place is ---
    template <class T, class... Args>
    FRAMEALLOC_INLINE T* build(on_failure f, Args&&... args) const {
        [[maybe_unused]] const noted<site_type> call = note_caller();
        return make_object<T>(f, std::forward<Args>(args)...);
    }
    template <class Box, class... Args>
    FRAMEALLOC_INLINE Box build_box(on_failure f, Args&&... args) const {
        [[maybe_unused]] const noted<site_type> call = note_caller();
        return Box::make(this->handle_.ref(), f, std::forward<Args>(args)...);
    }
    template <class T>
    std::span<T> build_slice(std::size_t n, on_failure f, const site_type& s) const {
        const std::size_t bytes = checked_product(n, sizeof(T));
        void* p = take_bytes(bytes, alignof(T), f, s);
        if (p == nullptr) return {};
        object::undo give_back{[&] { this->give_block(p, bytes, alignof(T)); }};
        T* first = object::construct_array<T>(p, n);
        give_back.armed = false;
        return {first, n};
    }
    // Of what build() and build_slice() made.
    template <class T>
    void end_objects(T* first, std::size_t n, const site_type& s) const noexcept {
        if (first == nullptr || !object::may_destroy<Policy>(first)) return;
        object::destroy(first, first + n);
        give_bytes(const_cast<std::remove_cv_t<T>*>(first), n * sizeof(T), alignof(T), s);
    }

    // --- containers ---
    template <class C, class... Args>
    C contain(Args&&... args) const {
        return C(own_source(), std::forward<Args>(args)...);
    }
    // Empty when memory is exhausted.
    template <class C, class... Args>
    C try_contain(Args&&... args) const {
        return C::try_make(own_source(), std::forward<Args>(args)...);
    }
    FRAMEALLOC_INLINE source_type own_source() const noexcept { return source_type(this->handle_.ref()); }
    std::pmr::memory_resource* own_resource() const noexcept { return Kind::resource_of(this->handle_.ref()); }

private:
    template <class T, class... Args>
    T* make_object(on_failure f, Args&&... args) const {
        void* p = this->take_block(sizeof(T), alignof(T), f);
        if (p == nullptr) return nullptr;
        object::undo give_back{[&] { this->give_block(p, sizeof(T), alignof(T)); }};
        T* made = object::construct_at<T>(p, std::forward<Args>(args)...);
        give_back.armed = false;
        return made;
    }
    FRAMEALLOC_INLINE noted<site_type> note(const site_type& s) const noexcept {
        if constexpr (Policy::checks) return noted<site_type>(memory::try_context_of(this->handle_.ref()), s);
        else return noted<site_type>(nullptr, s);
    }
    // For members that are inlined into the user's code and do not know their line.
    FRAMEALLOC_INLINE noted<site_type> note_caller() const noexcept {
        if constexpr (Policy::checks) return note(memory::calling_code());
        else return note(site_type{});
    }
};

}  // namespace framealloc::inline v1::runtime
