// Frames that are waited for, kept, and released.
#include <doctest/doctest.h>

#include <support/recorder.hpp>
#include <support/test_pages.hpp>

#include <atomic>
#include <chrono>
#include <cstring>
#include <thread>

using namespace framealloc::literals;
namespace fa = framealloc;
using test::recorder;
using test::test_pages;

FOR_EACH_POLICY("with wait, a busy frame's memory is waited for; with fault it is not") {
    recorder r;
    fa::options o;
    o.on_frame_busy = fa::on_frame_busy::wait(20'000'000);
    fa::basic_smart_alloc<P> alloc{r.options(o)};
    fa::frame_hold hold;
    const void* before = nullptr;
    {
        auto frame = alloc.frame_scope();
        before = frame.alloc_bytes(16);
        hold = frame.hold("render");
    }
    std::atomic<bool> released{false};
    std::thread render([&, h = std::move(hold)]() mutable {
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
        released = true;
        h.release();
    });
    {
        auto frame = alloc.frame_scope();
        CHECK(released);
        CHECK((test::guarded<P> || frame.alloc_bytes(16) == before));  // the same memory again
    }
    render.join();
    CHECK(r.faults.empty());
    o.on_frame_busy = fa::on_frame_busy::fault();
    fa::basic_smart_alloc<P> impatient{r.options(o)};
    {
        auto frame = impatient.frame_scope();
        hold = frame.hold("render");
    }
    const auto begin = std::chrono::steady_clock::now();
    { auto frame = impatient.frame_scope(); }
    CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(10));
    CHECK(r.count(fa::code::FA438) == 1);
}

FOR_EACH_POLICY("a hold keeps the allocator alive, and no longer") {
    test_pages pages;
    {
        fa::frame_hold hold;
        {
            fa::basic_smart_alloc<P> alloc{fa::options{.pages = &pages}};
            auto frame = alloc.frame_scope();
            hold = frame.hold("render");
        }
        CHECK(pages.live > 0);
        hold.release();
        CHECK(pages.live == 0);
    }
    CHECK(pages.live == 0);
}

FOR_EACH_POLICY("high_water gives back after frames that allocated nothing, and keeps what the window used") {
    if (test::guarded<P>) return;  // in debug mode the memory of ended frames is revoked or filled
    fa::options o{.frame_capacity = 8_MiB};
    o.retain = fa::retain::high_water(4);
    fa::basic_smart_alloc<P> alloc{o};
    const auto use = [&](std::size_t n) {
        auto frame = alloc.frame_scope();
        if (n != 0) static_cast<void>(frame.alloc_bytes(n));
    };
    use(3_MiB);
    CHECK(alloc.stats().committed > 3_MiB);
    for (int i = 0; i < 20; ++i) use(0);
    CHECK(alloc.stats().committed < 1_MiB);
    for (int i = 0; i < 20; ++i) use(2_MiB);
    const auto committed = alloc.stats().committed;
    CHECK(committed >= 2_MiB);
    CHECK(committed < 3_MiB);
    const auto requests = alloc.stats().page_requests;
    for (int i = 0; i < 20; ++i) use(2_MiB);
    CHECK(alloc.stats().page_requests == requests);
}

