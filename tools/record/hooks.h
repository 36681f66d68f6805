// The interface between the interposed functions and the recorder. Each hook passes its own frame address, where the
// stack walk begins.
#pragma once

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

enum recorder_kind { recorder_malloc = 1, recorder_calloc = 2, recorder_aligned = 3, recorder_new = 4 };

// Whether the call is the program's own, not from within the recorder or another allocating function. If so,
// recorder_leave() must follow.
int recorder_enter(void);
void recorder_leave(void);
// Requires: between enter and leave.
void recorder_allocated(enum recorder_kind kind, void* p, size_t bytes, size_t alignment, void* frame);
void recorder_releasing(void* p, int is_delete);

// The function that would be called without the recorder; null if no globally visible library has it.
void (*recorder_next(const char* name))(void);
// The same for a caller in a library loaded with RTLD_LOCAL: the function which that library sees.
void (*recorder_next_for(const void* caller, const char* name))(void);

void recorder_find_new(void);  // once, before the program's own code
void* recorder_take(size_t bytes, size_t alignment);
void recorder_give_back(void* p);

#ifdef __cplusplus
}
#endif
