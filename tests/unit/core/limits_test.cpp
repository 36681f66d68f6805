// Counts, kept memory and refusals when a program reaches a limit: of the page source, of a thread, of a process.
#include <doctest/doctest.h>

#include <support/page_memory.hpp>
#include <support/recorder.hpp>

#include <cstring>
#include <string>
#include <thread>
#include <vector>

using namespace framealloc::literals;
namespace fa = framealloc;
using test::recorder;

FOR_EACH_POLICY("requests that are refused after seal() are no page requests, whatever kind of memory they are for") {
    fa::basic_smart_alloc<P> alloc;
    {
        auto frame = alloc.frame_scope();
        static_cast<void>(frame.alloc_bytes(100));
        alloc.pool_free_bytes(alloc.pool_alloc_bytes(64), 64);
        alloc.heap_free_bytes(alloc.heap_alloc_bytes(100'000), 100'000);
    }
    alloc.seal();
    const auto sealed_at = alloc.stats().page_requests;
    {
        auto frame = alloc.frame_scope();
        CHECK(frame.try_alloc_bytes(8_MiB) == nullptr);
        auto inner = alloc.frame_scope();
        CHECK(frame.try_alloc_bytes(8_MiB) == nullptr);
    }
    CHECK(alloc.stats().page_requests == sealed_at);
    std::vector<void*> blocks;
    while (void* p = alloc.try_pool_alloc_bytes(64)) blocks.push_back(p);
    CHECK(alloc.stats().page_requests == sealed_at);
    CHECK(alloc.try_heap_alloc_bytes(2_MiB) == nullptr);
    CHECK(alloc.stats().page_requests == sealed_at);
    for (void* p : blocks) alloc.pool_free_bytes(p, 64);
    alloc.trim();
    {
        auto frame = alloc.frame_scope();
        CHECK(frame.try_alloc_bytes(8_MiB) == nullptr);
    }
    CHECK(alloc.stats().page_requests == sealed_at);
}

FOR_EACH_POLICY("requests beyond global_limit or fixed memory are no page requests") {
    for (const bool fixed : {false, true}) {
        CAPTURE(fixed);
        fa::options o{.frame_capacity = 64_KiB};
        if (fixed) o.fixed_memory = 4_MiB;
        else o.global_limit = 4_MiB;
        fa::basic_smart_alloc<P> alloc{o};
        struct {
            std::vector<void*> heap, pool;
        } blocks;
        // A refused request releases idle memory and uses the room that this makes, until it finds no more.
        for (std::size_t had = 1, have = 0; have != had;) {
            had = have;
            while (void* p = alloc.try_heap_alloc_bytes(100'000)) blocks.heap.push_back(p);
            while (void* p = alloc.try_pool_alloc_bytes(64)) blocks.pool.push_back(p);
            have = blocks.heap.size() + blocks.pool.size();
        }
        CHECK(!blocks.heap.empty());
        CHECK(alloc.try_pool_alloc_bytes(64) == nullptr);  // leaves its reservation to later threads
        const auto before = alloc.stats();
        for (int i = 0; i < 100; ++i) {
            CHECK(alloc.try_heap_alloc_bytes(100'000) == nullptr);
            CHECK(alloc.try_pool_alloc_bytes(64) == nullptr);
        }
        const auto after = alloc.stats();
        // A reservation in which nothing can be committed is granted, and released at once.
        CHECK(after.page_requests - before.page_requests <= 200U);
        CHECK(after.committed == before.committed);
        CHECK(after.reserved - before.reserved <= 64_KiB);
        for (void* p : blocks.heap) alloc.heap_free_bytes(p, 100'000);
        for (void* p : blocks.pool) alloc.pool_free_bytes(p, 64);
    }
}

namespace {

constexpr std::size_t spike_bytes = 12 << 20;

// One frame that takes much memory, in pieces, directly or as the outer frame while an inner one is open.
template <class Alloc>
void spike(const Alloc& alloc, std::size_t piece, bool through_outer) {
    auto frame = alloc.frame_scope();
    auto inner = alloc.frame_scope();
    for (std::size_t n = 0; n < spike_bytes; n += piece)
        std::memset((through_outer ? frame : inner).alloc_bytes(piece), 1, piece);
}

}  // namespace

FOR_EACH_POLICY(
    "after a spike a thread keeps what options::retain says, whatever the size of the pieces and wherever they lay" *
    doctest::skip(test::under_tsan)) {
    for (const std::size_t piece :
         {std::size_t{1'000}, std::size_t{10'000}, std::size_t{1'000'000}, std::size_t{5'000'000}}) {
        for (const bool through_outer : {false, true}) {
            for (const std::uint32_t in_flight : {1U, 3U}) {
                for (const bool by_bytes : {false, true}) {
                    CAPTURE(piece);
                    CAPTURE(through_outer);
                    CAPTURE(in_flight);
                    CAPTURE(by_bytes);
                    fa::options o{.frames_in_flight = in_flight, .guard = fa::guard_level::off};
                    o.retain = by_bytes ? fa::retain::bytes(1_MiB) : fa::retain::high_water(10);
                    const fa::basic_smart_alloc<P> alloc{o};
                    for (int i = 0; i < 2; ++i) spike(alloc, piece, through_outer);
                    for (int i = 0; i < 40; ++i) {
                        auto frame = alloc.frame_scope();
                        std::memset(frame.alloc_bytes(10'000), 1, 10'000);
                    }
                    const std::size_t quarantined = fa::guard::under_tool
                                                        ? 4_MiB
                                                        : 0;  // freed blocks are quarantined, whatever the options say
                    CHECK(alloc.stats().committed <= 1_MiB * in_flight + 1_MiB + quarantined);
                }
            }
        }
    }
}

FOR_EACH_POLICY("tags that are local variables, and as many names, cost each about the same however many there are") {
    const auto bytes_for = [](std::size_t tags, bool same_name) {
        const fa::basic_smart_alloc<P> alloc;
        { fa::tag_scope warm{alloc, "warm"}; }
        const std::size_t before = alloc.stats().committed;
        for (std::size_t i = 0; i < tags; ++i) {
            const std::string name = same_name ? "local" : "local" + std::to_string(i);
            const fa::tag local{name.c_str()};
            fa::tag_scope scope{alloc, local};
        }
        return alloc.stats().committed - before;
    };
    CHECK(bytes_for(20'000, true) <= 256_KiB);  // one name, and numbers that are bounded
    const std::size_t few = bytes_for(1000, false) / 1000, many = bytes_for(40'000, false) / 40'000;
    CAPTURE(few);
    CHECK(many <= few + few / 2);
}

FOR_EACH_POLICY("phases nest as deep as a program needs, also more of them than a frame counts") {
    recorder r;
    const fa::basic_smart_alloc<P> alloc{r.options()};
    for (int round = 0; round < 2; ++round) {
        auto frame = alloc.frame_scope();
        for (int i = 0; i < 256; ++i) alloc.begin_phase(i % 2 == 0 ? "even" : "odd");
        static_cast<void>(frame.alloc_bytes(64));
        for (int i = 0; i < 256; ++i) alloc.end_phase();
    }
    CHECK(r.faults.empty());
}

FOR_EACH_POLICY("frames nest far deeper than one piece of their stack, and each keeps what is its own") {
    recorder r;
    const fa::basic_smart_alloc<P> alloc{r.options({.frame_capacity = 1_MiB})};
    for (int round = 0; round < 2; ++round) {
        constexpr std::uint32_t deep = 1000;
        std::vector<std::uint32_t*> values;
        for (std::uint32_t d = 0; d < deep; ++d) {
            alloc.begin_frame();
            values.push_back(static_cast<std::uint32_t*>(alloc.frame_alloc_bytes(64)));
            *values.back() = d;
            REQUIRE(alloc.frame_depth() == d + 1);
        }
        for (std::uint32_t d = deep; d-- != 0;) {
            for (std::uint32_t i = 0; i <= d; i += 97) CHECK(*values[i] == i);
            CHECK(*values[d] == d);
            alloc.end_frame();
            REQUIRE(alloc.frame_depth() == d);
        }
    }
    CHECK(r.faults.empty());
}

FOR_EACH_POLICY(
    "a forgotten end_frame is told once, with the number that frames may nest to, and ends like the others") {
    recorder r;
    const fa::basic_smart_alloc<P> alloc{r.options({.guard = fa::guard_level::off})};
    constexpr unsigned most = fa::memory::max_frame_depth;
    for (unsigned i = 0; i < most + 5; ++i) alloc.begin_frame();
    CHECK(alloc.frame_depth() == most);
    CHECK(r.count(fa::code::FA428) == 1);
    CHECK(alloc.frame_alloc_bytes(64) != nullptr);
    for (unsigned i = 0; i < most + 5; ++i) alloc.end_frame();
    CHECK(alloc.frame_depth() == 0);
    CHECK(r.faults.size() == 1);
}

namespace {

// How many blocks of a kind can be allocated; all are freed again.
template <class A>
std::size_t fill(A& alloc, fa::memory_kind kind) {
    std::size_t n = 0;
    if (kind == fa::memory_kind::frame) {
        const auto frame = alloc.frame_scope();
        while (frame.try_alloc_bytes(50'000) != nullptr) ++n;
        return n;
    }
    const bool pool = kind == fa::memory_kind::pool;
    std::vector<void*> blocks;
    while (void* p = pool ? alloc.try_pool_alloc_bytes(1000) : alloc.try_heap_alloc_bytes(30'000)) blocks.push_back(p);
    for (void* p : blocks) pool ? alloc.pool_free_bytes(p, 1000) : alloc.heap_free_bytes(p, 30'000);
    return blocks.size();
}

}  // namespace

FOR_EACH_POLICY("what one kind of memory has idle is given back before another is exhausted" *
                doctest::skip(test::under_tsan)) {
    using enum fa::memory_kind;
    fa::options limited{.global_limit = 8_MiB}, fixed;
    fixed.fixed_memory = 8_MiB;
    for (const fa::options& o : {limited, fixed}) {
        std::size_t fresh[3];
        for (const auto kind : {frame, pool, heap}) {
            fa::basic_smart_alloc<P> alloc{o};
            fresh[static_cast<unsigned>(kind)] = fill(alloc, kind);
        }
        for (const auto first : {frame, pool, heap}) {
            for (const auto then : {frame, pool, heap}) {
                CAPTURE(static_cast<int>(first));
                CAPTURE(static_cast<int>(then));
                fa::basic_smart_alloc<P> alloc{o};
                fill(alloc, first);
                CHECK(fill(alloc, then) * 10 >= fresh[static_cast<unsigned>(then)] * 9);
            }
        }
    }
}

FOR_EACH_POLICY("what is idle serves a thread's first use, of whatever kind it is") {
    fa::options limited{.global_limit = 8_MiB}, fixed;
    fixed.fixed_memory = 8_MiB;
    using first_use = bool (*)(const fa::basic_smart_alloc<P>&);
    const first_use uses[] = {
        [](const fa::basic_smart_alloc<P>& a) {
            void* p = a.try_pool_alloc_bytes(48);
            return p != nullptr && (a.pool_free_bytes(p, 48), true);
        },
        [](const fa::basic_smart_alloc<P>& a) {
            void* p = a.try_heap_alloc_bytes(9000);
            return p != nullptr && (a.heap_free_bytes(p, 9000), true);
        },
        [](const fa::basic_smart_alloc<P>& a) { return a.frame_scope().try_alloc_bytes(100) != nullptr; },
        [](const fa::basic_smart_alloc<P>& a) {
            const fa::tag_scope t(a, "first use");
            return a.tag_path() == "first use";
        },
        [](const fa::basic_smart_alloc<P>& a) {
            const fa::phase_scope p(a, "first use");
            return a.current_phase() == "first use";
        },
        [](const fa::basic_smart_alloc<P>& a) { return static_cast<bool>(a.try_pool_box(1)); },
        [](const fa::basic_smart_alloc<P>& a) {
            a.set_thread_frame_budget(1_MiB);
            return a.thread_budget().frame_budget == 1_MiB;
        },
    };
    for (const fa::options& o : {limited, fixed}) {
        for (const auto kind : {fa::memory_kind::frame, fa::memory_kind::pool, fa::memory_kind::heap}) {
            for (std::size_t i = 0; i < std::size(uses); ++i) {
                CAPTURE(i);
                CAPTURE(static_cast<int>(kind));
                const first_use use = uses[i];
                fa::basic_smart_alloc<P> alloc{o};
                // No other thread can use the frame memory and large blocks that a running thread keeps; the next
                // thread inherits it.
                const bool shared = kind == fa::memory_kind::pool && !test::guarded<P>;  // freed blocks are quarantined
                if (shared) CHECK(fill(alloc, kind) > 1);
                else std::thread([&] { CHECK(fill(alloc, kind) > 1); }).join();
                bool served[2] = {};
                std::thread([&] {
                    served[0] = use(alloc);
                    if (shared) std::thread([&] { served[1] = use(alloc); }).join();  // while the first one lives
                }).join();
                CHECK(served[0]);
                CHECK(served[1] == shared);
            }
        }
    }
}

FOR_EACH_POLICY("a thread that was refused is served after another one has given memory back") {
    if (test::guarded<P>) return;  // freed blocks are quarantined on the thread that freed them
    for (const bool of_pool : {true, false}) {
        fa::basic_smart_alloc<P> alloc{fa::options{.global_limit = 8_MiB}};
        std::vector<void*> blocks;
        const auto take = [&] {
            return of_pool ? alloc.try_pool_alloc_bytes(1000) : alloc.try_heap_alloc_bytes(30'000);
        };
        std::thread first([&] {
            while (void* p = take()) blocks.push_back(p);
        });
        first.join();
        CHECK(alloc.try_heap_alloc_bytes(100'000) == nullptr);  // this thread has looked, and found nothing
        std::thread([&] {
            for (void* p : blocks) of_pool ? alloc.pool_free_bytes(p, 1000) : alloc.heap_free_bytes(p, 30'000);
        }).join();
        alloc.process_deferred_frees();
        void* p = alloc.try_heap_alloc_bytes(100'000);
        CHECK(p != nullptr);
        alloc.heap_free_bytes(p, 100'000);
    }
}

TEST_CASE("a refused request does not look through all pages each time") {
    fa::smart_alloc alloc{fa::options{.global_limit = 64_MiB}};
    std::vector<void*> blocks;
    while (void* p = alloc.try_pool_alloc_bytes(1000)) blocks.push_back(p);
    auto locks = fa::sync::lock_acquisitions();
    alloc.trim();
    const auto of_a_trim = fa::sync::lock_acquisitions() - locks;
    CHECK(alloc.try_pool_alloc_bytes(1000) == nullptr);
    locks = fa::sync::lock_acquisitions();
    for (int i = 0; i < 1000; ++i) CHECK(alloc.try_pool_alloc_bytes(1000) == nullptr);
    CHECK(fa::sync::lock_acquisitions() - locks < 1000 * of_a_trim);
    alloc.pool_free_bytes(blocks.back(), 1000);
    blocks.pop_back();
    CHECK((blocks.emplace_back(alloc.try_pool_alloc_bytes(1000))) != nullptr);
    for (std::size_t i = blocks.size() / 2; i < blocks.size(); ++i) alloc.pool_free_bytes(blocks[i], 1000);
    blocks.resize(blocks.size() / 2);
    void* large = alloc.try_heap_alloc_bytes(20'000'000);  // looks again: pages have become empty
    CHECK(large != nullptr);
    alloc.heap_free_bytes(large, 20'000'000);
    for (void* p : blocks) alloc.pool_free_bytes(p, 1000);
}

// Each way in which memory becomes idle, after a request that found none.
FOR_EACH_POLICY("a request refused before is served when memory has become idle since") {
    const auto refused = [](fa::basic_smart_alloc<P>& alloc) {
        for (int i = 0; i < 3; ++i) CHECK(alloc.try_heap_alloc_bytes(2'000'000) == nullptr);
    };
    const auto served = [](fa::basic_smart_alloc<P>& alloc) {
        void* p = alloc.try_heap_alloc_bytes(2'000'000);
        CHECK(p != nullptr);
        if (p != nullptr) alloc.heap_free_bytes(p, 2'000'000);
    };
    const auto fill_frame = [](fa::basic_smart_alloc<P>& alloc) {
        for (std::size_t bytes = 1 << 20; bytes > 1000; bytes /= 2) {
            while (alloc.try_frame_alloc_bytes(bytes) != nullptr) {}
        }
    };
    const auto fills_while_open = [&](fa::basic_smart_alloc<P>& alloc, auto open) {
        for (int round = 0; round < 3; ++round) {
            {
                const auto scope = open();
                fill_frame(alloc);
                refused(alloc);
            }
            served(alloc);
        }
    };
    fa::options limited{.global_limit = 8_MiB}, fixed;
    fixed.fixed_memory = 8_MiB;
    for (const fa::options& o : {limited, fixed}) {
        {
            INFO("the outermost frame ends");
            fa::basic_smart_alloc<P> alloc{o};
            fills_while_open(alloc, [&] { return alloc.frame_scope(); });
        }
        {
            INFO("an inner frame ends, or a checkpoint is rolled back");
            fa::basic_smart_alloc<P> alloc{o};
            const auto outer = alloc.frame_scope();
            fills_while_open(alloc, [&] { return alloc.frame_scope(); });
            fills_while_open(alloc, [&] { return alloc.checkpoint_guard(); });
        }
        for (const bool pool : {false, true}) {
            CAPTURE(pool);
            {
                INFO("blocks are freed");
                fa::basic_smart_alloc<P> alloc{o};
                const auto take = [&] {
                    return pool ? alloc.try_pool_alloc_bytes(1000) : alloc.try_heap_alloc_bytes(1000);
                };
                const auto give = [&](void* p) {
                    pool ? alloc.pool_free_bytes(p, 1000) : alloc.heap_free_bytes(p, 1000);
                };
                for (int round = 0; round < 3; ++round) {
                    std::vector<void*> blocks;
                    while (void* p = take()) blocks.push_back(p);
                    refused(alloc);
                    if (round == 1)
                        std::thread([&] {
                            for (void* p : blocks) give(p);
                        }).join();
                    else
                        for (void* p : blocks) give(p);
                    served(alloc);
                }
            }
        }
        {
            INFO("a large block is freed");
            fa::basic_smart_alloc<P> alloc{o};
            std::vector<void*> blocks;
            while (void* p = alloc.try_heap_alloc_bytes(500'000)) blocks.push_back(p);
            refused(alloc);
            for (void* p : blocks) alloc.heap_free_bytes(p, 500'000);
            served(alloc);
        }
        {
            INFO("another thread's frame ends");
            fa::basic_smart_alloc<P> alloc{o};
            std::thread([&] {
                const auto frame = alloc.frame_scope();
                fill_frame(alloc);
                refused(alloc);
            }).join();
            served(alloc);
        }
    }
}

TEST_CASE("in debug a large block freed with the size of a small one is a mistake of the program") {
    recorder r;
    fa::basic_smart_alloc<fa::policy::debug> alloc{r.options()};
    for (const std::size_t wrong : {std::size_t{0}, std::size_t{1}, std::size_t{100}, std::size_t{2000}}) {
        for (const bool pool : {false, true}) {
            CAPTURE(wrong);
            CAPTURE(pool);
            r.faults.clear();
            void* p = pool ? alloc.pool_alloc_bytes(40'000) : alloc.heap_alloc_bytes(40'000);
            pool ? alloc.pool_free_bytes(p, wrong) : alloc.heap_free_bytes(p, wrong);
            REQUIRE(r.faults.size() == 1);
            CHECK(r.faults[0] == fa::code::FA418);
        }
    }
    CHECK(alloc.stats().heap_allocated == 0);
}

FOR_EACH_POLICY("what lies in no page is freed by mistake, which is the program's") {
    static test::page_memory<> memory;
    unsigned char* const foreign = memory.page();
    recorder r;
    fa::basic_smart_alloc<P> alloc{r.options()};
    alloc.pool_free(alloc.template pool_alloc<int>());
    for (const bool pool : {false, true}) {
        r.faults.clear();
        pool ? alloc.pool_free_bytes(foreign + 1024, 100) : alloc.heap_free_bytes(foreign + 1024, 100);
        REQUIRE(r.faults.size() == 1);
        CHECK(r.faults[0] == fa::code::FA414);
    }
}
