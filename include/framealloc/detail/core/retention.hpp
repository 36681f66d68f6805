// How much memory a thread's frames keep between them, and what capacity would have sufficed.
#pragma once

#include <cstddef>
#include <cstdint>

namespace framealloc::inline v1::memory {

enum class retain_policy : std::uint8_t { all, high_water, bytes };

class retention {
public:
    // Frames have this many bytes in use.
    void note_use(std::size_t bytes) noexcept {
        if (bytes > window_peak_) window_peak_ = bytes;
    }
    // The arena grew; it would not have at this capacity.
    void suggest(std::size_t capacity) noexcept { suggested_ = capacity; }
    // The same of a frame with a block that was too large for the arena.
    void suggest_for_oversize(std::size_t capacity) noexcept {
        if (capacity > oversize_need_) oversize_need_ = capacity;
    }
    std::size_t suggested() const noexcept { return suggested_; }
    std::size_t suggested_with_oversize() const noexcept {
        return suggested_ > oversize_need_ ? suggested_ : oversize_need_;
    }

    // The most that a frame may leave behind from now on. Returns whether that is a decision of this call. `amount`:
    // frames with high_water, otherwise bytes.
    bool decide(retain_policy policy, std::size_t amount, std::uint64_t frame) noexcept {
        if (policy == retain_policy::bytes) {
            bytes_ = amount;
            return true;
        }
        if (frame - window_start_ < amount) return false;
        window_start_ = frame;
        bytes_ = window_peak_;
        window_peak_ = 0;
        return true;
    }
    std::size_t bytes() const noexcept { return bytes_; }
    // Number of the frame that the last decision was made in.
    std::uint64_t decided_in() const noexcept { return window_start_; }

private:
    std::size_t bytes_ = 0;  // to keep, as decided last
    std::size_t window_peak_ = 0;  // most in use since then
    std::uint64_t window_start_ = 0;
    std::size_t suggested_ = 0;
    std::size_t oversize_need_ = 0;
};

}  // namespace framealloc::inline v1::memory
