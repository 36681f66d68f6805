// Frames: allocations in them, and whole ones.
#include "frame_sources.hpp"

#include <cstring>

namespace bench {

namespace {

constexpr std::size_t frames_a_pass = 100;

enum class place { outermost, inner };

// `Frames` frames of `Allocations` blocks of N bytes; touched: the first word of each is written.
template <class S, std::size_t Frames, std::size_t Allocations, std::size_t N, bool Touched, place Where>
class frames final : public runner {
public:
    frames() = default;
    frames(const functions& f)
        requires std::is_constructible_v<S, const functions&>
        : source_(f) {}
    double pass() override {
        if constexpr (S::is_ours && Where == place::inner) {
            const auto outer = ours().frame_scope();
            turn();
        } else {
            turn();
        }
        return Frames * Allocations * N;
    }

private:
    [[gnu::noinline]] void turn() {
        for (std::size_t i = 0; i < Frames; ++i) {
            auto frame = source_.open();
            for (std::size_t k = 0; k < Allocations; ++k) {
                void* p = frame.template allocate<N>();
                keep(p);
                if constexpr (Touched) *static_cast<std::uint64_t*>(p) = k;
            }
            fence();
        }
    }
    S source_{};
};

template <std::size_t Frames, std::size_t Allocations, std::size_t N, bool Touched>
contestant bumpalo_frames(const std::string& against = ours_name) {
    const bumpalo& b = the_bumpalo();
    if (!b.missing.empty()) return not_here("bumpalo", b.missing);
    contestant c{.name = "bumpalo", .against = against};
    c.make = [f = b.frames] { return run([f] { return f(Frames, Allocations, N, Touched ? 1 : 0); }); };
    return c;
}

contestant also(contestant c, const char* against) {
    c.against = against;
    return c;
}

constexpr const char* calls_name = "framealloc, begin_frame";
constexpr const char* pointer_name = "framealloc, by pointer";

template <std::size_t Frames, std::size_t Allocations, std::size_t N, bool Touched, place Where>
void add(workloads& all, const char* name, const std::string& sentence, std::vector<gate> gates, bool per_frame) {
    workload w{.group = "frames", .name = name, .sentence = sentence};
    w.operations = static_cast<double>(per_frame ? Frames : Frames * Allocations);
    const auto with = [](auto source, const char* contestant_name, const char* against = ours_name) {
        using W = frames<decltype(source), Frames, Allocations, N, Touched, Where>;
        return also(entry<W>(contestant_name), against);
    };
    w.contestants = {with(our_scopes{}, ours_name),
                     with(our_calls{}, calls_name),
                     with(our_pointers{}, pointer_name),
                     with(hand_stack{}, "by hand"),
                     with(hand_pointers{}, "by hand, by pointer", pointer_name),
                     with(monotonic{}, "pmr::monotonic")};
#if FRAMEALLOC_BENCH_FOONATHAN
    w.contestants.push_back(with(foonathan_stack{}, "foonathan"));
#else
    w.contestants.push_back(not_here("foonathan", "install libfoonathan-memory-dev"));
#endif
    w.contestants.push_back(bumpalo_frames<Frames, Allocations, N, Touched>());
    static_assert(Allocations <= 100'000, "the array of malloc_frames");
    if constexpr (Allocations != 0) add_mallocs<frames<malloc_frames, Frames, Allocations, N, Touched, Where>>(w);
    w.gates = std::move(gates);
    all.push_back(std::move(w));
}

}  // namespace

void add_frames(workloads& all) {
    add<frames_a_pass, 1000, 64, false, place::outermost>(
        all, "bump 64 B", "Frames of 1,000 blocks of 64 bytes that nobody writes to; time of one block.",
        {{"by hand", 1.15}, {"pmr::monotonic", 0.40}, {"foonathan", 0.50}, {"bumpalo", 0.75}}, false);
    add<frames_a_pass, 1000, 64, true, place::outermost>(
        all, "bump 64 B, written", "Frames of 1,000 blocks of 64 bytes, a word of each written; time of one block.",
        {{"by hand", 1.30},
         {"pmr::monotonic", 0.50},
         {"foonathan", 0.60},
         {"bumpalo", 0.85},
         {"mimalloc", 0.15},
         {"rpmalloc", 0.20},
         {"glibc", 0.06}},
        false);
    add<1000, 0, 64, false, place::inner>(all, "inner frame, empty",
                                          "A frame inside another begins and ends; time of one frame.",
                                          {{"bumpalo", 1.1}}, true);
    add<1000, 1, 64, false, place::inner>(
        all, "inner frame, 1 block",
        "A frame inside another begins, hands out 64 bytes and ends; time of one frame. bumpalo and the monotonic "
        "resource, which know no frames in frames, are reset.",
        row("inner frame + 1 alloc", {{"bumpalo", 4.0}, {"foonathan", 2.0}, {"pmr::monotonic", 2.0}}), true);
    add<frames_a_pass, 10, 64, false, place::inner>(
        all, "inner frame, 10 blocks",
        "A frame inside another begins, hands out ten times 64 bytes and ends; time of one frame.", {}, true);
    add<1000, 1, 64, false, place::outermost>(
        all, "frame, 1 block", "An outermost frame begins, hands out 64 bytes and ends; time of one frame.", {}, true);
    add<frames_a_pass, 10, 64, false, place::outermost>(
        all, "frame, 10 blocks", "An outermost frame begins, hands out ten times 64 bytes and ends; time of one frame.",
        row("outermost frame with 10 allocs", {{"pmr::monotonic", 1.2}}), true);
    add<frames_a_pass, 100, 64, false, place::outermost>(
        all, "frame, 100 blocks",
        "An outermost frame begins, hands out a hundred times 64 bytes and ends; time of one frame.",
        row("outermost frame with 100 allocs", {{"pmr::monotonic", 0.5}}), true);
    add_virtual_frames(all);
}

}  // namespace bench
