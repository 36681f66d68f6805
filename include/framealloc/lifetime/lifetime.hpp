// Barriers, checkpoints and frame holds: what decides how long memory lives.
#pragma once

#include <framealloc/lifetime/barrier.hpp>
#include <framealloc/lifetime/checkpoint.hpp>
#include <framealloc/lifetime/hold.hpp>
