// A page source with a book: what is reserved and committed, a limit, and the seal. One per allocator.
#pragma once

#include <cstddef>
#include <cstdint>

#include <framealloc/base/fault.hpp>
#include <framealloc/detail/sync/atomic.hpp>
#include <framealloc/os/pages.hpp>

namespace framealloc::inline v1::os {

class page_ledger {
public:
    void open(page_source& source, std::size_t limit, bool fixed) noexcept {
        source_ = &source;
        limit_ = limit;
        fixed_ = fixed;
        granularity_ = source.granularity();
    }

    // Whose pages they are, for range_index. Without it they are nobody's.
    void belong_to(void* holder) noexcept { holder_ = holder; }

    // Both return failure with `why` set; nothing is then changed.
    void* reserve(std::size_t bytes, std::size_t alignment, exhaustion_reason& why) noexcept;
    // `again`: it was committed before, and only revoked; seal() does not refuse it.
    bool commit(void* p, std::size_t bytes, exhaustion_reason& why, bool again = false) noexcept;
    void decommit(void* p, std::size_t bytes) noexcept;
    // `committed`: how much of the range was committed.
    void release(void* p, std::size_t bytes, std::size_t committed) noexcept;

    // Null when it cannot be had so; see page_source::move().
    void* move(void* p, std::size_t bytes, std::size_t committed, std::size_t wanted) noexcept;

    bool sealed() const noexcept { return sealed_.load_relaxed(); }  // relaxed: as below
    bool is_fixed() const noexcept { return fixed_; }  // one piece of memory, for everything
    // From now on `f` is called for what is released.
    void on_release(void (*f)(const void* p, std::size_t bytes, const void* owner) noexcept,
                    const void* owner) noexcept {
        released_ = f;
        owner_ = owner;
    }

    void seal() noexcept { sealed_.store_relaxed(true); }  // relaxed: takes effect at the next request
    std::size_t granularity() const noexcept { return granularity_; }
    std::size_t limit() const noexcept { return limit_; }
    std::size_t reserved() const noexcept { return reserved_.load_relaxed(); }    // relaxed: a statistic
    std::size_t committed() const noexcept { return committed_.load_relaxed(); }  // relaxed: a statistic
    std::size_t peak_committed() const noexcept { return peak_.load_relaxed(); }  // relaxed: a statistic
    std::uint64_t requests() const noexcept { return requests_.load_relaxed(); }  // relaxed: a statistic

private:
    bool admitted(exhaustion_reason& why) noexcept;

    page_source* source_ = nullptr;
    void (*released_)(const void* p, std::size_t bytes, const void* owner) noexcept = nullptr;
    const void* owner_ = nullptr;
    void* holder_ = nullptr;
    std::size_t limit_ = 0;
    std::size_t granularity_ = 4096;
    bool fixed_ = false;
    sync::atomic<bool> sealed_{false};
    sync::atomic<std::size_t> reserved_{0};
    sync::atomic<std::size_t> committed_{0};
    sync::atomic<std::size_t> peak_{0};
    sync::atomic<std::uint64_t> requests_{0};
};

}  // namespace framealloc::inline v1::os
