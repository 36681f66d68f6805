// Blocks freed on other threads return to their owner: when, how many, and what a full queue does.
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <string>
#include <thread>

#include "support/recorder.hpp"
#include "support/test_pages.hpp"

using namespace test;

namespace {

template <class F>
void on_another_thread(F&& f) {
    std::thread(f).join();  // its exit hands over what it freed
}

template <class A>
std::vector<void*> take(const A& alloc, std::size_t n, std::size_t size = 64) {
    std::vector<void*> blocks(n);
    for (void*& b : blocks) b = alloc.pool_alloc_bytes(size);
    return blocks;
}

template <class A>
void give_elsewhere(const A& alloc, const std::vector<void*>& blocks, std::size_t size = 64) {
    on_another_thread([&] {
        for (void* b : blocks) alloc.pool_free_bytes(b, size);
    });
}

}  // namespace

FOR_EACH_POLICY("on demand, a thread takes its blocks back before it asks for pages") {
    fa::basic_smart_alloc<P> alloc;
    const auto blocks = take(alloc, 5000);
    give_elsewhere(alloc, blocks);
    const auto before = alloc.stats();
    CHECK(alloc.deferred().current_depth == 5000);
    CHECK(alloc.stats().pool_allocated == 0);
    for (void* b : take(alloc, 5000)) alloc.pool_free_bytes(b, 64);
    if (!test::guarded<P>) CHECK(alloc.stats().committed == before.committed);  // guarded: some are in quarantine
    if (!test::guarded<P>) CHECK(alloc.stats().page_requests == before.page_requests);
    CHECK(alloc.deferred().total_queued == 5000);
    CHECK(alloc.deferred().total_processed == 5000);
    CHECK(alloc.deferred().processed_bytes == 5000 * 64);
    CHECK(alloc.deferred().peak_depth == 5000);
}

FOR_EACH_POLICY("a page that came home piece by piece serves all its blocks again, each once") {
    fa::basic_smart_alloc<P> alloc;
    const auto blocks = take(alloc, 900);
    for (std::size_t part = 0; part < 9; ++part) {
        give_elsewhere(alloc, {blocks.begin() + static_cast<long>(part) * 100,
                               blocks.begin() + static_cast<long>(part + 1) * 100});
        CHECK(alloc.process_deferred_frees() == 100);
    }
    auto again = take(alloc, 900);
    std::sort(again.begin(), again.end());
    CHECK(std::unique(again.begin(), again.end()) == again.end());
    for (void* b : again) alloc.pool_free_bytes(b, 64);
    CHECK(alloc.stats().pool_allocated == 0);
}

FOR_EACH_POLICY("at_frame_begin and at_frame_end take back then, and not before") {
    for (fa::deferred_mode mode : {fa::deferred_mode::at_frame_begin, fa::deferred_mode::at_frame_end}) {
        fa::basic_smart_alloc<P> alloc{fa::options{.deferred = {.mode = mode}}};
        for (int round = 0; round < 3; ++round) {
            const auto blocks = take(alloc, 500);
            give_elsewhere(alloc, blocks);
            alloc.pool_free_bytes(alloc.pool_alloc_bytes(2048), 2048);  // a slow path
            CHECK(alloc.deferred().current_depth == 500);
            alloc.begin_frame();
            CHECK(alloc.deferred().current_depth == (mode == fa::deferred_mode::at_frame_begin ? 0 : 500));
            alloc.end_frame();
            CHECK(alloc.deferred().current_depth == 0);
        }
    }
}

FOR_EACH_POLICY("what waits is taken back, whatever the mode, before a request fails") {
    test::test_pages pages;
    fa::basic_smart_alloc<P> alloc{fa::options{.deferred = {.mode = fa::deferred_mode::at_frame_end}, .pages = &pages}};
    auto blocks = take(alloc, 5000);
    pages.refuse_after = 0;
    while (void* p = alloc.try_pool_alloc_bytes(64)) blocks.push_back(p);
    CHECK(alloc.try_pool_alloc_bytes(2000) == nullptr);
    give_elsewhere(alloc, blocks);
    void* p = alloc.try_pool_alloc_bytes(64);
    CHECK(p != nullptr);
    void* other = alloc.try_pool_alloc_bytes(2000);  // from a page that is empty now
    CHECK(other != nullptr);
    alloc.pool_free_bytes(p, 64);
    if (other != nullptr) alloc.pool_free_bytes(other, 2000);
    pages.refuse_after = -1;
}

