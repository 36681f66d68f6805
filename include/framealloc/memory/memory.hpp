// Where bytes come from: arenas, size classes, pool pages, the heap, and the contexts that hold them per thread.
#pragma once

#include <framealloc/memory/blocks.hpp>
#include <framealloc/memory/context.hpp>
#include <framealloc/memory/core.hpp>
#include <framealloc/memory/large_heap.hpp>
#include <framealloc/memory/page.hpp>
#include <framealloc/memory/pool.hpp>
#include <framealloc/memory/record.hpp>
#include <framealloc/memory/size_class.hpp>
