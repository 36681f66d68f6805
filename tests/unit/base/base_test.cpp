// Alignment, products, callbacks, codes and reports.
#include <doctest/doctest.h>

#include <sys/wait.h>
#include <unistd.h>
#include <csignal>
#include <cstdio>
#include <string>

#include "support/recorder.hpp"

using namespace test;

namespace {

// Runs a function in a child and returns what it prints to standard error; `signal` receives how it ended.
template <class F>
std::string printed_by(F&& f, int* signal = nullptr) {
    int ends[2];
    REQUIRE(pipe(ends) == 0);
    const pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], 2);
        close(ends[0]);
        std::signal(SIGABRT, SIG_DFL);
        f();
        _exit(0);
    }
    close(ends[1]);
    std::string text;
    char buffer[512];
    for (ssize_t n; (n = read(ends[0], buffer, sizeof buffer)) > 0;) text.append(buffer, static_cast<std::size_t>(n));
    close(ends[0]);
    int status = 0;
    waitpid(child, &status, 0);
    if (signal != nullptr) *signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    return text;
}

int plain_calls = 0;
void plain(int n) { plain_calls += n; }

}  // namespace

TEST_CASE("alignment rounds to powers of two") {
    CHECK(fa::align_up(0, 8) == 0);
    CHECK(fa::align_up(1, 8) == 8);
    CHECK(fa::align_up(8, 8) == 8);
    CHECK(fa::align_down(15, 8) == 8);
    CHECK(fa::is_power_of_two(4096));
    CHECK_FALSE(fa::is_power_of_two(0));
    CHECK_FALSE(fa::is_power_of_two(24));
}

TEST_CASE("a product that does not fit is impossible") {
    CHECK(fa::checked_product(3, 5) == 15);
    CHECK(fa::checked_product(0, ~std::size_t{0}) == 0);
    CHECK(fa::checked_product(~std::size_t{0}, 2) == fa::impossible_size);
}

TEST_CASE("a callback without a result drops what it calls returns") {
    int n = 0;
    const fa::callback<void(int)> copied = [&n](int more) { return n += more; };
    auto counts = [&n](int more) { return n += more; };
    const fa::callback<void(int)> referred = counts;
    copied(3);
    referred(4);
    CHECK(n == 7);
}

TEST_CASE("a callback calls functions, captureless lambdas and objects with state") {
    fa::callback<void(int)> nobody;
    CHECK_FALSE(static_cast<bool>(nobody));
    fa::callback<void(int)> f = plain;
    f(2);
    CHECK(plain_calls == 2);
    fa::callback<int(int)> twice = [](int n) { return 2 * n; };
    CHECK(twice(4) == 8);
    int sum = 0;
    auto add = [&sum](int n) { sum += n; };
    f = add;
    const auto copy = f;
    copy(5);
    CHECK(sum == 5);
}

TEST_CASE("every code has a text") {
#define FRAMEALLOC_CODE(name, number, text) CHECK(std::string(fa::code_text(fa::code::name)) == text);
#include <framealloc/base/codes.def>
#undef FRAMEALLOC_CODE
}

TEST_CASE("reports are one line and name code, detail, allocator and place") {
    const std::string line = printed_by([] {
        fa::print_fault({.what = fa::code::FA001,
                         .text = fa::code_text(fa::code::FA001),
                         .detail = "why",
                         .where = {"file.cpp", 7},
                         .allocator = "game"});
    });
    CHECK(line == "file.cpp:7: framealloc: FA001 allocation outside a frame: why [game]\n");
    const std::string exhausted = printed_by(
        [] { fa::print_exhaustion({fa::exhaustion_reason::frame_limit, "frame", 100, 16, 4096, 8192, "game"}); });
    CHECK(exhausted ==
          "framealloc: FA003 memory exhausted: the thread's frame_limit is reached; frame request of 100 bytes aligned "
          "to 16, 4096 bytes committed, limit 8192 [game]\n");
    const std::string placed = printed_by([] {
        fa::print_exhaustion({.reason = fa::exhaustion_reason::sealed,
                              .kind = "pool",
                              .requested = 64,
                              .alignment = 16,
                              .allocator = "game",
                              .tag = "ai::paths",
                              .where = {"path.cpp", 31}});
    });
    CHECK(placed ==
          "path.cpp:31: framealloc: FA003 memory exhausted: a page was needed after seal(); pool request of 64 bytes "
          "aligned to 16, "
          "0 bytes committed [game]; tag \"ai::paths\"\n");
}

TEST_CASE("a fault and exhaustion as text are the line that is printed, cut off at the buffer's end") {
    const fa::fault f{.what = fa::code::FA001,
                      .text = fa::code_text(fa::code::FA001),
                      .detail = "why",
                      .where = {"file.cpp", 7},
                      .allocator = "game"};
    const fa::exhaustion e{.reason = fa::exhaustion_reason::sealed, .kind = "pool", .requested = 64, .alignment = 16};
    char line[300];
    CHECK(printed_by([&] { fa::print_fault(f); }) == std::string(fa::to_text(f, line)) + '\n');
    CHECK(printed_by([&] { fa::print_exhaustion(e); }) == std::string(fa::to_text(e, line)) + '\n');
    char small[12];
    CHECK(fa::to_text(f, small) == "file.cpp:7:");
    CHECK(fa::to_text(e, small) == "framealloc:");
    CHECK(fa::to_text(f, std::span<char>{}).empty());
    CHECK(fa::to_text(e, std::span<char>{}).empty());
}

