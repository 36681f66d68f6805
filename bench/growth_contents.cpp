// Growth with the number of finalisers of a frame, and of elements in its containers.
#include "growth.hpp"

#include <string_view>

namespace growth {

namespace {

struct counted_object {
    explicit counted_object(long& n) : alive(n) { ++alive; }
    counted_object(const counted_object&) = delete;
    counted_object& operator=(const counted_object&) = delete;
    ~counted_object() { --alive; }
    long& alive;
};

// n objects with destructors, made and destroyed by their frame.
void objects(long n) {
    const fa::smart_alloc alloc;
    long alive = 0;
    const auto whole = [&](long) {
        const auto frame = alloc.frame_scope();
        for (long i = 0; i < n; ++i) keep(frame.make<counted_object>(alive));
    };
    whole(0);
    at("finalisers", n, 1, whole, n);
}

// n boxes, emptied in the order in which they were made, or in none.
void boxes(const char* scenario, long n, long stride) {
    const fa::smart_alloc alloc;
    long alive = 0;
    const auto whole = [&](long) {
        const auto frame = alloc.frame_scope();
        std::vector<fa::frame_box<counted_object>> all;
        all.reserve(static_cast<std::size_t>(n));
        for (long i = 0; i < n; ++i) all.push_back(alloc.frame_box<counted_object>(alive));
        for (long i = 0; i < n; ++i) all[static_cast<std::size_t>(i * stride % n)] = {};
    };
    whole(0);
    at(scenario, n, 1, whole, n);
}

enum class order { oldest_first, newest_first };
enum class apart : bool { no, yes };  // by a checkpoint and an object

// n containers that are older than a checkpoint and first filled after it, each beside an object that is younger.
void old_containers(const char* scenario, long n, order o, apart a) {
    const fa::smart_alloc alloc;
    long alive = 0;
    const auto whole = [&](long) {
        const auto frame = alloc.frame_scope();
        std::vector<fa::frame_vec<std::string>> all;
        all.reserve(static_cast<std::size_t>(n));
        for (long i = 0; i < n; ++i) {
            all.push_back(frame.vec<std::string>());
            if (a == apart::no) continue;
            fa::checkpoint_guard before = alloc.checkpoint_guard();
            keep(frame.make<counted_object>(alive));
            before.commit();
        }
        const fa::checkpoint_guard guard = alloc.checkpoint_guard();
        for (long i = 0; i < n; ++i) {
            keep(frame.make<counted_object>(alive));
            auto& v = all[static_cast<std::size_t>(o == order::oldest_first ? i : n - 1 - i)];
            v.emplace_back("x");
        }
    };
    whole(0);
    at(scenario, n, 1, whole, n);
}

// n checkpoints, one in the other, with a block each.
void nested_checkpoints(long n) {
    const fa::smart_alloc alloc;
    const auto whole = [&](long) {
        const auto frame = alloc.frame_scope();
        std::vector<fa::frame_checkpoint> marks;
        marks.reserve(static_cast<std::size_t>(n));
        for (long i = 0; i < n; ++i) {
            marks.push_back(alloc.frame_checkpoint());
            keep(frame.alloc<object>());
        }
        for (; !marks.empty(); marks.pop_back()) alloc.rollback_to(marks.back());
    };
    whole(0);
    at("checkpoints_nested", n, 1, whole, n);
}

}  // namespace

void finalisers(bool further) {
    for (const long n : {100, 10'000, 100'000}) objects(n);
    for (const long n : {100, 1'000, 10'000}) boxes("boxes_oldest_first", n, 1);
    for (const long n : {1, 100, 1'000, 100'000}) boxes("boxes_in_no_order", n, 7919);
    for (const long n : {100, 1'000, 16'000}) {
        old_containers("old_containers", n, order::oldest_first, apart::no);
        old_containers("old_containers_backwards", n, order::newest_first, apart::no);
        old_containers("containers_of_all_ages", n, order::oldest_first, apart::yes);
        old_containers("containers_of_all_ages_backwards", n, order::newest_first, apart::yes);
    }
    if (further) old_containers("old_containers", 100'000, order::oldest_first, apart::no);
    for (const long n : {10, 100, 1'000}) nested_checkpoints(n);
}

void containers(bool) {
    for (const long n : {1, 10, 100, 1'000}) {
        const fa::smart_alloc alloc;
        const auto whole = [&](long) {
            const auto frame = alloc.frame_scope();
            std::vector<fa::frame_vec<long>> all;
            all.reserve(static_cast<std::size_t>(n));
            for (long i = 0; i < n; ++i) all.push_back(frame.vec<long>());
            for (long i = 0; i < 64; ++i) {
                for (auto& v : all) v.push_back(i);
            }
        };
        whole(0);
        at("vecs_in_turns", n, 1, whole, 64 * n);
    }
    for (const long n : {1, 10, 100, 1'000}) {
        const fa::smart_alloc alloc;
        const auto whole = [&](long) {
            const auto frame = alloc.frame_scope();
            std::vector<fa::frame_map<long, long>> maps;
            std::vector<fa::frame_string> strings;
            for (long i = 0; i < n; ++i) {
                maps.push_back(frame.map<long, long>());
                strings.push_back(frame.string());
            }
            for (long i = 0; i < 64; ++i) {
                for (auto& m : maps) m.insert({i, i});
                for (auto& s : strings) s.append("hello");
            }
        };
        whole(0);
        at("maps_and_strings_in_turns", n, 1, whole, 64 * n);
    }
    for (const long n : {1'000, 100'000}) {
        const fa::smart_alloc alloc;
        const auto pushed = [&](long) {
            const auto frame = alloc.frame_scope();
            auto a = frame.vec<long>(), b = frame.vec<long>();
            for (long i = 0; i < n; ++i) {
                a.push_back(i);
                b.push_back(i);
            }
        };
        pushed(0);
        at("two_vecs", n, 1, pushed, 2 * n);
        const auto appended = [&](long) {
            const auto frame = alloc.frame_scope();
            auto s = frame.string();
            for (long i = 0; i < n; ++i) s.append("hello");
        };
        appended(0);
        at("string_append", n, 1, appended, n);
    }
}

namespace {

constexpr std::uint64_t golden = 0x9e3779b97f4a7c15U;
// The number whose product with `golden` is 1: its multiples are what a multiply-shift hash has in one slot.
constexpr std::uint64_t inverse_of_golden() {
    std::uint64_t x = golden;
    for (int i = 0; i < 6; ++i) x *= 2 - golden * x;
    return x;
}
static_assert(inverse_of_golden() * golden == 1);

void copied_in_order(long n) {
    const fa::smart_alloc alloc;
    const auto frame = alloc.frame_scope();
    auto from = frame.map<std::uint64_t, long>();
    for (long i = 0; i < n; ++i) from.insert({static_cast<std::uint64_t>(i) * 7919, i});
    const auto copied = [&](long) {
        const auto inner = alloc.frame_scope();
        auto to = inner.map<std::uint64_t, long>();
        for (const auto& [k, v] : from) to.insert({k, v});
        keep(&to);
    };
    copied(0);
    at("map_in_order", n, 1, copied, n);
}

template <class Key>
void filled_and_asked(const char* insert, const char* find, long n, Key key) {
    const fa::smart_alloc alloc;
    const auto frame = alloc.frame_scope();
    auto m = frame.map<std::uint64_t, long>();
    at(
        insert, n, 1,
        [&](long) {
            for (long i = 0; i < n; ++i) m.insert({key(i), i});
        },
        n);
    at(
        find, n, 1,
        [&](long) {
            for (long i = 0; i < n; ++i) keep(&m.find(key(i))->second);
        },
        n);
}

void looked_through(long n) {
    const fa::smart_alloc alloc;
    const auto frame = alloc.frame_scope();
    auto m = frame.map<std::uint64_t, long>();
    for (long i = 0; i < n; ++i) m.insert({static_cast<std::uint64_t>(i) * 7919, i});
    const long times = n < 2000 ? 2000 / n : 1;
    const auto asked = [&](std::uint64_t offset) {
        return [&m, n, offset](long) {
            long found = 0;
            for (long i = 0; i < n; ++i) found += m.contains(static_cast<std::uint64_t>(i) * 7919 + offset) ? 1 : 0;
            keep(&found);
        };
    };
    at("map_hit", n, times, asked(0), n);
    at("map_miss", n, times, asked(1), n);
    at(
        "map_iterate", n, times,
        [&](long) {
            long sum = 0;
            for (const auto& [k, v] : m) sum += v;
            keep(&sum);
        },
        n);
}

void erased_and_filled(long n) {
    const fa::smart_alloc alloc;
    const auto frame = alloc.frame_scope();
    auto m = frame.map<long, long>();
    for (long i = 0; i < n; ++i) m.insert({i, i});
    at("map_queue", n, 2000, [&](long i) {  // the oldest leaves, another comes
        m.erase(i);
        m.insert({n + i, i});
    });
}

}  // namespace

void maps(bool further) {
    for (const long n : {1'000, 10'000, 50'000}) copied_in_order(n);
    if (further) copied_in_order(1'000'000);
    for (const long n : {250, 2'000}) {
        filled_and_asked("map_insert", "map_find", n, [](long i) { return static_cast<std::uint64_t>(i) * 7919; });
        filled_and_asked("map_insert_hostile", "map_find_hostile", n,
                         [](long i) { return static_cast<std::uint64_t>(i) * inverse_of_golden(); });
        filled_and_asked("map_insert_high_bits", "map_find_high_bits", n,
                         [](long i) { return static_cast<std::uint64_t>(i) << 48; });
    }
    for (const long n : {100, 1'000, 10'000}) erased_and_filled(n);
    for (const long n : {10, 1'000, 20'000}) looked_through(n);
    for (const long n : {1'000'000, 10'000'000}) {
        if (further) looked_through(n);
    }
}

}  // namespace growth
