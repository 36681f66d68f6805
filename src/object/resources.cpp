// The std::pmr faces of the kinds. With src/memory/backend.cpp and misuse.cpp the only files of the core that know of
// exceptions.
#include <framealloc/detail/core/report.hpp>
#include <framealloc/detail/object/state.hpp>
#include <framealloc/detail/probe/front.hpp>
#include <framealloc/object/allocators.hpp>

#include <cstdlib>
#include <cstring>
#include <memory_resource>

namespace framealloc::inline v1::object {

#if FRAMEALLOC_EXCEPTIONS
void throw_bad_alloc() { throw std::bad_alloc(); }
void throw_bad_array_length() { throw std::bad_array_new_length(); }
#else
void throw_bad_array_length() { throw_bad_alloc(); }
void throw_bad_alloc() {
    memory::report_for_process({.what = code::FA003, .detail = "no std::bad_alloc without exceptions"});
    std::abort();
}
#endif

namespace {

// By the tables of their virtual functions: a dynamic_cast would read the type of a resource of the user, which has
// none where that is compiled with -fno-rtti.
bool same_class(const std::pmr::memory_resource& a, const std::pmr::memory_resource& b) noexcept {
    return std::memcmp(static_cast<const void*>(&a), static_cast<const void*>(&b), sizeof(void*)) == 0;
}

constexpr std::size_t at_least_one(std::size_t bytes) noexcept { return bytes == 0 ? 1 : bytes; }

// What is done at once, in few instructions; of everything else null, or false.
void* take(const frame_source& s, std::size_t bytes, std::size_t align) noexcept {
    return end_of(s).take(bytes, align);
}
void* take(const pool_source& s, std::size_t bytes, std::size_t align) noexcept {
    return memory::pool_take_small(s.owner(), bytes, align);
}
void* take(const heap_source&, std::size_t, std::size_t) noexcept { return nullptr; }
constexpr bool in_page(std::size_t bytes, std::size_t align) noexcept {
    return bytes <= memory::largest_class_size && align <= 16;
}
bool give_back(const pool_source&, void* p, std::size_t bytes, std::size_t align) noexcept {
    if (p == nullptr || !in_page(bytes, align)) return false;
    memory::pool_free(p);
    return true;
}
template <class Source>
bool give_back(const Source&, void*, std::size_t, std::size_t) noexcept {
    return false;
}

template <class Source>
class resource : public std::pmr::memory_resource {
public:
    explicit resource(Source s) noexcept : source_(s) {}

protected:
    Source source_;

private:
    void* do_allocate(std::size_t bytes, std::size_t align) override {
        void* p = take(source_, bytes, align);
        return p != nullptr ? p : allocate_slow(bytes, align);
    }
    void do_deallocate(void* p, std::size_t bytes, std::size_t align) override {
        if (!give_back(source_, p, bytes, align)) deallocate_slow(p, bytes, align);
    }
    // Out of line, and of the same arguments, so that the others wait in their registers.
    [[gnu::noinline]] void* allocate_slow(std::size_t bytes, std::size_t align) {
        const std::size_t n = at_least_one(bytes);
        void* p = FRAMEALLOC_EXCEPTIONS ? source_.try_allocate(n, align) : source_.allocate(n, align);
        if (p == nullptr) throw_bad_alloc();
        return p;
    }
    [[gnu::noinline]] void deallocate_slow(void* p, std::size_t bytes, std::size_t align) noexcept {
        source_.deallocate(p, at_least_one(bytes), align);
    }
    // A frame's resources are as many as were asked for, and all the same.
    bool do_is_equal(const std::pmr::memory_resource& other) const noexcept override {
        return this == &other || (same_class(*this, other) && source_ == static_cast<const resource&>(other).source_);
    }
};

// Of an allocator whose blocks are guarded: what is said of a block is looked at before it is freed.
template <class Source>
class guarded_resource final : public resource<Source> {
    using resource<Source>::resource;

    void do_deallocate(void* p, std::size_t bytes, std::size_t align) override {
        memory::guarded_free(this->source_.owner(), Source::kind, p, at_least_one(bytes), align, {});
    }
};

template <class Source>
resource<Source>* make_resource(void* memory, memory::core_ref a) noexcept {
    static_assert(sizeof(guarded_resource<Source>) == sizeof(resource<Source>));
    if (a.owner->probes.guarded()) return ::new (memory) guarded_resource<Source>(Source(a));
    return ::new (memory) resource<Source>(Source(a));
}

template <class Source>
std::pmr::memory_resource* shared_resource(memory::core_ref a, sync::atomic<void*>& place) noexcept {
    if (void* known = place.load_acquire()) return static_cast<resource<Source>*>(known);  // pairs: below
    for (;;) {
        exhaustion_reason why{};
        void* memory = metadata_of(*a.owner).allocate(sizeof(resource<Source>), why);
        if (memory == nullptr) {
            a.owner->exhausted_metadata(why, sizeof(resource<Source>), alignof(resource<Source>));
            continue;
        }
        auto* made = make_resource<Source>(memory, a);
        void* expected = nullptr;
        if (place.publish(expected, made)) return made;  // pairs: above
        metadata_of(*a.owner).deallocate(memory, sizeof(resource<Source>));
        return static_cast<resource<Source>*>(expected);
    }
}

}  // namespace

std::pmr::memory_resource* frame_resource(memory::frame_record* r) noexcept {
    using type = resource<frame_source>;
    void* p = lifetime::allocate<sizeof(type), alignof(type)>(r);
    return ::new (p) type(frame_source(r));
}

std::pmr::memory_resource* pool_resource(memory::core_ref a) noexcept {
    return shared_resource<pool_source>(a, state_of(*a.owner).pool_face);
}
std::pmr::memory_resource* heap_resource(memory::core_ref a) noexcept {
    return shared_resource<heap_source>(a, state_of(*a.owner).heap_face);
}

}  // namespace framealloc::inline v1::object
