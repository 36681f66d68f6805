// Where a loaded library is.
#include <framealloc/detail/os/module.hpp>

#include <cstdio>
#include <cstring>

#include <dlfcn.h>
#include <link.h>

namespace framealloc::inline v1::os {

namespace {

struct search {
    const link_map* wanted;
    module_range* out;
};

int visit(dl_phdr_info* info, std::size_t, void* data) {
    const search& s = *static_cast<const search*>(data);
    if (info->dlpi_addr != s.wanted->l_addr || std::strcmp(info->dlpi_name, s.wanted->l_name) != 0) return 0;
    for (int i = 0; i < info->dlpi_phnum; ++i) {
        const auto& segment = info->dlpi_phdr[i];
        if (segment.p_type != PT_LOAD) continue;
        const std::uintptr_t begin = info->dlpi_addr + segment.p_vaddr, end = begin + segment.p_memsz;
        if (s.out->begin == 0 || begin < s.out->begin) s.out->begin = begin;
        if (end > s.out->end) s.out->end = end;
    }
    return 1;
}

}  // namespace

bool find_module(void* handle, module_range& out) noexcept {
    out = {};
    link_map* map = nullptr;
    if (handle == nullptr || dlinfo(handle, RTLD_DI_LINKMAP, &map) != 0) return false;
    const std::size_t length = std::strlen(map->l_name), room = sizeof out.name - 1;
    std::snprintf(out.name, sizeof out.name, "%s", map->l_name + (length > room ? length - room : 0));
    search s{map, &out};
    dl_iterate_phdr(visit, &s);
    return out.end != 0;
}

bool is_code(std::uintptr_t p) noexcept {
    Dl_info info;
    return dladdr(reinterpret_cast<void*>(p), &info) != 0;
}

}  // namespace framealloc::inline v1::os
