// Pages from mmap: reserved, made accessible, given back, moved.
#include <framealloc/os/pages.hpp>

#include <sys/mman.h>
#include <unistd.h>

#include <framealloc/detail/base/align.hpp>
#include <framealloc/detail/sync/atomic.hpp>

// In the runtimes of AddressSanitizer and LeakSanitizer; null without them (<sanitizer/lsan_interface.h>).
extern "C" [[gnu::weak]] void __lsan_register_root_region(const void*, std::size_t);
extern "C" [[gnu::weak]] void __lsan_unregister_root_region(const void*, std::size_t);

namespace framealloc::inline v1::os {

namespace {

// What an object in this memory points at has not leaked.
void begin_root(const void* p, std::size_t bytes) noexcept {
    if (p != nullptr && __lsan_register_root_region != nullptr) __lsan_register_root_region(p, bytes);
}
void end_root(const void* p, std::size_t bytes) noexcept {
    if (__lsan_unregister_root_region != nullptr) __lsan_unregister_root_region(p, bytes);
}

constinit sync::atomic<std::uint64_t> calls{0};
constexpr std::size_t huge_page = std::size_t{2} << 20;

void count_call() noexcept { calls.add_relaxed(1); }  // relaxed: a statistic

void* map(void* hint, std::size_t bytes) noexcept {
    count_call();
    void* p = mmap(hint, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return p == MAP_FAILED ? nullptr : p;
}

// Refused where it would split a mapping beyond the system's count of them: the addresses are lost then, but not the
// memory.
void unmap(std::uintptr_t first, std::uintptr_t last) noexcept {
    if (first == last) return;
    count_call();
    if (munmap(pointer_at(first), last - first) != 0)
        static_cast<void>(madvise(pointer_at(first), last - first, MADV_DONTNEED));
}

// Maps too much and cuts the edges off, which is how mmap is made to align.
void* map_aligned(void* hint, std::size_t bytes, std::size_t alignment, std::size_t granularity) noexcept {
    if (alignment <= granularity) return map(hint, bytes);
    if (void* lucky = hint == nullptr ? nullptr : map(hint, bytes)) {
        if (address_of(lucky) % alignment == 0) return lucky;
        unmap(address_of(lucky), address_of(lucky) + bytes);
    }
    void* wide = map(nullptr, bytes + alignment);
    if (wide == nullptr) return nullptr;
    const std::uintptr_t begin = address_of(wide);
    const std::uintptr_t aligned = align_up(begin, alignment);
    unmap(begin, aligned);
    unmap(aligned + bytes, begin + bytes + alignment);
    return pointer_at(aligned);
}

}  // namespace

void* system_pages::reserve(std::size_t bytes, std::size_t alignment) noexcept {
    if (options_.huge && bytes >= huge_page && alignment < huge_page) alignment = huge_page;
    void* hint = nullptr;
    if (next_ != 0) {
        next_ = align_up(next_, alignment);
        hint = pointer_at(next_);
    }
    void* p = map_aligned(hint, bytes, alignment, granularity());
    if (p != nullptr && next_ != 0 && p == hint) next_ += bytes;
    if (p != nullptr && options_.huge && bytes >= huge_page) {
        count_call();
        static_cast<void>(madvise(p, bytes, MADV_HUGEPAGE));  // a wish: small pages serve as well
    }
    begin_root(p, bytes);
    return p;
}

bool system_pages::commit(void* p, std::size_t bytes) noexcept {
    count_call();
    return mprotect(p, bytes, PROT_READ | PROT_WRITE) == 0;
}

void system_pages::decommit(void* p, std::size_t bytes) noexcept {
    count_call();
    count_call();
    const bool released = madvise(p, bytes, MADV_DONTNEED) == 0 && mprotect(p, bytes, PROT_NONE) == 0;
    if (released) return;
    // Locked memory is not given up (mlockall), nor a mapping split beyond the system's count of them. A new mapping in
    // its place does the first; where that fails too, the memory stays and is used again.
    count_call();
    static_cast<void>(mmap(p, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0));
}

void system_pages::release(void* p, std::size_t bytes) noexcept {
    end_root(p, bytes);
    unmap(address_of(p), address_of(p) + bytes);
}

bool system_pages::withdraw(void* p, std::size_t bytes) noexcept {
    count_call();
    return mprotect(p, bytes, PROT_NONE) == 0;
}

void* system_pages::move(void* p, std::size_t bytes, std::size_t committed, std::size_t wanted) noexcept {
    if (options_.huge) return nullptr;  // the new place would not be aligned for them
    count_call();
    void* moved = mremap(p, committed, wanted, MREMAP_MAYMOVE);
    if (moved == MAP_FAILED) return nullptr;
    end_root(p, bytes);
    begin_root(moved, wanted);
    if (moved == p) return p;
    unmap(address_of(p) + committed, address_of(p) + bytes);
    return moved;
}

std::size_t system_pages::granularity() const noexcept {
    static const std::size_t size = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    return size;
}

std::uint64_t system_calls() noexcept { return calls.load_relaxed(); }  // relaxed: a statistic

}  // namespace framealloc::inline v1::os
