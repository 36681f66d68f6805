// Aligned allocation and no protection: what every hosted C++ implementation has.
#include <framealloc/os/pages.hpp>

#include <cstring>
#include <new>

#include <framealloc/sync/atomic.hpp>

namespace framealloc::inline FRAMEALLOC_ABI::os {

namespace {
constinit sync::atomic<std::uint64_t> calls{0};
constexpr std::size_t block_alignment = 65536;  // release() is not told the alignment: one serves all requests

std::align_val_t effective(std::size_t alignment) noexcept {
    return std::align_val_t{alignment > block_alignment ? alignment : block_alignment};
}
}  // namespace

void* system_pages::reserve(std::size_t bytes, std::size_t alignment) noexcept {
    if (alignment > block_alignment) return nullptr;
    calls.add_relaxed(1);  // relaxed: a statistic
    void* p = ::operator new(bytes, effective(alignment), std::nothrow);
    if (p != nullptr) std::memset(p, 0, bytes);
    return p;
}

bool system_pages::commit(void*, std::size_t) noexcept { return true; }
void system_pages::decommit(void*, std::size_t) noexcept {}
void system_pages::release(void* p, std::size_t) noexcept { ::operator delete(p, effective(0)); }
std::size_t system_pages::granularity() const noexcept { return 4096; }
std::uint64_t system_calls() noexcept { return calls.load_relaxed(); }  // relaxed: a statistic

}  // namespace framealloc::inline FRAMEALLOC_ABI::os
