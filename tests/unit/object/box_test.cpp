// Boxes behave like std::unique_ptr and std::shared_ptr: they convert to a base, compare, hash, swap, hold arrays, and
// know when they are empty. Typed over the kinds of memory.
#include <doctest/doctest.h>

#include <csignal>
#include <cstdio>
#include <map>
#include <memory>
#include <memory_resource>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <type_traits>
#include <unordered_map>
#include <unordered_set>

#include "support/child.hpp"
#include "support/recorder.hpp"

using namespace test;

namespace {

// --- the kinds, each made by one call ---

template <class P>
struct framed {
    using policy = P;
    template <class T>
    using box = fa::basic_frame_box<T, P>;
    template <class T, class... Args>
    static auto make(const fa::basic_smart_alloc<P>& a, Args&&... args) {
        return a.template frame_box<T>(std::forward<Args>(args)...);
    }
    template <class T, class... Args>
    static auto try_make(const fa::basic_smart_alloc<P>& a, Args&&... args) {
        return a.template try_frame_box<T>(std::forward<Args>(args)...);
    }
};
template <class P>
struct pooled {
    using policy = P;
    template <class T>
    using box = fa::basic_pool_box<T, P>;
    template <class T, class... Args>
    static auto make(const fa::basic_smart_alloc<P>& a, Args&&... args) {
        return a.template pool_box<T>(std::forward<Args>(args)...);
    }
    template <class T, class... Args>
    static auto try_make(const fa::basic_smart_alloc<P>& a, Args&&... args) {
        return a.template try_pool_box<T>(std::forward<Args>(args)...);
    }
};
template <class P>
struct heaped {
    using policy = P;
    template <class T>
    using box = fa::basic_heap_box<T, P>;
    template <class T, class... Args>
    static auto make(const fa::basic_smart_alloc<P>& a, Args&&... args) {
        return a.template heap_box<T>(std::forward<Args>(args)...);
    }
    template <class T, class... Args>
    static auto try_make(const fa::basic_smart_alloc<P>& a, Args&&... args) {
        return a.template try_heap_box<T>(std::forward<Args>(args)...);
    }
};
template <class P>
struct counted_references {
    using policy = P;
    template <class T>
    using box = fa::basic_pool_shared<T, P>;
    template <class T, class... Args>
    static auto make(const fa::basic_smart_alloc<P>& a, Args&&... args) {
        return a.template pool_shared<T>(std::forward<Args>(args)...);
    }
    template <class T, class... Args>
    static auto try_make(const fa::basic_smart_alloc<P>& a, Args&&... args) {
        return a.template try_pool_shared<T>(std::forward<Args>(args)...);
    }
};

#define UNIQUE_KINDS                                                                           \
    framed<fa::policy::unchecked>, framed<fa::policy::checked>, pooled<fa::policy::unchecked>, \
        pooled<fa::policy::checked>, heaped<fa::policy::unchecked>, heaped<fa::policy::checked>
#define ALL_KINDS UNIQUE_KINDS, counted_references<fa::policy::unchecked>, counted_references<fa::policy::checked>

// An allocator with an open frame around the test, and whether all memory was freed.
template <class K>
struct house {
    recorder heard;
    fa::basic_smart_alloc<typename K::policy> alloc;
    int alive = counted::alive;

