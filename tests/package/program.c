/* The consumer in C: it compiles and links as the documentation says, without a C++ compiler. */
#include <framealloc/framealloc.h>

#include <stdio.h>

int main(void) {
    fa_allocator* alloc = fa_create(NULL);
    fa_frame* frame = fa_frame_begin(alloc);
    int* numbers = fa_frame_alloc(frame, 100 * sizeof(int), _Alignof(int));
    long sum = 0;
    for (int i = 0; i < 100; ++i) numbers[i] = i;
    for (int i = 0; i < 100; ++i) sum += numbers[i];
    fa_frame_end(frame);
    fa_destroy(alloc);
    printf("%ld\n", sum);
    return sum == 4950 ? 0 : 1;
}
