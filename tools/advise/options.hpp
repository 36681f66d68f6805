// The options that framealloc-advise and framealloc-replay share, so that the replay uses the same advice.
#pragma once

#include <CLI/CLI.hpp>

#include "sites.hpp"

namespace advise {

inline void add_options(CLI::App& app, study_options& o) {
    app.add_option("--site-depth", o.depth, "return addresses that make a place")
        ->check(CLI::Range(1U, static_cast<unsigned>(trace::deepest_stack)))
        ->capture_default_str();
    app.add_option("--warm-up", o.warm_up,
                   "frames of warm-up before the steady state, from 0; by default found in the trace")
        ->check(CLI::Range(std::uint64_t{0}, std::uint64_t{1} << 40));
    app.add_option("--own", o.own, "a library to treat as the program's own, such as libgame.so; may be repeated")
        ->allow_extra_args(false);
    app.add_option("--library", o.foreign,
                   "a library to treat as foreign; by default those in the system's folders; may be repeated")
        ->allow_extra_args(false);
}

}  // namespace advise
