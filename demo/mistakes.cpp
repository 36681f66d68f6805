#include "mistakes.hpp"

#include <cstdio>
#include <string>

#include <framealloc/framealloc.hpp>

namespace demo {

namespace fa = framealloc;
using namespace fa::literals;

namespace {

using debug_alloc = fa::basic_smart_alloc<fa::policy::debug>;

// Debug mode would end the program at a fault; here it is only shown.
fa::options shown() {
    fa::options o{.name = "demo"};
    o.on_fault = [](const fa::fault& f) { fa::print_fault(f); };
    return o;
}

void dangle() {
    std::puts("A vec of this frame's hits is kept and read in the next frame:");
    debug_alloc alloc{shown()};
    alloc.begin_frame();
    auto hits = alloc.frame_vec<int>();
    hits.push_back(42);
    alloc.end_frame();
    alloc.begin_frame();
    static_cast<void>(hits[0]);
    alloc.end_frame();
}

void grow_inner() {
    std::puts("A vec of the outer frame grows while a helper's own frame is open. Elsewhere the classic corruption; here:");
    debug_alloc alloc{shown()};
    auto outer = alloc.frame_scope();
    auto names = outer.vec<std::string>();
    {
        auto inner = alloc.frame_scope();
        for (int i = 0; i < 1000; ++i) names.push_back("a name too long for the small buffer " + std::to_string(i));
    }
    {
        auto inner = alloc.frame_scope();
        for (int& v : inner.batch<int>(100'000)) v = -1;
    }
    std::size_t right = 0;
    for (std::size_t i = 0; i < names.size(); ++i) right += names[i] == "a name too long for the small buffer " + std::to_string(i) ? 1U : 0U;
    std::printf("  %zu of %zu names are right; frame_stats().outer_growth = %llu\n", right, names.size(),
                static_cast<unsigned long long>(alloc.frame_stats().outer_growth));
}

void overflow() {
    std::puts("A frame needs twenty times the capacity it was given:");
    debug_alloc alloc{fa::options{.name = "demo", .frame_capacity = 64_KiB}};
    for (int n = 0; n < 2; ++n) {
        {
            auto frame = alloc.frame_scope();
            for (int i = 0; i < 320; ++i) static_cast<void>(frame.alloc_bytes(4000));
        }
        const auto s = alloc.frame_stats();
        std::printf("  frame %d: %llu chunks chained so far; a frame_capacity of %zu bytes would have sufficed\n", n + 1,
                    static_cast<unsigned long long>(s.arena_growth), s.suggested_capacity);
    }
    std::puts("With a frame_limit the same is exhaustion, a value for try_ members:");
    debug_alloc limited{fa::options{.name = "demo", .frame_capacity = 64_KiB, .frame_limit = 256_KiB}};
    auto frame = limited.frame_scope();
    std::size_t got = 0;
    while (frame.try_alloc_bytes(4000) != nullptr) got += 4000;
    std::printf("  %zu bytes were handed out, then try_alloc_bytes returned null\n", got);
}

}  // namespace

bool commit_mistake(const std::string& name) {
    if (name == "dangle") dangle();
    else if (name == "grow-inner") grow_inner();
    else if (name == "overflow") overflow();
    else return false;
    return true;
}

}  // namespace demo
