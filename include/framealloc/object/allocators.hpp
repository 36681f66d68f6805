// Standard allocators over every kind, for any standard container.
//
//   std::vector<int, fa::frame_allocator<int>> v(fa::frame_allocator<int>(frame));
//
// | allocator | equal when | copy assignment | move assignment | swap | copy construction |
// |---|---|---|---|---|---|
// | frame_allocator | same opening of the same frame | keeps the target's | propagates | propagates | same frame |
// | pool_allocator, heap_allocator | same smart_alloc family | keeps the target's | propagates | propagates | same
// allocator |
//
// On exhaustion: throws std::bad_alloc, and std::bad_array_new_length where n elements are more bytes than there are
// addresses; without exceptions the exhaustion handler decides.
// Elements of a standard container must be destroyed before its frame ends: the frame does not know them.
#pragma once

#include <framealloc/object/sources.hpp>

namespace framealloc::inline v1 {

namespace object {

[[noreturn]] void throw_bad_alloc();
[[noreturn]] void throw_bad_array_length();  // std::bad_array_new_length

// Something that leads to a source: a source, a frame_scope, a smart_alloc.
template <class From, class Source>
concept leads_to = requires(const From& f) {
    { Source(f.template source<Source>()) };
};

}  // namespace object

template <class T, class Source>
class standard_allocator {
public:
    using value_type = T;
    using propagate_on_container_copy_assignment = std::false_type;
    using propagate_on_container_move_assignment = std::true_type;
    using propagate_on_container_swap = std::true_type;
    using is_always_equal = std::false_type;
    template <class U>
    struct rebind {
        using other = standard_allocator<U, Source>;
    };

    // Effects: keeps the source, that of a frame_scope or smart_alloc, or that of an allocator of another type. Cost:
    // O(1).
    standard_allocator(Source s) noexcept : source_(s) {}
    template <class From>
        requires object::leads_to<From, Source>
    standard_allocator(const From& from) noexcept : source_(from.template source<Source>()) {}
    template <class U>
    standard_allocator(const standard_allocator<U, Source>& other) noexcept : source_(other.source()) {}

    // Returns: memory for n elements; of no elements one byte, as an address of its own. On exhaustion: throws
    // std::bad_alloc, or std::bad_array_new_length where n elements are more bytes than there are addresses; without
    // exceptions asks the exhaustion handler. Cost: the source's.
    [[nodiscard]] T* allocate(std::size_t n) {
        if (FRAMEALLOC_EXCEPTIONS && n > ~std::size_t{0} / sizeof(T)) object::throw_bad_array_length();
        const std::size_t bytes = n == 0 ? 1 : checked_product(n, sizeof(T));
        void* p = FRAMEALLOC_EXCEPTIONS ? source_.try_allocate(bytes, alignof(T)) : source_.allocate(bytes, alignof(T));
        if (p == nullptr) object::throw_bad_alloc();
        return static_cast<T*>(p);
    }
    // Requires: p is what allocate(n) of an equal allocator returned. Cost: the source's.
    void deallocate(T* p, std::size_t n) noexcept { source_.deallocate(p, n == 0 ? 1 : n * sizeof(T), alignof(T)); }

    // Returns: where the memory comes from. Cost: O(1).
    const Source& source() const noexcept FRAMEALLOC_LIFETIMEBOUND { return source_; }
    template <class U>
    friend bool operator==(const standard_allocator& a, const standard_allocator<U, Source>& b) noexcept {
        return a.source() == b.source();
    }

private:
    Source source_;
};

// Default-constructible, for containers that make their own allocator: `Get` is a function of yours that returns the
// smart_alloc (its heap serves, or the kind of `Source`) or the hook. All of one `Get` are equal.
//
//   fa::smart_alloc& level() { static fa::smart_alloc a; return a; }
//   template <class T> using json_memory = fa::bound_allocator<T, level>;
template <class T, auto Get, class Source = heap_source>
class bound_allocator {
public:
    using value_type = T;
    using is_always_equal = std::true_type;
    template <class U>
    struct rebind {
        using other = bound_allocator<U, Get, Source>;
    };

    // Effects: none: Get() is called for each allocation. Cost: O(1).
    constexpr bound_allocator() noexcept = default;
    template <class U>
    constexpr bound_allocator(const bound_allocator<U, Get, Source>&) noexcept {}

    // As standard_allocator's. On exhaustion: throws std::bad_alloc or std::bad_array_new_length; without exceptions
    // the program ends. Cost: that of Get() and its source.
    [[nodiscard]] T* allocate(std::size_t n) {
        if (FRAMEALLOC_EXCEPTIONS && n > ~std::size_t{0} / sizeof(T)) object::throw_bad_array_length();
        void* p = source().try_allocate(n == 0 ? 1 : checked_product(n, sizeof(T)), alignof(T));
        if (p == nullptr) object::throw_bad_alloc();
        return static_cast<T*>(p);
    }
    // Requires: p is what allocate(n) returned. Cost: that of Get() and its source.
    void deallocate(T* p, std::size_t n) noexcept { source().deallocate(p, n == 0 ? 1 : n * sizeof(T), alignof(T)); }
    template <class U>
    friend bool operator==(const bound_allocator&, const bound_allocator<U, Get, Source>&) noexcept {
        return true;
    }

private:
    static decltype(auto) source() noexcept {
        if constexpr (allocator_source<std::remove_cvref_t<decltype(Get())>>) return Get();
        else return Source(Get().template source<Source>());
    }
};

template <class T>
using frame_allocator = standard_allocator<T, frame_source>;
template <class T>
using pool_allocator = standard_allocator<T, pool_source>;
template <class T>
using heap_allocator = standard_allocator<T, heap_source>;

namespace object {

// std::pmr resources. A frame's lives in the frame; the others live as long as their allocator. Two of one frame, or of
// one allocator and kind, are equal: containers move and swap between them. Code that calls their members includes
// <memory_resource>, as for any other; here it would cost every file 0.3 s.
std::pmr::memory_resource* frame_resource(memory::frame_record* r) noexcept;
std::pmr::memory_resource* pool_resource(memory::core_ref a) noexcept;
std::pmr::memory_resource* heap_resource(memory::core_ref a) noexcept;

}  // namespace object

}  // namespace framealloc::inline v1
