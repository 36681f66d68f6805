// g++'s warnings about an access past the end of a block: at -O2 for heap blocks that no size class holds, whose allocation is a call;
// smaller ones, pool and frame memory are allocated inline there, and no size is left to compare with. The test reads this file by line.
#include <framealloc/framealloc.hpp>

#include <cstring>
#include <vector>

namespace fa = framealloc;

void use(void*);

struct large {
    int numbers[2000];
};

void heap_bytes(const fa::smart_alloc& a) {
    void* p = a.heap_alloc_bytes(5000);
    std::memset(p, 0, 5001);  // overrun at O0 O2
    use(p);
}
void heap_object(const fa::smart_alloc& a) {
    large* p = a.heap_alloc<large>();
    p[1].numbers[0] = 1;  // overrun at O2
    use(p);
}
void try_heap_bytes(const fa::smart_alloc& a) {
    void* p = a.try_heap_alloc_bytes(100'000);
    if (p != nullptr) std::memset(p, 0, 100'001);  // overrun at O0 O2
    use(p);
}
void small_heap_bytes(const fa::smart_alloc& a) {
    void* p = a.heap_alloc_bytes(16);
    std::memset(p, 0, 17);  // overrun at O0
    use(p);
}
void pool_bytes(const fa::smart_alloc& a) {
    void* p = a.pool_alloc_bytes(16);
    std::memset(p, 0, 17);  // overrun at O0
    use(p);
}
void frame_bytes(const fa::smart_alloc& a) {
    void* p = a.frame_alloc_bytes(16);
    std::memset(p, 0, 17);  // overrun at O0
    use(p);
}

// Correct.
void whole_block(const fa::smart_alloc& a) {
    void* p = a.heap_alloc_bytes(16);
    std::memset(p, 0, 16);
    void* q = a.heap_alloc_bytes(5000);
    std::memset(q, 0, 5000);
    use(p);
    use(q);
}
void size_known_at_run_time(const fa::smart_alloc& a, std::size_t n) {
    void* p = a.heap_alloc_bytes(n);
    std::memset(p, 0, n);
    use(p);
}
void containers_that_grow(const fa::smart_alloc& a) {
    auto pooled = a.pool_vec<char>(3);
    pooled.resize(200);
    std::memset(pooled.data(), 0, 200);
    auto heaped = a.heap_vec<char>(3);
    heaped.resize(200);
    std::memset(heaped.data(), 0, 200);
    use(pooled.data());
    use(heaped.data());
}
void block_that_grows_in_place(const fa::smart_alloc& a) {
    const auto pool = a.source<fa::pool_source>();
    void* p = pool.try_allocate(40, 8);
    if (pool.try_grow(p, 40, 48, 8)) std::memset(p, 0, 48);
    use(p);
}
void numbers_of_elements_known_at_run_time(const fa::smart_alloc& a, std::size_t n) {
    auto box = a.heap_box<double[]>(n);
    auto boxes = a.pool_box<double[]>(n);
    auto pooled = a.pool_vec<double>(n);
    auto heaped = a.heap_vec<double>(n);
    heaped.reserve(2 * n + 1);
    heaped.push_back(1);
    std::vector<double, fa::heap_allocator<double>> standard(n, fa::heap_allocator<double>(a));
    standard.push_back(1);
    std::vector<double, fa::pool_allocator<double>> both(fa::pool_allocator<double>{a});
    both.insert(both.end(), heaped.begin(), heaped.end());
    auto sent = a.frame_span_for_transfer<double>(n);
    use(box.get());
    use(boxes.get());
    use(standard.data());
    use(both.data());
    use(sent.span().data());
}
