// Static memory that begins where a page may: no object file of Windows aligns it so far (8 KiB are the most).
#pragma once

#include <cstddef>
#include <cstdint>

#include <framealloc/detail/base/align.hpp>

namespace test {

template <std::size_t Pages = 1>
class page_memory {
public:
    static constexpr std::size_t page_bytes = 65536;
    unsigned char* page(std::size_t i = 0) noexcept {
        const std::uintptr_t first = framealloc::align_up(framealloc::address_of(room_), page_bytes);
        return static_cast<unsigned char*>(framealloc::pointer_at(first + i * page_bytes));
    }

private:
    unsigned char room_[(Pages + 1) * page_bytes];
};

}  // namespace test
