// Pools: size classes, reuse, threads, trim.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <random>
#include <thread>

#include "support/recorder.hpp"

using namespace test;

TEST_CASE("size classes hold what they promise, aligned, with little waste") {
    using namespace fa::memory;
    for (std::size_t n = 1; n <= largest_class_size; ++n) {
        const std::size_t size = class_size(class_of(n));
        CHECK(size >= n);
        if (class_of(n) > 0) CHECK(class_size(class_of(n) - 1) < n);
        if (n > 256) CHECK(static_cast<double>(size - n) / static_cast<double>(size) <= 0.125);
        for (std::size_t a = 1; a <= 4096; a *= 2) {
            const unsigned k = class_for(n, a);
            if (k == no_class) continue;
            CHECK(class_size(k) >= n);
            CHECK(natural_alignment(class_size(k)) >= std::min<std::size_t>(a, 4096));
        }
    }
}

TEST_CASE("the class that is looked up is the one that is computed") {
    using namespace fa::memory;
    for (std::size_t n = 0; n <= largest_class_size + 64; ++n) {
        volatile std::size_t told = n;
        const std::size_t bytes = told;
        for (const std::size_t a : std::initializer_list<std::size_t>{0, 1, 3, 8, 16, 24, 32, 4096}) {
            CAPTURE(a);
            CHECK(class_asked(bytes, a) == (fa::is_power_of_two(a) ? class_for(n, a) : no_class));
        }
    }
}

