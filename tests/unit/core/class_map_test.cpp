// Which size class serves which.
#include <doctest/doctest.h>
#include <framealloc/detail/core/class_map.hpp>

#include <iterator>

namespace memory = framealloc::memory;
using memory::class_of;

TEST_CASE("without a choice every class serves itself") {
    memory::class_map m;
    m.open(nullptr, 0);
    for (unsigned k = 0; k < memory::class_count; ++k) CHECK(m.serving(k) == k);
}

TEST_CASE("the smallest chosen class that holds a block serves it, aligned as it was") {
    constexpr std::size_t sizes[] = {64, 96, 256, 1024};
    memory::class_map m;
    m.open(sizes, std::size(sizes));
    CHECK(m.serving(class_of(16)) == class_of(64));
    CHECK(m.serving(class_of(64)) == class_of(64));
    CHECK(m.serving(class_of(80)) == class_of(96));
    CHECK(m.serving(class_of(112)) == class_of(256));
    CHECK(m.serving(class_of(128)) == class_of(256));
    CHECK(m.serving(class_of(512)) == class_of(1024));
    CHECK(m.serving(class_of(2048)) == class_of(2048));  // none is large enough
}

TEST_CASE("a chosen class that is less aligned than a block is not for it") {
    constexpr std::size_t sizes[] = {80};
    memory::class_map m;
    m.open(sizes, std::size(sizes));
    CHECK(m.serving(class_of(16)) == class_of(80));
    CHECK(m.serving(class_of(64)) == class_of(64));
}

TEST_CASE("sizes that no class has are passed over") {
    constexpr std::size_t sizes[] = {0, std::size_t{1} << 40};
    memory::class_map m;
    m.open(sizes, std::size(sizes));
    for (unsigned k = 0; k < memory::class_count; ++k) CHECK(m.serving(k) == k);
}
