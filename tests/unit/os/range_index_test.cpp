// Which range an address lies in, as ranges come and go.
#include <doctest/doctest.h>

#include <map>
#include <memory>
#include <random>
#include <vector>

#include <framealloc/detail/os/range_index.hpp>

#include "support/recorder.hpp"

using namespace test;
using fa::os::range_index;

namespace {

void* holder_at(std::uintptr_t p) {
    void* found = nullptr;
    CHECK(range_index::find(fa::pointer_at(p), [&](void* holder) { found = holder; }));
    return found;
}

}  // namespace

TEST_CASE("addresses are found in their ranges, and nowhere else, as those come and go") {
    if (range_index::size() != 0) return;  // allocators that other cases left for good
    std::map<std::uintptr_t, std::uintptr_t> ranges;  // their ends
    std::mt19937 random(3);
    const auto holder_of = [](std::uintptr_t begin) { return fa::pointer_at(begin + 7); };
    for (int i = 0; i < 4'000; ++i) {
        const std::uintptr_t begin = (1 + random() % 5'000) * 65'536, end = begin + (1 + random() % 16) * 4'096;
        const auto known = ranges.find(begin);
        if (known != ranges.end()) {
            range_index::remove(fa::pointer_at(begin));
            ranges.erase(known);
        } else {
            range_index::add(fa::pointer_at(begin), end - begin, holder_of(begin));
            ranges[begin] = end;
        }
        REQUIRE(range_index::size() == ranges.size());
        const std::uintptr_t p = (1 + random() % 5'000) * 65'536 + random() % 65'536;
        const auto above = ranges.upper_bound(p);
        const bool inside = above != ranges.begin() && std::prev(above)->second > p;
        REQUIRE(holder_at(p) == (inside ? holder_of(std::prev(above)->first) : nullptr));
    }
    for (const auto& [begin, end] : ranges) range_index::remove(fa::pointer_at(begin));
    CHECK(range_index::size() == 0);
}

TEST_CASE("where ranges lie inside one another, the index does not decide") {
    if (range_index::size() != 0) return;  // as above
    int outer = 0, inner = 0;
    const auto decides = [](std::uintptr_t p) { return range_index::find(fa::pointer_at(p), [](void*) {}); };
    for (const bool outer_first : {true, false}) {
        if (outer_first) range_index::add(fa::pointer_at(0x100000), 0x10000, &outer);
        range_index::add(fa::pointer_at(0x104000), 0x1000, &inner);
        CHECK(decides(0x104000) != outer_first);
        if (!outer_first) range_index::add(fa::pointer_at(0x100000), 0x10000, &outer);
        CHECK_FALSE(decides(0x104000));
        range_index::remove(fa::pointer_at(0x100000));
        range_index::remove(fa::pointer_at(0x104000));
        CHECK(decides(0x104000));
    }
}

FOR_EACH_POLICY("an allocator that is gone has no range left, whatever it had") {
    const std::size_t before = range_index::size();
    for (const fa::options& o : {fa::options{}, fa::options::small_footprint(), fa::options{.fixed_memory = 4_MiB},
                                 fa::options{.frames_in_flight = 3}, fa::options{.guard = fa::guard_level::revoke},
                                 fa::options{.guard_sample = 1}}) {
        fa::options named = o;
        named.name = "one";
        fa::basic_smart_alloc<P> alloc{named};
        for (int turn = 0; turn < 5; ++turn) {
            const auto frame = alloc.frame_scope();
            for (int i = 0; i < 20; ++i) static_cast<void>(frame.try_alloc_bytes(100'000));
        }
        std::vector<void*> blocks;
        for (int i = 0; i < 3'000; ++i) blocks.push_back(alloc.pool_alloc_bytes(64));
        void* large = alloc.heap_alloc_bytes(200'000);
        CHECK(range_index::size() > before);
        for (void* p : {blocks[0], blocks[2'999], large}) {
            CHECK(fa::describe(p).state == fa::pointer_state::in_use);
            CHECK(std::string_view(fa::describe(p).allocator) == "one");
        }
        for (void* p : blocks) alloc.pool_free_bytes(p, 64);
        alloc.heap_free_bytes(large, 200'000);
        alloc.trim();
    }
    CHECK(range_index::size() == before);
}

TEST_CASE("an allocator inside another's memory is described as such, and so is what is beside it") {
    const fa::smart_alloc outer{fa::options{.name = "outer"}};
    void* const memory = outer.heap_alloc_bytes(2_MiB);
    {
        fa::options o = fa::options::small_footprint();
        o.name = "inner";
        o.fixed_memory = std::span(static_cast<std::byte*>(memory), 1_MiB);
        const fa::smart_alloc inner{o};
        void* p = inner.pool_alloc_bytes(64);
        CHECK(std::string_view(fa::describe(p).allocator) == "inner");
        CHECK(std::string_view(fa::describe(static_cast<char*>(memory) + 1_MiB + 64).allocator) == "outer");
        inner.pool_free_bytes(p, 64);
    }
    CHECK(std::string_view(fa::describe(memory).allocator) == "outer");
    outer.heap_free_bytes(memory, 2_MiB);
}
