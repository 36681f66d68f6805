// Maps against std::unordered_map; keys that collide on purpose; arguments that refer into the map.
#include <doctest/doctest.h>

#include <csignal>
#include <map>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <vector>

#include "support/child.hpp"
#include "support/recorder.hpp"

using namespace test;

namespace {

// Counts how often two keys are compared: the probes that the marks did not avoid.
struct counted_equal {
    static inline long calls = 0;
    bool operator()(std::uint64_t a, std::uint64_t b) const noexcept {
        ++calls;
        return a == b;
    }
};
struct identity {
    std::size_t operator()(std::uint64_t x) const noexcept { return static_cast<std::size_t>(x); }
};
using numbers = fa::object::map_table<std::uint64_t, std::uint64_t, false, fa::policy::unchecked>;

// Fills a table as a map does, in memory of its own, and counts the groups that insertions look at.
template <class Table>
struct filled {
    Table t;
    std::vector<std::unique_ptr<unsigned char[]>> memory;
    long fills = 0, passed_before = 0;

    explicit filled(std::uint64_t seed) { t.seed = seed; }
    void open(std::size_t slots) {
        passed_before += passed();
        const Table old = t;
        std::size_t space = Table::bytes_for(slots) + Table::alignment;
        memory.push_back(std::make_unique<unsigned char[]>(space));
        void* p = memory.back().get();
        t = {};
        t.open(std::align(Table::alignment, Table::bytes_for(slots), p, space), slots, old.seed);
        for (std::size_t i = 0; i != old.filled; ++i) {
            if (old.is_full(i)) put(old.at(i).first);
        }
    }
    std::size_t put(std::uint64_t key) {
        const std::size_t i = t.take();
        ::new (static_cast<void*>(&t.at(i))) typename Table::entry(key, key + 1);
        t.fill(i, t.mixed(key), 0);
        ++fills;
        return i;
    }
    std::size_t insert(std::uint64_t key) {
        if (t.size == t.capacity()) open(t.slot_count == 0 ? Table::fewest : t.slot_count * 2);
        return put(key);
    }
    std::size_t find(std::uint64_t key) const {
        return t.find(t.mixed(key), [&](std::size_t i) { return t.at(i).first == key; });
    }
    void erase(std::uint64_t key) {
        const std::size_t i = find(key);
        t.unlink(i, t.mixed(key));
        t.vacate(i);
    }
    // How often a group was full for a key that is there now.
    long passed() const {
        long sum = 0;
        for (std::size_t g = 0; g <= t.mask / fa::object::group_bytes; ++g) sum += t.groups[g].passed;
        return sum;
    }
    double each() const { return 1 + static_cast<double>(passed_before + passed()) / static_cast<double>(fills); }
};
using probes = filled<numbers>;

constexpr std::uint64_t inverse_of(std::uint64_t odd) {
    std::uint64_t x = 1;
    for (int i = 0; i < 6; ++i) x *= 2 - odd * x;
    return x;
}

const std::string long_text(64, 'x');

// Whether it ends the program.
template <class Work>
bool ends(Work work) {
    return status_of_child([&] {
               std::signal(SIGABRT, SIG_DFL);
               work();
           }) == -SIGABRT;
}

}  // namespace

namespace {

struct few_hashes {
    std::size_t operator()(int x) const noexcept { return static_cast<std::size_t>(x % 4); }
};
struct may_throw {  // keeps its numbers
    std::size_t operator()(int x) const { return static_cast<std::size_t>(x); }
};

template <class Hash, class P>
void does_as_std() {
    fa::basic_smart_alloc<P> alloc;
    auto frame = alloc.frame_scope();
    auto m = frame.template map<int, std::string, Hash>();
    std::unordered_map<int, std::string> model;
    std::mt19937 random(11);
    for (int i = 0; i < 30'000; ++i) {
        const int key = static_cast<int>(random() % 300);
        const std::string value = long_text + std::to_string(i);
        switch (random() % 14) {
            case 0: REQUIRE(m.erase(key) == model.erase(key)); break;
            case 1:
                m[key] = value;
                model[key] = value;
                break;
            case 2: REQUIRE(m.insert({key, value}).second == model.insert({key, value}).second); break;
            case 3:
                m.insert_or_assign(key, value);
                model.insert_or_assign(key, value);
                break;
            case 4: REQUIRE(m.emplace(key, value).second == model.emplace(key, value).second); break;
            case 5: REQUIRE(m.try_emplace(key, 3, 'x').second == model.try_emplace(key, 3, 'x').second); break;
            case 6:
                if (auto it = m.find(key); it != m.end()) {
                    m.erase(it);
                    model.erase(key);
                }
                break;
            case 7:
                if (!m.empty()) {
                    const int k = m.begin()->first;
                    m.erase(m.begin());
                    REQUIRE(model.erase(k) == 1);
                }
                break;
            case 8:
                REQUIRE(m.erase_if([&](const auto& e) { return e.first % 50 == key; }) ==
                        std::erase_if(model, [&](const auto& e) { return e.first % 50 == key; }));
                break;
            case 9:
                if (random() % 100 == 0) {
                    m.clear();
                    model.clear();
                }
                break;
            case 10: {
                auto copy = m;
                REQUIRE(copy == m);
                m = std::move(copy);
                break;
            }
            case 11:
                if (random() % 50 == 0) m.reserve(random() % 600);
                break;
            case 12: REQUIRE(m.count(key) == model.count(key)); break;
            default: REQUIRE((m.find(key) != m.end()) == (model.find(key) != model.end()));
        }
        REQUIRE(m.size() == model.size());
        if (i % 500 != 0) continue;
        std::size_t n = 0;
        for (const auto& [k, v] : std::as_const(m)) {
            REQUIRE(model.at(k) == v);
            ++n;
        }
        REQUIRE(n == model.size());
    }
}

}  // namespace

