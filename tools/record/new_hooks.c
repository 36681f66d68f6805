// operator new and delete, in every form, under their linker names. In C: the exception of a failing `new` passes through here, and
// the recorder does without the C++ run-time library, which a program in C does not have.
#include "hooks.h"

static void leave(int* entered) {
    if (*entered) recorder_leave();
}

#define NEW(name, parameters, arguments, bytes, alignment)                                                              \
    void* name parameters;                                                                                              \
    void* name parameters {                                                                                             \
        static void*(*next) parameters;                                                                                 \
        if (next == NULL) next = (void*(*) parameters) recorder_next(#name);                                            \
        int entered __attribute__((cleanup(leave))) = recorder_enter();                                                 \
        void* p = next arguments;                                                                                       \
        if (entered && p != NULL) recorder_allocated(recorder_new, p, bytes, alignment, __builtin_frame_address(0));    \
        return p;                                                                                                       \
    }

#pragma GCC visibility push(default)

#define DELETE(name, parameters, arguments)                                          \
    void name parameters;                                                            \
    void name parameters {                                                           \
        static void (*next) parameters;                                              \
        if (next == NULL) next = (void (*) parameters) recorder_next(#name);         \
        int entered __attribute__((cleanup(leave))) = recorder_enter();              \
        if (entered && p != NULL) recorder_releasing(p, 1);                          \
        next arguments;                                                              \
    }

NEW(_Znwm, (size_t n), (n), n, 16)
NEW(_Znam, (size_t n), (n), n, 16)
NEW(_ZnwmRKSt9nothrow_t, (size_t n, const void* t), (n, t), n, 16)
NEW(_ZnamRKSt9nothrow_t, (size_t n, const void* t), (n, t), n, 16)
NEW(_ZnwmSt11align_val_t, (size_t n, size_t a), (n, a), n, a)
NEW(_ZnamSt11align_val_t, (size_t n, size_t a), (n, a), n, a)
NEW(_ZnwmSt11align_val_tRKSt9nothrow_t, (size_t n, size_t a, const void* t), (n, a, t), n, a)
NEW(_ZnamSt11align_val_tRKSt9nothrow_t, (size_t n, size_t a, const void* t), (n, a, t), n, a)

DELETE(_ZdlPv, (void* p), (p))
DELETE(_ZdaPv, (void* p), (p))
DELETE(_ZdlPvm, (void* p, size_t n), (p, n))
DELETE(_ZdaPvm, (void* p, size_t n), (p, n))
DELETE(_ZdlPvRKSt9nothrow_t, (void* p, const void* t), (p, t))
DELETE(_ZdaPvRKSt9nothrow_t, (void* p, const void* t), (p, t))
DELETE(_ZdlPvSt11align_val_t, (void* p, size_t a), (p, a))
DELETE(_ZdaPvSt11align_val_t, (void* p, size_t a), (p, a))
DELETE(_ZdlPvmSt11align_val_t, (void* p, size_t n, size_t a), (p, n, a))
DELETE(_ZdaPvmSt11align_val_t, (void* p, size_t n, size_t a), (p, n, a))
DELETE(_ZdlPvSt11align_val_tRKSt9nothrow_t, (void* p, size_t a, const void* t), (p, a, t))
DELETE(_ZdaPvSt11align_val_tRKSt9nothrow_t, (void* p, size_t a, const void* t), (p, a, t))
