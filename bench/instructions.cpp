// The hot paths, each in its own function, which callgrind counts: 100,000 rounds of `baseline` are the loop alone.
// scripts/count_instructions.py runs this and prints the table of docs/costs.md.
//
// Tags are three deep, a phase is open, a second allocator exists, as in a real program. With an argument, that many
// tags exist. Prints the tag totals, which must be exact.
#include <framealloc/framealloc.hpp>

#include <cstdio>
#include <cstdlib>
#include <string>

namespace fa = framealloc;
using namespace fa::literals;

namespace {

inline constexpr fa::tag game{"game"}, physics{game, "physics"}, solver{physics, "solver"}, step{"step"};
constexpr long turns = 100'000;

struct object {
    long words[8];
};
static_assert(sizeof(object) == 64);

inline void keep(void* p) { __asm__ volatile("" : : "r"(p) : "memory"); }
inline void* hide(void* p) {
    __asm__ volatile("" : "+r"(p) : : "memory");
    return p;
}
inline void fence() { __asm__ volatile("" : : : "memory"); }

}  // namespace

extern "C" {

[[gnu::noinline]] void count_baseline() {
    for (long i = 0; i < turns; ++i) fence();
}
[[gnu::noinline]] void count_scope_alloc(const fa::frame_scope& frame) {
    for (long i = 0; i < turns; ++i) keep(frame.alloc<object>());
}
[[gnu::noinline]] void count_frame_alloc(const fa::smart_alloc& alloc) {
    for (long i = 0; i < turns; ++i) keep(alloc.frame_alloc<object>());
}
[[gnu::noinline]] void count_begin_end(const fa::smart_alloc& alloc) {
    for (long i = 0; i < turns; ++i) {
        alloc.begin_frame();
        fence();
        alloc.end_frame();
        fence();
    }
}
[[gnu::noinline]] void count_frame_scope(const fa::smart_alloc& alloc) {
    for (long i = 0; i < turns; ++i) {
        const auto frame = alloc.frame_scope();
        fence();
    }
}
[[gnu::noinline]] void count_pool_pair(const fa::smart_alloc& alloc) {
    for (long i = 0; i < turns; ++i) {
        alloc.pool_free(static_cast<object*>(hide(alloc.pool_alloc<object>())));
        fence();
    }
}
[[gnu::noinline]] void count_push_back(fa::frame_vec<long>& v) {
    for (long i = 0; i < turns; ++i) {
        v.push_back(i);
        fence();
    }
}
[[gnu::noinline]] void count_tag_scope(const fa::smart_alloc& alloc) {
    for (long i = 0; i < turns; ++i) {
        const fa::tag_scope scope(alloc, solver);
        fence();
    }
}
[[gnu::noinline]] void count_phase_scope(const fa::smart_alloc& alloc) {
    for (long i = 0; i < turns; ++i) {
        const fa::phase_scope scope(alloc, step);
        fence();
    }
}

[[gnu::noinline]] void count_hook_open(const fa::hook& h) {
    for (long i = 0; i < turns; ++i) {
        h.deallocate(hide(h.allocate(sizeof(object))));
        fence();
    }
}
[[gnu::noinline]] void count_hook_other(const fa::hook& h) {
    for (long i = 0; i < turns; ++i) {
        h.deallocate(hide(h.allocate(sizeof(object))));
        __asm__ volatile("# another function than the one above, also when programs are linked" : : : "memory");
    }
}

}  // extern "C"

int main(int argc, char** argv) {
    const int tags = argc > 1 ? std::atoi(argv[1]) : 10;
    fa::smart_alloc alloc{fa::options{.frame_capacity = 32_MiB, .prefault = true}};
    fa::smart_alloc second;
    second.begin_frame();
    for (int i = 0; i < tags; ++i) { const fa::tag_scope t(alloc, "tag " + std::to_string(i)); }
    const auto outermost = alloc.frame_scope();
    {
        const fa::tag_scope a(alloc, game);
        const fa::tag_scope b(alloc, physics);
        const fa::tag_scope c(alloc, solver);
        const fa::phase_scope p(alloc, step);
        const auto frame = alloc.frame_scope();
        static_cast<void>(frame.alloc<object>());
        object* resident = alloc.pool_alloc<object>();
        count_baseline();
        count_scope_alloc(frame);
        count_frame_alloc(alloc);
        count_pool_pair(alloc);
        auto v = frame.vec<long>(fa::capacity(turns));
        count_push_back(v);
        const auto s = alloc.tag_stats("game::physics::solver");
        const std::size_t expected = (2 * turns + 1) * sizeof(object) + turns * sizeof(long);
        std::printf("tag game::physics::solver: %zu frame bytes, %zu expected; %zu pool bytes, %zu expected\n",
                    s.frame_bytes, expected, s.pool_bytes, sizeof(object));
        if (s.frame_bytes != expected || s.pool_bytes != sizeof(object)) return 1;
        alloc.pool_free(resident);
    }
    // Empty frames and scopes, with nothing left to charge.
    const fa::tag_scope a(alloc, game);
    const fa::tag_scope b(alloc, physics);
    const fa::tag_scope c(alloc, solver);
    const fa::phase_scope p(alloc, step);
    count_begin_end(alloc);
    count_frame_scope(alloc);
    count_tag_scope(alloc);
    count_phase_scope(alloc);
    const fa::hook open{alloc}, other{alloc, fa::memory_kind::heap, "scripts"};
    object* resident[] = {static_cast<object*>(open.allocate(sizeof(object))),
                          static_cast<object*>(other.allocate(sizeof(object)))};
    count_hook_open(open);
    count_hook_other(other);
    open.deallocate(resident[0]);
    other.deallocate(resident[1]);
    return 0;
}
