// flecs's allocation functions, for machines without flecs: the signatures of flecs 4.1.6. Unlike flecs, a world only
// allocates one block with each function and frees it.
#pragma once

#include <cstdint>
#include <cstdlib>

using ecs_size_t = std::int32_t;
using ecs_os_api_malloc_t = void* (*)(ecs_size_t size);
using ecs_os_api_free_t = void (*)(void* ptr);
using ecs_os_api_realloc_t = void* (*)(void* ptr, ecs_size_t size);
using ecs_os_api_calloc_t = void* (*)(ecs_size_t size);

struct ecs_os_api_t {
    ecs_os_api_malloc_t malloc_;
    ecs_os_api_realloc_t realloc_;
    ecs_os_api_calloc_t calloc_;
    ecs_os_api_free_t free_;
};

inline ecs_os_api_t ecs_os_api = {};

inline void ecs_os_set_api_defaults() {
    ecs_os_api = {[](ecs_size_t n) { return std::malloc(static_cast<std::size_t>(n)); },
                  [](void* p, ecs_size_t n) { return std::realloc(p, static_cast<std::size_t>(n)); },
                  [](ecs_size_t n) { return std::calloc(1, static_cast<std::size_t>(n)); },
                  [](void* p) { std::free(p); }};
}
inline ecs_os_api_t ecs_os_get_api() { return ecs_os_api; }
inline void ecs_os_set_api(ecs_os_api_t* api) { ecs_os_api = *api; }

struct ecs_world_t {
    void* tables;
    char* names;
};

inline ecs_world_t* ecs_init() {
    auto* w = static_cast<ecs_world_t*>(ecs_os_api.calloc_(sizeof(ecs_world_t)));
    if (w->tables != nullptr) std::abort();
    w->tables = ecs_os_api.malloc_(5000);
    w->names = static_cast<char*>(ecs_os_api.realloc_(nullptr, 10));
    w->names[9] = 'n';
    w->names = static_cast<char*>(ecs_os_api.realloc_(w->names, 100'000));
    return w;
}
inline int ecs_fini(ecs_world_t* w) {
    const bool kept = w->names[9] == 'n';
    ecs_os_api.free_(w->tables);
    ecs_os_api.free_(w->names);
    ecs_os_api.free_(w);
    return kept ? 0 : 1;
}
