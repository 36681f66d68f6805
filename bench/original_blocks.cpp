// Pool and heap blocks, and containers, of the original's benchmarks. A pass is a thousand iterations of those that are
// short.
#include <array>

#include "original.hpp"

namespace bench {

namespace {

constexpr int turns = 1000;

template <class Body>
contestant repeated(const char* name, Body body) {
    return {.name = name, .make = [body] {
                return run([body] {
                    for (int i = 0; i < turns; ++i) body();
                    return turns;
                });
            }};
}
// The whole iteration behind a pointer that is read again for each.
contestant repeated_by_pointer(std::string name, void (*iteration)()) {
    return {.name = std::move(name), .make = [iteration] {
                return run([iteration] {
                    void (*volatile p)() = iteration;
                    for (int i = 0; i < turns; ++i) p();
                    return turns;
                });
            }};
}
// For each malloc: body(functions).
template <class Body>
void repeated_mallocs(workload& w, Body body) {
    for (const malloc_rival& r : malloc_rivals()) {
        contestant c{.name = r.name, .missing = r.missing};
        if (r.missing.empty()) c.make = repeated("", [f = r.calls, body] { body(f); }).make;
        w.contestants.push_back(std::move(c));
    }
}
workload named(const char* name, const char* sentence) {
    return {.group = "original", .name = name, .sentence = sentence, .operations = turns};
}

template <std::size_t N>
void pair_of(const functions& f) {
    f.free(hide(f.allocate(N)));
}

void add_pool_blocks(workloads& all) {
    workload w = named("pool_alloc_free_u64", "A pool block of 8 bytes is allocated and freed.");
    w.contestants = {
        repeated(ours_name,
                 [] { ours().pool_free(static_cast<std::uint64_t*>(hide(ours().pool_alloc<std::uint64_t>()))); }),
        repeated(pointer_name, [p = by_pointer<our_pool>{}] { p.free<8>(hide(p.allocate<8>())); })};
    repeated_mallocs(w, pair_of<8>);
    all.push_back(std::move(w));

    w = named("pool_box_u64", "A pool box of a u64 is made and dropped.");
    const auto boxed = [] { keep(ours().pool_box<std::uint64_t>(42U).get()); };
    w.contestants = {repeated(ours_name, boxed), repeated_by_pointer(pointer_name, boxed),
                     repeated("std::unique_ptr", [] { keep(std::make_unique<std::uint64_t>(42U).get()); })};
    all.push_back(std::move(w));

    w = named("pool_alloc_100x_then_free", "A hundred pool blocks of 8 bytes are allocated, then freed in order.");
    const auto hundred = [](const auto& source) {
        std::array<void*, 100> held;
        for (void*& p : held) keep(p = source.template allocate<8>());
        for (void* p : held) source.template free<8>(p);
    };
    w.contestants = {repeated(ours_name, [hundred, pool = our_pool{}] { hundred(pool); }),
                     repeated(pointer_name, [hundred, p = by_pointer<our_pool>{}] { hundred(p); })};
    repeated_mallocs(w, [hundred](const functions& f) { hundred(by_malloc(f)); });
    all.push_back(std::move(w));
}

void add_heap_blocks(workloads& all) {
    workload w = named("heap_alloc_free_8kb", "A heap block of 8,192 bytes is allocated and freed.");
    w.contestants = {repeated(ours_name, [heap = our_heap{}] { heap.free<8192>(hide(heap.allocate<8192>())); }),
                     repeated(pointer_name, [p = by_pointer<our_heap>{}] { p.free<8192>(hide(p.allocate<8192>())); })};
    repeated_mallocs(w, pair_of<8192>);
    all.push_back(std::move(w));

    struct zeroes {
        char bytes[8192];
    };
    w = named("heap_box_8kb", "A heap box of 8,192 zeroes is made and dropped.");
    const auto boxed = [] { keep(ours().heap_box<zeroes>().get()); };
    w.contestants = {repeated(ours_name, boxed), repeated_by_pointer(pointer_name, boxed),
                     repeated("std::unique_ptr", [] { keep(std::make_unique<zeroes>().get()); })};
    repeated_mallocs(w, [](const functions& f) {
        void* p = f.allocate(8192);
        std::memset(p, 0, 8192);
        f.free(hide(p));
    });
    all.push_back(std::move(w));
}

// begin, one allocation, end.
void add_fallible(workloads& all) {
    using object = bytes_of<64, 1>;
    workload w = named("fallible_vs_regular",
                       "A frame with one block of 64 bytes: from frame_alloc, and from its try_ twin.");
    const auto regular = [] {
        ours().begin_frame();
        keep(ours().frame_alloc<object>());
        ours().end_frame();
    };
    const auto fallible = [] {
        ours().begin_frame();
        keep(ours().try_frame_alloc<object>());
        ours().end_frame();
    };
    w.contestants = {repeated(ours_name, regular), repeated_by_pointer(pointer_name, regular),
                     repeated("framealloc, try_frame_alloc", fallible),
                     repeated_by_pointer("framealloc, try_frame_alloc, by pointer", fallible)};
    all.push_back(std::move(w));
}

void add_boxes(workloads& all) {
    workload w = named("frame_box_u64_1000x", "A frame of 1,000 boxes of a u64.");
    w.operations = 1;
    const auto thousand = [](auto body) {
        return [body] {
            return run([body] {
                body();
                return 1000;
            });
        };
    };
    const auto vector_of = [](auto add_to) {
        std::vector<std::unique_ptr<std::uint64_t>> v;
        v.reserve(1000);
        for (std::uint64_t i = 0; i < 1000; ++i) add_to(v, i);
        keep(v.data());
    };
    w.contestants = {{.name = ours_name, .make = thousand([] {
                                             const auto frame = ours().frame_scope();
                                             for (std::uint64_t i = 0; i < 1000; ++i)
                                                 keep(frame.box<std::uint64_t>(i).get());
                                         })},
                     {.name = pointer_name, .make = thousand([] {
                                                const auto frame = ours().frame_scope();
                                                static void (*volatile box)(const fa::frame_scope&, std::uint64_t) =
                                                    [](const fa::frame_scope& f, std::uint64_t i) {
                                                        keep(f.box<std::uint64_t>(i).get());
                                                    };
                                                for (std::uint64_t i = 0; i < 1000; ++i) box(frame, i);
                                            })},
                     {.name = "std::unique_ptr, in a reserved vector",
                      .make = thousand([vector_of] {
                          vector_of([](auto& v, std::uint64_t i) { v.push_back(std::make_unique<std::uint64_t>(i)); });
                      })}};
    all.push_back(w);

    w.name = "comparison_vs_std";
    w.sentence = "1,000 times 8 bytes: as blocks of a frame, as boxes in a reserved vector, pushed to a vector.";
    w.contestants.erase(w.contestants.begin(), w.contestants.begin() + 2);
    w.contestants.insert(w.contestants.begin(),
                         {.name = pointer_name, .make = thousand([p = our_pointers{}] {
                                                    const auto frame = p.open();
                                                    for (std::uint64_t i = 0; i < 1000; ++i) {
                                                        auto* q = static_cast<std::uint64_t*>(frame.allocate<8>());
                                                        *q = i;
                                                        keep(q);
                                                    }
                                                })});
    w.contestants.insert(w.contestants.begin(),
                         {.name = ours_name, .make = thousand([] {
                                                 ours().begin_frame();
                                                 for (std::uint64_t i = 0; i < 1000; ++i) {
                                                     auto* p = ours().frame_alloc<std::uint64_t>();
                                                     *p = i;
                                                     keep(p);
                                                 }
                                                 ours().end_frame();
                                             })});
    w.contestants.push_back({.name = "std::vector, push_back", .make = thousand([] {
                                                                   std::vector<std::uint64_t> v;
                                                                   for (std::uint64_t i = 0; i < 1000; ++i)
                                                                       v.push_back(i);
                                                                   keep(v.data());
                                                               })});
    w.contestants.push_back({.name = "framealloc, frame_vec", .make = thousand([] {
                                                                  const auto frame = ours().frame_scope();
                                                                  auto v = frame.vec<std::uint64_t>();
                                                                  for (std::uint64_t i = 0; i < 1000; ++i)
                                                                      v.push_back(i);
                                                                  keep(v.data());
                                                              })});
    all.push_back(std::move(w));
}

// What the original has and this library has not, so far: a row each, so that none is forgotten.
void add_missing(workloads& all) {
    for (const auto& [name, sentence, what] :
         {std::array{"handle_alloc_resolve_free", "A handle of a u64 is made, resolved and freed.", "handles"},
          {"handle_alloc_100x", "A hundred handles of a u64 are made, then freed.", "handles"},
          {"streaming_reserve_free_1mb", "1 MiB is reserved for streaming and freed.", "streaming"},
          {"group_alloc_100x_free_all", "A group of a hundred u64 is made and freed as one.", "groups"}}) {
        workload w = named(name, sentence);
        w.contestants = {not_here(ours_name, std::string(what) + ": not in this library yet")};
        all.push_back(std::move(w));
    }
}

}  // namespace

void add_original_blocks(workloads& all) {
    add_pool_blocks(all);
    add_heap_blocks(all);
    add_fallible(all);
    add_boxes(all);
    add_missing(all);
}

}  // namespace bench