FOR_EACH_POLICY("classes that share pages leave a full one together") {
    const std::size_t sizes[] = {64, 1024};
    fa::basic_smart_alloc<P> alloc{fa::options{.size_classes = sizes}};
    std::mt19937 random(5);
    std::map<char*, std::size_t> live;
    for (int i = 0; i < 40'000; ++i) {
        const bool more = random() % 5 < (i < 20'000 ? 3 : 2);
        if (more || live.empty()) {
            const std::size_t bytes = 1 + random() % (i % 2 == 0 ? 64 : 1024);
            auto* p = static_cast<char*>(alloc.pool_alloc_bytes(bytes));
            std::memset(p, static_cast<int>(bytes), bytes);
            CHECK(live.emplace(p, bytes).second);
        } else {
            const auto some = static_cast<int>(random() % std::min<std::size_t>(live.size(), 50));
            const auto it = std::next(live.begin(), some);
            const auto* p = reinterpret_cast<unsigned char*>(it->first);
            CHECK(std::all_of(p, p + it->second, [&](unsigned char c) { return c == (it->second & 255); }));
            alloc.pool_free_bytes(it->first, it->second);
            live.erase(it);
        }
    }
    for (const auto& [p, bytes] : live) alloc.pool_free_bytes(p, bytes);
    CHECK(alloc.stats().pool_allocated == 0);
}

FOR_EACH_POLICY("a page that is used for another class serves none that it served before") {
    const std::size_t sizes[] = {64, 1024};
    fa::basic_smart_alloc<P> alloc{fa::options{.size_classes = sizes}};
    std::vector<void*> small{alloc.pool_alloc_bytes(16)};  // its page serves 16 and 64 now
    while (small.size() < 3000) small.push_back(alloc.pool_alloc_bytes(64));
    for (void* p : small) alloc.pool_free_bytes(p, p == small.front() ? 16 : 64);
    std::vector<void*> large;
    for (int i = 0; i < 300; ++i) {
        large.push_back(alloc.pool_alloc_bytes(1024));
        void* p = alloc.pool_alloc_bytes(16);
        CHECK(fa::describe(p).bytes == (test::guarded<P> ? 16 : 64));
        alloc.pool_free_bytes(p, 16);
    }
    for (void* p : large) alloc.pool_free_bytes(p, 1024);
    CHECK(alloc.stats().pool_allocated == 0);
}

FOR_EACH_POLICY("a freed block is the next one handed out") {
    fa::basic_smart_alloc<P> alloc;
    struct node {
        char bytes[64];
    };
    auto* first = alloc.template pool_alloc<node>();
    auto* second = alloc.template pool_alloc<node>();
    CHECK(first != second);
    alloc.pool_free(first);
    auto* third = alloc.template pool_alloc<node>();
    CHECK((third == first) == !test::guarded<P>);  // in debug mode it is quarantined first
    alloc.pool_free(third);
    alloc.pool_free(second);
    alloc.pool_free(static_cast<node*>(nullptr));
}

FOR_EACH_POLICY("a million blocks freed in random order are used again, not asked for again" *
                doctest::skip(test::under_tsan)) {
    fa::basic_smart_alloc<P> alloc;
    std::vector<void*> blocks(100'000);
    std::mt19937 random(1);
    std::size_t committed = 0;
    for (int round = 0; round < 4; ++round) {
        for (void*& b : blocks) b = alloc.pool_alloc_bytes(64);
        std::shuffle(blocks.begin(), blocks.end(), random);
        if (round == 0) committed = alloc.stats().committed;
        for (void* b : blocks) alloc.pool_free_bytes(b, 64);
    }
    CHECK(alloc.stats().committed <= committed + 256_KiB);
    CHECK(committed <= (test::guarded<P> ? 128 : 64) * blocks.size() * 103 / 100 + 512_KiB);
    CHECK(alloc.stats().pool_allocated == 0);
    alloc.trim();
    CHECK(alloc.stats().committed <= committed / 10);  // also where an OS page is as large as a pool page
    void* again = alloc.pool_alloc_bytes(64);
    CHECK(again != nullptr);
    alloc.pool_free_bytes(again, 64);
}

FOR_EACH_POLICY("a pool block larger than pool_max counts as heap") {
    fa::basic_smart_alloc<P> alloc{fa::options{.pool_max = 512}};
    void* small = alloc.pool_alloc_bytes(512);
    void* large = alloc.pool_alloc_bytes(1024);
    CHECK(alloc.stats().pool_allocated == 512);
    CHECK(alloc.stats().heap_allocated == 1024);
    alloc.pool_free_bytes(small, 512);
    alloc.pool_free_bytes(large, 1024);
    CHECK(alloc.stats().total_allocated == 0);
}

FOR_EACH_POLICY("configured size classes decide how large a block is") {
    const std::size_t classes[] = {128, 1024};
    fa::options o;
    o.size_classes = classes;
    fa::basic_smart_alloc<P> alloc{o};
    void* p = alloc.pool_alloc_bytes(40);
    CHECK(alloc.stats().pool_allocated == 128);
    void* q = alloc.pool_alloc_bytes(200);
    CHECK(alloc.stats().pool_allocated == 128 + 1024);
    alloc.pool_free_bytes(p, 40);
    alloc.pool_free_bytes(q, 200);
}

FOR_EACH_POLICY("blocks freed on another thread come home, and memory stays flat") {
    fa::basic_smart_alloc<P> alloc;
    std::size_t committed = 0;
    for (int round = 0; round < 50; ++round) {
        std::vector<void*> blocks;
        for (int i = 0; i < 5000; ++i) {
            blocks.push_back(alloc.pool_alloc_bytes(100));
            std::memset(blocks.back(), i & 0xff, 100);
        }
        std::thread([&alloc, blocks] {
            for (void* b : blocks) alloc.pool_free_bytes(b, 100);
        }).join();
        CHECK(alloc.stats().pool_allocated == 0);
        if (round == 1) committed = alloc.stats().committed;
    }
    CHECK(alloc.stats().committed <= committed + 256_KiB);
    CHECK(alloc.stats().deferred_free_count == 50 * 5000);
}

FOR_EACH_POLICY("a thread that ends leaves its blocks valid and its memory to the next") {
    fa::basic_smart_alloc<P> alloc;
    std::size_t committed = 0;
    for (int round = 0; round < 100; ++round) {
        std::vector<fa::pool_box<std::vector<int>>> boxes;
        std::thread([&] {
            for (int i = 0; i < 100; ++i)
                boxes.push_back(alloc.template pool_box<std::vector<int>>(std::size_t{10}, i));
            alloc.begin_frame();
            static_cast<void>(alloc.template frame_alloc<int>());
            alloc.end_frame();
        }).join();
        for (int i = 0; i < 100; ++i) CHECK((*boxes[static_cast<std::size_t>(i)])[3] == i);
        boxes.clear();
        CHECK(alloc.stats().pool_allocated == 0);
        if (round == 10) committed = alloc.stats().committed;
    }
    CHECK(alloc.stats().committed <= committed + (guarded<P> ? metadata_step : 0));
}

FOR_EACH_POLICY("boxes keep the allocator alive, and what is still out is reported") {
    recorder r;
    fa::pool_box<std::string> box;
    fa::pool_box<std::array<char, 10000>> large;
    {
        fa::basic_smart_alloc<P> alloc{r.options()};
        box = alloc.template pool_box<std::string>("a text that is too long for the small string buffer");
        large = alloc.template pool_box<std::array<char, 10000>>();
    }
    const std::size_t places = test::guarded<P> ? 2 : 1;  // reported one by one where they are recorded
    CHECK(r.count(fa::code::FA424) == places);
    CHECK(*box == "a text that is too long for the small string buffer");
    box.reset();
    (*large)[9999] = 1;
    large.reset();
    {
        fa::basic_smart_alloc<P> clean{r.options()};
        auto b = clean.template pool_box<int>(1);
    }
    CHECK(r.count(fa::code::FA424) == places);
}

FOR_EACH_POLICY("pool_shared counts, pool_weak does not keep alive") {
    fa::basic_smart_alloc<P> alloc;
    const int before = counted::alive;
    fa::pool_weak<counted> weak;
    {
        auto a = alloc.template pool_shared<counted>(3);
        weak = a;
        auto b = a;
        CHECK(a.use_count() == 2);
        std::thread([b] { CHECK(b->id == 3); }).join();
        CHECK(weak.lock()->id == 3);
    }
    CHECK(weak.expired());
    CHECK_FALSE(static_cast<bool>(weak.lock()));
    CHECK(counted::alive == before);
    weak = {};
    CHECK(alloc.stats().pool_allocated == 0);
}

FOR_EACH_POLICY("boxes run destructors and can be emptied") {
    fa::basic_smart_alloc<P> alloc;
    const int before = counted::alive;
    {
        auto a = alloc.template pool_box<counted>(1);
        auto b = alloc.template heap_box<counted>(2);
        auto c = std::move(a);
        CHECK_FALSE(static_cast<bool>(a));
        CHECK(counted::alive == before + 2);
        CHECK(std::move(b).into_inner().id == 2);
        counted* raw = c.release();
        CHECK(raw->id == 1);
        fa::pool_box<counted> again(raw);
        auto value = alloc.pool_box(counted(9));
        CHECK(value->id == 9);
    }
    CHECK(counted::alive == before);
    CHECK(alloc.stats().total_allocated == 0);
}

FOR_EACH_POLICY("a constructor that throws gives the block back") {
    struct thrower {
        char bytes[100];
        thrower() { throw 1; }
    };
    fa::basic_smart_alloc<P> alloc;
    CHECK_THROWS_AS(alloc.template pool_box<thrower>(), int);
    CHECK_THROWS_AS(alloc.template heap_box<thrower>(), int);
    CHECK_THROWS_AS(alloc.template pool_shared<thrower>(), int);
    CHECK(alloc.stats().total_allocated == 0);
}
