// Where a program's warm-up ends.
#pragma once

#include "sites.hpp"

namespace advise {

// Sets advice::warm_up and still_changing, from counted sites. The steady state is what the second half of the frames
// shows; the warm-up consists of the frames before it that differ in one of three ways:
// - the places that make three quarters of the second half's blocks had not all begun;
// - in at least half of the frames up to the warm-up's end, places were active that make or keep blocks only in the
//   first half (at least 35 blocks), or that made more than twice what they make in any frame of the second half;
// - they include every frame that makes blocks, because the second half makes none. The warm-up is at most half of the
//   frames, and leaves at least `needed_frames`.
void find_warm_up(advice& a, const trace::recording& r, const std::function<std::uint32_t(std::uint32_t)>& site_of);

}  // namespace advise
