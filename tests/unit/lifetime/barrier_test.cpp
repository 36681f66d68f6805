// Threads finish frames together: every generation, with late, leaving and joining members, and with frames that end
// when the coordinator says so and the member is ready.
#include <doctest/doctest.h>

#include <atomic>
#include <string>
#include <thread>

#include "support/recorder.hpp"

using namespace test;

TEST_CASE("free members stay together for many generations") {
    constexpr int workers = 4, generations = 500;
    fa::frame_barrier barrier;
    std::atomic<int> arrived[generations] = {};
    std::vector<std::thread> threads;
    std::vector<fa::barrier_member> members;
    for (int w = 0; w < workers; ++w) members.push_back(barrier.join("worker"));
    CHECK(barrier.members() == workers);
    for (int w = 0; w < workers; ++w) {
        threads.emplace_back([&, me = std::move(members[static_cast<std::size_t>(w)])]() mutable {
            for (auto& n : arrived) {
                ++n;
                me.arrive_and_wait();
                CHECK(n == workers);
            }
        });
    }
    for (int g = 0; g < generations; ++g) {
        CHECK(barrier.wait_all());
        CHECK(arrived[g] == workers);
    }
    for (auto& t : threads) t.join();
    CHECK(barrier.members() == 0);
    CHECK(barrier.stats().generations == generations);
    CHECK(barrier.stats().timeouts == 0);
}

TEST_CASE("a double signal counts once, a time-out says so, and a member that leaves is not waited for") {
    fa::frame_barrier barrier;
    auto a = barrier.join("a"), b = barrier.join("b"), c = barrier.join("a name that is much too long for the list");
    CHECK(std::string_view(c.name()) == "a name that is much too long for the list");
    a.signal_frame_complete();
    a.signal_frame_complete();
    b.signal_frame_complete();
    CHECK(barrier.arrived() == 2);
    CHECK(barrier.stats().double_signals == 1);
    CHECK_FALSE(barrier.wait_all(1000));
    CHECK_FALSE(a.wait_all(1000));
    CHECK(barrier.stats().timeouts == 2);
    CHECK(barrier.stats().longest_wait_us >= 1000);
    CHECK(barrier.stats().total_wait_us >= 2000);
    c.leave();
    CHECK(barrier.generation() == 1);
    CHECK(a.wait_all());
    CHECK(b.wait_all());
    CHECK(barrier.wait_all());
    b = {};
    a.arrive_and_wait();
    CHECK(barrier.generation() == 2);
    a.leave();
    CHECK(barrier.wait_all());  // no member is left to wait for
    CHECK(fa::barrier_member{}.arrive_and_wait());  // not a member: nothing to wait for
}

TEST_CASE("a barrier has any number of members, and the names they joined under") {
    constexpr std::uint32_t count = 3000;
    fa::frame_barrier barrier;
    for (int round = 0; round < 2; ++round) {  // the seats of members that left are reused
        std::vector<fa::barrier_member> many;
        for (std::uint32_t i = 0; i < count; ++i)
            many.push_back(barrier.join((std::string(i % 300, 'x') + std::to_string(i)).c_str()));
        CHECK(barrier.members() == count);
        CHECK(std::string_view(many[299].name()) == std::string(299, 'x') + "299");
        const auto generation = barrier.generation();
        for (std::uint32_t i = 0; i < count; ++i) {
            CHECK(barrier.generation() == generation);
            many[i].signal_frame_complete();
        }
        CHECK(barrier.generation() == generation + 1);
        for (std::uint32_t i = 0; i < count; i += 2) many[i].leave();
        CHECK(barrier.members() == count / 2);
        for (std::uint32_t i = 1; i < count; i += 2) many[i].signal_frame_complete();
        CHECK(barrier.generation() == generation + 2);
    }
    CHECK(barrier.members() == 0);
}

TEST_CASE("a barrier of n threads works as std::barrier does, also beside members") {
    constexpr int workers = 3, generations = 300;
    fa::frame_barrier barrier{workers};
    CHECK(barrier.expected() == workers);
    CHECK_FALSE(fa::frame_barrier{std::size_t{2}}.arrive_and_wait(1000));
    CHECK(fa::frame_barrier{1}.arrive_and_wait());
    CHECK(fa::frame_barrier{-1}.expected() == 0);
    auto me = barrier.join("coordinator");
    std::atomic<int> arrived[generations] = {};
    std::atomic<int> wrong{0};
    std::vector<std::thread> threads;
    for (int w = 0; w < workers; ++w) {
        threads.emplace_back([&] {
            for (auto& n : arrived) {
                ++n;
                if (!barrier.arrive_and_wait() || n != workers) ++wrong;
            }
            barrier.arrive_and_drop();
        });
    }
    for (auto& n : arrived) {
        CHECK(me.arrive_and_wait());
        CHECK(n == workers);
    }
    for (auto& t : threads) t.join();
    CHECK(wrong == 0);
    CHECK(barrier.expected() == 0);
    CHECK(barrier.stats().generations == generations);
    CHECK(me.arrive_and_wait());  // alone now
}

TEST_CASE("counted threads that a coordinator holds go on when it ends the frame") {
    fa::frame_barrier barrier{2, fa::barrier_mode::coordinated};
    const auto first = barrier.arrive();
    CHECK_FALSE(barrier.wait_all(1000));
    CHECK(barrier.arrive() == first);
    CHECK(barrier.wait_all());
    CHECK(barrier.arrive() == first);  // a third of two
    CHECK(barrier.stats().double_signals == 1);
    CHECK_FALSE(barrier.wait(first, 1000));
    barrier.end_frame();
    CHECK(barrier.wait(first));
    barrier.arrive_and_drop();
    CHECK(barrier.arrive() == first + 1);
    CHECK(barrier.wait_all());
}

