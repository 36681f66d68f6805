// Blocks by address: a hook, usable_size and the C functions where one allocator is the heap of another.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <memory_resource>
#include <vector>

#include <framealloc/framealloc.h>
#include <framealloc/detail/core/pool.hpp>

#include "support/recorder.hpp"

using namespace test;
using fa::memory_kind;

namespace {

constexpr memory_kind kinds[] = {memory_kind::pool, memory_kind::heap};

void write(void* p, std::size_t n, unsigned seed) {
    for (std::size_t i = 0; i < n; ++i) static_cast<unsigned char*>(p)[i] = static_cast<unsigned char>(seed + i);
}
bool holds(const void* p, std::size_t n, unsigned seed) {
    for (std::size_t i = 0; i < n; ++i) {
        if (static_cast<const unsigned char*>(p)[i] != static_cast<unsigned char>(seed + i)) return false;
    }
    return true;
}

template <class P>
std::size_t in_use(const fa::basic_smart_alloc<P>& a) {
    return a.stats().pool_allocated + a.stats().heap_allocated;
}

}  // namespace

namespace {

// Where an allocator's heap comes from: another one's.
enum class provider { heap, pool, frame };

fa::options behind(const fa::options& o, std::pmr::memory_resource* from, fa::guard_level guard) {
    fa::options inner = o;
    inner.guard = guard;
    inner.heap = from;
    return inner;
}

// Blocks of every size that may lie inside one of the provider's, the way a hook gives, changes and takes them.
template <class P>
void use_hook_behind(const fa::basic_smart_alloc<P>& inner, const fa::hook& h, bool typed_sizes) {
    for (std::size_t n = 1; n < 20'000; n += n < 300 ? 13 : n / 3) {
        CAPTURE(n);
        auto* p = static_cast<char*>(h.allocate(n));
        REQUIRE(p != nullptr);
        write(p, n, 5);
        CHECK(fa::usable_size(p) >= n);
        CHECK(fa::usable_size(p) <= h.good_size(n));
        CHECK(fa_usable_size(p) == fa::usable_size(p));
        const std::size_t held = in_use(inner);
        CHECK(held >= n);
        if (h.try_grow(p, n, n + 60)) CHECK(fa::usable_size(p) >= n + 60);
        CHECK(holds(p, n, 5));
        p = static_cast<char*>(h.reallocate(p, n + 700));
        REQUIRE(p != nullptr);
        CHECK(holds(p, n, 5));
        CHECK(fa::usable_size(p) >= n + 700);
        write(p, n + 700, 6);
        p = static_cast<char*>(h.reallocate(p, (n + 1) / 2));
        REQUIRE(p != nullptr);
        CHECK(holds(p, (n + 1) / 2, 6));
        if (typed_sizes) h.deallocate(p, (n + 1) / 2);
        else h.deallocate(p);
        CHECK(in_use(inner) == 0);
        auto* z = static_cast<char*>(h.allocate_zeroed(n, 64));
        REQUIRE(z != nullptr);
        CHECK(std::count(z, z + n, 0) == static_cast<std::ptrdiff_t>(n));
        CHECK(fa::usable_size(z) >= n);
        if (typed_sizes) h.deallocate(z, n, 64);
        else h.deallocate(z);
        CHECK(in_use(inner) == 0);
    }
    {
        std::vector<int, fa::standard_allocator<int, fa::hook>> v{fa::standard_allocator<int, fa::hook>{h}};
        for (int i = 0; i < 500; ++i) v.push_back(i);
        CHECK(v.back() == 499);
    }
    CHECK(in_use(inner) == 0);
}

// The provider hands out each of its blocks once.
template <class P>
void check_provider(const fa::basic_smart_alloc<P>& outer) {
    std::map<std::uintptr_t, std::size_t> blocks;
    for (std::size_t n = 16; n <= 4096; n += n < 512 ? 16 : 256) {
        for (int i = 0; i < 4; ++i) {
            void* p = outer.heap().alloc_bytes(n);
            std::memset(p, 1, n);
            CHECK(blocks.emplace(reinterpret_cast<std::uintptr_t>(p), n).second);
        }
    }
    std::uintptr_t end = 0;
    for (const auto& [begin, n] : blocks) {
        CHECK(begin >= end);
        end = begin + n;
    }
    for (const auto& [begin, n] : blocks) outer.heap().free_bytes(reinterpret_cast<void*>(begin), n);
    CHECK(in_use(outer) == 0);
    CHECK(outer.check() == 0);
}

}  // namespace

