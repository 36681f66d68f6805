/* Mistakes with the C interface that compilers see, each on a line that names the warnings; and correct use, which must be silent. */
#include <framealloc/framealloc.h>

void block_used_after_free(fa_allocator* a) {
    int* p = fa_pool_alloc(a, sizeof(int), 0);
    if (p == NULL) return;
    fa_pool_free(a, p, sizeof(int), 0);
    *p = 1; /* gcc: -Wuse-after-free */ /* analyzer: -Wanalyzer-use-after-free */ /* clang: unix.Malloc */
}

void block_freed_twice(fa_allocator* a) {
    void* p = fa_heap_alloc(a, 5000, 0);
    fa_heap_free(a, p, 5000, 0);
    fa_heap_free(a, p, 5000, 0); /* gcc: -Wuse-after-free */ /* analyzer: -Wanalyzer-double-free */ /* clang: unix.Malloc */
}

void pool_block_freed_as_heap(fa_allocator* a) {
    void* p = fa_pool_alloc(a, 100, 0);
    fa_heap_free(a, p, 100, 0); /* gcc: -Wmismatched-dealloc */ /* analyzer: -Wanalyzer-mismatching-deallocation */
}

int out_of_bounds(fa_allocator* a) {
    char* p = fa_pool_alloc(a, 100, 0);
    if (p == NULL) return 0;
    __builtin_memset(p, 0, 101); /* gcc: -Warray-bounds */
    const int n = p[0];
    fa_pool_free(a, p, 100, 0);
    return n;
}

void frame_ended_twice(fa_allocator* a) {
    fa_frame* f = fa_frame_begin(a);
    fa_frame_end(f);
    fa_frame_end(f); /* gcc: -Wuse-after-free */ /* analyzer: -Wanalyzer-double-free */ /* clang: unix.Malloc */
}

void* allocation_from_an_ended_frame(fa_allocator* a) {
    fa_frame* f = fa_frame_begin(a);
    fa_frame_end(f);
    return fa_frame_alloc(f, 8, 0); /* gcc: -Wuse-after-free */ /* clang: unix.Malloc */
}

void frame_never_ended(fa_allocator* a, int early) {
    fa_frame* f = fa_frame_begin(a);
    if (early) return; /* analyzer: -Wanalyzer-malloc-leak */ /* clang: unix.Malloc */
    fa_frame_end(f);
}

void result_dropped(fa_allocator* a) {
    fa_pool_alloc(a, 8, 0); /* gcc: -Wunused-result */
} /* clang: unix.Malloc */

void block_leaked(fa_allocator* a) {
    void* p = fa_pool_alloc(a, 8, 0);
    (void)p;
} /* clang: unix.Malloc */

int correct_use(fa_allocator* a) {
    fa_frame* f = fa_frame_begin(a);
    if (f == NULL) return 0;
    int* numbers = fa_frame_alloc(f, 10 * sizeof(int), _Alignof(int));
    if (numbers != NULL) numbers[9] = 1;
    int n = numbers != NULL ? numbers[9] : 0;
    fa_frame_end(f);
    int* block = fa_pool_alloc(a, sizeof(int), 0);
    if (block != NULL) n += *block = 1;
    fa_pool_free(a, block, sizeof(int), 0);
    return n;
}

int correct_life(void) {
    fa_allocator* a = fa_create(NULL);
    if (a == NULL) return 0;
    const int n = correct_use(a);
    fa_destroy(a);
    return n;
}
