// frame_stats, and statistics seen from several threads.
#include <doctest/doctest.h>

#include <atomic>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "support/recorder.hpp"

using namespace test;

FOR_EACH_POLICY("frame_stats speaks of the current frame, then of the last one") {
    fa::basic_smart_alloc<P> alloc;
    CHECK(alloc.frame_stats().frame_number == 0);
    {
        auto frame = alloc.frame_scope();
        static_cast<void>(frame.alloc_bytes(800, 8));
        {
            auto inner = alloc.frame_scope();
            static_cast<void>(inner.alloc_bytes(80, 8));
            CHECK(alloc.frame_stats().bytes_in_use == 880);
        }
        CHECK(alloc.frame_stats().bytes_in_use == 800);
        CHECK(alloc.frame_stats().bytes_allocated == 880);
    }
    const auto s = alloc.frame_stats();
    CHECK(s.frame_number == 1);
    CHECK(s.bytes_allocated == 880);
    CHECK(s.bytes_in_use == 0);
    CHECK(s.peak_bytes == 880);
    CHECK(s.outer_growth == 0);
    CHECK(s.suggested_capacity == 0);
}

FOR_EACH_POLICY("stats sum over threads that run and threads that ended") {
    fa::basic_smart_alloc<P> alloc;
    { auto frame = alloc.frame_scope(); }  // its own context: otherwise this thread would take over one that was left
    void* blocks[3];
    for (void*& b : blocks) std::thread([&] { b = alloc.pool_alloc_bytes(100); }).join();
    CHECK(alloc.stats().pool_allocated == 3 * 112);
    CHECK(alloc.stats().active_allocations() == 3);
    for (void* b : blocks) alloc.pool_free_bytes(b, 100);
    CHECK(alloc.stats().pool_allocated == 0);
    CHECK(alloc.stats().deferred_free_count == 3);
}

// Under the thread sanitizer this also fails if the counts that a reset keeps are read concurrently.
TEST_CASE("counts are never more than what was done since a reset, whoever resets") {
    fa::smart_alloc alloc;
    constexpr unsigned rounds = 2000;
    for (unsigned i = 0; i < rounds; ++i) alloc.pool_free(alloc.pool_alloc<int>());
    std::thread resets[2];
    for (auto& t : resets) {
        t = std::thread([&] {
            for (unsigned i = 0; i < rounds; ++i) alloc.reset_stats();
        });
    }
    unsigned wrong = 0;
    for (unsigned i = 0; i < rounds; ++i) {
        alloc.pool_free(alloc.pool_alloc<int>());
        const fa::alloc_stats s = alloc.stats();
        wrong += s.allocation_count > 2 * rounds || s.deallocation_count > 2 * rounds ? 1U : 0U;
    }
    for (auto& t : resets) t.join();
    CHECK(wrong == 0);
    alloc.reset_stats();
    alloc.pool_free(alloc.pool_alloc<int>());
    CHECK(alloc.stats().allocation_count == 1);
    CHECK(alloc.stats().deallocation_count == 1);
}

FOR_EACH_POLICY("statistics of a tag may be asked for while another thread gives it its first pages") {
    fa::basic_smart_alloc<P> alloc;
    std::atomic<bool> stop{false};
    std::thread reader([&] {
        while (!stop.load()) {
            CHECK(alloc.tag_stats("t1").with_children.pool_bytes <= 1_MiB);
            CHECK(alloc.stats().pool_allocated <= 1_MiB);
        }
    });
    std::thread([&] {
        for (int i = 0; i < 100; ++i) {
            const fa::tag_scope scope{alloc, std::string_view("t" + std::to_string(i % 50))};
            void* blocks[50];
            for (void*& b : blocks) b = alloc.pool_alloc_bytes(4096);
            for (void* b : blocks) alloc.pool_free_bytes(b, 4096);
        }
    }).join();
    stop = true;
    reader.join();
    CHECK(alloc.tag_stats("t1").pool_bytes == 0);
}

