// 20,000 entities, four systems in a graph: move, then targets and contacts side by side, then commands. What a system
// finds lies in the frame memory of the workers that found it; nothing is copied, nothing is freed.
//
//   ./example_tbb_systems [frames]
#include <atomic>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include <framealloc/framealloc.hpp>
#include <framealloc/tbb.hpp>

#include <oneapi/tbb/flow_graph.h>
#include <oneapi/tbb/global_control.h>

namespace fa = framealloc;
namespace flow = oneapi::tbb::flow;

namespace {

inline constexpr fa::tag moving{"move"}, targeting{"target"}, touching{"contact"}, drawing{"command"};
constexpr int entities = 20'000, piece = 500, pieces = entities / piece;

struct entity {
    float x, y, dx, dy;
};
struct hit {
    int entity, other;
};
struct command {
    int entity;
    float x, y;
};

// One span per piece of the entities, in the memory of whichever worker did it.
template <class T>
using found = std::vector<std::span<const T>>;

std::vector<entity> make_world() {
    std::vector<entity> world(entities);
    std::uint32_t random = 12345;
    const auto next = [&] {
        return static_cast<float>((random = random * 1664525U + 1013904223U) >> 8U) / 16777216.0F;
    };
    for (entity& e : world) e = {next() * 1000, next() * 1000, next() - 0.5F, next() - 0.5F};
    return world;
}

// `f(i, results)` for every entity of every piece; the results of a piece stay until the frame ends.
template <class T, class F>
void system(fa::tbb::job_system& jobs, found<T>& out, const F& f) {
    jobs.parallel_for(
        0, pieces,
        [&](fa::job_scope& job, int p) {
            fa::frame_vec<T> results(job.results());
            for (int i = p * piece; i < (p + 1) * piece; ++i) f(i, results);
            out[static_cast<std::size_t>(p)] = results;
        },
        fa::job_memory::keep);
}

struct totals {
    std::uint64_t hits = 0, commands = 0;
    double sum = 0;
};

totals run(fa::smart_alloc& alloc, int threads, int frames) {
    fa::tbb::job_system jobs{alloc, threads};
    std::vector<entity> world = make_world();
    found<int> targets(pieces);
    found<hit> contacts(pieces);
    found<command> commands(pieces);
    totals t;
    const auto at = [&](int i) -> entity& { return world[static_cast<std::size_t>(i)]; };
    for (int n = 0; n < frames; ++n) {
        fa::tbb::frame_guard frame{jobs};
        jobs.execute([&] {
            flow::graph graph;
            const auto node = [&](const fa::tag& name, auto body) {
                return flow::continue_node<flow::continue_msg>(
                    graph, jobs.job(
                               [&alloc, &name, body](const flow::continue_msg&) {
                                   const fa::tag_scope tag{alloc,
                                                           name};  // the system's jobs charge to it, on every worker
                                   body();
                               },
                               fa::job_memory::keep));
            };
            auto move = node(moving, [&] {
                jobs.parallel_for(0, entities, [&](int i) {
                    at(i).x = std::fmod(at(i).x + at(i).dx + 1000, 1000.0F);
                    at(i).y = std::fmod(at(i).y + at(i).dy + 1000, 1000.0F);
                });
            });
            auto target = node(targeting, [&] {
                system(jobs, targets, [&](int i, auto& out) {
                    if (at(i).x < 500) out.push_back(i);
                });
            });
            auto contact = node(touching, [&] {
                system(jobs, contacts, [&](int i, auto& out) {
                    for (int j = i + 1; j < i + 20 && j < entities; ++j) {
                        const float dx = at(i).x - at(j).x, dy = at(i).y - at(j).y;
                        if (dx * dx + dy * dy < 400) out.push_back({i, j});
                    }
                });
            });
            auto draw = node(drawing, [&] {
                system(jobs, commands, [&](int i, auto& out) {
                    if (i % 2 == 0) out.push_back({i, at(i).x, at(i).y});
                });
            });
            flow::make_edge(move, target);
            flow::make_edge(move, contact);
            flow::make_edge(target, draw);
            flow::make_edge(contact, draw);
            move.try_put({});
            graph.wait_for_all();
        });
        for (const auto& list : contacts) t.hits += list.size();
        for (const auto& list : commands) {
            t.commands += list.size();
            for (const command& c : list) t.sum += static_cast<double>(c.x) + static_cast<double>(c.y);
        }
        for (const auto& list : targets) t.sum += static_cast<double>(list.size());
        if (n + 1 == frames) {
            for (const char* name : {"target", "contact", "command"})
                std::printf("  %-8s %8zu bytes held when the last frame ends\n", name,
                            alloc.tag_stats(name).frame_bytes);
        }
    }
    return t;
}

}  // namespace

int main(int argc, char** argv) {
    const int frames = argc > 1 ? std::atoi(argv[1]) : 600;
    if (frames <= 0 || argc > 2) {
        std::fprintf(stderr, "usage: example_tbb_systems [frames]\n");
        return 2;
    }
    const oneapi::tbb::global_control four(oneapi::tbb::global_control::max_allowed_parallelism,
                                           4);  // also on fewer processors
    totals result[2];
    for (const int threads : {1, 4}) {
        fa::smart_alloc alloc;
        std::printf("%d threads, %d entities, %d frames\n", threads, entities, frames);
        totals& t = result[threads == 1 ? 0 : 1];
        t = run(alloc, threads, frames);
        std::printf("  %llu contacts, %llu commands, checksum %.1f\n", static_cast<unsigned long long>(t.hits),
                    static_cast<unsigned long long>(t.commands), t.sum);
    }
    const bool equal = result[0].hits == result[1].hits && result[0].commands == result[1].commands &&
                       result[0].sum == result[1].sum;
    std::puts(equal ? "the results are equal" : "the results differ");
    return equal ? 0 : 1;
}
