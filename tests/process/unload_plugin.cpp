// A plugin that contains the library; unload_test, which does not contain it, unloads the plugin.
#include <framealloc/framealloc.hpp>

namespace fa = framealloc;

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
