// operator new and delete, in every form, under their linker names. Written in C, so that the exception of a failing
// `new` passes through, and the recorder needs no C++ run-time library, which a C program lacks. A C program may load
// one with RTLD_LOCAL, where the recorder's dlsym() does not find it although its calls come here. Blocks then come
// from malloc, as that library's would.
#include "hooks.h"

#include <stdlib.h>

static void leave(int* entered) {
    if (*entered) recorder_leave();
}

#define NEWS(X)                                                                                    \
    X(_Znwm, (size_t n), (n), n, 16, 1)                                                            \
    X(_Znam, (size_t n), (n), n, 16, 1)                                                            \
    X(_ZnwmRKSt9nothrow_t, (size_t n, const void* t), (n, t), n, 16, 0)                            \
    X(_ZnamRKSt9nothrow_t, (size_t n, const void* t), (n, t), n, 16, 0)                            \
    X(_ZnwmSt11align_val_t, (size_t n, size_t a), (n, a), n, a, 1)                                 \
    X(_ZnamSt11align_val_t, (size_t n, size_t a), (n, a), n, a, 1)                                 \
    X(_ZnwmSt11align_val_tRKSt9nothrow_t, (size_t n, size_t a, const void* t), (n, a, t), n, a, 0) \
    X(_ZnamSt11align_val_tRKSt9nothrow_t, (size_t n, size_t a, const void* t), (n, a, t), n, a, 0)

#define DELETES(X)                                                                        \
    X(_ZdlPv, (void* p), (p))                                                             \
    X(_ZdaPv, (void* p), (p))                                                             \
    X(_ZdlPvm, (void* p, size_t n), (p, n))                                               \
    X(_ZdaPvm, (void* p, size_t n), (p, n))                                               \
    X(_ZdlPvRKSt9nothrow_t, (void* p, const void* t), (p, t))                             \
    X(_ZdaPvRKSt9nothrow_t, (void* p, const void* t), (p, t))                             \
    X(_ZdlPvSt11align_val_t, (void* p, size_t a), (p, a))                                 \
    X(_ZdaPvSt11align_val_t, (void* p, size_t a), (p, a))                                 \
    X(_ZdlPvmSt11align_val_t, (void* p, size_t n, size_t a), (p, n, a))                   \
    X(_ZdaPvmSt11align_val_t, (void* p, size_t n, size_t a), (p, n, a))                   \
    X(_ZdlPvSt11align_val_tRKSt9nothrow_t, (void* p, size_t a, const void* t), (p, a, t)) \
    X(_ZdaPvSt11align_val_tRKSt9nothrow_t, (void* p, size_t a, const void* t), (p, a, t))

#define NEW(name, parameters, arguments, bytes, alignment, throws)                                                   \
    static void*(*next_##name)parameters;                                                                            \
    void* name parameters;                                                                                           \
    void* name parameters {                                                                                          \
        int entered __attribute__((cleanup(leave))) = recorder_enter();                                              \
        void* p = next_##name != NULL ? next_##name arguments : recorder_take(bytes, alignment);                     \
        if (p == NULL && next_##name == NULL) {                                                                      \
            /* The caller's own one calls the new handler, and knows how to throw. */                                \
            void*(*own)parameters = (void*(*)parameters)recorder_next_for(__builtin_return_address(0), #name);       \
            if (own != NULL) p = own arguments;                                                                      \
            else if (throws) abort();                                                                                \
        }                                                                                                            \
        if (entered && p != NULL) recorder_allocated(recorder_new, p, bytes, alignment, __builtin_frame_address(0)); \
        return p;                                                                                                    \
    }

#define DELETE(name, parameters, arguments)                             \
    static void(*next_##name) parameters;                               \
    void name parameters;                                               \
    void name parameters {                                              \
        int entered __attribute__((cleanup(leave))) = recorder_enter(); \
        if (entered && p != NULL) recorder_releasing(p, 1);             \
        if (next_##name != NULL) next_##name arguments;                 \
        else recorder_give_back(p);                                     \
    }

#pragma GCC visibility push(default)
NEWS(NEW)
DELETES(DELETE)
#pragma GCC visibility pop

#define FIND_NEW(name, parameters, ...) next_##name = (void*(*)parameters)recorder_next(#name);
#define FIND_DELETE(name, parameters, ...) next_##name = (void(*) parameters)recorder_next(#name);

void recorder_find_new(void) {
    NEWS(FIND_NEW)
    DELETES(FIND_DELETE)
}
