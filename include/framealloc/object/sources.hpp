// Where an object's memory comes from, one type a kind. All satisfy allocator_source, the concept own containers are
// written against; allocator_ref erases the type.
//
//   template <fa::allocator_source Source> class my_array { … source_.try_allocate(bytes, align) … };
#pragma once

#include <concepts>

#include <framealloc/detail/core/heap_front.hpp>
#include <framealloc/detail/lifetime/frame_ref.hpp>

namespace framealloc::inline v1 {

// try_allocate returns null when exhausted. deallocate receives size and alignment. try_grow makes a block longer in
// place or returns false.
template <class S>
concept allocator_source = requires(const S& s, void* p, std::size_t n) {
    { s.try_allocate(n, n) } -> std::same_as<void*>;
    { s.deallocate(p, n, n) };
    { s.try_grow(p, n, n, n) } -> std::same_as<bool>;
};

namespace object {

// A source whose memory is not freed block by block, but ends all at once: with what end_of(source) says, which is
// declared beside the source; see detail/object/storage.hpp.
template <class S>
concept ends_at_once = allocator_source<S> && requires { requires !traits_of(S::kind).freed_singly; };

}  // namespace object

// Memory of one frame: the one that was open when the source was made, even inside inner ones.
class frame_source {
public:
    static constexpr memory_kind kind = memory_kind::frame;
    // Effects: leads to no memory, or to that of one opening of a frame. Cost: O(1).
    frame_source() noexcept = default;
    explicit frame_source(memory::frame_record* r) noexcept : frame_(r) {}

    // Requires: the frame is open; after its end FA002, and the memory is of the frame that is open then. Returns:
    // memory of the frame until it ends; a rollback to a checkpoint that is younger than the source spares it. On
    // exhaustion: allocate() asks the exhaustion handler and never returns null; try_allocate() returns null. Threads:
    // the frame's alone (FA430). Cost: O(1).
    [[nodiscard]] void* allocate(std::size_t bytes, std::size_t align) const noexcept {
        return frame_.allocate(bytes, align, memory::on_failure::ask_handler);
    }
    [[nodiscard]] void* try_allocate(std::size_t bytes, std::size_t align) const noexcept {
        return frame_.allocate(bytes, align, memory::on_failure::return_null);
    }
    // Effects: frees at once what is out of line and what is the last block of the arena; everything else waits for
    // the frame's end, and so does what framealloc's own containers leave in the arena when they are destroyed.
    // Threads: the frame's alone; while guarded FA211 on another. Cost: O(chunks of the arena).
    void deallocate(void* p, std::size_t bytes, std::size_t) const noexcept { frame_.deallocate(p, bytes); }
    // Requires: new_bytes >= old_bytes. Returns: whether the block was made longer where it is: it was the last one of
    // the arena, of the frame on top. On exhaustion: false. Cost: O(1).
    [[nodiscard]] bool try_grow(void* p, std::size_t old_bytes, std::size_t new_bytes, std::size_t) const noexcept {
        return frame_.try_grow(p, old_bytes, new_bytes);
    }
    // Returns: the frame. Cost: O(1).
    const lifetime::frame_ref& frame() const noexcept FRAMEALLOC_LIFETIMEBOUND { return frame_; }
    // Returns: what the memory ends with: the frame. Cost: O(1).
    friend const lifetime::frame_ref& end_of(const frame_source& s) noexcept { return s.frame_; }
    friend bool operator==(const frame_source&, const frame_source&) noexcept = default;

private:
    lifetime::frame_ref frame_;
};

FRAMEALLOC_ANY_SIZE_BEGIN
class pool_source {
public:
    static constexpr memory_kind kind = memory_kind::pool;
    // Effects: leads to no memory, or to the pool of an allocator. Cost: O(1).
    pool_source() noexcept = default;
    explicit pool_source(memory::core_ref a) noexcept : owner_(a) {}

