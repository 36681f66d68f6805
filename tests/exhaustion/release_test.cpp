// Freeing needs no memory: every kind of object, dropped by a thread that the allocator does not know and for whose
// tables there is no memory.
#include <doctest/doctest.h>

#include <array>
#include <functional>
#include <memory>
#include <memory_resource>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "support/recorder.hpp"
#include "support/test_pages.hpp"

using namespace test;

namespace {

template <class P>
using handle = fa::basic_smart_alloc<P>;

template <class P>
struct thing {
    const char* name;
    std::function<void()> (*make)(const handle<P>&);  // returns a function that drops it
};

// The object moves into the closure, which the dropping thread empties.
template <class T>
std::function<void()> holding(T object) {
    auto held = std::make_shared<std::optional<T>>(std::move(object));
    return [held] { held->reset(); };
}

template <class P>
const std::vector<thing<P>>& things() {
    using A = handle<P>;
    static const std::vector<thing<P>> all = {
        {"pool box",
         [](const A& a) {
             return holding(a.template pool_box<std::string>("a text that is too long for the small buffer"));
         }},
        {"pool box beyond the pages",
         [](const A& a) { return holding(a.template pool_box<std::array<char, 100'000>>()); }},
        {"heap box", [](const A& a) { return holding(a.template heap_box<int>(1)); }},
        {"heap box beyond the pages",
         [](const A& a) { return holding(a.template heap_box<std::array<char, 100'000>>()); }},
        {"box of a base class",
         [](const A& a) {
             struct base {
                 virtual ~base() = default;
             };
             struct large : base {
                 char bytes[100'000]{};
             };
             return holding(fa::basic_heap_box<base, P>(a.template heap_box<large>()));
         }},
        {"pool shared", [](const A& a) { return holding(a.template pool_shared<std::array<char, 500>>()); }},
        {"pool vec", [](const A& a) { return holding(a.template pool_vec<int>(100'000)); }},
        {"heap vec", [](const A& a) { return holding(a.template heap_vec<int>(1'000'000)); }},
        {"transfer", [](const A& a) { return holding(a.template frame_box_for_transfer<std::array<char, 5000>>()); }},
        {"transfer beyond the pages",
         [](const A& a) { return holding(a.template frame_span_for_transfer<int>(100'000)); }},
        {"pool bytes",
         [](const A& a) -> std::function<void()> {
             return [a, p = a.pool_alloc_bytes(3000)]() { a.pool_free_bytes(p, 3000); };
         }},
        {"heap bytes of a small block",
         [](const A& a) -> std::function<void()> {
             return [a, p = a.heap_alloc_bytes(48)]() { a.heap_free_bytes(p, 48); };
         }},
        {"heap bytes of a wide alignment",
         [](const A& a) -> std::function<void()> {
             return [a, p = a.heap_alloc_bytes(5000, 65536)]() { a.heap_free_bytes(p, 5000, 65536); };
         }},
        {"heap bytes of millions",
         [](const A& a) -> std::function<void()> {
             return [a, p = a.heap_alloc_bytes(3'000'000)]() { a.heap_free_bytes(p, 3'000'000); };
         }},
        {"pool resource", [](const A& a) { return holding(std::pmr::vector<int>(50'000, a.pool_resource())); }},
        {"heap resource", [](const A& a) { return holding(std::pmr::vector<int>(500'000, a.heap_resource())); }},
        {"handle", [](const A& a) { return holding(a); }},
    };
    return all;
}

template <class P>
void drop_everything(fa::options o) {
    for (const auto& t : things<P>()) {
        CAPTURE(t.name);
        recorder r;
        const handle<P> a{r.options(o)};
        const fa::tag_scope tag(a, "held");
        a.heap_free_bytes(a.heap_alloc_bytes(100'000), 100'000);  // the resources' and the tag's tables are there
        static_cast<void>(a.pool_resource());
        static_cast<void>(a.heap_resource());
        const auto before = a.stats();
        auto drop = t.make(a);
        fa::os::metadata& tables = a.owner().owner->meta;
        tables.refuse_after(0, true);
        std::thread([&] {
            CHECK(a.try_pool_alloc_bytes(16) == nullptr);  // there is no memory for a thread's tables
            drop();
        }).join();
        tables.serve_again();
        drop = {};
        const auto after = a.stats();
        CHECK(after.pool_allocated == before.pool_allocated);
        CHECK(after.heap_allocated == before.heap_allocated);
        CHECK(after.allocation_count - after.deallocation_count == before.allocation_count - before.deallocation_count);
        CHECK(a.tag_stats("held").with_children.total_bytes == 0);
        CHECK(r.faults.empty());
        CHECK(r.exhaustions.empty());
    }
}

}  // namespace

FOR_EACH_POLICY("what a thread without tables drops is freed and counted") {
    fa::options sampled, backend;
    sampled.guard_sample = 1;
    sampled.guard_seed = 11;
    backend.heap = std::pmr::new_delete_resource();
    for (const fa::options& o : {fa::options{}, sampled, backend}) {
        CAPTURE(o.guard_sample);
        CAPTURE(o.heap);
        drop_everything<P>(o);
    }
}

FOR_EACH_POLICY("what a thread without tables drops last ends the allocator") {
    for (const auto& t : things<P>()) {
        CAPTURE(t.name);
        test_pages source;
        recorder r;
        std::optional<handle<P>> a;
        a.emplace(r.options({.pages = &source}));
        auto drop = t.make(*a);
        fa::os::metadata& tables = a->owner().owner->meta;
        tables.refuse_after(0, true);
        a.reset();
        std::thread([&] {
            drop();
            drop = {};
        }).join();
        CHECK(source.live == 0);
    }
}
