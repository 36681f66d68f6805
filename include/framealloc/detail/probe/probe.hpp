// Observes a thread's allocations: guarded blocks and frames, sampled blocks, an observer.
#pragma once

#include <framealloc/detail/probe/block_report.hpp>
#include <framealloc/detail/probe/front.hpp>
#include <framealloc/detail/probe/guarded.hpp>
#include <framealloc/detail/probe/guarded_frames.hpp>
#include <framealloc/detail/probe/hooks.hpp>
#include <framealloc/detail/probe/revoke.hpp>
#include <framealloc/detail/probe/sampled.hpp>
#include <framealloc/detail/probe/watch.hpp>
