// Where an object's memory comes from, one type a kind. All satisfy allocator_source, the concept own containers are
// written against; allocator_ref erases the type.
//
//   template <fa::allocator_source Source> class my_array { … source_.try_allocate(bytes, align) … };
#pragma once

#include <concepts>

#include <framealloc/core/pool.hpp>
#include <framealloc/lifetime/frame_ref.hpp>

namespace framealloc::inline v1 {

// try_allocate returns null when exhausted. deallocate is told size and alignment. try_grow makes a block longer in
// place or says no.
template <class S>
concept allocator_source = requires(const S& s, void* p, std::size_t n) {
    { s.try_allocate(n, n) } -> std::same_as<void*>;
    { s.deallocate(p, n, n) };
    { s.try_grow(p, n, n, n) } -> std::same_as<bool>;
};

// Memory of one frame: the one that was open when the source was made, even inside inner ones.
class frame_source {
public:
    frame_source() noexcept = default;
    explicit frame_source(memory::frame_record* r) noexcept : frame_(r) {}

    [[nodiscard]] void* allocate(std::size_t bytes, std::size_t align) const noexcept {
        return frame_.allocate(bytes, align, memory::on_failure::ask_handler);
    }
    [[nodiscard]] void* try_allocate(std::size_t bytes, std::size_t align) const noexcept {
        return frame_.allocate(bytes, align, memory::on_failure::return_null);
    }
    void deallocate(void* p, std::size_t bytes, std::size_t) const noexcept { frame_.deallocate(p, bytes); }
    [[nodiscard]] bool try_grow(void* p, std::size_t old_bytes, std::size_t new_bytes, std::size_t) const noexcept {
        return frame_.try_grow(p, old_bytes, new_bytes);
    }
    const lifetime::frame_ref& frame() const noexcept FRAMEALLOC_LIFETIMEBOUND { return frame_; }
    friend bool operator==(const frame_source&, const frame_source&) noexcept = default;

private:
    lifetime::frame_ref frame_;
};

FRAMEALLOC_ANY_SIZE_BEGIN
class pool_source {
public:
    static constexpr memory_kind kind = memory_kind::pool;
    pool_source() noexcept = default;
    explicit pool_source(memory::core_ref a) noexcept : owner_(a) {}

    [[nodiscard]] void* allocate(std::size_t bytes, std::size_t align) const noexcept {
        return memory::pool_allocate_bytes(owner_, bytes, align, memory::on_failure::ask_handler);
    }
    [[nodiscard]] void* try_allocate(std::size_t bytes, std::size_t align) const noexcept {
        return memory::pool_allocate_bytes(owner_, bytes, align, memory::on_failure::return_null);
    }
    void deallocate(void* p, std::size_t bytes, std::size_t align) const noexcept {
        memory::pool_free_bytes(owner_, p, bytes, align);
    }
    [[nodiscard]] bool try_grow(void* p, std::size_t old_bytes, std::size_t new_bytes,
                                std::size_t align) const noexcept {
        const unsigned k = memory::class_for(old_bytes, align);
        if (owner_.owner->probes.guarded())
            return new_bytes == old_bytes;  // a zone begins where the block ends, and the size is recorded
        if (k == memory::no_class || memory::class_for(new_bytes, align) != k) return false;
        return !owner_.owner->probes.samples() || memory::page_of(p)->size_class != memory::sampled_class;  // the same
    }
    memory::core_ref owner() const noexcept { return owner_; }
    friend bool operator==(const pool_source& a, const pool_source& b) noexcept { return a.owner_.id == b.owner_.id; }

private:
    memory::core_ref owner_;
};

class heap_source {
public:
    static constexpr memory_kind kind = memory_kind::heap;
    heap_source() noexcept = default;
    explicit heap_source(memory::core_ref a) noexcept : owner_(a) {}

    [[nodiscard]] void* allocate(std::size_t bytes, std::size_t align) const noexcept {
        return memory::heap_allocate(owner_, bytes, align, memory::on_failure::ask_handler);
    }
    [[nodiscard]] void* try_allocate(std::size_t bytes, std::size_t align) const noexcept {
        return memory::heap_allocate(owner_, bytes, align, memory::on_failure::return_null);
    }
    void deallocate(void* p, std::size_t bytes, std::size_t align) const noexcept {
        memory::heap_free(owner_, p, bytes, align);
    }
    [[nodiscard]] bool try_grow(void*, std::size_t, std::size_t, std::size_t) const noexcept { return false; }
    memory::core_ref owner() const noexcept { return owner_; }
    friend bool operator==(const heap_source& a, const heap_source& b) noexcept { return a.owner_.id == b.owner_.id; }

private:
    memory::core_ref owner_;
};

FRAMEALLOC_ANY_SIZE_END
// Any source behind one type of four words. Copying it copies the reference.
class allocator_ref {
public:
    template <allocator_source S>
        requires(!std::same_as<S, allocator_ref> && std::is_trivially_copyable_v<S> && sizeof(S) <= 24)
    allocator_ref(const S& source) noexcept : operations_(&table<S>) {
        ::new (static_cast<void*>(storage_)) S(source);
    }

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
