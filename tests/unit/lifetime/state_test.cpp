// Checkpoints and rollbacks as lifetime keeps them, without any frame.
#include <doctest/doctest.h>
#include <framealloc/detail/lifetime/state.hpp>
#include <support/test_pages.hpp>

namespace lifetime = framealloc::lifetime;
using lifetime::mark_stack;
using lifetime::rolled_births;

namespace {

lifetime::frame_mark mark(std::uint32_t depth, std::uint64_t serial) {
    return {.cursor = 0, .serial = serial, .rolled_to = 0, .depth = depth, .log_size = 0};
}

// With memory to grow in.
class growing_marks : public mark_stack {
public:
    growing_marks() { pages_.open(system_, 0, false); }
    growing_marks(const growing_marks&) = delete;
    growing_marks& operator=(const growing_marks&) = delete;
    ~growing_marks() { meta_.release_all(); }
    void add(const lifetime::frame_mark& m) {
        framealloc::exhaustion_reason why{};
        REQUIRE((has_room() || widen(meta_, why)));
        push(m);
    }

private:
    framealloc::os::system_pages system_;
    framealloc::os::page_ledger pages_;
    framealloc::os::metadata meta_{pages_};
};

}  // namespace

TEST_CASE("marks grow as needed and end with the frames they are in") {
    growing_marks marks;
    for (std::uint32_t i = 0; i < 100; ++i) { marks.add(mark(1 + i / 40, 2 * i)); }
    for (std::uint32_t i = 0; i < 100; ++i) {
        REQUIRE(marks.find(2 * i) != nullptr);
        CHECK(marks.find(2 * i)->serial == 2 * i);
        CHECK(marks.find(2 * i + 1) == nullptr);
    }
    marks.drop_from(3);
    CHECK(marks.size() == 80);
    CHECK(marks.find(2 * 80) == nullptr);
    int dropped = 0;
    marks.drop(*marks.find(2 * 50), [&](const lifetime::frame_mark&) { ++dropped; });
    CHECK(dropped == 30);
    marks.drop_younger(*marks.find(2 * 9));
    marks.drop_from(2);
    CHECK(marks.size() == 10);
    marks.drop_from(1);
    CHECK(marks.size() == 0);
}

TEST_CASE("a birth is below the newest checkpoint of its own frame") {
    growing_marks marks;
    CHECK_FALSE(marks.younger_than(1, 0));
    marks.add(mark(1, 5));
    marks.add(mark(2, 9));
    CHECK(marks.younger_than(1, 4));
    CHECK_FALSE(marks.younger_than(1, 5));
    CHECK(marks.younger_than(2, 8));
    CHECK_FALSE(marks.younger_than(3, 0));
}

TEST_CASE("what was rolled back to a checkpoint that still is there is known exactly, however many there are") {
    growing_marks marks;
    CHECK_FALSE(marks.rolled(1, 0));
    for (std::uint32_t i = 0; i < 100; ++i) {
        marks.add(mark(1 + i % 2, 10 * (i + 1)));
        if (i % 4 < 2) marks.find(10 * (i + 1))->rolled_to = 10 * (i + 1) + 4;
    }
    for (std::uint32_t i = 0; i < 100; ++i) {
        CAPTURE(i);
        for (std::uint32_t birth = 10 * (i + 1); birth < 10 * (i + 2); ++birth) {
            CHECK(marks.rolled(1 + i % 2, birth) == (i % 4 < 2 && birth % 10 < 4));
            CHECK_FALSE(marks.rolled(2 - i % 2, birth));
        }
    }
}

TEST_CASE("what a rollback ended is known by its frame and its birth") {
    rolled_births rolled;
    rolled.add(1, 3, 6);
    CHECK(rolled.contain(1, 3));
    CHECK(rolled.contain(1, 5));
    CHECK_FALSE(rolled.contain(1, 2));
    CHECK_FALSE(rolled.contain(1, 6));
    CHECK_FALSE(rolled.contain(2, 4));
    rolled.add(1, 2, 8);  // further back: takes the place of the first
    CHECK(rolled.contain(1, 2));
    CHECK(rolled.contain(1, 7));
    rolled.drop_from(1);
    CHECK_FALSE(rolled.contain(1, 4));
}

TEST_CASE("beyond eight rollbacks the outermost are merged, and nothing is forgotten") {
    rolled_births rolled;
    for (std::uint32_t depth = 1; depth <= 20; ++depth) rolled.add(depth, depth * 10, depth * 10 + 5);
    for (std::uint32_t depth = 1; depth <= 20; ++depth) {
        CAPTURE(depth);
        CHECK(rolled.contain(depth, depth * 10 + 2));
    }
    CHECK_FALSE(rolled.contain(20, 206));
    rolled.clear();
    CHECK_FALSE(rolled.contain(20, 202));
}
