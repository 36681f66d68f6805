// Pages out of one piece of memory that the program gave.
#include <framealloc/detail/os/fixed_pages.hpp>

#include <cstring>

#include <framealloc/detail/base/align.hpp>

namespace framealloc::inline v1::os {

fixed_pages::fixed_pages(void* memory, std::size_t bytes) noexcept {
    const std::uintptr_t begin = align_up(address_of(memory), page);
    const std::uintptr_t end = align_down(address_of(memory) + bytes, page);
    if (begin >= end) return;
    const std::size_t all = (end - begin) / page;
    const std::size_t bitmap = align_up((all + 63) / 64 * sizeof(std::uint64_t), page);
    if (bitmap / page >= all) return;
    bits_ = pointer_at<std::uint64_t>(begin);
    std::memset(bits_, 0, bitmap);
    base_ = begin + bitmap;
    pages_ = all - bitmap / page;
}

void fixed_pages::mark(std::size_t first, std::size_t count, bool taken) noexcept {
    for (std::size_t i = first; i < first + count; ++i) {
        const std::uint64_t bit = std::uint64_t{1} << (i % 64);
        bits_[i / 64] = taken ? bits_[i / 64] | bit : bits_[i / 64] & ~bit;
    }
}

void* fixed_pages::reserve(std::size_t bytes, std::size_t alignment) noexcept {
    const std::size_t count = align_up(bytes, page) / page;
    const std::size_t step = alignment > page ? alignment / page : 1;
    const sync::lock_guard guard(lock_);
    std::size_t first = (align_up(base_, alignment) - base_) / page;
    while (first + count <= pages_) {
        std::size_t run = 0;
        while (run < count && !taken(first + run)) ++run;
        if (run == count) {
            mark(first, count, true);
            void* p = pointer_at(base_ + first * page);
            std::memset(p, 0, count * page);  // a fresh range reads as zero, whatever it held before
            return p;
        }
        first += (run / step + 1) * step;
    }
    return nullptr;
}

void fixed_pages::release(void* p, std::size_t bytes) noexcept {
    const sync::lock_guard guard(lock_);
    mark((address_of(p) - base_) / page, align_up(bytes, page) / page, false);
}

}  // namespace framealloc::inline v1::os