// Blocks all over its pages are freed and taken again: pages close and open all the time.
FOR_EACH_POLICY("statistics may be asked for while another thread's pages fill and empty") {
    fa::basic_smart_alloc<P> alloc;
    constexpr std::size_t count = 4000, bytes = count * 64;
    std::atomic<bool> filled{false}, stop{false};
    std::thread worker([&] {
        const fa::tag_scope scope{alloc, "t"};
        std::vector<void*> blocks(count);
        for (void*& b : blocks) b = alloc.pool_alloc_bytes(64);
        filled = true;
        for (std::size_t i = 0; !stop.load(); ++i) {
            void*& b = blocks[i * 1009 % count];
            alloc.pool_free_bytes(b, 64);
            b = alloc.pool_alloc_bytes(64);
        }
        for (void* b : blocks) alloc.pool_free_bytes(b, 64);
    });
    while (!filled.load()) std::this_thread::yield();
    unsigned wrong = 0;
    for (int i = 0; i < 1000; ++i) {
        for (const std::size_t seen : {alloc.stats().pool_allocated, alloc.tag_stats("t").pool_bytes})
            wrong += seen < bytes / 2 || seen > bytes * 2 ? 1U : 0U;
        const std::uint64_t live = alloc.stats().active_allocations();
        wrong += live < count / 2 || live > count * 2 ? 1U : 0U;
    }
    CHECK(wrong == 0);
    stop = true;
    worker.join();
    CHECK(alloc.stats().pool_allocated == 0);
}

// Nothing but frames with plain allocations on the other thread: no boundary comes.
FOR_EACH_POLICY("another thread sees what the frames of this one had, although they have ended") {
    fa::basic_smart_alloc<P> alloc;
    static constexpr fa::tag level{"level"}, enemies{level, "enemies"};
    std::atomic<int> step{0};
    auto await = [&](int n) {
        while (step.load() != n) std::this_thread::yield();
    };
    auto seen = [&](std::size_t last, std::size_t peak) {
        for (const fa::tag_stats& s : {alloc.tag_stats(level), alloc.tag_stats(enemies)}) {
            CHECK(s.with_children.last_frame_bytes == last);
            CHECK(s.with_children.peak_bytes == peak);
        }
        CHECK(alloc.tag_stats(level).last_frame_bytes == 0);
        CHECK(alloc.tag_stats(enemies).peak_bytes == peak);
        CHECK(alloc.stats().peak_allocated == peak);
    };
    auto one_frame = [&](std::size_t bytes) {
        const auto frame = alloc.frame_scope();
        static_cast<void>(frame.alloc_bytes(bytes, 8));
        const auto inner = alloc.frame_scope();
        static_cast<void>(inner.alloc_bytes(bytes, 8));
    };
    std::thread worker([&] {
        { const auto first = alloc.frame_scope(); }
        const fa::tag_scope scope{alloc, enemies};
        for (std::size_t bytes : {100U, 4000U, 800U}) one_frame(bytes);
        step = 1;
        await(2);
        for (std::size_t bytes : {200U, 40U}) one_frame(bytes);
        step = 3;
        await(4);
    });
    await(1);
    seen(1600, 8000);
    alloc.reset_stats();
    seen(1600, 0);
    step = 2;
    await(3);
    seen(80, 400);
    step = 4;
    worker.join();
    seen(80, 400);
}

// The maximum of frames that have ended is beside what was live then, not what is live later.
FOR_EACH_POLICY("peaks of ended frames are beside the blocks of their time") {
    fa::basic_smart_alloc<P> alloc;
    auto one_frame = [&](std::size_t bytes, bool pool) {
        const auto frame = alloc.frame_scope();
        static_cast<void>(frame.alloc_bytes(bytes, 8));
        return pool ? alloc.pool_alloc_bytes(1000) : nullptr;
    };
    one_frame(16, false);
    one_frame(8000, false);
    void* p = one_frame(16, true);
    CHECK(alloc.stats().peak_allocated == 8000);
    one_frame(9000, false);
    alloc.pool_free_bytes(p, 1000);
    one_frame(16, false);
    CHECK(alloc.stats().peak_allocated == 9000 + 1024);
}

