// One allocator and what its threads have of it: the parts of the room memory, composed.
#pragma once

#include <framealloc/detail/core/accounts.hpp>
#include <framealloc/detail/core/allocator.hpp>
#include <framealloc/detail/core/blocks.hpp>
#include <framealloc/detail/core/budgets.hpp>
#include <framealloc/detail/core/context.hpp>
#include <framealloc/detail/core/frame_arena.hpp>
#include <framealloc/detail/core/heap.hpp>
#include <framealloc/detail/core/heap_front.hpp>
#include <framealloc/detail/core/life.hpp>
#include <framealloc/detail/core/limits.hpp>
#include <framealloc/detail/core/pool.hpp>
#include <framealloc/detail/core/probed.hpp>
#include <framealloc/detail/core/record.hpp>
#include <framealloc/detail/core/remote.hpp>
#include <framealloc/detail/core/report.hpp>
#include <framealloc/detail/core/trim.hpp>
