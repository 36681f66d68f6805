// What looks over a thread's shoulder: guarded blocks and frames, sampled blocks, an observer.
#pragma once

#include <framealloc/probe/blame.hpp>
#include <framealloc/probe/front.hpp>
#include <framealloc/probe/guarded.hpp>
#include <framealloc/probe/guarded_frames.hpp>
#include <framealloc/probe/hooks.hpp>
#include <framealloc/probe/revoke.hpp>
#include <framealloc/probe/sampled.hpp>
#include <framealloc/probe/watch.hpp>