FOR_EACH_POLICY("incremental takes back so many at a time, rounded up to a page") {
    fa::basic_smart_alloc<P> alloc;
    alloc.set_deferred(fa::deferred_config::incremental(16));
    const auto blocks = take(alloc, 4000);  // 63 blocks of 1 KiB a page
    const auto large = take(alloc, 630, 1024);
    give_elsewhere(alloc, large, 1024);
    std::vector<void*> more;
    std::size_t most = 0;
    for (std::size_t depth = 630; depth != 0;) {
        more.push_back(alloc.pool_alloc_bytes(1024));
        const std::size_t now = alloc.deferred().current_depth;
        most = std::max(most, depth - now);
        depth = now;
    }
    CHECK(most >= 16);
    CHECK(most <= 64);
    for (void* b : more) alloc.pool_free_bytes(b, 1024);
    for (void* b : blocks) alloc.pool_free_bytes(b, 64);
    CHECK(alloc.stats().pool_allocated == 0);
}

FOR_EACH_POLICY("on request, blocks wait for process_deferred_frees, or for exhaustion") {
    recorder r;
    fa::basic_smart_alloc<P> alloc{r.options({.global_limit = 3_MiB, .deferred = fa::deferred_config::on_request()})};
    const auto blocks = take(alloc, 1000, 1024);
    give_elsewhere(alloc, blocks, 1024);
    alloc.begin_frame();
    alloc.end_frame();
    CHECK(alloc.deferred().current_depth == 1000);
    const std::size_t first = alloc.process_deferred_frees(100);
    CHECK(first >= 100);
    CHECK(first < 200);
    CHECK(alloc.deferred().current_depth == 1000 - first);
    std::vector<void*> more;
    while (void* b = alloc.try_pool_alloc_bytes(1024)) more.push_back(b);
    CHECK(alloc.deferred().current_depth == 0);
    CHECK(more.size() >= (test::guarded<P> ? 1300U : 2000U));  // in debug mode guard zones take memory
    for (void* b : more) alloc.pool_free_bytes(b, 1024);
    CHECK(alloc.stats().pool_allocated == 0);
}

FOR_EACH_POLICY("immediate hands over every block; otherwise an idle sender holds one batch of a page at most") {
    fa::basic_smart_alloc<P> alloc;
    for (bool immediate : {false, true}) {
        alloc.set_deferred({.mode = immediate ? fa::deferred_mode::immediate : fa::deferred_mode::on_demand});
        const auto blocks = take(alloc, 1000);
        std::atomic<int> stage{0};
        std::thread sender([&] {
            for (void* b : blocks) alloc.pool_free_bytes(b, 64);
            stage = 1;
            while (stage == 1) std::this_thread::yield();
        });
        while (stage == 0) std::this_thread::yield();
        const std::size_t held = 1000 - alloc.deferred().current_depth;
        CHECK(held <= (immediate ? 0 : 64));
        CHECK((immediate || held != 0));
        stage = 2;
        sender.join();
        CHECK(alloc.process_deferred_frees() == 1000);
    }
}

FOR_EACH_POLICY("a full queue does what its policy says, and loses nothing") {
    using policy = fa::queue_full_policy;
    for (policy full : {policy::grow, policy::process_now, policy::block, policy::fail}) {
        recorder r;
        fa::deferred_config d{.mode = fa::deferred_mode::on_request, .full_policy = full, .capacity = 100};
        fa::basic_smart_alloc<P> alloc{r.options({.deferred = d})};
        const auto blocks = take(alloc, 1000);
        give_elsewhere(alloc, blocks);
        const auto s = alloc.deferred();
        CHECK(s.total_queued == 1000);
        CHECK(s.full_count > 10);
        CHECK(r.count(fa::code::FA213) == (full == policy::fail ? s.full_count : 0));
        CHECK(s.blocked_count == (full == policy::block ? s.full_count : 0));
        CHECK(s.current_depth == 1000);
        for (void* b : take(alloc, 1000, 32)) alloc.pool_free_bytes(b, 32);
        CHECK(alloc.deferred().current_depth == (full == policy::process_now ? 0 : 1000));
        alloc.process_deferred_frees();
        CHECK(alloc.stats().pool_allocated == 0);
    }
}

