// A plugin that contains the library; unload_test, which does not contain it, unloads the plugin.
#include <framealloc/framealloc.hpp>

namespace fa = framealloc;

namespace {

// What the plugin's own static destructor gives back, on whichever thread unloads it.
struct keeper {
    fa::basic_smart_alloc<fa::policy::debug>* alloc = nullptr;
    int* block = nullptr;
    ~keeper() {
        if (alloc == nullptr) return;
        alloc->pool_free(block);
        block = alloc->pool_alloc<int>();
        alloc->pool_free(block);
        delete alloc;
    }
} kept;

}  // namespace

extern "C" [[gnu::visibility("default")]] int plugin_keep() {
    kept.alloc = new fa::basic_smart_alloc<fa::policy::debug>(fa::options{.name = "kept"});
    kept.block = kept.alloc->pool_alloc<int>();
    return kept.block == nullptr ? 1 : 0;
}

extern "C" [[gnu::visibility("default")]] int plugin_work(bool ends) {
    static fa::basic_smart_alloc<fa::policy::debug>* alloc = nullptr;
    if (alloc == nullptr) alloc = new fa::basic_smart_alloc<fa::policy::debug>(fa::options{.name = "plugin"});
    int sum = 0;
    {
        const auto frame = alloc->frame_scope();
        for (int& v : frame.slice<int>(100)) sum += ++v;
    }
    if (ends) {
        delete alloc;
        alloc = nullptr;
    }
    return sum;
}
