// Annotations of memory for sanitizers and Valgrind.
#include <framealloc/detail/guard/annotate.hpp>

#include <framealloc/detail/base/align.hpp>

// In both compilers' runtimes; null in a program without the sanitizer (<sanitizer/asan_interface.h>).
extern "C" [[gnu::weak]] void __asan_poison_memory_region(const volatile void*, std::size_t);
extern "C" [[gnu::weak]] void __asan_unpoison_memory_region(const volatile void*, std::size_t);

// In heaptrack's preloaded library; null without it (heaptrack_api.h).
extern "C" [[gnu::weak]] void heaptrack_malloc(void*, std::size_t);
extern "C" [[gnu::weak]] void heaptrack_free(void*);

#if FRAMEALLOC_VALGRIND
#include <valgrind/memcheck.h>
#endif

namespace framealloc::inline v1::guard {

#if FRAMEALLOC_VALGRIND
namespace valgrind {
void forbid(std::uintptr_t begin, std::size_t n) noexcept { static_cast<void>(VALGRIND_MAKE_MEM_NOACCESS(begin, n)); }
void allow(std::uintptr_t begin, std::size_t n) noexcept { static_cast<void>(VALGRIND_MAKE_MEM_DEFINED(begin, n)); }
void allow_unwritten(std::uintptr_t begin, std::size_t n) noexcept {
    static_cast<void>(VALGRIND_MAKE_MEM_UNDEFINED(begin, n));
}
void open_pool(const void* pool) noexcept { VALGRIND_CREATE_MEMPOOL(pool, 0, 0); }
void close_pool(const void* pool) noexcept { VALGRIND_DESTROY_MEMPOOL(pool); }
void pool_block(const void* pool, std::uintptr_t begin, std::size_t n) noexcept {
    VALGRIND_MEMPOOL_ALLOC(pool, begin, n);
}
void pool_block_freed(const void* pool, std::uintptr_t begin) noexcept { VALGRIND_MEMPOOL_FREE(pool, begin); }
void report(bool on) noexcept {
    if (on) VALGRIND_ENABLE_ERROR_REPORTING;
    else VALGRIND_DISABLE_ERROR_REPORTING;
}
}  // namespace valgrind
#else
namespace valgrind {
void forbid(std::uintptr_t, std::size_t) noexcept {}
void allow(std::uintptr_t, std::size_t) noexcept {}
void allow_unwritten(std::uintptr_t, std::size_t) noexcept {}
void open_pool(const void*) noexcept {}
void close_pool(const void*) noexcept {}
void pool_block(const void*, std::uintptr_t, std::size_t) noexcept {}
void pool_block_freed(const void*, std::uintptr_t) noexcept {}
void report(bool) noexcept {}
}  // namespace valgrind
#endif

bool tool_active() noexcept { return FRAMEALLOC_VALGRIND || __asan_poison_memory_region != nullptr; }

void forbid(std::uintptr_t begin, std::uintptr_t end) noexcept {
    if (begin >= end) return;
    if (__asan_poison_memory_region != nullptr) __asan_poison_memory_region(pointer_at(begin), end - begin);
    valgrind::forbid(begin, end - begin);
}

void allow(std::uintptr_t begin, std::uintptr_t end) noexcept {
    if (begin >= end) return;
    if (__asan_unpoison_memory_region != nullptr) __asan_unpoison_memory_region(pointer_at(begin), end - begin);
    valgrind::allow(begin, end - begin);
}

void allow_unwritten(std::uintptr_t begin, std::uintptr_t end) noexcept {
    if (begin >= end) return;
    if (__asan_unpoison_memory_region != nullptr) __asan_unpoison_memory_region(pointer_at(begin), end - begin);
    valgrind::allow_unwritten(begin, end - begin);
}

unreported::unreported() noexcept { valgrind::report(false); }
unreported::~unreported() { valgrind::report(true); }

void block(std::uintptr_t begin, std::size_t bytes) noexcept {
    if (heaptrack_malloc != nullptr) heaptrack_malloc(pointer_at(begin), bytes);
}
void block_ended(std::uintptr_t begin) noexcept {
    if (heaptrack_free != nullptr) heaptrack_free(pointer_at(begin));
}

void open_pool(const void* pool) noexcept { valgrind::open_pool(pool); }
void close_pool(const void* pool) noexcept { valgrind::close_pool(pool); }
void pool_block(const void* pool, std::uintptr_t begin, std::size_t bytes) noexcept {
    block(begin, bytes);
    valgrind::pool_block(pool, begin, bytes);
}
void pool_block_freed(const void* pool, std::uintptr_t begin) noexcept {
    block_ended(begin);
    valgrind::pool_block_freed(pool, begin);
}

}  // namespace framealloc::inline v1::guard