TEST_CASE("exhaustion without a handler, a broken invariant and a debug fault end the program with a report") {
    int signal = 0;
    std::string text = printed_by(
        [] {
            fa::smart_alloc alloc{fa::options{.frame_limit = 1000}};
            alloc.begin_frame();
            static_cast<void>(alloc.frame_alloc_bytes(100'000));
        },
        &signal);
    CHECK(signal == SIGABRT);
    CHECK(text.find("FA003") != std::string::npos);
    text = printed_by([] { fa::broken_invariant("for the test"); }, &signal);
    CHECK(signal == SIGABRT);
    CHECK(text.find("FA991") != std::string::npos);
    text = printed_by(
        [] {
            fa::basic_smart_alloc<fa::policy::debug> alloc;
            static_cast<void>(alloc.frame_alloc<int>());
        },
        &signal);
    CHECK(signal == SIGABRT);
    CHECK(text.find("FA001") != std::string::npos);
    CHECK(text.find("base_test.cpp:") != std::string::npos);
    text = printed_by(
        [] {
            fa::basic_smart_alloc<fa::policy::standard> alloc;
            static_cast<void>(alloc.frame_alloc<int>());
        },
        &signal);
    CHECK(signal == 0);
    CHECK(text.find("FA001") != std::string::npos);
}

TEST_CASE("exhaustion is told with its reason, the request and the limit, and without what is not known") {
    const std::pair<fa::exhaustion_reason, const char*> reasons[] = {
        {fa::exhaustion_reason::system_refused, "the page source refused"},
        {fa::exhaustion_reason::frame_limit, "frame_limit"},
        {fa::exhaustion_reason::thread_budget, "budget"},
        {fa::exhaustion_reason::global_limit, "global_limit"},
        {fa::exhaustion_reason::fixed_memory, "fixed_memory"},
        {fa::exhaustion_reason::sealed, "seal()"},
        {fa::exhaustion_reason::size_overflow, "too large to exist"},
        {fa::exhaustion_reason{77}, "exhausted: ?;"}};
    for (const auto& r : reasons) {
        const std::string text = printed_by(
            [&] { fa::print_exhaustion({r.first, "pool", 123, 16, 4096, 8192, "game"}); });
        CAPTURE(text);
        CHECK(text.find("FA003 ") != std::string::npos);
        CHECK(text.find(r.second) != std::string::npos);
        CHECK(text.find("pool request of 123 bytes aligned to 16, 4096 bytes committed, limit 8192 [game]") !=
              std::string::npos);
        const std::string bare = printed_by([&] { fa::print_exhaustion({r.first, "pool", 123, 16, 4096, 0, ""}); });
        CHECK(bare.find("limit 8192") == std::string::npos);
        CHECK(bare.find('[') == std::string::npos);
        CHECK(bare.find("committed\n") != std::string::npos);
    }
}

TEST_CASE("a report is one line with what is known, also when that is little or too much") {
    CHECK(printed_by([] { fa::print_fault({.what = fa::code::FA411, .text = "said"}); }) == "framealloc: FA411 said\n");
    CHECK(printed_by([] {
              fa::print_fault({.what = fa::code::FA411,
                               .text = "said",
                               .detail = "more",
                               .where = {.file = "a.cpp", .line = 3},
                               .died_place = "game+0x10",
                               .tag = "ai",
                               .frame = 7});
          }) == "a.cpp:3: framealloc: FA411 said: more; tag \"ai\" in frame 7; freed at game+0x10\n");
    const std::string at = printed_by([] {
        fa::print_fault(
            {.what = fa::code::FA428, .text = "said", .born = {.caller = reinterpret_cast<const void*>(0x1234)}});
    });
    CHECK(at == "framealloc: FA428 said; opened at instruction 0x1234\n");
    const std::string endless(5000, 'x');
    const std::string cut = printed_by(
        [&] { fa::print_fault({.what = fa::code::FA411, .text = "said", .detail = endless.c_str(), .tag = "ai"}); });
    CHECK(cut.size() == 1024);
    CHECK(cut.back() == '\n');
}

TEST_CASE("faults that come together are all reported before the program ends") {
    if (framealloc::guard::under_tool) return;  // there every block is known to the tool
    int signal = 0;
    const std::string text = printed_by(
        [] {
            const fa::basic_smart_alloc<fa::policy::debug> alloc;
            static_cast<void>(alloc.pool_alloc_bytes(100));
            static_cast<void>(alloc.heap_alloc_bytes(200));
        },
        &signal);
    CHECK(signal == SIGABRT);
    CHECK(text.find("1 heap block of 200 bytes") < text.find("1 pool block of 100 bytes"));
    CHECK(text.find("1 pool block of 100 bytes") != std::string::npos);
}
