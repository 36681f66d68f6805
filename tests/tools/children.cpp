// Recorded with --children: the child allocates first at a place that its parent used before fork(), then at one of its
// own. The places of each trace are those of its process, under their own names.
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>

#define PLACE(name)                                                  \
    extern "C" __attribute__((noinline)) void* name(std::size_t n) { \
        void* p = std::malloc(n);                                    \
        asm volatile("" ::"r"(p) : "memory");                        \
        return p;                                                    \
    }
PLACE(place_a)
PLACE(place_b)
PLACE(place_c)
extern "C" __attribute__((noinline)) void begin_frame() { asm volatile("nop; nop; nop; nop; nop"); }

__attribute__((noinline)) void run(bool child) {
    for (int f = 0; f < 100; ++f) {
        begin_frame();
        for (int i = 0; i < 50; ++i) {
            std::free(place_a(111));
            if (child) std::free(place_c(333));
            else std::free(place_b(222));
        }
    }
}

int main() {
    run(false);
    if (fork() != 0) {
        wait(nullptr);
        return 0;
    }
    run(true);
}
