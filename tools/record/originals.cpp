// The functions that the recorder replaces.
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
    void* f = dlsym(library, name);  // in the library and its dependencies
    dlclose(library);
    return reinterpret_cast<void (*)()>(f);
}

}  // extern "C"
