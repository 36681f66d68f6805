// Slots for the states of floors above.
#include <doctest/doctest.h>
#include <framealloc/detail/core/slots.hpp>

namespace memory = framealloc::memory;
using memory::upper_floor;

namespace {

struct of_lifetime {
    static constexpr upper_floor floor = upper_floor::lifetime;
    std::uint64_t a = 3, b = 4;
};
struct of_insight {
    static constexpr upper_floor floor = upper_floor::insight;
    const char* text = "made";
};
struct of_runtime {
    static constexpr upper_floor floor = upper_floor::runtime;
    std::uint32_t n = 7;
};

}  // namespace

TEST_CASE("each floor has a state of its own, made once and found again") {
    memory::floor_slots<16, 0, 8, 8> slots;
    slots.make<of_lifetime>();
    slots.make<of_insight>();
    slots.make<of_runtime>();
    slots.get<of_lifetime>().a = 30;
    slots.get<of_runtime>().n = 70;
    CHECK(slots.get<of_lifetime>().a == 30);
    CHECK(slots.get<of_lifetime>().b == 4);
    CHECK(slots.get<of_insight>().text == doctest::String("made"));
    const auto& same = slots;
    CHECK(same.get<of_runtime>().n == 70);
}

TEST_CASE("a floor without a state takes no room") {
    CHECK(sizeof(memory::floor_slots<16, 0, 8, 8>) == 32);
    CHECK(sizeof(memory::floor_slots<0, 0, 0, 8>) == 8);
}
