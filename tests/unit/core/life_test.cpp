// Memory that an allocator takes besides its pages, and when it is released.
#include <doctest/doctest.h>

#include <support/child.hpp>
#include <support/recorder.hpp>
#include <support/test_pages.hpp>

#include <sys/resource.h>

#include <cstdio>
#include <cstring>
#include <memory>
#include <new>
#include <optional>
#include <random>
#include <string_view>
#include <thread>
#include <vector>

using namespace framealloc::literals;
namespace fa = framealloc;
using test::recorder;
using test::status_of_child;

namespace {

// Bytes of address space of this process.
std::size_t address_space() {
    std::size_t pages = 0;
    if (std::FILE* f = std::fopen("/proc/self/statm", "r")) {
        if (std::fscanf(f, "%zu", &pages) != 1) pages = 0;
        std::fclose(f);
    }
    return pages * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

// Every kind of memory, and of memory kept for reuse.
template <class P>
void live_a_little(const fa::options& o) {
    fa::basic_smart_alloc<P> alloc{o};
    const auto work = [&] {
        for (int n = 0; n < 4; ++n) {
            const auto frame = alloc.frame_scope();
            static_cast<void>(frame.alloc_bytes(40'000));
            const auto inner = alloc.frame_scope();
            for (int i = 0; i < 5; ++i) static_cast<void>(inner.alloc_bytes(30'000));
            static_cast<void>(frame.alloc_bytes(100'000));
            for (std::size_t bytes : {24U, 1000U, 20'000U}) alloc.heap_free_bytes(alloc.heap_alloc_bytes(bytes), bytes);
            for (int i = 0; i < 300; ++i) alloc.pool_free_bytes(alloc.pool_alloc_bytes(48), 48);
        }
        const auto outer = alloc.frame_scope();  // memory of an inner frame remains when the allocator is destroyed
        const auto inner = alloc.frame_scope();
        for (int i = 0; i < 5; ++i) static_cast<void>(inner.alloc_bytes(30'000));
    };
    work();
    std::thread(work).join();
}

const bool of_the_system = test::on_linux && !fa::guard::under_tool && !FRAMEALLOC_TSAN;

}  // namespace

FOR_EACH_POLICY("an allocator that is gone leaves no address space behind") {
    if (!of_the_system) return;
    for (const fa::guard_level level : {fa::guard_level::off, fa::guard_level::fill, fa::guard_level::revoke}) {
        for (const std::uint32_t sample : {0U, 2U}) {
            CAPTURE(static_cast<int>(level));
            CAPTURE(sample);
            const fa::options o{.frame_capacity = 64_KiB,
                                .frames_in_flight = 1 + sample,
                                .guard = level,
                                .guard_sample = sample,
                                .guard_seed = 11};
            for (int i = 0; i < 3; ++i) live_a_little<P>(o);
            const std::size_t before = address_space();
            for (int i = 0; i < 10; ++i) live_a_little<P>(o);
            CHECK(address_space() <= before);
        }
    }
}

TEST_CASE("memory that cannot be had once and for all is refused by the system, not by the memory's end") {
    struct reason_of {
        bool operator()(const fa::exhaustion& e) const { _exit(static_cast<int>(e.reason)); }
    } exits{};
    CHECK(status_of_child([&] {
              fa::options o{.fixed_memory = std::size_t{1} << 50};
              o.on_exhaustion = exits;
              fa::basic_smart_alloc<fa::policy::standard> alloc{o};
          }) == static_cast<int>(fa::exhaustion_reason::system_refused));
}

TEST_CASE("a thread finds each of 4,104 allocators and one more again, also when others are gone") {
    if (!of_the_system) return;
    std::vector<std::unique_ptr<fa::basic_smart_alloc<fa::policy::standard>>> allocs(4104);
    const fa::options o{.frame_capacity = 64_KiB, .slab_page_size = 64_KiB};
    for (auto& a : allocs) {
        a = std::make_unique<fa::basic_smart_alloc<fa::policy::standard>>(o);
        a->begin_frame();
        REQUIRE(a->try_frame_alloc_bytes(16) != nullptr);
        a->end_frame();
    }
    const fa::basic_smart_alloc<fa::policy::standard> more{o};
    CHECK(more.try_frame_alloc_bytes(16) != nullptr);
    CHECK(allocs[4100]->frame_number() == 1);
    allocs[17].reset();
    CHECK(allocs[18]->frame_number() == 1);
    void* p = more.try_pool_alloc_bytes(16);
    CHECK(p != nullptr);
    more.pool_free_bytes(p, 16);
}

TEST_CASE("allocators that come and go in any order are each found again, or are new") {
    std::mt19937 random(7);
    const fa::options o{.frame_capacity = 64_KiB, .slab_page_size = 64_KiB};
    for (const std::size_t most : {3U, 7U, 8U, 9U, 40U, 200U}) {
        std::vector<std::unique_ptr<fa::smart_alloc>> allocs(most);
        std::vector<std::uint64_t> frames(most);
        for (std::size_t i = 0; i < 20 * most; ++i) {
            const std::size_t chosen = random() % most;
            std::unique_ptr<fa::smart_alloc>& a = allocs[chosen];
            if (a != nullptr && random() % 3 == 0) {
                if (random() % 4 == 0) std::thread([&] { a.reset(); }).join();  // which this thread is not told
                a.reset();
                frames[chosen] = 0;
            } else {
                if (a == nullptr) a = std::make_unique<fa::smart_alloc>(o);
                const auto frame = a->frame_scope();
                REQUIRE(a->frame_number() == ++frames[chosen]);
            }
            const std::size_t other = random() % most;
            if (allocs[other] != nullptr) REQUIRE(allocs[other]->frame_number() == frames[other]);
        }
    }
}

TEST_CASE("without memory to remember an allocator by, a thread does not use it") {
    if (!of_the_system) return;
    using alloc_type = fa::basic_smart_alloc<fa::policy::standard>;
    const auto first_use_of_the_eighth = [] {  // the slot has eight places, one of which stays empty
        alloc_type allocs[8];
        for (int i = 0; i < 7; ++i) allocs[i].pool_free_bytes(allocs[i].pool_alloc_bytes(16), 16);
        // The context that another thread left only needs to be recorded.
        std::thread([&] { allocs[7].pool_free_bytes(allocs[7].pool_alloc_bytes(16), 16); }).join();
        rlimit limit{};
        getrlimit(RLIMIT_AS, &limit);
        const rlimit none{4096, limit.rlim_max};
        setrlimit(RLIMIT_AS, &none);
        void* refused = allocs[7].try_pool_alloc_bytes(16);
        setrlimit(RLIMIT_AS, &limit);
        void* served = allocs[7].try_pool_alloc_bytes(16);
        allocs[7].pool_free_bytes(served, 16);
        _exit(refused == nullptr && served != nullptr ? 0 : 1);
    };
    CHECK(status_of_child([&] { std::thread(first_use_of_the_eighth).join(); }) == 0);
}

FOR_EACH_POLICY("a tag or phase that a thread left open is not the next one's") {
    recorder r;
    fa::basic_smart_alloc<P> alloc{r.options()};
    std::thread([&] {
        alignas(fa::tag_scope) unsigned char place[sizeof(fa::tag_scope)];
        ::new (place) fa::tag_scope{alloc, "left"};  // whose destructor never runs
        alloc.begin_phase("open");
        CHECK(alloc.tag_path() == "left");
    }).join();
    std::thread([&] {
        void* p = alloc.pool_alloc_bytes(64);
        CHECK(alloc.tag_path().empty());
        CHECK(alloc.current_phase().empty());
        alloc.pool_free_bytes(p, 64);
    }).join();
    CHECK(alloc.tag_stats("left").pool_bytes == 0);
}

FOR_EACH_POLICY("what a thread left starts anew with the next one: reports of memory outside frames too") {
    recorder r;
    fa::basic_smart_alloc<P> alloc{r.options()};
    for (int n = 0; n < 3; ++n) {
        std::thread([&] {
            for (int i = 0; i < 3; ++i) static_cast<void>(alloc.frame_alloc_bytes(16));
        }).join();
        CHECK(r.count(fa::code::FA001) == 2 * static_cast<std::size_t>(n + 1));  // the 1st and the 2nd
    }
}

// Each is the first call on its thread, with and without memory.
FOR_EACH_POLICY("what only asks or gives back takes no memory, also on a thread's first use") {
    using allocator = fa::basic_smart_alloc<P>;
    using use = bool (*)(const allocator&);
    const use uses[] = {
        [](const allocator& a) { return a.process_deferred_frees() == 0; },
        [](const allocator& a) { return a.deferred().total_queued == 0; },
        [](const allocator& a) { return a.frame_remaining() == 1'000'000; },
        [](const allocator& a) { return a.thread_budget().frame_budget == 0 && a.thread_budget().pool_used == 0; },
        [](const allocator& a) { return a.check() == 0; },
        [](const allocator& a) { return a.trim(), true; },
        [](const allocator& a) { return a.frame_depth() == 0 && a.frame_number() == 0 && a.tag_path().empty(); },
    };
    for (const bool refused : {false, true}) {
        test::test_pages pages;
        const allocator alloc{fa::options{.frame_limit = 1'000'000, .pages = &pages}};
        const std::size_t committed = alloc.stats().committed;  // of this thread
        if (refused) pages.refuse_after = 0;
        for (const use u : uses) std::thread([&] { CHECK(u(alloc)); }).join();
        CHECK(alloc.stats().committed <= committed);
        CHECK(pages.refusals == 0);
    }
}

TEST_CASE("check() on a thread that has not met the allocator looks at every block") {
    if (fa::guard::under_tool) return;  // the tool would report the write
    recorder r;
    const fa::basic_smart_alloc<fa::policy::debug> alloc{r.options()};
    auto* block = static_cast<char*>(alloc.pool_alloc_bytes(40));
    block[40] = static_cast<char>(block[40] + 1);
    std::size_t found = 0;
    std::thread([&] { found = alloc.check(); }).join();
    CHECK(found == 1);
    CHECK(r.faults == std::vector{fa::code::FA412});
    block[40] = static_cast<char>(block[40] - 1);
    alloc.pool_free_bytes(block, 40);
}
