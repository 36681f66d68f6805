// A non-owning callback of two words: a function and the object it is called for.
//
//   fa::callback<void(const fa::fault&)> report = [](const fa::fault& f) { std::puts(f.text); };   // captureless
//   auto count = [&n](const fa::fault&) { ++n; };
//   report = count;                                              // refers to `count`, which must outlive the callback
#pragma once

#include <type_traits>
#include <utility>

#include <framealloc/config.hpp>

namespace framealloc::inline FRAMEALLOC_ABI {

template <class Signature>
class callback;

template <class R, class... Args>
class callback<R(Args...)> {
public:
    constexpr callback() noexcept = default;
    constexpr callback(std::nullptr_t) noexcept {}

    // A function, or a lambda without captures: nothing to keep alive.
    template <class F>
        requires std::is_convertible_v<F, R (*)(Args...)> && (!std::is_same_v<std::remove_cvref_t<F>, callback>)
    callback(F&& f) noexcept : plain_(static_cast<R (*)(Args...)>(f)), call_([](const callback& self, Args... args) -> R {
        return self.plain_(std::forward<Args>(args)...);
    }) {}

    // An object with state: referred to, not copied.
    template <class F>
        requires std::is_invocable_r_v<R, F&, Args...> && (!std::is_convertible_v<F&, R (*)(Args...)>) &&
                 (!std::is_same_v<std::remove_cvref_t<F>, callback>)
    callback(F& f) noexcept : object_(&f), call_([](const callback& self, Args... args) -> R {
        return (*static_cast<F*>(self.object_))(std::forward<Args>(args)...);
    }) {}

    explicit operator bool() const noexcept { return call_ != nullptr; }
    R operator()(Args... args) const { return call_(*this, std::forward<Args>(args)...); }

private:
    union {
        void* object_ = nullptr;
        R (*plain_)(Args...);
    };
    R (*call_)(const callback&, Args...) = nullptr;
};

}  // namespace framealloc::inline FRAMEALLOC_ABI
