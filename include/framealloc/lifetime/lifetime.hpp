// How long bytes live: frames, what runs at their end, checkpoints, holds.
#pragma once

#include <framealloc/lifetime/barrier.hpp>
#include <framealloc/lifetime/checkpoint.hpp>
#include <framealloc/lifetime/finaliser.hpp>
#include <framealloc/lifetime/frame.hpp>
#include <framealloc/lifetime/frame_ref.hpp>
#include <framealloc/lifetime/hold.hpp>
