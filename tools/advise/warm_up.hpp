// Where a program's warm-up ends.
#pragma once

#include "sites.hpp"

namespace advise {

// Sets advice::warm_up and still_changing, from sites that are counted. The steady state is what the second half of the
// frames shows; the warm-up are the frames before it that differ in one of three ways:
// - places that make three quarters of the second half's blocks had not all begun;
// - in at least half of the frames up to its end, places were at work that make or keep blocks in the first half only
//   (35 of them at least), or made
//   more than twice of what they make in any frame of the second half;
// - they are all frames that make blocks, and the second half makes none.
// It is half of the frames at most, and leaves `needed_frames` at least.
void find_warm_up(advice& a, const trace::recording& r, const std::function<std::uint32_t(std::uint32_t)>& site_of);

}  // namespace advise
