// Instructions of a loop, for a program under valgrind --tool=callgrind --instr-atstart=no: everything else runs
// uncounted. Each counted() writes a dump whose trigger bears its label and operations; scripts/callgrind.py reads
// them.
#pragma once

#include <cstdio>

#include <valgrind/callgrind.h>

namespace bench {

inline void keep(void* p) { __asm__ volatile("" : : "r"(p) : "memory"); }
inline void* hide(void* p) {
    __asm__ volatile("" : "+r"(p) : : "memory");
    return p;
}
inline void fence() { __asm__ volatile("" : : : "memory"); }

// f(i) for each turn, each of which is that many operations.
template <class F>
[[gnu::noinline]] void counted(const char* label, long turns, F f, long operations_a_turn = 1) {
    char text[128];
    std::snprintf(text, sizeof text, "%s|%ld", label, turns * operations_a_turn);
    CALLGRIND_START_INSTRUMENTATION;
    CALLGRIND_ZERO_STATS;
    for (long i = 0; i < turns; ++i) {
        f(i);
        fence();
    }
    CALLGRIND_DUMP_STATS_AT(text);
    CALLGRIND_STOP_INSTRUMENTATION;
}

}  // namespace bench
