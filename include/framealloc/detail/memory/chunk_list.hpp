// Chunks that are not in use, kept for the next growth. The newest first.
#pragma once

#include <framealloc/detail/memory/chunk_space.hpp>

namespace framealloc::inline v1::memory {

class chunk_list {
public:
    bool empty() const noexcept { return first_ == nullptr; }
    const arena_chunk* first() const noexcept { return first_; }
    void put(arena_chunk* k) noexcept {
        k->previous = first_;
        first_ = k;
    }
    // The first that holds this many bytes, or null.
    arena_chunk* take(std::size_t bytes) noexcept {
        arena_chunk** link = &first_;
        while (*link != nullptr && (*link)->size() < bytes) link = &(*link)->previous;
        arena_chunk* k = *link;
        if (k != nullptr) *link = k->previous;
        return k;
    }
    arena_chunk* take_first() noexcept { return take(0); }
    // Of all of them.
    std::size_t bytes() const noexcept { return sum(&arena_chunk::size); }
    std::size_t accessible() const noexcept { return sum(&arena_chunk::accessible); }

private:
    std::size_t sum(std::size_t (arena_chunk::*of)() const noexcept) const noexcept {
        std::size_t n = 0;
        for (const arena_chunk* k = first_; k != nullptr; k = k->previous) n += (k->*of)();
        return n;
    }

    arena_chunk* first_ = nullptr;
};

}  // namespace framealloc::inline v1::memory
