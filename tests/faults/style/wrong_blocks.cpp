// Pool and heap blocks: sizes, kinds, owners, writes past the end and before the start.
#include "game.hpp"

#include <cstdlib>
#include <cstring>
#include <list>
#include <map>
#include <memory>
#include <memory_resource>
#include <new>
#include <string>
#include <vector>

namespace style {
namespace {

struct entity {
    int id;
    float health;
    vec3 position;
};

struct monster : entity {
    char name[64];
};

WRONG(entity_is_freed_by_both_systems) {
    const fa::smart_alloc alloc;
    entity* e = alloc.pool_alloc<entity>();
    entity* seen_by_ai = e;
    alloc.pool_free(e);
    alloc.pool_free(seen_by_ai);  // FA411
}

WRONG(list_with_one_entity_twice_is_cleared) {
    const fa::smart_alloc alloc;
    std::vector<entity*> all;
    for (int n = 0; n < 5; ++n) all.push_back(alloc.pool_alloc<entity>());
    all.push_back(all[2]);
    for (entity* e : all) alloc.pool_free(e);  // FA411
}

WRONG(buffer_freed_on_error_and_at_the_end) {
    const fa::smart_alloc alloc;
    void* buffer = alloc.heap_alloc_bytes(10'000);
    const bool failed = std::memcmp(static_cast<char*>(buffer), "PNG", 3) != 0;
    if (failed) alloc.heap_free_bytes(buffer, 10'000);
    alloc.heap_free_bytes(buffer, 10'000);  // FA411
}

WRONG(text_without_room_for_its_end) {
    const fa::smart_alloc alloc;
    const char* name = "skeleton_archer_";
    const std::size_t n = std::strlen(name);
    char* copy = static_cast<char*>(alloc.pool_alloc_bytes(n, 1));  // born
    std::memcpy(copy, name, n + 1);
    alloc.pool_free_bytes(copy, n, 1);  // FA412
}

WRONG(samples_written_one_too_far) {
    const fa::smart_alloc alloc;
    const std::size_t n = 512;
    auto* samples = static_cast<float*>(alloc.heap_alloc_bytes(n * sizeof(float)));  // born
    for (std::size_t i = 0; i <= n; ++i) samples[i] = 0;
    alloc.heap_free_bytes(samples, n * sizeof(float));  // FA412
}

WRONG(header_written_before_the_block) {
    const fa::smart_alloc alloc;
    auto* p = static_cast<std::size_t*>(alloc.pool_alloc_bytes(48));  // born
    p[-1] = 48;
    alloc.pool_free_bytes(p, 48);  // FA413
}

WRONG(ring_buffer_index_falls_below_zero) {
    const fa::smart_alloc alloc;
    auto* ring = static_cast<int*>(alloc.pool_alloc_bytes(16 * sizeof(int)));  // born
    int head = 0;
    for (int n = 0; n < 3; ++n) ring[head--] = n;
    alloc.pool_free_bytes(ring, 16 * sizeof(int));  // FA413
}

WRONG(frame_array_written_one_too_far) {
    const fa::smart_alloc alloc;
    {
        auto frame = alloc.frame_scope();
        auto indices = frame.batch<int>(12);  // born
        int* out = indices.data();
        for (int i = 0; i <= 12; ++i) out[i] = i;
    }  // FA412
}

WRONG(frame_text_copied_without_its_end) {
    const fa::smart_alloc alloc;
    alloc.begin_frame();
    char* line = static_cast<char*>(alloc.frame_alloc_bytes(5, 1));  // born
    std::strcpy(line, "hello");
    alloc.end_frame();  // FA412
}

WRONG(found_by_a_check_between_two_systems) {
    const fa::smart_alloc alloc;
    auto frame = alloc.frame_scope();
    float* weights = frame.slice<float>(10).data();  // born
    weights[10] = 1;
    alloc.check();  // FA412
}

WRONG(struct_allocated_by_the_size_of_a_pointer) {
    const fa::smart_alloc alloc;
    auto* e = static_cast<entity*>(alloc.pool_alloc_bytes(sizeof(entity*)));  // born
    e->position = {1, 2, 3};
    alloc.pool_free_bytes(e, sizeof(entity*));  // FA412
}

WRONG(count_is_taken_for_bytes) {
    const fa::smart_alloc alloc;
    auto* ids = static_cast<int*>(alloc.heap_alloc_bytes(100));  // born
    for (int i = 0; i < 28; ++i) ids[i] = i;
    alloc.heap_free_bytes(ids, 100);  // FA412
}

WRONG(freed_as_the_base_class) {
    const fa::smart_alloc alloc;
    entity* e = alloc.pool_alloc<monster>();  // born
    alloc.pool_free(e);  // FA418
}

WRONG(freed_with_the_new_length) {
    const fa::smart_alloc alloc;
    std::size_t length = 64;
    void* text = alloc.pool_alloc_bytes(length);
    length += 8;
    alloc.pool_free_bytes(text, length);  // FA418
}

WRONG(freed_as_one_element_of_an_array) {
    const fa::smart_alloc alloc;
    auto* all = static_cast<entity*>(alloc.heap_alloc_bytes(100 * sizeof(entity)));
    alloc.heap_free(all);  // FA418
}

WRONG(pool_block_given_to_the_heap) {
    const fa::smart_alloc alloc;
    entity* e = alloc.pool_alloc<entity>();
    alloc.heap_free(e);  // FA417
}

WRONG(heap_block_given_to_the_pool) {
    const fa::smart_alloc alloc;
    void* mesh = alloc.heap_alloc_bytes(3000);
    alloc.pool_free_bytes(mesh, 3000);  // FA417
}

WRONG(asset_freed_through_the_games_allocator) {
    const fa::smart_alloc game{{.name = "game"}}, assets{{.name = "assets"}};
    void* texture = assets.pool_alloc_bytes(256);
    game.pool_free_bytes(texture, 256);  // FA417
}

WRONG(member_of_a_block_is_freed) {
    const fa::smart_alloc alloc;
    monster* m = alloc.pool_alloc<monster>();
    alloc.pool_free_bytes(&m->position, sizeof(vec3), alignof(vec3));  // FA415
}

WRONG(cursor_is_freed_in_place_of_the_begin) {
    const fa::smart_alloc alloc;
    auto* p = static_cast<char*>(alloc.heap_alloc_bytes(20'000));
    for (int n = 0; n < 100; ++n) *p++ = 'x';
    alloc.heap_free_bytes(p, 20'000);  // FA415
}

WRONG(frame_memory_is_freed) {
    const fa::smart_alloc alloc;
    auto frame = alloc.frame_scope();
    entity* e = frame.alloc<entity>();
    alloc.pool_free(e);  // FA414
}

WRONG(malloc_block_is_freed) {
    const fa::smart_alloc alloc;
    void* p = std::malloc(100);
    alloc.heap_free_bytes(p, 100);  // FA414
}

WRONG(local_is_freed) {
    const fa::smart_alloc alloc;
    entity local{};
    entity* nearest = &local;
    alloc.pool_free(nearest);  // FA414
    show(local.id);
}

WRONG(entity_written_after_it_was_freed) {
    const fa::smart_alloc alloc;
    entity* e = alloc.pool_alloc<entity>();  // born
    alloc.pool_free(e);
    e->health = 0;
    alloc.check();  // FA419
}

WRONG(buffer_filled_after_it_was_freed) {
    const fa::smart_alloc alloc;
    void* buffer = alloc.heap_alloc_bytes(4000);
    alloc.heap_free_bytes(buffer, 4000);  // FA419
    std::memset(buffer, 0, 100);
}  // FA419

WRONG(dangling_entity_is_damaged_in_a_long_game) {
    const fa::smart_alloc alloc;
    entity* target = alloc.pool_alloc<entity>();  // born
    alloc.pool_free(target);
    target->health = 0;
    for (int n = 0; n < 5000; ++n) {
        entity* e = alloc.pool_alloc<entity>();  // FA419
        alloc.pool_free(e);  // FA419
    }
}

WRONG(observer_list_writes_into_a_dead_observer) {
    struct observer {
        int seen = 0;
    };
    const fa::smart_alloc alloc;
    std::vector<observer*> observers;
    {
        auto o = alloc.pool_box<observer>();
        observers.push_back(o.get());
    }  // FA419
    for (observer* o : observers) ++o->seen;
}  // FA419

WRONG(std_allocator_deallocates_another_count) {
    const fa::smart_alloc alloc;
    fa::pool_allocator<int> ints(alloc);
    int* p = ints.allocate(32);
    ints.deallocate(p, 8);  // FA418
}

WRONG(std_allocator_of_another_kind) {
    const fa::smart_alloc alloc;
    int* p = fa::pool_allocator<int>(alloc).allocate(32);
    fa::heap_allocator<int>(alloc).deallocate(p, 32);  // FA417
}

WRONG(std_allocator_of_another_type) {
    const fa::smart_alloc alloc;
    fa::pool_allocator<monster> monsters(alloc);
    monster* m = monsters.allocate(1);
    fa::pool_allocator<entity>(monsters).deallocate(m, 1);  // FA418
}

WRONG(pmr_block_freed_with_another_size) {
    const fa::smart_alloc alloc;
    std::pmr::memory_resource* r = alloc.pool_resource();
    void* p = r->allocate(32);
    r->deallocate(p, 5000);  // FA418
}

WRONG(pmr_block_freed_twice) {
    const fa::smart_alloc alloc;
    std::pmr::polymorphic_allocator<int> ints(alloc.heap_resource());
    int* p = ints.allocate(10);
    ints.deallocate(p, 10);
    ints.deallocate(p, 10);  // FA411
}

WRONG(pmr_block_of_new_delete_given_to_the_pool) {
    const fa::smart_alloc alloc;
    void* p = std::pmr::new_delete_resource()->allocate(64);
    alloc.pool_resource()->deallocate(p, 64);  // FA414
}

WRONG(pmr_resources_of_two_allocators_mixed) {
    const fa::smart_alloc ui{{.name = "ui"}}, game{{.name = "game"}};
    void* p = ui.pool_resource()->allocate(64);
    game.pool_resource()->deallocate(p, 64);  // FA417
}

WRONG(source_frees_with_another_alignment) {
    const fa::smart_alloc alloc;
    fa::allocator_ref from = alloc.pool_ref();
    void* p = from.try_allocate(48, 8);
    from.deallocate(p, 40, 8);  // FA418
}

WRONG(source_frees_twice) {
    const fa::smart_alloc alloc;
    const fa::allocator_ref from = alloc.heap_ref();
    void* p = from.try_allocate(9000, 16);
    from.deallocate(p, 9000, 16);
    from.deallocate(p, 9000, 16);  // FA411
}

WRONG(unique_ptr_with_the_wrong_deleter) {
    struct to_heap {
        fa::smart_alloc alloc;
        void operator()(entity* e) const { alloc.heap_free(e); }  // FA417
    };
    const fa::smart_alloc alloc;
    const std::unique_ptr<entity, to_heap> e(alloc.pool_alloc<entity>(), to_heap{alloc});
    e->id = 1;
}

WRONG(unique_ptr_beside_a_free_by_hand) {
    struct to_pool {
        fa::smart_alloc alloc;
        void operator()(entity* e) const { alloc.pool_free(e); }  // FA411
    };
    const fa::smart_alloc alloc;
    const std::unique_ptr<entity, to_pool> e(alloc.pool_alloc<entity>(), to_pool{alloc});
    alloc.pool_free(e.get());
}

WRONG(vector_overruns_through_its_data) {
    const fa::smart_alloc alloc;
    {
        std::vector<int, fa::pool_allocator<int>> ids(10, 0, fa::pool_allocator<int>(alloc));  // born
        int* raw = ids.data();
        raw[ids.size()] = 1;
    }  // FA412
}

WRONG(pmr_vector_overruns_through_its_data) {
    const fa::smart_alloc alloc;
    {
        std::pmr::vector<short> heights(40, alloc.heap_resource());  // born
        short* raw = heights.data();
        for (int i = 0; i <= 40; ++i) raw[i] = 2;
    }  // FA412
}

WRONG(free_list_of_the_users_own_links_freed_blocks) {
    struct node {
        node* next;
        int payload[6];
    };
    const fa::smart_alloc alloc;
    node* free_list = nullptr;
    for (int n = 0; n < 4; ++n) {
        node* made = alloc.pool_alloc<node>();
        alloc.pool_free(made);
        made->next = free_list;
        free_list = made;
    }
    alloc.check();  // FA419
}

WRONG(alignment_of_no_power_of_two) {
    const fa::smart_alloc alloc;
    static_cast<void>(alloc.try_pool_alloc_bytes(64, 24));  // FA431
}

WRONG(zero_for_any_alignment) {
    const fa::smart_alloc alloc;
    auto frame = alloc.frame_scope();
    static_cast<void>(frame.try_alloc_bytes(64, 0));  // FA431
}

WRONG(stack_array_overrun_into_a_matrix_of_the_pool) {
    struct matrix {
        float m[16];
    };
    const fa::smart_alloc alloc;
    matrix* world = alloc.pool_alloc<matrix>();  // born
    float* cell = world->m;
    for (int row = 0; row < 4; ++row) {
        for (int column = 0; column <= 4; ++column) cell[row * 4 + column] = 0;
    }
    alloc.pool_free(world);  // FA412
}

DOCUMENTED(entity_read_after_it_was_freed) {
    const fa::smart_alloc alloc;
    entity* e = alloc.pool_alloc<entity>();
    alloc.pool_free(e);
    show(e->health);
}

DOCUMENTED(heap_buffer_read_behind_its_end) {
    const fa::smart_alloc alloc;
    auto* p = static_cast<int*>(alloc.heap_alloc_bytes(100 * sizeof(int)));
    p[0] = 0;
    show(p[100]);
    alloc.heap_free_bytes(p, 100 * sizeof(int));
}

DOCUMENTED(write_that_misses_every_zone) {
    const fa::smart_alloc alloc;
    auto* p = static_cast<char*>(alloc.heap_alloc_bytes(64));
    p[4096] = 1;
    alloc.heap_free_bytes(p, 64);
}

}  // namespace
}  // namespace style
