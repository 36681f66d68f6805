// What a frame destroys, and in which order: objects and containers, across checkpoints.
#include <doctest/doctest.h>

#include <algorithm>
#include <deque>
#include <memory>
#include <random>
#include <utility>
#include <vector>

#include "support/recorder.hpp"

using namespace test;

namespace {

std::vector<int> ended;  // in the order of their destructors

struct noted {
    explicit noted(int n) noexcept : number(n) {}
    noted(noted&& other) noexcept : number(std::exchange(other.number, 0)) {}
    noted(const noted&) = delete;
    noted& operator=(const noted&) = delete;
    ~noted() {
        if (number != 0) ended.push_back(number);
    }
    int number;
};

// What is to be destroyed, newest first: each behind all that is younger, where a container is as old as when it was
// made empty.
class expectation {
public:
    void add(int age, int number) {
        list_.insert(std::find_if(list_.begin(), list_.end(), [&](const item& i) { return i.age <= age; }),
                     {age, number});
    }
    void remove(int number) {
        std::erase_if(list_, [&](const item& i) { return i.number == number; });
    }
    std::vector<int> take(int from_age) {
        std::vector<int> taken;
        for (; !list_.empty() && list_.front().age >= from_age; list_.pop_front())
            taken.push_back(list_.front().number);
        return taken;
    }

private:
    struct item {
        int age, number;
    };
    std::deque<item> list_;
};

}  // namespace

FOR_EACH_POLICY("objects and containers of all ages are destroyed newest first, whenever they were filled") {
    const fa::basic_smart_alloc<P> alloc;
    using vec = decltype(alloc.frame_scope().template vec<noted>());
    std::mt19937 random(5);
    for (int round = 0; round < 60; ++round) {
        struct container {
            std::unique_ptr<vec> v;
            int age, number;
        };
        std::vector<container> containers;
        expectation expected;
        int age = 0, numbers = 0;
        {
            const auto frame = alloc.frame_scope();
            struct mark {
                fa::frame_checkpoint at;
                int age;
            };
            std::vector<mark> marks;
            for (int step = 0; step < 150; ++step) {
                ended.clear();
                std::vector<int> now;
                switch (random() % 8) {
                    case 0: marks.push_back({alloc.frame_checkpoint(), ++age}); break;
                    case 1:
                        if (marks.empty() || random() % 3 != 0) break;
                        marks.resize(1 + random() % marks.size());
                        alloc.rollback_to(marks.back().at);
                        now = expected.take(marks.back().age);
                        std::erase_if(containers, [&](const container& c) { return c.age >= marks.back().age; });
                        ++age;
                        break;
                    case 2:
                    case 3: containers.push_back({std::make_unique<vec>(frame.template vec<noted>()), age, 0}); break;
                    case 4:
                    case 5: {
                        if (containers.empty()) break;
                        container& c = containers[random() % containers.size()];
                        if (c.number != 0) break;
                        c.number = ++numbers;
                        c.v->emplace_back(c.number);
                        expected.add(c.age, c.number);
                        break;
                    }
                    case 6:
                        frame.template make<noted>(++numbers);
                        expected.add(age, numbers);
                        break;
                    default: {
                        if (containers.empty() || random() % 3 != 0) break;
                        const auto gone = containers.begin() +
                                          static_cast<std::ptrdiff_t>(random() % containers.size());
                        if (gone->number != 0) now.push_back(gone->number);
                        expected.remove(gone->number);
                        containers.erase(gone);
                    }
                }
                REQUIRE(ended == now);
            }
            ended.clear();
        }
        REQUIRE(ended == expected.take(0));
        ended.clear();
        containers.clear();
        CHECK(ended.empty());
    }
}

FOR_EACH_POLICY(
    "what was filled behind younger objects is destroyed in its place also where a frame's content is kept") {
    for (const bool held : {false, true}) {
        fa::options o;
        o.frames_in_flight = held ? 1 : 2;
        const fa::basic_smart_alloc<P> alloc{o};
        using vec = decltype(alloc.frame_scope().template vec<noted>());
        std::vector<vec> containers;
        containers.reserve(12);
        ended.clear();
        std::vector<int> expected;
        fa::frame_hold hold;
        for (int turn = 0; turn < 6; ++turn) {
            {
                const auto frame = alloc.frame_scope();
                if (held) hold = frame.hold("reader");
                const auto a = containers.insert(containers.end(), frame.template vec<noted>());
                const auto b = containers.insert(containers.end(), frame.template vec<noted>());
                static_cast<void>(alloc.frame_checkpoint());
                frame.template make<noted>(10 * turn + 1);
                b->emplace_back(10 * turn + 2);
                a->emplace_back(10 * turn + 3);
            }
            for (const int number : {1, 3, 2}) expected.push_back(10 * turn + number);
            hold.release();
        }
        CHECK(ended.size() < expected.size());
        for (int i = 0; i < 4; ++i) static_cast<void>(alloc.frame_scope());
        CHECK(ended == expected);
    }
}

FOR_EACH_POLICY("what an inner frame filled behind younger objects goes to the outer frame in its place") {
    const fa::basic_smart_alloc<P> alloc;
    using vec = decltype(alloc.frame_scope().template vec<noted>());
    std::vector<vec> containers;
    ended.clear();
    {
        const auto outer = alloc.frame_scope();
        fa::frame_hold hold;
        {
            const auto inner = alloc.frame_scope();
            hold = inner.hold("reader");
            containers.push_back(inner.template vec<noted>());
            static_cast<void>(alloc.frame_checkpoint());
            inner.template make<noted>(1);
            containers[0].emplace_back(2);
        }
        CHECK(ended.empty());
        containers.push_back(outer.template vec<noted>());
        static_cast<void>(alloc.frame_checkpoint());
        outer.template make<noted>(3);
        containers[1].emplace_back(4);
        hold.release();
    }
    CHECK(ended == std::vector<int>{3, 4, 1, 2});
}

FOR_EACH_POLICY("a frame that its containers have left ends as any other, and destroys what came later") {
    const fa::basic_smart_alloc<P> alloc;
    const auto fill = [&](auto& frame) {
        auto m = frame.template map<int, decltype(frame.template vec<noted>())>();
        for (int i = 1; i < 9; ++i) m[i].emplace_back(i);
    };
    for (int turn = 0; turn < 3; ++turn) {
        ended.clear();
        auto outer = alloc.frame_scope();
        fill(outer);
        {
            auto inner = alloc.frame_scope();
            fill(inner);
            CHECK(alloc.stats().frame_allocated > 0);
        }
        CHECK(ended.size() == 16);
        const std::size_t used = alloc.stats().frame_allocated;
        {
            auto inner = alloc.frame_scope();
            fill(inner);
            ended.clear();
            inner.template make<noted>(7);
        }
        CHECK(ended == std::vector<int>{7});
        CHECK(alloc.stats().frame_allocated == used);
    }
    CHECK(alloc.stats().frame_allocated == 0);
}