FOR_EACH_POLICY("a map does every operation as std::unordered_map does") { does_as_std<std::hash<int>, P>(); }
FOR_EACH_POLICY("so does one of which the hash function has four results") { does_as_std<few_hashes, P>(); }
FOR_EACH_POLICY("so does one of which the hash function may throw") { does_as_std<may_throw, P>(); }

FOR_EACH_POLICY("a map takes keys and values that lie in it, when it grows and when it does not") {
    fa::basic_smart_alloc<P> alloc;
    auto frame = alloc.frame_scope();
    auto go = [&](auto insert) {
        auto m = frame.template map<int, std::string>();
        m.try_emplace(0, long_text);
        for (int i = 1; i < 2000; ++i) {
            insert(m, i);
            REQUIRE(m.at(i) == long_text);
            REQUIRE(m.at(0) == long_text);
            if (i % 3 == 0 && i > 10) m.erase(i - 5);
        }
    };
    go([](auto& m, int i) { m.try_emplace(i, m.at(0)); });
    go([](auto& m, int i) { m.insert_or_assign(i, m.at(0)); });
    go([](auto& m, int i) { m.emplace(i, m.at(0)); });
    go([](auto& m, int i) { m.insert({i, m.at(0)}); });
    go([](auto& m, int i) { REQUIRE(m.try_insert(i, m.at(0))); });
    auto names = frame.template map<std::string, std::string>();
    names.try_emplace("0", "0");
    for (int i = 1; i < 500; ++i) {
        const auto& last = *names.find(std::to_string(i - 1));
        const std::string key = std::to_string(i);
        names.try_emplace(key, last.first);
        REQUIRE(names.at(key) == std::to_string(i - 1));
        std::string_view part = std::string_view(names.find(key)->first).substr(0, 1);
        names[part] = "x";
        REQUIRE(names.at(key.substr(0, 1)) == "x");
    }
}

TEST_CASE("keys that follow a pattern, or were chosen against the multiplier, are spread whatever the seed") {
    constexpr std::uint64_t n = 20'000;
    constexpr std::uint64_t golden = 0x9e3779b97f4a7c15U;
    struct pattern {
        const char* name;
        std::uint64_t (*key)(std::uint64_t);
    };
    const pattern patterns[] = {
        {"consecutive", [](std::uint64_t i) { return i; }},
        {"times the inverse of the multiplier", [](std::uint64_t i) { return i * inverse_of(golden); }},
        {"times the inverse, high half", [](std::uint64_t i) { return (i << 32) * inverse_of(golden); }},
        {"equal low bits", [](std::uint64_t i) { return i << 44; }},
        {"equal high bits", [](std::uint64_t i) { return 0xabcdef0000000000U + i; }},
        {"pointers to cache lines", [](std::uint64_t i) { return 0x7f1200000000U + i * 64; }},
        {"pointers to pages", [](std::uint64_t i) { return 0x7f1200000000U + i * 4096; }},
        {"both halves", [](std::uint64_t i) { return i << 32 | i; }},
        {"a grid", [](std::uint64_t i) { return (i / 150) << 32 | (i % 150); }},
        {"negative", [](std::uint64_t i) { return ~i; }},
    };
    long all = 0;
    double worst = 0;
    auto check = [&](const char* name, std::uint64_t seed, auto key) {
        probes p(seed);
        for (std::uint64_t i = 0; i < n; ++i) p.insert(key(i));
        const double each = p.each();
        CHECK_MESSAGE(each < 1.5, name << ", seed " << seed << ": " << each << " groups an insertion");
        worst = each > worst ? each : worst;
        ++all;
    };
    std::mt19937_64 random(3);
    for (int round = 0; round < 20; ++round) {
        const std::uint64_t seed = random() | 1;
        for (const pattern& p : patterns) check(p.name, seed, p.key);
        for (unsigned shift = 1; shift <= 48; shift += 3)
            check("multiples of a power of two", seed, [=](std::uint64_t i) { return i << shift; });
    }
    MESSAGE(all << " fillings, at most " << worst << " groups an insertion, growth included");
}

