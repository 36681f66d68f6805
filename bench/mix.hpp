// 4,000 blocks of 16 to 1,024 bytes live; each operation frees one of them and allocates another.
#pragma once

#include "sources.hpp"

namespace bench {

template <class S>
class mix final : public runner {
public:
    static constexpr std::size_t operations = 4096;
    mix() { fill(); }
    explicit mix(const S& source) : source_(source) { fill(); }
    mix(const functions& f)
        requires std::is_constructible_v<S, const functions&>
        : source_(f) {
        fill();
    }
    ~mix() override {
        for (const block& b : live_) source_.free(b.p, b.bytes);
    }
    double pass() override {
        double sum = 0;
        for (const step& s : steps_) {
            block& b = live_[s.slot];
            source_.free(b.p, b.bytes);
            b = made(s.bytes);
            sum += s.bytes;
        }
        return sum;
    }

private:
    struct block {
        void* p;
        std::size_t bytes;
    };
    struct step {
        std::uint16_t slot, bytes;
    };
    block made(std::size_t n) {
        void* p = source_.allocate(n);
        *static_cast<std::uint64_t*>(p) = n;
        return {p, n};
    }
    void fill() {
        sequence s(11);
        for (block& b : live_) b = made(16 + s.below(1009));
        for (step& t : steps_)
            t = {static_cast<std::uint16_t>(s.below(live_.size())), static_cast<std::uint16_t>(16 + s.below(1009))};
    }
    S source_{};
    std::vector<block> live_ = std::vector<block>(4000);
    std::vector<step> steps_ = std::vector<step>(operations);
};

}  // namespace bench
