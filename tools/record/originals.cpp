// The functions that the recorder takes the place of.
#include "hooks.h"

#include <dlfcn.h>
#include <link.h>

extern "C" {

void (*recorder_next(const char* name))() { return reinterpret_cast<void (*)()>(dlsym(RTLD_NEXT, name)); }

void (*recorder_next_for(const void* caller, const char* name))() {
    dl_find_object found{};
    if (_dl_find_object(const_cast<void*>(caller), &found) != 0) return nullptr;
    void* library = dlopen(found.dlfo_link_map->l_name, RTLD_LAZY | RTLD_NOLOAD);
    if (library == nullptr) return nullptr;
    void* f = dlsym(library, name);  // in it, and in what it was linked with
    dlclose(library);
    return reinterpret_cast<void (*)()>(f);
}

}  // extern "C"
