// Pool and heap blocks, tags and phases, and memory that runs out.
#include "diary.hpp"

#include <array>
#include <string>
#include <utility>

namespace diary {
namespace {

template <class P>
void pool(std::string& book, const fa::options& o, const char* title) {
    chapter<P> c(book, title, o);
    std::vector<std::pair<void*, std::size_t>> blocks;
    const auto take = [&](std::size_t n) { blocks.emplace_back(c.at(c->pool_alloc_bytes(n)), n); };
    const auto give = [&](std::size_t i) {
        c->pool_free_bytes(blocks[i].first, blocks[i].second);
        blocks[i] = blocks.back();
        blocks.pop_back();
    };
    for (std::size_t n = 1; n <= 6000; n += n / 3 + 1) take(n);
    c.see("one of each");
    while (!blocks.empty()) give(blocks.size() / 2);
    c.see("gone");
    for (int i = 0; i < 3000; ++i) take(64);
    c.see("three pages");
    for (std::size_t i = 0; i < 2900; ++i) give(i * 7 % blocks.size());
    c.see("nearly empty");
    for (int i = 0; i < 500; ++i) take(200);
    for (int i = 0; i < 500; ++i) take(64);
    c.see("another class");
    c->trim();
    c.see("trimmed");
    while (!blocks.empty()) give(0);
    c.see("empty");
    for (int i = 0; i < 70; ++i) {
        for (int k = 0; k < 18; ++k) take(4000);
    }
    while (!blocks.empty()) give(blocks.size() - 1);
    c.see("many empty pages");
    c->trim();
    c.see("trimmed");
    take(100);
    c.see("and on");
    give(0);
}

template <class P>
void heap(std::string& book, const fa::options& o, const char* title) {
    chapter<P> c(book, title, o);
    struct block {
        void* p;
        std::size_t n, align;
    };
    std::vector<block> blocks;
    random_numbers random{7};
    for (int i = 0; i < 400; ++i) {
        const std::size_t n = 1 + (i % 3 == 0 ? random.below(200'000) : random.below(9000)),
                          align = std::size_t{8} << random.below(11);
        blocks.push_back({c.at(c->heap_alloc_bytes(n, align)), n, align});
        if (i % 5 < 3) {
            std::swap(blocks[random.below(blocks.size())], blocks.back());
            c->heap_free_bytes(blocks.back().p, blocks.back().n, blocks.back().align);
            blocks.pop_back();
        }
        if (i % 80 == 79) c.see("churn");
        if (i == 200) c->trim();
    }
    for (const block& b : blocks) c->heap_free_bytes(b.p, b.n, b.align);
    c.see("gone");
    c->trim();
    c.see("trimmed");
    void* large = c.at(c->heap_alloc_bytes(20_MiB));
    c.see("large");
    c->heap_free_bytes(large, 20_MiB);
    for (int i = 0; i < 4; ++i) c->heap_free_bytes(c.at(c->heap_alloc_bytes(70'000)), 70'000);
    c.see("again and again");
}

template <class P>
void tags(std::string& book) {
    static constexpr fa::tag physics{"physics"}, solver{physics, "solver"}, render{"render"};
    chapter<P> c(book, "tags and phases", {.frame_capacity = 64_KiB});
    for (int round = 0; round < 2; ++round) {
        std::vector<void*> blocks;
        void* large = nullptr;
        {
            const auto frame = c->frame_scope();
            const fa::phase_scope update{c.alloc(), "update"};
            const fa::tag_scope tag{c.alloc(), physics};
            c.at(frame.alloc_bytes(1000));
            {
                const fa::tag_scope inner{c.alloc(), solver};
                const fa::phase_scope solve{c.alloc(), "update::solve"};
                c.at(frame.alloc_bytes(2000));
                for (int i = 0; i < 100; ++i) blocks.push_back(c.at(c->pool_alloc_bytes(100)));
                large = c.at(c->heap_alloc_bytes(9000));
                c.see("in the solver");
                const auto below = c->frame_scope();
                c.at(below.alloc_bytes(70'000));
                c.at(frame.alloc_bytes(500));
            }
            c->with_tag("solver", [&](const auto& a) { blocks.push_back(c.at(a.pool_alloc_bytes(100))); });
            c->with_tag("a::b::::c:", [&](const auto& a) { c.at(a.frame_alloc_bytes(8)); });
            auto guard = c->checkpoint_guard();
            c.at(frame.alloc_bytes(3000));
        }
        c.see("frame ended");
        const fa::tag_scope drawing{c.alloc(), render};
        for (void* p : blocks) c->pool_free_bytes(p, 100);
        c->heap_free_bytes(large, 9000);
        c->begin_phase("late");
        c.see("freed under another tag");
        c->end_phase();
        c->end_phase();
    }
    c->begin_frame();
    c->begin_phase("open");
    c->end_frame();
    c.see("a phase was left open");
    std::optional<fa::tag_scope> crosses;
    c->begin_frame();
    crosses.emplace(c.alloc(), physics);
    c->end_frame();
    crosses.reset();
    c.see("a tag crossed its frame");
}

template <class P>
void many_tags(std::string& book) {
    chapter<P> c(book, "more tags than have pages of their own", {.slab_page_size = 64_KiB});
    std::vector<void*> blocks;
    for (int i = 0; i < 300; ++i) {
        const fa::tag_scope tag{c.alloc(), i % 2 == 0 ? "physics" : "render"};
        const fa::tag_scope below{c.alloc(), std::to_string(i)};
        blocks.push_back(c.at(c->pool_alloc_bytes(300)));
    }
    c.see("300 tags");
    for (void* p : blocks) c->pool_free_bytes(p, 300);
    c.see("freed");
}

template <class P>
void pool_budget(std::string& book) {
    chapter<P> c(book, "a pool budget");
    for (auto policy : {fa::budget_policy::fail, fa::budget_policy::warn, fa::budget_policy::allow,
                        fa::budget_policy::promote, fa::budget_policy::custom}) {
        c->on_budget_exceeded(policy, [](const fa::budget_event& e) { return e.used < 40'000; }, 75);
        c->set_thread_pool_budget(30'000);
        c->begin_frame();
        std::vector<void*> blocks;
        for (int i = 0; i < 150; ++i) {
            if (void* p = c.at(c->try_pool_alloc_bytes(400))) blocks.push_back(p);
        }
        c.say("served", blocks.size());
        c.see("full");
        for (void* p : blocks) c->pool_free_bytes(p, 400);
        c.say("of another class", c->try_pool_alloc_bytes(0) == nullptr ? 1 : 0);
        if (void* p = c.at(c->try_pool_alloc_bytes(1000))) c->pool_free_bytes(p, 1000);
        c->end_frame();
        c.see("ended");
    }
}

template <class P>
void runs_out(std::string& book, const fa::options& o, const char* title) {
    chapter<P> c(book, title, o);
    const auto until_refused = [&](auto&& take) {
        std::uint64_t n = 0;
        while (n < 5000 && c.at(take()) != nullptr) ++n;
        c.say("served", n);
    };
    c->begin_frame();
    until_refused([&] { return c->try_frame_alloc_bytes(5000); });
    c.see("frames");
    c->end_frame();
    std::vector<void*> blocks;
    until_refused([&] {
        void* p = c->try_pool_alloc_bytes(1500);
        if (p != nullptr) blocks.push_back(p);
        return p;
    });
    c.see("pool");
    for (void* p : blocks) c->pool_free_bytes(p, 1500);
    blocks.clear();
    c->trim();
    until_refused([&] {
        void* p = c->try_heap_alloc_bytes(50'000);
        if (p != nullptr) blocks.push_back(p);
        return p;
    });
    c.see("heap");
    for (void* p : blocks) c->heap_free_bytes(p, 50'000);
    c.see("freed");
}

template <class P>
void refused(std::string& book, std::size_t slab, const char* title) {
    chapter<P> c(book, title, {.frame_capacity = 64_KiB, .slab_page_size = slab});
    for (int k = 0; k < 4; ++k) {
        c.pages().refuse_after = k;
        void* p = c.at(c->pool_alloc_bytes(64U << k));
        c.pages().refuse_after = k;
        void* q = c.at(c->heap_alloc_bytes(100'000U << k));
        c.pages().refuse_after = k;
        c->begin_frame();
        c.at(c->frame_alloc_bytes(60'000));
        c.at(c->frame_alloc_bytes(60'000));
        c.see("served in the end");
        c->end_frame();
        c->pool_free_bytes(p, 64U << k);
        c->heap_free_bytes(q, 100'000U << k);
    }
    c.pages().refuse_after = -1;
    c->seal();
    c.say("sealed", c->try_heap_alloc_bytes(30_MiB) == nullptr ? 1 : 0);
    c.see("sealed");
}

}  // namespace

template <class P>
void tell_blocks(std::string& book) {
    static constexpr std::array<std::size_t, 4> classes{32, 64, 256, 1024};
    pool<P>(book, {}, "pool");
    pool<P>(book, {.slab_page_size = 64_KiB, .prefault = true}, "pool, page by page, prefaulted");
    pool<P>(book, {.size_classes = classes, .pool_max = 2000}, "pool, four classes");
    pool<P>(book, {.guard = fa::guard_level::fill}, "pool, filled");
    pool<P>(book, {.guard = fa::guard_level::off}, "pool, not guarded");
    heap<P>(book, {}, "heap");
    heap<P>(book, {.guard = fa::guard_level::fill}, "heap, filled");
    heap<P>(book, {.guard = fa::guard_level::off}, "heap, not guarded");
    tags<P>(book);
    many_tags<P>(book);
    pool_budget<P>(book);
    runs_out<P>(book, {.frame_capacity = 64_KiB, .fixed_memory = 2_MiB}, "fixed memory runs out");
    runs_out<P>(book, {.frame_capacity = 64_KiB, .global_limit = 2_MiB}, "the global limit is reached");
    refused<P>(book, 128_KiB, "requests are refused, and the handler is asked");
    refused<P>(book, 64_KiB, "requests are refused, and there is nothing smaller");
}

}  // namespace diary

DIARY_CHAPTERS(tell_blocks);