FOR_EACH_POLICY(
    "a phase that is open across frames has the blocks of the last one, charged before what an earlier one had") {
    fa::basic_smart_alloc<P> alloc;
    const fa::phase_scope phase{alloc, "p"};
    for (std::size_t bytes : {1024U, 128U}) {
        const auto frame = alloc.frame_scope();
        static_cast<void>(frame.alloc_bytes(bytes, 8));
    }
    {
        const auto frame = alloc.frame_scope();
        void* large_block = alloc.heap_alloc_bytes(100'000);
        void* small_block = alloc.heap_alloc_bytes(1000);
        void* pool_block = alloc.pool_alloc_bytes(320);
        { const fa::tag_scope boundary{alloc, "t"}; }
        static_cast<void>(frame.alloc_bytes(48, 8));
        alloc.heap_free_bytes(large_block, 100'000);
        alloc.heap_free_bytes(small_block, 1000);
        alloc.pool_free_bytes(pool_block, 320);
    }
    const auto phases = alloc.phase_stats();
    REQUIRE(phases.size() == 1);
    CHECK(phases[0].bytes == 100'000 + 1024 + 320 + 48);
    CHECK(phases[0].allocations == 3U + (guarded<P> ? 1U : 0U));  // frame allocations are counted there
}

FOR_EACH_POLICY("a peak asks for what came back, and leaves what was allocated to its own page") {
    fa::basic_smart_alloc<P> alloc;
    const fa::tag_scope a{alloc, "a"};
    alloc.pool_free_bytes(alloc.pool_alloc_bytes(320), 320);
    void* const first = alloc.pool_alloc_bytes(320);
    static_cast<void>(alloc.tag_stats("a"));
    alloc.pool_free_bytes(first, 320);
    void* inner = nullptr;
    {
        const fa::tag_scope c{alloc, "c"};
        inner = alloc.pool_alloc_bytes(1024);
    }
    static_cast<void>(alloc.tag_stats("a"));
    void* const y = alloc.pool_alloc_bytes(224);
    void* const z = alloc.heap_alloc_bytes(144);
    CHECK(alloc.tag_stats("a").total_bytes == 224 + 144);
    alloc.pool_free_bytes(y, 224);
    CHECK(alloc.tag_stats("a").total_bytes == 144);
    CHECK(alloc.tag_stats("a").peak_bytes == 224 + 144);
    alloc.heap_free_bytes(z, 144);
    alloc.pool_free_bytes(inner, 1024);
}

namespace {

constexpr std::size_t large = 100'000, many = 20;

template <class P>
void on_another_thread(P&& f) {
    std::thread(std::forward<P>(f)).join();
}

}  // namespace

// Each row takes memory on one thread and gives it back on another. A new way to do so belongs here.
FOR_EACH_POLICY("peaks of blocks that change threads are those of what was in use") {
    using alloc_type = fa::basic_smart_alloc<P>;
    struct way {
        const char* name;
        void (*once)(alloc_type&);
        std::size_t least, most;
    };
    const way ways[] = {
        {"heap bytes",
         [](alloc_type& a) {
             void* p = a.heap_alloc_bytes(large);
             on_another_thread([&] { a.heap_free_bytes(p, large); });
         },
         large, large},
        {"pool bytes beyond the pages",
         [](alloc_type& a) {
             void* p = a.pool_alloc_bytes(large);
             on_another_thread([&] { a.pool_free_bytes(p, large); });
         },
         large, large},
        {"heap_box",
         [](alloc_type& a) {
             auto b = a.template heap_box<char[]>(large);
             on_another_thread([b = std::move(b)]() mutable { b = {}; });
         },
         large, large},
        {"heap_vec",
         [](alloc_type& a) {
             auto v = a.template heap_vec<char>(fa::count(large));
             on_another_thread([v = std::move(v)]() mutable { v = {}; });
         },
         large, large},
        {"a span for transfer",
         [](alloc_type& a) {
             auto frame = a.frame_scope();
             auto h = a.template frame_span_for_transfer<char>(large);
             on_another_thread([h = std::move(h)]() mutable { static_cast<void>(std::move(h).receive()); });
         },
         large, large},
        {"made by a thread that ends",
         [](alloc_type& a) {
             void* p = nullptr;
             on_another_thread([&] {
                 fa::tag_scope t(a, "moved");
                 p = a.heap_alloc_bytes(large);
             });
             a.heap_free_bytes(p, large);
         },
         large, large},
        {"grown here, shrunk there",
         [](alloc_type& a) {
             const fa::hook h{a};
             void* p = h.allocate(large / 10);
             p = h.reallocate(p, large);
             on_another_thread([&] { p = h.reallocate(p, large / 10); });
             h.deallocate(p);
         },
         large, 2 * large},
        {"pool blocks",
         [](alloc_type& a) {
             std::vector<void*> blocks(many);
             for (void*& p : blocks) p = a.pool_alloc_bytes(64);
             { auto frame = a.frame_scope(); }
             on_another_thread([&] {
                 for (void* p : blocks) a.pool_free_bytes(p, 64);
             });
         },
         many * 64, 2 * many * 64},
    };
    for (const way& w : ways) {
        CAPTURE(w.name);
        alloc_type alloc;
        { auto frame = alloc.frame_scope(); }
        for (std::size_t i = 0; i < many; ++i) {
            fa::tag_scope t(alloc, "moved");
            w.once(alloc);
        }
        const fa::alloc_stats s = alloc.stats();
        CHECK(s.total_allocated == 0);
        CHECK(s.peak_allocated >= w.least);
        CHECK(s.peak_allocated <= w.most);
        const auto t = alloc.tag_stats("moved");
        CHECK(t.peak_bytes >= w.least);
        CHECK(t.peak_bytes <= w.most);
        CHECK(t.with_children.peak_bytes == t.peak_bytes);
        alloc.reset_stats();
        CHECK(alloc.stats().peak_allocated == 0);
        CHECK(alloc.tag_stats("moved").peak_bytes == 0);
    }
}

FOR_EACH_POLICY("a thread that freed another's block has peaks of its own, and no less") {
    fa::basic_smart_alloc<P> alloc;
    void* p = alloc.heap_alloc_bytes(large);
    std::thread([&] {
        alloc.heap_free_bytes(p, large);
        {
            auto frame = alloc.frame_scope();
            static_cast<void>(frame.alloc_bytes(50 * large, 8));
        }
        CHECK(alloc.stats().total_allocated == 0);
        CHECK(alloc.stats().peak_allocated >= 50 * large);
        CHECK(alloc.stats().peak_allocated <= 51 * large);
        CHECK(alloc.stats().peak_allocated <= alloc.stats().peak_committed);
    }).join();
    alloc.reset_stats();
    CHECK(alloc.stats().peak_allocated == 0);
}

FOR_EACH_POLICY("a block that another thread resizes is charged there, to its tag") {
    fa::basic_smart_alloc<P> alloc;
    const fa::hook h{alloc};
    void* p = nullptr;
    {
        fa::tag_scope t(alloc, "owner");
        p = h.allocate(large);
    }
    std::thread([&] { p = h.reallocate(p, large / 2); }).join();
    CHECK(alloc.stats().heap_allocated == alloc.stats().total_allocated);
    CHECK(alloc.stats().heap_allocated >= large / 2);
    CHECK(alloc.stats().heap_allocated < large);
    h.deallocate(p);
    CHECK(alloc.stats().total_allocated == 0);
    alloc.reset_stats();
    CHECK(alloc.stats().peak_allocated == 0);
}

FOR_EACH_POLICY("peaks do not add up what was freed in between, whichever pages it was in") {
    for (const bool pool : {true, false}) {
        CAPTURE(pool);
        fa::basic_smart_alloc<P> alloc;
        std::vector<void*> blocks;
        for (std::size_t bytes = 16; bytes <= 2048; bytes *= 2) {
            for (std::size_t i = 0; i < 65'536 / bytes; ++i)
                blocks.push_back(pool ? alloc.pool_alloc_bytes(bytes) : alloc.heap_alloc_bytes(bytes));
            { auto frame = alloc.frame_scope(); }
            for (void* p : blocks) pool ? alloc.pool_free_bytes(p, bytes) : alloc.heap_free_bytes(p, bytes);
            blocks.clear();
        }
        for (const char* tag : {"a", "b", "c"}) {
            fa::tag_scope t(alloc, tag);
            for (int i = 0; i < 1000; ++i)
                blocks.push_back(pool ? alloc.pool_alloc_bytes(64) : alloc.heap_alloc_bytes(64));
            { auto frame = alloc.frame_scope(); }
            for (void* p : blocks) pool ? alloc.pool_free_bytes(p, 64) : alloc.heap_free_bytes(p, 64);
            blocks.clear();
        }
        {
            auto frame = alloc.frame_scope();
            static_cast<void>(frame.alloc_bytes(60'000, 8));
        }
        CHECK(alloc.stats().peak_allocated == 65'536);
        CHECK(alloc.tag_stats("c").peak_bytes == 64'000);
        CHECK(alloc.tag_stats("").with_children.peak_bytes == 65'536);
    }
}

FOR_EACH_POLICY("reset_stats begins peaks from what is in use, also of pages that serve nobody now") {
    for (const bool pool : {true, false}) {
        CAPTURE(pool);
        fa::basic_smart_alloc<P> alloc;
        void* blocks[100];
        for (void*& p : blocks) p = pool ? alloc.pool_alloc_bytes(64) : alloc.heap_alloc_bytes(64);
        { auto frame = alloc.frame_scope(); }
        for (void*& p : blocks) {
            if (&p != blocks) pool ? alloc.pool_free_bytes(p, 64) : alloc.heap_free_bytes(p, 64);
        }
        alloc.reset_stats();
        CHECK(alloc.stats().peak_allocated == 64);
        CHECK(alloc.tag_stats("").peak_bytes == 64);
        pool ? alloc.pool_free_bytes(blocks[0], 64) : alloc.heap_free_bytes(blocks[0], 64);
        alloc.reset_stats();
        { auto frame = alloc.frame_scope(); }
        CHECK(alloc.stats().peak_allocated == 0);
        CHECK(alloc.tag_stats("").with_children.peak_bytes == 0);
    }
}

namespace {

// Threads that go on in turns.
class turns {
public:
    void await(int n) const {
        while (at_.load() != n) std::this_thread::yield();
    }
    void pass_on() { at_.fetch_add(1); }

private:
    std::atomic<int> at_{0};
};

}  // namespace

// Each row is memory that a thread takes, and gives back but for a rest, without a boundary afterwards. A new kind of
// memory belongs here.
FOR_EACH_POLICY("peaks of a thread that runs begin from what is in use when another resets them") {
    using alloc_type = fa::basic_smart_alloc<P>;
    struct way {
        const char* name;
        void* (*take)(const alloc_type&);
        void (*give_back)(const alloc_type&, void*);
        std::size_t bytes;
        unsigned most;  // of them
    };
    static constexpr way ways[] = {
        {"pool blocks", [](const alloc_type& a) { return a.pool_alloc_bytes(64); },
         [](const alloc_type& a, void* p) { a.pool_free_bytes(p, 64); }, 64, 3000},
        {"small heap blocks", [](const alloc_type& a) { return a.heap_alloc_bytes(64); },
         [](const alloc_type& a, void* p) { a.heap_free_bytes(p, 64); }, 64, 3000},
        {"large heap blocks", [](const alloc_type& a) { return a.heap_alloc_bytes(large); },
         [](const alloc_type& a, void* p) { a.heap_free_bytes(p, large); }, large, 20},
        {"pool blocks beyond the pages", [](const alloc_type& a) { return a.pool_alloc_bytes(large); },
         [](const alloc_type& a, void* p) { a.pool_free_bytes(p, large); }, large, 20},
    };
    for (const way& w : ways) {
        for (const bool elsewhere : {false, true}) {  // given back by a thread that ends
            CAPTURE(w.name);
            CAPTURE(elsewhere);
            alloc_type alloc;
            { auto frame = alloc.frame_scope(); }
            turns turn;
            const auto peaks_are = [&](std::size_t bytes) {
                CHECK(alloc.stats().peak_allocated == bytes);
                CHECK(alloc.tag_stats("t").peak_bytes == bytes);
                CHECK(alloc.tag_stats("t").with_children.peak_bytes == bytes);
                CHECK(alloc.tag_stats("").with_children.peak_bytes == bytes);
            };
            std::thread worker([&] {
                const fa::tag_scope scope{alloc, "t"};
                std::vector<void*> blocks(w.most);
                for (void*& p : blocks) p = w.take(alloc);
                { auto boundary = alloc.frame_scope(); }
                const auto give_most = [&] {
                    for (; blocks.size() > 1; blocks.pop_back()) w.give_back(alloc, blocks.back());
                };
                elsewhere ? on_another_thread(give_most) : give_most();
                turn.pass_on();
                turn.await(2);
                { const fa::tag_scope boundary{alloc, "u"}; }
                turn.pass_on();
                turn.await(4);
                for (int i = 0; i < 2; ++i) blocks.push_back(w.take(alloc));
                { auto boundary = alloc.frame_scope(); }
                for (void* p : blocks) w.give_back(alloc, p);
                turn.pass_on();
                turn.await(6);
            });
            turn.await(1);
            CHECK(alloc.stats().peak_allocated == w.most * w.bytes);
            alloc.reset_stats();
            peaks_are(w.bytes);
            turn.pass_on();
            turn.await(3);
            peaks_are(w.bytes);
            turn.pass_on();
            turn.await(5);
            peaks_are(3 * w.bytes);
            turn.pass_on();
            worker.join();
            alloc.reset_stats();
            peaks_are(0);
        }
    }
}

FOR_EACH_POLICY("peaks of frames that a thread has open begin from those when another resets them") {
    fa::basic_smart_alloc<P> alloc;
    { auto frame = alloc.frame_scope(); }
    turns turn;
    std::thread worker([&] {
        const fa::tag_scope scope{alloc, "t"};
        std::optional<fa::basic_frame_scope<P>> outer(std::in_place, alloc);
        static_cast<void>(outer->alloc_bytes(4000, 8));
        {
            auto inner = alloc.frame_scope();
            static_cast<void>(inner.alloc_bytes(20'000, 8));
            const fa::tag_scope boundary{alloc, "u"};
        }
        {
            auto inner = alloc.frame_scope();  // no boundary sees it
            static_cast<void>(inner.alloc_bytes(10'000, 8));
        }
        turn.pass_on();
        turn.await(2);
        { const fa::tag_scope boundary{alloc, "u"}; }
        turn.pass_on();
        turn.await(4);
        CHECK(alloc.frame_stats().peak_bytes == 4000);
        static_cast<void>(outer->alloc_bytes(1000, 8));
        outer.reset();
        turn.pass_on();
        turn.await(6);
        CHECK(alloc.frame_stats().peak_bytes == 5000);
    });
    turn.await(1);
    alloc.reset_stats();
    CHECK(alloc.stats().peak_allocated <= 4000);
    turn.pass_on();
    turn.await(3);
    CHECK(alloc.stats().peak_allocated == 4000);
    CHECK(alloc.tag_stats("t").peak_bytes == 4000);
    turn.pass_on();
    turn.await(5);
    CHECK(alloc.stats().peak_allocated == 5000);
    CHECK(alloc.tag_stats("").with_children.peak_bytes == 5000);
    turn.pass_on();
    worker.join();
}
