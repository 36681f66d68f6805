/* The C interface, used from C: its promises, checked at run time. usage: c_interface */
#include <framealloc/framealloc.h>

#include <stdio.h>
#include <string.h>

static int failures = 0;
static void expect(int good, const char* what, int line) {
    if (good) return;
    printf("FAILED line %d: %s\n", line, what);
    ++failures;
}
#define EXPECT(x) expect(x, #x, __LINE__)

struct heard {
    int faults, last;
    char allocator[20];
};

static void on_fault(void* user, const fa_fault* f) {
    struct heard* h = user;
    ++h->faults;
    h->last = f->code;
    strncpy(h->allocator, f->allocator, sizeof h->allocator - 1);
}

int main(void) {
    struct heard heard = {0};
    const fa_options options = {
        .name = "game", .frame_capacity = 65536, .frame_limit = 1000000, .on_fault = on_fault, .user = &heard};
    fa_allocator* game = fa_create(&options);
    EXPECT(game != NULL);

    fa_tag ai, paths;
    fa_tag_begin(&ai, game, "ai");
    fa_frame* frame = fa_frame_begin(game);
    char* p = fa_frame_alloc(frame, 1000, 0);
    memset(p, 1, 1000);
    double* aligned = fa_frame_alloc(frame, 64, 64);
    EXPECT((uintptr_t)aligned % 64 == 0);
    fa_frame* inner = fa_frame_begin(game);
    EXPECT(fa_frame_alloc(inner, 10000, 8) != NULL);
    EXPECT(fa_get_stats(game).frame_bytes >= 11064);
    fa_frame_end(inner);
    EXPECT(fa_get_stats(game).frame_bytes < 2000);
    EXPECT(fa_frame_alloc(frame, 2000000, 0) == NULL); /* frame_limit */
    EXPECT(fa_frame_alloc(frame, 0, 0) == NULL);
    fa_frame_end(frame);

    fa_tag_begin(&paths, game, "paths");
    void* pool = fa_pool_alloc(game, 100, 0);
    void* heap = fa_heap_alloc(game, 100000, 4096);
    EXPECT((uintptr_t)heap % 4096 == 0);
    memset(pool, 2, 100);
    memset(heap, 3, 100000);
    fa_tag_end(&paths);
    fa_tag_end(&ai);
    EXPECT(fa_get_tag_stats(game, "ai::paths").heap_bytes == 100000);
    EXPECT(fa_get_tag_stats(game, "ai").pool_bytes >= 100 && fa_get_tag_stats(game, "ai").pool_bytes <= 112);
    EXPECT(fa_get_tag_stats(game, "nobody").total_bytes == 0);
    const fa_stats all = fa_get_stats(game);
    EXPECT(all.total_bytes == all.frame_bytes + all.pool_bytes + all.heap_bytes && all.peak_bytes >= all.total_bytes &&
           all.committed_bytes >= all.total_bytes);

    char text[200], little[10];
    EXPECT(fa_describe(pool, text, sizeof text) == strlen(text));
    EXPECT(strstr(text, "allocator \"game\": pool memory, in use") == text &&
           strstr(text, "tag \"ai::paths\"") != NULL);
    EXPECT(fa_describe(pool, little, sizeof little) == 9 && strlen(little) == 9);
    EXPECT(fa_describe(&heard, text, sizeof text) == strlen("not framealloc memory"));
    EXPECT(fa_describe(pool, NULL, 0) == 0);
    EXPECT(fa_check(game) == 0);
    EXPECT(fa_pool_alloc(game, 0, 0) == NULL && fa_heap_alloc(game, 0, 0) == NULL &&
           fa_frame_alloc(NULL, 8, 0) == NULL);
    fa_pool_free(game, pool, 100, 0);
    fa_heap_free(game, heap, 100000, 4096);
    fa_pool_free(game, NULL, 100, 0);
    fa_frame_end(NULL);
    EXPECT(fa_get_stats(game).total_bytes == 0);
    fa_trim(game);

    /* The malloc-style functions. */
    fa_hook* scripts = fa_hook_create(game, FA_HEAP, "scripts");
    fa_hook* untagged = fa_hook_create(game, FA_POOL, NULL);
    char* block = fa_malloc(scripts, 100);
    EXPECT(fa_usable_size(block) == fa_good_size(scripts, 100) && fa_usable_size(block) >= 100);
    memset(block, 5, 100);
    block = fa_realloc(scripts, block, 5000000);
    EXPECT(block != NULL && block[0] == 5 && block[99] == 5);
    EXPECT(fa_get_tag_stats(game, "scripts").heap_bytes >= 5000000);
    EXPECT(fa_realloc(scripts, block, (size_t)1 << 62) == NULL && block[99] == 5);
    EXPECT(fa_realloc(scripts, block, 0) == NULL);
    int* zeros = fa_calloc(untagged, 1000, sizeof(int));
    EXPECT(zeros[0] == 0 && zeros[999] == 0 && fa_calloc(untagged, (size_t)-1, 2) == NULL);
    fa_free(untagged, zeros);
    void* wide = fa_aligned_alloc(scripts, 4096, 10);
    EXPECT((uintptr_t)wide % 4096 == 0);
    fa_free(scripts, wide);
    block = fa_realloc(scripts, NULL, 0); /* frees nothing */
    EXPECT(block == NULL);
    block = fa_malloc(scripts, 0);
    EXPECT(block != NULL);
    fa_free(scripts, block);
    fa_free(scripts, NULL);
    EXPECT(fa_usable_size(NULL) == 0);
    EXPECT(fa_get_stats(game).total_bytes == 0);
    fa_hook_destroy(scripts);
    fa_hook_destroy(untagged);
    fa_hook_destroy(NULL);
    EXPECT(heard.faults == 0);
    EXPECT(fa_hook_create(game, (fa_kind)0, NULL) == NULL && heard.faults == 1); /* frame memory */
    EXPECT(fa_hook_create(game, (fa_kind)(256 + FA_HEAP), NULL) == NULL && heard.faults == 2);
    heard.faults = 0;

    /* Mistakes are reported to on_fault, also one that is only detected when the allocator is destroyed. */
    fa_frame_end(fa_frame_begin(game));
    fa_tag_begin(&ai, game, "ai");
    frame = fa_frame_begin(game);
    fa_tag_end(&ai);
    EXPECT(heard.faults == 1 && heard.last == 429 && strcmp(heard.allocator, "game") == 0);
    fa_frame_end(frame);
    void* leaked = fa_heap_alloc(game, 5000, 0);
    EXPECT(leaked != NULL);
    fa_destroy(game);
    EXPECT(heard.faults == 2 && heard.last == 424);
    memset(leaked, 4, 5000);

    fa_allocator* plain = fa_create(NULL);
    EXPECT(plain != NULL && fa_check(plain) == 0);
    fa_destroy(plain);
    fa_destroy(NULL);

    static _Alignas(4096) char memory[4 << 20];
    const fa_options tiny = {.fixed_memory = memory, .fixed_bytes = 64};
    EXPECT(fa_create(&tiny) == NULL);
    const fa_options fixed = {.fixed_memory = memory, .fixed_bytes = sizeof memory, .frame_capacity = 65536};
    fa_allocator* small = fa_create(&fixed);
    frame = fa_frame_begin(small);
    size_t had = 0;
    for (char* q; (q = fa_frame_alloc(frame, 10000, 0)) != NULL; had += 10000) {
        EXPECT(q >= memory && q + 10000 <= memory + sizeof memory);
    }
    EXPECT(had > (1 << 20));
    fa_frame_end(frame);
    fa_destroy(small);
    fa_destroy(NULL);
    printf("c_interface: %d failures\n", failures);
    return failures != 0;
}
