// api.md, Semantics 1-8 and 12: frames through the front door.
#include <doctest/doctest.h>

#include <cstring>
#include <string>
#include <thread>

#include "support/recorder.hpp"

using namespace test;

FOR_EACH_POLICY("frame memory is writable, aligned and disjoint") {
    fa::basic_smart_alloc<P> alloc;
    auto frame = alloc.frame_scope();
    struct alignas(64) wide {
        char bytes[64];
    };
    unsigned char* previous_end = nullptr;
    for (int i = 0; i < 1000; ++i) {
        auto* small = frame.template alloc<std::uint32_t>();
        auto* w = frame.template alloc<wide>();
        std::memset(w, i & 0xff, sizeof *w);
        *small = static_cast<std::uint32_t>(i);
        CHECK(aligned(w, 64));
        CHECK(reinterpret_cast<unsigned char*>(small) >= previous_end);
        CHECK(reinterpret_cast<unsigned char*>(small + 1) <= reinterpret_cast<unsigned char*>(w));
        previous_end = reinterpret_cast<unsigned char*>(w + 1);
        CHECK(*small == static_cast<std::uint32_t>(i));
    }
}

FOR_EACH_POLICY("an inner frame returns to its own mark and touches nothing older") {
    fa::basic_smart_alloc<P> alloc;
    auto outer = alloc.frame_scope();
    auto old = outer.template batch<int>(100);
    for (int& v : old) v = 7;
    int* first_inner = nullptr;
    for (int round = 0; round < 3; ++round) {
        auto inner = alloc.frame_scope();
        CHECK(alloc.frame_depth() == 2);
        int* p = inner.template alloc<int>();
        if (first_inner == nullptr) first_inner = p;
        if (!test::guarded<P>) CHECK(p == first_inner);  // in debug mode revoked OS pages stay inaccessible
        for (int& v : inner.template batch<int>(1000)) v = -1;
    }
    for (int v : old) CHECK(v == 7);
}

FOR_EACH_POLICY("growth of an outer container inside an inner frame belongs to the outer frame") {
    fa::basic_smart_alloc<P> alloc;
    auto outer = alloc.frame_scope();
    auto names = outer.template vec<std::string>();
    {
        auto inner = alloc.frame_scope();
        for (int i = 0; i < 10000; ++i)
            names.push_back("a name too long for the small string buffer " + std::to_string(i));
        for (int& v : inner.template batch<int>(10000)) v = -1;
    }
    {
        auto other = alloc.frame_scope();
        for (int& v : other.template batch<int>(100000)) v = -1;
    }
    REQUIRE(names.size() == 10000);
    for (int i = 0; i < 10000; ++i)
        CHECK(names[static_cast<std::size_t>(i)] == "a name too long for the small string buffer " + std::to_string(i));
    CHECK(alloc.frame_stats().outer_growth > 0);
}

FOR_EACH_POLICY("an allocation through an outer frame survives the inner one") {
    fa::basic_smart_alloc<P> alloc;
    auto outer = alloc.frame_scope();
    int* kept = nullptr;
    {
        auto inner = alloc.frame_scope();
        static_cast<void>(inner.template alloc<int>());
        kept = outer.template alloc<int>();
        *kept = 42;
    }
    {
        auto inner = alloc.frame_scope();
        for (int& v : inner.template batch<int>(1000)) v = -1;
    }
    CHECK(*kept == 42);
}

FOR_EACH_POLICY("destructors run when the frame ends, newest first") {
    fa::basic_smart_alloc<P> alloc;
    counted::deaths.clear();
    const int before = counted::alive;
    {
        auto frame = alloc.frame_scope();
        frame.template make<counted>(1);
        auto box = frame.template box<counted>(2);
        frame.template make<counted>(3);
        auto v = frame.template vec<counted>();
        v.emplace_back(4);
        CHECK(counted::alive == before + 4);
        counted::deaths.clear();
        alloc.begin_frame();
        alloc.end_frame();
        CHECK(counted::deaths.empty());
    }
    CHECK(counted::alive == before);
    CHECK(counted::deaths == std::vector<int>{4, 2, 3, 1});  // the vec and the box left scope before the frame ended
}

