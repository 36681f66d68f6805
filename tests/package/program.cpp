// The program of every consumer: it links, allocates, and checks which library it is linked with.
#include <framealloc/fa.hpp>

#include <cstdio>

int main() {
    fa::smart_alloc alloc;
    long sum = 0;
    for (int n = 0; n < 10; ++n) {
        alloc.begin_frame();
        auto v = alloc.frame_vec<int>();
        for (int i = 0; i < 1000; ++i) v.push_back(i);
        for (int x : v) sum += x;
        alloc.end_frame();
    }
    auto box = alloc.pool_box<long>(sum);
    std::printf("%ld\n", *box);
    return *box == 4'995'000 ? 0 : 1;
}
