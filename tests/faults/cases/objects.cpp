// Mistakes with memory of objects and containers: it is allocated where they are made or grow.
#include "../fault_case.hpp"

namespace faults {
namespace {

struct plain {
    char bytes[100];
};
struct owner {
    owner() = default;
    owner(const owner&) = delete;
    ~owner() { bytes[0] = 0; }
    char bytes[100];
};

template <class F>
void overrun(run& r, F&& make) {
    r.expected.what = fa::code::FA412;
    const allocator a{r.options};
    const auto frame = a.frame_scope();
    make(a, frame);
}

// `last` is the number of bytes from the pointer to the end of what was allocated.
#define OVERRUN_OF(name, last, ...)                                         \
    void name(run& r) {                                                     \
        overrun(r, [&]([[maybe_unused]] const allocator& a, [[maybe_unused]] const auto& frame) { \
            BORN(r); __VA_ARGS__                                            \
            r.write(static_cast<std::ptrdiff_t>(last));                     \
        });                                                                 \
    }                                                                       \
    const register_case case_of_##name{#name, name}

OVERRUN_OF(plain_object_made, 100, r.kept = frame.template make<plain>(););
OVERRUN_OF(object_made, 100, r.kept = frame.template make<owner>(););
OVERRUN_OF(object_made_by_the_allocator, 100, r.kept = a.frame_make<owner>(););
OVERRUN_OF(object_tried, 100, r.kept = a.try_frame_make<owner>(););
OVERRUN_OF(box_of_a_frame, 100, auto box = frame.template box<owner>(); r.kept = box.get(););
OVERRUN_OF(box_of_the_allocators_frame, 100, auto box = a.frame_box<plain>(); r.kept = box.get(););
OVERRUN_OF(box_of_the_pool, 100, auto box = a.pool_box<owner>(); r.kept = box.get(););
OVERRUN_OF(box_of_the_heap, 100, auto box = a.heap_box<owner>(); r.kept = box.get(););
// The counts are before the object, and the size of both is a multiple of 8.
OVERRUN_OF(shared_in_the_pool, 104, auto shared = a.pool_shared<owner>(); r.kept = shared.get(););
OVERRUN_OF(vec_reserved, r.size, auto v = frame.template vec<char>(); v.reserve(r.size); r.kept = v.data(););
OVERRUN_OF(vec_grown, 4, auto v = frame.template vec<char>(); v.push_back('a'); r.kept = v.data(););
OVERRUN_OF(vec_in_the_pool, r.size, auto v = a.pool_vec<char>(); v.reserve(r.size); r.kept = v.data(););
OVERRUN_OF(vec_in_the_heap, r.size, auto v = a.heap_vec<char>(); v.resize(r.size); r.kept = v.data(););
// Up to 15 characters would be in the string itself.
OVERRUN_OF(text, r.size + 16, auto s = frame.string(); s.reserve(r.size + 15); s.push_back('x'); r.kept = const_cast<char*>(s.data()););

}  // namespace
}  // namespace faults