FOR_EACH_POLICY("a box that outlives its frame is empty") {
    recorder r;
    fa::basic_smart_alloc<P> alloc{r.options()};
    const int before = counted::alive;
    alloc.begin_frame();
    auto box = alloc.template frame_box<counted>(5);
    CHECK(box->id == 5);
    alloc.end_frame();
    CHECK(counted::alive == before);
    CHECK_FALSE(static_cast<bool>(box));
    if constexpr (P::checks) {
        CHECK(box.get() == nullptr);
        CHECK(r.count(fa::code::FA002) == 1);
    }
}

FOR_EACH_POLICY("a vec of strings that outlives its frame is empty and may be used again") {
    recorder r;
    fa::basic_smart_alloc<P> alloc{r.options()};
    alloc.begin_frame();
    auto v = alloc.template frame_vec<std::string>();
    v.push_back("a text that is too long for the small string buffer");
    alloc.end_frame();
    CHECK(v.size() == 0);
    CHECK(v.capacity() == 0);
    alloc.begin_frame();
    v.push_back("another text that is too long for the small string buffer");
    CHECK(r.count(fa::code::FA002) >= 1);
    CHECK(v.size() == 1);
    alloc.end_frame();
    CHECK(v.empty());
}

FOR_EACH_POLICY("a moved box and a moved vec are destroyed once") {
    fa::basic_smart_alloc<P> alloc;
    const int before = counted::alive;
    {
        auto frame = alloc.frame_scope();
        auto a = frame.template box<counted>(1);
        auto b = std::move(a);
        CHECK_FALSE(static_cast<bool>(a));
        auto v = frame.template vec<counted>();
        for (int i = 0; i < 10; ++i) v.emplace_back(i);
        auto w = std::move(v);
        CHECK(w.size() == 10);
        CHECK(counted::alive == before + 11);
        counted* left = b.release();
        CHECK(left->id == 1);
    }
    CHECK(counted::alive == before);
}

FOR_EACH_POLICY("slices construct and destroy every element") {
    fa::basic_smart_alloc<P> alloc;
    const int before = counted::alive;
    {
        auto frame = alloc.frame_scope();
        auto s = frame.template slice<counted>(100);
        CHECK(s.size() == 100);
        CHECK(counted::alive == before + 100);
        auto zeros = frame.template slice<int>(1000);
        for (int z : zeros) CHECK(z == 0);
    }
    CHECK(counted::alive == before);
}

FOR_EACH_POLICY("100 chained chunks, and the next frame fits in one piece") {
    fa::basic_smart_alloc<P> alloc{fa::options{.frame_capacity = 64_KiB}};
    auto fill = [&] {
        auto frame = alloc.frame_scope();
        unsigned char* blocks[800];
        for (auto& b : blocks) {
            b = static_cast<unsigned char*>(frame.alloc_bytes(8_KiB));
            std::memset(b, static_cast<int>(&b - blocks), 8_KiB);
        }
        for (auto& b : blocks) CHECK(b[8_KiB - 1] == static_cast<unsigned char>(&b - blocks));
    };
    fill();
    const auto grown = alloc.frame_stats();
    CHECK(grown.arena_growth >= 99);
    CHECK(grown.suggested_capacity >= 800 * 8_KiB);
    fill();
    CHECK(alloc.frame_stats().arena_growth == grown.arena_growth);
}

FOR_EACH_POLICY("the suggested capacity is one that would have held what was too large") {
    const auto fill = [](const auto& alloc) {
        for (int round = 0; round < 3; ++round) {
            const auto frame = alloc.frame_scope();
            for (int i = 0; i < 10; ++i) static_cast<void>(frame.alloc_bytes(1_MiB, i % 2 == 0 ? 16 : 256));
            static_cast<void>(frame.alloc_bytes(100));
        }
    };
    fa::basic_smart_alloc<P> small{fa::options{.frame_capacity = 64_KiB}};
    fill(small);
    const fa::frame_stats s = small.frame_stats();
    CHECK(s.oversize == 30);
    CHECK(s.suggested_capacity >= 10_MiB);
    CHECK(s.suggested_capacity < 11_MiB);
    if (guarded<P>) return;  // guard zones would need more
    fa::basic_smart_alloc<P> enough{fa::options{.frame_capacity = s.suggested_capacity}};
    fill(enough);
    CHECK(enough.frame_stats().oversize == 0);
    CHECK(enough.frame_stats().outer_growth == 0);
}

