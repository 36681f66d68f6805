// What frames keep between them, without any frame.
#include <doctest/doctest.h>
#include <framealloc/detail/core/retention.hpp>

namespace memory = framealloc::memory;
using memory::retain_policy;
using memory::retention;

TEST_CASE("with bytes, every frame decides the same") {
    retention r;
    CHECK(r.decide(retain_policy::bytes, 4096, 1));
    CHECK(r.bytes() == 4096);
    r.note_use(1'000'000);
    CHECK(r.decide(retain_policy::bytes, 4096, 2));
    CHECK(r.bytes() == 4096);
}

TEST_CASE("with high_water, so many frames' peak is kept from the next decision on") {
    retention r;
    r.note_use(300);
    r.note_use(700);
    r.note_use(500);
    for (std::uint64_t frame = 1; frame < 4; ++frame) CHECK_FALSE(r.decide(retain_policy::high_water, 4, frame));
    CHECK(r.decide(retain_policy::high_water, 4, 4));
    CHECK(r.bytes() == 700);
    CHECK(r.decided_in() == 4);
    r.note_use(200);
    CHECK_FALSE(r.decide(retain_policy::high_water, 4, 7));
    CHECK(r.bytes() == 700);
    CHECK(r.decide(retain_policy::high_water, 4, 8));
    CHECK(r.bytes() == 200);
}

TEST_CASE("a window without a frame keeps nothing") {
    retention r;
    r.note_use(100);
    CHECK(r.decide(retain_policy::high_water, 2, 2));
    CHECK(r.decide(retain_policy::high_water, 2, 4));
    CHECK(r.bytes() == 0);
}

TEST_CASE("the suggestion is the last growth's, or the largest oversized block's") {
    retention r;
    CHECK(r.suggested_with_oversize() == 0);
    r.suggest(5000);
    r.suggest_for_oversize(4000);
    CHECK(r.suggested_with_oversize() == 5000);
    r.suggest(3000);
    CHECK(r.suggested() == 3000);
    CHECK(r.suggested_with_oversize() == 4000);
    r.suggest_for_oversize(2000);
    CHECK(r.suggested_with_oversize() == 4000);
}