    explicit house(fa::options o = {}) : alloc(heard.options(o)) { alloc.begin_frame(); }
    house(const house&) = delete;
    house& operator=(const house&) = delete;
    ~house() {
        alloc.end_frame();
        CHECK(counted::alive == alive);
        CHECK(alloc.stats().total_allocated == 0);
        CHECK(heard.faults.empty());
    }
};

// --- families of classes ---

struct first_base {
    virtual ~first_base() = default;
    virtual int ask() const { return 1; }
    long first = 11;
};
struct second_base {
    virtual ~second_base() = default;
    long second = 22;
};
struct both_bases : first_base, second_base {
    counted member{1};
    int ask() const override { return 2; }
};
struct virtual_base {
    virtual ~virtual_base() = default;
    long shared = 33;
};
struct left : virtual virtual_base {
    counted member{2};
};
struct right : virtual virtual_base {
    long r = 44;
};
struct diamond : left, right {
    counted member{3};
};
struct alignas(256) wide : first_base, second_base {
    counted member{4};
};
struct large : first_base, second_base {  // too large for the pool's pages
    counted member{5};
    char bytes[20'000] = {};
};
struct not_virtual {
    int n = 55;
};
struct has_more : not_virtual {
    counted member{6};
};
struct has_nothing : first_base {
    has_nothing() = default;
};
struct plain_tail {
    long before = 1;
};
struct plain_whole : plain_tail, not_virtual {};  // trivially destructible, its second base not at the begin

template <class K, class Derived, class Base, class F>
void convert(F look) {
    house<K> h;
    {
        auto d = K::template make<Derived>(h.alloc);
        Derived* whole = d.get();
        typename K::template box<Base> b = std::move(d);
        CHECK(d == nullptr);
        CHECK(b.get() == static_cast<Base*>(whole));
        CHECK(aligned(whole, alignof(Derived)));
        look(*b);
        typename K::template box<Base> moved = std::move(b);
        moved.swap(b);
        b = K::template make<Derived>(h.alloc);  // assignment converts too
        look(*b);
        typename K::template box<const Base> constant = std::move(b);
        look(*constant);
    }
    if constexpr (!std::is_trivially_destructible_v<Derived>) CHECK(counted::alive == h.alive);
}

}  // namespace

TEST_CASE_TEMPLATE("a box converts to a box of a base, wherever in the object that lies", K, ALL_KINDS) {
    convert<K, both_bases, first_base>([](const auto& b) { CHECK(b.ask() == 2); });
    convert<K, both_bases, second_base>([](const auto& b) { CHECK(b.second == 22); });
    convert<K, diamond, virtual_base>([](const auto& b) { CHECK(b.shared == 33); });
    convert<K, diamond, right>([](const auto& b) { CHECK(b.r == 44); });
    convert<K, wide, second_base>([](const auto& b) { CHECK(b.second == 22); });
    convert<K, has_nothing, first_base>([](const auto& b) { CHECK(b.first == 11); });
}

TEST_CASE_TEMPLATE("a large object converts where its block is known", K, framed<fa::policy::standard>,
                   framed<fa::policy::debug>, heaped<fa::policy::standard>, heaped<fa::policy::debug>,
                   counted_references<fa::policy::standard>, counted_references<fa::policy::debug>) {
    convert<K, large, second_base>([](const auto& b) { CHECK(b.second == 22); });
}

FOR_EACH_POLICY("what cannot be destroyed through a base does not convert to it, but as shared") {
    using plain = fa::basic_pool_box<not_virtual, P>;
    static_assert(!std::is_convertible_v<fa::basic_pool_box<has_more, P>, plain>);
    static_assert(!std::is_convertible_v<fa::basic_heap_box<has_more, P>, fa::basic_heap_box<not_virtual, P>>);
    static_assert(!std::is_convertible_v<fa::basic_frame_box<has_more, P>, fa::basic_frame_box<not_virtual, P>>);
    static_assert(std::is_convertible_v<fa::basic_frame_box<plain_whole, P>, fa::basic_frame_box<not_virtual, P>>);
    static_assert(!std::is_convertible_v<fa::basic_pool_box<large, P>,
                                         fa::basic_pool_box<first_base, P>>);  // another place than a small one's
    static_assert(!std::is_convertible_v<fa::basic_pool_box<first_base, P>, fa::basic_pool_box<both_bases, P>>);
    static_assert(!std::is_convertible_v<fa::basic_pool_box<both_bases, P>&, fa::basic_pool_box<first_base, P>>);
    static_assert(!std::is_convertible_v<fa::basic_pool_box<both_bases[], P>, fa::basic_pool_box<first_base[], P>>);
    static_assert(
        std::is_convertible_v<fa::basic_pool_box<both_bases[], P>, fa::basic_pool_box<const both_bases[], P>>);
    static_assert(!std::is_convertible_v<fa::basic_pool_shared<not_virtual, P>, fa::basic_pool_shared<has_more, P>>);
    house<pooled<P>> h;
    fa::basic_pool_shared<not_virtual, P> s = h.alloc.template pool_shared<has_more>();
    CHECK(s->n == 55);
    CHECK(counted::alive == h.alive + 1);
    s = nullptr;
    CHECK(counted::alive == h.alive);
    fa::basic_frame_box<not_virtual, P> tail = h.alloc.template frame_box<plain_whole>();
    CHECK(tail->n == 55);
}

TEST_CASE_TEMPLATE("a box of a base outlives the allocator's last handle", K, pooled<fa::policy::standard>,
                   pooled<fa::policy::debug>, heaped<fa::policy::standard>, heaped<fa::policy::debug>,
                   counted_references<fa::policy::standard>, counted_references<fa::policy::debug>) {
    recorder r;
    const int before = counted::alive;
    typename K::template box<second_base> b;
    {
        fa::basic_smart_alloc<typename K::policy> alloc{r.options()};
        b = K::template make<both_bases>(alloc);
    }
    CHECK(r.count(fa::code::FA424) == 1);
    std::thread([moved = std::move(b)]() mutable { moved.reset(); }).join();
    CHECK(counted::alive == before);
}

namespace {

// A heap that expects the same size and alignment at the free.
struct exact_heap : std::pmr::memory_resource {
    std::map<void*, std::pair<std::size_t, std::size_t>> out;
    int wrong = 0;
    void* do_allocate(std::size_t n, std::size_t a) override {
        void* p = ::operator new(n, std::align_val_t(a));
        out[p] = {n, a};
        return p;
    }
    void do_deallocate(void* p, std::size_t n, std::size_t a) override {
        wrong += out.count(p) == 1 && out[p] == std::pair(n, a) ? 0 : 1;
        out.erase(p);
        ::operator delete(p, std::align_val_t(a));
    }
    bool do_is_equal(const memory_resource& o) const noexcept override { return this == &o; }
};

}  // namespace

FOR_EACH_POLICY("a heap of the user's is told size and alignment of the whole object, whatever the box is of") {
    exact_heap heap;
    {
        house<heaped<P>> h({.heap = &heap});
        fa::basic_heap_box<second_base, P> a = h.alloc.template heap_box<both_bases>(),
                                           b = h.alloc.template heap_box<wide>(),
                                           c = h.alloc.template heap_box<large>();
        auto d = h.alloc.template heap_box<counted[]>(7), e = h.alloc.template heap_box<counted[]>(7000);
        struct alignas(512) very_wide {
            char bytes[8192];
        };
        auto f = h.alloc.template pool_box<very_wide>();
        auto g = h.alloc.template pool_box<very_wide[]>(3);
        CHECK(heap.out.size() == 7);
        fa::basic_pool_shared<second_base, P> s = std::move(b);
        CHECK(s->second == 22);
    }
    CHECK(heap.out.empty());
    CHECK(heap.wrong == 0);
}

TEST_CASE_TEMPLATE("boxes compare with each other and with nullptr, hash, and swap", K, ALL_KINDS) {
    house<K> h;
    using box = typename K::template box<int>;
    box a = K::template make<int>(h.alloc, 1), b = K::template make<int>(h.alloc, 1), none;
    CHECK(a == a);
    CHECK(a != b);
    CHECK((a < b) == std::less<int*>{}(a.get(), b.get()));
    CHECK((a <=> b) != std::strong_ordering::equal);
    CHECK(a != nullptr);
    CHECK(nullptr != a);
    CHECK(none == nullptr);
    CHECK(nullptr == none);
    CHECK(a > nullptr);
    CHECK(none <= nullptr);
    CHECK((none <=> nullptr) == std::strong_ordering::equal);
    CHECK(static_cast<bool>(a));
    CHECK(!none);
    CHECK(std::hash<box>{}(a) == std::hash<int*>{}(a.get()));
    int* const at = a.get();
    int* const bt = b.get();
    swap(a, b);
    CHECK(a.get() == bt);
    using std::swap;
    swap(a, b);
    a.swap(b);
    std::swap(a, b);
    CHECK(a.get() == at);
    a.swap(none);
    CHECK(a == nullptr);
    CHECK(*none == 1);
    swap(none, none);
    CHECK(*none == 1);
    std::set<box> ordered;
    std::unordered_set<box> hashed;
    ordered.insert(std::move(b));
    hashed.insert(std::move(none));
    CHECK(ordered.begin()->get() == bt);
    CHECK(hashed.begin()->get() == at);
    typename K::template box<const int> constant = K::template make<int>(h.alloc, 3);
    CHECK(constant != *ordered.begin());
    constant = nullptr;
    CHECK(constant == nullptr);
    static_assert(!std::is_constructible_v<int, box> && std::is_constructible_v<bool, box> &&
                  !std::is_convertible_v<box, bool>);
    static_assert(std::is_nothrow_move_constructible_v<box> && std::is_nothrow_move_assignable_v<box> &&
                  std::is_nothrow_swappable_v<box>);
}

TEST_CASE_TEMPLATE("empty and moved-from boxes are null, and stay usable", K, UNIQUE_KINDS) {
    house<K> h;
    using box = typename K::template box<counted>;
    box empty, null = nullptr, a = K::template make<counted>(h.alloc, 1);
    CHECK(empty.get() == nullptr);
    CHECK(empty.release() == nullptr);
    empty.reset();
    empty = std::move(null);
    box& same = a;
    a = std::move(same);
    CHECK(a->id == 1);
    box b = std::move(a);
    CHECK(a.get() == nullptr);
    CHECK(a.release() == nullptr);
    a.reset();
    a = std::move(b);
    CHECK(a->id == 1);
    a = K::template make<counted>(h.alloc, 2);
    CHECK(counted::alive == h.alive + 1);
    CHECK(std::move(a).into_inner().id == 2);
    CHECK(a == nullptr);
    a = nullptr;
    CHECK(counted::alive == h.alive);
    if constexpr (std::is_same_v<K, framed<typename K::policy>>) {
        b = K::template make<counted>(h.alloc, 3);
        CHECK(b.release()->id == 3);  // the frame's from now on
        CHECK(counted::alive == h.alive + 1);
    }
}

FOR_EACH_POLICY("a box whose frame ends is empty, a box of a base as well") {
    recorder r;
    fa::basic_smart_alloc<P> alloc{r.options()};
    const int before = counted::alive;
    fa::basic_frame_box<second_base, P> b;
    fa::basic_frame_box<counted[], P> array;
    alloc.begin_frame();
    b = alloc.template frame_box<both_bases>();
    array = alloc.template frame_box<counted[]>(5);
    CHECK(counted::alive == before + 6);
    alloc.end_frame();
    CHECK(counted::alive == before);
    CHECK(b == nullptr);
    CHECK(!array);
    CHECK(array.size() == 0);
    alloc.begin_frame();
    b = alloc.template frame_box<both_bases>();
    CHECK(b->second == 22);
    alloc.end_frame();
    CHECK(r.faults.empty());
}

namespace {

// Holds the box that holds it.
template <class K>
struct inside_itself {
    typename K::template box<inside_itself>* holder;
    int* seen;
    explicit inside_itself(typename K::template box<inside_itself>* h, int* s) : holder(h), seen(s) {}
    inside_itself(const inside_itself&) = delete;
    ~inside_itself() { *seen += *holder == nullptr ? 1 : 100; }
};
// A tree of itself: the box is a member before the type is complete.
template <class K>
struct tree {
    typename K::template box<tree> left{}, right{};
    typename K::template box<tree[]> more{};
    counted here{7};
};

}  // namespace

TEST_CASE_TEMPLATE("a box is empty while its object is destroyed, and may be a member of what it holds", K,
                   UNIQUE_KINDS) {
    house<K> h;
    int seen = 0;
    typename K::template box<inside_itself<K>> b;
    b = K::template make<inside_itself<K>>(h.alloc, &b, &seen);
    b.reset();
    CHECK(seen == 1);
    auto root = K::template make<tree<K>>(h.alloc);
    root->left = K::template make<tree<K>>(h.alloc);
    root->right = K::template make<tree<K>>(h.alloc);
    root->left->more = K::template make<tree<K>[]>(h.alloc, 3);
    CHECK(counted::alive == h.alive + 6);
    root = std::move(root->left);  // destroys where it came from
    CHECK(counted::alive == h.alive + 4);
}

TEST_CASE_TEMPLATE("a box of an array knows its size, and destroys what it has", K, UNIQUE_KINDS) {
    house<K> h;
    for (const std::size_t n : {std::size_t{1}, std::size_t{7}, std::size_t{100}, std::size_t{5000}}) {
        using box = typename K::template box<counted[]>;
        box a = K::template make<counted[]>(h.alloc, n);
        CHECK(a.size() == n);
        CHECK(a.span().size() == n);
        CHECK(a.data() == a.get());
        CHECK(a.begin() + n == a.end());
        CHECK(counted::alive == h.alive + static_cast<int>(n));
        for (std::size_t i = 0; i < n; ++i) a[i].id = static_cast<int>(i);
        std::span<counted> view = a;
        CHECK(view.back().id == static_cast<int>(n) - 1);
        box b = std::move(a);
        CHECK(a == nullptr);
        CHECK(a.size() == 0);
        CHECK(a.empty());
        swap(a, b);
        CHECK(a[n - 1].id == static_cast<int>(n) - 1);
        b = K::template make<counted[]>(h.alloc, 2);
        a = std::move(b);
        CHECK(counted::alive == h.alive + 2);
        CHECK(a != nullptr);
        CHECK(std::hash<box>{}(a) == std::hash<counted*>{}(a.get()));
        typename K::template box<const counted[]> constant = std::move(a);
        CHECK(constant.size() == 2);
        constant = nullptr;
        CHECK(counted::alive == h.alive);
    }
    struct alignas(512) page {
        char bytes[512];
    };
    auto pages = K::template make<page[]>(h.alloc, 11);
    CHECK(aligned(pages.get(), 512));
    auto zeros = K::template make<int[]>(h.alloc, 1000);
    for (int z : zeros) CHECK(z == 0);
    auto none = K::template make<int[]>(h.alloc, 0);
    CHECK(none == nullptr);
    CHECK(none.empty());
    CHECK(K::template try_make<long[]>(h.alloc, ~std::size_t{0} / 2) == nullptr);
    CHECK(K::template try_make<long[]>(h.alloc, ~std::size_t{0} / 8 + 2) == nullptr);
    CHECK(K::template try_make<counted[]>(h.alloc, -1) == nullptr);
}

FOR_EACH_POLICY("what a box of an array releases, another box takes") {
    house<pooled<P>> h;
    auto a = h.alloc.template pool_box<counted[]>(9);
    counted* raw = a.release();
    CHECK(a.size() == 0);
    fa::basic_pool_box<counted[], P> b(raw, 9);
    auto c = h.alloc.template heap_box<counted[]>(900);
    raw = c.release();
    fa::basic_heap_box<counted[], P> d(raw, 900, h.alloc.owner().owner);
    CHECK(d.size() == 900);
}

FOR_EACH_POLICY("pool_shared shares as std::shared_ptr does: parts, casts, boxes, owners") {
    house<counted_references<P>> h;
    using shared = fa::basic_pool_shared<both_bases, P>;
    shared a = h.alloc.template pool_shared<both_bases>();
    fa::basic_pool_shared<second_base, P> base = a;
    fa::basic_pool_shared<counted, P> part(a, &a->member);
    CHECK(a.use_count() == 3);
    CHECK(a == base);
    CHECK(!a.owner_before(part));
    CHECK(!part.owner_before(a));
    auto stranger = h.alloc.template pool_shared<int>(1);
    CHECK(stranger.owner_before(a) != a.owner_before(stranger));
    fa::basic_pool_weak<second_base, P> weak = base;
    fa::basic_pool_weak<const second_base, P> more = weak;
    CHECK(!weak.owner_before(a));
    CHECK(weak.use_count() == 3);
    a.reset();
    base = nullptr;
    CHECK(part->id == 1);  // keeps the whole alive
    CHECK(weak.lock()->second == 22);
    CHECK(more.lock()->second == 22);
    auto up = dynamic_pointer_cast<both_bases>(weak.lock());
    CHECK(up->ask() == 2);
    CHECK(dynamic_pointer_cast<wide>(weak.lock()) == nullptr);
    CHECK(static_pointer_cast<both_bases>(weak.lock()) == up);
    CHECK(const_pointer_cast<second_base>(more.lock())->second == 22);
    CHECK(reinterpret_pointer_cast<char>(up).use_count() == 3);
    up = {};
    fa::basic_pool_shared<counted, P> last(std::move(part), nullptr);  // owns, and points to nothing
    CHECK(last == nullptr);
    CHECK(last.use_count() == 1);
    CHECK(part.use_count() == 0);
    last.reset();
    CHECK(weak.expired());
    CHECK(weak.lock() == nullptr);
    CHECK(counted::alive == h.alive);
    weak.reset();
    fa::basic_pool_weak<second_base, P> other;
    swap(other, weak);
    CHECK(other.expired());
}

FOR_EACH_POLICY("pool_shared<void> shares what it cannot name") {
    house<counted_references<P>> h;
    fa::basic_pool_shared<void, P> any = h.alloc.template pool_shared<counted>(7);
    fa::basic_pool_weak<void, P> seen = any;
    CHECK((any != nullptr && any.use_count() == 1 && any.get() != nullptr));
    auto named = static_pointer_cast<counted>(any);
    CHECK((named->id == 7 && named == any && seen.lock() == named));
    CHECK(std::hash<fa::basic_pool_shared<void, P>>{}(any) == std::hash<void*>{}(named.get()));
    fa::basic_pool_shared<const void, P> constant = named;
    named = nullptr;
    any = h.alloc.template pool_box<both_bases>();
    CHECK((seen.use_count() == 1 && constant.use_count() == 1 && counted::alive == h.alive + 2));
    constant = nullptr;
    CHECK((seen.expired() && counted::alive == h.alive + 1));
    any.reset();
    CHECK(counted::alive == h.alive);
}

FOR_EACH_POLICY("a pool_shared is made of a pool_weak, or says that the object is gone") {
    house<counted_references<P>> h;
    auto a = h.alloc.template pool_shared<both_bases>();
    const fa::basic_pool_weak<both_bases, P> seen = a;
    const fa::basic_pool_shared<both_bases, P> again(seen);
    fa::basic_pool_shared<second_base, P> base(seen);
    CHECK((again == a && base == a && a.use_count() == 3));
    static_assert(!std::is_convertible_v<fa::basic_pool_weak<int, P>, fa::basic_pool_shared<int, P>>);
    static_assert(!std::is_constructible_v<fa::basic_pool_shared<int, P>, fa::basic_pool_weak<long, P>>);
    const fa::basic_pool_weak<int, P> never;
    using of_int = fa::basic_pool_shared<int, P>;
    CHECK_THROWS_AS(of_int{never}, std::bad_weak_ptr);
    fa::basic_pool_weak<counted, P> gone;
    {
        auto b = h.alloc.template pool_shared<counted>(1);
        gone = b;
    }
    using of_counted = fa::basic_pool_shared<counted, P>;
    CHECK_THROWS_AS(of_counted{gone}, std::bad_weak_ptr);
    CHECK(gone.lock() == nullptr);
}

FOR_EACH_POLICY("owner_less orders shared and weak alike, by what they share") {
    house<counted_references<P>> h;
    auto a = h.alloc.template pool_shared<both_bases>(), b = h.alloc.template pool_shared<both_bases>();
    const fa::basic_pool_shared<counted, P> part(a, &a->member);
    std::set<fa::basic_pool_weak<counted, P>, fa::owner_less> seen;
    CHECK((seen.insert(part).second && !seen.insert(part).second));
    CHECK((seen.contains(a) && seen.contains(part) && !seen.contains(b)));
    std::map<fa::basic_pool_shared<both_bases, P>, int, fa::owner_less> owners{{a, 1}, {b, 2}};
    CHECK((owners.size() == 2 && owners.find(part)->second == 1 &&
           owners.find(fa::basic_pool_weak<both_bases, P>(b))->second == 2));
}

TEST_CASE_TEMPLATE("a box is printed as the address that it holds, of a letter too", K, ALL_KINDS) {
    house<K> h;
    const auto number = K::template make<int>(h.alloc, 7);
    const auto letter = K::template make<char>(h.alloc, 'x');
    typename K::template box<int> none;
    std::ostringstream boxes, addresses;
    boxes << number << ' ' << letter << ' ' << none;
    addresses << static_cast<const void*>(number.get()) << ' ' << static_cast<const void*>(letter.get()) << ' '
              << static_cast<void*>(nullptr);
    CHECK(boxes.str() == addresses.str());
}

FOR_EACH_POLICY("a box becomes shared where it lies") {
    house<counted_references<P>> h;
    auto box = h.alloc.template pool_box<both_bases>();
    both_bases* const at = box.get();
    fa::basic_pool_shared<second_base, P> a = std::move(box);
    CHECK(box == nullptr);
    CHECK(a.get() == at);
    auto heap = h.alloc.template heap_box<large>();
    fa::basic_pool_shared<first_base, P> b = std::move(heap);
    auto beyond = h.alloc.template pool_box<large>();
    fa::basic_pool_shared<large, P> c = std::move(beyond);
    fa::basic_pool_weak<first_base, P> seen = b;
    CHECK(counted::alive == h.alive + 3);
    a = nullptr;
    b = nullptr;
    CHECK(seen.expired());
    CHECK(counted::alive == h.alive + 1);
    fa::basic_pool_shared<second_base, P> none = fa::basic_pool_box<both_bases, P>();
    CHECK(none == nullptr);
    CHECK(none.use_count() == 0);
    static_assert(!std::is_convertible_v<fa::basic_pool_box<both_bases, P>&, fa::basic_pool_shared<both_bases, P>>);
    static_assert(!std::is_convertible_v<fa::basic_frame_box<both_bases, P>, fa::basic_pool_shared<both_bases, P>>);
}

FOR_EACH_POLICY("what crossed threads compares, hashes, swaps, and may be kept as a pool_box") {
    house<pooled<P>> h;
    {
        auto a = h.alloc.template frame_box_for_transfer<counted>(1).receive();
        auto b = h.alloc.template frame_box_for_transfer<counted>(2).receive();
        CHECK(a != b);
        CHECK(a != nullptr);
        CHECK(std::hash<fa::transfer_box<counted>>{}(a) == std::hash<counted*>{}(a.get()));
        swap(a, b);
        CHECK(a->id == 2);
        CHECK(std::move(a).into_inner().id == 2);
        CHECK(a == nullptr);
        fa::basic_pool_box<counted, P> kept(b.release());
        CHECK(kept->id == 1);
        auto s = h.alloc.template frame_span_for_transfer<counted>(4).receive();
        CHECK(s.size() == 4);
        fa::basic_pool_box<counted[], P> array(s.release(), 4);
        CHECK(s == nullptr);
    }
    CHECK(h.alloc.transfers().completed == 3);
}

FOR_EACH_POLICY("a transfer of nothing may outlive its allocator") {
    fa::transfer_span<int> dropped, received;
    {
        fa::basic_smart_alloc<P> alloc;
        dropped = alloc.template frame_span_for_transfer<int>(0);
        received = alloc.template frame_span_for_transfer<int>(0);
        CHECK(alloc.transfers().initiated == 2);
    }
    CHECK(std::move(received).receive().empty());
    dropped = {};
}

namespace {

// The standard error of work in its own process, and how it ends.
template <class Work>
std::string said_by(Work work, int& status) {
    int ends[2];
    if (pipe(ends) != 0) return {};
    status = status_of_child([&] {
        dup2(ends[1], 2);
        std::signal(SIGABRT, SIG_DFL);  // not the test framework's
        work();
    });
    close(ends[1]);
    std::string text;
    char buffer[4096];
    for (ssize_t n; (n = read(ends[0], buffer, sizeof buffer)) > 0;) text.append(buffer, static_cast<std::size_t>(n));
    close(ends[0]);
    return text;
}

// Whether "… at program+0x1234" is this line, as far as debug information says.
bool names_line(const std::string& text, int line) {
    if (fa::guard::under_tool || FRAMEALLOC_TSAN) return true;  // sanitizers change what is inlined
    if (!test::on_linux) return true;  // instructions have no names there
    const std::size_t at = text.rfind("+0x");
    if (at == std::string::npos) return false;
    const std::string command = "addr2line -i -e /proc/" + std::to_string(getpid()) + "/exe 0x" +
                                text.substr(at + 3, text.find_first_not_of("0123456789abcdef", at + 3) - at - 3);
    std::FILE* out = popen(command.c_str(), "r");
    std::string lines;
    char buffer[4096];
    while (out != nullptr && std::fgets(buffer, sizeof buffer, out) != nullptr) lines += buffer;
    if (out != nullptr) pclose(out);
    const bool no_lines = lines.empty() ||
                          lines.find(":?") != std::string::npos;  // in a release build, names of files at most
    return no_lines || lines.find("box_test.cpp:" + std::to_string(line)) != std::string::npos;
}

template <class T>
void use(T& x) {
    volatile char* p = reinterpret_cast<volatile char*>(&x);
    *p = 1;
}

#define SAYS_EMPTY(what, ...)                                           \
    do {                                                                \
        const std::string text = said_by([&] { __VA_ARGS__; }, status); \
        CHECK(status == -SIGABRT);                                      \
        CHECK(text.find("FA444") != std::string::npos);                 \
        CHECK(text.find(what) != std::string::npos);                    \
        CHECK(names_line(text, __LINE__));                              \
    } while (false)

}  // namespace

TEST_CASE_TEMPLATE("an empty box that is dereferenced says so in debug, and where", K, framed<fa::policy::debug>,
                   pooled<fa::policy::debug>, heaped<fa::policy::debug>, counted_references<fa::policy::debug>) {
    struct pair {
        int a = 0, b = 0;
    };
    house<K> h;
    auto box = K::template make<pair>(h.alloc);
    auto other = std::move(box);
    int status = 0;
    SAYS_EMPTY("* of an empty", use((*box).b));
    SAYS_EMPTY("-> of an empty", use(box->b));
    if constexpr (requires { std::move(box).into_inner(); })
        SAYS_EMPTY("into_inner() of an empty", auto x = std::move(box).into_inner(); use(x));
    CHECK(other->a == 0);
}

FOR_EACH_POLICY("into_inner() of an empty box says so in every mode") {
    int status = 0;
    SAYS_EMPTY("into_inner() of an empty frame_box", auto x = fa::basic_frame_box<int, P>().into_inner(); use(x));
    SAYS_EMPTY("into_inner() of an empty pool_box", auto x = fa::basic_pool_box<int, P>().into_inner(); use(x));
    SAYS_EMPTY("into_inner() of an empty heap_box", auto x = fa::basic_heap_box<int, P>().into_inner(); use(x));
    SAYS_EMPTY("into_inner() of an empty transfer_box", auto x = fa::transfer_box<int>().into_inner(); use(x));
}

TEST_CASE_TEMPLATE("an index past the end of a box of an array says so in debug", K, framed<fa::policy::debug>,
                   pooled<fa::policy::debug>, heaped<fa::policy::debug>) {
    house<K> h;
    auto box = K::template make<int[]>(h.alloc, 4);
    int status = 0;
    const std::string text = said_by([&] { use(box[4]); }, status);
    CHECK(status == -SIGABRT);
}
