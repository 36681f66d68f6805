/* The same library from C: frames, tags, and a block that another part of the program frees. */
#include <framealloc/framealloc.h>

#include <stdio.h>

typedef struct {
    float x, y;
} point;

static float longest(fa_frame* frame, const point* path, size_t n) {
    float* lengths = fa_frame_alloc(frame, n * sizeof *lengths, _Alignof(float));
    float most = 0;
    for (size_t i = 1; lengths != NULL && i < n; ++i) {
        const float dx = path[i].x - path[i - 1].x, dy = path[i].y - path[i - 1].y;
        lengths[i] = dx * dx + dy * dy;
        if (lengths[i] > most) most = lengths[i];
    }
    return most;
}

int main(void) {
    fa_allocator* game = fa_create(&(fa_options){.name = "game"});
    if (game == NULL) return 1;

    point* path = fa_pool_alloc(game, 4 * sizeof *path, _Alignof(point));
    if (path == NULL) return 1;
    for (int i = 0; i < 4; ++i) path[i] = (point){(float)(i * i), 0};

    fa_tag ai;
    fa_tag_begin(&ai, game, "ai");
    fa_frame* frame = fa_frame_begin(game);
    if (frame != NULL) printf("longest step: %.0f\n", (double)longest(frame, path, 4));
    printf("frame bytes of \"ai\": %zu\n", fa_get_tag_stats(game, "ai").frame_bytes);
    fa_frame_end(frame);
    fa_tag_end(&ai);
    printf("after the frame: %zu\n", fa_get_tag_stats(game, "ai").frame_bytes);

    fa_pool_free(game, path, 4 * sizeof *path, _Alignof(point));
    printf("in use at the end: %zu\n", fa_get_stats(game).total_bytes);
    fa_destroy(game);
    return 0;
}
