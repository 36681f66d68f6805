// Reports, word for word: a report is all that its reader has.
#include <doctest/doctest.h>

#include <support/recorder.hpp>

#include <framealloc/detail/guard/frame_log.hpp>
#include <framealloc/detail/guard/pattern.hpp>

#include <atomic>
#include <memory>
#include <string>
#include <thread>

using namespace framealloc::literals;
namespace fa = framealloc;

namespace {

struct said {
    std::vector<std::string> details;
    std::vector<std::size_t> bytes;
    std::vector<fa::code> codes;
    std::vector<std::uint64_t> frames;
    std::string place, born_place;

    struct handler {
        said* self;
        void operator()(const fa::fault& f) const {
            self->details.emplace_back(f.detail);
            self->bytes.push_back(f.bytes);
            self->codes.push_back(f.what);
            self->frames.push_back(f.frame);
            self->place = f.code_place;
            self->born_place = f.born_place;
        }
    } on_fault{this};

    fa::options options() {
        fa::options o{.name = "said", .frame_capacity = 64_KiB, .guard = fa::guard_level::fill};
        o.on_fault = on_fault;
        return o;
    }
    const std::string& last() const { return details.back(); }
};

using alloc_type = fa::basic_smart_alloc<fa::policy::debug>;

void flip(void* p, std::ptrdiff_t at) {
    volatile auto* c = static_cast<volatile unsigned char*>(p) + at;
    *c = *c ^ 1U;
}

}  // namespace

TEST_CASE("a report tells where in the block it was written") {
    if (fa::guard::under_tool) return;  // the tool would report the writes
    said s;
    const alloc_type a{s.options()};
    void* p = a.pool_alloc_bytes(40);
    flip(p, 42);
    flip(p, 44);
    CHECK(a.check() == 1);
    CHECK(s.last() == "a pool block of 40 bytes was written at +42 to +44; found by check()");
    CHECK(s.bytes.back() == 40);
    flip(p, 42);
    flip(p, 44);
    flip(p, -3);
    a.pool_free_bytes(p, 40);
    CHECK(s.last() == "a pool block of 40 bytes was written at -3 to -3");
    flip(p, -2);
    CHECK(a.check() == 1);
    CHECK(s.last() == "a pool block of 40 bytes, changed at -2 to -2 after it was freed");
    CHECK(a.check() == 0);  // reported once
    flip(p, 5);
    flip(p, 9);
    CHECK(a.check() == 1);
    CHECK(s.last() == "a pool block of 40 bytes, changed at +5 to +9 after it was freed");
    CHECK(s.codes.back() == fa::code::FA419);
    void* q = a.heap_alloc_bytes(9000);
    a.heap_free_bytes(static_cast<char*>(q) + 7, 9000);
    CHECK(s.last() == "+7 in a heap block of 9000 bytes");
    a.heap_free_bytes(q, 8000, 32);
    CHECK(s.last() == "allocated with 9000 bytes, freed with 8000 aligned to 32");
    CHECK(s.codes.size() == 6);
    {
        const auto frame = a.frame_scope();
        flip(frame.alloc_bytes(24), 24);
    }
    CHECK(s.last() == "a frame block of 24 bytes was written at +24 to +24");
    CHECK(s.bytes.back() == 24);
}