FOR_EACH_POLICY(
    "the coordinator ends the frame for all workers, each at its safe point, and their memory is whole until then") {
    constexpr std::size_t workers = 4, frames = 200;
    fa::basic_smart_alloc<P> alloc;
    fa::frame_barrier barrier(fa::barrier_mode::coordinated);
    std::atomic<bool> running{true};
    std::atomic<std::size_t> joined{0};
    std::span<std::uint32_t> results[workers];
    std::vector<std::thread> threads;
    for (std::size_t w = 0; w < workers; ++w) {
        threads.emplace_back([&, w] {
            auto me = barrier.join(alloc, "worker");
            ++joined;
            for (std::uint32_t frame = 0; running; ++frame) {
                CHECK(alloc.frame_depth() == 1);
                CHECK(alloc.frame_stats().bytes_in_use == 0);
                results[w] = alloc.template frame_alloc_batch<std::uint32_t>(1000);
                for (std::uint32_t& r : results[w]) r = frame;
                me.arrive_and_wait();
            }
        });
    }
    while (joined != workers) std::this_thread::yield();
    for (std::uint32_t frame = 0; frame < frames; ++frame) {
        CHECK(barrier.wait_all());
        for (const auto& r : results) {
            CHECK(r.front() == frame);
            CHECK(r.back() == frame);
        }
        if (frame + 1 == frames) running = false;
        barrier.end_frame();
    }
    for (auto& t : threads) t.join();
    CHECK(barrier.members() == 0);
    CHECK(alloc.stats().frame_allocated == 0);
}

TEST_CASE("who joins a generation that is complete but not ended is waited for") {
    fa::frame_barrier barrier(fa::barrier_mode::coordinated);
    auto first = barrier.join("first");
    first.signal_frame_complete();
    CHECK(barrier.wait_all(1000));
    auto second = barrier.join("second");
    CHECK_FALSE(barrier.wait_all(1000));
    second.signal_frame_complete();
    CHECK(barrier.wait_all(1000));
    barrier.end_frame();
    CHECK(first.wait_all());
    CHECK(second.wait_all());
    CHECK(barrier.stats().generations == 1);
}

FOR_EACH_POLICY("the memory of a late worker is not reset under it") {
    fa::basic_smart_alloc<P> alloc;
    fa::frame_barrier barrier(fa::barrier_mode::coordinated);
    std::atomic<int> stage{0};
    auto reach = [&](int n) {
        while (stage < n) std::this_thread::yield();
    };
    std::thread late([&] {
        auto me = barrier.join(alloc, "late");
        auto numbers = alloc.template frame_alloc_batch<int>(1000);
        std::fill(numbers.begin(), numbers.end(), 7);
        stage = 1;
        reach(2);
        CHECK(numbers[999] == 7);
        CHECK(alloc.frame_stats().bytes_in_use == 4000);
        CHECK(me.safe_point());
        CHECK(alloc.frame_stats().bytes_in_use == 0);
        CHECK_FALSE(me.safe_point());
        stage = 3;
        reach(4);
    });
    reach(1);
    CHECK_FALSE(barrier.wait_all(1000));
    barrier.end_frame();
    CHECK(barrier.frames_to_end() == 1);
    stage = 2;
    reach(3);
    CHECK(barrier.frames_to_end() == 0);
    stage = 4;
    late.join();
    CHECK(barrier.members() == 0);
}

FOR_EACH_POLICY("a render thread reads frame N from its hold while frame N + 1 is built") {
    fa::basic_smart_alloc<P> alloc{fa::options{.frames_in_flight = 2}};
    struct packet {
        fa::frame_hold hold;
        std::span<std::uint32_t> vertices;
        std::uint32_t number = 0;
    };
    packet box;
    std::atomic<int> full{0};
    constexpr std::uint32_t frames = 300;
    std::thread render([&] {
        for (std::uint32_t n = 0; n < frames; ++n) {
            while (full == 0) std::this_thread::yield();
            packet mine = std::move(box);
            full = 0;
            std::uint32_t wrong = 0;
            for (std::uint32_t v : mine.vertices) wrong += v != mine.number ? 1U : 0U;
            CHECK(wrong == 0);
        }  // the hold is released here
    });
    for (std::uint32_t n = 0; n < frames; ++n) {
        auto frame = alloc.frame_scope();
        auto vertices = frame.template batch<std::uint32_t>(2000);
        for (std::uint32_t& v : vertices) v = n;
        while (full != 0) std::this_thread::yield();
        box = packet{frame.hold("render"), vertices, n};
        full = 1;
    }
    render.join();
    CHECK(alloc.stats().frame_allocated == 0);
}

TEST_CASE("a member of a barrier may move") {
    fa::frame_barrier barrier;
    fa::barrier_member a = barrier.join("a");
    fa::barrier_member b = barrier.join("b");
    CHECK(barrier.members() == 2);
    b = std::move(a);
    CHECK(barrier.members() == 1);
    CHECK(std::string(b.name()) == "a");
    CHECK(std::string(a.name()).empty());  // NOLINT(bugprone-use-after-move)
    a.signal_frame_complete();
    CHECK(!a.safe_point());
    CHECK(a.wait_all(0));
    CHECK(barrier.arrived() == 0);
    auto& same = b;
    b = std::move(same);
    CHECK(barrier.members() == 1);
    CHECK(b.arrive_and_wait(0));
}
