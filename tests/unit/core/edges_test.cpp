// Memory that is released, limits, and options that take effect at once.
#include <doctest/doctest.h>

#include <support/recorder.hpp>
#include <support/test_pages.hpp>

#include <cstring>
#include <optional>
#include <thread>
#include <vector>

using namespace framealloc::literals;
namespace fa = framealloc;
using test::recorder;

FOR_EACH_POLICY("trim gives back whole slabs and idle pages, and touches nothing that is in use") {
    fa::basic_smart_alloc<P> alloc{fa::options{.slab_page_size = 256_KiB}};
    const auto fresh = alloc.stats();
    std::vector<unsigned char*> blocks;
    for (int i = 0; i < 8000; ++i) {
        blocks.push_back(static_cast<unsigned char*>(alloc.pool_alloc_bytes(1000)));
        std::memset(blocks.back(), i, 1000);
    }
    const auto full = alloc.stats();
    CHECK(full.reserved > 8_MiB);
    for (std::size_t i = 0; i < blocks.size(); ++i) {
        if (i % 1000 != 0) alloc.pool_free_bytes(blocks[i], 1000);
    }
    alloc.trim();
    CHECK(alloc.stats().committed < full.committed / 2);
    for (std::size_t i = 0; i < blocks.size(); i += 1000) {
        REQUIRE(blocks[i][0] == static_cast<unsigned char>(i));
        REQUIRE(blocks[i][999] == static_cast<unsigned char>(i));
        alloc.pool_free_bytes(blocks[i], 1000);
    }
    alloc.trim();
    CHECK(alloc.stats().reserved <= fresh.reserved + 1_MiB);
    std::vector<void*> again;
    for (int i = 0; i < 8000; ++i) {
        again.push_back(alloc.pool_alloc_bytes(1000));
        std::memset(again.back(), 1, 1000);
    }
    for (void* p : again) alloc.pool_free_bytes(p, 1000);
}

FOR_EACH_POLICY("trim gives back what ended threads left") {
    fa::basic_smart_alloc<P> alloc{fa::options{.frame_capacity = 8_MiB}};
    for (int i = 0; i < 3; ++i) {
        std::thread([&] {
            const auto frame = alloc.frame_scope();
            static_cast<void>(frame.alloc_bytes(3_MiB));
            void* p = alloc.heap_alloc_bytes(2_MiB);
            alloc.heap_free_bytes(p, 2_MiB);
        }).join();
    }
    alloc.trim();
    CHECK(alloc.stats().committed < 1_MiB);
}

FOR_EACH_POLICY("blocks freed by a thread that gets no tables of its own come home all the same") {
    fa::basic_smart_alloc<P> alloc;
    std::vector<void*> blocks(1000);  // virgin ones are taken first: of a page there are few more
    for (void*& p : blocks) p = alloc.pool_alloc_bytes(64);
    fa::os::metadata& tables = alloc.owner().owner->meta;
    tables.refuse_after(0, true);
    std::thread([&] {
        for (void* p : blocks) fa::memory::pool_free(p);
    }).join();
    CHECK(tables.refusals() > 0);
    tables.serve_again();
    CHECK(alloc.stats().pool_allocated == 0);
    const auto requests = alloc.stats().page_requests;
    for (void*& p : blocks) p = alloc.pool_alloc_bytes(64);
    if (!test::guarded<P>) CHECK(alloc.stats().page_requests == requests);  // in debug mode they are in quarantine
    for (void* p : blocks) alloc.pool_free_bytes(p, 64);
}

FOR_EACH_POLICY("own and returned free blocks of a page are both used again") {
    fa::basic_smart_alloc<P> alloc;
    std::size_t committed = 0;
    for (int round = 0; round < 12; ++round) {
        std::vector<void*> blocks(4000);
        for (void*& p : blocks) p = alloc.pool_alloc_bytes(128);
        for (std::size_t i = 0; i < 2000; ++i) alloc.pool_free_bytes(blocks[i * 2], 128);
        std::thread([&] {
            for (std::size_t i = 0; i < 2000; ++i) alloc.pool_free_bytes(blocks[i * 2 + 1], 128);
        }).join();
        alloc.process_deferred_frees();
        if (round == 3) committed = alloc.stats().committed;
    }
    CHECK(alloc.stats().committed <= committed + 64_KiB);
}