TEST_CASE("leaks are told by place, largest first, and what is not listed is counted") {
    said s;
    std::vector<void*> blocks;
    {
        const alloc_type a{s.options()};
        for (int i = 0; i < 3; ++i) blocks.push_back(a.pool_alloc_bytes(10));
        blocks.push_back(a.heap_alloc_bytes(100'000));
        for (std::size_t i = 0; i < 5; ++i) blocks.push_back(a.pool_alloc_bytes(40 + i));
        for (std::size_t i = 0; i < 5; ++i) blocks.push_back(a.pool_alloc_bytes(50 + i));
        const fa::site elsewhere[] = {{"a.cpp", 1},  {"b.cpp", 2},  {"c.cpp", 3},  {"d.cpp", 4},  {"e.cpp", 5},
                                      {"f.cpp", 6},  {"g.cpp", 7},  {"h.cpp", 8},  {"i.cpp", 9},  {"j.cpp", 10},
                                      {"k.cpp", 11}, {"l.cpp", 12}, {"m.cpp", 13}, {"n.cpp", 14}, {"o.cpp", 15},
                                      {"p.cpp", 16}, {"q.cpp", 17}, {"r.cpp", 18}};
        for (const fa::site& at : elsewhere) blocks.push_back(a.pool_alloc_bytes(20, 16, at));
    }
    REQUIRE(s.details.size() == 16);
    CHECK(s.details[0] == "1 heap block of 100000 bytes; it keeps the allocator alive; free it first");
    CHECK(s.bytes[0] == 100'000);
    for (std::size_t i = 1; i < s.bytes.size(); ++i) CHECK(s.bytes[i] <= s.bytes[i - 1]);
    CHECK(s.details[1] == "5 pool blocks of 260 bytes in all; they keep the allocator alive; free them first");
    CHECK(s.details.back() ==
          "1 pool block of 20 bytes; it keeps the allocator alive; free it first; 6 more blocks from other places");
    CHECK(s.details[14] == "1 pool block of 20 bytes; it keeps the allocator alive; free it first");
    for (void* p : blocks) {
        if (p == blocks[3]) continue;
        fa::memory::pool_free(p);
    }
    fa::memory::core* owner = fa::memory::block_of(blocks[3])->who->owner->owner;
    fa::memory::heap_free({owner, owner->id}, blocks[3], 100'000, 16);
}

TEST_CASE("threads with open frames are counted when the last handle goes") {
    said s;
    std::atomic<int> step{0};
    auto a = std::make_unique<alloc_type>(s.options());
    std::thread other([&] {
        a->begin_frame();
        step = 1;
        while (step != 2) std::this_thread::yield();
    });
    while (step != 1) std::this_thread::yield();
    a.reset();
    REQUIRE(s.codes.size() == 1);
    CHECK(s.codes[0] == fa::code::FA432);
    CHECK(s.last() == "1 thread has open frames");
    CHECK(s.bytes[0] == 1);
    step = 2;
    other.join();
}

TEST_CASE("where no sites are known, a leak is told as a sum and the tag that owes most") {
    if (fa::guard::under_tool) return;  // there every block is known
    said s;
    fa::options o = s.options();
    o.guard = fa::guard_level::off;
    std::vector<void*> lost;
    {
        const fa::basic_smart_alloc<fa::policy::standard> alloc{o};
        const fa::tag_scope tag{alloc, "audio"};
        for (int i = 0; i < 2; ++i) lost.push_back(alloc.pool_alloc_bytes(64));
        const fa::tag_scope inner{alloc, "voices"};
        for (int i = 0; i < 5; ++i) lost.push_back(alloc.pool_alloc_bytes(64));
        auto frame = alloc.frame_scope();
        const auto below = alloc.frame_scope();
        static_cast<void>(frame.alloc_bytes(100));  // out of line, and the frame's
    }
    CHECK(s.codes == std::vector<fa::code>{fa::code::FA424});
    CHECK(s.last() ==
          "7 blocks of 448 bytes, most under tag \"audio::voices\"; they keep the allocator alive; free them first");
    for (void* p : lost) fa::memory::pool_free(p);
}

TEST_CASE("a call that does not record its line is named by its instruction") {
    said s;
    fa::options o = s.options();
    o.guard = fa::guard_level::off;
    const fa::basic_smart_alloc<fa::policy::standard> alloc{o};
    alloc.end_frame();
    CHECK(s.codes.back() == fa::code::FA428);
    if (test::on_linux) CHECK(s.place.find("+0x") != std::string::npos);
    else CHECK(s.place.empty());
    CHECK(s.born_place.empty());
}

TEST_CASE("instructions are named where no line is known") {
    if (fa::guard::under_tool || !test::on_linux) return;  // elsewhere instructions have no names
    said s;
    const alloc_type a{s.options()};
    {
        const auto frame = a.frame_scope();
        auto v = frame.vec<char>();
        v.resize(10);
        flip(v.data(), 10);
    }
    REQUIRE(s.codes.size() == 1);
    CHECK(s.codes[0] == fa::code::FA412);
    CHECK(s.born_place.find("_test") != std::string::npos);  // in this program
    CHECK(s.born_place.find("+0x") != std::string::npos);
    CHECK(s.place.find("+0x") != std::string::npos);  // where the frame ended
}

TEST_CASE("in debug mode new memory is not what it was, and a report says whose it is") {
    if (fa::guard::under_tool) return;
    said s;
    auto o = s.options();
    o.frame_capacity = 1_MiB;
    const alloc_type alloc{o};
    auto* large = static_cast<volatile unsigned char*>(alloc.heap_alloc_bytes(100'000));
    CHECK(large[0] == fa::guard::fresh_byte);
    CHECK(large[99'999] == fa::guard::fresh_byte);
    const alloc_type other{fa::options{.name = "other"}};
    void* theirs = other.pool_alloc_bytes(64);
    alloc.pool_free_bytes(theirs, 64);
    REQUIRE(!s.details.empty());
    CHECK(s.details.back() == "a block of allocator \"other\"");
    other.pool_free_bytes(theirs, 64);
    alloc.heap_free_bytes(const_cast<unsigned char*>(large), 100'000);
}

TEST_CASE("frame memory written after its end is told, also when nobody remembers whose it was") {
    if (fa::guard::under_tool) return;
    said s;
    auto o = s.options();
    o.frame_capacity = 1_MiB;
    const alloc_type alloc{o};
    alloc.begin_frame();
    for (std::size_t i = 0; i < fa::guard::frame_history::most + 10; ++i) static_cast<void>(alloc.frame_alloc_bytes(8));
    auto* last = static_cast<volatile unsigned char*>(alloc.frame_alloc_bytes(1000));
    alloc.end_frame();  // blocks enter the history from the last one down, and the first ones push the last one out
    for (std::size_t i = 200; i < 205; ++i) last[i] = last[i] ^ 1U;
    alloc.begin_frame();
    static_cast<void>(alloc.frame_alloc_bytes(500'000));
    REQUIRE(s.details.size() == 1);
    CHECK(s.details[0] == "5 bytes of frame memory were changed after they had ended");
    alloc.end_frame();
}

TEST_CASE("frame memory ends with its frame, with an inner one, or by a rollback, and the report says which") {
    if (fa::guard::under_tool) return;
    said s;
    auto o = s.options();
    o.frame_capacity = 1_MiB;
    const alloc_type alloc{o};
    const auto spoil = [](void* p) {
        auto* byte = static_cast<volatile unsigned char*>(p);
        byte[2] = byte[2] ^ 1U;
    };
    alloc.begin_frame();
    const auto before = alloc.frame_checkpoint();
    void* p = alloc.frame_alloc_bytes(40);
    alloc.rollback_to(before);
    spoil(p);
    p = alloc.frame_alloc_bytes(40);
    alloc.begin_frame();
    p = alloc.frame_alloc_bytes(50);
    alloc.end_frame();
    spoil(p);
    p = alloc.frame_alloc_bytes(50);
    alloc.end_frame();
    spoil(p);
    alloc.begin_frame();
    static_cast<void>(alloc.frame_alloc_bytes(1000));
    alloc.end_frame();
    REQUIRE(s.details.size() == 3);
    CHECK(s.details[0] == "frame memory of 40 bytes was changed at +2 after it was rolled back or freed");
    CHECK(s.details[1] ==
          "frame memory of 50 bytes was changed at +2 after its inner frame ended, or it was rolled back or freed");
    CHECK(s.details[2] == "frame memory of 50 bytes was changed at +2 after its frame, number 1, ended");
    for (const fa::code c : s.codes) CHECK(c == fa::code::FA002);
}

TEST_CASE("a report names the frame of a block, and none where none was open") {
    if (fa::guard::under_tool) return;
    said s;
    const alloc_type alloc{s.options()};
    const auto free_twice = [&](void* p) {
        alloc.pool_free_bytes(p, 40);
        alloc.pool_free_bytes(p, 40);
    };
    free_twice(alloc.pool_alloc_bytes(40));
    const auto frame = alloc.frame_scope();
    free_twice(alloc.pool_alloc_bytes(40));
    REQUIRE(s.details.size() == 2);
    CHECK(s.details[0].starts_with("a pool block of 40 bytes, freed before by thread "));
    CHECK(s.details[1].starts_with("a pool block of 40 bytes, freed before in frame 1 by thread "));
    CHECK(s.frames == std::vector<std::uint64_t>{0, 1});
}

TEST_CASE("check() counts the frame blocks that were overrun as well") {
    if (fa::guard::under_tool) return;
    said s;
    auto o = s.options();
    o.frame_capacity = 1_MiB;
    const alloc_type alloc{o};
    const auto frame = alloc.frame_scope();
    auto* a = static_cast<volatile char*>(frame.alloc_bytes(64));
    auto* b = static_cast<volatile char*>(frame.alloc_bytes(64));
    auto* c = static_cast<volatile char*>(alloc.pool_alloc_bytes(64));
    CHECK(alloc.check() == 0);
    for (volatile char* p : {a, b, c}) p[64] = p[64] ^ 1;
    CHECK(alloc.check() == 3);
    CHECK(s.details.size() == 3);
    for (volatile char* p : {a, b, c}) p[64] = p[64] ^ 1;
    alloc.pool_free_bytes(const_cast<char*>(c), 64);
}

TEST_CASE("exhaustion and exceeded budgets say how much, of what, under which tag and where") {
    said s;
    const alloc_type* used = nullptr;
    fa::exhaustion seen{};
    std::string tag;
    auto more = [&](const fa::exhaustion& e) {
        seen = e;
        tag = e.tag;
        used->set_thread_frame_budget(1_MiB);
        return true;
    };
    fa::options o = s.options();
    o.on_exhaustion = more;
    const alloc_type a{o};
    used = &a;
    a.on_budget_exceeded(fa::budget_policy::fail);
    a.set_thread_frame_budget(4096);
    const auto frame = a.frame_scope();
    const fa::tag_scope scope{a, "ai"};
    const fa::tag_scope inner{a, "paths"};
    const int line = __LINE__ + 1;
    static_cast<void>(a.frame_alloc_bytes(10'000, 8));
    CHECK(seen.limit == 4096);
    CHECK(tag == "ai::paths");
    CHECK(seen.where.line == line);
    a.on_budget_exceeded(fa::budget_policy::warn);
    a.set_thread_frame_budget(4096);
    static_cast<void>(a.frame_alloc_bytes(5000, 8));
    CHECK(s.last() == "5000 more bytes of frame memory where the thread has 10000 of its 4096 in use");
}

// It would be reported as the place of a later block, which does not record its own.
TEST_CASE("no call leaves its place behind, served or not") {
    using P = fa::policy::debug;
    test::recorder r;
    const fa::basic_smart_alloc<P> a{
        r.options({.frame_capacity = 64_KiB, .frame_limit = 1_MiB, .global_limit = 32_MiB})};
    const auto frame = a.frame_scope();
    const auto* context = fa::memory::peek_context(a.owner());
    int calls = 0;
    const auto leaves_none = [&](auto&& call) {
        ++calls;
        CAPTURE(calls);
        call();
        CHECK(context->probes.place().file == nullptr);
        CHECK(context->probes.place().caller == nullptr);
    };
    for (const std::size_t n : {std::size_t{0}, std::size_t{1}, std::size_t{64_MiB}, ~std::size_t{0}}) {
        leaves_none([&] { static_cast<void>(frame.try_alloc_bytes(n)); });
        leaves_none([&] { static_cast<void>(frame.try_batch<int>(n)); });
        leaves_none([&] { static_cast<void>(frame.try_slice<int>(n)); });
        leaves_none([&] { static_cast<void>(frame.try_vec<int>(n)); });
        leaves_none([&] { static_cast<void>(a.try_frame_alloc_bytes(n)); });
        leaves_none([&] { static_cast<void>(a.try_frame_alloc_batch<int>(n)); });
        leaves_none([&] { static_cast<void>(a.try_frame_slice<int>(n)); });
        leaves_none([&] { static_cast<void>(a.try_frame_vec<int>(n)); });
        leaves_none([&] { a.pool_free_bytes(a.try_pool_alloc_bytes(n), n); });
        leaves_none([&] { a.heap_free_bytes(a.try_heap_alloc_bytes(n), n); });
        leaves_none([&] { static_cast<void>(a.try_pool_box<int[]>(n)); });
        leaves_none([&] { static_cast<void>(a.try_heap_box<int[]>(n)); });
        leaves_none([&] { static_cast<void>(a.try_pool_vec<int>(n)); });
        leaves_none([&] { static_cast<void>(a.try_heap_vec<int>(n)); });
        leaves_none([&] { static_cast<void>(a.try_frame_span_for_transfer<int>(n)); });
    }
    leaves_none([&] { static_cast<void>(frame.make<int>(1)); });
    leaves_none([&] { static_cast<void>(frame.box<int>(1)); });
    leaves_none([&] { static_cast<void>(a.frame_make<int>(1)); });
    leaves_none([&] { static_cast<void>(a.try_frame_box<int>(1)); });
    leaves_none([&] { static_cast<void>(a.pool_box<int>(1)); });
    leaves_none([&] { static_cast<void>(a.pool_shared<int>(1)); });
    leaves_none([&] { static_cast<void>(a.heap_box<int>(1)); });
    leaves_none([&] { a.pool_free(a.pool_alloc<int>()); });
    leaves_none([&] { a.heap_free(a.heap_alloc<int>()); });
    leaves_none([&] { static_cast<void>(a.frame_alloc<int>()); });
    leaves_none([&] { static_cast<void>((a.frame_alloc_n<int, 3>())); });
    leaves_none([&] { a.begin_frame(), a.end_frame(); });
    leaves_none([&] { static_cast<void>(a.frame_scope()); });
    leaves_none([&] { a.begin_phase("p"), a.end_phase(); });
    leaves_none([&] { a.with_tag("t", [] {}); });
    leaves_none([&] { static_cast<void>(a.rollback_to(a.frame_checkpoint())); });
    leaves_none([&] { static_cast<void>(a.check()); });
    CHECK(r.faults.empty());
}
