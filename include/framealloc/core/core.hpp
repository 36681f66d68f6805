// One allocator and what its threads have of it: the parts of the room memory, composed.
#pragma once

#include <framealloc/core/accounts.hpp>
#include <framealloc/core/allocator.hpp>
#include <framealloc/core/blocks.hpp>
#include <framealloc/core/budgets.hpp>
#include <framealloc/core/context.hpp>
#include <framealloc/core/frame_arena.hpp>
#include <framealloc/core/heap.hpp>
#include <framealloc/core/life.hpp>
#include <framealloc/core/limits.hpp>
#include <framealloc/core/pool.hpp>
#include <framealloc/core/probed.hpp>
#include <framealloc/core/record.hpp>
#include <framealloc/core/remote.hpp>
#include <framealloc/core/report.hpp>
#include <framealloc/core/trim.hpp>
