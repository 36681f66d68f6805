// A correct program, to be built with -fsanitize=undefined against an installed library: virtual calls, casts and type
// names of the library's objects, and the hot paths in loops. Any report is a failure.
#include <framealloc/fa.hpp>

#include <cstdio>
#include <memory_resource>
#include <string>
#include <typeinfo>
#include <vector>

namespace {

int wrong = 0;
int asked = 0;

// Uses of a resource's type information: vptr checks, dynamic_cast and typeid.
void ask(std::pmr::memory_resource* resource) {
    ++asked;
    struct other : std::pmr::memory_resource {
        void* do_allocate(std::size_t, std::size_t) override { return nullptr; }
        void do_deallocate(void*, std::size_t, std::size_t) override {}
        bool do_is_equal(const std::pmr::memory_resource&) const noexcept override { return false; }
    };
    wrong += dynamic_cast<other*>(resource) != nullptr;
    wrong += dynamic_cast<void*>(resource) == nullptr;
    wrong += typeid(*resource) == typeid(other);
    wrong += !resource->is_equal(*resource);
    std::pmr::vector<std::pmr::string> texts(resource);
    for (int i = 0; i < 10; ++i) texts.emplace_back("a text that is too long for the object itself");
    wrong += texts.back().get_allocator().resource() != resource;
}

void frames_in_a_loop(const fa::smart_alloc& alloc) {
    for (int i = 0; i < 3; ++i) {
        fa::frame_scope f = alloc.frame_scope();
        auto v = f.vec<std::string>();
        v.push_back("x");
        if (i % 2) f.make<std::string>("y");
        ask(f.resource());
    }
    try {
        fa::frame_scope a = alloc.frame_scope();
        a.make<std::string>("z");
        throw 1;
    } catch (int) {}
}

void every_kind(const fa::smart_alloc& alloc) {
    for (int i = 0; i < 3; ++i) {
        auto pooled = alloc.pool_box<std::string>("p");
        auto shared = alloc.pool_shared<std::string>("s");
        auto heaped = alloc.heap_box<std::string>("h");
        auto sent = alloc.frame_box_for_transfer<std::string>("t");
        auto received = std::move(sent).receive();
        fa::tag_scope charged{alloc, "physics"};
        alloc.begin_frame();
        auto map = alloc.frame_map<int, std::string>();
        map.try_emplace(i, "m");
        wrong += map.size() != 1 || pooled->size() + shared->size() + heaped->size() + received->size() != 4;
        alloc.end_frame();
    }
    ask(alloc.pool_resource());
    ask(alloc.heap_resource());
}

void ask_pages() {
    fa::os::system_pages own;
    fa::page_source& pages = own;
    ++asked;
    wrong += typeid(pages) != typeid(fa::os::system_pages);
    void* p = pages.reserve(65536, 65536);
    wrong += p == nullptr || !pages.commit(p, 65536);
    pages.release(p, 65536);
}

}  // namespace

int main() {
    fa::smart_alloc alloc;
    frames_in_a_loop(alloc);
    every_kind(alloc);
    ask_pages();
    std::printf("%d objects asked, %d wrong\n", asked, wrong);
    return wrong;
}
