// Chunks: pieces of address space that an arena hands memory out of, made accessible as it is needed.
//
//   chunk_space space{ledger, metadata, lock};
//   arena_chunk* k = space.make(nullptr, 1_MiB, memory_kind::frame, why);
//   if (space.commit_to(*k, k->begin + 100, why)) …      // [begin, begin + 100) can be written
//   space.destroy(k);
//
// Threads: a chunk belongs to one thread; the list of all is guarded by the lock, which the functions take.
#pragma once

#include <cstddef>
#include <cstdint>

#include <framealloc/base/fault.hpp>
#include <framealloc/base/kind.hpp>
#include <framealloc/detail/base/align.hpp>
#include <framealloc/detail/memory/cursor.hpp>
#include <framealloc/detail/os/metadata.hpp>
#include <framealloc/detail/os/page_ledger.hpp>
#include <framealloc/detail/sync/lock.hpp>

namespace framealloc::inline v1::memory {

struct thread_context;  // who uses a chunk; nothing is known of it here

// The bytes themselves carry no header.
struct arena_chunk {
    arena_chunk* previous;  // in its arena, or of those that are spare
    thread_context* owner;
    arena_chunk* next_all;  // of the space, under its lock
    arena_chunk** link_all;
    std::uintptr_t begin;
    std::uintptr_t committed;  // end of the accessible part
    std::uintptr_t end;
    std::size_t earlier;  // bytes allocated in the chunks below when this one was chained
    std::uint64_t padding;  // bytes of zones below, when this one was chained
    std::uint32_t depth;  // while ended frames are revoked: of the frame it belongs to
    memory_kind kind;  // of what is handed out of it
    std::size_t revoked;  // bytes that were accessible
    std::uint64_t frame;  // number of the frame it was revoked with
    std::uintptr_t touched;  // while guarded: what is above the cursor and below this is filled with dead_byte

    std::size_t size() const noexcept { return end - begin; }
    std::size_t accessible() const noexcept { return committed - begin; }
    bool contains(std::uintptr_t p) const noexcept { return p >= begin && p < end; }
    // The last granule stays unused: a cursor at a chunk's end must not be taken for the start of its neighbour.
    std::uintptr_t usable_end() const noexcept { return end - cursor_granularity; }
};

class chunk_space {
public:
    chunk_space(os::page_ledger& pages, os::metadata& meta, sync::lock& lock) noexcept
        : pages_(pages), meta_(meta), lock_(lock) {}

    // What is accessible in part becomes no huge page: it is made so whole.
    void prefer_huge_pages() noexcept { huge_pages_ = true; }

    // At least `bytes` for memory of that kind, nothing of it accessible yet. Null with `why` set.
    arena_chunk* make(thread_context* owner, std::size_t bytes, memory_kind kind, exhaustion_reason& why) noexcept;
    void destroy(arena_chunk* k) noexcept;

    // Makes the chunk accessible up to `end`, and a little ahead. False with `why` set.
    bool commit_to(arena_chunk& k, std::uintptr_t end, exhaustion_reason& why) noexcept;
    // Gives back what is accessible beyond `end`, a multiple of granularity(). Requires: nobody uses it.
    void decommit_from(arena_chunk& k, std::uintptr_t end) noexcept;
    std::size_t granularity() const noexcept { return pages_.granularity(); }

    // The chunk where the address is, or null. Requires: the lock is held, or the caller handles an access fault.
    const arena_chunk* find(std::uintptr_t p) const noexcept {
        const arena_chunk* k = first_;
        while (k != nullptr && !k->contains(p)) k = k->next_all;
        return k;
    }

private:
    os::page_ledger& pages_;
    os::metadata& meta_;
    sync::lock& lock_;
    arena_chunk* first_ = nullptr;
    bool huge_pages_ = false;
};

}  // namespace framealloc::inline v1::memory
