// The operations of a vec, for the matrix; the same bodies run on std::vector, the model.
#pragma once

#include <doctest/doctest.h>

#include <cstdint>
#include <iterator>
#include <sstream>

#include "support/matrix.hpp"
#include "support/recorder.hpp"

namespace test::matrix {

template <class C>
inline constexpr bool is_std = requires(C& c) { c.get_allocator(); };

// An iterator of one pass.
template <class T>
struct single_pass {
    using iterator_category = std::input_iterator_tag;
    using value_type = T;
    using difference_type = std::ptrdiff_t;
    using pointer = const T*;
    using reference = const T&;
    const T* at;
    const T& operator*() const { return *at; }
    single_pass& operator++() {
        ++at;
        return *this;
    }
    single_pass operator++(int) {
        auto before = *this;
        ++at;
        return before;
    }
    friend bool operator==(const single_pass&, const single_pass&) = default;
};

// Three elements outside the container.
template <class T>
struct three {
    T items[3] = {make<T>(71), make<T>(72), make<T>(73)};
    const T* begin() const { return items; }
    const T* end() const { return items + 3; }
};

template <class C>
auto middle(C& c) {
    return c.begin() + static_cast<std::ptrdiff_t>(c.size() / 2);
}
template <class C>
auto place(C& c, std::size_t i) {
    return c.begin() + static_cast<std::ptrdiff_t>(i);
}

// Every operation that the elements of C allow, by name: the model writes operations that std::vector lacks
// differently.
template <class C>
std::vector<operation<C>> operations() {
    using T = typename C::value_type;
    constexpr bool copies = std::is_copy_constructible_v<T>;
    constexpr bool assigns = std::is_copy_assignable_v<T>;
    constexpr bool defaults = std::is_default_constructible_v<T>;
    constexpr bool compares = requires(const T& x) { x == x; };
    constexpr bool shifts = is_std<C> ? std::is_move_assignable_v<T> : fa::object::shiftable<T>;
    constexpr bool grows_whole = copies || std::is_nothrow_move_constructible_v<T>;  // the strong guarantee is possible
    constexpr bool own = !is_std<C>;

    std::vector<operation<C>> all;
    const auto add = [&](const char* name, void (*run)(C&), bool strong = false) {
        all.push_back({name, run, strong && grows_whole});
    };

    add("nothing", [](C&) {});
    add("push_back(T&&)", [](C& c) { c.push_back(make<T>(50)); }, true);
    add("push_back 40 times", [](C& c) {
        for (int i = 0; i < 40; ++i) c.push_back(make<T>(i));
    });
    add(
        "emplace_back",
        [](C& c) {
            if (number_of(c.emplace_back(make<T>(50))) != 50) c.clear();
        },
        true);
    add(
        "pop_back",
        [](C& c) {
            if (!c.empty()) c.pop_back();
        },
        true);
    add("clear", [](C& c) { c.clear(); });
    add(
        "reserve",
        [](C& c) {
            c.reserve(c.size() + 40);
            if (c.capacity() < c.size() + 40) c.clear();
        },
        true);
    add("reserve(0)", [](C& c) { c.reserve(0); }, true);
    add("move construction", [](C& c) {
        C d(std::move(c));
        c = std::move(d);
    });
    add("move assignment to one with content", [](C& c) {
        C d(std::move(c));
        c.push_back(make<T>(3));
        c = std::move(d);
    });
    add("swap", [](C& c) {
        C d(std::move(c));
        d.push_back(make<T>(4));
        using std::swap;
        swap(c, d);
        if (!d.empty()) c.clear();
    });
    add("swap with itself", [](C& c) { c.swap(c); });
    add("walk", [](C& c) {
        std::size_t n = 0;
        for (auto i = c.rbegin(); i != c.rend(); ++i) ++n;
        for (auto i = c.cbegin(); i != c.cend(); ++i) ++n;
        if (n != 2 * c.size() || (!c.empty() && number_of(c.at(0)) != number_of(c.front()))) c.clear();
    });
    if constexpr (defaults) {
        add("resize to more", [](C& c) { c.resize(2 * c.size() + 3); }, true);
        add("resize to less", [](C& c) { c.resize(c.size() / 2); });
        add("resize to the same", [](C& c) { c.resize(c.size()); }, true);
        add("resize one by one", [](C& c) {
            for (int i = 0; i < 40; ++i) c.resize(c.size() + 1);
        });
    }
    if constexpr (copies) {
        add(
            "push_back(const T&)",
            [](C& c) {
                const T x = make<T>(50);
                c.push_back(x);
            },
            true);
        add(
            "push_back(own)",
            [](C& c) {
                if (!c.empty()) c.push_back(c[c.size() / 2]);
            },
            true);
        add(
            "emplace_back(own)",
            [](C& c) {
                if (!c.empty()) c.emplace_back(c.front());
            },
            true);
        add("copy construction", [](C& c) {
            C d(c);
            if (d.size() == c.size()) c.swap(d);
        });
        if constexpr (own || assigns) {
            add(
                "resize with a value",
                [](C& c) {
                    const T x = make<T>(50);
                    c.resize(c.size() + 7, x);
                },
                true);
            add(
                "resize with an own value",
                [](C& c) {
                    if (!c.empty()) c.resize(c.size() * 3, c.back());
                },
                true);
            add("copy assignment", [](C& c) {
                C d(c);
                d.clear();
                d = c;
                c.clear();
                c = d;
            });
            add("copy assignment to less and more", [](C& c) {
                C d(c);
                d.push_back(make<T>(3));
                d = c;
                c.reserve(c.size() * 2 + 9);
                c = d;
            });
            add("copy assignment to itself", [](C& c) {
                const C& same = c;
                c = same;
            });
            add("assign(n, v)", [](C& c) {
                const T x = make<T>(60);
                c.assign(9, x);
            });
            add("assign(n, own)", [](C& c) {
                if (!c.empty()) c.assign(c.size() + 3, c.back());
            });
            add("assign(0, v)", [](C& c) {
                const T x = make<T>(60);
                c.assign(0, x);
            });
            add("assign(range)", [](C& c) {
                const three<T> x;
                c.assign(x.begin(), x.end());
            });
            add("assign(single pass)", [](C& c) {
                const three<T> x;
                c.assign(single_pass<T>{x.begin()}, single_pass<T>{x.end()});
            });
            add("assign(empty range)", [](C& c) {
                const three<T> x;
                c.assign(x.begin(), x.begin());
            });
        }
        if constexpr (own ? shifts : assigns) {
            add("assign(own range)", [](C& c) {
                if (c.size() < 3) return;
                if constexpr (own) {
                    c.assign(c.begin() + 1, c.end() - 1);
                } else {
                    const C d(c.begin() + 1, c.end() - 1);
                    c = d;
                }
            });
            add("insert(begin, const T&)", [](C& c) {
                const T x = make<T>(50);
                const auto at = c.insert(c.begin(), x);
                if (at != c.begin()) c.clear();
            });
            add("insert(middle, own)", [](C& c) {
                if (!c.empty()) c.insert(middle(c), c.back());
            });
            add("insert(begin, own)", [](C& c) {
                if (!c.empty()) c.insert(c.begin(), c.front());
            });
            add(
                "insert(end, const T&)",
                [](C& c) {
                    const T x = make<T>(50);
                    c.insert(c.end(), x);
                },
                own);
            add("insert(middle, n, v)", [](C& c) {
                const T x = make<T>(50);
                c.insert(middle(c), 3, x);
            });
            add("insert(middle, many, v)", [](C& c) {
                const T x = make<T>(50);
                c.insert(middle(c), 100, x);
            });
            add("insert(middle, n, own)", [](C& c) {
                if (!c.empty()) c.insert(middle(c), 4, c.back());
            });
            add("insert(middle, 0, v)", [](C& c) {
                const T x = make<T>(50);
                const std::size_t i = c.size() / 2;
                const auto at = c.insert(middle(c), 0, x);
                if (at != place(c, i)) c.clear();
            });
            add("insert(middle, range)", [](C& c) {
                const three<T> x;
                c.insert(middle(c), x.begin(), x.end());
            });
            add(
                "insert(end, range)",
                [](C& c) {
                    const three<T> x;
                    c.insert(c.end(), x.begin(), x.end());
                },
                own);
            add("insert(middle, single pass)", [](C& c) {
                const three<T> x;
                c.insert(middle(c), single_pass<T>{x.begin()}, single_pass<T>{x.end()});
            });
            add("insert(middle, empty range)", [](C& c) {
                const three<T> x;
                c.insert(middle(c), x.begin(), x.begin());
            });
            add("insert(middle, list)", [](C& c) { c.insert(middle(c), {make<T>(5), make<T>(6)}); });
            add("insert(middle, own range)", [](C& c) {
                if constexpr (own) {
                    c.insert(middle(c), c.begin(), c.end());
                } else {
                    const C d(c);
                    c.insert(middle(c), d.begin(), d.end());
                }
            });
            add(
                "append(range)",
                [](C& c) {
                    const three<T> x;
                    if constexpr (own) c.append(x);
                    else c.insert(c.end(), x.begin(), x.end());
                },
                own);
            add(
                "append(own range)",
                [](C& c) {
                    if constexpr (own) {
                        c.append(c.begin(), c.end());
                    } else {
                        const C d(c);
                        c.insert(c.end(), d.begin(), d.end());
                    }
                },
                own);
            add("append(n, own), extend(list)", [](C& c) {
                if (c.empty()) return;
                if constexpr (own) {
                    c.append(4, c.front());
                    c.extend({make<T>(5), make<T>(6)});
                } else {
                    c.insert(c.end(), 4, T(c.front()));
                    c.insert(c.end(), {make<T>(5), make<T>(6)});
                }
            });
            add("try_push_back(own), try_resize, try_insert, try_append", [](C& c) {
                if (c.empty()) return;
                if constexpr (own) {
                    bool good = c.try_push_back(c.front()) && c.try_resize(c.size() + 2, c.front());
                    good = good && c.try_insert(middle(c), c.front()) != nullptr &&
                           c.try_insert(middle(c), 2, c.front()) != nullptr;
                    if (!good || !c.try_append(c.begin(), c.end())) c.clear();
                } else {
                    c.push_back(T(c.front()));
                    c.resize(c.size() + 2, T(c.front()));
                    c.insert(middle(c), T(c.front()));
                    c.insert(middle(c), 2, T(c.front()));
                    const C d(c);
                    c.insert(c.end(), d.begin(), d.end());
                }
            });
            add(
                "more than there is",
                [](C& c) {
                    if constexpr (own) {
                        const T x = make<T>(50);
                        bool any = c.try_resize(SIZE_MAX, x) || c.try_resize(SIZE_MAX / sizeof(T), x) ||
                                   c.try_reserve(SIZE_MAX);
                        any = any || c.try_insert(c.begin(), SIZE_MAX, x) != nullptr ||
                              c.try_insert(c.begin(), SIZE_MAX - c.size() + 1, x) != nullptr;
                        if (any || c.try_reserve(SIZE_MAX / sizeof(T) + 2)) c.clear();
                    }
                },
                true);
        }
    }
    if constexpr (shifts) {
        add("insert(middle, T&&)", [](C& c) { c.insert(middle(c), make<T>(50)); });
        add("emplace(begin)", [](C& c) {
            if (number_of(*c.emplace(c.begin(), make<T>(50))) != 50) c.clear();
        });
        add("emplace(end)", [](C& c) { c.emplace(c.end(), make<T>(50)); }, own);
        add("erase(begin)", [](C& c) {
            if (c.empty()) return;
            const auto at = c.erase(c.begin());
            if (at != c.begin()) c.clear();
        });
        add("erase(last)", [](C& c) {
            if (c.empty()) return;
            const auto at = c.erase(c.end() - 1);
            if (at != c.end()) c.clear();
        });
        add("erase(range)", [](C& c) {
            if (c.size() > 2) c.erase(c.begin() + 1, c.end() - 1);
        });
        add("erase(all)", [](C& c) { c.erase(c.begin(), c.end()); });
        add("erase(empty range)", [](C& c) {
            const std::size_t i = c.size() / 2;
            const auto at = c.erase(middle(c), middle(c));
            if (at != place(c, i)) c.clear();
        });
        add("erase_if", [](C& c) { erase_if(c, [](const T& x) { return number_of(x) % 2 == 0; }); });
        add("retain", [](C& c) {
            if constexpr (own) c.retain([](const T& x) { return number_of(x) % 3 == 0; });
            else erase_if(c, [](const T& x) { return number_of(x) % 3 != 0; });
        });
    }
    if constexpr (!is_std<C>) {
        add("shrink_to_fit", [](C& c) { c.shrink_to_fit(); }, true);
        add("shrink_to_fit of nothing", [](C& c) {
            c.clear();
            c.shrink_to_fit();
        });
    } else {
        add("shrink_to_fit", [](C&) {});
        add("shrink_to_fit of nothing", [](C& c) { c.clear(); });
    }
    if constexpr (compares && copies) {
        add("comparison", [](C& c) {
            C d(c);
            bool good = d == c && !(d < c) && !(c > d);
            d.push_back(make<T>(1));
            good = good && d != c && c < d;
            if constexpr (own) good = good && d.contains(d.back());
            if (!good) c.clear();
        });
    }
    return all;
}

// All elements in one container. `Kind` has name(), vec_of<T>, and use<T>(f), which calls f with a new, empty container
// and returns a description of anything left behind.
template <class Kind>
void run_matrix() {
    tally sum;
    std::size_t elements = 0, most = 0;
    const auto model = operations<std::vector<int>>();
    for_each_element([&]<class T>() {
        using C = typename Kind::template vec_of<T>;
        Kind kind;
        ++elements;
        std::size_t done = 0;
        for (const operation<C>& op : operations<C>()) {
            for (const auto& m : model) {
                if (m.name != op.name) continue;
                ++done;
                tally one = try_operation<C>(op, m, [&](auto f) { return kind.template use<T>(f); });
                for (std::string& p : one.problems) p = "element " + std::to_string(elements) + ": " + p;
                sum += one;
            }
        }
        CHECK(done == operations<C>().size());
        most = done > most ? done : most;
    });
    for (const std::string& p : sum.problems) FAIL_CHECK(std::string(Kind::name()) << ", " << p);
    CHECK(sum.throws > 1000);
    MESSAGE("matrix: " << std::string(Kind::name()) << " x " << elements << " elements x up to " << most
                       << " operations = " << sum.cells << " cells, " << sum.runs << " runs, " << sum.throws
                       << " throws");
}

}  // namespace test::matrix
