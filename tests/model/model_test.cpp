// Random operation sequences against a model: no overlap, contents kept, alignment, and every statistic equal to a
// shadow.
//
// A failing sequence is made as short as possible and printed as a test. FRAMEALLOC_MODEL_OPS sets the operations
// per policy (default 200,000), FRAMEALLOC_MODEL_SEED adds a seed; with FRAMEALLOC_MODEL_SHRINK=1
// sequences run in a child first, so that crashing ones are shortened too.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <numeric>
#include <optional>
#include <random>
#include <string>

#include "shrink.hpp"
#include "support/random.hpp"
#include "support/recorder.hpp"
#include "support/test_pages.hpp"

using namespace test;

namespace {

constexpr int tag_total = 6;
const char* const tag_names[tag_total] = {"physics", "solver", "render", "audio", "ai", "net"};

std::size_t charged(std::size_t n) { return (n + 7) / 8 * 8; }

struct tag_shadow {
    std::size_t frame = 0, pool = 0, heap = 0, last = 0, handed = 0;
    std::size_t total() const { return frame + pool + heap; }
};

// The most that was in use since statistics were reset: at boundaries, and at any time.
struct most_in_use {
    std::size_t at_boundaries = 0, ever = 0;
    void note(std::size_t now, bool boundary) {
        ever = std::max(ever, now);
        if (boundary) at_boundaries = std::max(at_boundaries, now);
    }
};

// A step's effect follows from its seed and the state that earlier steps left: any step can be removed.
template <class P>
class model {
public:
    explicit model(fa::options o) : alloc_(r_.options(o)) {}

    void run(const steps& program) {
        for (std::size_t i = 0; i < program.size(); ++i) {
            random_.state = program[i];
            step();
            if (i % 997 == 0 || program.size() < 100) compare(program.size() < 100);
        }
        finish();
    }

private:
    struct block {
        unsigned char* data;
        std::size_t size;
        unsigned char stamp;
        std::string tag;
        int name = 0;
        std::size_t align = 8;
        int kind = 0;  // 1 pool, 2 heap
    };
    struct open_checkpoint {
        fa::frame_checkpoint cp;
        std::size_t blocks;
        std::size_t vecs;
        std::map<std::string, std::size_t> frame_bytes;
        int name;
    };
    struct growing {
        fa::basic_vec<std::uint32_t, fa::frame_source, P> items;
    };
    struct frame {
        std::unique_ptr<fa::basic_frame_scope<P>> scope;
        std::vector<block> blocks;
        std::vector<std::unique_ptr<growing>> vecs;
        std::vector<open_checkpoint> checkpoints;
        std::map<std::string, std::size_t> bytes;  // by tag path
        std::size_t scopes = 0;
    };
    struct scope {
        std::unique_ptr<fa::tag_scope> tag;
        std::unique_ptr<fa::phase_scope> phase;
        std::string previous;
        std::size_t depth;
    };

