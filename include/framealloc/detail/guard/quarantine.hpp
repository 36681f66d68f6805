// Freed blocks whose memory is not reused yet: first in, first out.
#pragma once

#include <cstddef>
#include <cstdint>

#include <framealloc/detail/guard/own_memory.hpp>

namespace framealloc::inline v1::guard {

class quarantine {
public:
    static constexpr std::size_t most_blocks = 512;            // a thread's
    static constexpr std::size_t most_bytes = std::size_t{4} << 20;

    struct entry {
        std::uintptr_t block;  // as the user knew it
        std::size_t bytes;     // that count towards most_bytes
        bool large;            // from the large heap, not from a page
    };
    // Returns false without memory for the ring.
    bool put(entry e) noexcept {
        if (ring_.size() == 0 && !ring_.make_zeroed(most_blocks + 1)) return false;
        ring_[(first_ + count_++) % ring_.size()] = e;
        bytes_ += e.bytes;
        return true;
    }
    bool overfull() const noexcept { return count_ > most_blocks || bytes_ > most_bytes; }
    bool empty() const noexcept { return count_ == 0; }
    std::size_t size() const noexcept { return count_; }
    entry take() noexcept {
        const entry e = ring_[first_];
        first_ = (first_ + 1) % ring_.size();
        --count_;
        bytes_ -= e.bytes;
        return e;
    }
    template <class F>
    void for_each(F&& f) const {
        for (std::size_t i = 0; i < count_; ++i) f(ring_[(first_ + i) % ring_.size()]);
    }
    void release() noexcept { ring_.release(); }

private:
    own_array<entry> ring_;
    std::size_t first_ = 0;
    std::size_t count_ = 0;
    std::size_t bytes_ = 0;
};

}  // namespace framealloc::inline v1::guard