FOR_EACH_POLICY("an oversize request lies out of line and does not inflate the arena") {
    fa::basic_smart_alloc<P> alloc{fa::options{.frame_capacity = 64_KiB}};
    auto frame = alloc.frame_scope();
    for (int i = 0; i < 4; ++i) {
        auto big = frame.template batch<char>(1_MiB);
        std::memset(big.data(), i, big.size());
    }
    CHECK(alloc.frame_stats().oversize == 4);
    CHECK(alloc.frame_stats().arena_growth == 0);
}

FOR_EACH_POLICY("a vec grows in place at the top of the arena") {
    fa::basic_smart_alloc<P> alloc;
    auto frame = alloc.frame_scope();
    auto v = frame.template vec<int>();
    v.push_back(0);
    const int* where = v.data();
    for (int i = 1; i < 10000; ++i) v.push_back(i);
    CHECK(v.data() == where);
    for (int i = 0; i < 10000; ++i) CHECK(v[static_cast<std::size_t>(i)] == i);
}

FOR_EACH_POLICY("nothing is asked for when n is zero") {
    fa::basic_smart_alloc<P> alloc;
    auto frame = alloc.frame_scope();
    const auto before = alloc.frame_stats().bytes_in_use;
    CHECK(frame.template batch<int>(0).empty());
    CHECK(frame.template slice<counted>(0).empty());
    CHECK(frame.alloc_bytes(0) == nullptr);
    CHECK(frame.template vec<int>().empty());
    CHECK(frame.template vec<int>(fa::capacity(0)).empty());
    CHECK(frame.template map<int, int>().empty());
    CHECK(alloc.pool_alloc_bytes(0) == nullptr);
    CHECK(alloc.heap_alloc_bytes(0) == nullptr);
    CHECK(alloc.frame_stats().bytes_in_use == before);
}

FOR_EACH_POLICY("a product that overflows is exhaustion, never a wrap") {
    fa::basic_smart_alloc<P> alloc;
    auto frame = alloc.frame_scope();
    constexpr std::size_t half = ~std::size_t{0} / 2;
    const volatile std::size_t huge = ~std::size_t{0};  // unknown to the compiler: g++ warns of such sizes
    CHECK(frame.template try_batch<std::uint64_t>(half).empty());
    CHECK(frame.template try_slice<std::uint64_t>(half).empty());
    CHECK(frame.try_alloc_bytes(huge) == nullptr);
    CHECK(frame.try_alloc_bytes(huge - 64) == nullptr);
    auto v = frame.template vec<std::uint64_t>();
    CHECK_FALSE(v.try_reserve(half));
    CHECK(alloc.try_pool_alloc_bytes(huge) == nullptr);
    CHECK(alloc.try_heap_alloc_bytes(huge - 100) == nullptr);
    auto h = alloc.template heap_vec<std::uint64_t>();
    CHECK_FALSE(h.try_reserve(half));
    CHECK(frame.template alloc<int>() != nullptr);
}

FOR_EACH_POLICY("an alignment that is not a power of two is a coded fault and exhaustion") {
    recorder r;
    fa::basic_smart_alloc<P> alloc{r.options()};
    auto frame = alloc.frame_scope();
    CHECK(frame.try_alloc_bytes(8, 24) == nullptr);
    CHECK(alloc.try_pool_alloc_bytes(8, 24) == nullptr);
    CHECK(alloc.try_heap_alloc_bytes(8, 24) == nullptr);
    CHECK(r.count(fa::code::FA431) == 3);
}

