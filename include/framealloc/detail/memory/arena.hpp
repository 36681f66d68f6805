// Memory that is allocated by moving a cursor, out of one chunk after another. Whose cursor that is, and what it means
// when it goes back, is its user's affair: a frame's record, a scratch buffer, a group.
//
//   arena a;
//   if (!a.open(*space.make(nullptr, 1_MiB, why))) …
//   std::uintptr_t cursor = a.start();
//   …                                        // move it up to a.limit()
//   a.push(*another, cursor, 0);             // full: go on in another chunk
//   cursor = a.newest().begin;
//   while (!a.holds(mark)) spare.put(a.pop());   // back to a cursor of before
//
// Cost: nothing of it is on a fast path, which compares the cursor with a copy of limit().
#pragma once

#include <framealloc/detail/memory/chunk_space.hpp>

namespace framealloc::inline v1::memory {

class arena {
public:
    void open(arena_chunk& first) noexcept {
        newest_ = &first;
        first.previous = nullptr;
        start_ = first.begin;
        earlier_ = 0;
    }
    bool is_open() const noexcept { return newest_ != nullptr; }
    // One chunk in place of the only one, which is its caller's from now on.
    arena_chunk* replace(arena_chunk& whole) noexcept {
        arena_chunk* was = newest_;
        open(whole);
        return was;
    }

    arena_chunk& newest() const noexcept { return *newest_; }
    bool has_grown() const noexcept { return newest_->previous != nullptr; }
    // Where its first chunk begins.
    std::uintptr_t start() const noexcept { return start_; }
    // Up to where the newest chunk is accessible and may be used.
    std::uintptr_t limit() const noexcept {
        const std::uintptr_t usable = newest_->usable_end();
        return newest_->committed < usable ? newest_->committed : usable;
    }

    // Goes on in this chunk. `cursor`: where it was in the newest one; `padding`: of what was allocated so far, bytes
    // that do not count.
    void push(arena_chunk& k, std::uintptr_t cursor, std::uint64_t padding) noexcept {
        k.earlier = earlier_;
        earlier_ += used_in_newest(cursor, padding);
        k.padding = padding;
        k.previous = newest_;
        newest_ = &k;
    }
    // Takes the newest chunk off. Null from an arena that has none any more.
    arena_chunk* pop() noexcept {
        arena_chunk* k = newest_;
        if (k == nullptr) return nullptr;
        newest_ = k->previous;
        earlier_ = k->earlier;
        return k;
    }
    // Whether a cursor is in the newest chunk. One at its end is.
    bool holds(std::uintptr_t cursor) const noexcept { return cursor >= newest_->begin && cursor <= newest_->end; }

    // Bytes allocated, `cursor` being in the newest chunk.
    std::size_t used(std::uintptr_t cursor, std::uint64_t padding) const noexcept {
        return earlier_ + used_in_newest(cursor, padding);
    }
    std::size_t used_in_newest(std::uintptr_t cursor, std::uint64_t padding) const noexcept {
        return cursor - newest_->begin - (padding - newest_->padding);
    }
    std::size_t used_below() const noexcept { return earlier_; }  // in the chunks below the newest
    // So many of the bytes allocated so far no longer count; used() is of those since. Wraps around, as sizes do, until
    // they are recalled, which is before the cursor goes back below them.
    void forget(std::size_t bytes) noexcept { earlier_ -= bytes; }
    void recall(std::size_t bytes) noexcept { earlier_ += bytes; }

    bool contains(std::uintptr_t p) const noexcept {
        const arena_chunk* k = newest_;
        while (k != nullptr && !k->contains(p)) k = k->previous;
        return k != nullptr;
    }
    // Calls f(chunk, bytes allocated below it), the newest first, until it returns true. Whether it did.
    template <class F>
    bool find_chunk(F&& f) const {
        std::size_t below = earlier_;
        for (arena_chunk* k = newest_; k != nullptr; below = k->earlier, k = k->previous) {
            if (f(*k, below)) return true;
        }
        return false;
    }

private:
    arena_chunk* newest_ = nullptr;
    std::uintptr_t start_ = 0;
    std::size_t earlier_ = 0;
};

}  // namespace framealloc::inline v1::memory
