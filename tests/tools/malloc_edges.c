// The edges of the malloc family as programs test for them at start-up (autoconf, self-tests of allocators): its
// output is the same whether recorded or not.
#define _GNU_SOURCE
#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#define SHOW(e)                                                         \
    do {                                                                \
        errno = 0;                                                      \
        void* q = (e);                                                  \
        printf("%-46s %-5s errno %d\n", #e, q ? "ptr" : "null", errno); \
        if (q) free(q);                                                 \
    } while (0)
int main(void) {
    volatile size_t big = SIZE_MAX, half = SIZE_MAX / 2 + 2, z = 0;
    SHOW(malloc(z));
    SHOW(malloc(big));
    SHOW(malloc(PTRDIFF_MAX));
    SHOW(calloc(half, 2));
    SHOW(calloc(z, 8));
    SHOW(calloc(big, 1));
    SHOW(realloc(NULL, z));
    SHOW(realloc(NULL, big));
    SHOW(reallocarray(NULL, half, 2));
    SHOW(reallocarray(NULL, z, 5));
    SHOW(realloc(malloc(10), z));
    SHOW(aligned_alloc(64, 100));
    SHOW(aligned_alloc(z, 100));
    SHOW(aligned_alloc(3, 100));
    SHOW(aligned_alloc(64, z));
    SHOW(aligned_alloc(big, 8));
    SHOW(aligned_alloc((size_t)1 << 63, 8));
    SHOW(memalign(24, 100));
    SHOW(memalign(big / 2, 100));
    SHOW(valloc(z));
    SHOW(pvalloc(1));
    SHOW(pvalloc(big));
    SHOW(valloc(big));
    void* p = (void*)0x1234;
    errno = 77;
    printf("posix_memalign(3) %d", posix_memalign(&p, 3, 8));
    printf(" untouched %d errno %d\n", p == (void*)0x1234, errno);
    printf("posix_memalign(24) %d", posix_memalign(&p, 24, 8));
    printf(" untouched %d errno %d\n", p == (void*)0x1234, errno);
    printf("posix_memalign(big) %d", posix_memalign(&p, 64, big));
    printf(" untouched %d errno %d\n", p == (void*)0x1234, errno);
    printf("posix_memalign(0 bytes) %d", posix_memalign(&p, 64, 0));
    printf(" aligned %d\n", (uintptr_t)p % 64 == 0);
    free(p);
    errno = 55;
    free(NULL);
    printf("free(NULL) errno %d\n", errno);
    void* q = malloc(1 << 24);
    errno = 55;
    free(q);
    printf("free(large) errno %d\n", errno);
    q = malloc(10);
    printf("usable %d\n", malloc_usable_size(q) >= 10);
    memset(q, 1, malloc_usable_size(q));
    q = realloc(q, 1000);
    printf("kept %d\n", ((char*)q)[9]);
    free(q);
    q = malloc(100);
    void* r = realloc(q, big);
    printf("failed realloc keeps the block %d\n", r == NULL);
    free(q);
    q = pvalloc(5000);
    printf("pvalloc usable %d\n", malloc_usable_size(q) >= 8192);
    free(q);
    return 0;
}
