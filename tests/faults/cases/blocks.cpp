// Mistakes with pool and heap blocks.
#include "../fault_case.hpp"

#include <new>
#include <thread>

namespace faults {
namespace {

using fa::site;
constexpr std::size_t plain = alignof(std::max_align_t);

// The kinds of memory that are freed by hand.
struct pool {
    static void* take(const allocator& a, std::size_t n, site s = site::here()) { return a.pool_alloc_bytes(n, plain, s); }
    static void give(const allocator& a, void* p, std::size_t n, site s = site::here()) { a.pool_free_bytes(p, n, plain, s); }
};
struct heap {
    static void* take(const allocator& a, std::size_t n, site s = site::here()) { return a.heap_alloc_bytes(n, plain, s); }
    static void give(const allocator& a, void* p, std::size_t n, site s = site::here()) { a.heap_free_bytes(p, n, plain, s); }
};
struct aligned {
    static void* take(const allocator& a, std::size_t n, site s = site::here()) { return a.heap_alloc_bytes(n, 256, s); }
    static void give(const allocator& a, void* p, std::size_t n, site s = site::here()) { a.heap_free_bytes(p, n, 256, s); }
};

template <class Kind>
void freed_twice(run& r) {
    const allocator a{r.options};
    r.expected.what = fa::code::FA411;
    r.kept = Kind::take(a, r.size); BORN(r);
    Kind::give(a, r.kept, r.size); DIED(r);
    OFFENCE(r); Kind::give(a, r.kept, r.size);
}

template <class Kind>
void freed_twice_much_later(run& r) {
    const allocator a{r.options};
    r.expected.what = fa::code::FA411;
    r.kept = Kind::take(a, r.size); BORN(r);
    Kind::give(a, r.kept, r.size); DIED(r);
    for (int i = 0; i < 100; ++i) Kind::give(a, Kind::take(a, r.size), r.size);
    OFFENCE(r); Kind::give(a, r.kept, r.size);
}

template <class Kind>
void freed_twice_elsewhere(run& r) {
    const allocator a{r.options};
    r.expected.what = fa::code::FA411;
    r.kept = Kind::take(a, r.size); BORN(r);
    std::thread([&] { Kind::give(a, r.kept, r.size); }).join(); DIED(r);
    OFFENCE(r); Kind::give(a, r.kept, r.size);
}

// Changes a byte and frees the block.
template <class Kind>
void written(run& r, std::ptrdiff_t at, fa::code what) {
    const allocator a{r.options};
    r.expected.what = what;
    r.expected.tag = "physics";
    const fa::tag_scope tag{a, "physics"};
    r.kept = Kind::take(a, r.size); BORN(r);
    r.write(at);
    OFFENCE(r); Kind::give(a, r.kept, r.size);
}

std::ptrdiff_t end(const run& r) { return static_cast<std::ptrdiff_t>(r.size); }

template <class Kind>
void overrun(run& r) { written<Kind>(r, end(r), fa::code::FA412); }
template <class Kind>
void overrun_by_eight(run& r) { written<Kind>(r, end(r) + 7, fa::code::FA412); }
template <class Kind>
void underrun(run& r) { written<Kind>(r, -1, fa::code::FA413); }
template <class Kind>
void underrun_by_eight(run& r) { written<Kind>(r, -8, fa::code::FA413); }

template <class Kind>
void overrun_found_by_check(run& r) {
    const allocator a{r.options};
    r.expected.what = fa::code::FA412;
    r.kept = Kind::take(a, r.size); BORN(r);
    r.write(end(r));
    a.check();
    r.write(end(r));  // and back
    Kind::give(a, r.kept, r.size);
}

template <class Kind>
void underrun_by_another_thread(run& r) {
    const allocator a{r.options};
    r.expected.what = fa::code::FA413;
    r.kept = Kind::take(a, r.size); BORN(r);
    std::thread([&] { r.write(-2); }).join();
    OFFENCE(r); Kind::give(a, r.kept, r.size);
}

void foreign_pointer(run& r) {
    const allocator a{r.options};
    r.expected.what = fa::code::FA414;
    r.kept = ::operator new(r.size);
    OFFENCE(r); a.pool_free_bytes(r.kept, r.size);
}

void pointer_to_the_stack(run& r) {
    const allocator a{r.options};
    r.expected.what = fa::code::FA414;
    int local = 0;
    r.kept = &local;
    OFFENCE(r); a.heap_free_bytes(r.kept, r.size);
}

void frame_memory_freed(run& r) {
    const allocator a{r.options};
    r.expected.what = fa::code::FA414;
    auto frame = a.frame_scope();
    BORN(r); r.kept = frame.alloc_bytes(r.size);
    OFFENCE(r); a.pool_free_bytes(r.kept, r.size);
}

template <class Kind>
void interior_pointer(run& r) {
    const allocator a{r.options};
    r.expected.what = fa::code::FA415;
    const std::size_t n = r.size + 1;
    void* p = Kind::take(a, n); BORN(r);
    r.kept = static_cast<char*>(p) + (n + 1) / 2;
    OFFENCE(r); Kind::give(a, r.kept, n);
    Kind::give(a, p, n);
}

template <class Kind>
void wrong_allocator(run& r) {
    const allocator a{r.options}, other{r.options};
    r.expected.what = fa::code::FA417;
    r.kept = Kind::take(other, r.size); BORN(r);
    OFFENCE(r); Kind::give(a, r.kept, r.size);
    Kind::give(other, r.kept, r.size);
}

void pool_block_freed_as_heap(run& r) {
    const allocator a{r.options};
    const std::size_t n = r.size > 4096 ? 4096 : r.size;
    r.expected.what = fa::code::FA417;
    r.kept = a.pool_alloc_bytes(n); BORN(r);
    OFFENCE(r); a.heap_free_bytes(r.kept, n);
}

void heap_block_freed_as_pool(run& r) {
    const allocator a{r.options};
    const std::size_t n = r.size > 4096 ? 4096 : r.size;
    r.expected.what = fa::code::FA417;
    r.kept = a.heap_alloc_bytes(n); BORN(r);
    OFFENCE(r); a.pool_free_bytes(r.kept, n);
}

template <class Kind>
void wrong_size(run& r) {
    const allocator a{r.options};
    r.expected.what = fa::code::FA418;
    r.kept = Kind::take(a, r.size); BORN(r);
    OFFENCE(r); Kind::give(a, r.kept, r.size + 1);
}

template <class Kind>
void wrong_size_by_far(run& r) {
    const allocator a{r.options};
    r.expected.what = fa::code::FA418;
    r.kept = Kind::take(a, r.size); BORN(r);
    OFFENCE(r); Kind::give(a, r.kept, r.size < 5000 ? 100'000 : 8);
}

void wrong_alignment(run& r) {
    const allocator a{r.options};
    r.expected.what = fa::code::FA418;
    void* p = a.pool_alloc_bytes(32); BORN(r);
    r.kept = p;
    OFFENCE(r); a.pool_free_bytes(r.kept, 32, 65536);
}

// Written after it was freed, and detected when the memory is reused.
template <class Kind>
void written_after_free(run& r) {
    const allocator a{r.options};
    r.expected.what = fa::code::FA419;
    r.kept = Kind::take(a, r.size); BORN(r);
    Kind::give(a, r.kept, r.size); DIED(r);
    r.write(end(r) / 2);
    for (int i = 0; i < 2000; ++i) Kind::give(a, Kind::take(a, r.size), r.size);
}

template <class Kind>
void written_after_free_found_by_check(run& r) {
    const allocator a{r.options};
    r.expected.what = fa::code::FA419;
    r.kept = Kind::take(a, r.size); BORN(r);
    Kind::give(a, r.kept, r.size); DIED(r);
    r.write(end(r) - 1);
    a.check();
}

template <class Kind>
void written_after_free_elsewhere(run& r) {
    const allocator a{r.options};
    r.expected.what = fa::code::FA419;
    if (r.size > 3000) r.size = 3000;  // large blocks stay in quarantine until the thread ends
    r.kept = Kind::take(a, r.size); BORN(r);
    std::thread([&] { Kind::give(a, r.kept, r.size); }).join(); DIED(r);
    r.write(0);
    a.process_deferred_frees();
    a.trim();
}

template <class Kind>
void written_after_free_found_at_the_end(run& r) {
    r.expected.what = fa::code::FA419;
    const allocator a{r.options};
    r.kept = Kind::take(a, r.size); BORN(r);
    Kind::give(a, r.kept, r.size); DIED(r);
    r.write(0);
}

template <class Kind>
void written_before_it_after_free(run& r) {
    const allocator a{r.options};
    r.expected.what = fa::code::FA419;
    if (r.size > 3000) r.size = 3000;  // the header is before a large block
    r.kept = Kind::take(a, r.size); BORN(r);
    Kind::give(a, r.kept, r.size); DIED(r);
    r.write(-3);
    a.check();
}

// The block has left quarantine and is in its page's free list.
template <class Kind>
void list_of_free_blocks_written(run& r, bool by_check) {
    const allocator a{r.options};
    r.expected.what = fa::code::FA433;
    if (r.size > 3000) r.size = 3000;  // others are in the large heap
    void* neighbour = Kind::take(a, r.size);
    r.kept = Kind::take(a, r.size); BORN(r);
    Kind::give(a, r.kept, r.size); DIED(r);
    const std::size_t other = r.size > 1000 ? 16 : 2000;
    for (int i = 0; i < 600; ++i) Kind::give(a, Kind::take(a, other), other);
    r.write(r.size % 2 == 0 ? -3 : -12);
    if (by_check) {
        a.check();
    } else {
        void* again = Kind::take(a, r.size);
        Kind::give(a, again, r.size);
    }
    Kind::give(a, neighbour, r.size);
}
template <class Kind>
void list_of_free_blocks_written_found_by_use(run& r) { list_of_free_blocks_written<Kind>(r, false); }
template <class Kind>
void list_of_free_blocks_written_found_by_check(run& r) { list_of_free_blocks_written<Kind>(r, true); }

template <class Kind>
void leaked(run& r) {
    r.expected.what = fa::code::FA424;
    r.expected.tag = "audio::voices";
    const allocator a{r.options};
    const fa::tag_scope tag{a, "audio::voices"};
    Kind::give(a, Kind::take(a, r.size), r.size);
    for (int i = 0; i < 3; ++i) {
        r.kept = Kind::take(a, r.size); BORN(r);
    }
}

template <class Kind>
void leaked_by_a_thread_that_ended(run& r) {
    r.expected.what = fa::code::FA424;
    const allocator a{r.options};
    std::thread([&] {
        r.kept = Kind::take(a, r.size); BORN(r);
    }).join();
}

void alignment_of_three_in_the_pool(run& r) {
    const allocator a{r.options};
    r.expected.what = fa::code::FA431;
    OFFENCE(r); static_cast<void>(a.try_pool_alloc_bytes(r.size, 3));
}

void alignment_of_three(run& r) {
    const allocator a{r.options};
    r.expected.what = fa::code::FA431;
    OFFENCE(r); static_cast<void>(a.try_heap_alloc_bytes(r.size, 24));
}

void last_handle_gone(run& r) {
    r.expected.what = fa::code::FA432;
    r.expected.count = 2;  // and FA428 when the thread ends
    allocator* a = new allocator{r.options};
    int stage = 0;
    std::thread other([&, copy = a->owner()] {
        static_cast<void>(copy);
        a->begin_frame();
        __atomic_store_n(&stage, 1, __ATOMIC_RELEASE);
        while (__atomic_load_n(&stage, __ATOMIC_ACQUIRE) != 2) std::this_thread::yield();
    });
    while (__atomic_load_n(&stage, __ATOMIC_ACQUIRE) != 1) std::this_thread::yield();
    delete a;
    __atomic_store_n(&stage, 2, __ATOMIC_RELEASE);
    other.join();
}

#define EACH_KIND(program) \
    const register_case program##_pool{#program "<pool>", program<pool>}; \
    const register_case program##_heap{#program "<heap>", program<heap>}; \
    const register_case program##_aligned{#program "<aligned>", program<aligned>}
#define ONCE(program) const register_case program##_case{#program, program}

EACH_KIND(freed_twice);
EACH_KIND(freed_twice_much_later);
EACH_KIND(freed_twice_elsewhere);
EACH_KIND(overrun);
EACH_KIND(overrun_by_eight);
EACH_KIND(underrun);
EACH_KIND(underrun_by_eight);
EACH_KIND(overrun_found_by_check);
EACH_KIND(underrun_by_another_thread);
ONCE(foreign_pointer);
ONCE(pointer_to_the_stack);
ONCE(frame_memory_freed);
EACH_KIND(interior_pointer);
EACH_KIND(wrong_allocator);
ONCE(pool_block_freed_as_heap);
ONCE(heap_block_freed_as_pool);
EACH_KIND(wrong_size);
EACH_KIND(wrong_size_by_far);
ONCE(wrong_alignment);
EACH_KIND(written_after_free);
EACH_KIND(written_after_free_found_by_check);
EACH_KIND(written_after_free_elsewhere);
EACH_KIND(written_after_free_found_at_the_end);
EACH_KIND(written_before_it_after_free);
EACH_KIND(list_of_free_blocks_written_found_by_use);
EACH_KIND(list_of_free_blocks_written_found_by_check);
EACH_KIND(leaked);
EACH_KIND(leaked_by_a_thread_that_ended);
ONCE(alignment_of_three);
ONCE(alignment_of_three_in_the_pool);
ONCE(last_handle_gone);

}  // namespace
}  // namespace faults
