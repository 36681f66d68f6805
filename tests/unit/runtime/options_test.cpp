// Every option has an effect; memory limits hold; page sources of other kinds serve as well.
#include <doctest/doctest.h>

#include <array>
#include <cstring>
#include <optional>
#include <string>
#include <thread>

#include "support/recorder.hpp"
#include "support/test_pages.hpp"

using namespace test;

namespace {

template <class Alloc>
void exercise_thread(const Alloc& alloc) {
    std::thread([&] {
        auto frame = alloc.frame_scope();
        static_cast<void>(frame.alloc_bytes(1000));
        auto p = alloc.template pool_box<int>(1);
    }).join();
}

template <class Alloc>
void exercise(const Alloc& alloc) {
    for (int n = 0; n < 20; ++n) {
        auto frame = alloc.frame_scope();
        auto v = frame.template vec<std::string>();
        for (int i = 0; i < 500; ++i) v.push_back("a text that is too long for the small string buffer");
        std::memset(frame.alloc_bytes(300'000), n, 300'000);
        auto b = alloc.template pool_vec<std::string>(fa::count(100));
        auto h = alloc.template heap_vec<char>(fa::count(200'000));
        fa::tag_scope t(alloc, "x");
        auto p = alloc.template pool_box<std::array<char, 3000>>();
        (*p)[2999] = 1;
    }
    alloc.trim();
    exercise_thread(alloc);
}

}  // namespace

FOR_EACH_POLICY("page sizes of 4, 16 and 64 KiB serve alike, and everything is given back") {
    for (std::size_t page : {4_KiB, 16_KiB, 64_KiB}) {
        if (page < fa::os::system_pages{}.granularity()) continue;  // the source can only pretend larger OS pages
        test_pages source(page);
        {
            fa::basic_smart_alloc<P> alloc{fa::options{.frame_capacity = 128_KiB, .pages = &source}};
            exercise(alloc);
            CHECK(source.reserves > 0);
        }
        CHECK(source.live == 0);
    }
}

FOR_EACH_POLICY("a refused page is a value for try_ members, wherever it happens") {
    // The k-th request and all later ones fail: nothing crashes, and everything works again once there is memory.
    bool ever_complete = false;  // with enough requests served, every member serves
    for (int k = 0; k < 60; ++k) {
        CAPTURE(k);
        test_pages source;
        source.refuse_after = 2;  // the allocator itself
        std::size_t refusals = 0;
        auto on_exhaustion = [&](const fa::exhaustion&) {
            ++refusals;
            source.refuse_after = -1;
            return true;
        };
        recorder r;
        fa::options o = r.options({.frame_capacity = 64_KiB, .pages = &source});
        o.on_exhaustion = on_exhaustion;
        fa::basic_smart_alloc<P> alloc{o};
        source.refuse_after = k;
        bool complete = true;
        auto note = [&](bool served) { complete = complete && served; };
        note(alloc.template try_frame_alloc<int>() != nullptr);
        note(alloc.try_frame_alloc_bytes(60'000) != nullptr);
        note(alloc.try_frame_alloc_bytes(60'000) != nullptr);
        note(alloc.try_frame_alloc_bytes(600'000) != nullptr);
        void* p = alloc.try_pool_alloc_bytes(100);
        void* h = alloc.try_heap_alloc_bytes(100'000);
        note(p != nullptr);
        note(h != nullptr);
        note(alloc.template try_pool_box<int>(1).get() != nullptr);
        note(alloc.template try_heap_box<int>(1).get() != nullptr);
        note(static_cast<bool>(alloc.template try_pool_shared<int>(1)));
        note(static_cast<bool>(alloc.template try_frame_box<int>(1)));
        note(alloc.template try_frame_make<int>(1) != nullptr);
        note(!alloc.template try_frame_slice<int>(100).empty());
        note(!alloc.template try_frame_alloc_batch<int>(100).empty());
        note(alloc.template try_frame_alloc_n<int, 4>() != nullptr);
        long* l = alloc.template try_pool_alloc<long>();
        note(l != nullptr);
        alloc.pool_free(l);
        long* m = alloc.template try_heap_alloc<long>();
        note(m != nullptr);
        alloc.heap_free(m);
        note(alloc.try_frame_box(5).get() != nullptr);
        note(alloc.template try_frame_vec<int>(fa::capacity(10)).capacity() == 10);
        note(alloc.template try_frame_vec<int>(fa::count(10)).size() == 10);
        note(alloc.template try_pool_vec<int>(fa::count(10)).size() == 10);
        note(alloc.template try_heap_vec<int>(fa::count(10)).size() == 10);
        note(alloc.template try_frame_vec<int>().empty());
        CHECK(refusals == 0);
        if (complete) CHECK(k > 3);
        ever_complete = ever_complete || complete;
        source.refuse_after = -1;
        if (p != nullptr) alloc.pool_free_bytes(p, 100);
        if (h != nullptr) alloc.heap_free_bytes(h, 100'000);
        CHECK(alloc.template try_frame_alloc<int>() != nullptr);
        CHECK(alloc.template try_pool_box<int>(1).get() != nullptr);
        alloc.end_frame();
    }
    CHECK(ever_complete);
}

FOR_EACH_POLICY("the exhaustion handler that frees memory is believed") {
    test_pages source;
    int asked = 0;
    auto handler = [&](const fa::exhaustion& e) {
        CHECK(e.reason == fa::exhaustion_reason::system_refused);
        ++asked;
        source.refuse_after = -1;
        return true;
    };
    fa::options o{.pages = &source};
    o.on_exhaustion = handler;
    fa::basic_smart_alloc<P> alloc{o};
    auto frame = alloc.frame_scope();
    source.refuse_after = 0;
    CHECK(frame.try_alloc_bytes(700'000) == nullptr);
    CHECK(frame.alloc_bytes(700'000) != nullptr);
    CHECK(asked == 1);
}

FOR_EACH_POLICY("global_limit holds for everything together") {
    fa::basic_smart_alloc<P> alloc{fa::options{.frame_capacity = 64_KiB, .global_limit = 4_MiB}};
    auto frame = alloc.frame_scope();
    std::vector<void*> blocks;
    while (void* p = alloc.try_heap_alloc_bytes(100'000)) blocks.push_back(p);
    CHECK(alloc.stats().committed <= 4_MiB);
    CHECK(blocks.size() > 30);
    for (void* p : blocks) alloc.heap_free_bytes(p, 100'000);
    alloc.trim();
    CHECK(frame.try_alloc_bytes(1_MiB) != nullptr);
}

FOR_EACH_POLICY("fixed memory serves everything, metadata and threads included, without the system") {
    const auto calls_before = fa::os::system_calls();
    std::vector<std::byte> memory(16_MiB);
    {
        fa::basic_smart_alloc<P> alloc{
            fa::options{.frame_capacity = 128_KiB, .fixed_memory = std::span<std::byte>(memory)}};
        exercise(alloc);
        auto frame = alloc.frame_scope();
        auto* p = static_cast<std::byte*>(frame.alloc_bytes(100));
        CHECK(p >= memory.data());
        CHECK(p < memory.data() + memory.size());
        CHECK(frame.try_alloc_bytes(32_MiB) == nullptr);
        std::size_t got = 0;
        while (frame.try_alloc_bytes(50'000) != nullptr) got += 50'000;
        CHECK(got > 8_MiB);
        CHECK(got < 16_MiB);
    }
    if (!test::guarded<P>) CHECK(fa::os::system_calls() == calls_before);  // the guard's own records are kept elsewhere
    fa::basic_smart_alloc<P> own{fa::options{.frame_capacity = 128_KiB, .fixed_memory = 16_MiB}};
    const auto calls = fa::os::system_calls();
    exercise(own);
    if (!test::guarded<P>) CHECK(fa::os::system_calls() == calls);
}

FOR_EACH_POLICY("after seal a page request is exhaustion, and what is there still serves") {
    std::vector<fa::exhaustion_reason> reasons;
    fa::basic_smart_alloc<P> alloc{fa::options{.frame_capacity = 64_KiB}};
    {
        auto frame = alloc.frame_scope();
        static_cast<void>(frame.alloc_bytes(30'000));
    }
    void* p = alloc.pool_alloc_bytes(64);
    alloc.pool_free_bytes(p, 64);
    alloc.seal();
    const auto requests = alloc.stats().committed;
    auto frame = alloc.frame_scope();
    CHECK(frame.try_alloc_bytes(30'000) != nullptr);
    void* q = alloc.pool_alloc_bytes(64);
    CHECK((q == p) == !test::guarded<P>);  // in debug mode it is quarantined first
    p = q;
    CHECK(frame.try_alloc_bytes(1_MiB) == nullptr);
    CHECK(alloc.try_heap_alloc_bytes(1_MiB) == nullptr);
    if (!test::guarded<P>) CHECK(alloc.stats().committed == requests);  // guarded: frame memory comes and goes
    alloc.pool_free_bytes(p, 64);
}

FOR_EACH_POLICY("after seal a frame is served that outgrew its memory once before") {
    if (test::guarded<P>) return;  // frame memory comes and goes
    for (const std::size_t fixed : {std::size_t{0}, 8_MiB}) {
        for (const std::size_t bytes : std::initializer_list<std::size_t>{100'000, 300'000, 1'000}) {
            fa::basic_smart_alloc<P> alloc{fa::options{.frame_capacity = 64_KiB, .fixed_memory = fixed}};
            const auto work = [&] {
                auto frame = alloc.frame_scope();
                static_cast<void>(frame.try_alloc_bytes(40'000));
                auto inner = alloc.frame_scope();
                bool served = true;
                for (std::size_t left = 300'000; left >= bytes; left -= bytes)
                    served = inner.try_alloc_bytes(bytes) != nullptr && served;
                return served;
            };
            CHECK(work());
            alloc.seal();
            const auto requests = alloc.stats().page_requests;
            CAPTURE(fixed);
            CAPTURE(bytes);
            CHECK(work());
            CHECK(work());
            CHECK(alloc.stats().page_requests == requests);
        }
    }
}

FOR_EACH_POLICY("prefault commits at once, and base_address places the memory") {
    fa::basic_smart_alloc<P> lazy{fa::options{.frame_capacity = 4_MiB}};
    fa::basic_smart_alloc<P> eager{fa::options{.frame_capacity = 4_MiB, .prefault = true}};
    lazy.begin_frame();
    eager.begin_frame();
    CHECK(lazy.stats().committed < 1_MiB);
    CHECK(eager.stats().committed >= 4_MiB);
    lazy.end_frame();
    eager.end_frame();
#if !FRAMEALLOC_TSAN  // which keeps most addresses for itself
    constexpr std::uintptr_t base = 0x2000'0000'0000;
    auto place = [&] {
        fa::basic_smart_alloc<P> placed{fa::options{.base_address = base}};
        auto frame = placed.frame_scope();
        void* p = frame.alloc_bytes(100);
        const auto where = reinterpret_cast<std::uintptr_t>(p);
        return where;
    };
    if (fa::os::system_pages({.base_address = base}).granularity() == 4096 && test::on_linux) {
        const auto first = place();
        CHECK(first >= base);
        CHECK(first < base + 1_GiB);
        CHECK(place() == first);
    }
#endif
}

FOR_EACH_POLICY("presets and huge pages work, and the name is in the report") {
    for (fa::options o : {fa::options::small_footprint(), fa::options::minimal(), fa::options::high_performance()}) {
        fa::basic_smart_alloc<P> alloc{o};
        exercise(alloc);
    }
    CHECK(fa::options::small_footprint().frame_capacity < fa::options{}.frame_capacity);
    CHECK(fa::options::high_performance().frame_capacity > fa::options{}.frame_capacity);
    std::string seen;
    auto on_fault = [&](const fa::fault& f) { seen = f.allocator; };
    fa::options o{.name = "the game"};
    o.on_fault = on_fault;
    fa::basic_smart_alloc<P> alloc{o};
    alloc.end_frame();
    CHECK(seen == "the game");
}

namespace {

// Every kind of misuse that is still served. Returns how many bytes it got.
template <class P>
std::size_t misuse(recorder& r, fa::reporting reports) {
    const fa::tag tag{"outlives its frame"};
    fa::options o{.reports = reports};
    o.on_fault = r.on_fault;
    fa::basic_smart_alloc<P> alloc{o};
    std::size_t got = alloc.frame_alloc_bytes(100) != nullptr ? 100 : 0;  // FA001
    alloc.end_frame();
    alloc.set_thread_frame_budget(10'000);
    alloc.begin_frame();
    for (int i = 0; i < 20; ++i) got += alloc.try_frame_alloc_bytes(1000) != nullptr ? 1000 : 0;  // FA311
    static_cast<void>(alloc.try_frame_alloc_bytes(8, 24));  // FA431
    {
        std::optional<fa::tag_scope> scope(std::in_place, alloc, tag);
        alloc.end_frame();  // FA429
    }
    alloc.begin_frame();
    return got;  // FA428
}

}  // namespace

FOR_EACH_POLICY("reports: misuse that is served all the same is told, or is not, and served alike") {
    for (const fa::code c : {fa::code::FA001, fa::code::FA311, fa::code::FA431, fa::code::FA428}) {
        recorder on, off;
        CHECK(misuse<P>(on, fa::reporting::on) == misuse<P>(off, fa::reporting::off));
        CAPTURE(static_cast<int>(c));
        CHECK(on.count(c) == 1);
        CHECK(off.count(c) == 0);
    }
}

FOR_EACH_POLICY("slab_page_size is how much the pool asks for at once") {
    if (test::guarded<P>) return;  // there blocks take more room
    for (std::size_t slab : {64_KiB, 512_KiB}) {
        test_pages source;
        fa::basic_smart_alloc<P> alloc{fa::options{.slab_page_size = slab, .pages = &source}};
        std::vector<void*> blocks;
        blocks.push_back(alloc.pool_alloc_bytes(1024));
        const int before = source.reserves;
        for (int i = 0; i < 1000; ++i) blocks.push_back(alloc.pool_alloc_bytes(1024));
        CHECK(source.reserves - before == (slab == 64_KiB ? 15 : 1));
        for (void* p : blocks) alloc.pool_free_bytes(p, 1024);
    }
}

FOR_EACH_POLICY("guard: off frees without a report in every policy, fill finds an overrun in every policy") {
    recorder r;
    {
        fa::basic_smart_alloc<P> plain{r.options({.guard = fa::guard_level::off})};
        for (std::size_t n : {40U, 5000U, 100'000U}) {
            plain.pool_free_bytes(plain.pool_alloc_bytes(n), n);
            plain.heap_free_bytes(plain.heap_alloc_bytes(n), n);
        }
        CHECK(plain.stats().total_allocated == 0);
    }
    CHECK(r.faults.empty());
    fa::basic_smart_alloc<P> guarded{r.options({.guard = fa::guard_level::fill})};
    if (fa::guard::under_tool) return;  // the tool would report the write
    auto* p = static_cast<volatile char*>(guarded.pool_alloc_bytes(40));
    p[40] = static_cast<char>(p[40] ^ 1);
    CHECK(guarded.check() == 1);
    CHECK(r.count(fa::code::FA412) == 1);
    p[40] = static_cast<char>(p[40] ^ 1);
    guarded.pool_free_bytes(const_cast<char*>(p), 40);
    CHECK(r.faults.size() == 1);
}
