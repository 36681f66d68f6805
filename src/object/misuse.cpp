// Mistakes with containers and boxes. Out of the headers, where they would cost <stdexcept> and every access its
// report.
#include <framealloc/detail/core/life.hpp>
#include <framealloc/detail/core/report.hpp>
#include <framealloc/object/shared.hpp>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string>

namespace framealloc::inline v1::object {

namespace {

// For the process where the allocator was destroyed, or never existed.
void raise_at(memory::core_ref a, code what, const char* detail) noexcept {
    const site where = os::own_call();
    if (memory::core* c = a.owner == nullptr ? nullptr : memory::pin_core(a.id)) {
        c->raise({.what = what, .detail = detail, .where = where});
        return memory::release_core(memory::reference_to(*c));
    }
    memory::raise_for_process({.what = what, .detail = detail, .where = where});
}

// A number before the first element, as it is counted, is negative: -1 of an empty container is where its last one
// would be.
struct position_text {
    char text[160];
    position_text(const char* what, std::size_t index, std::size_t size) noexcept {
        char of[64] = "an empty container";
        if (size != 0) std::snprintf(of, sizeof of, "a container of %zu elements", size);
        const auto i = static_cast<std::ptrdiff_t>(index);
        if (size == 0 && i == -1) std::snprintf(text, sizeof text, "the last %s, of %s", what, of);
        else std::snprintf(text, sizeof text, "%s %td, of %s", what, i, of);
    }
};

void raise_index(memory::core_ref a, const char* what, std::size_t index, std::size_t size) noexcept {
    raise_at(a, code::FA439, position_text(what, index, size).text);
}

}  // namespace

void raise_out_of_range(memory::core_ref a, const char* what, std::size_t index, std::size_t size) noexcept {
    raise_index(a, what, index, size);
}

void refuse_index(memory::core_ref a, std::size_t index, std::size_t size) noexcept {
    raise_index(a, "element", index, size);
    std::abort();
}

void raise_no_entry(memory::core_ref a, const char* what) noexcept { raise_at(a, code::FA439, what); }

void refuse_end() noexcept {
    raise_at({}, code::FA439, "the end of a map, which refers to no entry");
    std::abort();
}

void refuse_empty(memory::core_ref a, const char* what) noexcept {
    raise_at(a, code::FA444, what);
    std::abort();
}

#if FRAMEALLOC_EXCEPTIONS
void throw_out_of_range(memory::core_ref, std::size_t index, std::size_t size) {
    throw std::out_of_range(std::string("framealloc: ") + position_text("element", index, size).text);
}
void throw_missing_key(memory::core_ref, std::size_t size) {
    char text[100];
    std::snprintf(text, sizeof text, "framealloc: a key that is not in the map of %zu entries", size);
    throw std::out_of_range(text);
}
void throw_expired() { throw std::bad_weak_ptr(); }
#else
void throw_out_of_range(memory::core_ref a, std::size_t index, std::size_t size) {
    raise_index(a, "element", index, size);
    std::abort();
}
void throw_missing_key(memory::core_ref a, std::size_t size) {
    char detail[100];
    std::snprintf(detail, sizeof detail, "a key that is not in the map of %zu entries", size);
    raise_at(a, code::FA439, detail);
    std::abort();
}
void throw_expired() { refuse_empty({}, "a pool_shared of an expired pool_weak"); }
#endif

void raise_no_source(bool ends) noexcept {
    raise_at({}, code::FA440,
             "a container that was made without an allocator or a frame has to grow; "
             "make it with a frame or an allocator: "
             "frame.vec(), alloc.pool_map(), alloc.heap_string()");
    if (ends) std::abort();
}

}  // namespace framealloc::inline v1::object
