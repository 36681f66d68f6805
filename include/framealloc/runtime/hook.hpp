// Memory for a library that accepts malloc-style functions: an allocator, a kind and a tag behind one pointer.
//
//   fa::hook lua{alloc, fa::memory_kind::heap, "scripts"};
//   lua_State* l = lua_newstate([](void* h, void* p, std::size_t, std::size_t n) { return
//   static_cast<fa::hook*>(h)->reallocate(p, n); }, &lua);
//
// What is allocated through it is charged to its tag, whatever tag is open. Blocks are as those of the allocator: they
// may be freed on any thread, by address alone or with their size, and resized. Where memory is exhausted the functions
// return null, as malloc does; the exhaustion handler is not asked. A block of 0 bytes is one of the smallest size.
// Threads: any number may use one hook. Requires: it stays where it is while the library uses it, and outlives that.
// Cost: 90 instructions for a block of 64 bytes and back, 111 where another tag is open
// (scripts/count_instructions.py).
#pragma once

#include <cstddef>
#include <string_view>

#include <framealloc/base/observer.hpp>
#include <framealloc/detail/core/blocks.hpp>
#include <framealloc/detail/core/life.hpp>

namespace framealloc::inline v1 {

// What a block that is out can hold, in bytes; see detail/core/blocks.hpp. Of null: 0. Requires: a pool or heap block.
// To use all of it, ask good_size() for a size to allocate: compilers know what was asked for, and -D_FORTIFY_SOURCE
// ends a program that writes past that size.
inline std::size_t usable_size(const void* p) noexcept { return memory::usable_size(p); }

class hook {
public:
    static constexpr std::size_t default_alignment = alignof(std::max_align_t);

    // Requires: a kind whose blocks are freed singly, pool or heap; FA445 otherwise, and the hook allocates nothing.
    // `tag` is a path from the root, "engine::scripts"; without one, or without memory for a new name, the open tag is
    // charged.
    template <class Alloc>
        requires requires(const Alloc& a) { memory::core_ref(a.owner()); }
    explicit hook(const Alloc& alloc, memory_kind kind = memory_kind::heap, std::string_view tag = {}) noexcept
        : hook(alloc.owner(), kind, tag) {}
    hook(const hook& other) noexcept : source_(other.source_) { memory::retain_core(source_.owner); }
    hook& operator=(const hook& other) noexcept {
        memory::retain_core(other.source_.owner);
        memory::release_core(source_.owner);
        source_ = other.source_;
        return *this;
    }
    ~hook() { memory::release_core(source_.owner); }

    // Requires: align is a power of two; FA431 otherwise. Returns: a block of at least `bytes`, the smallest one of 0
    // bytes; from allocate_zeroed() with all bytes zero (pages fresh from the system are so already, and not touched).
    // On exhaustion: null. Threads: any. Cost: constant for blocks in pages; zeroing O(bytes).
    [[nodiscard]] void* allocate(std::size_t bytes, std::size_t align = default_alignment) const noexcept {
        return memory::allocate_block(source_, bytes, align);
    }
    [[nodiscard]] void* allocate_zeroed(std::size_t bytes, std::size_t align = default_alignment) const noexcept {
        return memory::allocate_zeroed_block(source_, bytes, align);
    }
    // Requires: a block of this allocator, or null. Effects: as realloc: null is allocated, 0 bytes are freed (and null
    // is returned); otherwise the block stays where it is, or moves with what it holds; one beyond 1 MiB moves without
    // copying where the system can. resize() is for a caller that knows the old size. Returns: the block. On
    // exhaustion: null, and the old block is as it was. Threads: any that may free the block. Cost: O(bytes) where it
    // is copied.
    [[nodiscard]] void* reallocate(void* p, std::size_t bytes, std::size_t align = default_alignment) const noexcept {
        if (bytes != 0) return memory::resize_block(source_, p, bytes, align);
        memory::free_block(source_, p);
        return nullptr;
    }
    [[nodiscard]] void* resize(void* p, std::size_t /*old_bytes*/, std::size_t bytes,
                               std::size_t align = default_alignment) const noexcept {
        return reallocate(p, bytes, align);
    }
    // Requires: a block of this allocator. Effects: makes it `bytes` long where it is, or leaves it. Returns: whether;
    // in debug never, so that what still points at the old place is found. Threads: any that may free the block. Cost:
    // O(1).
    [[nodiscard]] bool try_grow(void* p, std::size_t /*old_bytes*/, std::size_t bytes,
                                std::size_t align = default_alignment) const noexcept {
        return memory::resize_in_place(source_.owner, p, bytes, align);
    }
    // Requires: a block of this allocator, or null; the size and alignment, if given, are those it was allocated or
    // resized with, in debug FA418 otherwise. Effects: gives the block back. Threads: any. Cost: constant for blocks in
    // pages.
    void deallocate(void* p) const noexcept { memory::free_block(source_, p); }
    void deallocate(void* p, std::size_t bytes, std::size_t align = default_alignment) const noexcept {
        memory::free_sized_block(source_, p, bytes, align);
    }
    // Returns: what a block of at least `bytes` can hold. Threads: any. Cost: O(1).
    std::size_t good_size(std::size_t bytes, std::size_t align = default_alignment) const noexcept {
        return memory::good_size(source_, bytes, align);
    }

    // Returns: as allocate(): a hook is an allocator_source, for own containers and standard_allocator. On exhaustion:
    // null. Threads: any. Cost: as allocate().
    [[nodiscard]] void* try_allocate(std::size_t bytes, std::size_t align) const noexcept {
        return allocate(bytes, align);
    }
    friend bool operator==(const hook& a, const hook& b) noexcept {
        return a.source_.owner.id == b.source_.owner.id && a.source_.kind == b.source_.kind;
    }

private:
    hook(const memory::core_ref& owner, memory_kind kind, std::string_view tag) noexcept;

    memory::block_source source_;
};

}  // namespace framealloc::inline v1