    // Returns: a block of the pool, or of the heap where it is larger than options::pool_max. On exhaustion: allocate()
    // asks the exhaustion handler and never returns null; try_allocate() returns null. Threads: any. Cost: O(1) where
    // the thread's page has a free block.
    [[nodiscard]] void* allocate(std::size_t bytes, std::size_t align) const noexcept {
        return memory::pool_allocate_bytes(owner_, bytes, align, memory::on_failure::ask_handler);
    }
    [[nodiscard]] void* try_allocate(std::size_t bytes, std::size_t align) const noexcept {
        return memory::pool_allocate_bytes(owner_, bytes, align, memory::on_failure::return_null);
    }
    // Requires: p is null or a block of this allocator's pool, of this size and alignment; in debug FA411 to FA418
    // otherwise. Threads: any. Cost: O(1).
    void deallocate(void* p, std::size_t bytes, std::size_t align) const noexcept {
        memory::pool_free_bytes(owner_, p, bytes, align);
    }
    // Returns: whether the block is large enough as it is, being of the same size class. Cost: O(1).
    [[nodiscard]] bool try_grow(void* p, std::size_t old_bytes, std::size_t new_bytes,
                                std::size_t align) const noexcept {
        const unsigned k = memory::class_for(old_bytes, align);
        if (owner_.owner->probes.guarded())
            return new_bytes == old_bytes;  // a zone begins where the block ends, and the size is recorded
        if (k == memory::no_class || memory::class_for(new_bytes, align) != k) return false;
        return !owner_.owner->probes.samples() || memory::page_of(p)->size_class != memory::sampled_class;  // the same
    }
    // Returns: the allocator. Cost: O(1).
    memory::core_ref owner() const noexcept { return owner_; }
    friend bool operator==(const pool_source& a, const pool_source& b) noexcept { return a.owner_.id == b.owner_.id; }

private:
    memory::core_ref owner_;
};

class heap_source {
public:
    static constexpr memory_kind kind = memory_kind::heap;
    // Effects: leads to no memory, or to the heap of an allocator. Cost: O(1).
    heap_source() noexcept = default;
    explicit heap_source(memory::core_ref a) noexcept : owner_(a) {}

    // Returns: a block of the heap. On exhaustion: allocate() asks the exhaustion handler and never returns null;
    // try_allocate() returns null. Threads: any. Cost: O(1) up to 4 KiB, and beyond where the thread has kept a block
    // of that size; otherwise a lock and a search in bins.
    [[nodiscard]] void* allocate(std::size_t bytes, std::size_t align) const noexcept {
        return memory::heap_allocate(owner_, bytes, align, memory::on_failure::ask_handler);
    }
    [[nodiscard]] void* try_allocate(std::size_t bytes, std::size_t align) const noexcept {
        return memory::heap_allocate(owner_, bytes, align, memory::on_failure::return_null);
    }
    // Requires: p is null or a block of this allocator's heap, of this size and alignment; in debug FA411 to FA418
    // otherwise. Threads: any. Cost: as allocate().
    void deallocate(void* p, std::size_t bytes, std::size_t align) const noexcept {
        memory::heap_free(owner_, p, bytes, align);
    }
    // Returns: false: heap blocks do not grow in place. Cost: O(1).
    [[nodiscard]] bool try_grow(void*, std::size_t, std::size_t, std::size_t) const noexcept { return false; }
    // Returns: the allocator. Cost: O(1).
    memory::core_ref owner() const noexcept { return owner_; }
    friend bool operator==(const heap_source& a, const heap_source& b) noexcept { return a.owner_.id == b.owner_.id; }

private:
    memory::core_ref owner_;
};

FRAMEALLOC_ANY_SIZE_END

// Any source behind one type of four words. Copying it copies the reference.
class allocator_ref {
public:
    // Requires: the source is trivially copyable, at most 24 bytes, aligned to at most 8. Effects: keeps a copy of it.
    // Cost: O(1), no allocation.
    template <allocator_source S>
        requires(!std::same_as<S, allocator_ref> && std::is_trivially_copyable_v<S> && sizeof(S) <= 24 &&
                 alignof(S) <= 8)
    allocator_ref(const S& source) noexcept : operations_(&table<S>) {
        ::new (static_cast<void*>(storage_)) S(source);
    }

    // As the source's members. On exhaustion: try_allocate() returns null, try_grow() false. Threads: as the source's.
    // Cost: an indirect call more.
    [[nodiscard]] void* try_allocate(std::size_t bytes, std::size_t align) const noexcept {
        return operations_->allocate(storage_, bytes, align);
    }
    void deallocate(void* p, std::size_t bytes, std::size_t align) const noexcept {
        operations_->deallocate(storage_, p, bytes, align);
    }
    [[nodiscard]] bool try_grow(void* p, std::size_t old_bytes, std::size_t new_bytes,
                                std::size_t align) const noexcept {
        return operations_->grow(storage_, p, old_bytes, new_bytes, align);
    }

private:
    struct operations {
        void* (*allocate)(const void*, std::size_t, std::size_t) noexcept;
        void (*deallocate)(const void*, void*, std::size_t, std::size_t) noexcept;
        bool (*grow)(const void*, void*, std::size_t, std::size_t, std::size_t) noexcept;
    };
    template <class S>
    static constexpr operations table{[](const void* s, std::size_t n, std::size_t a) noexcept {
                                          return static_cast<const S*>(s)->try_allocate(n, a);
                                      },
                                      [](const void* s, void* p, std::size_t n, std::size_t a) noexcept {
                                          static_cast<const S*>(s)->deallocate(p, n, a);
                                      },
                                      [](const void* s, void* p, std::size_t o, std::size_t n, std::size_t a) noexcept {
                                          return static_cast<const S*>(s)->try_grow(p, o, n, a);
                                      }};

    const operations* operations_;
    alignas(8) unsigned char storage_[24] = {};
};

}  // namespace framealloc::inline v1
