// A plugin that contains the library, as copies_test does: its use of the program's allocators must be refused,
// and its own must work beside them.
#include "copies.hpp"

#include <cstring>
#include <utility>

namespace {

using work = void (*)(const foreign&);

constexpr std::pair<const char*, work> works[] = {
    {"open a frame", [](const foreign& f) { f.alloc.begin_frame(); }},
    {"end a frame", [](const foreign& f) { f.alloc.end_frame(); }},
    {"allocate from the pool", [](const foreign& f) { static_cast<void>(f.alloc.pool_alloc<int>()); }},
    {"try to allocate from the pool", [](const foreign& f) { static_cast<void>(f.alloc.try_pool_alloc<int>()); }},
    {"allocate from the heap", [](const foreign& f) { static_cast<void>(f.alloc.heap_alloc_bytes(100'000)); }},
    {"free a pool block", [](const foreign& f) { f.alloc.pool_free(f.block); }},
    {"free a large block", [](const foreign& f) { f.alloc.heap_free_bytes(f.large, 100'000); }},
    {"make a container", [](const foreign& f) { f.alloc.pool_vec<int>(100); }},
    {"open a tag", [](const foreign& f) { const fa::tag_scope tag{f.alloc, "tag"}; }},
    {"ask for statistics", [](const foreign& f) { static_cast<void>(f.alloc.stats()); }},
    {"trim", [](const foreign& f) { f.alloc.trim(); }},
    {"check", [](const foreign& f) { f.alloc.check(); }},
    {"set a budget", [](const foreign& f) { f.alloc.set_thread_pool_budget(100); }},
    {"return blocks", [](const foreign& f) { f.alloc.process_deferred_frees(); }},
    {"resume a context", [](const foreign& f) { f.other.resume(std::move(f.parked)); }},
    {"drop a context", [](const foreign& f) { f.parked = {}; }},
    {"drop the last handle", [](const foreign& f) { delete &f.alloc; }},
};

}  // namespace

extern "C" [[gnu::visibility("default")]] const char* plugin_name_of(std::size_t i) {
    return i < std::size(works) ? works[i].first : nullptr;
}

extern "C" [[gnu::visibility("default")]] void plugin_misuse(std::size_t i, const foreign& f) { works[i].second(f); }

// Makes its own allocator. Returns the allocator's id, or 0 if something is wrong.
extern "C" [[gnu::visibility("default")]] std::uint64_t plugin_own_work() {
    const fa::smart_alloc own{{.name = "plugin"}};
    const auto frame = own.frame_scope();
    const auto box = own.pool_box<int>(3);
    return own.frame_depth() == 1 && own.stats().pool_allocated != 0 && *box == 3 ? own.owner().id : 0;
}
