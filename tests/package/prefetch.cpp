// Allocations whose instructions consumers.py compares, without and with FRAMEALLOC_PREFETCH.
#include <framealloc/framealloc.hpp>

namespace fa = framealloc;

struct block {
    long words[8];
};

extern "C" {

void* hinted_scope_alloc(const fa::frame_scope& frame) { return frame.alloc<block>(); }
void* hinted_frame_alloc(const fa::smart_alloc& alloc) { return alloc.frame_alloc<block>(); }
void* hinted_frame_alloc_bytes(const fa::smart_alloc& alloc, std::size_t n) { return alloc.frame_alloc_bytes(n); }
void* hinted_pool_alloc(const fa::smart_alloc& alloc) { return alloc.pool_alloc<block>(); }
void* hinted_heap_alloc_bytes(const fa::smart_alloc& alloc, std::size_t n) { return alloc.heap_alloc_bytes(n); }

}  // extern "C"