FOR_EACH_POLICY("large blocks at every alignment are aligned, and do not overlap") {
    fa::basic_smart_alloc<P> alloc;
    struct block {
        unsigned char* p;
        std::size_t n, align;
    };
    std::vector<block> blocks;
    unsigned state = 1;
    for (int i = 0; i < 600; ++i) {
        state = state * 1664525U + 1013904223U;  // Knuth and Lewis
        const std::size_t align = std::size_t{16} << (state >> 20) % 13, n = 1 + (state >> 8) % 30'000;
        auto* p = static_cast<unsigned char*>(alloc.heap_alloc_bytes(n, align));
        REQUIRE(test::aligned(p, align));
        std::memset(p, i, n);
        blocks.push_back({p, n, align});
        if (i % 3 == 2) {
            const std::size_t gone = state % blocks.size();
            alloc.heap_free_bytes(blocks[gone].p, blocks[gone].n, blocks[gone].align);
            blocks.erase(blocks.begin() + static_cast<std::ptrdiff_t>(gone));
        }
    }
    for (const block& b : blocks) {
        for (std::size_t k = 1; k < b.n; ++k) REQUIRE(b.p[k] == b.p[0]);
        alloc.heap_free_bytes(b.p, b.n, b.align);
    }
    CHECK(alloc.stats().heap_allocated == 0);
}

