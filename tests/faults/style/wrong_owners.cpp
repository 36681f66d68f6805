// Boxes, shared objects, leaks, the order of destruction, and destructors.
#include "game.hpp"

#include <cstring>
#include <memory_resource>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

namespace style {
namespace {

struct entity {
    int id;
    float health;
};

WRONG(player_used_after_it_moved_into_the_world) {
    const fa::smart_alloc alloc;
    std::vector<fa::pool_box<npc>> world;
    auto player = alloc.pool_box<npc>();
    world.push_back(std::move(player));
    player->health -= 1;  // FA444
}

WRONG(selection_is_reset_and_drawn) {
    const fa::smart_alloc alloc;
    auto selected = alloc.heap_box<npc>();
    selected.reset();
    show((*selected).health);  // FA444
}

WRONG(released_box_is_still_asked) {
    const fa::smart_alloc alloc;
    auto loaded = alloc.pool_box<npc>();
    fa::pool_box<npc> owner(loaded.release());
    show(loaded->health);  // FA444
}

WRONG(texture_slot_was_never_filled) {
    struct material {
        fa::pool_shared<npc> texture;
    };
    const material m;
    show(m.texture->health);  // FA444
}

WRONG(weak_target_is_gone) {
    const fa::smart_alloc alloc;
    fa::pool_weak<npc> target;
    {
        const auto enemy = alloc.pool_shared<npc>();
        target = enemy;
    }
    show(target.lock()->health);  // FA444
}

WRONG(shared_mesh_moved_to_the_renderer_and_used) {
    const fa::smart_alloc alloc;
    auto mesh = alloc.pool_shared<npc>();
    const auto drawn = std::move(mesh);
    show(mesh->health + drawn->health);  // FA444
}

WRONG(box_whose_allocation_may_fail_is_not_asked) {
    const fa::smart_alloc alloc{{.frame_capacity = 64_KiB, .frame_limit = 64_KiB}};
    struct chunk {
        char voxels[100'000];
    };
    auto frame = alloc.frame_scope();
    auto c = frame.try_box<chunk>();
    c->voxels[0] = 1;  // FA444
}

WRONG(value_taken_out_of_a_box_twice) {
    const fa::smart_alloc alloc;
    auto frame = alloc.frame_scope();
    auto result = frame.box<int>(7);
    const int first = std::move(result).into_inner();
    show(first + std::move(result).into_inner());  // FA444
}

WRONG(condition_is_turned_round) {
    const fa::smart_alloc alloc;
    fa::frame_box<npc> boss;
    auto frame = alloc.frame_scope();
    if (!boss) boss->health = 1000;  // FA444
    else boss = frame.box<npc>();
}

WRONG(entity_is_never_freed) {
    const fa::smart_alloc alloc;
    entity* e = alloc.pool_alloc<entity>();  // FA424
    e->id = 1;
}

WRONG(loader_leaks_on_its_error_path) {
    const fa::smart_alloc alloc;
    const auto load = [&](bool broken) {
        void* text = alloc.heap_alloc_bytes(8000);  // FA424
        if (broken) return false;
        alloc.heap_free_bytes(text, 8000);
        return true;
    };
    show(load(false));
    show(load(true));
}

WRONG(pointer_is_overwritten_by_the_next_level) {
    const fa::smart_alloc alloc;
    entity* door = nullptr;
    for (int level = 0; level < 3; ++level) {
        door = alloc.pool_alloc<entity>();  // FA424
        door->id = level;
    }
    alloc.pool_free(door);
}

WRONG(list_of_raw_pointers_is_cleared) {
    const fa::smart_alloc alloc;
    std::vector<entity*> bullets;
    for (int n = 0; n < 10; ++n) bullets.push_back(alloc.pool_alloc<entity>());  // FA424
    bullets.clear();
}

WRONG(exception_passes_over_the_free) {
    const fa::smart_alloc alloc;
    try {
        void* scratch = alloc.heap_alloc_bytes(6000);  // FA424
        if (static_cast<char*>(scratch) != nullptr) throw std::runtime_error("bad asset");
        alloc.heap_free_bytes(scratch, 6000);
    } catch (const std::runtime_error&) {
    }
}

WRONG(parent_and_child_own_each_other) {
    struct node {
        fa::pool_shared<node> parent, child;
    };
    const fa::smart_alloc alloc;
    auto root = alloc.pool_shared<node>();  // FA424
    root->child = alloc.pool_shared<node>();  // FA424
    root->child->parent = root;
}

WRONG(released_and_forgotten) {
    const fa::smart_alloc alloc;
    auto made = alloc.pool_box<npc>();  // FA424
    npc* raw = made.release();
    raw->health = 1;
}

WRONG(allocator_is_declared_behind_what_it_serves) {
    struct game {
        fa::pool_box<npc> player;
        fa::smart_alloc alloc;
        game() { player = alloc.pool_box<npc>(); }  // FA424
    };
    const game g;  // FA424, where it is inlined
    show(g.player->health);
}

WRONG(world_vector_outlives_its_allocator) {
    std::optional<std::vector<int, fa::pool_allocator<int>>> ids;
    {
        const fa::smart_alloc level;
        ids.emplace(fa::pool_allocator<int>(level));
        ids->push_back(3);  // FA424
    }
    show(ids->size());
}

WRONG(pmr_vector_outlives_its_allocator) {
    std::optional<std::pmr::vector<int>> kept;
    {
        const fa::smart_alloc level;
        kept.emplace(100, level.heap_resource());  // FA424
    }
    show(kept->size());
}

WRONG(static_box_goes_after_the_static_allocator) {
    static fa::pool_box<npc> hero;
    static const fa::smart_alloc alloc;
    hero = alloc.pool_box<npc>();  // FA424
    hero->health = 99;
}

WRONG(level_allocator_goes_with_its_frame_open) {
    const fa::smart_alloc level;
    level.begin_frame();  // FA428
    *level.frame_alloc<int>() = 1;
}

WRONG(vec_outlives_the_allocator_of_its_frame) {
    std::optional<fa::frame_vec<int>> waypoints;
    {
        const fa::smart_alloc level;
        auto frame = level.frame_scope();
        waypoints = frame.vec<int>({1, 2});
    }
    show((*waypoints)[1]);  // FA002
}

WRONG(two_boxes_adopt_one_object) {
    const fa::smart_alloc alloc;
    npc* raw = alloc.pool_box<npc>().release();
    fa::pool_box<npc> ours(raw);
    fa::pool_box<npc> theirs(raw);
    theirs.reset();
    ours.reset();  // FA411
}

WRONG(two_boxes_of_one_object_that_has_a_destructor) {
    const fa::smart_alloc alloc;
    auto name = alloc.pool_box<std::string>("a name that is too long for the object");
    fa::pool_box<std::string> copy(name.get());
    copy.reset();
    name.reset();  // FA411
}

WRONG(heap_array_freed_by_hand_and_by_its_box) {
    const fa::smart_alloc alloc;
    auto names = alloc.heap_box<std::string[]>(300);
    alloc.heap_free_bytes(names.get(), 300 * sizeof(std::string));
    names.reset();  // FA411
}

WRONG(free_by_hand_of_what_a_box_owns) {
    const fa::smart_alloc alloc;
    auto box = alloc.pool_box<entity>();
    alloc.pool_free(box.get());
    box.reset();  // FA411
}

WRONG(box_adopts_an_object_of_new) {
    npc* raw = new npc;
    fa::pool_box<npc> box(raw);  // FA414
    box.reset();  // FA414
}

WRONG(box_adopts_an_object_of_a_frame) {
    const fa::smart_alloc alloc;
    auto frame = alloc.frame_scope();
    npc* raw = frame.make<npc>();
    fa::pool_box<npc> box(raw);  // FA414
    box.reset();  // FA414
}

WRONG(owner_is_copied_by_memcpy) {
    struct slot {
        fa::pool_box<npc> item;
    };
    const fa::smart_alloc alloc;
    slot from{alloc.pool_box<npc>()}, to;
    std::memcpy(static_cast<void*>(&to), static_cast<const void*>(&from), sizeof to);
    from.item.reset();
    to.item.reset();  // FA411
}

WRONG(object_is_destroyed_by_hand_and_by_its_frame) {
    struct widget {
        explicit widget(const fa::smart_alloc& a) : alloc(a), icon(a.pool_alloc<entity>()) {}
        ~widget() { alloc.pool_free(icon); }  // FA411
        const fa::smart_alloc& alloc;
        entity* icon;
    };
    const fa::smart_alloc alloc;
    {
        auto frame = alloc.frame_scope();
        widget* w = frame.make<widget>(alloc);
        w->~widget();
    }
}

WRONG(destructor_reads_its_dead_frame) {
    struct trail {
        const vec3* last = nullptr;
        ~trail() {
            if (last != nullptr) show(last->x);  // FA002
        }
    };
    const fa::smart_alloc alloc;
    auto t = alloc.pool_box<trail>();
    {
        auto frame = alloc.frame_scope();
        vec3* p = frame.alloc<vec3>();
        *p = {1, 2, 3};
        t->last = p;
    }
    t.reset();  // FA002, where it is inlined
}

WRONG(destructor_of_an_outer_object_logs_to_an_inner_vec) {
    struct owner {
        fa::frame_vec<int>* log = nullptr;
        ~owner() { log->push_back(1); }  // FA002
    };
    const fa::smart_alloc alloc;
    auto outer = alloc.frame_scope();
    owner* o = outer.make<owner>();
    auto inner_log = [&] {
        auto inner = alloc.frame_scope();
        auto log = inner.vec<int>();
        return log;
    }();
    o->log = &inner_log;
}  // FA002

WRONG(destructor_ends_a_frame_that_is_not_its_own) {
    struct session {
        fa::smart_alloc alloc;
        explicit session(const fa::smart_alloc& a) : alloc(a) {}
        ~session() { alloc.end_frame(); }  // FA428
    };
    const fa::smart_alloc alloc;
    auto frame = alloc.frame_scope();
    frame.make<session>(alloc);
}

WRONG(destructor_leaves_a_frame_open) {
    struct recorder {
        fa::smart_alloc alloc;
        explicit recorder(const fa::smart_alloc& a) : alloc(a) {}
        ~recorder() {
            alloc.begin_frame();  // FA428
            *alloc.frame_alloc<int>() = 1;
        }
    };
    const fa::smart_alloc alloc;
    {
        auto frame = alloc.frame_scope();
        frame.make<recorder>(alloc);
    }  // FA428
}

WRONG(two_shared_owners_of_one_raw_pointer) {
    const fa::smart_alloc alloc;
    npc* raw = alloc.pool_box<npc>().release();
    fa::pool_shared<npc> a = fa::pool_box<npc>(raw);
    fa::pool_shared<npc> b = fa::pool_box<npc>(raw);
    a.reset();
    b.reset();  // FA411
}

WRONG(loaded_twice_into_the_same_slot) {
    struct slot {
        void* data = nullptr;
        std::size_t bytes = 0;
    };
    const fa::smart_alloc alloc;
    slot s;
    const auto load = [&](std::size_t bytes) {
        s.data = alloc.pool_alloc_bytes(bytes);  // FA424
        s.bytes = bytes;
    };
    load(100);
    load(200);
    alloc.pool_free_bytes(s.data, s.bytes);
}

}  // namespace
}  // namespace style
