// bumpalo's loops run wholly in Rust, in a library that CMake builds where rustc and librust-bumpalo-dev are.
#include <dlfcn.h>

#include "frame_sources.hpp"

namespace bench {

const bumpalo& the_bumpalo() {
    static const bumpalo b = [] {
        bumpalo r;
        const std::string file = FRAMEALLOC_BENCH_BUMPALO;
        if (file.empty()) {
            r.missing = "install rustc (or cargo) and librust-bumpalo-dev";
            return r;
        }
        void* const library = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
        if (library == nullptr) {
            r.missing = dlerror();
            return r;
        }
        const auto find = [&](auto& function, const char* name) {
            function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(dlsym(library, name));
            if (function == nullptr) r.missing = file + " has no " + name;
        };
        find(r.frames, "bumpalo_frames");
        find(r.fresh, "bumpalo_fresh");
        find(r.reset, "bumpalo_reset");
        find(r.fresh_mixed, "bumpalo_fresh_mixed");
        find(r.reset_mixed, "bumpalo_reset_mixed");
        return r;
    }();
    return b;
}

}  // namespace bench