TEST_CASE("fixed memory is used from its begin to its end and not beyond, wherever it lies") {
    static unsigned char memory[1 << 20];
    for (std::size_t offset : {0U, 8U, 100U, 2000U, 4095U}) {
        for (std::size_t size : {600'000U, 601'001U, 602'500U, 604'095U}) {
            std::memset(memory, 0xA5, sizeof memory);
            const std::string name(offset, 'n');  // lies in it too
            {
                fa::options o{.name = name.c_str(), .frame_capacity = 16_KiB, .slab_page_size = 64_KiB};
                o.fixed_memory = std::span<std::byte>(reinterpret_cast<std::byte*>(memory) + offset, size);
                fa::basic_smart_alloc<fa::policy::standard> alloc{o};
                std::size_t had = 0;
                alloc.begin_frame();
                for (void* p; (p = alloc.try_frame_alloc_bytes(1000)) != nullptr; had += 1000) {
                    REQUIRE(p >= memory + offset);
                    REQUIRE(static_cast<unsigned char*>(p) + 1000 <= memory + offset + size);
                    std::memset(p, 0, 1000);
                }
                CHECK(had > 300'000);
                alloc.end_frame();
            }
            for (std::size_t i = 0; i < offset; ++i) REQUIRE(memory[i] == 0xA5);
            for (std::size_t i = offset + size; i < sizeof memory; ++i) REQUIRE(memory[i] == 0xA5);
        }
    }
}

FOR_EACH_POLICY("a budget that is set inside a frame holds from the next allocation on") {
    fa::basic_smart_alloc<P> alloc{fa::options{.frame_capacity = 1_MiB}};
    const auto frame = alloc.frame_scope();
    static_cast<void>(frame.alloc_bytes(1000));
    alloc.on_budget_exceeded(fa::budget_policy::fail);
    alloc.set_thread_frame_budget(2000);
    CHECK(frame.try_alloc_bytes(900) != nullptr);
    CHECK(frame.try_alloc_bytes(200) == nullptr);
    alloc.set_thread_frame_budget(0);
    CHECK(frame.try_alloc_bytes(5000) != nullptr);
}

FOR_EACH_POLICY("an outer frame's peak includes what its inner frames had") {
    fa::basic_smart_alloc<P> alloc;
    std::vector<fa::frame_event> ends;
    struct collect {
        std::vector<fa::frame_event>* to;
        void operator()(const fa::frame_event& e) const {
            if (e.kind == fa::frame_event_kind::frame_end) to->push_back(e);
        }
    } observer{&ends};
    alloc.lifecycle().enable(observer);
    {
        const auto outer = alloc.frame_scope();
        static_cast<void>(outer.alloc_bytes(1000));
        {
            const auto inner = alloc.frame_scope();
            static_cast<void>(inner.alloc_bytes(50'000));
        }
        static_cast<void>(outer.alloc_bytes(1000));
    }
    alloc.lifecycle().disable();
    REQUIRE(ends.size() == 2);
    CHECK(ends[0].depth == 2);
    CHECK(ends[1].depth == 1);
    CHECK(ends[0].peak >= 51'000);
    CHECK(ends[1].peak >= 51'000);
    CHECK(ends[1].peak < 60'000);
}

FOR_EACH_POLICY("chunks that come and go leave nothing behind") {
    fa::basic_smart_alloc<P> alloc{fa::options{.frame_capacity = 16_KiB}};
    std::size_t reserved = 0;
    for (int i = 0; i < 1500; ++i) {
        {
            const auto frame = alloc.frame_scope();
            for (int k = 0; k < 6; ++k) static_cast<void>(frame.alloc_bytes(7000));
        }
        { const auto next = alloc.frame_scope(); }
        alloc.trim();
        if (i == 100) reserved = alloc.stats().reserved;
    }
    // There the chunks of ended frames are quarantined before they are reused.
    if (!test::guarded<P>) CHECK(alloc.stats().reserved <= reserved + 64_KiB);
}

FOR_EACH_POLICY("what large blocks are cut from is whole again when they are gone" * doctest::skip(test::under_tsan)) {
    fa::basic_smart_alloc<P> alloc;
    std::size_t reserved = 0;
    unsigned state = 7;
    for (int round = 0; round < 300; ++round) {
        std::vector<std::pair<void*, std::size_t>> blocks;
        for (int i = 0; i < 40; ++i) {
            state = state * 1664525U + 1013904223U;  // Knuth and Lewis
            const std::size_t n = 5000 + (state >> 8) % 60'000;
            blocks.emplace_back(alloc.heap_alloc_bytes(n), n);
        }
        for (std::size_t i = 0; i < blocks.size(); ++i) {
            const auto [p, n] = blocks[(i * 17) % blocks.size()];
            alloc.heap_free_bytes(p, n);
        }
        alloc.trim();
        if (round == 50) reserved = alloc.stats().reserved;
    }
    CHECK(alloc.stats().reserved <= reserved + 1_MiB);
    CHECK(alloc.stats().heap_allocated == 0);
}

FOR_EACH_POLICY("every allocation through an outer frame is counted") {
    fa::basic_smart_alloc<P> alloc;
    const auto outer = alloc.frame_scope();
    const auto inner = alloc.frame_scope();
    for (int i = 0; i < 3; ++i) static_cast<void>(outer.alloc_bytes(100));
    CHECK(alloc.frame_stats().outer_growth == 3);
}

FOR_EACH_POLICY("prefault makes a whole pool page accessible at once, huge pages or not") {
    for (const bool prefault : {false, true}) {
        fa::basic_smart_alloc<P> alloc{fa::options{.prefault = prefault}};
        alloc.begin_frame();
        static_cast<void>(alloc.frame_alloc_bytes(16));
        const std::size_t before = alloc.stats().committed;
        void* p = alloc.pool_alloc_bytes(48);
        const std::size_t pool = alloc.stats().committed - before;
        CHECK((pool >= 64_KiB) == (prefault || fa::os::system_pages{}.granularity() >= 64_KiB));
        alloc.pool_free_bytes(p, 48);
        alloc.end_frame();
    }
}

FOR_EACH_POLICY("the last block of an allocator that is gone takes its memory along, on whatever thread it ends") {
    for (const bool elsewhere : {false, true}) {
        CAPTURE(elsewhere);
        recorder r;
        test::test_pages source;
        auto o = r.options({.pages = &source});
        std::optional<decltype(std::declval<fa::basic_smart_alloc<P>&>().template pool_box<int>(7))> last;
        {
            fa::basic_smart_alloc<P> alloc{o};
            last.emplace(alloc.template pool_box<int>(7));
        }
        CHECK(source.live > 0);
        if (elsewhere) std::thread([&] { last.reset(); }).join();
        else last.reset();
        CHECK(source.live == 0);
    }
}

FOR_EACH_POLICY("an oversize block from outside a frame ends with the next end_frame, without a second report") {
    recorder r;
    fa::basic_smart_alloc<P> alloc{r.options({.frame_capacity = 64_KiB})};
    CHECK(alloc.try_frame_alloc_bytes(10_MiB) != nullptr);
    const auto reports = r.faults.size();
    alloc.end_frame();
    CHECK(alloc.stats().frame_allocated == 0);
    CHECK(r.faults.size() == reports);
}

FOR_EACH_POLICY("where nothing is to be had ahead of time, what is needed will do") {
    test::test_pages source;
    fa::basic_smart_alloc<P> alloc{fa::options{.pages = &source}};
    alloc.begin_frame();
    static_cast<void>(alloc.frame_alloc_bytes(16));
    source.largest_commit = source.granularity() * 2;
    for (int i = 0; i < 300; ++i) {
        void* p = alloc.try_frame_alloc_bytes(1000);
        REQUIRE(p != nullptr);
        std::memset(p, i, 1000);
    }
    alloc.end_frame();
}

FOR_EACH_POLICY("what an outer container takes out of line is not to be had by inner frames once more") {
    fa::basic_smart_alloc<P> alloc{fa::options{.frame_capacity = 1_MiB, .frame_limit = 300'000}};
    const auto outer = alloc.frame_scope();
    auto v = outer.template vec<char>();
    v.reserve(1000);
    const auto inner = alloc.frame_scope();
    REQUIRE(inner.try_alloc_bytes(60'000) != nullptr);
    v.reserve(200'000);
    while (inner.try_alloc_bytes(64) != nullptr) {}
    CHECK(alloc.frame_stats().bytes_in_use <= 300'000);
}
