// Elements with one property each, for the tests of containers: move-only, copy-only, throwing, over-aligned and so on.
// All but the trivial ones know their own address, are counted while they live, and throw when the fuse reaches zero.
//
//   test::for_each_element([]<class T>() { … test::make<T>(7) … test::number_of(x) … });
//   test::each_throw([&] { … });        // runs it with the fuse at 1, 2, 3, … until nothing throws
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <unordered_set>
#include <utility>

namespace test {

struct thrown {};

// For the calling thread's test: the live elements, what went wrong, and when the next element throws.
struct element_watch {
    static inline std::unordered_set<const void*> live{};
    static inline int mistakes = 0;  // constructed twice, destroyed twice, used where no element is
    static inline int fuse = 0;  // the operation, counted from now, that throws; 0: none
    static inline int throws = 0;  // so far, in all tests

    static void step() {
        if (fuse > 0 && --fuse == 0) {
            ++throws;
            throw thrown{};
        }
    }
    static void born(const void* p) { mistakes += live.insert(p).second ? 0 : 1; }
    static void died(const void* p) noexcept { mistakes += live.erase(p) == 1 ? 0 : 1; }
    static void used(const void* p) noexcept { mistakes += live.count(p) == 1 ? 0 : 1; }
};

// Runs `work`, which cleans up after itself, once for each operation of an element in it, the k-th run throwing at the
// k-th. `after` sees each run that threw. Returns how many did.
template <class Work, class After>
int each_throw(Work work, After after) {
    for (int k = 1;; ++k) {
        element_watch::fuse = k;
        try {
            work();
        } catch (const thrown&) {
            element_watch::fuse = 0;
            after();
            continue;
        }
        element_watch::fuse = 0;
        return k - 1;
    }
}
template <class Work>
int each_throw(Work work) {
    return each_throw(work, [] {});
}

namespace element {

struct base {};  // of all that count themselves

inline constexpr int moved_from = -1;

// The base of the elements below. Operations that may throw do so when the fuse reaches zero.
template <bool CopyThrows, bool MoveThrows>
struct body : base {
    static constexpr bool throws = CopyThrows || MoveThrows;

    body() noexcept(!throws) : body(0) {}
    explicit body(int n) noexcept(!throws) : number_(n) {
        if constexpr (throws) element_watch::step();
        element_watch::born(this);
    }
    body(const body& o) noexcept(!CopyThrows) : number_(o.number()) {
        if constexpr (CopyThrows) element_watch::step();
        element_watch::born(this);
    }
    body(body&& o) noexcept(!MoveThrows) : number_(o.number()) {
        if constexpr (MoveThrows) element_watch::step();
        element_watch::born(this);
        o.number_ = moved_from;
    }
    body& operator=(const body& o) noexcept(!CopyThrows) {
        if constexpr (CopyThrows) element_watch::step();
        element_watch::used(this);
        number_ = o.number();
        return *this;
    }
    body& operator=(body&& o) noexcept(!MoveThrows) {
        if constexpr (MoveThrows) element_watch::step();
        element_watch::used(this);
        const int n = o.number();
        o.number_ = moved_from;
        number_ = n;
        return *this;
    }
    ~body() {
        if (self_ != this) ++element_watch::mistakes;  // moved as bytes
        self_ = nullptr;
        element_watch::died(this);
    }

