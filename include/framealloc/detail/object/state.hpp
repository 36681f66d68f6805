// What the room object keeps in an allocator. Internal to it.
#pragma once

#include <framealloc/detail/core/core.hpp>

namespace framealloc::inline v1::object {

// Values handed from thread to thread; see object/transfer.hpp.
struct transfer_counters {
    sync::atomic<std::uint64_t> initiated{0}, completed{0}, dropped{0}, bytes{0};
};

struct allocator_state {
    static constexpr memory::upper_floor floor = memory::upper_floor::object;

    transfer_counters transfers;
    sync::atomic<void*> pool_face{nullptr}, heap_face{nullptr};  // of std::pmr, made when first asked for
};

inline allocator_state& state_of(memory::core& a) noexcept { return a.upper.get<allocator_state>(); }
inline const allocator_state& state_of(const memory::core& a) noexcept { return a.upper.get<allocator_state>(); }

}  // namespace framealloc::inline v1::object
