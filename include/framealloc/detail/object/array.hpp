// n value-initialised elements in frame memory, destroyed when the frame ends.
#pragma once

#include <span>

#include <framealloc/detail/lifetime/finaliser.hpp>
#include <framealloc/detail/object/construct.hpp>

namespace framealloc::inline v1::object {

struct array_header : lifetime::finaliser {
    std::size_t n;
};

template <class T>
std::span<T> make_array(memory::frame_record* r, std::size_t n, memory::on_failure f) {
    if (n == 0) return {};
    constexpr bool plain = std::is_trivially_destructible_v<T>;
    constexpr std::size_t align = alignof(T) > alignof(array_header) ? alignof(T) : alignof(array_header);
    constexpr std::size_t lead = plain ? 0 : align_up(sizeof(array_header), align);
    const std::size_t bytes = checked_product(n, sizeof(T));
    void* p = lifetime::allocate(r, bytes > largest_request ? bytes : bytes + lead, plain ? alignof(T) : align, f);
    if (p == nullptr) return {};
    T* first = static_cast<T*>(static_cast<void*>(static_cast<char*>(p) + lead));
    construct_values(first, n);
    if constexpr (!plain) {
        auto* header = ::new (p) array_header;
        header->n = n;
        lifetime::add_finaliser(
            r, header,
            [](lifetime::finaliser* self) noexcept {
                auto* h = static_cast<array_header*>(self);
                T* elements = std::launder(static_cast<T*>(static_cast<void*>(reinterpret_cast<char*>(h) + lead)));
                destroy(elements, elements + h->n);
            },
            epoch_of(*r->context));
    }
    return {first, n};
}

}  // namespace framealloc::inline v1::object