FOR_EACH_POLICY("end without begin, begin without end and too many begins are coded faults") {
    recorder r;
    {
        fa::basic_smart_alloc<P> alloc{r.options()};
        alloc.end_frame();
        CHECK(r.count(fa::code::FA428) == 1);
        for (unsigned i = 0; i < fa::memory::max_frame_depth + 72; ++i) alloc.begin_frame();
        CHECK(r.count(fa::code::FA428) == 2);
        *alloc.template frame_alloc<int>() = 1;
        for (unsigned i = 0; i < fa::memory::max_frame_depth + 72; ++i) alloc.end_frame();
        CHECK(alloc.frame_depth() == 0);
        CHECK(r.count(fa::code::FA428) == 2);
        alloc.begin_frame();
        r.faults.clear();
    }
    CHECK(r.count(fa::code::FA428) == 1);
}

FOR_EACH_POLICY("closing an outer frame closes what is open inside, with a fault") {
    recorder r;
    fa::basic_smart_alloc<P> alloc{r.options()};
    const int before = counted::alive;
    {
        auto frame = alloc.frame_scope();
        alloc.begin_frame();
        alloc.template frame_make<counted>(1);
    }
    CHECK(r.count(fa::code::FA428) == 1);
    CHECK(alloc.frame_depth() == 0);
    CHECK(counted::alive == before);
}

FOR_EACH_POLICY("outside a frame memory is served, reported and closed by the next end_frame") {
    recorder r;
    fa::basic_smart_alloc<P> alloc{r.options()};
    for (int i = 0; i < 100; ++i) *alloc.template frame_alloc<int>() = i;
    CHECK(r.count(fa::code::FA001) == 7);  // the 1st, 2nd, 4th … 64th
    CHECK(alloc.frame_stats().bytes_in_use == 800);
    r.faults.clear();
    SUBCASE("a lone end_frame") {
        alloc.end_frame();
        CHECK(r.faults.empty());
        CHECK(alloc.frame_stats().bytes_in_use == 0);
    }
    SUBCASE("the end of the next frame") {
        alloc.begin_frame();
        CHECK(alloc.frame_stats().bytes_in_use == 800);
        alloc.end_frame();
        CHECK(r.faults.empty());
        CHECK(alloc.frame_stats().bytes_in_use == 0);
    }
}

