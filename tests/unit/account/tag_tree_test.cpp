// Names are copied, found again and walked in order.
#include <doctest/doctest.h>

#include <string>

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
    std::uint32_t expected = 0;
    tree.for_each([&](fa::account::tag_node& n) { CHECK(n.index == expected++); });
    tree.for_each([&](fa::account::tag_node& n) { CHECK(tree.at(n.index) == &n); });
    CHECK(tree.at(5003) == tree.root());
    CHECK(expected == 5003);
    meta.release_all();
}

TEST_CASE("a constexpr tag gets one number in this process") {
    static constexpr fa::tag a{"a"}, b{a, "b"};
    CHECK(a.ensure_id() == a.ensure_id());
    CHECK(a.ensure_id() != b.ensure_id());
    CHECK(b.parent() == &a);
}
