// A frame and what it is for: when the frame ends, its objects are destroyed and its memory is gone.
#include <framealloc/framealloc.hpp>

#include <cstdio>
#include <string>

namespace fa = framealloc;

int main() {
    fa::smart_alloc alloc;
    for (int n = 1; n <= 5; ++n) {
        fa::frame_scope frame = alloc.frame_scope();
        auto names = frame.vec<std::string>();
        for (int i = 1; i <= n; ++i)
            names.push_back("a name, too long for the small string buffer, number " + std::to_string(i));
        fa::frame_string label = frame.string("frame ");
        label += std::to_string(n);
        std::printf("%s holds %zu names; the last: %s\n", label.c_str(), names.size(), names.back().c_str());
    }
    std::printf("after five frames %zu bytes are in use\n", alloc.stats().total_allocated);
}
