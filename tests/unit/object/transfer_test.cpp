// Results cross threads: the value outlives its producer's frame, arrives once, and is never lost.
#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "support/recorder.hpp"

using namespace test;

namespace {

struct shared_counted {  // counted on any thread
    static inline std::atomic<int> alive{0};
    int id;
    explicit shared_counted(int i = 0) : id(i) { ++alive; }
    shared_counted(shared_counted&& o) noexcept : id(o.id) { ++alive; }
    ~shared_counted() { --alive; }
};

// A queue that may be closed while handles are in it.
template <class T>
class closing_queue {
public:
    bool push(T&& v) {
        const std::lock_guard guard(lock_);
        if (closed_) return false;
        items_.push_back(std::move(v));
        return true;
    }
    std::optional<T> pop() {
        const std::lock_guard guard(lock_);
        if (items_.empty()) return {};
        std::optional<T> v(std::move(items_.front()));
        items_.pop_front();
        return v;
    }
    void close() {
        const std::lock_guard guard(lock_);
        closed_ = true;
        items_.clear();
    }

private:
    std::mutex lock_;
    std::deque<T> items_;
    bool closed_ = false;
};

}  // namespace

FOR_EACH_POLICY("a transferred value outlives the frame it was made in, at the same address, and is destroyed once") {
    fa::basic_smart_alloc<P> alloc;
    alloc.begin_frame();
    fa::transfer_handle<std::string> h = alloc.template frame_box_for_transfer<std::string>(
        "a text that is too long for the object itself");
    alloc.end_frame();
    for (int i = 0; i < 10; ++i) {  // the arena is used again
        auto frame = alloc.frame_scope();
        std::memset(frame.alloc_bytes(100'000), 0xee, 100'000);
    }
    CHECK(h.state() == fa::transfer_state::pending);
    std::thread([moved = std::move(h)]() mutable {
        fa::transfer_box<std::string> s = std::move(moved).receive();
        CHECK(moved.state() == fa::transfer_state::empty);
        CHECK(*s == "a text that is too long for the object itself");
        CHECK(s->size() == 45);
    }).join();
    const auto s = alloc.transfers();
    CHECK(s.initiated == 1);
    CHECK(s.completed == 1);
    CHECK(s.dropped == 0);
    CHECK(s.bytes == sizeof(std::string));
    CHECK(alloc.stats().total_allocated == 0);
}

FOR_EACH_POLICY("a dropped handle destroys its value and is counted; receiving twice is a coded fault") {
    recorder r;
    fa::basic_smart_alloc<P> alloc{r.options()};
    {
        auto h = alloc.template frame_box_for_transfer<shared_counted>(1);
        auto other = alloc.template frame_box_for_transfer<shared_counted>(2);
        other = std::move(h);  // 2 is dropped
        CHECK(shared_counted::alive == 1);
        CHECK(alloc.transfers().dropped == 1);
    }
    CHECK(shared_counted::alive == 0);
    CHECK(alloc.transfers().dropped == 2);
    CHECK(alloc.transfers().in_flight() == 0);
    auto h = alloc.frame_box_for_transfer(7);
    CHECK(*std::move(h).receive() == 7);
    CHECK(!std::move(h).receive());
    CHECK(r.count(fa::code::FA434) == 1);
    static_assert(!std::is_copy_constructible_v<fa::transfer_handle<int>> &&
                  std::is_nothrow_move_constructible_v<fa::transfer_handle<int>>);
}

FOR_EACH_POLICY("values of every size and alignment, boxes that exist, and spans") {
    struct alignas(256) wide {
        unsigned char bytes[10'240];
    };
    fa::basic_smart_alloc<P> alloc;
    auto w = alloc.template frame_box_for_transfer<wide>();
    {
        auto frame = alloc.frame_scope();
        auto box = alloc.template frame_box<shared_counted>(5);
        auto h = alloc.frame_box_for_transfer(std::move(box));
        CHECK(!box);
        CHECK(shared_counted::alive == 1);
        CHECK(std::move(h).receive()->id == 5);
    }
    CHECK(shared_counted::alive == 0);
    auto received = std::move(w).receive();
    CHECK(aligned(received.get(), 256));
    fa::transfer_span<float> span = alloc.template frame_span_for_transfer<float>(1000);
    for (std::size_t i = 0; i < 1000; ++i) span.span()[i] = static_cast<float>(i);
    float* where = span.span().data();
    std::thread([&, s = std::move(span)]() mutable {
        fa::transfer_box<float[]> got = std::move(s).receive();
        CHECK(got.data() == where);
        CHECK(got.size() == 1000);
        float sum = 0;
        for (float f : got) sum += f;
        CHECK(sum == 499'500.0F);
    }).join();
    CHECK(!alloc.template frame_span_for_transfer<int>(0));
    CHECK(alloc.template try_frame_span_for_transfer<int>(4).span().size() == 4);
    CHECK(!alloc.template try_frame_span_for_transfer<int>(~std::size_t{0} / 2));
    received.reset();
    CHECK(alloc.stats().total_allocated == 0);
}

FOR_EACH_POLICY("through a queue that closes early: nothing leaks, nobody hangs") {
    fa::basic_smart_alloc<P> alloc;
    for (int round = 0; round < 20; ++round) {
        closing_queue<fa::transfer_handle<shared_counted>> queue;
        std::atomic<bool> stop{false};
        std::vector<std::thread> threads;
        for (int p = 0; p < 2; ++p) {
            threads.emplace_back([&] {
                while (!stop) {
                    auto frame = alloc.frame_scope();
                    if (!queue.push(alloc.template frame_box_for_transfer<shared_counted>(round))) return;
                }
            });
        }
        threads.emplace_back([&] {
            while (!stop) {
                if (auto h = queue.pop()) CHECK(std::move(*h).receive()->id == round);
            }
        });
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
        queue.close();
        stop = true;
        for (auto& t : threads) t.join();
        CHECK(shared_counted::alive == 0);
    }
    const auto s = alloc.transfers();
    CHECK(s.initiated == s.completed + s.dropped);
    CHECK(alloc.stats().total_allocated == 0);
}

FOR_EACH_POLICY("a handle keeps its allocator's memory alive") {
    recorder r;
    fa::transfer_handle<std::string> h;
    {
        fa::basic_smart_alloc<P> alloc{r.options()};
        h = alloc.template frame_box_for_transfer<std::string>(std::size_t{100}, 'x');
    }
    CHECK(r.count(fa::code::FA424) == 1);
    CHECK(std::move(h).receive()->size() == 100);
    CHECK(r.faults.size() == 1);
}

FOR_EACH_POLICY("handles and boxes say what they hold, and give it up on request") {
    fa::basic_smart_alloc<P> alloc;
    CHECK(!fa::transfer_handle<shared_counted>{});
    auto h = alloc.template frame_box_for_transfer<shared_counted>(3);
    auto several = alloc.template frame_span_for_transfer<shared_counted>(4);
    CHECK(h);
    CHECK(several);
    CHECK(alloc.transfers().in_flight() == 2);

    auto one = std::move(h).receive();
    fa::transfer_box<shared_counted[]> four = std::move(several).receive();
    CHECK(alloc.transfers().in_flight() == 0);
    CHECK(one);
    CHECK(four);
    CHECK(!four.empty());
    CHECK(four.span().size() == 4);
    CHECK(shared_counted::alive == 5);

    four.reset();
    CHECK(four.empty());
    CHECK(!four);
    CHECK(shared_counted::alive == 1);
    one.reset();
    CHECK(!one);
    CHECK(shared_counted::alive == 0);
}

FOR_EACH_POLICY("a result of no elements is sent and received like any other, without a fault") {
    int faults = 0;
    auto count = [&faults](const fa::fault&) { ++faults; };
    fa::basic_smart_alloc<P> alloc{fa::options{.name = "jobs", .on_fault = count}};
    auto h = alloc.template frame_span_for_transfer<int>(0);
    CHECK(h.state() == fa::transfer_state::pending);
    auto moved = std::move(h);
    CHECK(std::move(moved).receive().empty());
    CHECK(faults == 0);
    { auto dropped = alloc.template frame_span_for_transfer<std::string>(0); }
    CHECK(alloc.transfers().initiated == 2);
    CHECK(alloc.transfers().completed == 1);
    CHECK(alloc.transfers().dropped == 1);
    static_cast<void>(std::move(moved).receive());
    CHECK(faults == 1);
}

FOR_EACH_POLICY("transferring an empty box gives an empty handle") {
    fa::basic_smart_alloc<P> alloc;
    fa::basic_frame_box<std::string, P> none;
    CHECK_FALSE(static_cast<bool>(alloc.frame_box_for_transfer(std::move(none))));
    CHECK(alloc.transfers().initiated == 0);
}

FOR_EACH_POLICY("with_tag calls a function with or without the allocator") {
    fa::basic_smart_alloc<P> alloc;
    CHECK(alloc.with_tag("physics", [&] { return alloc.current_tag() == "physics"; }));
    CHECK(alloc.with_tag("physics", [](const auto& a) { return a.current_tag() == "physics"; }));
}
