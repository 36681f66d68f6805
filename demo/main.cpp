// framealloc-demo: a game loop on Box2D on plain containers, on tuned containers and on framealloc, with the same
// results.
#include <sys/wait.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

#include <cstdio>

#include "game.hpp"
#include "mistakes.hpp"
#include "report.hpp"
#include "seal.hpp"

namespace {

using namespace demo;
using namespace fa::literals;

void show_progress(const char* title, std::uint32_t frame, std::uint32_t frames) {
    if (frame % 60 != 0 && frame != frames) return;
    std::printf("\r%-11s frame %u of %u", title, frame, frames);
    if (frame == frames) std::printf("\n");
    std::fflush(stdout);
}

// Frames and pools of a huge page each, unless the settings say otherwise: a frame writes most of its memory once, and
// its time is that of the address translations.
fa::smart_alloc make_allocator(const settings& s, bool prefault = false) {
    fa::options o{.name = "demo", .frame_capacity = 2_MiB, .prefault = prefault};
    if (s.huge_pages) {
        o.slab_page_size = 2_MiB;
        o.huge_pages = true;
    }
    return fa::smart_alloc{o};
}

template <class Kit>
variant_result run_variant(const settings& s, Kit& kit, game<Kit>& g) {
    variant_result v;
    v.title = Kit::title;
    {
        const inside_physics not_counted;
        v.frames.reserve(s.frames);
    }
    for (std::uint32_t i = 1; i <= s.frames; ++i) {
        v.frames.push_back(g.run_frame());
        const inside_physics not_counted;
        show_progress(Kit::title, i, s.frames);
    }
    v.checksum = g.sum();
    static_cast<void>(kit);
    return v;
}

template <class Kit>
variant_result run_standard(const settings& s) {
    reset_own_mallocs();
    Kit kit;
    game<Kit> g(s, kit);
    variant_result v = run_variant(s, kit, g);
    v.peak_bytes = own_mallocs().peak_bytes;
    v.committed_bytes = v.peak_bytes;
    return v;
}

variant_result run_framealloc(const settings& s, results& r) {
    reset_own_mallocs();
    frame_kit kit(make_allocator(s));
    game<frame_kit> g(s, kit);
    variant_result v = run_variant(s, kit, g);
    const auto stats = kit.alloc().stats();
    v.peak_bytes = stats.peak_allocated;
    v.committed_bytes = stats.committed;
    for (const char* name : {"physics", "particles", "entities", "render::culling", "render::commands"}) {
        const auto t = kit.alloc().tag_stats(name);
        r.tags.push_back({name, t.last_frame_bytes + t.pool_bytes + t.heap_bytes});
    }
    for (const auto& p : kit.alloc().phase_stats()) r.phases.push_back({std::string(p.name), p.bytes});
    return v;
}

// In a child: the filter cannot be removed again, and the parent must see what it kills.
int run_sealed(const settings& s) {
    std::fflush(stdout);
    const pid_t child = fork();
    if (child == 0) {
        give_malloc_room();
        frame_kit kit(make_allocator(s, true));
        kit.warm_up(32'768);
        game<frame_kit> g(s, kit);
        for (std::uint32_t i = 0; i < s.warm_up; ++i) g.run_frame();
        if (!forbid_memory_calls()) _exit(3);
        for (std::uint32_t i = s.warm_up; i < s.frames; ++i) g.run_frame();
        _exit(0);
    }
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) != child) {
        std::fprintf(stderr, "framealloc-demo: the sealed run could not be started\n");
        return 1;
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == 3) {
        std::fprintf(stderr, "framealloc-demo: the kernel refused the seccomp filter\n");
        return 1;
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        std::fprintf(stderr, "framealloc-demo: the sealed run was killed: it asked the system for memory\n");
        return 1;
    }
    std::printf("sealed: frames %u to %u ran with mmap, munmap, mremap, mprotect, brk and madvise forbidden\n",
                s.warm_up + 1, s.frames);
    return 0;
}

int run_all(const settings& s, const std::string& report) {
    results r;
    r.setup = s;
    r.variants.push_back(run_standard<plain_kit>(s));
    r.variants.push_back(run_standard<tuned_kit>(s));
    r.variants.push_back(run_framealloc(s, r));
    print_table(r);
    for (const variant_result& v : r.variants) {
        if (v.checksum == r.variants[0].checksum) continue;
        std::fprintf(stderr, "framealloc-demo: the variants do not agree\n");
        return 1;
    }
    if (report.empty()) return 0;
    if (!write_report(r, report)) {
        std::fprintf(stderr, "framealloc-demo: cannot write %s\n", report.c_str());
        return 1;
    }
    std::printf("report: %s\n", report.c_str());
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    settings s;
    std::string report;
    std::string mistake;
    bool sealed = false;
    std::uint32_t spoil = 0;
    CLI::App app("A game loop with Box2D physics on plain containers, on tuned containers and on framealloc");
    app.add_option("--frames", s.frames, "frames a variant runs")
        ->check(CLI::Range(2U, 1'000'000U))
        ->capture_default_str();
    app.add_option("--bodies", s.bodies, "physics bodies")->check(CLI::Range(1U, 20'000U))->capture_default_str();
    app.add_option("--seed", s.seed, "seed of everything random")
        ->check(CLI::Range(std::uint64_t{0}, ~std::uint64_t{0}))
        ->capture_default_str();
    app.add_option("--threads", s.threads, "threads that update particles")
        ->check(CLI::Range(1U, 64U))
        ->capture_default_str();
    app.add_flag("!--small-pages", s.huge_pages, "framealloc asks for no huge pages");
    app.add_option("--report", report, "write an HTML report to FILE");
    app.add_flag("--seal", sealed,
                 "after warm-up forbid all system calls that get memory, and show that the loop goes on");
    app.add_option("--break", mistake, "commit a mistake and show what is reported")
        ->check(CLI::IsMember(demo::mistakes()));
    app.add_option("--spoil", spoil, "")
        ->group("");  // tests: one byte of one kind of data changes before it is read back
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& e) {
        if (e.get_exit_code() == 0) return app.exit(e);
        std::fprintf(stderr, "framealloc-demo: %s\n", e.what());
        return 2;
    }
    s.warm_up = std::min(s.warm_up, s.frames / 2);
    if (!mistake.empty()) {
        commit_mistake(mistake);
        return 0;
    }
    if (spoil != 0) {
        plain_kit kit;
        game<plain_kit> g(s, kit);
        for (std::uint32_t i = 1; i < s.frames; ++i) g.run_frame();
        g.spoil(spoil);
        g.run_frame();
        std::printf("%016llx\n", static_cast<unsigned long long>(g.sum()));
        return 0;
    }
    if (sealed) return run_sealed(s);
    return run_all(s, report);
}
