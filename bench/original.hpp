// The workloads of the original (framealloc 0.11, in Rust), as its benchmarks define them. Where it let itself do less
// than its rivals, both stand here: its way, and the same work for all. Each has a contestant behind function pointers.
#pragma once

#include "frame_sources.hpp"

#include <cstring>
#include <thread>

namespace bench {

// Groups of a frame: Count blocks of Bytes, aligned to Align.
template <std::size_t Count, std::size_t Bytes, std::size_t Align = 1>
struct blocks {
    static constexpr std::size_t count = Count, bytes = Bytes, align = Align;
};
// Count times one block of each size, alignment 1.
template <std::size_t Count, std::size_t... Bytes>
struct rounds_of {
    static constexpr std::size_t count = Count, bytes = (Bytes + ...);
};

inline constexpr int not_filled = -1, with_number = 256;

template <std::size_t Bytes, int Fill>
inline void fill(void* p, [[maybe_unused]] std::size_t i) {
    keep(p);
    if constexpr (Fill != not_filled) {
        std::memset(p, Fill == with_number ? static_cast<int>(i & 255) : Fill, Bytes);
        keep(p);
    }
}

template <int Fill, class Frame, std::size_t Count, std::size_t Bytes, std::size_t Align>
void allocate(Frame& frame, blocks<Count, Bytes, Align>) {
    for (std::size_t i = 0; i < Count; ++i) fill<Bytes, Fill>(frame.template allocate<Bytes, Align>(), i);
}
template <int Fill, class Frame, std::size_t Count, std::size_t... Bytes>
void allocate(Frame& frame, rounds_of<Count, Bytes...>) {
    for (std::size_t i = 0; i < Count; ++i) (fill<Bytes, Fill>(frame.template allocate<Bytes, 1>(), i), ...);
}

// A frame begins, hands out its groups and ends.
template <class S, int Fill, class... Groups>
class original_frame final : public runner {
public:
    original_frame() = default;
    original_frame(const functions& f)
        requires std::is_constructible_v<S, const functions&>
        : source_(f) {}
    double pass() override {
        auto frame = source_.open();
        (allocate<Fill>(frame, Groups{}), ...);
        return static_cast<double>((std::size_t{0} + ... + (Groups::count * Groups::bytes)));
    }

private:
    S source_{};
};

inline constexpr const char* begun_name = "framealloc, begin_frame";
inline constexpr const char* filled_name = "framealloc, filled";
inline constexpr const char* pointer_name = "framealloc, by pointer";

inline contestant against(contestant c, const char* other) {
    c.against = other;
    return c;
}

}  // namespace bench
