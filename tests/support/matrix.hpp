// Containers x elements x operations: each operation in each starting state, with a throw at each step of an element.
//
// A cell is right if the content equals that of std::vector<int> after the same operation; if nothing leaks, nothing
// is destroyed twice or moved as bytes, and no memory is kept; and if a throw leaves the container valid, and unchanged
// where the operation promises that.
#pragma once

#include <cstdio>
#include <string>
#include <vector>

#include "support/elements.hpp"

namespace test::matrix {

// Elements before the operation, and room for how many more.
struct state {
    std::size_t size;
    std::size_t room;
};
inline constexpr state states[] = {{0, 0}, {0, 9}, {1, 0}, {5, 0}, {5, 1}, {5, 30}, {33, 0}};

template <class C>
struct operation {
    std::string name;
    void (*run)(C&);
    bool strong = false;  // a throw changes nothing
};

struct tally {
    std::size_t cells = 0, runs = 0, throws = 0;
    std::vector<std::string> problems{};

    void operator+=(const tally& o) {
        cells += o.cells;
        runs += o.runs;
        throws += o.throws;
        problems.insert(problems.end(), o.problems.begin(), o.problems.end());
    }
};

template <class C>
std::vector<int> numbers_of(const C& c) {
    std::vector<int> n;
    for (const auto& x : c) n.push_back(number_of(x));
    return n;
}

inline std::string text_of(const std::vector<int>& v) {
    std::string s = "[";
    for (std::size_t i = 0; i < v.size() && i < 12; ++i) s += std::to_string(v[i]) + " ";
    return s + (v.size() > 12 ? "…]" : "]") + " of " + std::to_string(v.size());
}

template <class C>
void fill(C& c, state s) {
    c.reserve(s.size + s.room);
    for (std::size_t i = 0; i < s.size; ++i) c.push_back(make<typename C::value_type>(static_cast<int>(i) + 1));
}

// One cell: `with` calls its argument with a new, empty container, and then destroys it in each possible way; it
// returns a description of anything left behind, or an empty text.
template <class C, class With>
tally try_operation(const operation<C>& op, const operation<std::vector<int>>& model_op, With with) {
    tally t;
    t.cells = 1;
    const auto problem = [&](const std::string& what, state s, int k) {
        t.problems.push_back(op.name + " at size " + std::to_string(s.size) + " with room for " +
                             std::to_string(s.room) + (k == 0 ? "" : ", throw " + std::to_string(k)) + ": " + what);
    };
    for (const state s : states) {
        std::vector<int> model;
        fill(model, s);
        const std::vector<int> before = model;
        model_op.run(model);
        for (int k = 1, done = 0; done == 0; ++k) {
            const std::size_t alive = element_watch::live.size();
            const int mistakes = element_watch::mistakes;
            std::string left = with([&](C& c) {
                fill(c, s);
                element_watch::fuse = k;
                try {
                    op.run(c);
                    done = element_watch::fuse != 0;
                    element_watch::fuse = 0;
                    if (const auto now = numbers_of(c); now != model)
                        problem(text_of(now) + " instead of " + text_of(model), s, 0);
                    done = 1;
                } catch (const thrown&) {
                    element_watch::fuse = 0;
                    ++t.throws;
                    if (const auto now = numbers_of(c); op.strong && now != before)
                        problem(text_of(now) + " instead of the old " + text_of(before), s, k);
                }
                ++t.runs;
                if constexpr (std::is_base_of_v<element::base, typename C::value_type>) {
                    if (element_watch::live.size() != alive + c.size())
                        problem(std::to_string(element_watch::live.size() - alive) + " alive for " +
                                    std::to_string(c.size()),
                                s, k);
                }
                c.push_back(make<typename C::value_type>(9));  // it still works
                if (number_of(c.back()) != 9) problem("it does not grow afterwards", s, k);
            });
            if (!left.empty()) problem(left, s, k);
            if (element_watch::live.size() != alive)
                problem(std::to_string(element_watch::live.size() - alive) + " elements leaked", s, k);
            if (element_watch::mistakes != mistakes)
                problem(
                    std::to_string(element_watch::mistakes - mistakes) + " elements used, destroyed or moved wrongly",
                    s, k);
            element_watch::live.clear();
            if (t.problems.size() > 5) return t;
        }
    }
    return t;
}

}  // namespace test::matrix
