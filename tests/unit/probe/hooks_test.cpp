// Which of the probes' functions an allocator calls, counted by a table of the test's own.
#include <doctest/doctest.h>

#include <framealloc/framealloc.hpp>

#include <framealloc/detail/probe/hooks.hpp>

#include "support/recorder.hpp"

using namespace test;
using fa::memory::core_ref;
using fa::memory::probe_hooks;
using fa::memory::thread_context;

namespace {

struct calls {
    int opened = 0, closed = 0, threads = 0, ended_threads = 0, others = 0;
};
calls heard;

// All that a plain allocator calls is passed on; what belongs to a probe that is on counts as another.
probe_hooks counting_table() {
    probe_hooks h = fa::memory::all_probes;
    h.open = [](fa::memory::core& a, bool checks, fa::exhaustion_reason& why) noexcept {
        ++heard.opened;
        fa::memory::all_probes.open(a, checks, why);
    };
    h.release = [](fa::memory::core& a) noexcept {
        ++heard.closed;
        fa::memory::all_probes.release(a);
    };
    h.open_thread = [](thread_context& c) noexcept {
        ++heard.threads;
        return fa::memory::all_probes.open_thread(c);
    };
    h.close_thread = [](thread_context& c) noexcept {
        ++heard.ended_threads;
        fa::memory::all_probes.close_thread(c);
    };
    h.begin_block = [](thread_context& c, fa::memory::pool_page& p, void* slot, std::size_t bytes) noexcept {
        ++heard.others;
        return fa::memory::all_probes.begin_block(c, p, slot, bytes);
    };
    h.begin_large = [](thread_context& c, void* block, std::size_t bytes, std::size_t align,
                       fa::memory_kind k) noexcept {
        ++heard.others;
        return fa::memory::all_probes.begin_large(c, block, bytes, align, k);
    };
    h.allocate_frame = [](thread_context& c, std::size_t bytes, std::size_t align, std::size_t most, bool& out_of_line,
                          fa::exhaustion_reason& why) noexcept {
        ++heard.others;
        return fa::memory::all_probes.allocate_frame(c, bytes, align, most, out_of_line, why);
    };
    h.free = [](core_ref a, fa::memory_kind k, void* p, std::size_t bytes, std::size_t align,
                const fa::site& where) noexcept {
        ++heard.others;
        fa::memory::all_probes.free(a, k, p, bytes, align, where);
    };
    return h;
}

void use_every_kind(core_ref a) {
    fa::memory::frame_record* r = fa::lifetime::open_frame(fa::memory::top_record(a));
    CHECK(fa::lifetime::allocate(r, 100, 8, fa::memory::on_failure::return_null) != nullptr);
    void* small = fa::memory::pool_allocate_bytes(a, 40, 8, fa::memory::on_failure::return_null);
    REQUIRE(small != nullptr);
    fa::memory::pool_free_bytes(a, small, 40, 8);
    void* large = fa::memory::heap_allocate(a, 100'000, 16, fa::memory::on_failure::return_null);
    REQUIRE(large != nullptr);
    fa::memory::heap_free(a, large, 100'000, 16);
    fa::lifetime::close_frame(fa::memory::top_record(a));
}

calls calls_of(fa::guard_level level) {
    const probe_hooks table = counting_table();
    heard = {};
    fa::memory::core_config o = fa::runtime::to_config({.name = "hooked", .guard = level}, false);
    o.probes = &table;
    fa::exhaustion_reason why{};
    fa::memory::core* made = fa::memory::make_core(o, why);
    REQUIRE(made != nullptr);
    const core_ref a{made, made->id};
    use_every_kind(a);
    fa::memory::release_core(a);
    return heard;
}

}  // namespace

TEST_CASE("a plain allocator calls its probes at its own and its threads' begin and end alone") {
    if (fa::guard::tool_active()) return;  // then every allocator is guarded
    const calls c = calls_of(fa::guard_level::off);
    CHECK(c.opened == 1);
    CHECK(c.closed == 1);
    CHECK(c.threads == 1);
    CHECK(c.ended_threads == 1);
    CHECK(c.others == 0);
}

TEST_CASE("a guarded allocator's blocks of every kind go through the table") {
    const calls c = calls_of(fa::guard_level::fill);
    CHECK(c.opened == 1);
    CHECK(c.closed == 1);
    CHECK(c.others >= 5);  // three births, two frees
}
