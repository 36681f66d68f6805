// The library's own records: cut from pages by size, reused by size.
#include <framealloc/detail/os/metadata.hpp>

#include <bit>
#include <cstring>
#include <new>

#include <framealloc/detail/base/align.hpp>

namespace framealloc::inline v1::os {

namespace {
constexpr std::size_t span_bytes = 65536;  // one request serves a thread context and its tables
constexpr std::size_t span_header = 64;
}  // namespace

void* metadata::carve(std::size_t bytes, exhaustion_reason& why) noexcept {
    if (end_ - cursor_ < bytes) {
        const std::size_t want = align_up(bytes + span_header > span_bytes ? bytes + span_header : span_bytes,
                                          pages_.granularity());
        void* p = pages_.reserve(want, pages_.granularity(), why);
        if (p == nullptr) return nullptr;
        if (!pages_.commit(p, want, why)) {
            pages_.release(p, want, 0);
            return nullptr;
        }
        spans_ = ::new (p) span{spans_, want};
        cursor_ = address_of(p) + span_header;
        end_ = address_of(p) + want;
    }
    void* block = pointer_at(cursor_);
    cursor_ += bytes;
    return block;
}

bool metadata::refused() noexcept {
    if (refuse_in_ == 0) return false;
    if (--refuse_in_ != 0) return false;
    ++refusals_;
    refuse_in_ = refuse_forever_ ? 1 : 0;
    return true;
}

void* metadata::allocate(std::size_t bytes, exhaustion_reason& why) noexcept {
    const int log2 = bytes <= 64 ? smallest_log2 : static_cast<int>(std::bit_width(bytes - 1));
    const std::size_t size = std::size_t{1} << log2;
    void* p = nullptr;
    {
        const sync::lock_guard guard(lock_);
        if (refused()) {
            why = exhaustion_reason::system_refused;
            return nullptr;
        }
        free_block*& head = free_[log2 - smallest_log2];
        if (head != nullptr) {
            p = head;
            head = head->next;
        } else {
            p = carve(size, why);
        }
    }
    if (p != nullptr) std::memset(p, 0, size);
    return p;
}

void metadata::deallocate(void* p, std::size_t bytes) noexcept {
    if (p == nullptr) return;
    const int log2 = bytes <= 64 ? smallest_log2 : static_cast<int>(std::bit_width(bytes - 1));
    const sync::lock_guard guard(lock_);
    free_block*& head = free_[log2 - smallest_log2];
    head = ::new (p) free_block{head};
}

void metadata::release_all() noexcept {
    while (spans_ != nullptr) {
        span* s = spans_;
        spans_ = s->next;
        pages_.release(s, s->bytes, s->bytes);
    }
    cursor_ = end_ = 0;
    for (free_block*& head : free_) head = nullptr;
}

}  // namespace framealloc::inline v1::os
