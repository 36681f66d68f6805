// What framealloc-advise and framealloc-replay are told in the same words, so that the second plays what the first
// says.
#pragma once

#include <CLI/CLI.hpp>

#include "sites.hpp"

namespace advise {

inline void add_options(CLI::App& app, study_options& o) {
    app.add_option("--site-depth", o.depth, "return addresses that make a place")
        ->check(CLI::Range(1U, static_cast<unsigned>(trace::deepest_stack)))
        ->capture_default_str();
    app.add_option("--warm-up", o.warm_up, "frames before the steady state, from 0; found in the trace by default")
        ->check(CLI::Range(std::uint64_t{0}, std::uint64_t{1} << 40));
    app.add_option("--own", o.own, "a library that is the program's own, as in libgame.so; may be given again")
        ->allow_extra_args(false);
    app.add_option("--library", o.foreign, "a library that is not; by default those in the system's folders are not")
        ->allow_extra_args(false);
}

}  // namespace advise
