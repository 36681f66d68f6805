// The lifetimes of blocks: which place allocated them, in which frame, and when and where they were freed.
#pragma once

#include "reader.hpp"

#include <unordered_map>

namespace trace {

struct block {
    std::uint64_t size;     // bytes
    std::uint64_t serial;   // of all blocks, from 0
    std::uint32_t stack;
    std::uint32_t thread;
    std::uint32_t frame;    // marks before it
    std::uint8_t alignment_log2;
    bool resized = false;   // made by realloc from another block
};

struct ending {
    std::uint32_t frame;
    std::uint32_t thread;
    bool by_growth;  // its content goes on in another block, as a vector's does, or after realloc
    bool by_resize = false;  // by realloc: that block has not been seen yet
};

class lives {
public:
    virtual ~lives() = default;
    virtual void born(block&) {}
    virtual void died(const block&, const ending&) {}
    virtual void frame(std::uint32_t number, std::uint64_t time_ns, std::uint32_t thread) {
        static_cast<void>(number), static_cast<void>(time_ns), static_cast<void>(thread);
    }
    virtual void left(const block&) {}  // alive at the end of the trace

    // Throws error. `site_of` maps stacks to places, to recognise the growth of vectors.
    void follow(const recording& r, const std::function<std::uint32_t(std::uint32_t)>& site_of);

    std::uint64_t unknown_ends() const { return unknown_; }  // frees of blocks whose allocation is not recorded

private:
    class follower;
    std::uint64_t unknown_ = 0;
};

}  // namespace trace
