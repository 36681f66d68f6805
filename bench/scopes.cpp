// What happens inside a frame: scopes with their work, checkpoints, other allocators.
#include "frame_sources.hpp"

#include <array>

namespace bench {

namespace {

constexpr fa::tag physics{"physics"}, audio{"audio"};
constexpr std::size_t turns = 100;

// One allocation by hand and a counter that it adds to: what a tag costs who keeps it himself.
struct hand_counted {
    hand_stack stack{};
    std::array<std::uint64_t, 2> bytes{};
};

template <std::size_t Allocations>
contestant tagged() {
    return {.name = ours_name, .make = [] {
                return run([] {
                    const auto frame = ours().frame_scope();
                    for (std::size_t i = 0; i < turns; ++i) {
                        const fa::tag_scope scope(ours(), physics);
                        for (std::size_t k = 0; k < Allocations; ++k) keep(frame.alloc<bytes_of<64>>());
                    }
                    return turns * Allocations;
                });
            }};
}
template <std::size_t Allocations>
contestant untagged() {
    return {.name = "framealloc, no tags", .make = [] {
                return run([] {
                    const auto frame = ours().frame_scope();
                    for (std::size_t i = 0; i < turns; ++i) {
                        fence();
                        for (std::size_t k = 0; k < Allocations; ++k) keep(frame.alloc<bytes_of<64>>());
                    }
                    return turns * Allocations;
                });
            }};
}
template <std::size_t Allocations>
contestant counted_by_hand() {
    return {.name = "by hand, a counter", .make = [] {
                return run([h = hand_counted{}]() mutable {
                    auto frame = h.stack.open();
                    for (std::size_t i = 0; i < turns; ++i) {
                        for (std::size_t k = 0; k < Allocations; ++k) {
                            keep(frame.allocate<64>());
                            h.bytes[i & 1] += 64;
                            fence();
                        }
                    }
                    return turns * Allocations;
                });
            }};
}

template <std::size_t Allocations>
void add_tags(workloads& all, const char* name, const char* sentence) {
    workload w{.group = "scopes", .name = name, .sentence = sentence, .operations = turns};
    w.contestants = {tagged<Allocations>(), untagged<Allocations>(), counted_by_hand<Allocations>()};
    all.push_back(std::move(w));
}

template <class Guarded>
contestant pooled(const char* name, Guarded guarded) {
    return {.name = name, .make = [guarded] {
                return run([guarded] {
                    for (std::size_t i = 0; i < turns; ++i) guarded(i);
                    return turns * 128;
                });
            }};
}
void pool_pair() { ours().pool_free(static_cast<bytes_of<64>*>(hide(ours().pool_alloc<bytes_of<64>>()))); }

void add_pool_in_tags(workloads& all) {
    workload w{
        .group = "scopes",
        .name = "two tags, pool pair",
        .sentence = "Two tag scopes in turns, a pool block of 64 bytes allocated and freed in each; time of one.",
        .operations = turns};
    w.contestants = {pooled(ours_name,
                            [](std::size_t i) {
                                const fa::tag_scope scope(ours(), (i & 1) != 0 ? physics : audio);
                                pool_pair();
                            }),
                     pooled("framealloc, no tags", [](std::size_t) { pool_pair(); })};
    all.push_back(std::move(w));
}

// A mark, work, and back to the mark.
template <class S>
contestant rolled_back(const char* name) {
    return {.name = name, .make = [] {
                return run([s = S{}] {
                    for (std::size_t i = 0; i < turns; ++i) {
                        auto frame = s.open();
                        for (int k = 0; k < 10; ++k) keep(frame.template allocate<64>());
                    }
                    return turns * 10;
                });
            }};
}
void add_checkpoints(workloads& all) {
    workload w{.group = "scopes",
               .name = "checkpoint, 10 blocks",
               .sentence = "A checkpoint is taken, ten blocks of 64 bytes allocated and rolled back; time of all.",
               .operations = turns};
    w.contestants = {{.name = ours_name,
                      .make =
                          [] {
                              return run([] {
                                  const auto frame = ours().frame_scope();
                                  for (std::size_t i = 0; i < turns; ++i) {
                                      const fa::frame_checkpoint mark = ours().frame_checkpoint();
                                      for (int k = 0; k < 10; ++k) keep(frame.alloc<bytes_of<64>>());
                                      ours().rollback_to(mark);
                                  }
                                  return turns * 10;
                              });
                          }},
                     rolled_back<hand_stack>("by hand")};
#if FRAMEALLOC_BENCH_FOONATHAN
    w.contestants.push_back(rolled_back<foonathan_stack>("foonathan"));
#else
    w.contestants.push_back(not_here("foonathan", "install libfoonathan-memory-dev"));
#endif
    all.push_back(std::move(w));
}

// Eight allocators used in turns; the rivals' eight are resources of std::pmr.
contestant our_allocators() {
    return {.name = ours_name, .make = [] {
                return run([a = std::vector<fa::smart_alloc>(8)]() mutable {
                    for (const fa::smart_alloc& x : a) x.begin_frame();
                    for (std::size_t i = 0; i < turns; ++i) {
                        for (const fa::smart_alloc& x : a) keep(x.frame_alloc<bytes_of<64>>());
                    }
                    for (const fa::smart_alloc& x : a) x.end_frame();
                    return turns * 8;
                });
            }};
}
contestant monotonic_resources() {
    return {.name = "pmr::monotonic", .make = [] {
                std::vector<std::unique_ptr<known_monotonic>> r(8);
                for (std::size_t i = 0; i < r.size(); ++i)
                    r[i] = std::make_unique<known_monotonic>(scratch() + i * (1 << 20), 1 << 20);
                return run([r = std::move(r)] {
                    for (std::size_t i = 0; i < turns; ++i) {
                        for (const auto& x : r) keep(x->take(64, 8));
                    }
                    for (const auto& x : r) x->release();
                    return turns * 8;
                });
            }};
}
void add_allocators(workloads& all) {
    workload w{
        .group = "scopes",
        .name = "eight allocators",
        .sentence = "Eight allocators of one thread, with a frame each, hand out 64 bytes in turns; time of one block.",
        .operations = turns * 8};
    w.contestants = {our_allocators(), monotonic_resources()};
    all.push_back(std::move(w));
}

// A frame as programs have it: blocks, a pool pair, a tag, a frame inside.
void add_whole_frame(workloads& all) {
    workload w{
        .group = "scopes",
        .name = "a whole frame",
        .sentence =
            "A frame: ten times { two tags in turns, in it an inner frame of four blocks of 64 bytes, eight more "
            "blocks, a pool pair }; time of the frame. Without tags for those who have none.",
        .operations = turns};
    const auto whole = [](auto body) {
        return [body] {
            return run([body] {
                for (std::size_t i = 0; i < turns; ++i) body();
                return turns;
            });
        };
    };
    w.contestants.push_back({.name = ours_name, .make = whole([] {
                                                    const auto frame = ours().frame_scope();
                                                    for (int i = 0; i < 10; ++i) {
                                                        const fa::tag_scope scope(ours(),
                                                                                  (i & 1) != 0 ? physics : audio);
                                                        {
                                                            const auto inner = ours().frame_scope();
                                                            for (int k = 0; k < 4; ++k)
                                                                keep(inner.alloc<bytes_of<64>>());
                                                        }
                                                        for (int k = 0; k < 8; ++k) keep(frame.alloc<bytes_of<64>>());
                                                        pool_pair();
                                                    }
                                                })});
    for (const malloc_rival& r : malloc_rivals()) {
        contestant c{.name = r.name, .missing = r.missing};
        if (r.missing.empty()) {
            c.make = whole([f = r.calls] {
                std::array<void*, 80> outer;
                std::size_t n = 0;
                for (int i = 0; i < 10; ++i) {
                    std::array<void*, 4> inner;
                    for (void*& p : inner) keep(p = f.allocate(64));
                    for (void* p : inner) f.free(p);
                    for (int k = 0; k < 8; ++k) keep(outer[n++] = f.allocate(64));
                    f.free(hide(f.allocate(64)));
                }
                for (void* p : outer) f.free(p);
            });
        }
        w.contestants.push_back(std::move(c));
    }
    all.push_back(std::move(w));
}

}  // namespace

void add_scopes(workloads& all) {
    add_tags<1>(all, "tag scope, 1 block",
                "A tag scope inside a frame, 64 bytes of the frame in it; time of one scope.");
    add_tags<10>(all, "tag scope, 10 blocks",
                 "A tag scope inside a frame, ten times 64 bytes of the frame in it; time of one scope.");
    add_pool_in_tags(all);
    add_checkpoints(all);
    add_allocators(all);
    add_whole_frame(all);
}

}  // namespace bench
