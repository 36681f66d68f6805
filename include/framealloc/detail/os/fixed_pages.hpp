// A page source over memory that is already there: first fit over a bitmap of pages. Backs options::fixed_memory.
#pragma once

#include <cstddef>
#include <cstdint>

#include <framealloc/detail/sync/lock.hpp>
#include <framealloc/os/pages.hpp>

namespace framealloc::inline v1::os {

class fixed_pages final : public page_source {
public:
    // The bitmap lives at the start of the memory: one bit a page.
    fixed_pages(void* memory, std::size_t bytes) noexcept;

    void* reserve(std::size_t bytes, std::size_t alignment) noexcept override;
    bool commit(void*, std::size_t) noexcept override { return true; }
    void decommit(void*, std::size_t) noexcept override {}
    void release(void* p, std::size_t bytes) noexcept override;
    std::size_t granularity() const noexcept override { return page; }

    static constexpr std::size_t page = 4096;

    sync::lock& lock() noexcept { return lock_; }  // for fork alone

private:
    bool taken(std::size_t i) const noexcept { return (bits_[i / 64] >> (i % 64) & 1U) != 0; }
    void mark(std::size_t first, std::size_t count, bool taken) noexcept;

    sync::lock lock_;
    std::uint64_t* bits_ = nullptr;
    std::uintptr_t base_ = 0;
    std::size_t pages_ = 0;
};

}  // namespace framealloc::inline v1::os
