// Pool and heap blocks, freed as they were allocated.
#include "game.hpp"

#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <memory_resource>
#include <new>
#include <string>
#include <utility>
#include <vector>

namespace style {
namespace {

struct entity {
    int id;
    float health;
    vec3 position;
};

RIGHT(entity_taken_and_freed) {
    const fa::smart_alloc alloc;
    entity* e = alloc.pool_alloc<entity>();
    *e = {1, 100, {0, 0, 0}};
    show(e->health);
    alloc.pool_free(e);
}

RIGHT(null_is_freed) {
    const fa::smart_alloc alloc;
    entity* nobody = nullptr;
    alloc.pool_free(nobody);
    alloc.heap_free(nobody);
    alloc.pool_free_bytes(nullptr, 100);
    alloc.heap_free_bytes(nullptr, 0);
}

RIGHT(many_sizes_to_their_last_byte) {
    const fa::smart_alloc alloc;
    for (std::size_t n = 1; n < 10'000; n += n / 3 + 1) {
        void* a = alloc.pool_alloc_bytes(n);
        void* b = alloc.heap_alloc_bytes(n);
        std::memset(a, 0, n);
        std::memset(b, 0xFF, n);
        alloc.heap_free_bytes(b, n);
        alloc.pool_free_bytes(a, n);
    }
}

RIGHT(pointer_is_cleared_behind_each_free) {
    const fa::smart_alloc alloc;
    entity* target = alloc.pool_alloc<entity>();
    for (int n = 0; n < 3; ++n) alloc.pool_free(std::exchange(target, nullptr));
}

RIGHT(address_is_used_again_by_the_next) {
    const fa::smart_alloc alloc;
    for (int n = 0; n < 5000; ++n) {
        entity* e = alloc.pool_alloc<entity>();
        e->id = n;
        alloc.pool_free(e);
    }
}

RIGHT(wave_of_bullets) {
    const fa::smart_alloc alloc;
    std::vector<particle*> bullets;
    for (int n = 0; n < 2000; ++n) {
        bullets.push_back(alloc.pool_alloc<particle>());
        bullets.back()->life = static_cast<float>(n % 30);
        std::erase_if(bullets, [&](particle* b) {
            if (b->life > 3) return false;
            alloc.pool_free(b);
            return true;
        });
    }
    for (particle* b : bullets) alloc.pool_free(b);
}

RIGHT(over_aligned_blocks) {
    const fa::smart_alloc alloc;
    struct alignas(64) line {
        float values[16];
    };
    line* l = alloc.pool_alloc<line>();
    l->values[15] = 1;
    alloc.pool_free(l);
    for (const std::size_t align : {32U, 256U, 4096U}) {
        void* p = alloc.heap_alloc_bytes(100, align);
        show(reinterpret_cast<std::uintptr_t>(p) % align);
        std::memset(p, 1, 100);
        alloc.heap_free_bytes(p, 100, align);
    }
}

RIGHT(packed_text_without_alignment) {
    const fa::smart_alloc alloc;
    const char* name = "skeleton_archer_";
    const std::size_t n = std::strlen(name) + 1;
    char* copy = static_cast<char*>(alloc.pool_alloc_bytes(n, 1));
    std::memcpy(copy, name, n);
    alloc.pool_free_bytes(copy, n, 1);
}

RIGHT(large_images) {
    const fa::smart_alloc alloc;
    for (const std::size_t n : {100'000U, 1'048'576U, 5'000'000U}) {
        auto* image = static_cast<unsigned char*>(alloc.heap_alloc_bytes(n));
        image[0] = image[n - 1] = 1;
        alloc.heap_free_bytes(image, n);
    }
}

RIGHT(pool_block_that_is_too_large_for_the_pool) {
    const fa::smart_alloc alloc;
    void* p = alloc.pool_alloc_bytes(50'000);
    std::memset(p, 0, 50'000);
    alloc.pool_free_bytes(p, 50'000);
}

RIGHT(placement_new_and_destructor) {
    const fa::smart_alloc alloc;
    void* p = alloc.pool_alloc_bytes(sizeof(std::string), alignof(std::string));
    auto* s = ::new (p) std::string("a text that is long enough for malloc");
    show(s->size());
    s->~basic_string();
    alloc.pool_free_bytes(p, sizeof(std::string), alignof(std::string));
}

RIGHT(header_in_front_of_what_the_user_gets) {
    const fa::smart_alloc alloc;
    const auto get = [&](std::size_t n) {
        auto* p = static_cast<std::size_t*>(alloc.pool_alloc_bytes(n + 16));
        *p = n;
        return static_cast<void*>(p + 2);
    };
    const auto put = [&](void* p) {
        auto* header = static_cast<std::size_t*>(p) - 2;
        alloc.pool_free_bytes(header, *header + 16);
    };
    void* p = get(100);
    std::memset(p, 0, 100);
    put(p);
}

RIGHT(slot_map_over_a_block) {
    const fa::smart_alloc alloc;
    constexpr std::size_t n = 256;
    auto* slots = static_cast<int*>(alloc.heap_alloc_bytes(n * sizeof(int)));
    for (std::size_t i = 0; i < n; ++i) slots[i] = static_cast<int>(i + 1);
    int first = 0;
    for (int taken = 0; taken < 200; ++taken) first = slots[first];
    show(first);
    alloc.heap_free_bytes(slots, n * sizeof(int));
}

RIGHT(own_free_list_of_blocks_that_are_alive) {
    struct node {
        node* next;
        int payload[6];
    };
    const fa::smart_alloc alloc;
    node* idle = nullptr;
    for (int n = 0; n < 20; ++n) {
        node* made = alloc.pool_alloc<node>();
        made->next = idle;
        idle = made;
    }
    while (idle != nullptr) alloc.pool_free(std::exchange(idle, idle->next));
}

RIGHT(standard_allocators_by_hand) {
    const fa::smart_alloc alloc;
    fa::pool_allocator<int> ints(alloc);
    int* p = ints.allocate(32);
    p[31] = 1;
    ints.deallocate(p, 32);
    fa::heap_allocator<vec3> points(alloc);
    vec3* v = points.allocate(1000);
    v[999] = {1, 1, 1};
    points.deallocate(v, 1000);
    int* none = ints.allocate(0);
    ints.deallocate(none, 0);
}

RIGHT(rebound_allocators_free_for_each_other) {
    const fa::smart_alloc alloc;
    fa::pool_allocator<int> a(alloc);
    fa::pool_allocator<int> b = fa::pool_allocator<vec3>(a);
    int* p = a.allocate(5);
    b.deallocate(p, 5);
    show(a == b);
}

RIGHT(pmr_by_hand) {
    const fa::smart_alloc alloc;
    for (std::pmr::memory_resource* r : {alloc.pool_resource(), alloc.heap_resource()}) {
        for (const std::size_t n : {1U, 32U, 5000U, 70'000U}) {
            void* p = r->allocate(n, 32);
            std::memset(p, 0, n);
            r->deallocate(p, n, 32);
        }
    }
}

RIGHT(polymorphic_objects) {
    const fa::smart_alloc alloc;
    std::pmr::polymorphic_allocator<> from(alloc.pool_resource());
    auto* s = from.new_object<std::pmr::string>("a text that is longer than a short one");
    show(s->size());
    from.delete_object(s);
    void* p = from.allocate_bytes(100, 8);
    from.deallocate_bytes(p, 100, 8);
}

RIGHT(references_to_sources) {
    const fa::smart_alloc alloc;
    auto frame = alloc.frame_scope();
    for (const fa::allocator_ref& from : {alloc.pool_ref(), alloc.heap_ref(), frame.ref()}) {
        void* p = from.try_allocate(48, 8);
        std::memset(p, 0, 48);
        from.deallocate(p, 48, 8);
    }
}

RIGHT(unique_ptr_with_the_right_deleter) {
    struct to_pool {
        fa::smart_alloc alloc;
        void operator()(entity* e) const { alloc.pool_free(e); }
    };
    const fa::smart_alloc alloc;
    std::unique_ptr<entity, to_pool> e(alloc.pool_alloc<entity>(), to_pool{alloc});
    e->id = 1;
    std::vector<std::unique_ptr<entity, to_pool>> all;
    all.push_back(std::move(e));
}

RIGHT(two_allocators_each_with_its_own) {
    const fa::smart_alloc game{{.name = "game"}}, assets{{.name = "assets"}};
    void* texture = assets.pool_alloc_bytes(256);
    entity* e = game.pool_alloc<entity>();
    std::memset(texture, 0, 256);
    assets.pool_free_bytes(texture, 256);
    game.pool_free(e);
}

RIGHT(freed_through_a_copy_of_the_handle) {
    const fa::smart_alloc alloc;
    const fa::smart_alloc copy = alloc;
    void* p = alloc.heap_alloc_bytes(300);
    copy.heap_free_bytes(p, 300);
    show(copy == alloc);
}

RIGHT(handle_that_is_replaced_when_nothing_is_left) {
    fa::smart_alloc level{{.name = "level 1"}};
    alignas(8) std::array<char, 16> name{};
    for (int n = 0; n < 3; ++n) {
        void* p = level.pool_alloc_bytes(100);
        level.pool_free_bytes(p, 100);
        level = fa::smart_alloc{{.name = name.data()}};
    }
}

RIGHT(checks_in_the_middle_of_work) {
    const fa::smart_alloc alloc;
    std::vector<std::pair<void*, std::size_t>> blocks;
    for (std::size_t n = 1; n < 300; ++n) {
        blocks.emplace_back(alloc.pool_alloc_bytes(n * 7), n * 7);
        std::memset(blocks.back().first, 0xAB, n * 7);
        if (n % 3 == 0) {
            alloc.pool_free_bytes(blocks.front().first, blocks.front().second);
            blocks.erase(blocks.begin());
        }
        if (n % 50 == 0) show(alloc.check());
    }
    for (const auto& [p, n] : blocks) alloc.pool_free_bytes(p, n);
    alloc.trim();
    show(alloc.check());
}

RIGHT(attempts_beyond_the_limit) {
    const fa::smart_alloc alloc{{.global_limit = 8_MiB}};
    std::vector<void*> taken;
    for (void* p; (p = alloc.try_heap_alloc_bytes(200'000)) != nullptr;) taken.push_back(p);
    for (void* p : taken) alloc.heap_free_bytes(p, 200'000);
    show(alloc.try_heap_alloc_bytes(1'000'000'000'000) == nullptr);
}

RIGHT(exhaustion_handler_frees_a_cache) {
    static void* cache = nullptr;
    static const fa::smart_alloc* owner = nullptr;
    const auto give_way = [](const fa::exhaustion&) {
        if (cache == nullptr) return false;
        owner->heap_free_bytes(std::exchange(cache, nullptr), 3'000'000);
        return true;
    };
    const fa::smart_alloc alloc{{.global_limit = 8_MiB, .on_exhaustion = give_way}};
    owner = &alloc;
    cache = alloc.heap_alloc_bytes(3'000'000);
    void* p = alloc.heap_alloc_bytes(4'500'000);
    std::memset(p, 0, 4'500'000);
    alloc.heap_free_bytes(p, 4'500'000);
    if (cache != nullptr) alloc.heap_free_bytes(cache, 3'000'000);
}

RIGHT(memory_that_is_fixed) {
    const fa::smart_alloc alloc{{.frame_capacity = 64_KiB, .fixed_memory = 16_MiB}};
    for (int n = 0; n < 20; ++n) {
        auto frame = alloc.frame_scope();
        frame.slice<int>(1000)[999] = n;
        void* p = alloc.pool_alloc_bytes(500);
        std::memset(p, n, 500);
        alloc.pool_free_bytes(p, 500);
    }
}

RIGHT(blocks_from_inside_a_frame_outlive_it) {
    const fa::smart_alloc alloc;
    entity* spawned = nullptr;
    {
        auto frame = alloc.frame_scope();
        frame.slice<int>(10)[0] = 1;
        spawned = alloc.pool_alloc<entity>();
        spawned->health = 50;
    }
    show(spawned->health);
    alloc.pool_free(spawned);
}

RIGHT(objects_of_a_derived_class_through_boxes) {
    struct shape {
        virtual ~shape() = default;
        int sides = 0;
    };
    struct named : shape {
        std::string name = "a name that is long enough for an allocation";
    };
    const fa::smart_alloc alloc;
    std::vector<fa::pool_box<shape>> shapes;
    for (int n = 0; n < 10; ++n) shapes.push_back(alloc.pool_box<named>());
    shapes[3]->sides = 4;
}

}  // namespace
}  // namespace style
