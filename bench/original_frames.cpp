// Frames of the original's benchmarks. A pass is one iteration of them; time is that of an iteration.
#include "original.hpp"

namespace bench {

namespace {

// bumpalo twice: as the original has it, which makes an arena for each frame and fills blocks with zeroes that it
// leaves as they are in its own, beside ours filled; and doing what ours does, an arena that is reset.
struct in_bumpalo {
    std::function<double(int fill)> fresh, reset;
};
void add_bumpalo(workload& w, const in_bumpalo& passes, int fill) {
    const auto add = [&](const char* name, const auto& pass, int filled, const char* other) {
        const bumpalo& b = the_bumpalo();
        contestant c{.name = name, .missing = b.missing, .against = other};
        if (b.missing.empty()) c.make = [pass, filled] { return run([pass, filled] { return pass(filled); }); };
        w.contestants.push_back(std::move(c));
    };
    add("bumpalo, new and filled", passes.fresh, fill == not_filled ? 0 : fill,
        fill == not_filled ? filled_name : ours_name);
    add("bumpalo", passes.reset, fill, ours_name);
}
in_bumpalo blocks_in_bumpalo(std::size_t allocations, std::size_t bytes) {
    const bumpalo& b = the_bumpalo();
    return {[=, f = b.fresh](int fill) { return static_cast<double>(f(1, allocations, bytes, fill)); },
            [=, f = b.reset](int fill) { return static_cast<double>(f(1, allocations, bytes, fill)); }};
}
in_bumpalo blocks_in_bumpalo(mixed which) {
    const bumpalo& b = the_bumpalo();
    return {[=, f = b.fresh_mixed](int fill) { return static_cast<double>(f(1, which, fill)); },
            [=, f = b.reset_mixed](int fill) { return static_cast<double>(f(1, which, fill)); }};
}

// The original's frame is not filled: ours fills like its rivals under another name.
template <int Fill, class... Groups>
void add(workloads& all, const char* name, const std::string& sentence, const in_bumpalo& passes = {}) {
    workload w{.group = "original", .name = name, .sentence = sentence};
    w.contestants = {
        entry<original_frame<our_scopes, Fill, Groups...>>(ours_name),
        entry<original_frame<our_calls, Fill, Groups...>>(begun_name),
        entry<original_frame<our_pointers, Fill, Groups...>>(pointer_name),
        entry<original_frame<hand_stack, Fill, Groups...>>("by hand"),
        against(entry<original_frame<hand_pointers, Fill, Groups...>>("by hand, by pointer"), pointer_name),
        entry<original_frame<monotonic, Fill, Groups...>>("pmr::monotonic")};
    constexpr bool unequal = Fill == not_filled && sizeof...(Groups) != 0;
    if constexpr (unequal) w.contestants.push_back(entry<original_frame<our_scopes, 0, Groups...>>(filled_name));
    if (passes.fresh) add_bumpalo(w, passes, Fill);
    if constexpr (sizeof...(Groups) != 0) add_mallocs<original_frame<malloc_frames, Fill, Groups...>>(w);
    all.push_back(std::move(w));
}

// One frame for all iterations, as many as fit into 16 MiB; rivals allocate and free one by one.
template <std::size_t N>
class singles final : public runner {
public:
    static constexpr std::size_t count = (std::size_t{16} << 20) / N;
    explicit singles(int way) : way_(way) {}
    double pass() override {
        const auto frame = ours().frame_scope();
        if (way_ == 0) {
            for (std::size_t i = 0; i < count; ++i) keep(ours().frame_alloc<bytes_of<N, 1>>());
        } else if (way_ == 1) {
            for (std::size_t i = 0; i < count; ++i) keep(frame.alloc<bytes_of<N, 1>>());
        } else if (way_ == 2) {
            for (std::size_t i = 0; i < count; ++i) fill<N, 0>(frame.alloc<bytes_of<N, 1>>(), i);
        } else {
            for (std::size_t i = 0; i < count; ++i) keep(pointers_.allocate(N, 1));
        }
        return count * N;
    }

private:
    int way_;
    our_pointers pointers_{};
};
template <std::size_t N>
class single_mallocs final : public runner {
public:
    explicit single_mallocs(const functions& f) : f_(f) {}
    double pass() override {
        for (std::size_t i = 0; i < singles<N>::count; ++i) f_.free(hide(f_.allocate(N)));
        return singles<N>::count * N;
    }

private:
    functions f_;
};
template <std::size_t N>
class single_boxes final : public runner {
public:
    double pass() override {
        struct box {
            char bytes[N];
        };
        for (std::size_t i = 0; i < singles<N>::count; ++i) keep(std::make_unique<box>().get());
        return singles<N>::count * N;
    }
};
template <std::size_t N>
void add_single(workloads& all, const char* name) {
    workload w{.group = "original", .name = name};
    w.sentence = "One frame of 16 MiB hands out blocks of " + std::to_string(N) +
                 " bytes, alignment 1, that nobody writes to; the box's are filled with zeroes, a malloc's is freed at "
                 "once; time "
                 "of one block.";
    w.operations = singles<N>::count;
    w.contestants = {entry<singles<N>>(begun_name, 0), entry<singles<N>>(ours_name, 1),
                     entry<singles<N>>(filled_name, 2), entry<singles<N>>(pointer_name, 3),
                     against(entry<single_boxes<N>>("std::unique_ptr, zeroes"), filled_name)};
    add_bumpalo(w, blocks_in_bumpalo(singles<N>::count, N), not_filled);
    add_mallocs<single_mallocs<N>>(w);
    all.push_back(std::move(w));
}

volatile std::size_t count_of_batch = 1000;

void add_batches(workloads& all) {
    add<not_filled, blocks<100, 64>>(all, "batch_100x64B", "A frame of 100 blocks of 64 bytes.",
                                     blocks_in_bumpalo(100, 64));
    add<not_filled, blocks<1000, 64>>(all, "batch_1000x64B", "A frame of 1,000 blocks of 64 bytes.",
                                      blocks_in_bumpalo(1000, 64));
    add<not_filled, blocks<10'000, 64>>(all, "batch_10000x64B", "A frame of 10,000 blocks of 64 bytes.",
                                        blocks_in_bumpalo(10'000, 64));
    workload w{.group = "original", .name = "batch_vs_individual_1000x64B"};
    w.sentence = "A frame of 1,000 times 64 bytes: in one call, in 125 calls for eight each, one by one.";
    const auto whole = [](auto body) {
        return [body] {
            return run([body] {
                const auto frame = ours().frame_scope();
                body(frame);
                return 64'000;
            });
        };
    };
    using object = bytes_of<64, 1>;
    static void* (*volatile batch)(std::size_t) = [](std::size_t n) -> void* {
        return ours().frame_alloc_batch<object>(n).data();
    };
    static void* (*volatile eight)() = []() -> void* { return ours().frame_alloc_n<object, 8>().data(); };
    w.contestants = {
        {.name = "framealloc", .make = whole([](const auto& frame) {
                                   for (int i = 0; i < 1000; ++i) keep(frame.template alloc<object>());
                               })},
        {.name = "framealloc, one call",
         .make = whole([](const auto&) { keep(ours().frame_alloc_batch<object>(count_of_batch).data()); })},
        {.name = "framealloc, one call, by pointer", .make = whole([](const auto&) { keep(batch(count_of_batch)); })},
        {.name = "framealloc, eight a call", .make = whole([](const auto&) {
                                                 for (int i = 0; i < 125; ++i)
                                                     keep(ours().frame_alloc_n<object, 8>().data());
                                             })},
        {.name = "framealloc, eight a call, by pointer", .make = whole([](const auto&) {
                                                             for (int i = 0; i < 125; ++i) keep(eight());
                                                         })},
    };
    add_mallocs<original_frame<malloc_frames, not_filled, blocks<1000, 64>>>(w, "framealloc, one call");
    all.push_back(std::move(w));
}

void add_whole_workloads(workloads& all) {
    add<not_filled, blocks<500, 96>, blocks<100, 256>, blocks<200, 64>>(
        all, "workload_physics", "A frame of 500 times 96, 100 times 256 and 200 times 64 bytes.",
        blocks_in_bumpalo(mixed_physics));
    add<not_filled, blocks<50'000, 48>>(all, "workload_particles", "A frame of 50,000 blocks of 48 bytes.",
                                        blocks_in_bumpalo(50'000, 48));
    add<not_filled, blocks<2000, 24>, blocks<5000, 32>, blocks<500, 32>>(
        all, "workload_render", "A frame of 2,000 times 24 and 5,500 times 32 bytes.", blocks_in_bumpalo(mixed_render));
    add<with_number, blocks<1000, 256>>(all, "alloc_write_1000x256B",
                                        "A frame of 1,000 blocks of 256 bytes, each filled with its number.",
                                        blocks_in_bumpalo(1000, 256));
    add<not_filled, rounds_of<1000, 7, 16, 3, 64>>(all, "alignment_stress",
                                                   "A frame of 1,000 times 7, 16, 3 and 64 bytes, all of alignment 1.",
                                                   blocks_in_bumpalo(mixed_alignments));
    add<not_filled, blocks<1000, 8, 8>>(
        all, "frame_alloc_u64_1000x", "A frame of 1,000 blocks of 8 bytes, aligned to 8.", blocks_in_bumpalo(1000, 8));
    add<not_filled, blocks<100, 1024>>(all, "frame_alloc_1kb_100x", "A frame of 100 blocks of 1,024 bytes.",
                                       blocks_in_bumpalo(100, 1024));
    add<not_filled, blocks<100'000, 16>>(all, "stress_100k_tiny", "A frame of 100,000 blocks of 16 bytes.",
                                         blocks_in_bumpalo(100'000, 16));
    add<not_filled>(all, "frame_lifecycle empty", "A frame begins and ends.");
    add<not_filled, blocks<10, 64>>(all, "light_frame_10_allocs", "A frame of 10 blocks of 64 bytes.",
                                    blocks_in_bumpalo(10, 64));
}

// Threads that come for each iteration, with a frame of 10,000 blocks of 64 bytes each, and go.
template <class S>
contestant thread_frames(const char* name, int threads) {
    return {.name = name, .make = [=] {
                return run([=] {
                    std::vector<std::thread> all;
                    for (int t = 0; t < threads; ++t) {
                        all.emplace_back([] {
                            original_frame<S, not_filled, blocks<10'000, 64>> frame;
                            frame.pass();
                        });
                    }
                    for (std::thread& t : all) t.join();
                    return threads * 640'000;
                });
            }};
}
// Their array is part of what is timed, and no longer than it must be.
struct few_mallocs : malloc_frames {
    few_mallocs(const functions& f) : malloc_frames(f, 10'000) {}
};
template <class W>
std::function<std::unique_ptr<runner>()> in_new_threads(int threads, functions f) {
    return [=] {
        return run([=] {
            std::vector<std::thread> all;
            for (int t = 0; t < threads; ++t) {
                all.emplace_back([f] {
                    if (f.enter_thread != nullptr) f.enter_thread();
                    {
                        W w(f);
                        w.pass();
                    }
                    if (f.leave_thread != nullptr) f.leave_thread();
                });
            }
            for (std::thread& t : all) t.join();
            return threads * 640'000;
        });
    };
}
void add_multithreaded(workloads& all, int threads, const char* name) {
    workload w{.group = "original", .name = name};
    w.sentence = std::to_string(threads) +
                 " threads are started, each has a frame of 10,000 blocks of 64 bytes and ends; time of all.";
    w.most_rounds = 15;
    w.has_threads = true;
    w.contestants = {thread_frames<our_scopes>(ours_name, threads), thread_frames<our_calls>(begun_name, threads),
                     thread_frames<our_pointers>(pointer_name, threads)};
    for (const malloc_rival& r : malloc_rivals()) {
        contestant c{.name = r.name, .missing = r.missing};
        if (r.missing.empty())
            c.make = in_new_threads<original_frame<few_mallocs, not_filled, blocks<10'000, 64>>>(threads, r.calls);
        w.contestants.push_back(std::move(c));
    }
    all.push_back(std::move(w));
}

}  // namespace

void add_original_frames(workloads& all) {
    add_single<64>(all, "single_alloc_64B");
    add_single<256>(all, "single_alloc_256B");
    add_single<1024>(all, "single_alloc_1KB");
    add_single<4096>(all, "single_alloc_4KB");
    add_single<65536>(all, "single_alloc_64KB");
    add_batches(all);
    add_whole_workloads(all);
    add_multithreaded(all, 2, "multithreaded 2");
    add_multithreaded(all, 4, "multithreaded 4");
    add_multithreaded(all, 8, "multithreaded 8");
}

}  // namespace bench