FOR_EACH_POLICY("frame_limit holds, outside a frame too, and memory stays usable") {
    recorder r;
    fa::basic_smart_alloc<P> alloc{r.options({.frame_capacity = 64_KiB, .frame_limit = 100'000})};
    std::size_t got = 0;
    {
        auto frame = alloc.frame_scope();
        while (frame.try_alloc_bytes(1000, 8) != nullptr) got += 1000;
        CHECK(got <= 100'000);
        CHECK(got >= 99'000);
        CHECK(frame.try_alloc_bytes(64_KiB) == nullptr);
        got = 0;
    }
    while (alloc.try_frame_alloc_bytes(1000, 8) != nullptr) got += 1000;
    CHECK(got <= 100'000);
    alloc.end_frame();
    auto frame = alloc.frame_scope();
    CHECK(frame.try_alloc_bytes(1000) != nullptr);
}

FOR_EACH_POLICY("the exhaustion handler is asked and may make room") {
    int asked = 0;
    auto handler = [&](const fa::exhaustion& e) {
        ++asked;
        CHECK(e.reason == fa::exhaustion_reason::frame_limit);
        CHECK(e.limit == 4096);
        CHECK(std::string_view(e.kind) == "frame");
        return asked < 3;
    };
    fa::options o{.frame_limit = 4096};
    o.on_exhaustion = handler;
    fa::basic_smart_alloc<P> alloc{o};
    auto frame = alloc.frame_scope();
    CHECK(frame.try_alloc_bytes(8192) == nullptr);
    CHECK(asked == 0);
    static_cast<void>(frame.alloc_bytes(2048));
    CHECK(asked == 0);
}

FOR_EACH_POLICY("every power of two alignment is an alignment of the address, in every kind") {
    fa::basic_smart_alloc<P> alloc;
    auto frame = alloc.frame_scope();
    for (std::size_t a = 1; a <= 65536; a *= 2) {
        for (std::size_t n :
             {std::size_t{1}, std::size_t{24}, std::size_t{100}, std::size_t{5000}, std::size_t{70000}}) {
            CAPTURE(a);
            CAPTURE(n);
            static_cast<void>(frame.alloc_bytes(3, 1));
            void* f = frame.alloc_bytes(n, a);
            void* p = alloc.pool_alloc_bytes(n, a);
            void* q = alloc.pool_alloc_bytes(n, a);
            void* h = alloc.heap_alloc_bytes(n, a);
            void* i = alloc.heap_alloc_bytes(n, a);
            for (void* x : {f, p, q, h, i}) {
                CHECK(aligned(static_cast<char*>(x), a));
                std::memset(x, 0x5a, n);
            }
            alloc.pool_free_bytes(p, n, a);
            alloc.pool_free_bytes(q, n, a);
            alloc.heap_free_bytes(h, n, a);
            alloc.heap_free_bytes(i, n, a);
        }
    }
}

template <std::size_t A>
struct alignas(A) overaligned {
    unsigned char bytes[A];
    overaligned() { std::memset(bytes, 1, A); }
    ~overaligned() { bytes[0] = 0; }
};

FOR_EACH_POLICY("over-aligned types are aligned in every typed form") {
    fa::basic_smart_alloc<P> alloc;
    auto check = [&]<std::size_t A>(std::integral_constant<std::size_t, A>) {
        auto frame = alloc.frame_scope();
        static_cast<void>(frame.template alloc<char>());
        using T = overaligned<A>;
        CHECK(aligned(frame.template make<T>(), A));
        CHECK(aligned(frame.template box<T>().get(), A));
        CHECK(aligned(frame.template slice<T>(3).data(), A));
        auto v = frame.template vec<T>();
        v.emplace_back();
        v.emplace_back();
        CHECK(aligned(v.data(), A));
        auto m = frame.template map<int, T>();
        m.try_emplace(1);
        CHECK(aligned(&m.at(1), A));
        CHECK(aligned(alloc.template pool_box<T>().get(), A));
        CHECK(aligned(alloc.template heap_box<T>().get(), A));
        CHECK(aligned(alloc.template pool_shared<T>().get(), A));
    };
    check(std::integral_constant<std::size_t, 32>{});
    check(std::integral_constant<std::size_t, 64>{});
    check(std::integral_constant<std::size_t, 128>{});
    check(std::integral_constant<std::size_t, 256>{});
    check(std::integral_constant<std::size_t, 512>{});
    check(std::integral_constant<std::size_t, 1024>{});
    check(std::integral_constant<std::size_t, 2048>{});
    check(std::integral_constant<std::size_t, 4096>{});
}

FOR_EACH_POLICY("two allocators on one thread share nothing") {
    fa::basic_smart_alloc<P> a;
    fa::basic_smart_alloc<P> b;
    CHECK_FALSE(a == b);
    CHECK(fa::basic_smart_alloc<P>(a) == a);
    {
        auto c = b;
        c = a;
        CHECK(c == a);
    }
    a.begin_frame();
    int* x = a.template frame_alloc<int>();
    *x = 1;
    b.begin_frame();
    int* y = b.template frame_alloc<int>();
    *y = 2;
    CHECK(b.frame_depth() == 1);
    b.end_frame();
    CHECK(a.frame_depth() == 1);
    b.begin_frame();
    for (int& v : b.template frame_alloc_batch<int>(1000)) v = -1;
    CHECK(*x == 1);
    b.end_frame();
    a.end_frame();
    CHECK(a.frame_number() == 1);
    CHECK(b.frame_number() == 2);
}

FOR_EACH_POLICY("ten allocators on one thread are told apart, and dead ones are forgotten") {
    for (int round = 0; round < 30; ++round) {
        std::vector<fa::basic_smart_alloc<P>> all(10);
        for (auto& a : all) a.begin_frame();
        std::vector<int*> values;
        for (auto& a : all) values.push_back(a.template frame_alloc<int>());
        for (std::size_t i = 0; i < all.size(); ++i) *values[i] = static_cast<int>(i);
        for (std::size_t i = 0; i < all.size(); ++i) {
            CHECK(*values[i] == static_cast<int>(i));
            CHECK(all[i].frame_depth() == 1);
            all[i].end_frame();
        }
    }
}

FOR_EACH_POLICY("frames in flight keep the bytes until the N-th frame after begins") {
    fa::basic_smart_alloc<P> alloc{fa::options{.frames_in_flight = 3}};
    const int before = counted::alive;
    std::vector<int*> written;
    for (int n = 0; n < 12; ++n) {
        alloc.begin_frame();
        if (n >= 3) CHECK(counted::alive == before + 2);  // the frame three ago died at this begin
        for (std::size_t back = 1; back <= 2 && back <= static_cast<std::size_t>(n); ++back)
            CHECK(*written[static_cast<std::size_t>(n) - back] == n - static_cast<int>(back));
        int* p = alloc.template frame_alloc<int>();
        *p = n;
        written.push_back(p);
        alloc.template frame_make<counted>(n);
        alloc.begin_frame();
        for (int& v : alloc.template frame_alloc_batch<int>(50000)) v = -1;
        alloc.end_frame();
        alloc.end_frame();
    }
}

FOR_EACH_POLICY("a held frame is not reused until the hold is gone") {
    fa::basic_smart_alloc<P> alloc;
    const int before = counted::alive;
    int* kept = nullptr;
    fa::frame_hold hold;
    {
        auto frame = alloc.frame_scope();
        kept = frame.template alloc<int>();
        *kept = 77;
        frame.template make<counted>(1);
        hold = frame.hold("render");
    }
    for (int n = 0; n < 5; ++n) {
        auto frame = alloc.frame_scope();
        for (int& v : frame.template batch<int>(1000)) v = -1;
        CHECK(*kept == 77);
        CHECK(counted::alive == before + 1);
    }
    std::thread([h = std::move(hold), kept] { CHECK(*kept == 77); }).join();
    { auto frame = alloc.frame_scope(); }
    { auto frame = alloc.frame_scope(); }
    CHECK(counted::alive == before);
}

FOR_EACH_POLICY("a busy frame names its holder when told to fault or to wait") {
    for (auto busy : {fa::on_frame_busy::fault(), fa::on_frame_busy::wait(2000)}) {
        recorder r;
        fa::options o;
        o.on_frame_busy = busy;
        fa::basic_smart_alloc<P> alloc{r.options(o)};
        fa::frame_hold hold;
        {
            auto frame = alloc.frame_scope();
            hold = frame.hold("render");
        }
        { auto frame = alloc.frame_scope(); }
        CHECK(r.count(fa::code::FA438) == 1);
    }
}

FOR_EACH_POLICY("retention gives memory back, and keeps what the window used") {
    for (auto keep : {fa::retain::bytes(64_KiB), fa::retain::high_water(4)}) {
        fa::options o{.frame_capacity = 8_MiB};
        o.retain = keep;
        fa::basic_smart_alloc<P> alloc{o};
        {
            auto frame = alloc.frame_scope();
            static_cast<void>(frame.alloc_bytes(3_MiB));
        }
        for (int n = 0; n < 16; ++n) {
            auto frame = alloc.frame_scope();
            std::memset(frame.alloc_bytes(32_KiB), n, 32_KiB);
        }
        CHECK(alloc.stats().committed < 1_MiB);
    }
    fa::basic_smart_alloc<P> keeps{fa::options{.frame_capacity = 8_MiB}};
    {
        auto frame = keeps.frame_scope();
        static_cast<void>(frame.alloc_bytes(3_MiB));
    }
    if (!test::guarded<P>) CHECK(keeps.stats().committed > 3_MiB);  // in debug mode it is revoked at once
    keeps.trim();
    CHECK(keeps.stats().committed < 1_MiB);
}

FOR_EACH_POLICY("a frame scope made of an allocator is that allocator's innermost frame, and ends with its block") {
    fa::basic_smart_alloc<P> alloc;
    {
        const fa::basic_frame_scope outer{alloc};
        static_assert(std::is_same_v<decltype(outer), const fa::basic_frame_scope<P>>);
        CHECK(alloc.frame_depth() == 1);
        const fa::basic_frame_scope<P> inner(alloc);
        CHECK(alloc.frame_depth() == 2);
        const fa::frame_scope innermost{alloc};  // with the policy of the program
        CHECK(alloc.frame_depth() == 3);
        auto v = innermost.vec<int>({1, 2, 3});
        CHECK(v.size() == 3);
        *outer.template alloc<int>() = 1;
    }
    CHECK(!alloc.in_frame());
}
