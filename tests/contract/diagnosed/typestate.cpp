// flags: -Wall -Wconsumed
// compilers: clang++-14 clang++-19 clang++-22
// A transfer handle is received once.
#include <framealloc/framealloc.hpp>

#include <utility>

namespace fa = framealloc;

bool coin();

int received_twice(const fa::smart_alloc& a) {
    auto h = a.frame_box_for_transfer<int>(1);
    auto first = std::move(h).receive();
    auto second = std::move(h).receive();  // expected-warning {{invalid invocation of method 'receive'}}
    return *first + *second;
}

// Correct.
int received_once(const fa::smart_alloc& a) {
    auto h = a.frame_box_for_transfer<int>(1);
    auto box = std::move(h).receive();
    return *box;
}
int moved_on(const fa::smart_alloc& a) {
    auto h = a.frame_box_for_transfer<int>(1);
    auto other = std::move(h);
    return *std::move(other).receive();
}