FOR_EACH_POLICY("a sender that blocks goes on when the owner has made room") {
    fa::deferred_config d{.mode = fa::deferred_mode::on_request,
                          .full_policy = fa::queue_full_policy::block,
                          .block_microseconds = 60'000'000,
                          .capacity = 64};
    fa::basic_smart_alloc<P> alloc{fa::options{.deferred = d}};
    const auto blocks = take(alloc, 2000);
    std::thread sender([&] {
        for (void* b : blocks) alloc.pool_free_bytes(b, 64);
    });
    std::size_t back = 0;
    while (back != 2000) back += alloc.process_deferred_frees();
    sender.join();
    CHECK(alloc.deferred().blocked_count == 0);
}

FOR_EACH_POLICY("what an ended thread left comes to use when pages are needed") {
    fa::basic_smart_alloc<P> alloc;
    std::vector<void*> left;
    on_another_thread([&] { left = take(alloc, 10'000, 256); });
    static_cast<void>(alloc.stats());
    for (void* b : left) alloc.pool_free_bytes(b, 256);
    const auto before = alloc.stats();
    CHECK(before.pool_allocated == 0);
    const auto mine = take(alloc, 9'000, 256);  // more than this thread ever had
    CHECK(alloc.stats().committed <= before.committed + 256_KiB);
    for (void* b : mine) alloc.pool_free_bytes(b, 256);
}

FOR_EACH_POLICY("beyond 256 tags with pages, a tag shares its parent's and says so") {
    fa::basic_smart_alloc<P> alloc;
    std::vector<void*> blocks;
    const auto use = [&](const std::string& name) {
        fa::tag_scope t(alloc, name);
        blocks.push_back(alloc.pool_alloc_bytes(64));
    };
    for (int i = 0; i < 300; ++i) use("system " + std::to_string(i));
    CHECK(!alloc.tag_stats("system 0").borrows);
    CHECK(alloc.tag_stats("system 0").pool_bytes == 64);
    CHECK(alloc.tag_stats("system 299").borrows);
    CHECK(alloc.tag_stats("system 299").pool_bytes == 0);
    CHECK(alloc.tag_stats("").with_children.pool_bytes == 300 * 64);
    for (void* b : blocks) alloc.pool_free_bytes(b, 64);
    CHECK(alloc.tag_stats("").with_children.pool_bytes == 0);
}

FOR_EACH_POLICY("in memory for few pages, tags share pages instead of failing") {
    fa::basic_smart_alloc<P> alloc{
        fa::options{.frame_capacity = 64_KiB, .slab_page_size = 64_KiB, .fixed_memory = 1_MiB}};
    std::vector<void*> blocks{alloc.pool_alloc_bytes(64)};  // the parent has a page to share
    for (int i = 0; i < 40; ++i) {
        const fa::tag_scope made(alloc, "tag " + std::to_string(i));  // names need memory too
    }
    for (int i = 0; i < 40; ++i) {
        fa::tag_scope t(alloc, "tag " + std::to_string(i));
        blocks.push_back(alloc.try_pool_alloc_bytes(64));
        REQUIRE(blocks.back() != nullptr);
    }
    CHECK(!alloc.tag_stats("tag 0").borrows);
    CHECK(alloc.tag_stats("tag 39").borrows);
    CHECK(alloc.tag_stats("").with_children.pool_bytes == 41 * 64);
    for (void* b : blocks) alloc.pool_free_bytes(b, 64);
    CHECK(alloc.stats().pool_allocated == 0);
}

FOR_EACH_POLICY("every block that came home is handed out again, after what is carved already") {
    if (test::guarded<P>) return;  // in debug mode they are in quarantine
    for (std::size_t bytes : {16U, 64U, 200U}) {
        fa::basic_smart_alloc<P> alloc;
        std::vector<void*> kept, freed, again;
        for (int i = 0; i < 200; ++i) (i % 2 == 0 ? kept : freed).push_back(alloc.pool_alloc_bytes(bytes));
        std::thread([&] {
            for (void* p : freed) alloc.pool_free_bytes(p, bytes);
        }).join();
        CHECK(alloc.process_deferred_frees() == freed.size());
        for (std::size_t i = 0; i < freed.size() + 4096 / bytes; ++i) again.push_back(alloc.pool_alloc_bytes(bytes));
        std::sort(freed.begin(), freed.end());
        std::sort(again.begin(), again.end());
        CHECK(std::includes(again.begin(), again.end(), freed.begin(), freed.end()));
        for (void* p : again) alloc.pool_free_bytes(p, bytes);
        for (void* p : kept) alloc.pool_free_bytes(p, bytes);
    }
}