TEST_CASE("a map can be copied entry by entry, in its order, into a map of any size") {
    constexpr std::uint64_t n = 50'000;
    std::mt19937_64 random(5);
    double worst = 0;
    for (int round = 0; round < 10; ++round) {
        const std::uint64_t seed = random() | 1;
        probes from(seed);
        for (std::uint64_t i = 0; i < n; ++i) from.insert(i * (round % 2 == 0 ? 1 : 64));
        for (std::size_t slots = numbers::fewest; slots <= 4 * n; slots *= 2) {
            probes to(seed);
            to.open(slots);
            for (std::size_t i = 0; i != from.t.filled; ++i) to.insert(from.t.at(i).first);
            const double each = to.each();
            CHECK_MESSAGE(each < 1.5, slots << " slots, seed " << seed << ": " << each << " groups an insertion");
            worst = each > worst ? each : worst;
        }
    }
    MESSAGE("at most " << worst << " groups an insertion, growth included");
}

TEST_CASE("keys chosen by an enemy cost what random keys cost") {
    fa::smart_alloc alloc;
    const auto frame = alloc.frame_scope();
    constexpr std::uint64_t n = 2000;
    std::mt19937_64 random(14);
    const auto compared = [&](auto key) {
        auto m = frame.map<std::uint64_t, std::uint64_t, identity, counted_equal>();
        counted_equal::calls = 0;
        for (std::uint64_t i = 0; i < n; ++i) m[key(i)] = i;
        for (std::uint64_t i = 0; i < n; ++i) REQUIRE(m.at(key(i)) == i);
        return counted_equal::calls;
    };
    const auto looked_at = [&](auto key) {
        probes p(random() | 1);
        for (std::uint64_t i = 0; i < n; ++i) p.insert(key(i));
        return p.each();
    };
    std::vector<std::uint64_t> any(n);
    for (std::uint64_t& k : any) k = random();
    const auto at_random = [&](std::uint64_t i) { return any[i]; };
    const long usual = compared(at_random);
    const double usually = looked_at(at_random);
    constexpr std::uint64_t golden = 0x9e3779b97f4a7c15U;
    // Without a seed: the same group, the same tag, and the same for a hash that only multiplies.
    std::vector<std::uint64_t> one_group, one_tag;
    for (std::uint64_t x = 1; one_group.size() != n; ++x) {
        if (fa::object::spread(x) >> 6 << 57 == 0) one_group.push_back(x);
    }
    for (std::uint64_t x = 1; one_tag.size() != n; ++x) {
        if (fa::object::spread(x) >> 56 == 7) one_tag.push_back(x);
    }
    const auto check = [&](auto key) {
        CHECK(compared(key) < 3 * usual);
        CHECK(looked_at(key) < 3 * usually);
    };
    check([](std::uint64_t i) { return i * inverse_of(golden); });
    check([](std::uint64_t i) { return (i << 32) * inverse_of(golden); });
    check([&](std::uint64_t i) { return one_group[i]; });
    check([&](std::uint64_t i) { return one_tag[i]; });
}

FOR_EACH_POLICY("a map is gone through in the order in which its entries came, whatever the seed") {
    fa::basic_smart_alloc<P> alloc;
    const auto frame = alloc.frame_scope();
    std::mt19937 random(8);
    for (std::uint64_t seed = 1; seed != 6; ++seed) {
        auto m = frame.template map<unsigned, std::string>(fa::map_seed(seed));
        std::vector<unsigned> came;
        for (int i = 0; i < 3000; ++i) {
            const auto key = static_cast<unsigned>(random());
            if (m.try_emplace(key, long_text).second) came.push_back(key);
        }
        const auto keys_of = [](const auto& from) {
            std::vector<unsigned> keys;
            for (const auto& e : from) keys.push_back(e.first);
            return keys;
        };
        REQUIRE(keys_of(m) == came);
        std::erase_if(came, [&](unsigned k) { return k % 3 == 0; });
        m.erase_if([](const auto& e) { return e.first % 3 == 0; });
        REQUIRE(keys_of(m) == came);
        const auto copy = m;
        REQUIRE(keys_of(copy) == came);
        m.reserve(2 * m.capacity());
        REQUIRE(keys_of(m) == came);
    }
}

FOR_EACH_POLICY("no entry moves, and no iterator ends, while a map is not larger than its capacity") {
    fa::basic_smart_alloc<P> alloc;
    const auto frame = alloc.frame_scope();
    auto m = frame.template map<int, std::string>(fa::capacity(1000));
    const std::size_t capacity = m.capacity();
    std::unordered_map<int, const std::string*> places;
    std::mt19937 random(9);
    const auto end = m.end();
    for (int i = 0; i < 60'000; ++i) {
        if (m.empty()) m[0] = "0", places[0] = &m.at(0);
        const int key = static_cast<int>(random() % 2000);
        if (m.size() == capacity || random() % 2 == 0) places.erase(m.begin()->first), m.erase(m.begin());
        else if (const auto [it, added] = m.try_emplace(key, std::to_string(key)); added) places[key] = &it->second;
    }
    CHECK(m.capacity() == capacity);
    CHECK(m.end() == end);
    for (const auto& [key, place] : places) REQUIRE((&m.at(key) == place && *place == std::to_string(key)));
    CHECK(m.size() == places.size());
}

