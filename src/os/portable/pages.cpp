// Aligned allocation and no protection: what every hosted C++ implementation has.
#include <framealloc/os/pages.hpp>

#include <cstring>
#include <new>

#include <framealloc/base/fault.hpp>
#include <framealloc/detail/base/align.hpp>
#include <framealloc/detail/sync/atomic.hpp>

namespace framealloc::inline v1::os {

namespace {
constinit sync::atomic<std::uint64_t> calls{0};
constexpr std::size_t block_alignment = 65536;  // release() does not receive the alignment: one serves all requests

std::align_val_t effective(std::size_t alignment) noexcept {
    return std::align_val_t{alignment > block_alignment ? alignment : block_alignment};
}

// Without protection the machine does not notice a range that is no whole number of pages; the next system would.
void require_pages(const void* p, std::size_t bytes) noexcept {
    if (((address_of(p) | bytes) & (FRAMEALLOC_PORTABLE_PAGE - 1)) != 0)
        broken_invariant("a range that is not a multiple of the page size");
}
}  // namespace

void* system_pages::reserve(std::size_t bytes, std::size_t alignment) noexcept {
    require_pages(pointer_at(alignment), bytes);
    if (alignment > block_alignment) return nullptr;
    calls.add_relaxed(1);  // relaxed: a statistic
    void* p = ::operator new(bytes, effective(alignment), std::nothrow);
    if (p != nullptr) std::memset(p, 0, bytes);
    return p;
}

bool system_pages::commit(void* p, std::size_t bytes) noexcept {
    require_pages(p, bytes);
    return true;
}
void system_pages::decommit(void* p, std::size_t bytes) noexcept { require_pages(p, bytes); }
void system_pages::release(void* p, std::size_t bytes) noexcept {
    require_pages(p, bytes);
    ::operator delete(p, effective(0));
}
bool system_pages::withdraw(void*, std::size_t) noexcept { return false; }
void* system_pages::move(void*, std::size_t, std::size_t, std::size_t) noexcept { return nullptr; }
std::size_t system_pages::granularity() const noexcept { return FRAMEALLOC_PORTABLE_PAGE; }
std::uint64_t system_calls() noexcept { return calls.load_relaxed(); }  // relaxed: a statistic

}  // namespace framealloc::inline v1::os
