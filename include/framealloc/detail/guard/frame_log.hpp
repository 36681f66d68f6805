// The blocks that a thread's frames allocated from one arena, oldest first, and those that ended lately.
#pragma once

#include <cstddef>
#include <cstdint>

#include <framealloc/base/site.hpp>
#include <framealloc/detail/guard/own_memory.hpp>

namespace framealloc::inline v1::account {
struct tag_node;
}

namespace framealloc::inline v1::guard {

struct frame_block {
    std::uintptr_t front = 0;   // of the zone before the block: the cursor as it was
    std::uintptr_t begin = 0;   // of the block
    std::uintptr_t end = 0;     // of the bytes asked for
    std::uintptr_t cursor = 0;  // after the zone
    std::uint64_t padding = 0;  // bytes of zones up to here, all blocks of the log
    const account::tag_node* tag = nullptr;
    site born{}, died{};        // died: the end of its frame, or what gave it back before
    std::uint64_t frame = 0;    // number of the outermost frame
    std::uint32_t depth = 0;
    bool apart = false;      // on pages of its own
    bool left = false;       // its container has grown out of it: filled with dead_byte
    bool revoked = false;  // and not accessible
};

class frame_log {
public:
    bool push(frame_block b, std::uint64_t more_padding) noexcept {
        b.padding = padding() + more_padding;
        return blocks_.push(b);
    }
    std::size_t height() const noexcept { return blocks_.size(); }
    std::uint64_t padding() const noexcept { return height() == 0 ? 0 : blocks_.back().padding; }
    frame_block& top() noexcept { return blocks_.back(); }
    const frame_block& top() const noexcept { return blocks_.back(); }
    void pop() noexcept { blocks_.resize_down(height() - 1); }
    const frame_block* containing(std::uintptr_t p) const noexcept {
        for (std::size_t i = height(); i != 0; --i) {
            if (p >= blocks_[i - 1].begin && p < blocks_[i - 1].end) return &blocks_[i - 1];
        }
        return nullptr;
    }
    // One of the newest `most` that begins there. Null: none.
    frame_block* find(std::uintptr_t begin, std::size_t most) noexcept {
        for (std::size_t i = height(); i != 0 && most-- != 0; --i) {
            if (blocks_[i - 1].begin == begin) return &blocks_[i - 1];
        }
        return nullptr;
    }
    const frame_block& at(std::size_t i) const noexcept { return blocks_[i]; }
    void release() noexcept { blocks_.release(); }

private:
    own_array<frame_block> blocks_;
};

// Null without memory for it.
frame_log* make_frame_log() noexcept;
void destroy(frame_log* log) noexcept;  // null: nothing

// The last two thousand that ended, so that the report of a stray access can name the block.
class frame_history {
public:
    static constexpr std::size_t most = 2048;

    void put(const frame_block& b) noexcept {
        if (ring_.size() == 0 && !ring_.make_zeroed(most)) return;
        ring_[next_++ % most] = b;
    }
    // The youngest that contained `p`.
    const frame_block* containing(std::uintptr_t p) const noexcept {
        const std::size_t n = next_ < ring_.size() ? next_ : ring_.size();
        for (std::size_t i = 1; i <= n; ++i) {
            const frame_block& b = ring_[(next_ - i) % most];
            if (p >= b.begin && p < b.end) return &b;
        }
        return nullptr;
    }
    void release() noexcept { ring_.release(); }

private:
    own_array<frame_block> ring_;
    std::size_t next_ = 0;
};

}  // namespace framealloc::inline v1::guard
