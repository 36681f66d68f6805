// Every operation with the k-th page request refused, once or from then on, for every k until none is refused: the
// operation returns a failure value, changes nothing, and succeeds once there is memory. And everything in little fixed
// memory, in steps of a page, so that the allocator's own tables run out wherever they can.
#include <doctest/doctest.h>

#include <array>
#include <cstring>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "support/recorder.hpp"
#include "support/test_pages.hpp"

using namespace test;

namespace {

template <class P>
using handle = fa::basic_smart_alloc<P>;

struct payload {
    std::array<char, 3000> bytes{};
    std::string text = "a text that is too long for the small string buffer";
};

// The observable state: the same before an operation and after its failure.
struct seen {
    std::size_t frame, pool, heap, tag_bytes, depth;
};
template <class P>
seen look(const handle<P>& a) {
    const auto s = a.stats();
    return {s.frame_allocated, s.pool_allocated, s.heap_allocated, a.tag_stats("physics").with_children.total_bytes,
            a.frame_depth()};
}

// Each returns whether it succeeded, and undoes its effects.
template <class P>
struct scenario {
    const char* name;
    bool (*run)(const handle<P>&);
    bool needs_frame = true;  // open on its thread
};

template <class P>
const std::vector<scenario<P>>& scenarios() {
    using A = handle<P>;
    static const std::vector<scenario<P>> all = {
        {"frame bytes", [](const A& a) { return a.try_frame_alloc_bytes(200'000) != nullptr; }},
        {"many frame blocks",
         [](const A& a) {
             bool good = true;
             for (int i = 0; i < 60 && good; ++i) good = !a.template try_frame_alloc_batch<int>(1000).empty();
             return good;
         }},
        {"frame objects",
         [](const A& a) {
             return a.template try_frame_make<payload>() != nullptr &&
                    a.template try_frame_box<payload>().get() != nullptr &&
                    !a.template try_frame_slice<payload>(40).empty();
         }},
        {"frame vec",
         [](const A& a) {
             auto v = a.template try_frame_vec<std::size_t>(fa::capacity(10));
             for (std::size_t i = 0; i < 30'000; ++i) {
                 if (!v.try_push_back(i)) return false;
             }
             for (std::size_t i = 0; i < 30'000; ++i) REQUIRE(v[i] == i);
             return true;
         }},
        {"frame map",
         [](const A& a) {
             auto m = a.template frame_map<int, long>();
             for (int i = 0; i < 5000; ++i) {
                 if (!m.try_insert(i, i)) return false;
             }
             return m.size() == 5000;
         }},
        {"outer growth",
         [](const A& a) {
             auto v = a.template try_frame_vec<int>();
             const auto inner = a.frame_scope();
             for (int i = 0; i < 20'000; ++i) {
                 if (!v.try_push_back(i)) return false;
             }
             return true;
         }},
        {"pool blocks",
         [](const A& a) {
             std::vector<void*> blocks;
             bool good = true;
             for (std::size_t i = 0; i < 400 && good; ++i) {
                 void* p = a.try_pool_alloc_bytes(16 + i * 10);
                 good = p != nullptr;
                 if (good) blocks.push_back(p);
             }
             for (std::size_t i = 0; i < blocks.size(); ++i) a.pool_free_bytes(blocks[i], 16 + i * 10);
             return good;
         },
         false},
        {"pool objects",
         [](const A& a) {
             auto box = a.template try_pool_box<payload>();
             auto shared = a.template try_pool_shared<payload>();
             return box.get() != nullptr && shared.get() != nullptr;
         },
         false},
        {"pool vec",
         [](const A& a) {
             auto v = a.template try_pool_vec<std::string>();
             for (int i = 0; i < 3000; ++i) {
                 if (!v.try_push_back("a text that is too long for the small string buffer")) return false;
             }
             return true;
         },
         false},
        {"heap blocks",
         [](const A& a) {
             void* p = a.try_heap_alloc_bytes(300'000);
             void* q = p == nullptr ? nullptr : a.try_heap_alloc_bytes(3'000'000, 4096);
             a.heap_free_bytes(p, 300'000);
             a.heap_free_bytes(q, 3'000'000, 4096);
             return q != nullptr;
         },
         false},
        {"heap objects",
         [](const A& a) {
             auto box = a.template try_heap_box<std::array<payload, 10>>();
             auto v = a.template try_heap_vec<double>(fa::capacity(50'000));
             return box.get() != nullptr && v.capacity() >= 50'000;
         },
         false},
        {"transfer",
         [](const A& a) {
             auto h = a.template try_frame_box_for_transfer<payload>();
             auto s = a.template try_frame_span_for_transfer<int>(50'000);
             return h.state() == fa::transfer_state::pending && s.state() == fa::transfer_state::pending;
         },
         false},
    };
    return all;
}

constexpr int all_of_them = 100'000;

// Page requests, or requests for the allocator's own tables.
class refuser {
public:
    explicit refuser(test_pages& pages) : pages_(&pages) {}
    explicit refuser(fa::os::metadata& tables) : tables_(&tables) {}
    void refuse_after(int k, bool forever) {
        if (tables_ != nullptr) return tables_->refuse_after(static_cast<std::uint64_t>(k), forever);
        pages_->refuse_after = k;
        pages_->refuse_once = !forever;
    }
    void serve_again() {
        if (tables_ != nullptr) return tables_->serve_again();
        pages_->refuse_after = -1;
    }
    bool has_refused() const { return tables_ != nullptr ? tables_->refusals() != 0 : pages_->refusals != 0; }

private:
    test_pages* pages_ = nullptr;
    fa::os::metadata* tables_ = nullptr;
};

enum class what { pages, tables };
// Where an operation needs tables that do not exist yet: the thread's own, or those of its tag.
enum class where { known_thread, new_thread, new_tag };

// Returns how many runs it took until nothing was refused.
template <class P>
std::size_t sweep(const scenario<P>& s, bool forever, what requests = what::pages, where place = where::known_thread) {
    std::size_t runs = 0;
    for (int k = 0;; ++k, ++runs) {
        const std::string label = s.name;
        CAPTURE(label);
        CAPTURE(k);
        CAPTURE(static_cast<int>(place));
        recorder r;
        test_pages source;
        std::optional<handle<P>> made;
        made.emplace(r.options({.frame_capacity = 64_KiB, .slab_page_size = 64_KiB, .pages = &source}));
        const handle<P>& a = *made;
        std::optional<fa::tag_scope> tag, inner;
        tag.emplace(a, "physics");
        a.begin_frame();
        if (place == where::new_tag) inner.emplace(a, "solver");
        const seen before = look(a);
        refuser source_of_refusals = requests == what::pages ? refuser(source) : refuser(a.owner().owner->meta);
        source_of_refusals.refuse_after(k, forever);
        bool good = false;
        if (place == where::new_thread) std::thread([&] { good = s.run(a); }).join();
        else good = s.run(a);
        const bool refused = source_of_refusals.has_refused();
        source_of_refusals.serve_again();
        if (!good) {
            CHECK(refused);
            seen now = look(a);
            CHECK(now.frame >= before.frame);  // memory allocated before the refusal ends with the frame
            now.tag_bytes -= now.frame - before.frame;
            now.frame = before.frame;
            CHECK(now.frame == before.frame);
            CHECK(now.pool == before.pool);
            CHECK(now.heap == before.heap);
            CHECK(now.tag_bytes == before.tag_bytes);
            CHECK(now.depth == before.depth);
            CHECK(s.run(a));
        }
        inner.reset();
        a.end_frame();
        tag.reset();
        const seen after = look(a);
        CHECK(after.frame == 0);
        CHECK(after.pool == 0);
        CHECK(after.heap == 0);
        made.reset();
        CHECK(source.live == 0);
        CHECK(r.faults.empty());
        CHECK(r.exhaustions.empty());
        if (!refused || k > all_of_them) return runs + 1;
    }
}

}  // namespace

FOR_EACH_POLICY("with the k-th page request refused, every operation fails as a value and works again afterwards") {
    std::size_t runs = 0;
    for (const auto& s : scenarios<P>()) runs += sweep<P>(s, false) + sweep<P>(s, true);
    MESSAGE(runs << " runs");
    CHECK(runs > 200);
}

FOR_EACH_POLICY(
    "with the k-th request for a table refused, every operation fails as a value and works again afterwards") {
    std::size_t runs = 0;
    for (const auto& s : scenarios<P>()) {
        for (bool forever : {false, true}) {
            runs += sweep<P>(s, forever, what::tables, where::known_thread) +
                    sweep<P>(s, forever, what::tables, where::new_tag);
            if (!s.needs_frame)
                runs += sweep<P>(s, forever, what::tables, where::new_thread) +
                        sweep<P>(s, forever, what::pages, where::new_thread);
        }
    }
    MESSAGE(runs << " runs");
    CHECK(runs > 100);
}

FOR_EACH_POLICY("within a budget every operation succeeds, or fails as a value as if there were no memory") {
    std::size_t failed = 0, succeeded = 0;
    for (const auto& s : scenarios<P>()) {
        for (std::size_t bytes = 1000; bytes <= 512_KiB; bytes += bytes / 4) {
            CAPTURE(s.name);
            CAPTURE(bytes);
            recorder r;
            handle<P> a{r.options({.frame_capacity = 64_KiB, .slab_page_size = 64_KiB})};
            const fa::tag_scope tag{a, "physics"};
            a.on_budget_exceeded(fa::budget_policy::fail);
            a.set_thread_frame_budget(bytes);
            a.set_thread_pool_budget(bytes);
            a.begin_frame();
            const seen before = look(a);
            const bool good = s.run(a);
            ++(good ? succeeded : failed);
            CHECK(a.thread_budget().frame_used <= bytes);
            CHECK(look(a).pool == before.pool);
            CHECK(look(a).heap == before.heap);
            a.set_thread_frame_budget(0);
            a.set_thread_pool_budget(0);
            CHECK(s.run(a));
            a.end_frame();
            CHECK(look(a).frame == 0);
            CHECK(r.faults.empty());
            CHECK(r.exhaustions.empty());
        }
    }
    MESSAGE(failed << " refused, " << succeeded << " served");
    CHECK(failed > 50);
    CHECK(succeeded > 50);
}

FOR_EACH_POLICY("in little fixed memory every operation succeeds or fails as a value, whatever runs out") {
    std::size_t failed = 0, succeeded = 0;
    for (const auto& s : scenarios<P>()) {
        for (std::size_t bytes = 192_KiB; bytes <= 512_KiB; bytes += 4096) {
            CAPTURE(s.name);
            CAPTURE(bytes);
            recorder r;
            fa::options o{.frame_capacity = 16_KiB, .slab_page_size = 64_KiB, .fixed_memory = bytes};
            handle<P> a{r.options(o)};
            if (a.try_pool_alloc_bytes(0) != nullptr || a.template try_pool_alloc<char[24]>() == nullptr)
                continue;  // not even a context
            a.begin_frame();
            const bool good = s.run(a);
            ++(good ? succeeded : failed);
            a.end_frame();
            CHECK(a.stats().frame_allocated == 0);
            CHECK(a.stats().heap_allocated == 0);
            CHECK(r.exhaustions.empty());
        }
    }
    CHECK(failed > 100);
    CHECK(succeeded > 100);
}

FOR_EACH_POLICY("a frame that finds no memory for one more in flight asks the handler, and takes what it gives") {
    for (const bool prefault : {false, true}) {
        for (int k = 0; k < 3; ++k) {
            CAPTURE(k);
            recorder r;
            test_pages source;
            {
                fa::options o{.frame_capacity = 64_KiB, .frames_in_flight = 2, .prefault = prefault, .pages = &source};
                struct on_exhaustion {
                    recorder* r;
                    test_pages* source;
                    bool operator()(const fa::exhaustion& e) const {
                        r->exhaustions.push_back(e.reason);
                        source->refuse_after = -1;
                        return true;
                    }
                } handler{&r, &source};
                o.on_exhaustion = handler;
                handle<P> a{r.options(o)};
                a.pool_free(a.template pool_alloc<int>());  // this thread is known
                source.refuse_after = k;
                a.begin_frame();  // uses the memory that exists
                CHECK(r.exhaustions.empty());
                a.end_frame();
                a.begin_frame();
                CHECK(r.exhaustions.size() == (k == 0 || (k == 1 && prefault) ? 1 : 0));
                source.refuse_after = -1;
                auto* kept = static_cast<char*>(a.frame_alloc_bytes(100));
                std::memset(kept, 42, 100);
                a.end_frame();
                a.begin_frame();
                CHECK(a.frame_alloc_bytes(100) != kept);
                CHECK(kept[99] == 42);
                a.end_frame();
            }
            CHECK(source.live == 0);  // no range was leaked
            CHECK(r.faults.empty());
        }
    }
}

FOR_EACH_POLICY("fixed memory that ended frames trimmed serves others, under tools too") {
    recorder r;
    handle<P> a{r.options({.frame_capacity = 64_KiB,
                           .retain = fa::retain::bytes(16_KiB),
                           .slab_page_size = 64_KiB,
                           .fixed_memory = 1_MiB,
                           .guard = fa::guard_level::fill})};
    for (int round = 0; round < 8; ++round) {
        a.begin_frame();
        std::size_t taken = 0;
        while (a.try_frame_alloc_bytes(8000) != nullptr) taken += 8000;
        CHECK(taken > 400'000);
        a.end_frame();
        a.trim();
        std::vector<void*> blocks;
        while (void* p = a.try_pool_alloc_bytes(4000)) {
            std::memset(p, round, 4000);
            blocks.push_back(p);
        }
        CHECK(blocks.size() > 40);
        for (void* p : blocks) a.pool_free_bytes(p, 4000);
        a.trim();
    }
    CHECK(r.faults.empty());
}
