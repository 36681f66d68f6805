// Compile-time facts: sizes, traits, policies of one binary, unique codes.
#include <type_traits>
#include <utility>

#include <framealloc/framealloc.hpp>

namespace fa = framealloc;
using namespace fa::literals;

static_assert(sizeof(fa::smart_alloc) == 16);
static_assert(sizeof(fa::frame_scope) == sizeof(void*) || fa::active_policy::checks);
static_assert(sizeof(fa::pool_box<int>) == sizeof(int*));
static_assert(sizeof(fa::frame_box<int>) == sizeof(int*) || fa::active_policy::checks);
static_assert(sizeof(fa::memory::frame_record) == 64);
static_assert(sizeof(fa::memory::thread_slot) <= 256);
static_assert(std::is_trivially_destructible_v<fa::memory::thread_slot>);
static_assert(std::is_empty_v<fa::no_site>);

static_assert(!std::is_copy_constructible_v<fa::frame_scope> && !std::is_move_constructible_v<fa::frame_scope>);
static_assert(!std::is_copy_assignable_v<fa::frame_scope> && !std::is_move_assignable_v<fa::frame_scope>);
static_assert(!std::is_copy_constructible_v<fa::tag_scope> && !std::is_move_constructible_v<fa::phase_scope>);
static_assert(!std::is_copy_constructible_v<fa::pool_box<int>> &&
              std::is_nothrow_move_constructible_v<fa::pool_box<int>>);
static_assert(!std::is_copy_constructible_v<fa::frame_box<int>> &&
              std::is_nothrow_move_constructible_v<fa::frame_box<int>>);
static_assert(std::is_nothrow_copy_constructible_v<fa::smart_alloc> &&
              std::is_nothrow_default_constructible_v<fa::smart_alloc>);
static_assert(std::is_nothrow_move_constructible_v<fa::frame_vec<int>> &&
              std::is_nothrow_move_assignable_v<fa::pool_vec<int>>);
static_assert(std::is_aggregate_v<fa::options>);

// A source that allocator_ref has no room for, or could not align.
template <std::size_t Bytes, std::size_t Align>
struct alignas(Align) own_source {
    unsigned char state[Bytes];
    void* try_allocate(std::size_t, std::size_t) const noexcept { return nullptr; }
    void deallocate(void*, std::size_t, std::size_t) const noexcept {}
    bool try_grow(void*, std::size_t, std::size_t, std::size_t) const noexcept { return false; }
};
static_assert(std::is_constructible_v<fa::allocator_ref, own_source<24, 8>>);
static_assert(!std::is_constructible_v<fa::allocator_ref, own_source<32, 8>>);
static_assert(!std::is_constructible_v<fa::allocator_ref, own_source<16, 16>>);
static_assert(64_KiB == 65536 && 1_MiB == 1048576 && 1_GiB == 1073741824);
static_assert(fa::checked_product(4_GiB, 8_GiB) == fa::impossible_size);

using allocator = const fa::smart_alloc&;
static_assert(noexcept(std::declval<allocator>().begin_frame()) && noexcept(std::declval<allocator>().end_frame()));
static_assert(noexcept(std::declval<allocator>().frame_alloc<int>()) &&
              noexcept(std::declval<allocator>().pool_alloc<int>()));
static_assert(std::is_base_of_v<std::span<int, 4>, decltype(std::declval<allocator>().frame_alloc_n<int, 4>())>);
static_assert(std::is_convertible_v<decltype(std::declval<allocator>().frame_alloc_n<int, 4>()), std::span<int, 4>>);
static_assert(std::is_convertible_v<decltype(std::declval<allocator>().frame_alloc_n<int, 4>()), std::span<const int>>);
static_assert(std::is_same_v<decltype(std::declval<allocator>().frame_box(5)), fa::frame_box<int>>);
static_assert(std::is_same_v<decltype(std::declval<allocator>().pool_shared<int>(5)), fa::pool_shared<int>>);
static_assert(std::is_convertible_v<fa::frame_vec<float>&, std::span<const float>>);

// What holds itself, as a tree's node does: its type is not complete yet where the container of it is named.
template <template <class> class Vec, template <class, class> class Map>
struct node {
    Vec<node> below;
    Map<int, Vec<node>> named;
};
template <class K, class V>
using plain_heap_map = fa::heap_map<K, V>;
template <class K, class V>
using plain_pool_map = fa::pool_map<K, V>;
template <class Node>
std::size_t use_node() {
    Node n;
    n.below.emplace_back();
    const Node& same = n.below.back();
    n.named[1].emplace_back();
    return n.below[0].named.size() + n.below.at(0).below.size() + same.named.size() + n.named.at(1).size();
}
struct heap_node {  // no template: all of what it has is looked at before its end
    fa::heap_vec<heap_node> below;
    fa::heap_map<int, fa::heap_vec<heap_node>> named;
    fa::heap_box<heap_node> box;
    fa::heap_box<heap_node[]> boxes;
};
struct pool_node {
    fa::pool_vec<pool_node> below;
    fa::pool_map<int, fa::pool_vec<pool_node>> named;
    fa::pool_box<pool_node> box;
    fa::pool_box<pool_node[]> boxes;
    fa::pool_shared<pool_node> shared;
    fa::pool_weak<pool_node> weak;
};
struct frame_node {
    fa::frame_box<frame_node> box;
    fa::frame_box<frame_node[]> boxes;
    fa::frame_map<int, fa::frame_box<frame_node>> named;
};
[[maybe_unused]] constexpr auto uses_of_nodes = {use_node<heap_node>, use_node<pool_node>,
                                                 use_node<node<fa::heap_vec, plain_heap_map>>,
                                                 use_node<node<fa::pool_vec, plain_pool_map>>};

// Every code once.
constexpr int codes[] = {
#define FRAMEALLOC_CODE(name, number, text) number,
#include <framealloc/base/codes.def>
#undef FRAMEALLOC_CODE
};
constexpr bool unique() {
    for (int a : codes) {
        int n = 0;
        for (int b : codes) n += a == b ? 1 : 0;
        if (n != 1) return false;
    }
    return true;
}
static_assert(unique());

int main() { return 0; }
