// Vectors of types that memory alone copies do what std::vector does, a block at a time: every operation on ranges,
// copies and values, of sizes around those of the blocks, and with parts of the vector itself.
#include <doctest/doctest.h>

#include <list>
#include <string_view>
#include <vector>

#include "support/random.hpp"
#include "support/recorder.hpp"

using namespace test;

namespace {

struct triple {
    int a, b, c;
    friend bool operator==(const triple&, const triple&) = default;
    friend auto operator<=>(const triple&, const triple&) = default;
};

template <class T>
T value(std::uint64_t r) {
    if constexpr (std::is_same_v<T, triple>) return {static_cast<int>(r), static_cast<int>(r >> 8), 3};
    else return static_cast<T>(r);
}

// f(an empty vec of each kind, T)
template <class P, class F>
void for_each_vec(F f) {
    const fa::basic_smart_alloc<P> alloc;
    const auto frame = alloc.frame_scope();
    const auto try_type = [&]<class T>(T) {
        f(frame.template vec<T>(), T{});
        f(alloc.template pool_vec<T>(), T{});
        f(alloc.template heap_vec<T>(), T{});
    };
    try_type(static_cast<unsigned char>(0));
    try_type(short{});
    try_type(0L);
    try_type(0.0);
    try_type(triple{});
}

template <class V, class T>
bool is(const V& v, const std::vector<T>& w) {
    return v.size() == w.size() && std::vector<T>(v.begin(), v.end()) == w;
}

}  // namespace

FOR_EACH_POLICY("a vec of trivial elements does what std::vector does") {
    for_each_vec<P>([]<class T>(auto v, T) {
        splitmix random{11};
        const auto below = [&](std::size_t n) { return n == 0 ? 0 : static_cast<std::size_t>(random() % n); };
        std::vector<T> w;
        for (int i = 0; i < 600; ++i) {
            CAPTURE(i);
            const std::size_t at = below(v.size() + 1), from = below(v.size() + 1), n = below(v.size() - from + 1);
            const std::size_t k = below(i % 10 == 0 ? 3000 : 40);
            const T x = value<T>(random());
            std::vector<T> items(k);
            for (T& item : items) item = value<T>(random());
            const std::vector<T> part(w.begin() + static_cast<std::ptrdiff_t>(from),
                                      w.begin() + static_cast<std::ptrdiff_t>(from + n));
            const auto place = w.begin() + static_cast<std::ptrdiff_t>(at);
            switch (random() % 13) {
                case 0:
                    v.insert(v.begin() + at, items.begin(), items.end()), w.insert(place, items.begin(), items.end());
                    break;
                case 1: v.insert(v.begin() + at, k, x), w.insert(place, k, x); break;
                case 2: v.insert(v.begin() + at, x), w.insert(place, x); break;
                case 3:
                    v.insert(v.begin() + at, v.begin() + from, v.begin() + from + n),
                        w.insert(place, part.begin(), part.end());
                    break;
                case 4:
                    if (v.empty()) break;
                    v.insert(v.begin() + at, k, v.back()), w.insert(place, k, T(w.back()));
                    break;
                case 5: v.append(items), w.insert(w.end(), items.begin(), items.end()); break;
                case 6: v.append(k, x), w.insert(w.end(), k, x); break;
                case 7: v.resize(k), w.resize(k); break;
                case 8: v.resize(v.size() + k, x), w.resize(w.size() + k, x); break;
                case 9: v.assign(k, x), w.assign(k, x); break;
                case 10: {
                    const std::list<T> list(items.begin(), items.end());
                    v.assign(list.begin(), list.end()), w.assign(list.begin(), list.end());
                    break;
                }
                case 11: v.assign(v.begin() + from, v.begin() + from + n), w = part; break;
                case 12: {
                    const auto odd = [](const T& y) { return !(y < value<T>(100)); };
                    CHECK(erase_if(v, odd) == std::erase_if(w, odd));
                    break;
                }
            }
            REQUIRE(is(v, w));
            if (w.size() > 6000) v.resize(100), w.resize(100);
            auto changed = v;
            CHECK(changed == v);
            if (!w.empty()) {
                changed[at % w.size()] = x;
                auto other = w;
                other[at % w.size()] = x;
                CHECK((changed == v) == (other == w));
                CHECK((changed <=> v) == (other <=> w));
                changed.pop_back();
                CHECK(changed != v);
                other.pop_back();
                CHECK((changed <=> v) == (other <=> w));
            }
        }
    });
}

FOR_EACH_POLICY("slices and boxes of n elements are value-initialised, also where memory was used before") {
    const fa::basic_smart_alloc<P> alloc;
    for (int round = 0; round < 2; ++round) {
        const auto frame = alloc.frame_scope();
        for (const std::size_t n : {1U, 2U, 7U, 341U, 342U, 5000U}) {
            const auto check = [n](auto span) {
                CHECK(span.size() == n);
                for (auto& x : span) {
                    CHECK(x == std::remove_reference_t<decltype(x)>{});
                    x = value<std::remove_reference_t<decltype(x)>>(0x5A5A5A5A);
                }
            };
            check(frame.template slice<unsigned char>(n));
            check(frame.template slice<triple>(n));
            check(frame.template slice<double>(n));
            const auto box = alloc.template heap_box<triple[]>(n);
            check(std::span<triple>(box.get(), n));
            auto v = alloc.template pool_vec<int>(fa::count(n));
            check(std::span<int>(v.data(), n));
        }
    }
}
