// 216,000 frames of 200 mixed operations, an hour at 60 frames a second. After frame 600: no page request, no system
// call, no lock on the frame path. The kernel confirms it: a seccomp filter ends the process on mmap, munmap, mremap,
// mprotect, brk and madvise. Prints what was counted; exits with 1 when a promise is broken.
//
// usage: long_run [FRAMES] [--no-filter]
#include <framealloc/detail/guard/annotate.hpp>
#include <framealloc/framealloc.hpp>

#include <seccomp.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <string_view>

namespace fa = framealloc;
using namespace fa::literals;

namespace {

inline constexpr fa::tag game{"game"}, physics{game, "physics"}, render{game, "render"};
constexpr long warm_up = 600;
constexpr std::size_t resident_pool = 240'000;
constexpr std::size_t resident_heap = 40;

struct random_numbers {
    std::uint64_t state = 1;
    std::uint32_t below(std::uint32_t n) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        return static_cast<std::uint32_t>(state >> 32) % n;
    }
};

bool forbid_memory_calls() {
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    bool good = filter != nullptr;
    for (int call :
         {SCMP_SYS(mmap), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(mprotect), SCMP_SYS(brk), SCMP_SYS(madvise)}) {
        good = good && seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS, call, 0) == 0;
    }
    return good && seccomp_load(filter) == 0;
}

// The blocks that live across frames; 0.1 % of them change in each frame.
class world {
public:
    explicit world(const fa::smart_alloc& a) : alloc_(a) {
        for (void*& p : pool_) p = a.pool_alloc_bytes(64);
        for (std::size_t i = 0; i < resident_heap; ++i) heap_[i] = a.heap_alloc_bytes(size_of(i));
    }
    ~world() {
        for (void* p : pool_) alloc_.pool_free_bytes(p, 64);
        for (std::size_t i = 0; i < resident_heap; ++i) alloc_.heap_free_bytes(heap_[i], size_of(i));
    }
    world(const world&) = delete;
    world& operator=(const world&) = delete;

    std::size_t frame(random_numbers& random) {
        const auto scope = alloc_.frame_scope();
        auto visible = scope.vec<std::uint32_t>();
        for (int op = 0; op < 200; ++op) operation(scope, visible, random);
        return alloc_.stats_lightly();
    }

private:
    // The last eighth changes; the rest stays, like the data of a level.
    static std::size_t size_of(std::size_t i) { return 20'000 + i * 1'000; }

    void operation(const fa::frame_scope& scope, fa::frame_vec<std::uint32_t>& visible, random_numbers& random) {
        switch (random.below(8)) {
            case 0: std::memset(scope.alloc_bytes(1 + random.below(2000), 8), 1, 1); break;
            case 1: std::memset(scope.batch<float>(1 + random.below(500)).data(), 1, 4); break;
            case 2: visible.push_back(random.below(1000)); break;
            case 3: {
                const fa::tag_scope tag(alloc_, random.below(2) == 0 ? physics : render);
                const fa::phase_scope phase(alloc_, render);
                static_cast<void>(scope.alloc<std::uint64_t[8]>());
                break;
            }
            case 4: {
                const auto inner = alloc_.frame_scope();
                static_cast<void>(inner.alloc<std::uint64_t[16]>());
                visible.push_back(1);
                break;
            }
            case 5: {
                auto guard = alloc_.checkpoint_guard();
                static_cast<void>(scope.alloc<std::uint64_t[16]>());
                if (random.below(2) == 0) guard.commit();
                break;
            }
            case 6: {
                void*& p = pool_[random.below(resident_pool)];
                alloc_.pool_free_bytes(p, 64);
                p = alloc_.pool_alloc_bytes(64);
                break;
            }
            default: {
                const std::size_t i = random.below(resident_heap);
                alloc_.heap_free_bytes(heap_[i], size_of(i));
                heap_[i] = alloc_.heap_alloc_bytes(size_of(i));
            }
        }
    }

    struct handle : fa::smart_alloc {
        using fa::smart_alloc::smart_alloc;
        explicit handle(const fa::smart_alloc& a) : fa::smart_alloc(a) {}
        std::size_t stats_lightly() const { return fa::memory::frame_bytes_in_use(*fa::memory::context_of(owner())); }
    } alloc_;
    void* pool_[resident_pool] = {};
    void* heap_[resident_heap] = {};
};

}  // namespace

int main(int argc, char** argv) {
    const long frames = argc > 1 ? std::atol(argv[1]) : 216'000;
    const bool filtered = !(argc > 2 && std::string_view(argv[2]) == "--no-filter");
    fa::smart_alloc alloc{fa::options{.name = "long run"}};
    static world* w = nullptr;
    static unsigned char storage[sizeof(world)];
    w = ::new (storage) world(alloc);
    random_numbers random;
    std::size_t most_frame_bytes = 0;
    for (long n = 0; n < warm_up; ++n) most_frame_bytes = std::max(most_frame_bytes, w->frame(random));
    std::puts("warm");
    std::fflush(stdout);
    if (filtered && !forbid_memory_calls()) {
        std::fprintf(stderr, "long_run: the kernel refused the seccomp filter\n");
        return 3;
    }
    const auto requests = alloc.stats().page_requests;
    const auto calls = fa::os::system_calls();
    const auto locks = fa::sync::lock_acquisitions();
    for (long n = warm_up; n < frames; ++n) most_frame_bytes = std::max(most_frame_bytes, w->frame(random));
    const auto lock_count = fa::sync::lock_acquisitions() - locks;
    const auto s = alloc.stats();
    const double live = static_cast<double>(s.pool_allocated + s.heap_allocated + most_frame_bytes);
    std::printf("%ld frames of 200 operations; after frame %ld: %llu page requests, %llu system calls, %llu locks\n",
                frames, warm_up, static_cast<unsigned long long>(s.page_requests - requests),
                static_cast<unsigned long long>(fa::os::system_calls() - calls),
                static_cast<unsigned long long>(lock_count));
    std::printf("peak live %.1f MiB, committed %.1f MiB, ratio %.3f\n", live / 1048576,
                static_cast<double>(s.committed) / 1048576, static_cast<double>(s.committed) / live);
    std::fflush(stdout);
    const bool guarded = fa::active_policy::checks ||
                         fa::guard::under_tool;  // guard zones, quarantine and revocation then add their cost
    const bool good = guarded || (s.page_requests == requests && fa::os::system_calls() == calls && lock_count == 0 &&
                                  static_cast<double>(s.committed) <= 1.3 * live && live >= 16.0 * 1048576);
    std::_Exit(good ? 0 : 1);  // this would unmap memory, which is forbidden now
}