FOR_EACH_POLICY("a frame commits about what it uses of its chunk") {
    fa::basic_smart_alloc<P> alloc{fa::options{.frame_capacity = 64_MiB}};
    const auto before = alloc.stats().committed;
    auto frame = alloc.frame_scope();
    for (int i = 0; i < 100; ++i) static_cast<void>(frame.alloc_bytes(10'000));
    CHECK(alloc.stats().committed - before < 1'500'000);
}

TEST_CASE("frame_limit admits the same allocations in every policy") {
    const auto admitted = []<class P>(P, std::size_t size, std::size_t align) {
        fa::basic_smart_alloc<P> alloc{fa::options{.frame_capacity = 16_KiB, .frame_limit = 50'000}};
        auto frame = alloc.frame_scope();
        int n = 0;
        while (frame.try_alloc_bytes(size, align) != nullptr) ++n;
        return n;
    };
    for (std::size_t align : {8U, 16U, 32U, 64U, 256U}) {
        for (std::size_t size : {24U, 40U, 1000U}) {
            const int n = admitted(fa::policy::unchecked{}, size, align);
            CHECK(n > 20);
            // Its chunks end elsewhere, and the alignment cost at a chunk's start differs.
            const int guarded = admitted(fa::policy::checked{}, size, align);
            CHECK(guarded >= n - n / 10);
            CHECK(guarded <= n + n / 10);
        }
    }
}

FOR_EACH_POLICY("memory given back to a frame is had again at once: the last block, and what lies out of line") {
    fa::basic_smart_alloc<P> alloc{fa::options{.frame_capacity = 64_KiB}};
    auto frame = alloc.frame_scope();
    const auto in_use = [&] { return alloc.frame_stats().bytes_in_use; };
    const fa::allocator_ref ref = frame.ref();
    static_cast<void>(frame.alloc_bytes(100));
    const auto before = in_use();
    void* last = ref.try_allocate(1000, 8);
    CHECK(in_use() == before + 1000);
    fa::lifetime::frame_ref plain = frame.template source<fa::frame_source>().frame();
    plain.deallocate(last, 1000);
    static_cast<void>(last);
    void* large = plain.allocate(100'000, 16, fa::memory::on_failure::return_null);
    CHECK(in_use() >= before + 100'000);
    const auto with_large = in_use();
    plain.deallocate(large, 100'000);
    CHECK(with_large - in_use() >= 100'000);
}

FOR_EACH_POLICY("an allocator that goes takes the objects of every frame in flight along") {
    const int before = test::counted::alive;
    {
        fa::basic_smart_alloc<P> alloc{fa::options{.frames_in_flight = 4}};
        for (int i = 0; i < 4; ++i) {
            const auto frame = alloc.frame_scope();
            frame.template make<test::counted>(i);
        }
        CHECK(test::counted::alive == before + 4);
    }
    CHECK(test::counted::alive == before);
}

FOR_EACH_POLICY("a hold that another takes the place of is released") {
    const int before = test::counted::alive;
    fa::basic_smart_alloc<P> alloc;
    fa::frame_hold hold;
    for (int i = 0; i < 5; ++i) {
        const auto frame = alloc.frame_scope();
        frame.template make<test::counted>(i);
        hold = frame.hold("render");
        CHECK(test::counted::alive <= before + 2);  // this frame's, and that of the one before
    }
    hold.release();
    { const auto frame = alloc.frame_scope(); }
    CHECK(test::counted::alive == before);
}

FOR_EACH_POLICY("a frame that grew the arena and gave all of it back leaves the outer one where it was") {
    fa::basic_smart_alloc<P> alloc{fa::options{.frame_capacity = 64_KiB}};
    for (int round = 0; round < 3; ++round) {
        const auto outer = alloc.frame_scope();
        static_cast<void>(outer.alloc_bytes(30'000));
        static_cast<void>(outer.alloc_bytes(20'000));
        {
            const auto inner = alloc.frame_scope();
            auto v = inner.template vec<char>();
            v.reserve(25'000);
        }
        for (int i = 0; i < 200; ++i) std::memset(outer.alloc_bytes(100, 8), i, 100);
        CHECK(alloc.frame_stats().bytes_in_use == 50'000 + 200 * 104);
    }
}

FOR_EACH_POLICY("what a held inner frame was charged for is taken back when the frame around it ends") {
    recorder seen;
    const fa::basic_smart_alloc<P> alloc{seen.options()};
    static constexpr fa::tag inside{"inside"};
    const auto outermost = alloc.frame_scope();
    {
        const auto outer = alloc.frame_scope();
        fa::frame_hold hold;
        {
            const auto inner = alloc.frame_scope();
            {
                const fa::tag_scope scope(alloc, inside);
                static_cast<void>(inner.alloc_bytes(1000));
            }
            hold = inner.hold("reader");
        }
        CHECK(alloc.tag_stats(inside).frame_bytes == 1000);
        hold.release();
    }
    CHECK(alloc.tag_stats(inside).frame_bytes == 0);
    CHECK(alloc.stats().frame_allocated == 0);
    CHECK(seen.faults.empty());
}
