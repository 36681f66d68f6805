// Every contestant of a workload in turns, the order rotated from round to round; medians with their spread. A turn
// begins with a pass that is not timed.
#pragma once

#include <optional>

#include "bench.hpp"

namespace bench {

struct settings {
    unsigned rounds = 31;
    double slice_us = 400;  // of one contestant in one round
    std::vector<std::string> arguments{};  // that this program was called with
};

struct spread {
    double least = 0, lower = 0, median = 0, upper = 0, most = 0;  // lower and upper are the quartiles
};

struct result {
    std::string name;
    std::string missing{};  // why it is not here
    std::string against{};
    spread figure{};  // in the workload's unit
    std::optional<spread> ratio{};  // framealloc / this, round by round
    std::vector<double> rounds{};
};

struct verdict {
    std::string rival;
    std::string ours;
    std::string row;
    double limit = 0;
    std::optional<spread> ratio{};  // none: a side is not here
    bool met() const { return ratio && ratio->median <= limit; }
};

struct outcome {
    const workload* of = nullptr;
    std::vector<result> results{};
    std::vector<verdict> verdicts{};
};

// What a new process does for measure::fresh_time and measure::figure: one pass of one contestant. Returns the figure.
double measure_alone(const workload& w, std::size_t contestant);

// Throws std::runtime_error when two contestants did not do the same work.
outcome measure_one(const workload& w, const settings& s);

}  // namespace bench
