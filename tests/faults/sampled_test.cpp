// Sampled blocks of a release build: the same mistake is repeated, each time with a new block, until
// one of them is sampled. The report must then have the right code and name the place of the allocation. usage:
// sampled_test [cost]
#include <framealloc/framealloc.hpp>

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>

namespace fa = framealloc;
using namespace fa::literals;
using allocator = fa::basic_smart_alloc<fa::policy::standard>;

namespace {

constexpr int most_tries = 400'000;
volatile char seen;

struct expected {
    fa::code what;
    const char* said;  // a part of the report
    int tries;

    void operator()(const fa::fault& f) const {
        if (f.what != what) {
            fa::print_fault(f);
            _exit(3);
        }
        const bool named = std::strncmp(f.born_place, "sampled_test+0x", 15) == 0;
        const bool trapped = f.what == fa::code::FA411 || std::strstr(f.detail, " sampled ") != nullptr ||
                             std::strstr(f.detail, " was written at ") != nullptr;
        if (!named || !trapped || std::strstr(f.detail, said) == nullptr || std::strcmp(f.tag, "game") != 0 ||
            f.frame == 0) {
            std::printf("  \"%s\", born \"%s\", tag \"%s\", frame %llu\n", f.detail, f.born_place, f.tag,
                        static_cast<unsigned long long>(f.frame));
            _exit(4);
        }
        std::printf("%8d allocations until FA%03u: ", tries, static_cast<unsigned>(what));
        std::fflush(stdout);
        _exit(0);
    }
};

enum class kind { pool, heap };
void* take(const allocator& a, kind k, std::size_t n) {
    return k == kind::pool ? a.pool_alloc_bytes(n) : a.heap_alloc_bytes(n);
}
void give(const allocator& a, kind k, void* p, std::size_t n) {
    k == kind::pool ? a.pool_free_bytes(p, n) : a.heap_free_bytes(p, n);
}

template <class F>
int until_caught(const char* name, fa::code what, const char* said, F&& mistake) {
    std::fflush(stdout);
    const pid_t child = fork();
    if (child == 0) {
        alarm(60);
        expected e{what, said, 0};
        const allocator a{{.name = "sampled", .guard_sample = 4, .guard_seed = 11, .on_fault = e}};
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

// Which allocations are sampled, in several processes, since each draws its own seed.
void which(std::uint64_t seed, std::uint32_t sample) {
    const allocator a{{.guard_sample = sample, .guard_seed = seed}};
    for (int i = 0; i < 20'000; ++i) {
        const auto frame = a.frame_scope();
        if (fa::describe(frame.alloc_bytes(40)).born.caller != nullptr) std::printf("%d ", i);
    }
}

std::string output_of(const char* arguments, const char* environment = "") {
    char self[512] = {}, text[256];
    if (readlink("/proc/self/exe", self, sizeof self - 1) < 0) return "no name";
    std::FILE* out = popen((std::string(environment) + " '" + self + "' " + arguments + " 2>&1").c_str(), "r");
    std::string all;
    while (out != nullptr && std::fgets(text, sizeof text, out) != nullptr) all += text;
    if (out != nullptr) pclose(out);
    return all;
}

int failed(const char* what, bool right) {
    std::printf("%s%s\n", what, right ? "" : ": FAILED");
    return right ? 0 : 1;
}

int draws_by_seed() {
    const std::string one = output_of("which 7"), other = output_of("which 8"), any = output_of("which");
    int failures = failed("the same seed samples the same allocations", !one.empty() && one == output_of("which 7"));
    failures += failed("another seed samples others", one != other);
    return failures + failed("without a seed each process samples others", !any.empty() && any != output_of("which"));
}

int heeds_environment() {
    int failures = failed("nothing is sampled where nobody asks for it", output_of("which 7 none").empty());
    failures += failed("FRAMEALLOC_GUARD_SAMPLE samples what was not built for it",
                       output_of("which 7 none", "FRAMEALLOC_GUARD_SAMPLE=4") == output_of("which 7"));
    failures += failed("FRAMEALLOC_GUARD=fill guards all of it",
                       output_of("which 7 none", "FRAMEALLOC_GUARD=fill").size() > 100'000);
    const std::string refused = output_of("which 7 none", "FRAMEALLOC_GUARD_SAMPLE=often");
    failures += failed(
        "a word that it does not know is named once, and changes nothing",
        refused == "framealloc: FRAMEALLOC_GUARD_SAMPLE is \"often\"; expected a number of events, 0 to 4294967295\n");
    return failures +
           failed("so is a level", output_of("which 7 none", "FRAMEALLOC_GUARD=most") ==
                                       "framealloc: FRAMEALLOC_GUARD is \"most\"; expected off, fill or revoke\n");
}

[[gnu::noinline]] void write_behind(const allocator& a) {
    auto* p = static_cast<volatile char*>(a.pool_alloc_bytes(40));
    p[40] = static_cast<char>(p[40] ^ 1);
    a.pool_free_bytes(const_cast<char*>(p), 40);
}
[[gnu::noinline]] void write_behind_too(const allocator& a) {
    auto* p = static_cast<volatile char*>(a.pool_alloc_bytes(40));
    p[41] = static_cast<char>(p[41] ^ 1);
    a.pool_free_bytes(const_cast<char*>(p), 40);
}

int told_once() {
    int told = 0;
    const allocator a{{.guard_sample = 2, .guard_seed = 3, .on_fault = [&told](const fa::fault& f) {
                           told += f.what == fa::code::FA412 ? 1 : 100;
                       }}};
    for (int i = 0; i < 50'000; ++i) {
        const auto frame = a.frame_scope();
        write_behind(a);
        write_behind_too(a);
    }
    return failed("damage is told once for each place of allocation", told == 2);
}

char* blocks[8];

// The cost of sampling in a correct program: nanoseconds per allocation, off and on in turn; the least of 50 rounds of
// 200 frames.
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
    std::printf("off %.2f ns, guard_sample = 5000 %.2f ns, = 100 %.2f ns an allocation\n", least[0], least[2],
                least[1]);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc > 1 && std::strcmp(argv[1], "cost") == 0) return cost(), 0;
    if (argc > 1 && std::strcmp(argv[1], "which") == 0)
        return which(argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 0, argc > 3 ? 0 : 4), 0;
    int failures = 0;
    failures += told_once() + draws_by_seed() + heeds_environment();
    for (const kind k : {kind::pool, kind::heap}) {
        const char* names[] = {"of a pool block", "of a heap block"};
        const char* of = names[static_cast<int>(k)];
        char name[80];
        const auto named = [&](const char* what) {
            std::snprintf(name, sizeof name, "%s %s", what, of);
            return name;
        };
        failures += until_caught(named("read past the end"), fa::code::FA412,
                                 k == kind::pool ? "read at +48 of a sampled pool block of 40 bytes"
                                                 : "read at +48 of a sampled heap block of 40 bytes",
                                 [&](const allocator& a) {
                                     auto* p = static_cast<char*>(take(a, k, 40));
                                     seen = p[48];
                                     give(a, k, p, 40);
                                 });
        failures += until_caught(named("write right past the end"), fa::code::FA412,
                                 "block of 40 bytes was written at +40 to +40", [&](const allocator& a) {
                                     auto* p = static_cast<volatile char*>(take(a, k, 40));
                                     p[40] = static_cast<char>(p[40] ^ 1);  // the only one in a class of 48 bytes
                                     give(a, k, const_cast<char*>(p), 40);
                                 });
        failures += until_caught(named("read before the start"), fa::code::FA413, "read at -1 of",
                                 [&](const allocator& a) {
                                     auto* p = static_cast<char*>(take(a, k, 40));
                                     seen = p[-1];
                                     give(a, k, p, 40);
                                 });
        failures += until_caught(named("read after the free"), fa::code::FA419, "read at +20 of",
                                 [&](const allocator& a) {
                                     auto* p = static_cast<char*>(take(a, k, 40));
                                     give(a, k, p, 40);
                                     seen = p[20];
                                 });
        failures += until_caught(named("read after a free elsewhere"), fa::code::FA419,
                                 "block of 40 bytes, after its end", [&](const allocator& a) {
                                     for (auto& p : blocks) p = static_cast<char*>(take(a, k, 40));
                                     std::thread([&] {
                                         for (auto& p : blocks) give(a, k, p, 40);
                                     }).join();
                                     for (auto& p : blocks) seen = p[20];
                                 });
    }
    failures += until_caught("read behind frame memory", fa::code::FA412,
                             "read at +1040 of a sampled frame block of 1000 bytes", [](const allocator& a) {
                                 auto* p = static_cast<char*>(a.frame_alloc_bytes(1000));
                                 static_cast<void>(a.frame_alloc_bytes(64));
                                 seen = p[1040];
                             });
    static char* dangling = nullptr;
    failures += until_caught("read after the frame", fa::code::FA002,
                             "read at +500 of a sampled frame block of 1000 bytes", [](const allocator& a) {
                                 if (dangling != nullptr) seen = dangling[500];
                                 dangling = static_cast<char*>(a.frame_alloc_bytes(1000));
                             });
    std::printf("sampled_test: %d failures\n", failures);
    return failures == 0 ? 0 : 1;
}
