// api.md, Semantics 4: a checkpoint is a floor.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "support/recorder.hpp"

using namespace test;

FOR_EACH_POLICY("rolling back destroys what was made after the checkpoint and gives its memory back") {
    fa::basic_smart_alloc<P> alloc;
    const int before = counted::alive;
    auto frame = alloc.frame_scope();
    int* old = frame.template alloc<int>();
    *old = 1;
    frame.template make<counted>(1);
    auto cp = alloc.frame_checkpoint();
    const auto used = alloc.frame_stats().bytes_in_use;
    for (int round = 0; round < 3; ++round) {
        frame.template make<counted>(2);
        for (int& v : frame.template batch<int>(100000)) v = -1;
        static_cast<void>(frame.alloc_bytes(4_MiB));
        CHECK(counted::alive == before + 2);
        CHECK(alloc.rollback_to(cp));
        CHECK(counted::alive == before + 1);
        CHECK(alloc.frame_stats().bytes_in_use == used);
        CHECK(*old == 1);
    }
}

FOR_EACH_POLICY("an outer vec pushed inside a checkpoint that rolls back keeps its elements") {
    fa::basic_smart_alloc<P> alloc;
    auto frame = alloc.frame_scope();
    auto names = frame.template vec<std::string>();
    auto numbers = frame.template vec<int>();
    {
        auto guard = alloc.checkpoint_guard();
        for (int i = 0; i < 10000; ++i) {
            names.push_back("a name too long for the small string buffer " + std::to_string(i));
            numbers.push_back(i);
        }
        for (int& v : frame.template batch<int>(1000)) v = -1;
    }
    for (int& v : frame.template batch<int>(100000)) v = -1;
    REQUIRE(names.size() == 10000);
    REQUIRE(numbers.size() == 10000);
    for (int i = 0; i < 10000; ++i) {
        CHECK(names[static_cast<std::size_t>(i)] == "a name too long for the small string buffer " + std::to_string(i));
        CHECK(numbers[static_cast<std::size_t>(i)] == i);
    }
}

FOR_EACH_POLICY("a container born after the checkpoint is empty after the rollback") {
    fa::basic_smart_alloc<P> alloc;
    auto frame = alloc.frame_scope();
    auto cp = alloc.frame_checkpoint();
    auto v = frame.template vec<std::string>();
    v.push_back("a text that is too long for the small string buffer");
    CHECK(alloc.rollback_to(cp));
    CHECK(v.empty());
}

// Memory that a container which grows after a checkpoint has out of line: a rollback frees it where the container is
// younger, and then the container must not.
FOR_EACH_POLICY("what was born between many rollbacks lives, and what they ended frees nothing") {
    fa::basic_smart_alloc<P> alloc;
    auto frame = alloc.frame_scope();
    using vec = decltype(frame.template vec<long>());
    std::vector<vec> ended, living;
    const auto grow = [&alloc](vec& v, long value) {
        static_cast<void>(alloc.frame_checkpoint());
        v.resize(100, value);
    };
    for (int i = 0; i < 100; ++i) {
        auto cp = alloc.frame_checkpoint();
        for (int again = 0; again <= i % 3; ++again) {
            ended.push_back(frame.template vec<long>());
            grow(ended.back(), i);
            CHECK(alloc.rollback_to(cp));
        }
        living.push_back(frame.template vec<long>());
        grow(living.back(), i);
    }
    const std::size_t used = alloc.frame_stats().bytes_in_use;
    ended.clear();
    CHECK(alloc.frame_stats().bytes_in_use == used);
    for (std::size_t i = 0; i < 100; ++i) {
        REQUIRE(living[i].size() == 100);
        CHECK(living[i].back() == static_cast<long>(i));
    }
    living.clear();
    CHECK(alloc.frame_stats().bytes_in_use == used - 100 * 100 * sizeof(long));
}

