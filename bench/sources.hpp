// Where blocks come from, in the shape that workloads take: allocate<N>() with a size that the compiler knows,
// allocate(n) with one that it does not, and free() of both.
#pragma once

#include <memory_resource>

#include <framealloc/framealloc.hpp>

#include "bench.hpp"
#include "rivals.hpp"

namespace bench {

namespace fa = framealloc;

template <std::size_t N>
inline constexpr std::size_t alignment_of = N % 8 == 0 ? 8 : 1;
template <std::size_t N, std::size_t Align = alignment_of<N>>
struct alignas(Align) bytes_of {
    std::byte bytes[N];
};

// The allocator that the workloads of one process share: behind a pointer, as a program has it, and not in a function
// that asks at each use whether it is there. Never destroyed.
inline const fa::smart_alloc* const shared_allocator = new fa::smart_alloc{
    fa::options{.name = "bench", .frame_capacity = std::size_t{32} << 20, .prefault = true}};
[[gnu::always_inline]] inline const fa::smart_alloc& ours() { return *shared_allocator; }

// Blocks of an allocator that a contestant has to itself, as each malloc is its own: blocks of two share no pages.
struct our_pool {
    template <std::size_t N>
    void* allocate() const {
        return alloc.pool_alloc<bytes_of<N>>();
    }
    template <std::size_t N>
    void free(void* p) const {
        alloc.pool_free(static_cast<bytes_of<N>*>(p));
    }
    void* allocate(std::size_t n) const { return alloc.pool_alloc_bytes(n); }
    void free(void* p, std::size_t n) const { alloc.pool_free_bytes(p, n); }
    void trim() const { alloc.trim(); }

    fa::smart_alloc alloc{};
};
struct our_heap {
    template <std::size_t N>
    void* allocate() const {
        return alloc.heap_alloc<bytes_of<N>>();
    }
    template <std::size_t N>
    void free(void* p) const {
        alloc.heap_free(static_cast<bytes_of<N>*>(p));
    }
    void* allocate(std::size_t n) const { return alloc.heap_alloc_bytes(n); }
    void free(void* p, std::size_t n) const { alloc.heap_free_bytes(p, n); }

    fa::smart_alloc alloc{};
};

// Any of ours behind two function pointers that are read again for each call, with a size that is not known.
template <class Source>
struct by_pointer {
    template <std::size_t N>
    void* allocate() const {
        return allocate(N);
    }
    template <std::size_t N>
    void free(void* p) const {
        free(p, N);
    }
    void* allocate(std::size_t n) const { return allocate_(source_, n); }
    void free(void* p, std::size_t n) const { free_(source_, p, n); }

private:
    Source source_{};
    void* (*volatile allocate_)(const Source&, std::size_t) = [](const Source& s, std::size_t n) {
        return s.allocate(n);
    };
    void (*volatile free_)(const Source&, void*, std::size_t) = [](const Source& s, void* p, std::size_t n) {
        s.free(p, n);
    };
};

struct by_malloc {
    by_malloc(const functions& f) : f_(f) {}
    template <std::size_t N>
    void* allocate() const {
        return f_.allocate(N);
    }
    template <std::size_t N>
    void free(void* p) const {
        f_.free(p);
    }
    void* allocate(std::size_t n) const { return f_.allocate(n); }
    void free(void* p, std::size_t) const { f_.free(p); }
    void enter_thread() const {
        if (f_.enter_thread != nullptr) f_.enter_thread();
    }
    void leave_thread() const {
        if (f_.leave_thread != nullptr) f_.leave_thread();
    }

private:
    functions f_;
};

// A resource of std::pmr whose type the compiler knows, so that no call is virtual: its functions are named.
template <class Resource>
struct known_resource final : Resource {
    using Resource::Resource;
    void* take(std::size_t n, std::size_t align) { return Resource::do_allocate(n, align); }
    void give(void* p, std::size_t n, std::size_t align) { Resource::do_deallocate(p, n, align); }
};
template <class Resource>
struct by_resource {
    template <std::size_t N>
    void* allocate() const {
        return resource_->take(N, alignof(bytes_of<N>));
    }
    template <std::size_t N>
    void free(void* p) const {
        resource_->give(p, N, alignof(bytes_of<N>));
    }
    void* allocate(std::size_t n) const { return resource_->take(n, alignof(std::max_align_t)); }
    void free(void* p, std::size_t n) const { resource_->give(p, n, alignof(std::max_align_t)); }

private:
    std::unique_ptr<known_resource<Resource>> resource_ = std::make_unique<known_resource<Resource>>();
};
using known_monotonic = known_resource<std::pmr::monotonic_buffer_resource>;

// The limit: a list of blocks of one size in one array, of one thread.
template <std::size_t Blocks>
struct by_hand {
    template <std::size_t N>
    void* allocate() {
        if (memory_.empty()) carve(N);
        void* p = free_;
        if (p != nullptr) [[likely]]
            free_ = *static_cast<void**>(p);
        return p;
    }
    template <std::size_t N>
    void free(void* p) {
        *static_cast<void**>(p) = free_;
        free_ = p;
    }

private:
    [[gnu::noinline, gnu::cold]] void carve(std::size_t n) {
        memory_.resize(Blocks * n);
        for (std::size_t i = Blocks; i-- != 0;) {
            void* p = memory_.data() + i * n;
            *static_cast<void**>(p) = free_;
            free_ = p;
        }
    }

    std::vector<std::byte> memory_;
    void* free_ = nullptr;
};

template <class W, class... Args>
contestant entry(std::string name, Args... args) {
    return {.name = std::move(name), .make = [=] { return std::make_unique<W>(args...); }};
}
inline contestant not_here(std::string name, std::string why) {
    return {.name = std::move(name), .missing = std::move(why)};
}

// The same numbers in every run and for every contestant.
class sequence {
public:
    explicit sequence(std::uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15U + 1) {}
    std::uint64_t next() {
        state_ ^= state_ << 13;
        state_ ^= state_ >> 7;
        state_ ^= state_ << 17;
        return state_;
    }
    std::size_t below(std::size_t n) { return static_cast<std::size_t>((next() >> 11) % n); }

private:
    std::uint64_t state_;
};

}  // namespace bench
