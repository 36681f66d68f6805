// A library that is loaded and unloaded; PLACE is the function in which it allocates. In C: C++ libraries mostly stay
// once loaded.
#include <stdlib.h>

void* PLACE(void);
__attribute__((noinline)) void* PLACE(void) {
    void* p = malloc(321);
    __asm__ volatile("" : : "r"(p) : "memory");
    return p;
}
void plugin_allocate(int n);
void plugin_allocate(int n) {
    for (int i = 0; i < n; ++i) free(PLACE());
}
