// Whose pointer is this? Kind, tag, bounds, frame, and whether it is still in use.
#include <doctest/doctest.h>

#include <atomic>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "support/recorder.hpp"

using namespace test;
using state = fa::pointer_state;
using fa::memory_kind;

TEST_CASE("in debug the line of the allocation is known, of every kind") {
    fa::basic_smart_alloc<fa::policy::debug> alloc{fa::options{.name = "game"}};
    const auto frame = alloc.frame_scope();
    const auto born = [](const void* p) { return fa::describe(p).born; };
    const int first = __LINE__;
    void* f = frame.alloc_bytes(100);
    void* p = alloc.pool_alloc_bytes(100);
    void* h = alloc.heap_alloc_bytes(100'000);
    CHECK(born(f).line == first + 1);
    CHECK(born(p).line == first + 2);
    CHECK(born(h).line == first + 3);
    CHECK(std::string_view(born(f).file) == __FILE__);
    char text[300];
    CHECK(std::string(fa::describe(h).text(text)).ends_with("describe_test.cpp:" + std::to_string(first + 3)));
    alloc.pool_free_bytes(p, 100);
    alloc.heap_free_bytes(h, 100'000);
}

FOR_EACH_POLICY("names of any length stay whole, in descriptions and in faults") {
    for (const std::size_t length : {std::size_t{47}, std::size_t{48}, std::size_t{1000}, std::size_t{100'000}}) {
        const std::string name(length, 'n'), tag = std::string(length, 't') + "::leaf";
        std::string faulty;
        auto on_fault = [&](const fa::fault& f) { faulty = f.allocator; };
        fa::basic_smart_alloc<P> alloc{fa::options{.name = name.c_str(), .on_fault = on_fault}};
        fa::tag_scope scope{alloc, tag};
        const auto box = alloc.template pool_box<int>(1);
        CHECK(fa::describe(box.get()).allocator == name);
        CHECK(fa::describe(box.get()).tag == tag);
        alloc.end_frame();  // none is open
        CHECK(faulty == name);
    }
}

FOR_EACH_POLICY("pool blocks: in use, freed here or elsewhere, never handed out") {
    fa::basic_smart_alloc<P> alloc{fa::options{.name = "game"}};
    fa::tag_scope tag{alloc, "physics::solver"};
    auto* p = static_cast<char*>(alloc.pool_alloc_bytes(100));
    auto* q = static_cast<char*>(alloc.pool_alloc_bytes(100));
    auto d = fa::describe(p + 16);
    CHECK(d.state == state::in_use);
    CHECK(d.kind == memory_kind::pool);
    CHECK(std::string_view(d.allocator) == "game");
    CHECK(std::string_view(d.tag) == "physics::solver");
    CHECK(d.begin == reinterpret_cast<std::uintptr_t>(p));
    const std::size_t block = test::guarded<P> ? 100 : 112;  // the class where the request is not recorded
    CHECK(d.bytes == block);
    CHECK(d.offset == 16);
    CHECK(d.thread != 0);
    char text[200], little[12];
    CHECK(std::string(d.text(text))
              .starts_with("allocator \"game\": pool memory, in use, block of " + std::to_string(block) +
                           " bytes at +16, tag \"physics::solver\""));
    CHECK(d.text(little).size() == 11);
    alloc.pool_free_bytes(p, 100);
    CHECK(fa::describe(p).state == state::ended);
    CHECK(std::string(fa::describe(p).text(text)).find("freed") != std::string::npos);
    CHECK(fa::describe(q).state == state::in_use);
    std::thread([&] {
        alloc.pool_free_bytes(q, 100);
        CHECK(fa::describe(q).state == state::ended);  // waits in this thread's batch
    }).join();
    CHECK(fa::describe(q).state == state::ended);  // waits for its owner
    CHECK(alloc.process_deferred_frees() == 1);
    CHECK(fa::describe(q).state == state::ended);
    CHECK(fa::describe(q + 4096).state == state::unused);
}

FOR_EACH_POLICY("heap blocks, small and large") {
    fa::basic_smart_alloc<P> alloc{fa::options{.name = "game"}};
    fa::tag_scope tag{alloc, "audio"};
    for (std::size_t n : {100U, 5000U, 3'000'000U}) {
        auto* p = static_cast<char*>(alloc.heap_alloc_bytes(n));
        auto d = fa::describe(p + n - 1);
        CHECK(d.state == state::in_use);
        CHECK(d.kind == memory_kind::heap);
        CHECK(d.offset == n - 1);
        CHECK(d.bytes >= n);
        CHECK(std::string_view(d.tag) == "audio");
        alloc.heap_free_bytes(p, n);
        if (n < 1'000'000) CHECK(fa::describe(p).state == state::ended);
    }
}

FOR_EACH_POLICY("frame memory: which frame, how deep, who pays, and when it is over") {
    fa::basic_smart_alloc<P> alloc{fa::options{.name = "game", .frame_capacity = 64_KiB}};
    { auto frame = alloc.frame_scope(); }
    alloc.begin_frame();
    void* first = alloc.frame_alloc_bytes(100);
    void* tagged = nullptr;
    {
        fa::tag_scope tag{alloc, "physics"};
        tagged = alloc.frame_alloc_bytes(100);
    }
    auto outer = alloc.template frame_vec<int>();
    alloc.begin_frame();
    void* inner = alloc.frame_alloc_bytes(100);
    outer.push_back(1);  // out of line: an inner frame is open
    for (int i = 0; i < 1000; ++i) outer.push_back(i);
    auto d = fa::describe(first);
    CHECK(d.state == state::in_use);
    CHECK(d.kind == memory_kind::frame);
    CHECK(d.frame == 2);
    CHECK(d.depth == 1);
    CHECK(std::string_view(d.tag).empty());
    CHECK(std::string_view(fa::describe(tagged).tag) == "physics");
    CHECK(fa::describe(inner).depth == 2);
    d = fa::describe(outer.data() + 3);
    CHECK(d.state == state::in_use);
    CHECK(d.kind == memory_kind::frame);
    CHECK(d.depth == 1);
    CHECK(d.offset == 12);
    const int* gone = outer.data();
    alloc.end_frame();
    CHECK(fa::describe(inner).state == state::ended);
    CHECK(fa::describe(first).state == state::in_use);
    alloc.end_frame();
    CHECK(fa::describe(first).state == state::ended);
    CHECK(fa::describe(first).frame == 2);
    CHECK(fa::describe(gone).state == state::ended);
    alloc.begin_frame();
    void* large = alloc.frame_alloc_bytes(1'000'000);  // out of line, from the heap
    CHECK(fa::describe(large).kind == memory_kind::frame);
    CHECK(fa::describe(large).state == state::in_use);
    CHECK(fa::describe(large).bytes == 1'000'000);
    for (int i = 0; i < 40; ++i) static_cast<void>(alloc.frame_alloc_bytes(10'000));  // chains chunks
    void* last = alloc.frame_alloc_bytes(10'000);
    CHECK(fa::describe(last).state == state::in_use);
    alloc.end_frame();
}

TEST_CASE("guarded, frame memory that was handed out again says since when, and whose it was before") {
    fa::basic_smart_alloc<fa::policy::debug> alloc{
        fa::options{.name = "game", .guard = fa::guard_level::fill}};  // pages stay
    const void* stale = nullptr;
    for (int i = 0; i < 3; ++i) {
        const auto frame = alloc.frame_scope();
        stale = frame.alloc_bytes(100);
        CHECK(fa::describe(stale).reused_from == static_cast<std::uint64_t>(i));  // 0: no owner
    }
    CHECK(fa::describe(stale).state == state::ended);
    CHECK(fa::describe(stale).reused_from == 0);
    const auto frame = alloc.frame_scope();
    void* p = frame.alloc_bytes(100);
    REQUIRE(p == stale);
    char text[300];
    CHECK(std::string(fa::describe(stale).text(text)).find(", frame 4, reused since frame 4, frame 3's before") !=
          std::string::npos);
    void* fresh = frame.alloc_bytes(100);
    CHECK(fa::describe(fresh).reused_from == 0);
}

FOR_EACH_POLICY("memory of a frame that is held, and of nobody") {
    fa::basic_smart_alloc<P> alloc{fa::options{.frames_in_flight = 2}};
    alloc.begin_frame();
    void* p = alloc.frame_alloc_bytes(100);
    alloc.end_frame();
    CHECK(fa::describe(p).state == state::held);
    CHECK(fa::describe(p).frame == 1);
    int local = 0;
    char text[64];
    CHECK(fa::describe(&local).state == state::unknown);
    CHECK(fa::describe(nullptr).text(text) == "not framealloc memory");
}

FOR_EACH_POLICY("a text is cut off at the end of its buffer, whatever its length") {
    fa::basic_smart_alloc<P> alloc{fa::options{.name = "game"}};
    const auto outer = alloc.frame_scope();
    const auto inner = alloc.frame_scope();
    const fa::pointer_info d = fa::describe(inner.alloc_bytes(100));
    char whole[300];
    const std::string text(d.text(whole));
    CHECK(text.find("2 deep") != std::string::npos);
    CHECK(text.find("frame 1") != std::string::npos);
    CHECK(d.text({}).empty());
    for (std::size_t n = 1; n < text.size() + 3; ++n) {
        std::vector<char> buffer(n, '?');
        REQUIRE(d.text(buffer) == text.substr(0, n - 1));
    }
    alloc.lifecycle().enable([](const fa::frame_event&) {});
    const std::string summary(alloc.lifecycle().summary().text(whole));
    for (std::size_t n = 1; n < summary.size() + 3; ++n) {
        std::vector<char> buffer(n, '?');
        REQUIRE(alloc.lifecycle().summary().text(buffer) == summary.substr(0, n - 1));
    }
    CHECK(alloc.lifecycle().summary().text({}).empty());
    alloc.lifecycle().disable();
}

FOR_EACH_POLICY("the header of a pool page is nobody's block") {
    fa::basic_smart_alloc<P> alloc;
    void* p = alloc.pool_alloc_bytes(1000);
    const auto page = reinterpret_cast<std::uintptr_t>(p) & ~std::uintptr_t{fa::memory::page_bytes - 1};
    const fa::pointer_info header = fa::describe(reinterpret_cast<void*>(page));
    CHECK(header.bytes == 0);
    CHECK(header.offset == 0);
    CHECK(header.state == state::unused);
    // Not even the header of a page that was never used can be read.
    for (std::size_t n = 1; n < 4; ++n)
        CHECK(fa::describe(reinterpret_cast<void*>(page + n * fa::memory::page_bytes + 500)).state != state::in_use);
    CHECK(fa::describe(p).state == state::in_use);
    alloc.pool_free_bytes(p, 1000);
}

FOR_EACH_POLICY("memory that other threads are using at that moment can be described") {
    for (const std::uint32_t in_flight : {1U, 2U}) {
        fa::basic_smart_alloc<P> alloc{fa::options{.frame_capacity = 16_KiB, .frames_in_flight = in_flight}};
        std::atomic<const char*> seen[4] = {};
        std::atomic<bool> done{false};
        std::thread worker([&] {
            std::vector<fa::frame_hold> holds;
            std::vector<void*> blocks;
            for (int round = 0; round < 400; ++round) {
                const auto frame = alloc.frame_scope();
                for (int i = 0; i < 20; ++i) {
                    seen[0] = static_cast<char*>(
                        frame.alloc_bytes(static_cast<std::size_t>(100 + 3000 * i)));  // chunks, and blocks out of line
                    void* p = alloc.pool_alloc_bytes(100);
                    std::memset(p, 'A', 100);  // must not be mistaken for a link
                    blocks.push_back(p);
                    seen[1] = static_cast<char*>(p);
                    if (blocks.size() > 200) {
                        for (int k = 0; k < 150; ++k) alloc.pool_free_bytes(blocks.back(), 100), blocks.pop_back();
                    }
                }
                auto v = frame.template vec<int>();
                v.push_back(1);
                {
                    const auto inner = alloc.frame_scope();
                    for (int k = 0; k < 2000; ++k) v.push_back(k);
                    seen[2] = reinterpret_cast<char*>(v.data());
                }
                void* h = alloc.heap_alloc_bytes(100'000);
                seen[3] = static_cast<char*>(h);
                alloc.heap_free_bytes(h, 100'000);
                if (round % 3 == 0) holds.push_back(frame.hold("test"));
                if (holds.size() > 3) holds.erase(holds.begin());
                if (round % 50 == 0) alloc.trim();
            }
            for (void* p : blocks) alloc.pool_free_bytes(p, 100);
            done = true;
        });
        void* const kept = alloc.pool_alloc_bytes(100);  // in the pages that the worker frees beside it
        do {
            CHECK(fa::describe(kept).state == state::in_use);
            for (const auto& p : seen) {
                const auto d = fa::describe(p);
                if (d.state == state::unknown) continue;  // not yet there, or given back to the system
                char text[200];
                CHECK(std::string(d.text(text)).find("memory") != std::string::npos);
            }
        } while (!done);
        worker.join();
        alloc.pool_free_bytes(kept, 100);
    }
}

FOR_EACH_POLICY("frame memory of another thread that runs is in use, ended, or was never handed out") {
    fa::basic_smart_alloc<P> alloc{fa::options{.frame_capacity = 64_KiB}};
    std::atomic<int> stage{0};
    std::atomic<char*> early{nullptr}, late{nullptr}, large{nullptr};
    const auto wait_for = [&](int n) {
        while (stage < n) std::this_thread::yield();
    };
    std::thread worker([&] {
        alloc.begin_frame();
        early = static_cast<char*>(alloc.frame_alloc_bytes(100));
        alloc.begin_frame();
        late = static_cast<char*>(alloc.frame_alloc_bytes(100));
        auto v = alloc.template frame_vec<char>(fa::capacity(10));
        alloc.begin_frame();
        v.resize(200'000);
        large = v.data();
        alloc.end_frame();
        stage = 1;
        wait_for(2);
        alloc.end_frame();
        stage = 3;
        wait_for(4);
        alloc.end_frame();
        stage = 5;
        wait_for(6);
    });
    wait_for(1);
    for (char* p : {early.load(), late.load(), large.load()}) {
        CHECK(fa::describe(p).state == state::in_use);
        CHECK(fa::describe(p).kind == memory_kind::frame);
    }
    CHECK(fa::describe(early).frame == 1);
    CHECK(fa::describe(early).thread != 0);
    stage = 2;
    wait_for(3);
    CHECK(fa::describe(early).state == state::in_use);
    CHECK(fa::describe(late).state == state::ended);
    stage = 4;
    wait_for(5);
    CHECK(fa::describe(early).state == state::ended);
    CHECK(fa::describe(late).state == state::ended);
    stage = 6;
    worker.join();
    CHECK(fa::describe(early).state == state::ended);
}
