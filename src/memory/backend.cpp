// options::heap, a std::pmr::memory_resource that may throw.
#include <framealloc/detail/memory/backend.hpp>

#include <memory_resource>

namespace framealloc::inline v1::memory {

void* backend_allocate(std::pmr::memory_resource& r, std::size_t bytes, std::size_t align) noexcept {
#if FRAMEALLOC_EXCEPTIONS
    try {
        return r.allocate(bytes, align);
    } catch (...) { return nullptr; }
#else
    return r.allocate(bytes, align);
#endif
}

void backend_deallocate(std::pmr::memory_resource& r, void* p, std::size_t bytes, std::size_t align) noexcept {
    r.deallocate(p, bytes, align);
}

}  // namespace framealloc::inline v1::memory
