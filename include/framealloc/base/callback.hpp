// A callback that needs no memory: a function, a small object of which it keeps a copy, or an object that it refers to.
//
//   fa::callback<void(const fa::fault&)> report = [](const fa::fault& f) { std::puts(f.text); };   // captureless
//   report = [&n, log](const fa::fault& f) { ++n; log->add(f); };  // a temporary is copied: up to three words of
//   captures
//   auto count = [n = 0](const fa::fault&) mutable { ++n; };
//   report = count;                                              // refers to `count`, which must outlive the callback
//
// What captures by reference refers to must outlive the callback in each case. A temporary with more than three words
// of captures, or with captures that have a destructor, is refused: give it a name and an owner.
#pragma once

#include <new>
#include <type_traits>
#include <utility>

#include <framealloc/config.hpp>

namespace framealloc::inline v1 {

template <class Signature>
class callback;

template <class R, class... Args>
class callback<R(Args...)> {
    static constexpr unsigned room = 3 * sizeof(void*);

    template <class F>
    static constexpr bool plain = std::is_convertible_v<F, R (*)(Args...)>;
    template <class F>
    static constexpr bool with_state = std::is_invocable_r_v<R, F&, Args...> &&
                                       !std::is_same_v<std::remove_cv_t<F>, callback> && !plain<F&>;
    template <class F>
    static constexpr bool copied = sizeof(F) <= room && alignof(F) <= alignof(void*) &&
                                   std::is_trivially_copyable_v<F> && std::is_trivially_destructible_v<F>;

public:
    // Effects: holds nothing to call. Cost: O(1), no allocation, as for every callback.
    constexpr callback() noexcept = default;
    constexpr callback(std::nullptr_t) noexcept {}

    // Effects: holds a function, or a lambda without captures: nothing to keep alive; of a null pointer nothing. Cost:
    // O(1).
    template <class F>
        requires plain<F> && (!std::is_same_v<std::remove_cvref_t<F>, callback>)
    callback(F&& f) noexcept
        : plain_(static_cast<R (*)(Args...)>(f)),
          call_([](const callback& self, Args... args) -> R { return self.plain_(std::forward<Args>(args)...); }) {
        if (plain_ == nullptr) call_ = nullptr;
    }

    // Requires: `f` outlives the callback: it is referred to, not copied. Cost: O(1).
    template <class F>
        requires with_state<F>
    callback(F& f) noexcept
        : object_(const_cast<std::remove_cv_t<F>*>(__builtin_addressof(f))),
          call_([](const callback& self, Args... args) -> R {
              return invoke(*static_cast<F*>(self.object_), std::forward<Args>(args)...);
          }) {}

    // Effects: holds a copy of a temporary. Cost: O(1).
    template <class F>
        requires(!std::is_lvalue_reference_v<F>) && with_state<std::remove_const_t<F>> && copied<F>
    callback(F&& f) noexcept
        : call_([](const callback& self, Args... args) -> R {
              return invoke(*std::launder(reinterpret_cast<std::remove_const_t<F>*>(self.copy_)),
                            std::forward<Args>(args)...);
          }) {
        ::new (static_cast<void*>(copy_)) std::remove_const_t<F>(f);
    }
    // A temporary that is too large, or has something to destroy, would be destroyed before it is called.
    template <class F>
        requires(!std::is_lvalue_reference_v<F>) && with_state<std::remove_const_t<F>> && (!copied<F>)
    callback(F&& f) = delete;

    // Returns: whether there is something to call. Cost: O(1).
    explicit operator bool() const noexcept { return call_ != nullptr; }
    // Requires: there is something to call. Returns: what it returns. Cost: an indirect call, and the function's.
    R operator()(Args... args) const { return call_(*this, std::forward<Args>(args)...); }

private:
    // A result that nobody asked for is dropped, as std::function does.
    template <class F>
    static R invoke(F& f, Args... args) {
        if constexpr (std::is_void_v<R>) static_cast<void>(f(std::forward<Args>(args)...));
        else return f(std::forward<Args>(args)...);
    }

    union {
        void* object_ = nullptr;
        R (*plain_)(Args...);
        alignas(void*) mutable unsigned char copy_[room];
    };
    R (*call_)(const callback&, Args...) = nullptr;
};

}  // namespace framealloc::inline v1
