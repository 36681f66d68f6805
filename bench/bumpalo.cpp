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
        r.frames = reinterpret_cast<decltype(r.frames)>(dlsym(library, "bumpalo_frames"));
        r.fresh = reinterpret_cast<decltype(r.fresh)>(dlsym(library, "bumpalo_fresh"));
        r.fresh_mixed = reinterpret_cast<decltype(r.fresh_mixed)>(dlsym(library, "bumpalo_fresh_mixed"));
        if (r.frames == nullptr || r.fresh == nullptr || r.fresh_mixed == nullptr)
            r.missing = file + " has other functions";
        return r;
    }();
    return b;
}

}  // namespace bench
