// Corner cases of the options, the heap, the guard zones and the page lists, each of which was once untested.
#include <doctest/doctest.h>

#include <support/child.hpp>
#include <support/recorder.hpp>
#include <support/test_pages.hpp>

#include <array>
#include <cstring>
#include <memory_resource>
#include <optional>
#include <string>
#include <vector>

using namespace framealloc::literals;
namespace fa = framealloc;
using test::recorder;
using test::status_of_child;
using debug_alloc = fa::basic_smart_alloc<fa::policy::debug>;

namespace {

// Serves every request, and records blocks that come back with another size or alignment.
class exact_memory final : public std::pmr::memory_resource {
public:
    int wrong = 0;
    std::size_t blocks() const { return taken_.size(); }

private:
    struct block {
        void* p;
        std::size_t bytes, align;
    };
    void* do_allocate(std::size_t bytes, std::size_t align) override {
        taken_.push_back({std::pmr::new_delete_resource()->allocate(bytes, align), bytes, align});
        return taken_.back().p;
    }
    void do_deallocate(void* p, std::size_t bytes, std::size_t align) override {
        for (auto b = taken_.begin(); b != taken_.end(); ++b) {
            if (b->p != p) continue;
            wrong += b->bytes != bytes || b->align != align ? 1 : 0;
            std::pmr::new_delete_resource()->deallocate(p, b->bytes, b->align);
            taken_.erase(b);
            return;
        }
        ++wrong;
    }
    bool do_is_equal(const memory_resource& o) const noexcept override { return this == &o; }
    std::vector<block> taken_;
};

template <class Scope>
fa::lifetime::frame_ref top_of(const Scope& s) {
    return s.template source<fa::frame_source>().frame();
}

}  // namespace

FOR_EACH_POLICY("a thread whose first chunk does not fit is told of the chunk, whatever it asked for") {
    using call = void (*)(const fa::basic_smart_alloc<P>&);
    const call calls[] = {
        [](const auto& a) { static_cast<void>(a.heap_alloc_bytes(40)); },
        [](const auto& a) { static_cast<void>(a.pool_alloc_bytes(40)); },
        [](const auto& a) { static_cast<void>(a.pool().string("a text that needs memory of its own")); },
        [](const auto& a) { a.begin_frame(); },
    };
    const fa::options limits[] = {{.frame_capacity = 1_MiB, .fixed_memory = 512_KiB},
                                  {.frame_capacity = 1_MiB, .global_limit = 512_KiB, .prefault = true}};
    for (const fa::options& limited : limits) {
        for (const call f : calls) {
            const auto ended = test::in_child(20, [&] {
                fa::options o = limited;
                o.on_exhaustion = [](const fa::exhaustion& e) -> bool {
                    fa::print_exhaustion(e);
                    _exit(7);
                };
                const fa::basic_smart_alloc<P> a{o};
                f(a);
            });
            CHECK(ended.status == 7);
            CAPTURE(ended.said);
            CHECK(ended.said.find("frame request of 1048576 bytes") != std::string::npos);
        }
    }
}

