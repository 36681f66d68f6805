/* A program that requests a huge block, a JIT's heap or a sparse table, and touches one OS page of it. With "calloc"
 * and "realloc" it asks for it in that way. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char** argv) {
    const size_t n = (size_t)atol(argc > 1 ? argv[1] : "1000") << 20;
    const char* how = argc > 2 ? argv[2] : "malloc";
    for (int frame = 0; frame < 40; ++frame) {
        getenv("FRAME");
        char* volatile p = strcmp(how, "calloc") == 0    ? calloc(1, n)
                           : strcmp(how, "realloc") == 0 ? realloc(malloc(n / 2), n)
                                                         : malloc(n);
        if (p == NULL) return 1;
        p[5] = 1;
        for (int i = 0; i < 100; ++i) {
            void* volatile q = malloc(100);
            free(q);
        }
        free(p);
    }
    puts("done");
    return 0;
}