    int number() const noexcept {
        element_watch::used(this);
        if (self_ != this) ++element_watch::mistakes;
        return number_;
    }

private:
    int number_;
    const body* self_ = this;
};

struct plain {  // an aggregate
    int n;
    int number() const noexcept { return n; }
};
struct small {  // many in a cache line, and of an odd size
    unsigned char n[3];
    small() = default;
    explicit small(int v) noexcept
        : n{static_cast<unsigned char>(v), static_cast<unsigned char>(v >> 8), static_cast<unsigned char>(v >> 16)} {}
    int number() const noexcept { return n[0] | n[1] << 8 | n[2] << 16; }
};
struct move_only_plain {  // trivially copyable, as the language sees it
    int n = 0;
    move_only_plain() = default;
    explicit move_only_plain(int v) noexcept : n(v) {}
    move_only_plain(move_only_plain&&) = default;
    move_only_plain& operator=(move_only_plain&&) = default;
    move_only_plain(const move_only_plain&) = delete;
    move_only_plain& operator=(const move_only_plain&) = delete;
    int number() const noexcept { return n; }
};
struct constant_plain {  // trivially copyable, and cannot be assigned to
    const int n = 0;
    constant_plain() = default;
    explicit constant_plain(int v) noexcept : n(v) {}
    int number() const noexcept { return n; }
};
struct self_referential : body<false, false> {
    using body::body;
};
struct throwing_copy : body<true, false> {
    using body::body;
};
struct throwing_move : body<true, true> {
    using body::body;
};
struct move_only : body<false, false> {
    using body::body;
    move_only() = default;
    move_only(move_only&&) = default;
    move_only& operator=(move_only&&) = default;
};
struct throwing_move_only : body<true, true> {
    using body::body;
    throwing_move_only() = default;
    throwing_move_only(throwing_move_only&&) = default;
    throwing_move_only& operator=(throwing_move_only&&) = default;
};
struct copy_only : body<true, true> {  // a move copies
    using body::body;
    copy_only() = default;
    copy_only(const copy_only&) = default;
    copy_only& operator=(const copy_only&) = default;
};
struct not_assignable : body<true, true> {
    using body::body;
    not_assignable() = default;
    not_assignable(const not_assignable&) = default;
    not_assignable(not_assignable&&) = default;
    not_assignable& operator=(const not_assignable&) = delete;
};
struct not_default : body<true, false> {
    explicit not_default(int n) : body(n) {}
};
struct alignas(256) over_aligned : body<false, false> {
    using body::body;
    over_aligned() = default;
    ~over_aligned() {
        if (reinterpret_cast<std::uintptr_t>(this) % 256 != 0) ++element_watch::mistakes;
    }
    over_aligned(const over_aligned&) = default;
    over_aligned(over_aligned&&) = default;
    over_aligned& operator=(const over_aligned&) = default;
    over_aligned& operator=(over_aligned&&) = default;
};
struct last_of_its_line final : body<true, false> {
    using body::body;
};
struct hides_its_address : body<true, true> {
    using body::body;
    void operator&() const = delete;
    template <class T>
    void operator,(T&&) const = delete;
};
struct large : body<true, false> {
    using body::body;
    char bytes[5000] = {};
};

}  // namespace element

template <class T>
T make(int n) {
    if constexpr (std::is_same_v<T, std::unique_ptr<int>>) return std::make_unique<int>(n);
    else if constexpr (std::is_same_v<T, std::string>)
        return "a text that is too long for the small string buffer " + std::to_string(n);
    else if constexpr (std::is_aggregate_v<T>) return T{n};
    else return T(n);
}

template <class T>
int number_of(const T& x) {
    if constexpr (std::is_same_v<T, std::unique_ptr<int>>) return x == nullptr ? 0 : *x;  // value-initialised
    else if constexpr (std::is_same_v<T, std::string>) return x.empty() ? 0 : std::stoi(x.substr(x.rfind(' ') + 1));
    else if constexpr (std::is_arithmetic_v<T>) return static_cast<int>(x);
    else return x.number();
}

template <class T>
concept own_element = requires(const T& x) {
    { x.number() } -> std::same_as<int>;
} && std::is_class_v<T>;

namespace element {

template <own_element T>
bool operator==(const T& a, const T& b) noexcept {
    return a.number() == b.number();
}
template <own_element T>
std::strong_ordering operator<=>(const T& a, const T& b) noexcept {
    return a.number() <=> b.number();
}

}  // namespace element

// The elements that every container is tested with. Name a new one here to cover it.
template <class F>
void for_each_element(F f) {
    using namespace element;
    auto each = [&]<class... T>() { (f.template operator()<T>(), ...); };
    each.template
    operator()<int, plain, small, move_only_plain, constant_plain, self_referential, throwing_copy, throwing_move,
               move_only, throwing_move_only, copy_only, not_assignable, not_default, over_aligned, last_of_its_line,
               hides_its_address, large, std::unique_ptr<int>, std::string>();
}

}  // namespace test

template <test::own_element T>
struct std::hash<T> {
    std::size_t operator()(const T& x) const noexcept {
        return static_cast<std::size_t>(x.number()) * 64;
    }  // collide somewhat
};
