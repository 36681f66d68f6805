// Guarded memory: when a wrong write is reported, which block it names, and what is reported only once.
#include <doctest/doctest.h>

#include <framealloc/detail/probe/sampled.hpp>
#include <support/recorder.hpp>

#include <algorithm>
#include <optional>
#include <string>
#include <thread>
#include <vector>

using namespace framealloc::literals;
namespace fa = framealloc;
using test::recorder;
using debug_alloc = fa::basic_smart_alloc<fa::policy::debug>;
using fa::memory::sampled_blocks;
using fa::memory::sampled_slot;

namespace {

constexpr bool tool_speaks_first = fa::guard::under_tool;

void spoil(void* p, std::ptrdiff_t at) {
    volatile auto* byte = static_cast<volatile unsigned char*>(p) + at;
    *byte = static_cast<unsigned char>(~*byte);
}

fa::options filled(recorder& r) { return r.options({.frame_capacity = 64_KiB, .guard = fa::guard_level::fill}); }

}  // namespace

TEST_CASE("a frame's zones are looked at when it ends, however deep it is, the first time too") {
    if (tool_speaks_first) return;
    recorder r;
    const debug_alloc alloc{filled(r)};
    for (std::size_t depth = 1; depth <= 5; ++depth) {
        for (std::size_t i = 1; i <= depth; ++i) alloc.begin_frame();
        spoil(alloc.frame_alloc_bytes(64), 64);
        alloc.end_frame();
        CHECK(r.count(fa::code::FA412) == depth);
        for (std::size_t i = 2; i <= depth; ++i) alloc.end_frame();
    }
    CHECK(r.faults.size() == 5);
}

TEST_CASE("what was written behind a vec is told before it grows over it") {
    if (tool_speaks_first) return;
    recorder r;
    const debug_alloc alloc{filled(r)};
    const auto frame = alloc.frame_scope();
    auto v = frame.vec<unsigned char>(fa::capacity(40));
    v.resize(40);
    spoil(v.data(), 40);
    v.push_back(1);
    CHECK(r.count(fa::code::FA412) == 1);
    v.resize(400);
    CHECK(r.faults.size() == 1);
}

