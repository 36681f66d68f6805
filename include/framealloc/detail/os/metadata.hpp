// Memory for the library's own tables: power-of-two blocks over page requests, recycled by size, all returned at once
// when the allocator dies. Nothing of the library's book-keeping comes from anywhere else.
#pragma once

#include <cstddef>
#include <cstdint>

#include <framealloc/base/fault.hpp>
#include <framealloc/detail/os/page_ledger.hpp>
#include <framealloc/detail/sync/lock.hpp>

namespace framealloc::inline v1::os {

class metadata {
public:
    explicit metadata(page_ledger& pages) noexcept : pages_(pages) {}
    void release_all() noexcept;

    // Returns zeroed memory aligned to 64 bytes; null when no page could be had, with `why` set. Threads: any.
    void* allocate(std::size_t bytes, exhaustion_reason& why) noexcept;
    void deallocate(void* p, std::size_t bytes) noexcept;

    template <class T>
    T* allocate_array(std::size_t n, exhaustion_reason& why) noexcept {
        return static_cast<T*>(allocate(n * sizeof(T), why));
    }

    sync::lock& lock() noexcept { return lock_; }  // for fork alone

    // For tests: refuses the request after `served` more, and with `for_good` all that follow.
    void refuse_after(std::uint64_t served, bool for_good) noexcept {
        refuse_in_ = served + 1;
        refuse_forever_ = for_good;
        refusals_ = 0;
    }
    void serve_again() noexcept { refuse_in_ = 0; }
    std::uint64_t refusals() const noexcept { return refusals_; }

private:
    struct span {
        span* next;
        std::size_t bytes;
    };
    struct free_block {
        free_block* next;
    };
    static constexpr int smallest_log2 = 6;
    static constexpr int size_count = 40;

    void* carve(std::size_t bytes, exhaustion_reason& why) noexcept;
    bool refused() noexcept;

    page_ledger& pages_;
    sync::lock lock_;
    span* spans_ = nullptr;
    std::uintptr_t cursor_ = 0;
    std::uintptr_t end_ = 0;
    std::uint64_t refuse_in_ = 0;  // requests; 0: none is refused
    bool refuse_forever_ = false;
    std::uint64_t refusals_ = 0;
    free_block* free_[size_count] = {};
};

}  // namespace framealloc::inline v1::os