TEST_CASE("searches do not get longer by what was erased") {
    std::mt19937_64 random(10);
    probes p(random() | 1);
    std::vector<std::uint64_t> keys;
    p.open(numbers::slots_for(20'000));
    while (p.t.size != p.t.capacity()) keys.push_back(random()), p.put(keys.back());
    const auto replace = [&](int times) {
        for (int i = 0; i < times; ++i) {
            std::uint64_t& key = keys[random() % keys.size()];
            p.erase(key);
            key = random();
            p.put(key);
        }
        return static_cast<double>(p.passed()) / static_cast<double>(keys.size());  // groups a search, beside one
    };
    const double at_first = replace(400'000);  // full all the time: what was there at first is gone
    CHECK(at_first < 0.3);
    CHECK(replace(2'000'000) < at_first * 1.2);
    for (const std::uint64_t key : keys) REQUIRE(p.find(key) != numbers::none);
    for (const std::uint64_t key : keys) p.erase(key);
    CHECK(p.passed() == 0);
}

TEST_CASE("a table of more entries than a group's places tell apart finds and erases each of them") {
    using table = fa::object::map_table<std::uint64_t, std::uint64_t, false, fa::policy::unchecked, std::uint8_t>;
    filled<table> p(77);
    std::mt19937_64 random(12);
    std::unordered_map<std::uint64_t, std::size_t> model;
    for (int i = 0; i < 5000; ++i) {
        const std::uint64_t key = random();
        model[key] = p.insert(key);
        if (i % 3 == 0) p.erase(key), model.erase(key);
    }
    for (const auto& [key, unused] : model) {
        const std::size_t i = p.find(key);
        REQUIRE((i != table::none && p.t.at(i).first == key));
        REQUIRE(p.find(key + 1) == table::none);
    }
    CHECK(p.t.size == model.size());
    CHECK(p.t.size > 3000);
}

TEST_CASE("texts are spread, whatever they have in common, and each character counts") {
    constexpr std::uint64_t n = 20'000;
    std::mt19937_64 random(15);
    const auto check = [&](std::uint64_t secret, auto text) {
        probes p(random() | 1);
        for (std::uint64_t i = 0; i < n; ++i) p.insert(fa::object::hash_of_text(text(i), secret));
        CHECK(p.each() < 1.5);
    };
    for (int round = 0; round < 5; ++round) {
        const std::uint64_t secret = random();
        check(secret, [](std::uint64_t i) { return std::to_string(i); });
        check(secret, [](std::uint64_t i) { return "object/" + std::to_string(i); });
        check(secret, [](std::uint64_t i) { return std::to_string(i) + "/a name that is longer than sixteen"; });
        check(secret, [](std::uint64_t i) { return std::string(i / 256, 'x') + static_cast<char>(i); });
        for (std::size_t length = 0; length < 70; ++length) {
            std::string text(length, 'a');
            const std::uint64_t before = fa::object::hash_of_text(text, secret);
            CHECK(before != fa::object::hash_of_text(text + 'a', secret));
            CHECK(before != fa::object::hash_of_text(text, secret + 1));
            for (char& c : text) {
                c = 'b';
                CHECK(before != fa::object::hash_of_text(text, secret));
                c = 'a';
            }
        }
    }
    CHECK(fa::object::string_hash()("a name") == fa::object::string_hash()(std::string("a name")));
}

TEST_CASE("the tags of a group are compared alike by vectors and by words") {
    std::mt19937 random(13);
    for (int round = 0; round < 20'000; ++round) {
        unsigned char tags[16];
        for (unsigned char& t : tags) t = static_cast<unsigned char>(random() % 3 == 0 ? random() : random() % 3 * 127);
        const unsigned tag = round % 2 == 0 ? tags[random() % 12] : random() % 256;
        auto fast = fa::object::equal_tags(tags, tag);
        auto slow = fa::object::equal_tags_by_words(tags, tag);
        for (unsigned i = 0; i != 12; ++i) {
            if (tags[i] != tag) continue;
            REQUIRE((!fast.empty() && fast.first() == i));
            REQUIRE((!slow.empty() && slow.first() == i));
            fast.drop_first();
            slow.drop_first();
        }
        REQUIRE((fast.empty() && slow.empty()));
    }
}

namespace {

struct refused {
    static inline bool refuses = false;
    int n;
    explicit refused(int v) : n(v) {
        if (refuses) throw std::runtime_error("refused");
    }
};

}  // namespace

FOR_EACH_POLICY("a value whose constructor throws leaves the room that it would have had") {
    fa::basic_smart_alloc<P> alloc;
    const auto frame = alloc.frame_scope();
    auto m = frame.template map<int, refused>(fa::capacity(100));
    const auto capacity = static_cast<int>(m.capacity());
    for (int i = 0; i < capacity; ++i) m.try_emplace(i, i);
    for (int i = 0; i < capacity; i += 2) m.erase(i);
    for (int i = 0; i < capacity; i += 2) {
        refused::refuses = true;
        CHECK_THROWS_AS(m.try_emplace(i, i), std::runtime_error);
        refused::refuses = false;
        m.try_emplace(i, i);
    }
    CHECK(static_cast<int>(m.capacity()) == capacity);
    for (int i = 0; i < capacity; ++i) CHECK(m.at(i).n == i);
}

FOR_EACH_POLICY("sizes that cannot be are exhaustion, and nothing is a size") {
    fa::basic_smart_alloc<P> alloc;
    auto frame = alloc.frame_scope();
    auto m = frame.template map<int, int>();
    CHECK(m.find(1) == m.end());
    CHECK(m.begin() == m.end());
    CHECK(m.erase(1) == 0);
    CHECK(m.erase(m.begin(), m.end()) == m.end());
    CHECK(m == m);
    m.clear();
    m.reserve(0);
    m.rehash(0);
    CHECK(m.capacity() == 0);
    m.insert_range(std::vector<std::pair<int, int>>{});
    m[1] = 2;
    for (const std::size_t n : {~std::size_t{0}, ~std::size_t{0} / 2, m.max_size() + 1, std::size_t{1} << 60}) {
        CHECK_FALSE(m.try_reserve(n));
        CHECK(m.at(1) == 2);
    }
    CHECK(m.size() == 1);
    if constexpr (!P::checks) {
        CHECK(ends([&] { m.reserve(~std::size_t{0}); }));
    }
}

FOR_EACH_POLICY("erasing and inserting in turn takes no more memory, and draining from the front is linear") {
    fa::basic_smart_alloc<P> alloc;
    auto frame = alloc.frame_scope();
    auto m = frame.template map<int, int>(fa::capacity(100));
    const std::size_t before = m.bucket_count();
    for (int i = 0; i < 50'000; ++i) {
        m[i] = i;
        if (i >= 60) REQUIRE(m.erase(i - 60) == 1);
    }
    CHECK(m.bucket_count() == before);
    CHECK(m.size() == 60);
    auto big = frame.template map<int, int>();
    for (int i = 0; i < 1'000'000; ++i) big[i] = i;
    while (!big.empty()) big.erase(big.begin());  // would not end in an hour if begin() looked at every slot each time
    CHECK(big.begin() == big.end());
}

FOR_EACH_POLICY("erase leaves other entries where they are, and returns what comes next") {
    fa::basic_smart_alloc<P> alloc;
    auto frame = alloc.frame_scope();
    auto m = frame.template map<int, int>();
    for (int i = 0; i < 1000; ++i) m[i] = i;
    const int* kept = &m.at(7);
    std::size_t seen = 0;
    for (auto it = m.begin(); it != m.end(); ++seen) {
        if (it->first % 2 == 0) it = m.erase(it);
        else ++it;
    }
    CHECK(seen == 1000);
    CHECK(m.size() == 500);
    CHECK(&m.at(7) == kept);
    for (auto it = m.begin(); it != m.end();) {
        if (it->first % 3 == 0) m.erase(it++);
        else ++it;
    }
    CHECK(m.size() == 333);
    CHECK(m.erase(m.begin(), m.end()) == m.end());
    CHECK(m.empty());
}

FOR_EACH_POLICY("what people type: lists, ranges, copies, swap, retain, seeds, hints, string views") {
    fa::basic_smart_alloc<P> alloc;
    auto frame = alloc.frame_scope();
    auto m = frame.template map<int, std::string>({{1, "one"}, {2, "two"}, {2, "again"}});
    CHECK(m.size() == 2);
    m = {{3, "three"}, {4, "four"}};
    CHECK(m.contains(3));
    CHECK_FALSE(m.contains(1));
    m.assign({{1, "one"}});
    m.insert({{2, "two"}, {5, "five"}});
    CHECK(m.insert(m.end(), {6, "six"})->second == "six");
    CHECK(m.emplace_hint(m.end(), 7, "seven")->second == "seven");
    CHECK(m.emplace(std::piecewise_construct, std::forward_as_tuple(8), std::forward_as_tuple(3, 'x')).first->second ==
          "xxx");
    const std::unordered_map<int, std::string> model(m.begin(), m.end());
    CHECK(frame.template map<int, std::string>(model) == m);
    CHECK(frame.template map<int, std::string>(model.begin(), model.end()) == m);
    CHECK(alloc.template frame_map<int, std::string>(fa::capacity(100)).capacity() >= 100);
    auto copy = m;
    CHECK(copy == m);
    copy[9] = "nine";
    CHECK(copy != m);
    swap(copy, m);
    CHECK(m.size() == copy.size() + 1);
    CHECK(erase_if(m, [](const auto& e) { return e.first == 9; }) == 1);
    CHECK(copy == m);
    m.retain([](int k, const std::string&) { return k < 3; });
    CHECK(m.size() == 2);
    m.extend(model);
    CHECK(m == copy);
    CHECK_THROWS_AS(m.at(100), std::out_of_range);
    auto [first, last] = m.equal_range(1);
    CHECK(std::distance(first, last) == 1);

    auto names = frame.template map<std::string, int>();
    names["a name that is too long for the small buffer"] = 1;
    const std::string_view view = "a name that is too long for the small buffer";
    CHECK(names.contains(view));
    CHECK(names.at(view) == 1);
    CHECK(names.find(view) != names.end());
    CHECK(names.count(view) == 1);
    ++names[view];
    CHECK(names.insert_or_assign(view, 5).second == false);
    CHECK(names.erase(view) == 1);
    auto own = frame.template map<fa::basic_frame_string<P>, int>();
    own["abc"] = 3;
    CHECK(own.at(std::string_view("abc")) == 3);
    CHECK(own.erase("abc") == 1);
}

FOR_EACH_POLICY("containers in a map take the map's source") {
    fa::basic_smart_alloc<P> alloc;
    auto frame = alloc.frame_scope();
    auto lists = frame.template map<int, fa::basic_vec<int, fa::frame_source, P>>();
    auto texts = frame.template map<int, fa::basic_frame_string<P>>();
    auto maps = frame.template map<int, fa::basic_frame_map<int, int, std::hash<int>, fa::object::equal_to, P>>();
    for (int i = 0; i < 300; ++i) {
        lists[i % 7].push_back(i);
        texts[i % 7] += "some text";
        maps[i % 7][i] = i;
    }
    CHECK(lists.at(3).size() == 43);
    CHECK(texts.at(3).size() == 43 * 9);
    CHECK(maps.at(3).at(10) == 10);
    CHECK(texts.try_emplace(100, "given").first->second == "given");
}

FOR_EACH_POLICY("hash functions and equalities have a state, are final, or may throw") {
    fa::basic_smart_alloc<P> alloc;
    auto frame = alloc.frame_scope();
    struct last_hash final {
        std::size_t operator()(int x) const { return static_cast<std::size_t>(x); }
    };
    struct modulo {
        int n = 1;
        std::size_t operator()(int x) const noexcept { return static_cast<std::size_t>(x % n); }
    };
    struct same_modulo {
        int n = 1;
        bool operator()(int a, int b) const noexcept { return a % n == b % n; }
    };
    auto last = frame.template map<int, int, last_hash>();
    auto rest = frame.template map<int, int, modulo, same_modulo>(fa::capacity(10), modulo{10}, same_modulo{10});
    for (int i = 0; i < 1000; ++i) last[i] = rest[i] = i;
    CHECK(last.size() == 1000);
    CHECK(rest.size() == 10);
    CHECK(rest.at(3) == 993);
    auto copy = rest;
    CHECK(copy.hash_function().n == 10);
    auto moved = std::move(copy);
    CHECK(moved.at(13) == 993);
}

TEST_CASE("iterators and maps satisfy the concepts of std::ranges") {
    using map = fa::frame_map<int, std::string>;
    static_assert(std::forward_iterator<map::iterator> && std::forward_iterator<map::const_iterator>);
    static_assert(std::ranges::forward_range<map> && std::ranges::forward_range<const map>);
    static_assert(std::is_convertible_v<map::iterator, map::const_iterator>);
    static_assert(std::is_copy_constructible_v<map> && std::is_nothrow_move_constructible_v<map>);
    static_assert(!std::is_copy_constructible_v<fa::frame_map<int, std::unique_ptr<int>>>);
    static_assert(!std::is_copy_assignable_v<fa::frame_map<std::unique_ptr<int>, int>>);
}

TEST_CASE("a map without a source says so when it grows") {
    CHECK(ends([] {
        fa::frame_map<int, int> m;
        m[1] = 2;
    }));
    fa::smart_alloc alloc;
    const auto frame = alloc.frame_scope();
    fa::frame_map<int, int> m;
    CHECK(m.find(1) == m.end());
    CHECK_FALSE(m.try_insert(1, 2));
    m = frame.map<int, int>({{1, 2}});
    CHECK(m.at(1) == 2);
}

namespace {

template <class P>
struct tree {
    int n = 0;
    std::unique_ptr<fa::basic_frame_map<int, tree, std::hash<int>, fa::object::equal_to, P>> kids;
};

}  // namespace

FOR_EACH_POLICY("a map takes over one that lies in its own value") {
    fa::basic_smart_alloc<P> alloc;
    const auto frame = alloc.frame_scope();
    using map = fa::basic_frame_map<int, tree<P>, std::hash<int>, fa::object::equal_to, P>;
    map m{frame.template map<int, int>().source()};
    m[1].kids = std::make_unique<map>(m.source());
    for (int i = 0; i < 3; ++i) (*m[1].kids)[i].n = i;
    m = std::move(*m[1].kids);
    REQUIRE(m.size() == 3);
    for (int i = 0; i < 3; ++i) CHECK(m[i].n == i);
}

namespace {

template <class M>
std::map<int, std::string> content_of(const M& m) {
    std::map<int, std::string> sorted;
    for (const auto& [k, v] : m) sorted.emplace(k, v);
    return sorted;
}

// Keeps its hash function's numbers, and can be made to throw.
struct throwing_hash {
    int* left;
    std::size_t operator()(int x) const {
        if ((*left)-- == 0) throw std::runtime_error("no hash");
        return static_cast<std::size_t>(x);
    }
};

}  // namespace

FOR_EACH_POLICY("merge moves the entries whose keys are not there, and leaves the others") {
    fa::basic_smart_alloc<P> alloc;
    const auto frame = alloc.frame_scope();
    std::mt19937 random(7);
    for (int round = 0; round < 60; ++round) {
        auto a = frame.template map<int, std::string>(), b = frame.template map<int, std::string>();
        std::unordered_map<int, std::string> x, y;
        for (int i = 0; i < 40; ++i) {
            const int key = static_cast<int>(random() % 60);
            const std::string text = "text that is long enough for the heap " + std::to_string(i);
            if (random() % 2 == 0) a[key] = text, x[key] = text;
            else b[key] = text, y[key] = text;
        }
        if (round % 2 == 0) a.merge(b);
        else a.merge(std::move(b));
        x.merge(y);
        CHECK(content_of(a) == content_of(x));
        CHECK(content_of(b) == content_of(y));
        a.merge(a);
        CHECK(content_of(a) == content_of(x));
    }
    auto only_moved = frame.template map<int, std::unique_ptr<int>>(),
         more = frame.template map<int, std::unique_ptr<int>>();
    only_moved[1] = std::make_unique<int>(1);
    more[1] = std::make_unique<int>(10);
    more[2] = std::make_unique<int>(20);
    only_moved.merge(more);
    CHECK((*only_moved.at(1) == 1 && *only_moved.at(2) == 20 && more.size() == 1 && *more.at(1) == 10));
    auto otherwise_hashed = frame.template map<std::uint64_t, int, identity, counted_equal>({{1, 2}, {3, 4}});
    auto usual = frame.template map<std::uint64_t, int>({{3, 5}});
    usual.merge(otherwise_hashed);
    CHECK((usual.size() == 2 && usual.at(3) == 5 && otherwise_hashed.size() == 1));
}

FOR_EACH_POLICY("an entry is in one of two maps when merge throws or memory is exhausted") {
    for (int after = 0; after < 40; after += 3) {
        fa::basic_smart_alloc<P> alloc;
        const auto frame = alloc.frame_scope();
        int left = 1000;
        auto a = frame.template map<int, std::string, throwing_hash>(throwing_hash{&left}),
             b = frame.template map<int, std::string, throwing_hash>(throwing_hash{&left});
        for (int i = 0; i < 20; ++i) a[i] = "a", b[i + 10] = "b";
        left = after;
        bool thrown = false;
        try {
            a.merge(b);
        } catch (const std::runtime_error&) { thrown = true; }
        left = 1000;
        CHECK(thrown == (after < 20));
        CHECK(a.size() + b.size() == 40);
        for (int i = 20; i < 30; ++i) CHECK(a.count(i) + b.count(i) == 1);
    }
    fa::basic_smart_alloc<P> alloc{{.frame_limit = 64_KiB}}, larger;
    const auto frame = alloc.frame_scope(), other = larger.frame_scope();
    auto a = frame.template map<int, std::string>();
    auto b = other.template map<int, std::string>();
    for (int i = 0; i < 5000; ++i) b[i] = std::to_string(i);
    CHECK(!a.try_merge(b));
    CHECK((a.size() > 100 && a.size() + b.size() == 5000));
    for (const auto& [k, v] : a) CHECK((v == std::to_string(k) && !b.contains(k)));
    CHECK(b.try_merge(a));
    CHECK((a.empty() && b.size() == 5000 && b.at(77) == "77"));
}

FOR_EACH_POLICY("max_load_factor may be wished for as std allows, and stays what it is") {
    fa::basic_smart_alloc<P> alloc;
    const auto frame = alloc.frame_scope();
    auto m = frame.template map<int, int>();
    m.max_load_factor(0.25F);
    for (int i = 0; i < 1000; ++i) {
        m[i] = i;
        REQUIRE(m.load_factor() <= m.max_load_factor());
    }
}

namespace {

using entries = std::vector<std::pair<int, std::string>>;
const entries few{{1, "one"}, {2, "two"}, {2, "zwei"}};

template <class M>
void is_few(const M& m) {
    CHECK(content_of(m) == std::map<int, std::string>{{1, "one"}, {2, "two"}});
}

entries too_many() {
    entries made(50'000);
    for (int i = 0; auto& [k, v] : made) k = i++;
    return made;
}

}  // namespace

FOR_EACH_POLICY("each try_ twin of a map does what its namesake does") {
    fa::basic_smart_alloc<P> alloc;
    const auto frame = alloc.frame_scope();
    is_few(frame.template try_map<int, std::string>({{1, "one"}, {2, "two"}}));
    is_few(frame.template try_map<int, std::string>(few));
    is_few(frame.template try_map<int, std::string>(few.begin(), few.end()));
    is_few(alloc.template try_frame_map<int, std::string>({{1, "one"}, {2, "two"}}));
    is_few(alloc.template try_frame_map<int, std::string>(few));
    is_few(alloc.template try_frame_map<int, std::string>(few.begin(), few.end()));
    CHECK(frame.template try_map<int, int>(fa::capacity(100)).capacity() >= 100);
    CHECK(alloc.template try_frame_map<int, int>(fa::map_seed(7)).empty());
    CHECK((frame.template try_map<int, int>().empty() && alloc.template try_frame_map<int, int>().empty()));
    int left = 100;
    auto hashed = frame.template try_map<int, std::string, throwing_hash>(few, throwing_hash{&left});
    is_few(hashed);

    auto m = frame.template map<int, std::string>();
    CHECK((m.try_insert({{1, "one"}}) && m.try_insert(std::pair<const int, std::string>(2, "two")) &&
           m.try_insert(few.begin(), few.end())));
    is_few(m);
    CHECK((m.try_insert_or_assign(1, "uno") && m.try_insert_or_assign(3, std::string("three")) && m.at(1) == "uno" &&
           m.size() == 3));
    CHECK((m.try_assign(few) && m.try_insert_range(few) && m.try_extend(few)));
    is_few(m);
    CHECK((m.try_assign({{5, "five"}}) && m.size() == 1 && m.try_assign(few.begin(), few.end())));
    is_few(m);

    // Two texts are a key and a value, not a range of letters.
    auto texts = frame.template map<fa::basic_frame_string<P>, std::string_view>();
    CHECK((texts.try_insert("key", "value") && texts.at("key") == "value" &&
           texts.try_insert_or_assign("key", "other") && texts.size() == 1));
}

FOR_EACH_POLICY("a map that cannot be made or replaced for want of memory is empty, or as it was") {
    const entries many = too_many();
    fa::basic_smart_alloc<P> alloc{{.frame_limit = 256_KiB}};
    const auto frame = alloc.frame_scope();
    auto m = frame.template map<int, std::string>(few);
    CHECK(!m.try_assign(many));
    CHECK(!m.try_assign(many.begin(), many.end()));
    CHECK(!m.try_assign(std::map<int, std::string>(many.begin(), many.end())));
    is_few(m);
    CHECK(frame.template try_map<int, std::string>(many).empty());
    CHECK(alloc.template try_frame_map<int, std::string>(many.begin(), many.end()).empty());
    CHECK(frame.template try_map<int, std::string>(fa::capacity(1'000'000)).capacity() == 0);
}

FOR_EACH_POLICY("a map keeps what came before memory was exhausted, and assigns to what is there") {
    const entries many = too_many();
    fa::basic_smart_alloc<P> alloc{{.frame_limit = 256_KiB}};
    const auto frame = alloc.frame_scope();
    auto m = frame.template map<int, std::string>(few);
    CHECK(!m.try_insert_range(many));
    CHECK((m.size() > 100 && m.size() == m.capacity() && m.at(1) == "one" && m.contains(100)));
    CHECK(!m.try_insert(many.begin(), many.end()));
    CHECK(!m.try_insert_or_assign(-1, "no"));
    CHECK((!m.contains(-1) && m.try_insert_or_assign(1, "still") && m.at(1) == "still"));
}

FOR_EACH_POLICY("entries are merged whose keys are nothing more once they were moved") {
    fa::basic_smart_alloc<P> alloc;
    const auto name = [](int i) { return "a name that is too long for the small buffer " + std::to_string(i); };
    auto some = alloc.template heap_map<std::string, int>(), all = alloc.template heap_map<std::string, int>();
    constexpr int count = 500;
    for (int i = 0; i < count; ++i) {
        all[name(i)] = i;
        if (i % 3 == 0) some[name(i)] = -i;
    }
    some.merge(all);
    CHECK(some.size() == count);
    for (int i = 0; i < count; ++i) CHECK(some.at(name(i)) == (i % 3 == 0 ? -i : i));
    CHECK(all.size() == (count + 2) / 3);
    for (int i = 0; i < count; ++i) CHECK(all.contains(name(i)) == (i % 3 == 0));
    for (auto it = some.begin(); it != some.end();) {  // as programs did before extract()
        const std::string taken = std::move(const_cast<std::string&>(it->first));
        it = some.erase(it);
    }
    CHECK(some.empty());
    for (int i = 0; i < count; ++i) some[name(i)] = i;
    CHECK((some.size() == count && some.at(name(7)) == 7));
    some.assign(some);
    CHECK(some.size() == count);
}
