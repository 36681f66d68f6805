// A library that allocates through a hook, as sqlite and Lua do, at six places.
#include <stddef.h>

static void* (*allocate)(size_t);
static void (*release)(void*);

void hooked_set(void* (*a)(size_t), void (*r)(void*)) {
    allocate = a;
    release = r;
}

#define PLACE(name, bytes)                               \
    __attribute__((noinline)) void hooked_##name(void) { \
        char* volatile p = allocate(bytes);              \
        *p = 1;                                          \
        release(p);                                      \
    }
PLACE(parse, 100)
PLACE(plan, 200)
PLACE(page, 1000)
PLACE(row, 40)
PLACE(text, 72)
PLACE(sort, 5000)

void hooked_run(void) {
    hooked_parse();
    hooked_plan();
    hooked_page();
    hooked_row();
    hooked_text();
    hooked_sort();
}