TEST_CASE("what a container takes is not said to be of the line before") {
    recorder r;
    const debug_alloc alloc{filled(r)};
    const auto frame = alloc.frame_scope();
    for (const std::size_t n : {10U, 100'000U}) {
        const auto grown = [&](auto v) {
            v.reserve(n);
            const fa::site born = fa::describe(v.data()).born;
            CHECK(born.line == 0);
            CHECK(born.caller != nullptr);
        };
        void* p = alloc.pool_alloc_bytes(n);
        grown(alloc.pool_vec<char>());
        void* q = alloc.heap_alloc_bytes(n);
        grown(alloc.heap_vec<char>());
        static_cast<void>(frame.alloc_bytes(n));
        grown(frame.vec<char>());
        alloc.pool_free_bytes(p, n);
        alloc.heap_free_bytes(q, n);
    }
}

TEST_CASE("a list of free blocks that was overwritten is cut off there, and told once") {
    if (tool_speaks_first) return;
    recorder r;
    const debug_alloc alloc{filled(r)};
    std::vector<void*> blocks(12);
    for (void*& p : blocks) p = alloc.pool_alloc_bytes(48);
    for (void* p : blocks) alloc.pool_free_bytes(p, 48);
    for (int i = 0; i < 600; ++i) alloc.pool_free_bytes(alloc.pool_alloc_bytes(2000), 2000);  // all leave quarantine
    spoil(blocks[6], -3);
    CHECK(alloc.check() == 1);
    CHECK(r.count(fa::code::FA433) == 1);
    for (void*& p : blocks) p = alloc.pool_alloc_bytes(48);
    std::sort(blocks.begin(), blocks.end());
    CHECK(std::unique(blocks.begin(), blocks.end()) == blocks.end());
    for (void* p : blocks) alloc.pool_free_bytes(p, 48);
    CHECK(alloc.check() == 0);
    CHECK(r.faults.size() == 1);
}

FOR_EACH_POLICY("memory taken through a frame that has ended is told, and is there all the same") {
    recorder r;
    fa::basic_smart_alloc<P> alloc{r.options()};
    std::optional<fa::lifetime::frame_ref> stale;
    {
        const auto frame = alloc.frame_scope();
        stale = frame.template source<fa::frame_source>().frame();
    }
    alloc.begin_frame();
    CHECK(stale->allocate(100, 8, fa::memory::on_failure::return_null) != nullptr);
    CHECK(r.count(fa::code::FA002) == 1);
    CHECK(r.faults.size() == 1);
    alloc.end_frame();
}

FOR_EACH_POLICY("as many ends as begins close frames that were too deep, whatever was in them") {
    recorder r;
    fa::basic_smart_alloc<P> alloc{r.options()};
    constexpr unsigned most = fa::memory::max_frame_depth;
    for (unsigned i = 0; i < most + 12; ++i) alloc.begin_frame();
    CHECK(alloc.frame_depth() == most);
    for (int i = 0; i < 12; ++i) alloc.end_frame();
    CHECK(alloc.frame_depth() == most);
    for (unsigned i = 0; i < most; ++i) alloc.end_frame();
    CHECK(alloc.frame_depth() == 0);
    CHECK(r.faults.size() == 1);
}

TEST_CASE("an access beside a sampled block is said to be of the nearer one, wherever it lies") {
    if (tool_speaks_first || !test::on_linux) return;
    recorder r;
    const fa::basic_smart_alloc<fa::policy::standard> alloc{r.options({.guard_sample = 1000, .guard_seed = 11})};
    fa::memory::core& core = *alloc.owner().owner;
    sampled_blocks& blocks = *core.probes.sampled;
    CHECK(blocks.beside(0x1000) == nullptr);
    std::vector<std::uintptr_t> begins;
    const auto take = [&] {
        void* p = blocks.allocate(core, {.bytes = 100}, 16);
        if (p != nullptr) begins.push_back(fa::address_of(p));
        return p != nullptr;
    };
    const auto os_page_of = [](std::uintptr_t p) { return p / 4096 * 4096; };
    const auto nearest = [&](std::uintptr_t p) {
        std::uintptr_t best = 0, distance = 4096 + 2048;
        for (std::uintptr_t b : begins) {
            const std::uintptr_t first = os_page_of(b), last = first + 4096;
            const std::uintptr_t d = p < first ? first - p : p >= last ? p - last + 1 : 0;
            if (d < distance) best = b, distance = d;
        }
        return best;
    };
    for (std::uint32_t n = 1; take(); ++n) {
        if (n != 1 && n != 5 && n != 7 && n != 8 && n != 20 && n != sampled_blocks::most) continue;
        for (std::uintptr_t b : begins) {
            for (std::uintptr_t p = os_page_of(b) - 2040; p < os_page_of(b) + 4096 + 2040; p += 16) {
                const sampled_slot* s = blocks.beside(p);
                REQUIRE(s != nullptr);
                REQUIRE(s->begin == nearest(p));
            }
        }
    }
    CHECK(begins.size() == sampled_blocks::most);
    CHECK(blocks.beside(begins.back() + 1_GiB) == nullptr);
    CHECK(blocks.beside(begins.front() - 1_GiB) == nullptr);
    sampled_slot unused;
    CHECK(!blocks.free(core, fa::pointer_at(begins[9] + 8), {}, unused));
    CHECK(r.count(fa::code::FA415) == 1);
    CHECK(r.faults.size() == 1);
    // A free block is not reused while another has been free longer.
    std::vector<std::uintptr_t> again;
    for (std::size_t i : {30U, 3U, 77U}) {
        sampled_slot was;
        CHECK(blocks.free(core, fa::pointer_at(begins[i]), {"game.cpp", 7}, was));
        CHECK(was.begin == begins[i]);
        CHECK(blocks.beside(begins[i])->died.line == 7);
        again.push_back(begins[i]);
        CHECK(!blocks.free(core, fa::pointer_at(begins[i]), {}, was));
    }
    CHECK(r.count(fa::code::FA411) == 3);
    for (const std::uintptr_t b : again) {
        const auto* p = static_cast<const char*>(blocks.allocate(core, {.bytes = 100}, 16));
        CHECK(os_page_of(fa::address_of(p)) == os_page_of(b));
    }
    CHECK(!take());
}