FOR_EACH_POLICY("what was rolled back within a guard that commits frees nothing") {
    fa::basic_smart_alloc<P> alloc;
    auto frame = alloc.frame_scope();
    using vec = decltype(frame.template vec<long>());
    std::optional<vec> first, second, between;
    const auto grow = [&](std::optional<vec>& v) {
        v.emplace(frame.template vec<long>());
        static_cast<void>(alloc.frame_checkpoint());
        v->resize(100);
    };
    {
        auto guard = alloc.checkpoint_guard();
        grow(first);
        CHECK(alloc.rollback_to(guard.checkpoint()));
        grow(between);
        auto inner = alloc.frame_checkpoint();
        grow(second);
        CHECK(alloc.rollback_to(inner));
        guard.commit();
    }
    const std::size_t used = alloc.frame_stats().bytes_in_use;
    first.reset();
    second.reset();
    CHECK(alloc.frame_stats().bytes_in_use == used);
    between.reset();
    CHECK(alloc.frame_stats().bytes_in_use == used - 100 * sizeof(long));
}

FOR_EACH_POLICY("a guard commits or rolls back") {
    fa::basic_smart_alloc<P> alloc;
    auto frame = alloc.frame_scope();
    const auto used = alloc.frame_stats().bytes_in_use;
    {
        auto guard = alloc.checkpoint_guard();
        static_cast<void>(frame.alloc_bytes(1000));
    }
    CHECK(alloc.frame_stats().bytes_in_use == used);
    {
        auto guard = alloc.checkpoint_guard();
        static_cast<void>(frame.alloc_bytes(1000));
        guard.commit();
        CHECK(guard.is_committed());
    }
    CHECK(alloc.frame_stats().bytes_in_use == used + 1000);
}

FOR_EACH_POLICY("speculative keeps a success and undoes a failure") {
    fa::basic_smart_alloc<P> alloc;
    auto frame = alloc.frame_scope();
    const auto used = alloc.frame_stats().bytes_in_use;
    auto bad = alloc.speculative([&]() -> std::optional<int> {
        static_cast<void>(frame.alloc_bytes(1000));
        return std::nullopt;
    });
    CHECK_FALSE(bad.has_value());
    CHECK(alloc.frame_stats().bytes_in_use == used);
    auto good = alloc.speculative([](const auto& a) -> std::optional<int> {
        static_cast<void>(a.frame_alloc_bytes(1000));
        return 5;
    });
    CHECK(*good == 5);
    CHECK(alloc.frame_stats().bytes_in_use == used + 1000);
    try {
        alloc.speculative([&] {
            static_cast<void>(frame.alloc_bytes(1000));
            throw 1;
        });
    } catch (int) {}
    CHECK(alloc.frame_stats().bytes_in_use == used + 1000);
}

FOR_EACH_POLICY("rolling back to a stale or foreign checkpoint is a coded fault and changes nothing") {
    recorder r;
    fa::basic_smart_alloc<P> alloc{r.options()};
    fa::basic_smart_alloc<P> other{r.options()};
    fa::frame_checkpoint ended;
    {
        auto frame = alloc.frame_scope();
        ended = alloc.frame_checkpoint();
    }
    auto frame = alloc.frame_scope();
    auto foreign_frame = other.frame_scope();
    auto older = alloc.frame_checkpoint();
    static_cast<void>(frame.alloc_bytes(1000));
    auto younger = alloc.frame_checkpoint();
    const auto used = alloc.frame_stats().bytes_in_use;
    CHECK_FALSE(alloc.rollback_to(ended));
    CHECK_FALSE(alloc.rollback_to(other.frame_checkpoint()));
    CHECK_FALSE(alloc.rollback_to(fa::frame_checkpoint{}));
    {
        auto inner = alloc.frame_scope();
        CHECK_FALSE(alloc.rollback_to(older));  // of an outer frame
    }
    CHECK(alloc.frame_stats().bytes_in_use == used);
    CHECK(r.count(fa::code::FA427) == 4);
    CHECK(alloc.rollback_to(older));
    CHECK_FALSE(alloc.rollback_to(younger));
    CHECK(r.count(fa::code::FA427) == 5);
}