FOR_EACH_POLICY("a heap of the user's gets back exactly what it gave") {
    exact_memory heap;
    for (const fa::guard_level level : {fa::guard_level::automatic, fa::guard_level::off, fa::guard_level::fill}) {
        fa::basic_smart_alloc<P> alloc{fa::options{.heap = &heap, .guard = level}};
        for (std::size_t align : {8U, 16U, 64U, 4096U}) {
            for (std::size_t n : {1U, 100U, 5000U, 100'000U}) {
                void* p = alloc.heap_alloc_bytes(n, align);
                CHECK(test::aligned(static_cast<char*>(p), align));
                alloc.heap_free_bytes(p, n, align);
            }
        }
    }
    CHECK(heap.wrong == 0);
    CHECK(heap.blocks() == 0);
}

FOR_EACH_POLICY("the largest class may be the only one; nonsense among the classes is passed over") {
    const std::array<std::size_t, 3> classes{0, fa::memory::largest_class_size, std::size_t{1} << 40};
    fa::basic_smart_alloc<P> alloc{fa::options{.size_classes = classes}};
    void* p = alloc.pool_alloc_bytes(100);
    CHECK(alloc.stats().pool_allocated == fa::memory::largest_class_size);
    alloc.pool_free_bytes(p, 100);
}

FOR_EACH_POLICY("options that are null or zero mean the least there is") {
    fa::basic_smart_alloc<P> alloc{
        fa::options{.name = nullptr, .frame_capacity = 0, .frames_in_flight = 0, .slab_page_size = 0}};
    alloc.begin_frame();
    void* p = alloc.frame_alloc_bytes(3000);
    std::memset(p, 1, 3000);
    alloc.end_frame();
    void* q = alloc.pool_alloc_bytes(1);
    CHECK(q != nullptr);
    alloc.pool_free_bytes(q, 1);
}

TEST_CASE("an allocator that cannot be made asks the handler until it says no, and says why") {
    test::test_pages source;
    source.refuse_after = 0;
    int asked = 0;
    struct on_exhaustion {
        test::test_pages* source;
        int* asked;
        bool operator()(const fa::exhaustion& e) const {
            if (e.reason != fa::exhaustion_reason::system_refused) return false;
            if (++*asked == 3) source->refuse_after = -1;
            return true;
        }
    } handler{&source, &asked};
    fa::options o{.pages = &source};
    o.on_exhaustion = handler;
    { fa::basic_smart_alloc<fa::policy::standard> alloc{o}; }
    CHECK(asked == 3);
    CHECK(source.live == 0);
    // Memory that is too small for the allocator itself is another reason.
    struct reason_of {
        bool operator()(const fa::exhaustion& e) const { _exit(static_cast<int>(e.reason)); }
    } exits{};
    alignas(64) static std::byte little[64];
    CHECK(status_of_child([&] {
              fa::options small;
              small.fixed_memory = std::span<std::byte>(little);
              small.on_exhaustion = exits;
              fa::basic_smart_alloc<fa::policy::standard> alloc{small};
          }) == static_cast<int>(fa::exhaustion_reason::fixed_memory));
    for (const bool heap : {false, true}) {
        CHECK(status_of_child([&] {
                  fa::options huge;
                  huge.on_exhaustion = exits;
                  fa::basic_smart_alloc<fa::policy::standard> alloc{huge};
                  alloc.begin_frame();
                  volatile std::size_t n = ~std::size_t{0} / 2;
                  static_cast<void>(heap ? alloc.heap_alloc_bytes(n) : alloc.frame_alloc_bytes(n));
              }) == static_cast<int>(fa::exhaustion_reason::size_overflow));
    }
}

TEST_CASE("a page that went idle in every way serves other classes, as often as it likes") {
    fa::basic_smart_alloc<fa::policy::standard> alloc;
    for (int round = 0; round < 3; ++round) {
        std::vector<void*> blocks(6000);
        for (void*& p : blocks) p = alloc.pool_alloc_bytes(64);
        for (void* p : blocks) alloc.pool_free_bytes(p, 64);
        for (std::size_t n : {32U, 48U, 128U, 256U, 1000U}) {
            alloc.pool_free_bytes(alloc.pool_alloc_bytes(n), n);
            alloc.trim();
        }
    }
    CHECK(alloc.stats().pool_allocated == 0);
}

FOR_EACH_POLICY("a frame of before neither grows nor shrinks the block of the frame after it") {
    recorder r;
    fa::basic_smart_alloc<P> alloc{r.options()};
    std::optional<fa::lifetime::frame_ref> ended;
    {
        const auto frame = alloc.frame_scope();
        ended = top_of(frame);
    }
    const fa::lifetime::frame_ref& stale = *ended;
    alloc.begin_frame();
    auto* p = static_cast<unsigned char*>(alloc.frame_alloc_bytes(100));
    stale.shrink(p, 100, 8);
    CHECK(!stale.try_grow(p, 100, 200));
    auto* q = static_cast<unsigned char*>(alloc.frame_alloc_bytes(100));
    CHECK((q >= p + 100 || q + 100 <= p));
    alloc.end_frame();
}

FOR_EACH_POLICY("only the top block grows and shrinks, and only as far as there is memory") {
    test::test_pages source;
    fa::basic_smart_alloc<P> alloc{fa::options{.frame_capacity = 16_MiB, .pages = &source}};
    const auto scope = alloc.frame_scope();
    const fa::lifetime::frame_ref frame = top_of(scope);
    auto* below = static_cast<unsigned char*>(scope.alloc_bytes(100));
    auto* top = static_cast<unsigned char*>(scope.alloc_bytes(100));
    std::memset(top, 7, 100);
    frame.shrink(below, 100, 10);
    CHECK(!frame.try_grow(below, 100, 120));
    CHECK(frame.try_grow(top, 100, 100));
    CHECK(frame.try_grow(top, 100, 5000));
    source.refuse_after = 0;
    CHECK(!frame.try_grow(top, 5000, 8_MiB));
    source.refuse_after = -1;
    CHECK(frame.try_grow(top, 5000, 8_MiB));
    std::memset(top + 100, 7, 8_MiB - 100);
    CHECK(top[0] == 7);
    CHECK(!frame.try_grow(top, 8_MiB, 64_MiB));
    frame.shrink(top, 8_MiB, 50);
    auto* next = static_cast<unsigned char*>(scope.alloc_bytes(16));
    CHECK(next >= top + 50);
    CHECK(next < top + 1000);
}

TEST_CASE("memory that trim gave back is not mistaken for written memory") {
    recorder r;
    debug_alloc alloc{r.options({.frame_capacity = 4_MiB, .guard = fa::guard_level::fill})};
    for (int i = 0; i < 3; ++i) {
        alloc.begin_frame();
        std::memset(alloc.frame_alloc_bytes(2_MiB), i, 2_MiB);
        alloc.end_frame();
        alloc.trim();
    }
    CHECK(r.faults.empty());
}

TEST_CASE("withdrawn frame memory is used again when there is enough of it") {
    recorder r;
    debug_alloc alloc{r.options({.frame_capacity = 1_MiB, .guard = fa::guard_level::revoke})};
    if (fa::guard::under_tool) return;
    std::size_t settled = 0;
    for (int i = 0; i < 200; ++i) {
        for (int depth = 0; depth < 4; ++depth) {
            alloc.begin_frame();
            static_cast<void>(alloc.frame_alloc_bytes(900'000));
        }
        for (int depth = 0; depth < 4; ++depth) alloc.end_frame();
        if (i == 100) settled = alloc.stats().reserved;
    }
    CHECK(alloc.stats().reserved <= settled + 2_MiB);
    CHECK(r.faults.empty());
}

FOR_EACH_POLICY("alignment costs in the statistics what it costs without zones") {
    fa::basic_smart_alloc<P> alloc{fa::options{.frame_capacity = 1_MiB}};
    fa::basic_smart_alloc<fa::policy::standard> plain{fa::options{.frame_capacity = 1_MiB}};
    alloc.begin_frame();
    plain.begin_frame();
    for (std::size_t i = 0; i < 300; ++i) {
        const std::size_t align = std::size_t{8} << (i * 7 % 6), n = 1 + i * 37 % 400;
        static_cast<void>(alloc.frame_alloc_bytes(n, align));
        static_cast<void>(plain.frame_alloc_bytes(n, align));
        REQUIRE(alloc.frame_stats().bytes_in_use == plain.frame_stats().bytes_in_use);
    }
    alloc.end_frame();
    plain.end_frame();
}

FOR_EACH_POLICY("growing in place is subject to the frame's limit, to the byte of a budget") {
    fa::basic_smart_alloc<P> alloc{fa::options{.frame_capacity = 1_MiB, .frame_limit = 256_KiB}};
    const auto scope = alloc.frame_scope();
    const fa::lifetime::frame_ref frame = top_of(scope);
    void* p = scope.alloc_bytes(150'000);
    CHECK(frame.try_grow(p, 150'000, 200'000));
    CHECK(!frame.try_grow(p, 200'000, 300'000));
    CHECK(alloc.frame_stats().bytes_in_use == 200'000);
}

TEST_CASE("exhaustion names the limit that was met, and none where the system refused") {
    struct tell {
        fa::exhaustion_reason reason;
        std::size_t limit;
        bool operator()(const fa::exhaustion& e) const { _exit(e.reason == reason && e.limit == limit ? 0 : 1); }
    };
    const auto fails_as_told = [](fa::options o, tell expected, int served) {
        return status_of_child([&] {
                   test::test_pages source;
                   o.on_exhaustion = expected;
                   if (o.fixed_memory.bytes == 0) o.pages = &source;
                   static std::byte memory[4'000'001];
                   if (o.fixed_memory.bytes == sizeof memory) o.fixed_memory = std::span<std::byte>(memory);
                   fa::basic_smart_alloc<fa::policy::standard> alloc{o};
                   source.refuse_after = served;
                   for (;;) static_cast<void>(alloc.heap_alloc_bytes(100'000));
               }) == 0;
    };
    CHECK(fails_as_told({.global_limit = 8_MiB}, {fa::exhaustion_reason::global_limit, 8_MiB}, -1));
    CHECK(fails_as_told({.global_limit = 8_MiB}, {fa::exhaustion_reason::system_refused, 0}, 5));
    CHECK(fails_as_told({.fixed_memory = fa::fixed_memory(4_MiB)}, {fa::exhaustion_reason::fixed_memory, 4_MiB}, -1));
    CHECK(fails_as_told({.fixed_memory = fa::fixed_memory(4'000'001)}, {fa::exhaustion_reason::fixed_memory, 4'000'001},
                        -1));  // the user's own heap
}

FOR_EACH_POLICY("trim gives back what lies above the last large block, and it can be had again") {
    fa::basic_smart_alloc<P> alloc{fa::options{.slab_page_size = 64_KiB}};
    void* stays = alloc.heap_alloc_bytes(40'000);
    for (int round = 0; round < 3; ++round) {
        alloc.trim();
        const std::size_t least = alloc.stats().committed;
        std::vector<void*> blocks(30);
        for (void*& p : blocks) {
            p = alloc.heap_alloc_bytes(40'000);
            std::memset(p, round, 40'000);
        }
        CHECK(alloc.stats().committed >= least + 1'000'000);
        for (void* p : blocks) alloc.heap_free_bytes(p, 40'000);
        alloc.trim();
        if (!test::guarded<P>) CHECK(alloc.stats().committed <= least + 64_KiB);
    }
    alloc.heap_free_bytes(stays, 40'000);
}
