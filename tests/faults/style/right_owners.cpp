// Boxes, shared objects and the order of destruction.
#include "game.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <memory>
#include <memory_resource>
#include <optional>
#include <string>
#include <thread>
#include <unordered_set>
#include <utility>
#include <variant>
#include <vector>

namespace style {
namespace {

RIGHT(player_moves_into_the_world) {
    const fa::smart_alloc alloc;
    std::vector<fa::pool_box<npc>> world;
    auto player = alloc.pool_box<npc>();
    npc* seen = player.get();
    world.push_back(std::move(player));
    seen->health -= 1;
    if (player) show(player->health);
    show(world[0]->health);
}

RIGHT(box_is_filled_again) {
    const fa::smart_alloc alloc;
    auto selected = alloc.heap_box<npc>();
    selected.reset();
    selected = alloc.heap_box<npc>();
    selected = nullptr;
    selected = alloc.heap_box<npc>();
    show(selected->health);
}

RIGHT(box_is_released_and_adopted) {
    const fa::smart_alloc alloc;
    auto loaded = alloc.pool_box<npc>();
    fa::pool_box<npc> owner(loaded.release());
    owner.reset();
    show(owner == nullptr && loaded == nullptr);
}

RIGHT(self_assignment_by_move) {
    const fa::smart_alloc alloc;
    auto a = alloc.pool_box<npc>();
    auto& same = a;
    a = std::move(same);
    show(a ? a->health : 0);
}

RIGHT(allocator_is_declared_in_front) {
    struct game {
        fa::smart_alloc alloc;
        fa::pool_box<npc> player;
        fa::pool_vec<int> scores;
        game() : player(alloc.pool_box<npc>()), scores(alloc.pool_vec<int>({1, 2, 3})) {}
    };
    const game g;
    show(g.player->health + g.scores[2]);
}

RIGHT(level_after_level) {
    for (int n = 0; n < 5; ++n) {
        const fa::smart_alloc level{{.name = "level"}};
        auto enemies = level.pool_vec<npc>(fa::count(50));
        auto map = level.heap_box<int[]>(10'000);
        for (int i = 0; i < 3; ++i) {
            auto frame = level.frame_scope();
            map[9'999] = frame.slice<int>(10)[3];
        }
        show(enemies[49].health);
    }
}

RIGHT(container_is_given_up_before_its_allocator) {
    std::optional<std::vector<int, fa::pool_allocator<int>>> ids;
    {
        const fa::smart_alloc level;
        ids.emplace(fa::pool_allocator<int>(level));
        ids->push_back(3);
        ids.reset();
    }
    show(ids.has_value());
}

RIGHT(last_handle_lies_in_a_container) {
    std::vector<fa::smart_alloc> handles;
    {
        const fa::smart_alloc alloc;
        handles.assign(5, alloc);
    }
    void* p = handles[4].pool_alloc_bytes(40);
    handles[0].pool_free_bytes(p, 40);
    handles.clear();
}

RIGHT(shared_by_many) {
    const fa::smart_alloc alloc;
    auto mesh = alloc.pool_shared<std::string>("a mesh with a name that is long enough");
    std::vector<fa::pool_shared<std::string>> users(20, mesh);
    mesh.reset();
    users.erase(users.begin(), users.begin() + 19);
    show(users[0]->size());
}

RIGHT(weak_target_is_asked) {
    const fa::smart_alloc alloc;
    fa::pool_weak<npc> target;
    for (int n = 0; n < 3; ++n) {
        const auto enemy = alloc.pool_shared<npc>();
        if (n == 1) target = enemy;
        if (const auto t = target.lock()) show(t->health);
    }
    show(target.expired());
}

RIGHT(child_knows_its_parent_weakly) {
    struct node {
        fa::pool_weak<node> parent;
        fa::pool_shared<node> child;
    };
    const fa::smart_alloc alloc;
    auto root = alloc.pool_shared<node>();
    root->child = alloc.pool_shared<node>();
    root->child->parent = root;
    show(root->child->parent.lock() == root);
}

RIGHT(shared_takes_over_a_box) {
    struct shape {
        virtual ~shape() = default;
        int sides = 4;
    };
    struct square : shape {
        std::string name = "square, and a long tail behind it";
    };
    const fa::smart_alloc alloc;
    fa::pool_shared<shape> s = alloc.pool_box<square>();
    fa::pool_shared<void> anything = s;
    const auto again = dynamic_pointer_cast<square>(s);
    s.reset();
    show(again->sides);
}

RIGHT(part_of_a_shared_object) {
    struct mesh {
        std::array<vec3, 10> points{};
        int id = 7;
    };
    const fa::smart_alloc alloc;
    fa::pool_shared<int> id;
    {
        auto m = alloc.pool_shared<mesh>();
        id = fa::pool_shared<int>(m, &m->id);
    }
    show(*id);
}

RIGHT(boxes_in_a_sorted_vector) {
    const fa::smart_alloc alloc;
    std::vector<fa::pool_box<int>> v;
    for (int n = 0; n < 50; ++n) v.push_back(alloc.pool_box<int>(n * 37 % 50));
    std::sort(v.begin(), v.end(), [](const auto& a, const auto& b) { return *a < *b; });
    std::rotate(v.begin(), v.begin() + 10, v.end());
    v.erase(v.begin() + 5, v.begin() + 15);
    show(*v.front());
}

RIGHT(boxes_as_keys) {
    const fa::smart_alloc alloc;
    std::unordered_set<fa::pool_box<int>> set;
    for (int n = 0; n < 20; ++n) set.insert(alloc.pool_box<int>(n));
    set.erase(set.begin());
    show(set.size());
}

RIGHT(box_in_a_variant) {
    const fa::smart_alloc alloc;
    std::variant<std::monostate, fa::pool_box<npc>, fa::heap_box<int>> state;
    state = alloc.pool_box<npc>();
    state = alloc.heap_box<int>(4);
    if (const auto* number = std::get_if<fa::heap_box<int>>(&state)) show(**number);
    state = std::monostate{};
}

RIGHT(tree_of_boxes) {
    struct node {
        fa::pool_box<node> left, right;
        int value = 0;
    };
    const fa::smart_alloc alloc;
    const std::function<fa::pool_box<node>(int)> grow = [&](int depth) {
        auto n = alloc.pool_box<node>();
        n->value = depth;
        if (depth > 0) {
            n->left = grow(depth - 1);
            n->right = grow(depth - 1);
        }
        return n;
    };
    auto root = grow(6);
    root->left = std::move(root->left->right);
    root->right.reset();
    show(root->left->value);
}

RIGHT(frame_boxes_go_before_the_frame_or_with_it) {
    struct effect {
        explicit effect(int i) : id(i), name("an effect with a name of more than fifteen characters") {}
        int id;
        std::string name;
    };
    const fa::smart_alloc alloc;
    auto frame = alloc.frame_scope();
    auto a = frame.box<effect>(1);
    auto b = frame.box<effect>(2);
    a.reset();
    a = std::move(b);
    frame.make<effect>(3);
    show(a->id);
}

RIGHT(value_is_taken_out_of_a_box) {
    const fa::smart_alloc alloc;
    auto frame = alloc.frame_scope();
    auto result = frame.box<std::string>("a text that has to be long enough for malloc");
    const std::string text = std::move(result).into_inner();
    show(text.size() + (result == nullptr ? 1 : 0));
}

RIGHT(try_box_is_asked) {
    struct chunk {
        char voxels[100'000];
    };
    const fa::smart_alloc alloc{{.frame_capacity = 64_KiB, .frame_limit = 64_KiB}};
    auto frame = alloc.frame_scope();
    if (auto c = frame.try_box<chunk>()) c->voxels[0] = 1;
}

RIGHT(destructor_frees_what_it_owns) {
    struct voice {
        explicit voice(const fa::smart_alloc& a) : alloc(a), samples(static_cast<float*>(a.heap_alloc_bytes(4096))) {}
        voice(const voice&) = delete;
        voice& operator=(const voice&) = delete;
        ~voice() { alloc.heap_free_bytes(samples, 4096); }
        fa::smart_alloc alloc;
        float* samples;
    };
    const fa::smart_alloc alloc;
    auto kept = alloc.pool_box<voice>(alloc);
    auto frame = alloc.frame_scope();
    frame.make<voice>(alloc)->samples[1023] = 0;
}

RIGHT(destructor_opens_a_frame_of_its_own) {
    struct saver {
        explicit saver(const fa::smart_alloc& a) : alloc(a) {}
        ~saver() {
            auto frame = alloc.frame_scope();
            auto text = frame.string("saved");
            show(text.size());
        }
        fa::smart_alloc alloc;
    };
    const fa::smart_alloc alloc;
    {
        auto frame = alloc.frame_scope();
        frame.make<saver>(alloc);
        frame.make<saver>(alloc);
    }
    const auto late = alloc.pool_box<saver>(alloc);
}

RIGHT(observer_leaves_before_it_dies) {
    struct subject {
        std::vector<int*> observers;
    };
    const fa::smart_alloc alloc;
    subject s;
    auto o = alloc.pool_box<int>(0);
    s.observers.push_back(o.get());
    for (int* seen : s.observers) ++*seen;
    std::erase(s.observers, o.get());
    o.reset();
    for (int* seen : s.observers) ++*seen;
}

RIGHT(constructor_throws_in_a_box) {
    struct picky {
        explicit picky(int i) : text("a text that needs an allocation of its own") {
            if (i == 1) throw i;
        }
        std::string text;
    };
    const fa::smart_alloc alloc;
    auto frame = alloc.frame_scope();
    for (int n = 0; n < 3; ++n) {
        try {
            auto a = alloc.pool_box<picky>(n);
            auto b = frame.box<picky>(n);
            frame.make<picky>(n);
        } catch (int i) {
            show(i);
        }
    }
}

RIGHT(constructor_throws_in_a_slice) {
    static int made = 0;
    struct picky {
        picky() {
            if (++made == 7) throw made;
        }
        std::string text = "a text that needs an allocation of its own";
    };
    const fa::smart_alloc alloc;
    auto frame = alloc.frame_scope();
    try {
        frame.slice<picky>(10);
    } catch (int i) {
        show(i);
    }
    frame.slice<picky>(2);
}

RIGHT(static_allocator_in_front_of_a_static_box) {
    static const fa::smart_alloc alloc;
    static fa::pool_box<npc> hero;
    hero = alloc.pool_box<npc>();
    show(hero->health);
}

RIGHT(thread_local_scratch) {
    static const fa::smart_alloc alloc;
    const auto work = [] {
        thread_local const fa::smart_alloc mine = alloc;
        auto frame = mine.frame_scope();
        frame.slice<int>(100)[99] = 1;
    };
    work();
    std::thread(work).join();
}

RIGHT(event_queue_owns_its_payloads) {
    struct event {
        int kind;
        fa::pool_box<vec3> where;
    };
    const fa::smart_alloc alloc;
    std::vector<event> queue;
    {
        auto frame = alloc.frame_scope();
        queue.push_back({1, alloc.pool_box<vec3>(vec3{1, 2, 3})});
    }
    for (const event& e : queue) show(e.where->y);
}

RIGHT(factory_of_components) {
    struct component {
        virtual ~component() = default;
        virtual int update() = 0;
    };
    struct mover : component {
        int update() override { return ++steps; }
        int steps = 0;
    };
    struct talker : component {
        int update() override { return static_cast<int>(text.size()); }
        std::string text = "hello";
    };
    const fa::smart_alloc alloc;
    const auto make = [&](int kind) -> fa::heap_box<component> {
        if (kind == 0) return alloc.heap_box<mover>();
        return alloc.heap_box<talker>();
    };
    auto a = make(0), b = make(1);
    std::swap(a, b);
    show(a->update() + b->update());
}

}  // namespace
}  // namespace style
