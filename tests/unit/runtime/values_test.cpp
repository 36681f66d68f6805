// Values that users pass and print: handlers with captures, tags, spans with structured bindings, statistics as text.
#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <unordered_map>

#include "support/recorder.hpp"

using namespace test;

FOR_EACH_POLICY("handlers may capture: a temporary is copied, an object with a name referred to") {
    int faults = 0, asked = 0, events = 0, budgets = 0;
    std::string said;
    fa::basic_smart_alloc<P> alloc{{.frame_limit = 1_MiB,
                                    .on_exhaustion = [&asked](const fa::exhaustion&) { return ++asked < 0; },
                                    .on_fault =
                                        [&faults, &said](const fa::fault& f) {
                                            ++faults;
                                            said = f.detail;
                                        }}};
    alloc.end_frame();
    CHECK(faults == 1);
    CHECK(said.find("without begin_frame") != std::string::npos);
    alloc.lifecycle().enable(
        [&](const fa::frame_event& e) { events += e.kind == fa::frame_event_kind::frame_begin ? 1 : 0; });
    alloc.set_thread_frame_budget(64_KiB);
    alloc.on_budget_exceeded(fa::budget_policy::custom, [&budgets](const fa::budget_event& e) {
        budgets += e.exceeded ? 1 : 0;
        return true;
    });
    alloc.begin_frame();
    CHECK(alloc.frame_alloc_bytes(100'000) != nullptr);
    alloc.end_frame();
    alloc.lifecycle().disable();
    CHECK(events == 1);
    CHECK(budgets >= 1);
    CHECK(asked == 0);
}

TEST_CASE("a callback copies what is small, refers to what has a name, and refuses the rest") {
    using handler = fa::callback<int(int)>;
    int calls = 0;
    handler h = [&calls, add = 5](int n) {
        ++calls;
        return n + add;
    };
    const handler copy = h;
    h = nullptr;
    CHECK(!h);
    CHECK(copy(1) == 6);
    auto named = [n = 0](int by) mutable { return n += by; };
    h = named;
    CHECK(h(2) + h(2) == 6);
    CHECK(named(0) == 4);
    h = [n = 0](int by) mutable { return n += by; };  // its own
    handler other = h;
    CHECK(h(2) + h(2) == 6);
    CHECK(other(2) == 2);
    struct counter {
        int* n;
        int operator()(int by) const { return *n += by; }
    };
    const counter c{&calls};
    h = c;
    CHECK(h(10) == 11);
    h = counter{&calls};
    CHECK(h(10) == 21);
    int (*nothing)(int) = nullptr;
    h = nothing;
    CHECK(!h);
    static_assert(!std::is_convertible_v<decltype([s = std::string()](int n) { return n; }), handler>);
    static_assert(!std::is_convertible_v<decltype([a = 1LL, b = 2LL, c = 3LL, d = 4LL](int n) {
                                             return n + static_cast<int>(a + b + c + d);
                                         }),
                                         handler>);
    static_assert(!std::is_convertible_v<decltype([p = std::unique_ptr<int>()](int n) { return n; }), handler>);
    static_assert(std::is_trivially_copyable_v<handler> && sizeof(handler) == 4 * sizeof(void*));
}

namespace {

inline constexpr fa::tag physics{"physics"}, solver{physics, "solver"};
constexpr fa::tag copied = solver;
static_assert(copied == solver && copied != physics && copied.hash() == solver.hash() && physics < solver);

}  // namespace

FOR_EACH_POLICY("tags are values: copied, assigned, compared, keys of maps, and charged as one") {
    fa::tag local{"physics"}, below{local, "solver"};
    CHECK(local == physics);
    CHECK(below == solver);
    CHECK(below != fa::tag("solver"));
    CHECK((fa::tag("a") <=> fa::tag("b")) == std::strong_ordering::less);
    CHECK(fa::tag("") < fa::tag("a"));
    std::map<fa::tag, int> ordered{{physics, 1}, {solver, 2}};
    std::unordered_map<fa::tag, int> hashed{{physics, 1}, {solver, 2}};
    CHECK(ordered.at(below) == 2);
    CHECK(hashed.at(local) == 1);
    std::swap(local, below);
    CHECK(local.name() == std::string("solver"));
    local = physics;
    CHECK(local == physics);

    fa::basic_smart_alloc<P> alloc;
    const fa::tag copy = solver;
    void* a = alloc.with_tag(solver, [&] { return alloc.pool_alloc_bytes(64); });
    void* b = alloc.with_tag(copy, [&] { return alloc.pool_alloc_bytes(64); });
    fa::tag assigned{"elsewhere"};
    static_cast<void>(alloc.with_tag(assigned, [&] { return alloc.tag_path().size(); }));
    assigned = copy;
    void* c = alloc.with_tag(assigned, [&] { return alloc.pool_alloc_bytes(64); });
    CHECK(alloc.tag_stats("physics::solver").pool_bytes == 192);
    for (void* p : {a, b, c}) alloc.pool_free_bytes(p, 64);
}

FOR_EACH_POLICY("alloc_n comes apart into references, and is a span") {
    fa::basic_smart_alloc<P> alloc;
    const auto frame = alloc.frame_scope();
    struct vertex {
        float x, y;
    };
    auto [from, to] = frame.template alloc_n<vertex, 2>();
    static_assert(std::is_same_v<decltype((from)), vertex&>);
    from = {1, 2};
    to = {3, 4};
    CHECK(&from + 1 == &to);
    auto three = alloc.template frame_alloc_n<int, 3>();
    auto& [x, y, z] = three;
    x = 3;
    y = 1;
    z = 2;
    std::ranges::sort(three);
    CHECK((three[0] == 1 && three[1] == 2 && three[2] == 3));
    const std::span<int, 3> fixed = three;
    const std::span<const int> any = three;
    CHECK(fixed.data() == any.data());
    const std::span<int, 2> taken = frame.template alloc_n<int, 2>();
    CHECK(taken.size() == 2);
    const auto sum = []<class T, std::size_t N>(std::span<T, N> s) { return s[0] + static_cast<T>(N); };
    CHECK(sum(three) == 4);
    CHECK(std::as_bytes(three).size() == 12);
    static_assert(std::ranges::view<fa::fixed_span<int, 2>> && std::ranges::borrowed_range<fa::fixed_span<int, 2>>);
}

FOR_EACH_POLICY("statistics print to any stream, and into a buffer of any size") {
    fa::basic_smart_alloc<P> alloc{{.name = "printed"}};
    alloc.begin_frame();
    alloc.begin_phase("render");
    alloc.with_tag("physics", [&] { static_cast<void>(alloc.frame_alloc_bytes(1000)); });
    alloc.end_phase();
    alloc.end_frame();
    const auto box = alloc.template pool_box<int>(1);
    const auto text = [](const auto& s) {
        std::ostringstream out;
        out << s << '.';
        CHECK(out.str().size() > 10);
        return out.str();
    };
    CHECK(text(alloc.stats()).find("16 bytes in use (frame 0, pool 16, heap 0)") == 0);
    CHECK(text(alloc.frame_stats()).find("frame 1: 1000 bytes allocated") == 0);
    CHECK(text(alloc.tag_stats("physics")).find("1000 in the last frame; with children 0 bytes") != std::string::npos);
    CHECK(text(alloc.phase_stats().front()).find("phase \"render\": 1000 bytes") == 0);
    CHECK(text(alloc.transfers()) == "0 transfers of 0 bytes: 0 received, 0 dropped, 0 in transit.");
    CHECK(text(alloc.deferred()).find("0 blocks queued") == 0);
    CHECK(text(alloc.thread_budget()).find("frame 0 of 0 bytes") == 0);
    CHECK(text(fa::budget_stats{1, 2, 3, 4, 5, 6, 7}) ==
          "frame 1 of 2 bytes, pool 3 of 4 bytes (a budget of 0: none); exceeded 5 and 6 times, 7 warnings.");
    constexpr std::size_t most = ~std::size_t{0};
    CHECK(
        text(fa::budget_stats{most, most, most, most, most, most, most})
            .ends_with("exceeded 18446744073709551615 and 18446744073709551615 times, 18446744073709551615 warnings."));
    CHECK(text(alloc.lifecycle().thread_stats()).find("thread ") == 0);
    CHECK(text(alloc.lifecycle().summary()).find("0 threads") == 0);
    CHECK(text(fa::describe(box.get())).find("allocator \"printed\": pool memory, in use") == 0);
    const std::string whole = text(alloc.stats());
    for (std::size_t n = 0; n < whole.size(); ++n) {
        std::string buffer(n, '?');
        const std::string_view part = fa::to_text(alloc.stats(), buffer);
        CHECK(part.size() == (n == 0 ? 0 : n - 1));
        CHECK(whole.starts_with(part));
    }
}
