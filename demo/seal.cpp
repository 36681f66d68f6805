// The seccomp filter that ends the process at a call for memory.
#include "seal.hpp"

#include <malloc.h>
#include <seccomp.h>

#include <cstdlib>
#include <initializer_list>

namespace demo {

bool forbid_memory_calls() {
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    if (filter == nullptr) return false;
    bool good = true;
    for (int call :
         {SCMP_SYS(mmap), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(mprotect), SCMP_SYS(brk), SCMP_SYS(madvise)}) {
        good = good && seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS, call, 0) == 0;
    }
    good = good && seccomp_load(filter) == 0;
    return good;
}

void give_malloc_room() {
    constexpr int room = 256 << 20;
    mallopt(M_MMAP_MAX, 0);
    mallopt(M_TRIM_THRESHOLD, room);
    mallopt(M_TOP_PAD, room);
    void* volatile p = std::malloc(64);
    std::free(p);
}

}  // namespace demo