FOR_EACH_POLICY("checkpoints nest and cross chunks") {
    fa::basic_smart_alloc<P> alloc{fa::options{.frame_capacity = 64_KiB}};
    auto frame = alloc.frame_scope();
    auto* a = static_cast<unsigned char*>(frame.alloc_bytes(30000));
    std::memset(a, 1, 30000);
    auto outer = alloc.frame_checkpoint();
    for (int i = 0; i < 20; ++i) std::memset(frame.alloc_bytes(30000), 2, 30000);
    auto inner = alloc.frame_checkpoint();
    for (int i = 0; i < 20; ++i) std::memset(frame.alloc_bytes(30000), 3, 30000);
    CHECK(alloc.rollback_to(inner));
    CHECK(alloc.frame_stats().bytes_in_use == 21 * 30000);
    CHECK(alloc.rollback_to(outer));
    CHECK(alloc.frame_stats().bytes_in_use == 30000);
    for (int i = 0; i < 30000; ++i) CHECK(a[i] == 1);
}

FOR_EACH_POLICY("checkpoints are as many as there is memory for their table; one more rolls nothing back") {
    recorder r;
    fa::basic_smart_alloc<P> alloc{r.options()};
    const auto frame = alloc.frame_scope();
    std::vector<fa::frame_checkpoint> taken;
    std::vector<std::size_t> used;
    for (int i = 0; i < 500; ++i) {
        used.push_back(alloc.frame_stats().bytes_in_use);
        taken.push_back(alloc.frame_checkpoint());
        static_cast<void>(frame.alloc_bytes(100));
    }
    for (std::size_t i : {499U, 100U, 33U, 32U, 31U, 0U}) {
        CHECK(alloc.rollback_to(taken[i]));
        CHECK(alloc.frame_stats().bytes_in_use == used[i]);
    }
    CHECK(!alloc.rollback_to(taken[200]));
    CHECK(r.count(fa::code::FA427) == 1);
}

TEST_CASE("a table of checkpoints that cannot grow asks the handler") {
    static fa::os::metadata* tables = nullptr;
    static int asked = 0;
    struct on_exhaustion {
        bool operator()(const fa::exhaustion&) const {
            ++asked;
            tables->serve_again();
            return true;
        }
    } handler;
    fa::options o;
    o.on_exhaustion = handler;
    fa::basic_smart_alloc<fa::policy::standard> alloc{o};
    const auto frame = alloc.frame_scope();
    tables = &alloc.owner().owner->meta;
    tables->refuse_after(0, true);
    std::vector<fa::frame_checkpoint> taken;
    for (int i = 0; i < 100; ++i) {
        taken.push_back(alloc.frame_checkpoint());
        static_cast<void>(frame.alloc_bytes(100));
    }
    CHECK(asked == 1);
    CHECK(alloc.rollback_to(taken[60]));
    tables->serve_again();
}

FOR_EACH_POLICY("a checkpoint whose guard is gone rolls nothing back, and the one before it still does") {
    recorder r;
    fa::basic_smart_alloc<P> alloc{r.options()};
    const auto frame = alloc.frame_scope();
    const auto older = alloc.frame_checkpoint();
    const auto used = alloc.frame_stats().bytes_in_use;
    fa::frame_checkpoint gone;
    {
        auto guard = alloc.checkpoint_guard();
        gone = guard.checkpoint();
        static_cast<void>(frame.alloc_bytes(1008));
        guard.commit();
    }
    static_cast<void>(frame.alloc_bytes(1008));
    CHECK(!alloc.rollback_to(gone));
    CHECK(r.count(fa::code::FA427) == 1);
    CHECK(alloc.frame_stats().bytes_in_use == used + 2016);
    CHECK(alloc.rollback_to(older));
    CHECK(alloc.frame_stats().bytes_in_use == used);
}

