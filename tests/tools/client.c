// A program that gives a library its allocator hook, and uses it in each frame.
#include <framealloc/mark_frame.h>

#include <stdlib.h>

void hooked_set(void* (*a)(size_t), void (*r)(void*));
void hooked_run(void);

static unsigned long made;
static void* client_allocate(size_t bytes) {
    void* p = malloc(bytes);
    made += p != NULL;
    return p;
}
static void client_release(void* p) { free(p); }

int main(void) {
    hooked_set(client_allocate, client_release);
    for (int frame = 0; frame < 60; ++frame) {
        FRAMEALLOC_MARK_FRAME();
        hooked_run();
    }
    return made == 360 ? 0 : 1;
}