FOR_EACH_POLICY("a hook over an allocator whose heap is another's keeps the blocks of both apart") {
    struct probed {
        fa::guard_level guard;
        std::uint32_t sample;
    };
    const probed outer_probes[] = {{fa::guard_level::off, 0}, {fa::guard_level::fill, 0}, {fa::guard_level::off, 1}};
    for (const probed& with : outer_probes) {
        for (const fa::guard_level inner_guard : {fa::guard_level::off, fa::guard_level::fill}) {
            for (const provider from : {provider::heap, provider::pool, provider::frame}) {
                for (const memory_kind kind : kinds) {
                    for (const bool typed_sizes : {false, true}) {
                        CAPTURE(static_cast<int>(with.guard));
                        CAPTURE(with.sample);
                        CAPTURE(static_cast<int>(inner_guard));
                        CAPTURE(static_cast<int>(from));
                        CAPTURE(typed_sizes);
                        recorder seen;
                        fa::options o = seen.options();
                        o.guard = with.guard;
                        o.guard_sample = with.sample;
                        fa::basic_smart_alloc<P> outer{o};
                        {
                            auto frame = outer.frame_scope();
                            const auto inside = outer.frame_scope();  // the outer frame's memory is out of line
                            std::pmr::memory_resource* const r = from == provider::heap   ? outer.heap().resource()
                                                                 : from == provider::pool ? outer.pool().resource()
                                                                                          : frame.resource();
                            const fa::basic_smart_alloc<P> inner{behind(seen.options(), r, inner_guard)};
                            use_hook_behind(inner, fa::hook{inner, kind}, typed_sizes);
                            CHECK(inner.check() == 0);
                        }
                        check_provider(outer);
                        CHECK(seen.faults.empty());
                    }
                }
            }
        }
    }
}

FOR_EACH_POLICY("three allocators, each the heap of the next, know whose block is whose") {
    recorder seen;
    fa::options o = seen.options();
    o.guard = fa::guard_level::off;
    fa::basic_smart_alloc<P> first{o};
    {
        o.heap = first.heap().resource();
        fa::basic_smart_alloc<P> second{o};
        o.heap = second.heap().resource();
        fa::basic_smart_alloc<P> third{o};
        use_hook_behind(third, fa::hook{third}, false);
        use_hook_behind(second, fa::hook{second}, true);
        const fa::hook a{first}, b{second}, c{third};
        void *p = a.allocate(100), *q = b.allocate(100), *r = c.allocate(100);
        CHECK(fa::usable_size(p) == a.good_size(100));
        CHECK(fa::usable_size(q) == 100);
        CHECK(fa::usable_size(r) == 100);
        c.deallocate(r);
        b.deallocate(q);
        CHECK(in_use(second) == 0);
        CHECK(in_use(first) > 0);
        a.deallocate(p);
    }
    check_provider(first);
    CHECK(seen.faults.empty());
}

TEST_CASE("a freed sample given back through a hook whose heap is a resource is reported as before") {
    recorder seen;
    fa::options o = seen.options();
    o.guard = fa::guard_level::off;
    o.guard_sample = 1;
    fa::smart_alloc outer{seen.options()};
    o.heap = outer.heap().resource();
    fa::smart_alloc inner{o};
    const fa::hook h{inner, memory_kind::pool};
    std::vector<void*> all;
    for (int i = 0; i < 2000; ++i) all.push_back(h.allocate(100));
    void* sampled = nullptr;
    for (void* p : all) {
        if (fa::memory::page_of(p)->size_class == fa::memory::sampled_class) sampled = p;
    }
    for (void* p : all) {
        if (p != sampled) h.deallocate(p);
    }
    if (sampled != nullptr) {
        CHECK(fa::usable_size(static_cast<char*>(sampled) + 80) == 0);  // no block begins there
        h.deallocate(static_cast<char*>(sampled) + 80);
        CHECK(seen.count(fa::code::FA415) == 1);
        h.deallocate(sampled);
        CHECK(fa::usable_size(sampled) == 0);
        h.deallocate(sampled);
        CHECK(seen.count(fa::code::FA411) == 1);
    }
    CHECK(in_use(inner) == 0);
}