namespace {

// Two out-of-line blocks, filled with their own bytes: freeing one of them twice would give both the same memory.
template <class Frame>
void check_apart(const Frame& frame) {
    const auto a = frame.template batch<unsigned char>(60'000), b = frame.template batch<unsigned char>(60'000);
    std::fill(a.begin(), a.end(), static_cast<unsigned char>(1));
    std::fill(b.begin(), b.end(), static_cast<unsigned char>(2));
    CHECK(a[0] == 1);
    CHECK(a[59'999] == 1);
}

}  // namespace

FOR_EACH_POLICY("a container that is destroyed after the rollback that took its memory frees nothing") {
    for (const auto guard : {fa::guard_level::off, fa::guard_level::automatic}) {
        recorder r;
        fa::options o{.frame_capacity = 64_KiB};
        o.guard = guard;
        const fa::basic_smart_alloc<P> alloc{r.options(o)};
        for (int rollbacks : {1, 2, 30}) {  // more than are recorded one by one
            const auto frame = alloc.frame_scope();
            const auto before = alloc.frame_checkpoint();
            {
                auto v = frame.template vec<int>(fa::capacity(20'000));  // out of line
                auto s = frame.string(60'000, 'x');
                auto m = frame.template map<int, int>(fa::capacity(20'000));
                auto small = std::optional(
                    std::vector<int, fa::frame_allocator<int>>(8, 1, fa::frame_allocator<int>(frame)));
                for (int i = 0; i < rollbacks; ++i) {
                    const auto inner = alloc.frame_checkpoint();
                    auto also = frame.template vec<int>(fa::capacity(20'000));
                    CHECK(alloc.rollback_to(i % 2 == 0 ? inner : before));
                    if (i % 2 != 0) continue;
                    const auto guarded = alloc.checkpoint_guard();
                    also = frame.template vec<int>(fa::capacity(20'000));
                }
                CHECK(alloc.rollback_to(before));
                const auto block = frame.template batch<int>(8);  // where `small` was
                std::fill(block.begin(), block.end(), 7);
                small.reset();
                const auto next = frame.template batch<int>(8);
                std::fill(next.begin(), next.end(), 9);
                CHECK(block[0] == 7);
                check_apart(frame);
            }
            check_apart(frame);
            auto later = frame.template vec<int>();  // is none of those
            for (int i = 0; i < 40'000; ++i) later.push_back(i);
            CHECK(later[39'999] == 39'999);
        }
        CHECK(r.faults.empty());
        CHECK(alloc.stats().total_allocated == 0);
    }
}

FOR_EACH_POLICY("a guard that another thread closes rolls nothing back") {
    recorder faults;
    fa::basic_smart_alloc<P> alloc{faults.options()};
    auto frame = alloc.frame_scope();
    std::unique_ptr<fa::checkpoint_guard> guard(new fa::checkpoint_guard(alloc.checkpoint_guard()));
    frame.template batch<int>(1000)[0] = 7;
    const auto used = alloc.frame_stats().bytes_in_use;
    std::thread([&] { guard.reset(); }).join();
    CHECK(alloc.frame_stats().bytes_in_use == used);
    CHECK(faults.count(fa::code::FA430) == 1);
}

FOR_EACH_POLICY("what is older than four thousand million rollbacks stays untouched") {
    fa::basic_smart_alloc<P> alloc;
    const int before = counted::alive;
    const auto frame = alloc.frame_scope();
    frame.template make<counted>(1);
    auto names = frame.template vec<std::string>();
    names.push_back("older than the wrap of a counter of 32 bits");
    auto* context = const_cast<fa::memory::thread_context*>(fa::memory::peek_context(alloc.owner()));
    for (const std::uint64_t taken : {std::uint64_t{1} << 31, (std::uint64_t{1} << 32) - 3, std::uint64_t{1} << 40}) {
        context->stack.skip_marks(taken);  // as that many checkpoints and rollbacks would
        for (int i = 0; i < 4; ++i) {
            const auto cp = alloc.frame_checkpoint();
            frame.template make<counted>(2);
            CHECK(alloc.rollback_to(cp));
            CHECK(counted::alive == before + 1);
            CHECK(names.size() == 1);
        }
    }
}
