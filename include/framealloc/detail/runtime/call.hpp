// A call of the public face: its place for reports, and the type that its arguments make.
#pragma once

#include <cstddef>
#include <type_traits>

#include <framealloc/base/site.hpp>
#include <framealloc/detail/core/allocator.hpp>

namespace framealloc::inline v1::runtime {

using memory::on_failure;

struct deduced {};  // frame_box(value): the type is the argument's

template <class T, class... Args>
struct boxed_type {
    using type = T;
};
template <class Arg>
struct boxed_type<deduced, Arg> {
    using type = std::remove_cvref_t<Arg>;
};
template <class T, class... Args>
using boxed_type_t = typename boxed_type<T, Args...>::type;

// Returns: the bytes of N elements.
template <class T, std::size_t N>
consteval std::size_t bytes_of_n() noexcept {
    static_assert(N <= std::size_t(-1) / sizeof(T), "N elements of this type are more bytes than there are addresses");
    return sizeof(T) * N;
}

// The call that is being served, for reports; nothing where sites are not recorded.
template <class Site>
struct located {
    FRAMEALLOC_INLINE located(const memory::core_ref&, Site) noexcept {}
};
template <>
struct located<site> {
    located(const memory::core_ref& a, const site& s) noexcept
        : context(memory::try_context_of(a)), changing(context, memory::activity::changing) {
        if (context != nullptr) context->probes.note_place(s);
    }
    ~located() {
        if (context != nullptr) context->probes.forget_place();
    }
    located(const located&) = delete;
    located& operator=(const located&) = delete;

    memory::thread_context* context;
    memory::activity_scope changing;
};

// The place of a call, as long as this lives: what is reported meanwhile, and what is allocated, says it. Requires: the
// context is the calling thread's, or null.
template <class Site>
struct [[nodiscard, maybe_unused]] noted {
    FRAMEALLOC_INLINE noted(memory::thread_context*, const Site&) noexcept {}
};
template <>
struct [[nodiscard, maybe_unused]] noted<site> {
public:
    noted(memory::thread_context* c, const site& s) noexcept : context_(c) {
        if (context_ != nullptr) context_->probes.note_place(s);
    }
    ~noted() {
        if (context_ != nullptr) context_->probes.forget_place();
    }
    noted(const noted&) = delete;
    noted& operator=(const noted&) = delete;

private:
    memory::thread_context* context_;
};

}  // namespace framealloc::inline v1::runtime