    std::size_t roll(std::size_t n) { return random_() % n; }
    std::size_t a_size() {
        switch (roll(20)) {
            case 0: return 1 + roll(100'000);
            case 1: return 1 + roll(10'000);
            default: return 1 + roll(300);
        }
    }

    // --- no overlap, contents ---
    void claim(const block& b) {
        auto after = live_.lower_bound(b.data);
        if (after != live_.end()) REQUIRE(b.data + b.size <= after->first);
        if (after != live_.begin()) {
            auto before = std::prev(after);
            REQUIRE(before->first + before->second <= b.data);
        }
        live_[b.data] = b.size;
        std::memset(b.data, b.stamp, b.size);
    }
    void verify_and_drop(const block& b) {
        REQUIRE(b.data[0] == b.stamp);
        REQUIRE(b.data[b.size / 2] == b.stamp);
        REQUIRE(b.data[b.size - 1] == b.stamp);
        live_.erase(b.data);
    }

    // --- accounting ---
    void grown(const std::string& tag, std::size_t bytes) {
        total_ += bytes;
        most_.note(total_, false);
        tag_most_[tag].note(tags_[tag].total(), false);
        for (std::string path = tag;; path.resize(path.rfind("::"))) {
            trees_[path] += bytes;
            tree_most_[path].note(trees_[path], false);
            if (path.find("::") == std::string::npos) break;
        }
    }
    void shrunk(const std::string& tag, std::size_t bytes) {
        total_ -= bytes;
        for (std::string path = tag;; path.resize(path.rfind("::"))) {
            trees_[path] -= bytes;
            if (path.find("::") == std::string::npos) break;
        }
    }
    void boundary() {
        most_.note(total_, true);
        for (const auto& [tag, t] : tags_) tag_most_[tag].note(t.total(), true);
        for (const auto& [tag, bytes] : trees_) tree_most_[tag].note(bytes, true);
    }
    // Where a thread has many pages, a peak may be higher than what was in use, by a little for each.
    static void compare_peak(std::size_t peak, const most_in_use& most, const fa::alloc_stats& s) {
        const auto pages = static_cast<std::size_t>(s.slab_refill_count);
        REQUIRE(peak >= most.at_boundaries);
        REQUIRE(peak <= most.ever + (pages > 64 ? (pages - 64) * 256 : 0));
    }
    void begin_peaks() {
        alloc_.reset_stats();
        most_ = {total_, total_};
        for (const auto& [tag, t] : tags_) tag_most_[tag] = {t.total(), t.total()};
        for (const auto& [tag, bytes] : trees_) tree_most_[tag] = {bytes, bytes};
    }
    void charge_frame(frame& f, std::size_t n) {
        f.bytes[path_] += n;
        tags_[path_].frame += n;
        tags_[path_].handed += n;
        phases_[phase_] += n;
        grown(path_, n);
    }
    void uncharge(frame& f, const std::map<std::string, std::size_t>& down_to) {
        for (auto& [tag, n] : f.bytes) {
            const auto it = down_to.find(tag);
            const std::size_t keep = it == down_to.end() ? 0 : it->second;
            tags_[tag].frame -= n - keep;
            shrunk(tag, n - keep);
            n = keep;
        }
    }

    void step() {
        const std::size_t dice = roll(100);
        if (frames_.empty() || (dice < 3 && frames_.size() < 6)) return open();
        if (dice < 6) return close();
        if (dice < 40) return frame_block();
        if (dice < 50) return push();
        if (dice < 53) return mark();
        if (dice < 55) return rollback();
        if (dice < 75) return take(roll(2) == 0 ? 1 : 2);
        if (dice < 92) return give();
        if (dice < 96) return open_scope();
        return close_scope();
    }

    [[gnu::format(printf, 2, 3)]] void say(const char* format, ...) const {
        if (!narrates_) return;
        va_list args;
        va_start(args, format);
        std::vprintf(format, args);
        va_end(args);
    }

    void open() {
        say("    f.emplace_back(new fa::basic_frame_scope<P>(alloc.owner()));\n");
        frames_.emplace_back();
        frames_.back().scope.reset(new fa::basic_frame_scope<P>(alloc_.owner()));
    }
    void close() {
        while (!scopes_.empty() && scopes_.back().depth == frames_.size()) close_scope();
        if (frames_.size() == 1) boundary();
        frame& f = frames_.back();
        for (const block& b : f.blocks) verify_and_drop(b);
        for (auto& v : f.vecs) check_vec(*v);
        f.vecs.clear();
        uncharge(f, {});
        say("    v.erase(%zu);\n    f.pop_back();\n", frames_.size() - 1);
        frames_.pop_back();
        if (!frames_.empty()) return;
        for (auto& [name, t] : tags_) {
            t.last = t.handed;
            t.handed = 0;
        }
        last_phases_ = phases_;
        phases_.clear();
    }
    void frame_block() {
        const std::size_t which = roll(5) == 0 ? roll(frames_.size()) : frames_.size() - 1;
        frame& f = frames_[which];
        block b;
        b.size = a_size();
        b.stamp = static_cast<unsigned char>(random_());
        b.name = ++names_;
        say("    b[%d] = f[%zu]->alloc_bytes(%zu, 8);\n", b.name, which, b.size);
        b.data = static_cast<unsigned char*>(f.scope->alloc_bytes(b.size, 8));
        claim(b);
        f.blocks.push_back(b);
        charge_frame(f, charged(b.size));
    }

    // Vecs of outer frames grow too: what they occupy is read from them, not modelled.
    void check_vec(const growing& v) {
        for (std::size_t i = 0; i < v.items.size(); ++i)
            REQUIRE(v.items[i] == static_cast<std::uint32_t>(i * 2654435761U));
    }
    void push() {
        if (!vec_accounting_) return;
        const std::size_t which = roll(3) == 0 ? roll(frames_.size()) : frames_.size() - 1;
        frame& f = frames_[which];
        if (f.vecs.empty() || (roll(8) == 0 && f.vecs.size() < 6)) {
            f.vecs.push_back(std::make_unique<growing>());
            say("    v[%zu].push_back(f[%zu]->template vec<std::uint32_t>());\n", which, which);
            f.vecs.back()->items = f.scope->template vec<std::uint32_t>();
        }
        const std::size_t chosen = roll(f.vecs.size()), more = roll(60);
        auto& v = f.vecs[chosen]->items;
        say("    for (int i = 0; i < %zu; ++i) v[%zu][%zu].push_back(1);\n", more, which, chosen);
        for (std::size_t i = more; i != 0; --i) v.push_back(static_cast<std::uint32_t>(v.size() * 2654435761U));
        if (roll(10) == 0) check_vec(*f.vecs[0]);
    }

    void mark() {
        frame& f = frames_.back();
        if (f.checkpoints.size() >= 4) return;
        say("    c.push_back(alloc.frame_checkpoint());\n");
        f.checkpoints.push_back({alloc_.frame_checkpoint(), f.blocks.size(), f.vecs.size(), f.bytes, checkpoints_++});
    }
    void rollback() {
        frame& f = frames_.back();
        if (f.checkpoints.empty()) return;
        const std::size_t i = roll(f.checkpoints.size());
        const open_checkpoint& cp = f.checkpoints[i];
        while (f.blocks.size() > cp.blocks) {
            verify_and_drop(f.blocks.back());
            f.blocks.pop_back();
        }
        while (f.vecs.size() > cp.vecs) {
            say("    v[%zu].pop_back();\n", frames_.size() - 1);
            f.vecs.pop_back();
        }
        say("    alloc.rollback_to(c[%d]);\n", cp.name);
        if (planted_ && frames_.size() >= 2 && taken_.size() >= 2) REQUIRE(taken_.back().size < 1000);
        REQUIRE(alloc_.rollback_to(cp.cp));
        uncharge(f, cp.frame_bytes);
        f.bytes = cp.frame_bytes;
        f.checkpoints.resize(i + 1);
        for (auto& v : f.vecs) check_vec(*v);
    }

    void take(int kind) {
        block b;
        b.kind = kind;
        b.size = a_size();
        b.align = std::size_t{8} << roll(5);
        b.stamp = static_cast<unsigned char>(random_());
        b.tag = path_;
        b.name = ++names_;
        say("    b[%d] = alloc.%s_alloc_bytes(%zu, %zu);\n", b.name, kind == 1 ? "pool" : "heap", b.size, b.align);
        b.data = static_cast<unsigned char*>(kind == 1 ? alloc_.pool_alloc_bytes(b.size, b.align)
                                                       : alloc_.heap_alloc_bytes(b.size, b.align));
        REQUIRE(aligned(b.data, b.align));
        claim(b);
        bytes_of(b) += cost(b);
        grown(b.tag, cost(b));
        phases_[phase_] += cost(b);
        taken_.push_back(b);
    }
    void give() {
        if (taken_.empty()) return;
        // Counted from the newest: which one it is does not depend on much earlier steps, so that these can be
        // removed.
        const std::size_t back = roll(std::size_t{1} << roll(14));
        const std::size_t i = back < taken_.size() ? taken_.size() - 1 - back : 0;
        const block b = taken_[i];
        taken_.erase(taken_.begin() + static_cast<std::ptrdiff_t>(i));
        verify_and_drop(b);
        bytes_of(b) -= cost(b);
        shrunk(b.tag, cost(b));
        say("    alloc.%s_free_bytes(b[%d], %zu, %zu);\n", b.kind == 1 ? "pool" : "heap", b.name, b.size, b.align);
        if (b.kind == 1) alloc_.pool_free_bytes(b.data, b.size, b.align);
        else alloc_.heap_free_bytes(b.data, b.size, b.align);
    }
    // Pool blocks count at their class's size, and as heap when no class holds them.
    std::size_t cost(const block& b) const {
        const unsigned k = fa::memory::class_for(b.size, b.align);
        return k == fa::memory::no_class ? b.size : fa::memory::class_size(k);
    }
    std::size_t& bytes_of(const block& b) {
        const bool pool = b.kind == 1 && fa::memory::class_for(b.size, b.align) != fa::memory::no_class;
        return pool ? tags_[b.tag].pool : tags_[b.tag].heap;
    }

    void open_scope() {
        if (scopes_.size() >= 12) return;
        scope s;
        s.depth = frames_.size();
        if (roll(3) == 0) {
            s.previous = phase_;
            phase_ = tag_names[roll(tag_total)];
            say("    s.emplace_back(new fa::phase_scope(alloc, \"%s\"));\n", phase_.c_str());
            s.phase.reset(new fa::phase_scope(alloc_, std::string_view(phase_)));
        } else if (std::count(path_.begin(), path_.end(), ':') >= 4) {
            return;
        } else {
            s.previous = path_;
            boundary();
            const bool third = path_.find(':') != std::string::npos;  // 222 tags: beyond 256 they share pages
            const char* name = tag_names[roll(third ? tag_total - 1 : tag_total)];
            path_ += path_.empty() ? name : std::string("::") + name;
            say("    s.emplace_back(new fa::tag_scope(alloc, \"%s\"));\n", name);
            s.tag.reset(new fa::tag_scope(alloc_, std::string_view(name)));
            REQUIRE(alloc_.tag_path() == path_);
        }
        scopes_.push_back(std::move(s));
    }
    void close_scope() {
        if (scopes_.empty() || scopes_.back().depth != frames_.size()) return;
        scope& s = scopes_.back();
        if (s.tag) boundary();
        say("    s.pop_back();\n");
        (s.tag ? path_ : phase_) = s.previous;
        scopes_.pop_back();
    }

    void compare(bool all = false) {
        if (vec_accounting_) return;  // the vecs' growth is not modelled
        boundary();
        const auto all_of_it = alloc_.stats();
        compare_peak(all_of_it.peak_allocated, most_, all_of_it);
        std::size_t frames = 0, pool = 0, heap = 0;
        for (const auto& [name, t] : tags_) {
            if (name.empty() || (!all && roll(16) != 0)) continue;
            const std::string label = name;
            CAPTURE(label);
            const auto s = alloc_.tag_stats(name);
            REQUIRE(s.frame_bytes == t.frame);
            REQUIRE(s.pool_bytes == t.pool);
            REQUIRE(s.heap_bytes == t.heap);
            REQUIRE(s.last_frame_bytes == t.last);
            REQUIRE(s.total_bytes == t.frame + t.pool + t.heap);
            compare_peak(s.peak_bytes, tag_most_[name], all_of_it);
            compare_peak(s.with_children.peak_bytes, tree_most_[name], all_of_it);
            tag_shadow tree;
            for (const auto& [other, o] : tags_) {
                if (other != name && !other.starts_with(name + "::")) continue;
                tree.frame += o.frame;
                tree.pool += o.pool;
                tree.heap += o.heap;
            }
            REQUIRE(s.with_children.frame_bytes == tree.frame);
            REQUIRE(s.with_children.pool_bytes == tree.pool);
            REQUIRE(s.with_children.heap_bytes == tree.heap);
        }
        for (const auto& [name, t] : tags_) {
            frames += t.frame;
            pool += t.pool;
            heap += t.heap;
        }
        const auto s = alloc_.stats();
        REQUIRE(s.frame_allocated == frames);
        REQUIRE(s.pool_allocated == pool);
        REQUIRE(s.heap_allocated == heap);
        REQUIRE(s.total_allocated == frames + pool + heap);
        for (const auto& p : alloc_.phase_stats()) {
            CAPTURE(p.name);
            REQUIRE(p.bytes == last_phases_[std::string(p.name)]);
        }
        if (roll(4) == 0) begin_peaks();
    }
    void finish() {
        while (!frames_.empty()) close();
        while (!taken_.empty()) give();
        compare(true);
        const auto s = alloc_.stats();
        REQUIRE(s.total_allocated == 0);
        REQUIRE(s.active_allocations() == 0);
        REQUIRE(r_.faults.empty());
        REQUIRE(live_.empty());
    }

    recorder r_;
    splitmix random_{};
    int names_ = 0, checkpoints_ = 0;

public:
    bool vec_accounting_ = false;
    bool narrates_ = false;  // prints each operation as a statement
    // A rollback fails inside a second frame while the newest of two blocks has 1,000 bytes or more
    bool planted_ = false;

private:
    fa::basic_smart_alloc<P> alloc_;
    std::vector<scope> scopes_;  // before frames_: destroyed after them
    std::vector<frame> frames_;
    std::vector<block> taken_;
    std::map<unsigned char*, std::size_t> live_;
    std::map<std::string, tag_shadow> tags_;
    std::map<std::string, std::size_t> trees_;  // with their children
    std::size_t total_ = 0;
    most_in_use most_;
    std::map<std::string, most_in_use> tag_most_, tree_most_;
    std::map<std::string, std::size_t> phases_, last_phases_;
    std::string path_, phase_;
};

std::size_t operations() {
    const char* text = std::getenv("FRAMEALLOC_MODEL_OPS");
    return text == nullptr ? 200'000 : static_cast<std::size_t>(std::strtoull(text, nullptr, 10));
}

std::vector<std::uint64_t> seeds() {
    std::vector<std::uint64_t> s(15);
    std::iota(s.begin(), s.end(), std::uint64_t{1});
    const char* own = std::getenv("FRAMEALLOC_MODEL_SEED");
    s.push_back(own == nullptr ? std::random_device{}() : std::strtoull(own, nullptr, 10));
    return s;
}

steps program_of(std::uint64_t seed, std::size_t n) {
    splitmix random{seed};
    steps program(n);
    for (std::uint64_t& s : program) s = random();
    return program;
}

// Wraps the statements that a model prints: a program to paste.
template <class P>
void print_begin(std::size_t operations, const fa::options& o) {
    std::printf(
        "// %zu operations\n#include <framealloc/framealloc.hpp>\n#include <map>\n#include <memory>\n#include "
        "<variant>\n#include <vector>\n",
        operations);
    std::printf("namespace fa = framealloc;\nusing P = %s;\nint main() {\n",
                P::checks ? "fa::policy::checked" : "fa::policy::unchecked");
    std::printf("    fa::basic_smart_alloc<P> alloc{fa::options{.frame_capacity = %zu}};\n", o.frame_capacity);
    std::printf(
        "    std::vector<std::unique_ptr<fa::basic_frame_scope<P>>> f;\n    std::map<int, void*> b;\n    "
        "std::vector<fa::frame_checkpoint> c;\n");
    std::printf("    std::map<std::size_t, std::vector<fa::basic_vec<std::uint32_t, fa::frame_source, P>>> v;\n");
    std::printf(
        "    struct scope {\n        explicit scope(fa::tag_scope* t) : tag(t) {}\n        explicit "
        "scope(fa::phase_scope* p) : phase(p) {}\n"
        "        std::unique_ptr<fa::tag_scope> tag;\n        std::unique_ptr<fa::phase_scope> phase;\n    };\n    "
        "std::vector<scope> s;\n");
    std::fflush(stdout);
}

void print_end() {
    std::printf("    while (!s.empty()) s.pop_back();\n    v.clear();\n    while (!f.empty()) f.pop_back();\n}\n");
    std::fflush(stdout);
}

// Runs a sequence; a failing one is shortened, printed, and run once more where doctest reports what was wrong.
template <class P>
void check(const steps& program, fa::options o, bool vecs) {
    const auto run = [&](const steps& some, bool narrates) {
        model<P> m(o);
        m.vec_accounting_ = vecs;
        m.narrates_ = narrates;
        m.run(some);
    };
    const bool careful = std::getenv("FRAMEALLOC_MODEL_SHRINK") != nullptr;
    if (!careful) {
        try {
            return run(program, false);
        } catch (...) { std::printf("  model: failed; shortening\n"); }
    }
    const auto fails = [&](const steps& some) { return fails_in_child([&] { run(some, false); }); };
    if (!fails(program)) {
        if (careful) return;
        FAIL("the sequence failed once and does not fail again");
    }
    const steps least = shrink(program, fails);
    print_begin<P>(least.size(), o);
    try {
        run(least, true);
    } catch (...) {
        print_end();
        throw;
    }
    print_end();
    FAIL("the shortened sequence fails in a child alone");
}

constexpr std::size_t few_classes[] = {32, 64, 256, 1024, 4096};

fa::options variant(std::size_t i) {
    switch (i % 4) {
        case 0: return {};
        case 1: return {.frame_capacity = 64_KiB};
        case 2: return {.frame_capacity = 256_KiB, .slab_page_size = 64_KiB};
        default: return {.frame_capacity = 4_KiB};
    }
}

}  // namespace

FOR_EACH_POLICY("random operations agree with the model") {
    const auto all = seeds();
    for (std::size_t i = 0; i < all.size(); ++i) {
        std::string line = "seed " + std::to_string(all[i]) + ", variant " + std::to_string(i % 4);
        CAPTURE(line);
        std::printf("  model: %s, %zu operations\n", line.c_str(), operations() / all.size());
        const steps program = program_of(all[i], operations() / all.size() / 2);
        check<P>(program, variant(i), false);
        check<P>(program, variant(i + 1), true);
    }
}

FOR_EACH_POLICY("random operations in fixed memory agree with the model") {
    // Beyond some 400,000 operations every tag path has a page of nearly every class; then parents lend theirs, which
    // the model does not know.
    check<P>(program_of(11, std::min<std::size_t>(operations() / 16, 250'000)),
             {.frame_capacity = 256_KiB, .fixed_memory = 512_MiB}, false);
}

FOR_EACH_POLICY("random operations with vecs and few size classes") {
    fa::options o;
    o.size_classes = few_classes;
    check<P>(program_of(12, operations() / 16), o, true);
}

FOR_EACH_POLICY("random operations on pages of 16 and 64 KiB agree with the model") {
    for (std::size_t page : {16_KiB, 64_KiB}) {
        if (page < fa::os::system_pages{}.granularity()) continue;  // the source can only pretend larger OS pages
        test_pages source(page);
        check<P>(program_of(13, operations() / 16), {.frame_capacity = 256_KiB, .pages = &source}, false);
        CHECK(source.live == 0);
    }
}

FOR_EACH_POLICY("a sequence that fails shrinks to at most 20 operations, which still fail") {
    const auto run = [](const steps& some) {
        model<P> m({});
        m.planted_ = true;
        m.run(some);
    };
    const auto fails = [&](const steps& some) { return fails_in_child([&] { run(some); }); };
    const steps program = program_of(5, 3000);
    REQUIRE(fails(program));
    CHECK(!fails_in_child([&] { model<P>({}).run(program); }));  // without the planted mistake it is right
    const steps least = shrink(program, fails);
    CHECK(least.size() <= 20);
    CHECK(least.size() >= 6);  // two frames, two blocks, a checkpoint and the rollback
    CHECK(fails(least));
    CHECK(!fails_in_child([&] { model<P>({}).run(least); }));
    if (std::getenv("FRAMEALLOC_MODEL_PRINT") == nullptr)
        return;  // a longer one, so that it has every kind of statement
    print_begin<P>(program.size(), {});
    model<P> m({});
    m.vec_accounting_ = true;
    m.narrates_ = true;
    m.run(program);
    print_end();
}
