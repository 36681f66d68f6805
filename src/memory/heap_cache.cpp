// Bins as the large heap has them, without coalescing: the last block freed of a size is the next one taken.
#include <framealloc/detail/memory/heap_cache.hpp>

#include <framealloc/detail/base/align.hpp>

namespace framealloc::inline v1::memory {

namespace {

constexpr std::size_t floor_bytes = std::size_t{8} << 20;  // a thread may keep this many whatever it uses

}  // namespace

heap_block* heap_cache::take(std::size_t bytes, std::size_t align) noexcept {
    if (align > widest_alignment || bins_ == nullptr) return nullptr;
    heap_block*& bin = bins_[heap_bin_ceiling(align_up(bytes + sizeof(heap_block), sizeof(heap_block)))];
    heap_block* b = bin;
    if (b == nullptr) return nullptr;
    bin = next(b);
    bytes_ -= b->bytes;
    return b;
}

bool heap_cache::put(heap_block* b, std::size_t committed, os::metadata& meta) noexcept {
    if (bins_ == nullptr) {
        exhaustion_reason why{};
        bins_ = meta.allocate_array<heap_block*>(heap_bin_count + 1, why);
        if (bins_ == nullptr) return false;
    }
    if (bytes_ + b->bytes > floor_bytes + committed / 8) return false;
    const unsigned bin = heap_bin_floor(b->bytes);
    if (heap_bin_bytes(bin) != b->bytes) return false;  // cut for a wide alignment: back to where it can coalesce
    next(b) = bins_[bin];
    bins_[bin] = b;
    bytes_ += b->bytes;
    return true;
}

}  // namespace framealloc::inline v1::memory
