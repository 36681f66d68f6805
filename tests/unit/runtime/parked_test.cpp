// Frames, scopes and memory move from thread to thread; a parked context belongs to no thread.
#include <doctest/doctest.h>

#include <thread>

#include "support/recorder.hpp"

using namespace test;

FOR_EACH_POLICY("a frame begun on one thread goes on and ends on another") {
    recorder r;
    fa::basic_smart_alloc<P> alloc{r.options()};
    int destroyed = 0;
    struct counted {
        int* n;
        explicit counted(int& counter) : n(&counter) {}
        ~counted() { ++*n; }
    };
    alloc.begin_frame();
    alloc.begin_phase("simulate");
    auto numbers = alloc.template frame_vec<int>();
    for (int i = 0; i < 1000; ++i) numbers.push_back(i);
    alloc.template frame_make<counted>(destroyed);
    void* block = alloc.pool_alloc_bytes(64);
    fa::parked_context parked = alloc.park();
    CHECK(parked);
    CHECK(alloc.frame_depth() == 0);  // a context of its own
    alloc.begin_frame();
    CHECK(alloc.template frame_alloc<int>() != nullptr);
    alloc.end_frame();
    CHECK(destroyed == 0);
    std::thread([&] {
        auto other = alloc.pool_box(1);  // it has a context already
        CHECK(alloc.resume(std::move(parked)));
        CHECK(!parked);
        CHECK(alloc.frame_depth() == 1);
        CHECK(alloc.current_phase() == "simulate");
        for (int i = 1000; i < 20'000; ++i) numbers.push_back(i);
        int wrong = 0;
        for (int i = 0; i < 20'000; ++i) wrong += numbers[static_cast<std::size_t>(i)] != i ? 1 : 0;
        CHECK(wrong == 0);
        alloc.pool_free_bytes(block, 64);
        alloc.end_phase();
        alloc.end_frame();
        CHECK(destroyed == 1);
        CHECK(alloc.frame_depth() == 0);
    }).join();
    CHECK(alloc.stats().total_allocated == 0);
    CHECK(r.faults.empty());
}

FOR_EACH_POLICY("two fibers' worth of frames ping-pong between two threads") {
    fa::basic_smart_alloc<P> alloc;
    struct fiber {
        fa::parked_context context;
        std::span<int> memory;
        int steps = 0;
    };
    fiber fibers[2];
    std::uint64_t committed = 0;
    for (fiber& f : fibers) {
        alloc.begin_frame();
        f.memory = alloc.template frame_alloc_batch<int>(500);
        std::fill(f.memory.begin(), f.memory.end(), 0);
        f.context = alloc.park();
    }
    const auto step = [&](fiber& f) {
        if (!alloc.resume(std::move(f.context))) return;
        {
            auto inner = alloc.frame_scope();
            static_cast<void>(inner.template batch<int>(1000));
            for (int& v : f.memory) ++v;
            ++f.steps;
        }
        f.context = alloc.park();
    };
    for (int round = 0; round < 100; ++round) {
        std::thread a([&] { step(fibers[0]); }), b([&] { step(fibers[1]); });
        a.join();
        b.join();
        std::thread c([&] {
            step(fibers[1]);
            step(fibers[0]);
        });
        c.join();
        if (round == 10) committed = alloc.stats().committed;
    }
    CHECK(alloc.stats().committed <= committed + (guarded<P> ? metadata_step : 0));
    for (fiber& f : fibers) {
        CHECK(f.steps == 200);
        CHECK(f.memory.front() == 200);
        CHECK(f.memory.back() == 200);
        CHECK(alloc.resume(std::move(f.context)));
        alloc.end_frame();
    }
    CHECK(alloc.stats().frame_allocated == 0);
}

FOR_EACH_POLICY("misuse of a parked context is a coded fault") {
    recorder r;
    fa::basic_smart_alloc<P> alloc{r.options()}, other{r.options()};
    fa::parked_context parked;
    {
        auto frame = alloc.frame_scope();
        static_cast<void>(frame.template alloc<int>());
        parked = alloc.park();
        CHECK(frame.try_alloc_bytes(16) != nullptr);  // reported and served
        CHECK(r.count(fa::code::FA212) == 1);
    }  // ends the frame: it stays open
    CHECK(r.count(fa::code::FA212) == 2);
    CHECK_FALSE(other.resume(std::move(parked)));
    CHECK(r.count(fa::code::FA212) == 3);
    CHECK(parked);
    alloc.begin_frame();
    CHECK_FALSE(alloc.resume(std::move(parked)));  // a frame of this thread is open
    CHECK(r.count(fa::code::FA212) == 4);
    alloc.end_frame();
    {
        fa::tag_scope tag{alloc, "mine"};
        CHECK_FALSE(alloc.resume(std::move(parked)));  // and so is a scope
        CHECK(r.count(fa::code::FA212) == 5);
        CHECK(alloc.tag_path() == "mine");
    }
    CHECK(alloc.resume(std::move(parked)));
    CHECK_FALSE(alloc.resume(std::move(parked)));
    CHECK(r.count(fa::code::FA212) == 6);
    CHECK(alloc.frame_depth() == 1);
    alloc.end_frame();
    CHECK(r.faults.size() == 6);
}

FOR_EACH_POLICY("a parked context that is dropped ends its frames and keeps its allocator until then") {
    recorder r;
    fa::parked_context parked;
    {
        fa::basic_smart_alloc<P> alloc{r.options()};
        alloc.begin_frame();
        alloc.template frame_make<std::string>(100U, 'x');
        parked = alloc.park();
    }
    CHECK(r.faults.empty());
    parked = {};
    CHECK(r.count(fa::code::FA428) == 1);
}
