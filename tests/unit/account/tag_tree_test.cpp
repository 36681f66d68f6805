// Names are copied, found again and walked in order.
#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "support/recorder.hpp"

using namespace test;

TEST_CASE("a tag tree finds what it has and knows the path") {
    fa::os::system_pages source;
    fa::os::page_ledger ledger;
    ledger.open(source, 0, false);
    fa::os::metadata meta(ledger);
    fa::account::tag_tree tree(meta);
    fa::exhaustion_reason why{};
    std::string name = "physics";
    auto* physics = tree.find_or_add(tree.root(), {name.data(), name.size()}, why);
    auto* solver = tree.find_or_add(physics, {"solver", 6}, why);
    name = "changed";
    CHECK(std::string(solver->path, solver->path_length) == "physics::solver");
    CHECK(std::string(solver->name(), solver->length) == "solver");
    CHECK(tree.find(tree.root(), {"physics", 7}) == physics);
    CHECK(tree.find(tree.root(), {"solver", 6}) == nullptr);
    CHECK(tree.find_or_add(physics, {"solver", 6}, why) == solver);
    for (int i = 0; i < 5000; ++i) {
        const std::string n = std::to_string(i);
        tree.find_or_add(physics, {n.data(), n.size()}, why);
    }
    CHECK(tree.size() == 5003);
    CHECK(tree.find(physics, {"4321", 4})->index == 4321 + 3);
    for (std::uint32_t i = 0; i < tree.size(); ++i) CHECK(tree.at(i)->index == i);
    CHECK(tree.at(5003) == tree.root());
    auto* deep = tree.find_or_add(solver, {"deep", 4}, why);
    auto* other = tree.find_or_add(tree.root(), {"other", 5}, why);
    const auto from = [&](const fa::account::tag_node* top) {
        std::vector<const fa::account::tag_node*> seen;
        tree.for_each_from(*top, [&](const fa::account::tag_node& n) { seen.push_back(&n); });
        return seen;
    };
    CHECK(from(other) == std::vector<const fa::account::tag_node*>{other});
    CHECK(from(solver) == std::vector<const fa::account::tag_node*>{solver, deep});
    CHECK(from(physics).size() == 5003);
    CHECK(from(tree.root()).size() == 5005);
    CHECK(from(tree.root())[1] == other);
    meta.release_all();
}

TEST_CASE("names of any length that differ anywhere are told apart, and their hashes differ in the bits that count") {
    using fa::account::hash_text;
    using fa::account::same_text;
    for (std::size_t length = 0; length <= 40; ++length) {
        const std::string name(length, 'a');
        std::string copy = name;
        CHECK(same_text(name.data(), copy.data(), length));
        CHECK(hash_text(1, {name.data(), length}) == hash_text(1, {copy.data(), length}));
        CHECK(hash_text(1, {name.data(), length}) != hash_text(2, {name.data(), length}));
        std::vector<int> low(64), high(64);
        for (std::size_t i = 0; i < length; ++i) {
            for (int bit = 0; bit < 8; ++bit) {
                copy = name;
                copy[i] = static_cast<char>(copy[i] ^ (1 << bit));
                CHECK_FALSE(same_text(name.data(), copy.data(), length));
                const std::uint64_t hash = hash_text(1, {copy.data(), length});
                ++low[hash % 64];
                ++high[hash >> 58];
            }
        }
        CHECK(*std::max_element(low.begin(), low.end()) <= static_cast<int>(length * 8 / 64 + 12));
        CHECK(*std::max_element(high.begin(), high.end()) <= static_cast<int>(length * 8 / 64 + 12));
    }
}

TEST_CASE("a name is the text that its memory has when the scope opens") {
    const fa::smart_alloc alloc;
    std::string text = "first tag";
    for (int i = 0; i < 3; ++i) {
        for (const char* name :
             {"first tag", "other tag", "other taf", "other::tag", "a::b::c", "x", "::x", "x::", ""}) {
            text = name;
            const fa::tag_scope outer(alloc, std::string_view(text));
            const std::string_view in_order = text == "::x" || text == "x::" ? "x" : std::string_view(text);
            CHECK(alloc.tag_path() == in_order);
        }
    }
}

TEST_CASE("a constexpr tag gets one number in this process") {
    static constexpr fa::tag a{"a"}, b{a, "b"};
    CHECK(a.ensure_id() == a.ensure_id());
    CHECK(a.ensure_id() != b.ensure_id());
    CHECK(b.parent() == &a);
}
