// Sampled blocks of a release build: the same mistake is made again and again, each time with a block of its own, until one of
// them was sampled. Then the report must have the right code and name the place of the allocation. usage: sampled_test [cost]
#include <framealloc/framealloc.hpp>

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <thread>

namespace fa = framealloc;
using namespace fa::literals;
using allocator = fa::basic_smart_alloc<fa::policy::standard>;

namespace {

constexpr int most_tries = 400'000;
volatile char seen;

struct expected {
    fa::code what;
    int tries;

    void operator()(const fa::fault& f) const {
        if (f.what != what) {
            fa::print_fault(f);
            _exit(3);
        }
        const bool named = std::strncmp(f.born_place, "sampled_test+0x", 15) == 0;
        const bool trapped = f.what == fa::code::FA411 || std::strstr(f.detail, " sampled ") != nullptr || std::strstr(f.detail, " was written at ") != nullptr;
        if (!named || !trapped || std::strcmp(f.tag, "game") != 0 || f.frame == 0) {
            std::printf("  \"%s\", born \"%s\", tag \"%s\", frame %llu\n", f.detail, f.born_place, f.tag, static_cast<unsigned long long>(f.frame));
            _exit(4);
        }
        std::printf("%8d allocations until FA%03u: ", tries, static_cast<unsigned>(what));
        std::fflush(stdout);
        _exit(0);
    }
};

enum class kind { pool, heap };
void* take(const allocator& a, kind k, std::size_t n) { return k == kind::pool ? a.pool_alloc_bytes(n) : a.heap_alloc_bytes(n); }
void give(const allocator& a, kind k, void* p, std::size_t n) { k == kind::pool ? a.pool_free_bytes(p, n) : a.heap_free_bytes(p, n); }

template <class F>
int until_caught(const char* name, fa::code what, F&& mistake) {
    std::fflush(stdout);
    const pid_t child = fork();
    if (child == 0) {
        alarm(60);
        expected e{what, 0};
        const allocator a{{.name = "sampled", .guard_sample = 4, .on_fault = e}};
        for (int i = 0; i < 50; ++i) give(a, kind::pool, take(a, kind::pool, 40), 40);
        for (e.tries = 1; e.tries < most_tries; ++e.tries) {
            a.begin_frame();
            {
                const fa::tag_scope tag{a, "game"};
                mistake(a);
            }
            a.end_frame();
        }
        _exit(5);
    }
    int status = 0;
    waitpid(child, &status, 0);
    const int v = WIFEXITED(status) ? WEXITSTATUS(status) : 100 + WTERMSIG(status);
    std::printf("%s%s\n", name, v == 0 ? "" : v == 5 ? ": FAILED, never caught" : ": FAILED");
    return v == 0 ? 0 : 1;
}

char* blocks[8];

// What sampling costs a right program: nanoseconds an allocation, off and on in turn; the least of 50 rounds of 200 frames.
double round(const allocator& a) {
    const auto begin = std::chrono::steady_clock::now();
    for (int frame = 0; frame < 200; ++frame) {
        const auto f = a.frame_scope();
        for (int i = 0; i < 100; ++i) {
            blocks[0] = static_cast<char*>(f.alloc_bytes(48));
            blocks[i % 8] = static_cast<char*>(a.pool_alloc_bytes(64));
            a.pool_free_bytes(blocks[i % 8], 64);
        }
    }
    return std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - begin).count() / (200 * 200);
}

void cost() {
    const allocator off{{}}, often{{.guard_sample = 100}}, seldom{{.guard_sample = 5000}};
    double least[3] = {1e9, 1e9, 1e9};
    for (int i = 0; i < 50; ++i) {
        least[0] = std::min(least[0], round(off));
        least[1] = std::min(least[1], round(often));
        least[2] = std::min(least[2], round(seldom));
    }
    std::printf("off %.2f ns, guard_sample = 5000 %.2f ns, = 100 %.2f ns an allocation\n", least[0], least[2], least[1]);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc > 1 && std::strcmp(argv[1], "cost") == 0) return cost(), 0;
    int failures = 0;
    for (const kind k : {kind::pool, kind::heap}) {
        const char* names[] = {"of a pool block", "of a heap block"};
        const char* of = names[static_cast<int>(k)];
        char name[80];
        const auto named = [&](const char* what) {
            std::snprintf(name, sizeof name, "%s %s", what, of);
            return name;
        };
        failures += until_caught(named("read behind the end"), fa::code::FA412, [&](const allocator& a) {
            auto* p = static_cast<char*>(take(a, k, 40));
            seen = p[48];
            give(a, k, p, 40);
        });
        failures += until_caught(named("write right behind the end"), fa::code::FA412, [&](const allocator& a) {
            auto* p = static_cast<volatile char*>(take(a, k, 40));
            p[40] = static_cast<char>(p[40] ^ 1);  // nobody else's in a class of 48 bytes
            give(a, k, const_cast<char*>(p), 40);
        });
        failures += until_caught(named("read before the begin"), fa::code::FA413, [&](const allocator& a) {
            auto* p = static_cast<char*>(take(a, k, 40));
            seen = p[-1];
            give(a, k, p, 40);
        });
        failures += until_caught(named("read after the free"), fa::code::FA419, [&](const allocator& a) {
            auto* p = static_cast<char*>(take(a, k, 40));
            give(a, k, p, 40);
            seen = p[20];
        });
        failures += until_caught(named("read after a free elsewhere"), fa::code::FA419, [&](const allocator& a) {
            for (auto& p : blocks) p = static_cast<char*>(take(a, k, 40));
            std::thread([&] {
                for (auto& p : blocks) give(a, k, p, 40);
            }).join();
            for (auto& p : blocks) seen = p[20];
        });
    }
    failures += until_caught("read behind frame memory", fa::code::FA412, [](const allocator& a) {
        auto* p = static_cast<char*>(a.frame_alloc_bytes(1000));
        static_cast<void>(a.frame_alloc_bytes(64));
        seen = p[1040];
    });
    static char* dangling = nullptr;
    failures += until_caught("read after the frame", fa::code::FA002, [](const allocator& a) {
        if (dangling != nullptr) seen = dangling[500];
        dangling = static_cast<char*>(a.frame_alloc_bytes(1000));
    });
    std::printf("sampled_test: %d failures\n", failures);
    return failures == 0 ? 0 : 1;
}
