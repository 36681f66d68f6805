// How long bytes live: frames, what runs at their end, checkpoints, holds.
#pragma once

#include <framealloc/lifetime/barrier.hpp>
#include <framealloc/lifetime/checkpoint.hpp>
#include <framealloc/lifetime/hold.hpp>
