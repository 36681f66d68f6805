// Indices and positions outside a container, of each kind: the report names the user's line.
#include "../fault_case.hpp"

namespace faults {
namespace {

// `ends`: the program cannot continue, so the report is its last output.
volatile int one = 1;

template <class F>
void misuse(run& r, bool ends, F&& commit) {
    r.expected.what = fa::code::FA439;
    r.expected.dies = ends;
    const allocator a{r.options};
    const auto frame = a.frame_scope();
    auto of_frame = frame.vec<int>(r.size);
    auto of_pool = a.pool_vec<int>(r.size);
    auto of_heap = a.heap_vec<int>(r.size);
    auto text = frame.string(r.size, 'x');
    commit(of_frame, of_pool, of_heap, text);
}

#define MISUSE(name, ends, ...)                                                                                        \
    void name(run& r) {                                                                                                \
        misuse(r, ends, [&]([[maybe_unused]] auto& of_frame, [[maybe_unused]] auto& of_pool, [[maybe_unused]] auto& of_heap, \
                            [[maybe_unused]] auto& text) { OFFENCE(r); __VA_ARGS__ });                                 \
    }                                                                                                                  \
    const register_case case_of_##name{#name, name}

MISUSE(index_of_frame_vec, true, of_frame[r.size] = 1;);
MISUSE(index_of_pool_vec, true, of_pool[r.size] = 1;);
MISUSE(index_of_heap_vec, true, of_heap[r.size] = 1;);
MISUSE(index_of_string, true, text[r.size + 1] = 'a';);
MISUSE(front_of_empty_vec, true, of_frame.clear(); of_frame.front() = 1;);
MISUSE(back_of_empty_vec, true, of_heap.clear(); of_heap.back() = 1;);
MISUSE(back_of_empty_string, true, text.clear(); text.back() = 'a';);
MISUSE(pop_back_of_empty_vec, false, of_pool.clear(); of_pool.pop_back(););
MISUSE(erase_at_the_end, false, of_frame.erase(of_frame.end()););
MISUSE(erase_past_the_end, false, of_heap.erase(of_heap.begin(), of_heap.end() + one););
MISUSE(insert_past_the_end, false, of_frame.insert(of_frame.end() + one, 7););
MISUSE(pop_back_of_empty_string, false, text.clear(); text.pop_back(););

}  // namespace
}  // namespace faults
