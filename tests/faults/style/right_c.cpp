// The C interface, as an engine in C uses it.
#include "game.hpp"

#include <framealloc/framealloc.h>

#include <cstring>
#include <thread>

namespace style {
namespace {

RIGHT(c_example_of_the_header) {
    fa_allocator* game = fa_create(nullptr);
    fa_frame* frame = fa_frame_begin(game);
    auto* hits = static_cast<contact*>(fa_frame_alloc(frame, 10 * sizeof(contact), alignof(contact)));
    hits[9] = {1, 2, 3};
    show(hits[9].depth);
    fa_frame_end(frame);
    fa_destroy(game);
}

RIGHT(c_null_is_nothing) {
    fa_allocator* game = fa_create(nullptr);
    fa_pool_free(game, nullptr, 10, 0);
    fa_heap_free(game, nullptr, 0, 0);
    fa_frame_end(nullptr);
    fa_destroy(nullptr);
    fa_destroy(game);
}

RIGHT(c_nothing_is_asked_for) {
    fa_allocator* game = fa_create(nullptr);
    fa_frame* frame = fa_frame_begin(game);
    show(fa_frame_alloc(frame, 0, 0) == nullptr);
    show(fa_pool_alloc(game, 0, 0) == nullptr);
    fa_frame_end(frame);
    fa_destroy(game);
}

RIGHT(c_blocks_of_many_sizes) {
    fa_allocator* game = fa_create(nullptr);
    for (std::size_t n = 1; n < 20'000; n = n * 2 + 1) {
        void* a = fa_pool_alloc(game, n, 0);
        void* b = fa_heap_alloc(game, n, 64);
        std::memset(a, 0, n);
        std::memset(b, 0, n);
        fa_heap_free(game, b, n, 64);
        fa_pool_free(game, a, n, 0);
    }
    fa_destroy(game);
}

RIGHT(c_text_with_its_end) {
    fa_allocator* game = fa_create(nullptr);
    const char* name = "a name of 24 characters.";
    const std::size_t n = std::strlen(name) + 1;
    char* copy = static_cast<char*>(fa_pool_alloc(game, n, 1));
    std::memcpy(copy, name, n);
    fa_pool_free(game, copy, n, 1);
    fa_destroy(game);
}

RIGHT(c_frames_in_frames) {
    fa_allocator* game = fa_create(nullptr);
    for (int i = 0; i < 10; ++i) {
        fa_frame* outer = fa_frame_begin(game);
        int* kept = static_cast<int*>(fa_frame_alloc(outer, sizeof(int), 0));
        fa_frame* inner = fa_frame_begin(game);
        auto* more = static_cast<int*>(fa_frame_alloc(outer, 10 * sizeof(int), 0));
        *kept = more[9] = i;
        fa_frame_end(inner);
        show(*kept + more[9]);
        fa_frame_end(outer);
    }
    fa_destroy(game);
}

RIGHT(c_tags_in_reverse_order) {
    fa_allocator* game = fa_create(nullptr);
    fa_tag physics, solver;
    fa_tag_begin(&physics, game, "physics");
    fa_tag_begin(&solver, game, "solver");
    void* p = fa_pool_alloc(game, 100, 0);
    fa_tag_end(&solver);
    fa_tag_end(&physics);
    show(fa_get_tag_stats(game, "physics::solver").pool_bytes);
    fa_pool_free(game, p, 100, 0);
    fa_destroy(game);
}

RIGHT(c_freed_on_another_thread) {
    fa_allocator* game = fa_create(nullptr);
    void* p = fa_pool_alloc(game, 100, 0);
    std::thread([=] { fa_pool_free(game, p, 100, 0); }).join();
    fa_destroy(game);
}

RIGHT(c_thread_with_a_frame_of_its_own) {
    fa_allocator* game = fa_create(nullptr);
    std::thread([=] {
        fa_frame* frame = fa_frame_begin(game);
        static_cast<char*>(fa_frame_alloc(frame, 100, 0))[99] = 'x';
        fa_frame_end(frame);
    }).join();
    fa_destroy(game);
}

RIGHT(c_options) {
    fa_options o{};
    o.name = "tools";
    o.frame_capacity = 65536;
    o.frame_limit = 262144;
    fa_allocator* tools = fa_create(&o);
    fa_frame* frame = fa_frame_begin(tools);
    int served = 0;
    while (fa_frame_alloc(frame, 10'000, 0) != nullptr) ++served;
    show(served);
    fa_frame_end(frame);
    fa_destroy(tools);
}

RIGHT(c_what_is_known) {
    fa_allocator* game = fa_create(nullptr);
    void* p = fa_heap_alloc(game, 5000, 0);
    char text[200];
    show(fa_describe(p, text, sizeof text));
    show(fa_get_stats(game).heap_bytes);
    show(fa_check(game));
    fa_trim(game);
    fa_heap_free(game, p, 5000, 0);
    fa_destroy(game);
}

RIGHT(c_array_grown_by_hand) {
    fa_allocator* game = fa_create(nullptr);
    std::size_t room = 4, used = 0;
    int* items = static_cast<int*>(fa_heap_alloc(game, room * sizeof(int), 0));
    for (int i = 0; i < 1000; ++i) {
        if (used == room) {
            int* more = static_cast<int*>(fa_heap_alloc(game, 2 * room * sizeof(int), 0));
            std::memcpy(more, items, room * sizeof(int));
            fa_heap_free(game, items, room * sizeof(int), 0);
            items = more;
            room *= 2;
        }
        items[used++] = i;
    }
    show(items[999]);
    fa_heap_free(game, items, room * sizeof(int), 0);
    fa_destroy(game);
}

}  // namespace
}  // namespace style
