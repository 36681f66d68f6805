// The frame memory of planted.cpp, in frames, with the advised options and not a byte more.
#include "advised.hpp"

#include <cstdio>

namespace fa = framealloc;

int main() {
    fa::options o = advised_options();
    o.frame_limit = o.frame_capacity;
    fa::smart_alloc alloc{o};
    for (unsigned n = 0; n < 400; ++n) {
        const auto frame = alloc.frame_scope();
        const auto list = frame.batch<void*>(n % 100 == 99 ? 200 : 100);
        for (void*& p : list) p = frame.alloc_bytes(64);
        for (int i = 0; i < 50; ++i) static_cast<void>(frame.alloc_bytes(32));
        static_cast<void>(frame.alloc_bytes(400));
        auto v = frame.vec<int>();
        for (int i = 0; i < 1000; ++i) v.push_back(i);
        static_cast<void>(frame.alloc_bytes(2900));
        if (frame.try_alloc_bytes(o.frame_capacity) != nullptr) return 1;  // the limit is one
    }
    std::printf("%u frames in flight, 0 overflows\n", o.frames_in_flight);
}
