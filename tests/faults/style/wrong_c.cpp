// The C interface, as an engine in C uses it.
#include "game.hpp"

#include <framealloc/framealloc.h>

#include <cstdlib>
#include <cstring>
#include <thread>

namespace style {
namespace {

WRONG(c_block_freed_twice) {
    fa_allocator* game = fa_create(nullptr);
    void* p = fa_pool_alloc(game, 40, 0);
    void* also = hidden(p);
    fa_pool_free(game, p, 40, 0);
    fa_pool_free(game, also, 40, 0);  // FA411
}

WRONG(c_wrong_size) {
    fa_allocator* game = fa_create(nullptr);
    void* p = fa_heap_alloc(game, 400, 0);
    fa_heap_free(game, p, 40, 0);  // FA418
}

WRONG(c_sizeof_of_a_pointer) {
    fa_allocator* game = fa_create(nullptr);
    particle* p = static_cast<particle*>(fa_pool_alloc(game, sizeof(particle), alignof(particle)));
    p->life = 1;
    fa_pool_free(game, p, sizeof(p), alignof(particle));  // FA418
}

WRONG(c_wrong_kind) {
    fa_allocator* game = fa_create(nullptr);
    void* volatile p = fa_heap_alloc(game, 64, 0);
    fa_pool_free(game, p, 64, 0);  // FA417
}

WRONG(c_wrong_allocator) {
    fa_allocator* game = fa_create(nullptr);
    fa_allocator* sound = fa_create(nullptr);
    void* p = fa_pool_alloc(game, 64, 0);
    fa_pool_free(sound, p, 64, 0);  // FA417
}

WRONG(c_free_of_malloc) {
    fa_allocator* game = fa_create(nullptr);
    void* volatile p = std::malloc(64);
    fa_pool_free(game, p, 64, 0);  // FA414
}

WRONG(c_free_of_frame_memory) {
    fa_allocator* game = fa_create(nullptr);
    fa_frame* frame = fa_frame_begin(game);
    void* p = fa_frame_alloc(frame, 64, 0);
    fa_heap_free(game, p, 64, 0);  // FA414
}

WRONG(c_free_of_the_second_element) {
    fa_allocator* game = fa_create(nullptr);
    auto* p = static_cast<particle*>(fa_pool_alloc(game, 4 * sizeof(particle), 0));
    fa_pool_free(game, hidden(p + 1), sizeof(particle), 0);  // FA415
}

WRONG(c_string_without_room_for_its_end) {
    fa_allocator* game = fa_create(nullptr);
    const char* name = "a name of 24 characters.";
    const std::size_t n = std::strlen(hidden(name));
    char* copy = static_cast<char*>(fa_pool_alloc(game, n, 1));  // born
    std::strcpy(hidden(copy), name);
    fa_pool_free(game, copy, n, 1);  // FA412
}

WRONG(c_frame_array_overrun) {
    fa_allocator* game = fa_create(nullptr);
    fa_frame* frame = fa_frame_begin(game);
    int* ids = hidden(static_cast<int*>(fa_frame_alloc(frame, 8 * sizeof(int), 0)));  // born
    for (int i = 0; i <= 8; ++i) ids[i] = i;
    fa_frame_end(frame);  // FA412
}

WRONG(c_underrun_found_by_a_check) {
    fa_allocator* game = fa_create(nullptr);
    char* line = hidden(static_cast<char*>(fa_heap_alloc(game, 100, 0)));  // born
    line[-1] = '\0';
    fa_check(game);  // FA413
}

WRONG(c_frame_memory_after_the_frame) {
    fa_allocator* game = fa_create(nullptr);
    fa_frame* frame = fa_frame_begin(game);
    vec3* up = hidden(static_cast<vec3*>(fa_frame_alloc(frame, sizeof(vec3), 0)));
    up->y = 1;
    fa_frame_end(frame);
    show(up->y);  // FA002
}

WRONG(c_frame_is_ended_twice) {
    fa_allocator* game = fa_create(nullptr);
    fa_frame* frame = fa_frame_begin(game);
    fa_frame* same = hidden(frame);
    fa_frame_end(frame);
    fa_frame_end(same);  // FA428 FA002
}

WRONG(c_outer_frame_ends_first) {
    fa_allocator* game = fa_create(nullptr);
    fa_frame* outer = fa_frame_begin(game);
    fa_frame* inner = fa_frame_begin(game);
    fa_frame_end(outer);  // FA428
    fa_frame_end(inner);
}

WRONG(c_frame_is_ended_on_another_thread) {
    fa_allocator* game = fa_create(nullptr);
    fa_frame* frame = fa_frame_begin(game);
    std::thread([frame] {
        fa_frame_end(frame);  // FA430
    }).join();
}

WRONG(c_allocates_from_an_ended_frame) {
    fa_allocator* game = fa_create(nullptr);
    fa_frame* frame = fa_frame_begin(game);
    fa_frame* kept = hidden(frame);
    fa_frame_end(frame);
    void* p = fa_frame_alloc(kept, 16, 0);  // FA002
    show(p != nullptr);
}

WRONG(c_tags_end_in_the_wrong_order) {
    fa_allocator* game = fa_create(nullptr);
    fa_tag physics, solver;
    fa_tag_begin(&physics, game, "physics");
    fa_tag_begin(&solver, game, "solver");
    fa_tag_end(&physics);  // FA429
    fa_tag_end(&solver);
}

WRONG(c_block_is_written_after_its_free) {
    fa_allocator* game = fa_create(nullptr);
    char* p = hidden(static_cast<char*>(fa_pool_alloc(game, 64, 0)));
    char* kept = hidden(p);
    fa_pool_free(game, p, 64, 0);  // FA419
    kept[0] = 1;
    fa_check(game);
}

WRONG(c_leak) {
    fa_allocator* game = fa_create(nullptr);
    static_cast<char*>(fa_heap_alloc(game, 5000, 0))[0] = 1;  // FA424
    fa_destroy(game);
}

WRONG(c_destroyed_with_a_frame_open) {
    fa_allocator* game = fa_create(nullptr);
    fa_frame* frame = fa_frame_begin(game);  // FA428
    show(frame != nullptr);
    fa_destroy(game);
}

WRONG(c_alignment_of_three) {
    fa_allocator* game = fa_create(nullptr);
    void* p = fa_pool_alloc(game, 12, 3);  // FA431
    show(p == nullptr);
}

WRONG(c_allocates_after_destroy) {
    fa_allocator* game = fa_create(nullptr);
    fa_allocator* kept = hidden(game);
    fa_destroy(game);
    void* p = fa_pool_alloc(kept, 64, 0);  // FA002
    show(p != nullptr);
}

WRONG(c_block_is_freed_after_destroy) {
    fa_allocator* game = fa_create(nullptr);
    fa_allocator* kept = hidden(game);
    void* p = fa_pool_alloc(game, 64, 0);  // FA424
    fa_destroy(game);
    fa_pool_free(kept, p, 64, 0);
}

}  // namespace
}  // namespace style
