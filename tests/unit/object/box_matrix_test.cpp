// Every kind of box, array and transfer x every kind of element, with a throw at each step of an element: nothing
// leaks, nothing is destroyed twice, no finaliser stays behind, and the memory is what it was before.
#include <doctest/doctest.h>

#include "support/elements.hpp"
#include "support/recorder.hpp"

using namespace test;

namespace {

struct tally {
    std::size_t cells = 0, runs = 0, throws = 0;
    std::vector<std::string> problems{};
};

template <class P>
struct world {
    recorder heard;
    fa::basic_smart_alloc<P> alloc{heard.options({.frame_capacity = 65536})};
};

// Any operation: its runner is compiled once per policy, not once per operation, which took minutes.
template <class P>
class any_operation {
public:
    template <class Operation>
    any_operation(const Operation& o)
        : operation_(&o),
          call_([](const void* op, const fa::basic_smart_alloc<P>& a, const fa::basic_frame_scope<P>& f) {
              (*static_cast<const Operation*>(op))(a, f);
          }) {}
    void operator()(const fa::basic_smart_alloc<P>& a, const fa::basic_frame_scope<P>& f) const {
        call_(operation_, a, f);
    }

private:
    const void* operation_;
    void (*call_)(const void*, const fa::basic_smart_alloc<P>&, const fa::basic_frame_scope<P>&);
};

// "pool_box by move", composed only when there is something to report.
struct cell_name {
    const char* kind;
    const char* how = "";
    std::size_t n = 0;
    const char* more = "";
    std::string text() const { return std::string(kind) + how + (n == 0 ? "" : std::to_string(n)) + more; }
};

// One operation, run until it does not throw. `frame_keeps`: it leaves elements to the frame, which ends afterwards.
template <class P>
void try_operation(world<P>& w, const cell_name& name, tally& t, std::type_identity_t<any_operation<P>> operation,
                   bool frame_keeps = false) {
    ++t.cells;
    for (int k = 1, done = 0; done == 0; ++k) {
        const std::size_t alive = element_watch::live.size();
        const int mistakes = element_watch::mistakes;
        const auto problem = [&](const std::string& what) {
            t.problems.push_back(name.text() + ", throw " + std::to_string(k) + ": " + what);
        };
        {
            const auto frame = w.alloc.frame_scope();
            bool threw = false;
            element_watch::fuse = k;
            try {
                operation(w.alloc, frame);
                done = 1;
            } catch (const thrown&) { threw = true; }
            element_watch::fuse = 0;
            ++t.runs;
            t.throws += threw ? 1 : 0;
            if (threw && !frame_keeps && element_watch::live.size() != alive)
                problem(std::to_string(element_watch::live.size() - alive) + " elements left while the frame is open");
            const auto s = w.alloc.stats();
            if (s.pool_allocated + s.heap_allocated != 0) problem("pool or heap memory leaked");
            if (w.alloc.transfers().in_flight() != 0) problem("a transfer is still on its way");
        }
        if (element_watch::live.size() != alive)
            problem(std::to_string(element_watch::live.size() - alive) + " elements leaked");
        if (element_watch::mistakes != mistakes) problem("elements destroyed twice, or where none lived");
        if (w.alloc.stats().total_allocated != 0) problem("memory leaked");
        if (!w.heard.faults.empty()) problem("faults were raised");
        element_watch::live.clear();
        w.heard.faults.clear();
        if (t.problems.size() > 5) return;
    }
}

template <class T>
void expect(const T& x, int n) {
    if (number_of(x) != n) ++element_watch::mistakes;
}

template <class T>
inline constexpr bool from_int = std::is_arithmetic_v<T> || requires(const T& x) { x.number(); };

// `make` and `try_make` of one kind of box: in place, by move, by copy, deduced, and the value moved out again.
template <class T, class P, class Make>
void try_box(world<P>& w, const char* kind, tally& t, Make make) {
    const auto own = [](auto&& box) { return std::move(box); };
    if constexpr (from_int<T>)
        try_operation(w, {kind, " in place"}, t,
                      [&](const auto& a, const auto& f) { expect(*own(make.template operator()<T>(a, f, 7)), 7); });
    if constexpr (std::is_default_constructible_v<T>)
        try_operation(w, {kind, " of nothing"}, t,
                      [&](const auto& a, const auto& f) { static_cast<void>(own(make.template operator()<T>(a, f))); });
    try_operation(w, {kind, " by move"}, t, [&](const auto& a, const auto& f) {
        T value = test::make<T>(8);
        auto box = make.template operator()<T>(a, f, std::move(value));
        expect(*box, 8);
        auto moved = std::move(box);
        expect(*moved, 8);
    });
    if constexpr (std::is_copy_constructible_v<T>)
        try_operation(w, {kind, " by copy"}, t, [&](const auto& a, const auto& f) {
            const T value = test::make<T>(9);
            auto box = make.template operator()<T>(a, f, value);
            expect(*box, 9);
            expect(value, 9);
        });
    try_operation(w, {kind, ", two of them, assigned"}, t, [&](const auto& a, const auto& f) {
        auto x = make.template operator()<T>(a, f, test::make<T>(1));
        auto y = make.template operator()<T>(a, f, test::make<T>(2));
        x = std::move(y);
        expect(*x, 2);
        y = make.template operator()<T>(a, f, test::make<T>(3));
        swap(x, y);
        expect(*x, 3);
    });
    if constexpr (requires {
                      make.template operator()<T>(w.alloc, w.alloc.frame_scope(), test::make<T>(1)).into_inner();
                  })
        try_operation(w, {kind, ", moved out"}, t, [&](const auto& a, const auto& f) {
            expect(make.template operator()<T>(a, f, test::make<T>(6)).into_inner(), 6);
        });
}

template <class T, class P, class Make>
void try_array(world<P>& w, const char* kind, tally& t, Make make) {
    if constexpr (std::is_default_constructible_v<T>) {
        for (const std::size_t n : {std::size_t{1}, std::size_t{5}, std::size_t{40}}) {
            try_operation(w, {kind, " of ", n}, t, [&](const auto& a, const auto& f) {
                auto some = make.template operator()<T>(a, f, n);
                if (some.size() != n) ++element_watch::mistakes;
                for (const T& x : some) expect(x, 0);
            });
            try_operation(w, {kind, " of ", n, " and another"}, t, [&](const auto& a, const auto& f) {
                auto some = make.template operator()<T>(a, f, n);
                auto more = make.template operator()<T>(a, f, n + 1);
                std::swap(some, more);
                if (some.size() != n + 1) ++element_watch::mistakes;
            });
        }
    }
}

template <class T, class P>
void try_transfers(world<P>& w, tally& t) {
    try_box<T>(w, "received transfer", t, []<class U>(const auto& a, const auto&, auto&&... args) {
        return a.template frame_box_for_transfer<U>(std::forward<decltype(args)>(args)...).receive();
    });
    try_box<T>(w, "tried transfer", t, []<class U>(const auto& a, const auto&, auto&&... args) {
        return a.template try_frame_box_for_transfer<U>(std::forward<decltype(args)>(args)...).receive();
    });
    try_operation(w, {"transfer of a frame box"}, t, [](const auto& a, const auto&) {
        auto box = a.template frame_box<T>(test::make<T>(4));
        try {
            auto h = a.frame_box_for_transfer(std::move(box));
            expect(*std::move(h).receive(), 4);
        } catch (const thrown&) {
            element_watch::fuse = 0;
            if (box == nullptr) ++element_watch::mistakes;  // it still has what it had
            throw;
        }
        if (box != nullptr) ++element_watch::mistakes;
    });
    try_operation(w, {"dropped transfer"}, t, [](const auto& a, const auto&) {
        auto h = a.template frame_box_for_transfer<T>(test::make<T>(4));
        h = a.template frame_box_for_transfer<T>(test::make<T>(5));
    });
    try_array<T>(w, "received span", t, []<class U>(const auto& a, const auto&, std::size_t n) {
        return a.template frame_span_for_transfer<U>(n).receive();
    });
}

// Objects that only the frame destroys.
template <class T, class P>
void try_frame_objects(world<P>& w, tally& t) {
    try_operation(
        w, {"objects of the frame"}, t,
        [](const auto& a, const auto& f) {
            expect(*f.template make<T>(test::make<T>(1)), 1);
            expect(*a.template frame_make<T>(test::make<T>(2)), 2);
            const auto inner = a.frame_scope();
            expect(*f.template try_make<T>(test::make<T>(3)), 3);  // out of line
            expect(*f.template box<T>(test::make<T>(4)), 4);
            static_cast<void>(f.template box<T>(test::make<T>(5)).release());
        },
        true);
    if constexpr (std::is_default_constructible_v<T>) {
        try_operation(
            w, {"slices of the frame"}, t,
            [](const auto& a, const auto& f) {
                for (const T& x : f.template slice<T>(5)) expect(x, 0);
                for (const T& x : a.template frame_slice<T>(4)) expect(x, 0);
                for (const T& x : a.template try_frame_slice<T>(3)) expect(x, 0);
            },
            true);
    }
}

template <class T, class P>
void try_everything(world<P>& w, tally& t) {
    try_box<T>(w, "frame_box", t, []<class U>(const auto&, const auto& f, auto&&... args) {
        return f.template box<U>(std::forward<decltype(args)>(args)...);
    });
    try_box<T>(w, "tried frame_box", t, []<class U>(const auto& a, const auto&, auto&&... args) {
        return a.template try_frame_box<U>(std::forward<decltype(args)>(args)...);
    });
    try_box<T>(w, "pool_box", t, []<class U>(const auto& a, const auto&, auto&&... args) {
        return a.template pool_box<U>(std::forward<decltype(args)>(args)...);
    });
    try_box<T>(w, "heap_box", t, []<class U>(const auto& a, const auto&, auto&&... args) {
        return a.template heap_box<U>(std::forward<decltype(args)>(args)...);
    });
    try_box<T>(w, "pool_shared", t, []<class U>(const auto& a, const auto&, auto&&... args) {
        return a.template pool_shared<U>(std::forward<decltype(args)>(args)...);
    });
    try_box<T>(w, "pool_box become shared", t, []<class U>(const auto& a, const auto&, auto&&... args) {
        return fa::basic_pool_shared<U, P>(a.template pool_box<U>(std::forward<decltype(args)>(args)...));
    });
    try_array<T>(w, "frame array", t,
                 []<class U>(const auto&, const auto& f, std::size_t n) { return f.template box<U[]>(n); });
    try_array<T>(w, "pool array", t,
                 []<class U>(const auto& a, const auto&, std::size_t n) { return a.template pool_box<U[]>(n); });
    try_array<T>(w, "heap array", t,
                 []<class U>(const auto& a, const auto&, std::size_t n) { return a.template try_heap_box<U[]>(n); });
    try_transfers<T>(w, t);
    try_frame_objects<T>(w, t);
}

}  // namespace

TEST_CASE_TEMPLATE("a throw at any step leaves nothing of a box, an array or a transfer behind", P,
                   fa::policy::standard, fa::policy::debug) {
    tally t;
    std::size_t elements = 0;
    for_each_element([&]<class T>() {
        world<P> w;
        tally one;
        try_everything<T>(w, one);
        ++elements;
        for (const std::string& p : one.problems) FAIL_CHECK("element " << elements << ": " << p);
        t.cells += one.cells;
        t.runs += one.runs;
        t.throws += one.throws;
    });
    CHECK(t.throws > 1000);
    MESSAGE("matrix: " << std::string(P::checks ? "boxes, debug" : "boxes") << " x " << elements
                       << " elements = " << t.cells << " cells, " << t.runs << " runs, " << t.throws << " throws");
}
