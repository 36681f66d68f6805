// Memory that outlives a frame: pool boxes for small objects, heap vectors for large data, shared objects for several
// owners.
#include <framealloc/framealloc.hpp>

#include <cstdio>
#include <string>
#include <thread>
#include <vector>

namespace fa = framealloc;

struct entity {
    std::string name;
    int health;
    ~entity() = default;
};

int main() {
    fa::smart_alloc alloc;
    {
        std::vector<fa::pool_box<entity>> entities;
        for (int i = 0; i < 1000; ++i) entities.push_back(alloc.pool_box<entity>("unit " + std::to_string(i), 100));
        const std::size_t bytes = alloc.stats().pool_allocated;
        entities.resize(500);
        std::printf("half of them freed: %zu %% of their bytes are left\n", alloc.stats().pool_allocated * 100 / bytes);

        auto texture = alloc.heap_vec<unsigned char>(fa::count(512 * 512 * 4));
        std::printf("a texture: %zu bytes on the heap\n", alloc.stats().heap_allocated);
        texture[0] = 255;

        auto config = alloc.pool_shared<std::string>("shared by three threads");
        std::vector<std::thread> readers;
        for (int i = 0; i < 3; ++i) readers.emplace_back([config] { static_cast<void>(config->size()); });
        for (std::thread& t : readers) t.join();
        std::printf("%s, then by %u\n", config->c_str(), config.use_count());
    }
    const fa::alloc_stats s = alloc.stats();
    std::printf("at the end: %zu bytes, %llu blocks\n", s.total_allocated,
                static_cast<unsigned long long>(s.active_allocations()));
}
