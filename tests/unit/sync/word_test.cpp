// Plain words that others look at.
#include <doctest/doctest.h>

#include <framealloc/detail/sync/word.hpp>

#include <cstdint>
#include <thread>

#include "support/recorder.hpp"

using namespace test;

TEST_CASE("a word is stored and loaded whole, whatever its type") {
    enum class colour : std::uint8_t { red, blue };
    std::uint32_t number = 1;
    bool flag = false;
    colour c = colour::red;
    int* pointer = nullptr;
    int target = 0;
    fa::sync::store_relaxed(number, 7U);
    fa::sync::store_relaxed(flag, true);
    fa::sync::store_relaxed(c, colour::blue);
    fa::sync::store_release(pointer, &target);
    CHECK(fa::sync::load_relaxed(number) == 7);
    CHECK(fa::sync::load_relaxed(flag));
    CHECK(fa::sync::load_relaxed(c) == colour::blue);
    CHECK(fa::sync::load_acquire(pointer) == &target);
    CHECK(number == 7);  // the owner reads it as any variable
    fa::owner_increment(number);
    CHECK(number == 8);
}

TEST_CASE("whoever sees a released word sees what was written before it") {
    int content = 0;
    int* published = nullptr;
    std::thread reader([&] {
        int* p = nullptr;
        while ((p = fa::sync::load_acquire(published)) == nullptr) {}
        CHECK(*p == 42);
    });
    content = 42;
    fa::sync::store_release(published, &content);
    reader.join();
}
